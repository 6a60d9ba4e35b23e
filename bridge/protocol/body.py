"""The body of a request: read in time and within its limit, then parsed as one JSON object.

Before anything is known about the caller only the start of a body is read, and nothing is parsed that is longer.
"""

from __future__ import annotations

import json
import re
from decimal import Decimal
from typing import Any

import msgspec
from werkzeug.exceptions import RequestEntityTooLarge

from bridge.errors import RequestRefused
from bridge.protocol.call import Call

SMALL_BYTES = 65_536
"""A body that is not longer is read and parsed as it comes."""

MOST_ELEMENTS = 200_000
"""How many keys and values a body may have; a thousand stock levels have 7000."""

LONGEST_NUMBER = 500
"""A body that is long enough to be counted has no number of twice as many digits."""

INCOMPLETE = "The request did not arrive whole and in time"
BYTE_ORDER_MARK = b"\xef\xbb\xbf"
GZIP = b"\x1f\x8b"
UTF16 = (b"\xff\xfe", b"\xfe\xff")  # UTF-32 begins with one of them too, or with a NUL
SURROGATE = re.compile(rb"\\u[dD][89a-fA-F]")
READ_BYTES = 1 << 20

_read_json = msgspec.json.Decoder(float_hook=Decimal).decode


def read_body(call: Call, limit: int) -> bytes:
    """Return the whole body.

    Raises RequestRefused if it does not arrive, for which the server gives the client as long as the call's budget,
    and RequestEntityTooLarge if it is longer than `limit`.
    """
    call.request.max_content_length = limit
    return _read(call, limit + 1)


def read_start(call: Call) -> bytes:
    """Return the first SMALL_BYTES of the body, and one byte more if it is longer; raises what `read_body` raises."""
    return _read(call, SMALL_BYTES + 1)


def read_rest(call: Call, start: bytes) -> bytes:
    """Return the whole body that begins with what `read_start` returned; raises what `read_body` raises."""
    return start + _read(call, call.settings.max_body_bytes + 1, len(start))


def _read(call: Call, most: int, behind: int = 0) -> bytes:
    """Return the next bytes of the body, at most so many, if `behind` bytes of it were read before."""
    length = call.request.content_length
    missing = most if length is None else min(most, length - behind)
    parts = []
    try:
        stream = call.request.stream  # it raises RequestEntityTooLarge
        while missing > 0 and (part := stream.read(min(missing, READ_BYTES))):
            parts.append(part)
            missing -= len(part)
    except RequestEntityTooLarge:
        raise
    except Exception as error:  # whatever the server raises for a body that breaks off or is malformed
        raise RequestRefused(INCOMPLETE) from error
    if missing > 0 and length is not None:
        raise RequestRefused(INCOMPLETE)
    return parts[0] if len(parts) == 1 else b"".join(parts)


def require_bounded(raw: bytes) -> None:
    """Raise RequestRefused if parsing the body would make more objects, or longer numbers, than any real call has."""
    if len(raw) <= MOST_ELEMENTS:
        return
    if _elements(raw) > MOST_ELEMENTS and _elements(_without_texts(raw)) > MOST_ELEMENTS:
        raise RequestRefused(f"The request has more than {MOST_ELEMENTS} keys and values")
    # a longer run of digits has one of these pieces in it
    if any(raw[at : at + LONGEST_NUMBER].isdigit() for at in range(0, len(raw) - LONGEST_NUMBER, LONGEST_NUMBER)):
        raise RequestRefused("The request has a number that is too long")


def _elements(raw: bytes) -> int:
    """Return at least how many keys and values the body has: each is preceded by one of these."""
    return len(raw) - len(raw.translate(None, b",:[{"))


def _without_texts(raw: bytes) -> bytes:
    """Return the body without its texts; raises RequestRefused if it has too many of them."""
    plain = raw.replace(b"\\\\", b"").replace(b'\\"', b"")
    if plain.count(b'"') > 2 * MOST_ELEMENTS:
        raise RequestRefused(f"The request has more than {MOST_ELEMENTS} keys and values")
    return b"".join(plain.split(b'"')[::2])


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
        body = _parsed(raw)
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


def _parsed(raw: bytes) -> Any:
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
