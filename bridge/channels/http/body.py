"""The bodies of calls to a shop: JSON with exact decimals, limited in size."""

from __future__ import annotations

from decimal import Decimal
from http import HTTPStatus
from typing import Any

import msgspec
import requests

from bridge.channels.http.failures import NotFromTheApi, UselessAnswer

CHUNK_BYTES = 65536

_decode = msgspec.json.Decoder(float_hook=Decimal).decode
write_json = msgspec.json.Encoder(decimal_format="number").encode


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
    refused = HTTPStatus.BAD_REQUEST <= response.status_code < HTTPStatus.INTERNAL_SERVER_ERROR
    content = content.removeprefix(b"\xef\xbb\xbf").strip()
    try:
        return _decode(content) if content else None
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        if response.status_code == HTTPStatus.UNAUTHORIZED:
            return None
        if content.startswith(b"<") or "html" in response.headers.get("Content-Type", ""):
            message = f"The shop answered with a web page instead of data ({response.status_code})"
            raise NotFromTheApi(message, refused=refused) from None
        raise NotFromTheApi("The shop's answer cannot be read", refused=refused) from None
