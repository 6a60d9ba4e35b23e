"""Medusa's rows: ids, times, numbers with their raw texts, selected fields, filters and pages of lists."""

from __future__ import annotations

import itertools
import json
from collections.abc import Callable, Iterable, Mapping, Sequence
from datetime import datetime, timezone
from decimal import Decimal, localcontext
from typing import Any

from flask import Response, request

Row = dict[str, Any]

PRECISION = 20
PLAIN = {
    *("metadata", "summary", "data", "rules", "detail", "line_item_metadata"),
    *("provider", "payment_session", "shipping_option", "delivery_address"),
}
"""Fields with objects that come like plain ones."""
COMPUTED = {"inventory_quantity"}
"""Fields that come only if they are named."""
CONDITIONS: Mapping[str, Callable[[Any, Any], bool]] = {
    "$gt": lambda value, bound: value > bound,
    "$gte": lambda value, bound: value >= bound,
    "$lt": lambda value, bound: value < bound,
    "$lte": lambda value, bound: value <= bound,
    "$eq": lambda value, bound: value == bound,
    "$ne": lambda value, bound: value != bound,
}

_numbers = itertools.count(1)


class Refusal(Exception):
    """An error as Medusa answers it."""

    def __init__(self, status: int, kind: str, message: str) -> None:
        super().__init__(message)
        self.status = status
        self.body = {"type": kind, "message": message}


class UnknownError(Exception):
    """What Medusa answers with 500 and no word about the cause."""


def invalid(message: str) -> Refusal:
    return Refusal(400, "invalid_data", message)


def not_allowed(message: str) -> Refusal:
    return Refusal(400, "not_allowed", message)


def not_found(message: str) -> Refusal:
    return Refusal(404, "not_found", message)


def new_id(prefix: str) -> str:
    """Return an id, which sorts after all earlier ones."""
    return f"{prefix}_01M{next(_numbers):023d}"


def time_text(moment: datetime) -> str:
    """Return a time as Medusa writes it, to the millisecond."""
    return f"{moment.astimezone(timezone.utc):%Y-%m-%dT%H:%M:%S}.{moment.microsecond // 1000:03d}Z"


def number(value: Any) -> Any:
    """Return a Decimal as JavaScript has it: a whole number or a double."""
    return int(value) if value == value.to_integral_value() else float(value)


def shown(value: Any) -> Any:
    """Return a value as JSON has it; each Decimal of an object has its raw text beside it."""
    if isinstance(value, dict):
        result = {}
        for key, item in value.items():
            if isinstance(item, Decimal):
                result[key] = number(item)
                result[f"raw_{key}"] = {"value": _raw(item), "precision": PRECISION}
            else:
                result[key] = shown(item) if isinstance(item, (dict, list)) else item
        return result
    return [shown(item) for item in value] if isinstance(value, list) else value


def _raw(value: Decimal) -> str:
    with localcontext() as context:
        context.prec = PRECISION
        return f"{+value:f}" if value != value.to_integral_value() else str(int(value))


# -- selected fields -----------------------------------------------------------------------------------


def wanted_fields(fields: str | None, defaults: Sequence[str]) -> list[str]:
    """Return the fields to show: those asked for, or the defaults with what is added and removed."""
    asked = [field for field in (fields or "").split(",") if field]
    if not asked:
        return list(defaults)
    if any(not (field[0] in "-+ *" or field.endswith(".*")) for field in asked):
        return ["id", *(field.lstrip("+ -") for field in asked)]
    result = list(defaults)
    for field in asked:
        name = field.lstrip("+ -")
        if field[0] == "-":
            result = [kept for kept in result if f"{kept.lstrip('*')}.".find(f"{name}.") != 0]
        else:
            result.append(name)
    return ["id", *result]


def select(row: Mapping[str, Any], fields: Iterable[str]) -> Row:
    """Return a row with these fields; `*relation` and `relation.*` mean all plain fields of a relation."""
    tree: Row = {}
    for field in fields:
        path = f"{field[1:]}.*" if field.startswith("*") and len(field) > 1 else field
        here = tree
        for part in path.split("."):
            here = here.setdefault(part, {})
    return _select(row, tree)


def _select(row: Mapping[str, Any], tree: Row) -> Row:
    result: Row = {}
    for key, value in row.items():
        if key == "rules" and "price_set_id" not in row:  # Medusa computes them from the rows that were asked for
            result[key] = value if "price_rules" in tree else {}
        elif key in PLAIN or not isinstance(value, (dict, list)):
            if key in tree or ("*" in tree and key not in COMPUTED) or (key == "id" and tree):
                result[key] = value
        elif key in tree:
            inner = tree[key] if tree[key].keys() else {"*": {}}
            if isinstance(value, list):
                result[key] = [_select(item, inner) if isinstance(item, dict) else item for item in value]
            else:
                result[key] = _select(value, inner)
    return result


# -- lists ---------------------------------------------------------------------------------------------


def reply(value: Any, status: int = 200) -> Response:
    return Response(json.dumps(shown(value)), status, mimetype="application/json")


def body() -> Any:
    """Return what was sent, with exact amounts."""
    text = request.get_data(as_text=True)
    return json.loads(text, parse_float=Decimal) if text else {}


def conditions() -> dict[str, Any]:
    """Return the query's parameters: `name[]` as a list, `name[$gte]` as {"$gte": ...}."""
    result: dict[str, Any] = {}
    for key in request.args:
        name, bracket, rest = key.partition("[")
        values = request.args.getlist(key)
        operator = rest.rstrip("]")
        if bracket and operator.startswith("$"):
            result.setdefault(name, {})[operator.partition("]")[0]] = values[0]
        elif bracket or len(values) > 1:
            result.setdefault(name, []).extend(values)
        else:
            result[name] = values[0]
    return result


def whole(name: str, text: str) -> int:
    """Return the number in a parameter."""
    try:
        return int(text)
    except ValueError:
        message = f"Invalid request: Expected type: 'number' for field '{name}', got: '{text}'"
        raise invalid(message) from None


def matches(row: Mapping[str, Any], wanted: Mapping[str, Any], filters: Iterable[str]) -> bool:
    """Return whether a row has the values that the query wants of these fields."""
    return all(_holds(row.get(name), wanted[name]) for name in filters if name in wanted)


def _holds(value: Any, condition: Any) -> bool:
    if isinstance(condition, dict):
        if value is None:
            return False
        return all(CONDITIONS[operator](value, _like(value, bound)) for operator, bound in condition.items())
    values = condition if isinstance(condition, list) else [condition]
    return str(value) in values


def _like(value: Any, bound: str) -> Any:
    """Return a bound in the form of the value: a time in Medusa's own writing."""
    if isinstance(value, str) and value[:2] == "20" and value.endswith("Z"):
        try:
            return time_text(datetime.fromisoformat(bound.replace("Z", "+00:00")))
        except ValueError:
            raise UnknownError from None
    return bound


def page(
    name: str,
    rows: Iterable[Row],
    show: Callable[[Row], Mapping[str, Any]],
    defaults: Sequence[str],
    *,
    filters: Sequence[str] = ("id",),
    limit: int = 50,
    always: Sequence[str] = (),
) -> Response:
    """Return a page of a list, filtered and sorted as the query says."""
    wanted = conditions()
    found = [row for row in rows if matches(row, wanted, filters) and _has_words(row, wanted.get("q"))]
    order = wanted.get("order", "")
    if order:
        key = order.lstrip("-")
        if found and key not in found[0]:
            raise UnknownError
        found.sort(key=lambda row: (row[key] is None, row[key]), reverse=order.startswith("-"))
    start, size = whole("offset", wanted.get("offset", "0")), whole("limit", wanted.get("limit", str(limit)))
    fields = [*wanted_fields(wanted.get("fields"), defaults), *always]
    shown_rows = [select(show(row), fields) for row in found[start : start + size]]
    return reply({name: shown_rows, "count": len(found), "offset": start, "limit": size})


def _has_words(row: Mapping[str, Any], words: str | None) -> bool:
    """Return whether a text of the row has what `q` asks for."""
    return not words or any(
        words.lower() in str(value).lower() for value in row.values() if isinstance(value, (str, int))
    )
