"""The bodies of calls to a shop: JSON with exact decimals, or any other media type; limited in size."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from decimal import Decimal
from http import HTTPStatus
from typing import Any
from urllib.parse import urlencode

import msgspec
import requests

from bridge.channels.http.failures import NotFromTheApi, UselessAnswer

CHUNK_BYTES = 65536
JSON = "application/json"
JSON_ENDINGS = ("/json", "+json")
FORM = "application/x-www-form-urlencoded"
BYTE_ORDER_MARK = b"\xef\xbb\xbf"

_decode = msgspec.json.Decoder(float_hook=Decimal).decode
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


def read_body(response: requests.Response, max_bytes: int) -> bytes:
    """Return the unpacked body; raises UselessAnswer if it is too long."""
    chunks, size = [], 0
    for chunk in response.raw.stream(CHUNK_BYTES, decode_content=True):
        size += len(chunk)
        if size > max_bytes:
            raise UselessAnswer("The shop's answer is too long")
        chunks.append(chunk)
    return b"".join(chunks)


def read_json(response: requests.Response, content: bytes) -> Any:
    """Return the JSON of an answer, None if it is empty; raises NotFromTheApi for anything else.

    A refusal that is a web page comes from something in front of the API, such as a firewall: it says nothing
    about the request or the credentials. Only a 401 without JSON is taken as the API's own.
    """
    content = content.removeprefix(BYTE_ORDER_MARK).strip()
    try:
        return _decode(content) if content else None
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        if response.status_code == HTTPStatus.UNAUTHORIZED:
            return None
        if content.startswith(b"<") or "html" in response.headers.get("Content-Type", ""):
            raise _web_page(response) from None
        raise NotFromTheApi("The shop's answer cannot be read", refused=_is_refusal(response)) from None


def refuse_web_page(response: requests.Response, content: bytes) -> None:
    """Raise NotFromTheApi if a web page came where XML or text is expected; a 401 is taken as the API's own."""
    beginning = content[:100].removeprefix(BYTE_ORDER_MARK).lstrip().lower()
    is_page = "html" in response.headers.get("Content-Type", "") and not beginning.startswith(b"<?xml")
    if response.status_code != HTTPStatus.UNAUTHORIZED and (
        is_page or beginning.startswith((b"<!doctype html", b"<html"))
    ):
        raise _web_page(response)


def _web_page(response: requests.Response) -> NotFromTheApi:
    message = f"The shop answered with a web page instead of data ({response.status_code})"
    return NotFromTheApi(message, refused=_is_refusal(response))


def _is_refusal(response: requests.Response) -> bool:
    return HTTPStatus.BAD_REQUEST <= response.status_code < HTTPStatus.INTERNAL_SERVER_ERROR
