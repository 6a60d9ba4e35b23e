"""How WordPress reads requests: parameters, their types, and the errors for wrong ones."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Mapping
from datetime import datetime
from typing import Any
from zoneinfo import ZoneInfo

from flask import g, request

ATHENS = ZoneInfo("Europe/Athens")
DATE = re.compile(r"(\d{4}-\d\d-\d\d)[Tt ](\d\d:\d\d:\d\d)(?:\.\d+)?(Z|[+-]\d\d(?::?\d\d)?)?")
EMPTY: Mapping[str, Any] = {"string": "", "integer": 0, "boolean": False, "array": [], "object": {}}
TRUE, FALSE = (True, 1, "true", "TRUE", "1"), (False, 0, "false", "FALSE", "0", "")
NO_ROUTE = ("rest_no_route", "No route was found matching the URL and request method.")

Schema = Mapping[str, Any]
"""The type of each parameter: a type's name, an enumeration, the bounds of a number, `ids` or `date`."""

COMMON: Schema = {
    "page": (1, None),
    "per_page": (1, 100),
    "offset": (0, None),
    "order": ["asc", "desc"],
    "include": "ids",
    "exclude": "ids",
    "after": "date",
    "before": "date",
    "modified_after": "date",
    "modified_before": "date",
    "dates_are_gmt": "boolean",
}
"""The parameters of every list."""


class Refusal(Exception):
    """A request answered with an error; `bare` replaces the error's data if that is not an object."""

    def __init__(self, status: int, code: str, message: str, bare: Any = None, **data: Any) -> None:
        super().__init__(message)
        self.status = status
        self.body = {"code": code, "message": message, "data": bare if bare is not None else {"status": status, **data}}

    @property
    def as_entry(self) -> dict[str, Any]:
        """The error as the response to a batch contains it."""
        return self.body


def query() -> dict[str, Any]:
    """Return the parameters of the address as PHP reads them: names with brackets make a list."""
    values: dict[str, Any] = {}
    for key, value in request.args.items(multi=True):
        name, bracket, _ = key.partition("[")
        if bracket:
            values[name] = [*values.get(name, []), value] if isinstance(values.get(name), list) else [value]
        else:
            values[name] = value
    return values


def body() -> dict[str, Any]:
    """Return the parameters of the body and the address; the body wins."""
    if "json" not in (request.content_type or ""):
        return {**query(), **request.form.to_dict()}
    try:
        sent = json.loads(request.get_data() or b"{}")
    except ValueError:
        about = {"json_error_code": 4, "json_error_message": "Syntax error"}
        raise Refusal(400, "rest_invalid_json", "Invalid JSON body passed.", **about) from None
    values = {**query(), **(sent if isinstance(sent, dict) else {})}
    g.fields = values.get("_fields")
    return values


def checked(values: Mapping[str, Any], schema: Schema) -> dict[str, Any]:
    """Return the values converted to their types; all wrong ones are refused together."""
    result, params, details = dict(values), {}, {}
    for name, kind in schema.items():
        if name not in values:
            continue
        try:
            result[name] = _cast(name, values[name], kind)
        except _Wrong as wrong:
            code, message, data = wrong.args
            params[name] = message
            details[name] = {"code": code, "message": message, "data": data}
    if params:
        message = f"Invalid parameter(s): {', '.join(params)}"
        raise Refusal(400, "rest_invalid_param", message, params=params, details=details)
    return result


class _Wrong(Exception):
    pass


def _cast(name: str, value: Any, kind: Any) -> Any:
    if value is None:
        return EMPTY.get(kind, "") if isinstance(kind, str) else ""
    if isinstance(kind, list):
        if value not in kind:
            listed = f"{', '.join(kind[:-1])}, and {kind[-1]}" if len(kind) > 2 else " and ".join(kind)
            raise _Wrong("rest_not_in_enum", f"{name} is not one of {listed}.", None)
        return value
    if isinstance(kind, tuple):
        number, (least, most) = _integer(name, value), kind
        if most is not None and not least <= number <= most:
            words = f"{name} must be between {least} (inclusive) and {most} (inclusive)"
            raise _Wrong("rest_out_of_bounds", words, None)
        if number < least:
            raise _Wrong("rest_out_of_bounds", f"{name} must be greater than or equal to {least}", None)
        return number
    return _CASTS[kind](name, value)


def _integer(name: str, value: Any) -> int:
    if isinstance(value, bool) or not re.fullmatch(r"\s*[+-]?\d+(\.0*)?\s*", str(value)):
        raise _wrong_type(name, "integer")
    return int(float(value))


def _boolean(name: str, value: Any) -> bool:
    if isinstance(value, list | dict) or value not in (*TRUE, *FALSE):
        raise _wrong_type(name, "boolean")
    return value in TRUE


def _string(name: str, value: Any) -> str:
    if not isinstance(value, str):
        raise _wrong_type(name, "string")
    return value


def _array(name: str, value: Any) -> list[Any]:
    if isinstance(value, dict):
        raise _wrong_type(name, "array")
    return value if isinstance(value, list) else listed(value)


def _object(name: str, value: Any) -> dict[str, Any]:
    if not isinstance(value, dict):
        raise _wrong_type(name, "object")
    return value


def _ids(name: str, value: Any) -> list[int]:
    return [_integer(f"{name}[{place}]", item) for place, item in enumerate(listed(value))]


def _date(name: str, value: Any) -> datetime:
    """Return a local time: without an offset as written, otherwise converted to the site's zone."""
    match = DATE.fullmatch(str(value))
    try:
        day, hour, offset = match.groups() if match else (None, None, None)
        offset = offset if offset is None or offset == "Z" or len(offset) > 3 else f"{offset}:00"
        moment = datetime.fromisoformat(f"{day}T{hour}{'+00:00' if offset == 'Z' else offset or ''}")
    except ValueError:
        raise _Wrong("rest_invalid_date", "Invalid date.", None) from None
    return moment.astimezone(ATHENS).replace(tzinfo=None) if offset else moment


_CASTS: Mapping[str, Callable[[str, Any], Any]] = {
    "string": _string,
    "integer": _integer,
    "boolean": _boolean,
    "array": _array,
    "object": _object,
    "ids": _ids,
    "date": _date,
}


def _wrong_type(name: str, kind: str) -> _Wrong:
    return _Wrong("rest_invalid_type", f"{name} is not of type {kind}.", {"param": name})


def listed(value: Any) -> list[Any]:
    """Return a list, which an address may separate by commas or spaces."""
    return value if isinstance(value, list) else [item for item in re.split(r"[\s,]+", str(value)) if item]
