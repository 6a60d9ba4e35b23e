"""The body of a request: read in time and within its limit, then parsed as one JSON object."""

from __future__ import annotations

import json
import re
from decimal import Decimal
from typing import Any

import msgspec
from werkzeug.exceptions import RequestEntityTooLarge

from bridge.errors import RequestRefused
from bridge.protocol.call import Call

INCOMPLETE = "The request did not arrive whole and in time"
BYTE_ORDER_MARK = b"\xef\xbb\xbf"
GZIP = b"\x1f\x8b"
UTF16 = (b"\xff\xfe", b"\xfe\xff")  # UTF-32 begins with one of them too, or with a NUL
SURROGATE = re.compile(rb"\\u[dD][89a-fA-F]")

_read_json = msgspec.json.Decoder(float_hook=Decimal).decode


def read_body(call: Call, limit: int | None = None) -> bytes:
    """Return the whole body.

    Raises RequestRefused if it does not arrive, for which the server gives the client as long as the call's budget,
    and RequestEntityTooLarge if it is longer than `limit`, or than BRIDGE_MAX_BODY_BYTES.
    """
    request = call.request
    if limit:
        request.max_content_length = limit
    try:
        body = request.get_data(cache=False)
        if request.content_length is None:
            request.stream.read(1)  # get_data stops at the limit without an error, and this raises it
    except RequestEntityTooLarge:
        raise
    except Exception as error:  # whatever the server raises for a body that breaks off or is malformed
        raise RequestRefused(INCOMPLETE) from error
    if len(body) < (request.content_length or 0):
        raise RequestRefused(INCOMPLETE)
    return body


def parse_object(raw: bytes, *, coding: str = "", takes_nothing: bool = False) -> dict[str, Any]:
    """Return the JSON object in a body, whatever its content type; an empty body counts as {}.

    Numbers with a point become exact Decimals. Where the endpoint `takes_nothing`, so do `null`, `[]` and `""`. Raises
    RequestRefused for anything else, and for a key that comes twice in one object: another reader could take the other
    value. `coding` is the request's Content-Encoding: none is supported.
    """
    raw = raw.removeprefix(BYTE_ORDER_MARK)
    if not raw.strip():
        return {}
    try:
        body = _read(raw)
        if takes_nothing and body in (None, [], ""):
            return {}
        if not isinstance(body, dict):
            raise RequestRefused("The request is not a JSON object")
        if raw.count(b":") != _keys_near_the_top(body):  # msgspec would take the last of several
            json.loads(raw, object_pairs_hook=_distinct, parse_int=str, parse_float=str)
    except (msgspec.DecodeError, ValueError, ArithmeticError):
        raise RequestRefused(_why_invalid(raw, coding)) from None
    except RecursionError:
        raise RequestRefused("The request is nested too deeply") from None
    return body


def _read(raw: bytes) -> Any:
    try:
        return _read_json(raw)
    except msgspec.DecodeError:
        if not SURROGATE.search(raw):
            raise
        # msgspec refuses half a surrogate pair anywhere; the schemas refuse it where it matters, in one row or text
        return json.loads(raw.decode(), object_pairs_hook=_distinct, parse_float=Decimal, parse_constant=_no_number)


def _why_invalid(raw: bytes, coding: str) -> str:
    if raw.startswith(GZIP) or coding.strip().lower() not in ("", "identity"):
        return "The request is compressed: please send it without a Content-Encoding"
    if raw.startswith(UTF16) or b"\0" in raw[:2]:
        return "The request is in UTF-16 or UTF-32: please send it in UTF-8"
    return "The request is not valid JSON"


def _keys_near_the_top(body: dict[str, Any]) -> int:
    """Count the keys of the object and of the rows of its lists.

    Each key needs a colon: as many colons as keys leave none for a key that comes twice, here or further down.
    """
    lists = [value for value in body.values() if type(value) is list and set(map(type, value)) == {dict}]
    return len(body) + sum(sum(map(len, rows)) for rows in lists)


def _distinct(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found = dict(pairs)
    if len(found) < len(pairs):
        raise RequestRefused("The request has a key twice in one object")
    return found


def _no_number(constant: str) -> None:
    raise ValueError(constant)
