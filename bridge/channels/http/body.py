"""The bodies of calls to a shop: JSON with exact decimals, or any other media type; limited in size and values."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from decimal import Decimal
from http import HTTPStatus
from io import BytesIO
from typing import Any
from urllib.parse import urlencode

import msgspec
import requests

from bridge.channels.helpers.numbers import number
from bridge.channels.http.failures import NotFromTheApi, TooLong
from bridge.channels.http.stray_text import json_within, page_title, php_message

CHUNK_BYTES = 65536
JSON = "application/json"
JSON_ENDINGS = ("/json", "+json")
FORM = "application/x-www-form-urlencoded"
BYTE_ORDER_MARK = b"\xef\xbb\xbf"
BLANKS = BYTE_ORDER_MARK + b" \t\r\n\0"

MOST_VALUES = 200_000  # of one answer
BYTES_PER_VALUE = 120  # that it takes in memory, about

_TEXT = re.compile(rb'"[^"\\]*(?:\\.[^"\\]*)*"?', re.DOTALL)  # the end is optional, so that each byte is read once


def _decimal(text: str) -> Decimal | str:
    """Return a number with a decimal point or an exponent; one out of range stays a text, for its reader to refuse."""
    try:
        return number(text)
    except ArithmeticError:
        return text[:100]


_decode = msgspec.json.Decoder(float_hook=_decimal).decode
write_json = msgspec.json.Encoder(decimal_format="number").encode


@dataclass(frozen=True)
class Body:
    """A body that is not JSON, such as `Body(xml, "application/xml")`."""

    content: bytes = field(repr=False)
    content_type: str

    @classmethod
    def form(cls, fields: Mapping[str, Any]) -> Body:
        """Return the body of a form; a field may have a list of values."""
        return cls(urlencode(fields, doseq=True).encode(), FORM)


def read_body(response: requests.Response, max_bytes: int, take: Callable[[int], None]) -> bytes:
    """Return the unpacked body; raises TooLong if it has more bytes than that, or than `take` allows."""
    content, size = BytesIO(), 0  # which returns what it holds without a copy
    for chunk in response.raw.stream(CHUNK_BYTES, decode_content=True):
        size += len(chunk)
        if size > max_bytes:
            raise TooLong
        take(size)
        content.write(chunk)
    return content.getvalue()


def read_json(response: requests.Response, content: bytes, max_values: int, take: Callable[[int], None]) -> Any:
    """Return the JSON of an answer, None if it is empty; raises NotFromTheApi for anything else.

    Messages of PHP and other stray text around whole JSON are passed over. A refusal that is a web page comes from
    something in front of the API, such as a firewall: it says nothing about the request or the credentials. Only a
    401 without JSON is taken as the API's own. Values are counted before they are made: raises TooLong for more than
    `max_values`, or than `take` allows.
    """
    content = content.strip(BLANKS)
    values = _count_values(content, max_values)
    take(len(content) + BYTES_PER_VALUE * values)
    try:
        return _decode(content) if content else None
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        found = json_within(content)
    if found is not None:
        with suppress(msgspec.DecodeError, UnicodeDecodeError, RecursionError):
            return _decode(found)
    if response.status_code == HTTPStatus.UNAUTHORIZED:
        return None
    if message := php_message(content):
        raise NotFromTheApi(
            f"The shop answered with a message of PHP instead of data: {message}. Correct its cause, or switch off "
            "the display of errors in the shop's PHP settings",
            response.status_code,
        )
    if content.startswith(b"<") or "html" in response.headers.get("Content-Type", ""):
        raise _web_page(response, content)
    raise NotFromTheApi("The shop's answer cannot be read", response.status_code)


def refuse_web_page(response: requests.Response, content: bytes) -> None:
    """Raise NotFromTheApi if a web page came where XML or text is expected; a 401 is taken as the API's own."""
    beginning = content[:100].removeprefix(BYTE_ORDER_MARK).lstrip().lower()
    is_page = "html" in response.headers.get("Content-Type", "") and not beginning.startswith(b"<?xml")
    if response.status_code != HTTPStatus.UNAUTHORIZED and (
        is_page or beginning.startswith((b"<!doctype html", b"<html"))
    ):
        raise _web_page(response, content)


def _count_values(content: bytes, limit: int) -> int:
    """Return about how many values a JSON text has; raises TooLong if they are more than the limit."""
    values = _count_separators(content)
    if values > limit:  # texts may have many commas, unless there are too many texts as well
        texts = (content.count(b'"') - content.count(b'\\"')) // 2
        values = max(texts, _count_separators(_TEXT.sub(b"", content)) if texts <= limit else 0)
    if values > limit:
        raise TooLong
    return values


def _count_separators(content: bytes) -> int:
    return sum(map(content.count, (b",", b":", b"[", b"{")))


def _web_page(response: requests.Response, content: bytes) -> NotFromTheApi:
    message = f"The shop answered with a web page instead of data ({response.status_code})"
    if title := page_title(content):
        message = f"{message}, which says: {title}"
    return NotFromTheApi(message, response.status_code)
