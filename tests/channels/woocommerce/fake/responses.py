"""WordPress's responses: pages of lists, selected fields, dates, batches."""

from __future__ import annotations

import json
import zlib
from collections.abc import Callable, Iterable, Mapping, Sequence
from datetime import datetime
from typing import Any
from urllib.parse import urlencode

from flask import Response, g, request

from tests.channels.woocommerce.fake.rest import ATHENS, Refusal


def reply(value: Any, status: int = 200, headers: Mapping[str, str] | None = None) -> Response:
    """Return a response with the requested fields only."""
    fields = g.get("fields") or request.args.get("_fields")
    if fields and status < 300:
        value = _only(value, fields)
    response = Response(json.dumps(value), status, mimetype="application/json")
    response.headers["Content-Type"] = "application/json; charset=UTF-8"
    response.headers.update(headers or {})
    return response


def _tree(fields: str) -> dict[str, Any]:
    """Return the wanted keys as a tree."""
    wanted: dict[str, Any] = {}
    for field in (name.strip() for name in fields.split(",")):
        here = wanted
        for part in field.split("."):
            here = here.setdefault(part, {})
    return wanted


def entry_fields(row: dict[str, Any], entry: Mapping[str, Any]) -> dict[str, Any]:
    """Return the fields that an entry of a batch names, and a few that WooCommerce always adds."""
    fields = entry.get("_fields")
    return _chosen(row, {**_tree(fields), "brands": {}, "_links": {}}) if fields else row


def _only(value: Any, fields: str) -> Any:
    wanted = _tree(fields)
    if isinstance(value, list):
        return [_chosen(row, wanted) for row in value]
    links = {"_links": {}} if isinstance(value, dict) and "_links" in value else {}  # a single thing keeps its links
    return _chosen(value, {**wanted, **links}) or [] if isinstance(value, dict) else value  # PHP's empty array


def _chosen(row: Mapping[str, Any], wanted: Mapping[str, Any]) -> dict[str, Any]:
    """Return the wanted keys of a row; inside lists nothing can be selected."""
    result = {}
    for key, value in row.items():
        if key not in wanted:
            continue
        inner = wanted[key]
        if inner and isinstance(value, dict):
            result[key] = _chosen(value, inner)
        elif inner and isinstance(value, list):
            if key in ("create", "update", "delete"):
                result[key] = []
        else:
            result[key] = value
    return result


def page(
    rows: Iterable[Any],
    wanted: Mapping[str, Any],
    show: Callable[[Any], Any],
    *,
    keys: Mapping[str, Callable[[Any], Any]],
    orderby: str = "date",
    stable: bool = True,
    zero_total_past_end: bool = False,
) -> Response:
    """Return a page of a list, sorted as requested.

    Without `stable`, rows with the same time have no second sort key: their order differs from page to page.
    """
    found = _filtered(list(rows), wanted)
    orderby, backwards = wanted.get("orderby", orderby), wanted.get("order", "desc") == "desc"
    size = wanted.get("per_page", 10)
    start = wanted["offset"] if wanted.get("offset") else (wanted.get("page", 1) - 1) * size
    if orderby == "include":
        places = {number: place for place, number in enumerate(wanted.get("include", []))}
        found.sort(key=lambda row: places.get(row.id, 0))
    elif stable or orderby == "id" or (not start and len(found) <= size):
        found.sort(key=lambda row: (keys[orderby](row), row.id), reverse=backwards)
    else:
        found.sort(key=lambda row: zlib.crc32(f"{row.id}/{start + size}".encode()))
        found.sort(key=keys[orderby], reverse=backwards)
    total = 0 if zero_total_past_end and start >= len(found) else len(found)
    pages = -(-total // size)
    headers = {"X-WP-Total": str(total), "X-WP-TotalPages": str(pages)}
    number = wanted.get("page", 1)
    if number < pages:
        arguments = urlencode([*((key, value) for key, value in request.args.items() if key != "page")])
        headers["Link"] = f'<https://{request.host}{request.path}?{arguments}&page={number + 1}>; rel="next"'
    return reply([show(row) for row in found[start : start + size]], 200, headers)


def _filtered(rows: list[Any], wanted: Mapping[str, Any]) -> list[Any]:
    """Return the rows that match the parameters of all lists."""
    if wanted.get("include"):
        chosen = set(wanted["include"])
        rows = [row for row in rows if row.id in chosen]
    if wanted.get("exclude"):
        out = set(wanted["exclude"])
        rows = [row for row in rows if row.id not in out]
    in_utc = wanted.get("dates_are_gmt", False)
    for prefix, column in (("modified_", "modified"), ("", "created")):
        after, before = wanted.get(f"{prefix}after"), wanted.get(f"{prefix}before")
        if after:
            rows = [row for row in rows if local_time(getattr(row, column), in_utc) > after]
        if before:
            rows = [row for row in rows if local_time(getattr(row, column), in_utc) < before]
    return rows


def local_time(moment: datetime, in_utc: bool) -> datetime:
    return (moment if in_utc else moment.astimezone(ATHENS)).replace(tzinfo=None)


def dates(**moments: datetime | None) -> dict[str, str | None]:
    """Return each time in the site's zone as date_<name> and in UTC as date_<name>_gmt."""
    shown: dict[str, str | None] = {}
    for name, moment in moments.items():
        shown[f"date_{name}"] = local_time(moment, False).isoformat() if moment else None
        shown[f"date_{name}_gmt"] = local_time(moment, True).isoformat() if moment else None
    return shown


def batch(
    sent: Mapping[str, Any],
    create: Callable[[dict[str, Any]], Any],
    update: Callable[[dict[str, Any]], Any],
    delete: Callable[[int], Any],
) -> Response:
    """Return the result of each entry, in order; lists that were not sent are missing."""
    lists = {name: sent[name] for name in ("create", "update", "delete") if sent.get(name)}
    if sum(len(entries) for entries in lists.values()) > 100:
        words = "Unable to accept more than 100 items for this request."
        raise Refusal(413, "woocommerce_rest_request_entity_too_large", words)
    actions: Mapping[str, Callable[[Any], Any]] = {"create": create, "update": update, "delete": delete}
    done: dict[str, list[Any]] = {}
    for name, entries in lists.items():
        for entry in entries:
            number = entry if name == "delete" else entry.get("id") if name == "update" else 0
            try:
                done.setdefault(name, []).append(actions[name](entry))
            except Refusal as refusal:
                done.setdefault(name, []).append({"id": number, "error": refusal.as_entry})
    return reply(done or [])


def links(collection: str, number: Any, **more: str) -> dict[str, Any]:
    """Return the links of a resource, as the server writes them."""
    root = f"https://{request.host}/wp-json/wc/v3/" if request else "/"
    shown: Sequence[tuple[str, str]] = [("self", f"{collection}/{number}"), ("collection", collection), *more.items()]
    return {name: [{"href": root + path}] for name, path in shown}
