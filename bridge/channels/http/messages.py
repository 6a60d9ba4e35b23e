"""The shop's words in error messages: found in its JSON, and made safe for everyone who reads them."""

from __future__ import annotations

import re
from base64 import b64decode
from collections.abc import Iterable, Iterator, Mapping
from contextlib import suppress
from typing import Any
from urllib.parse import parse_qsl, quote, urlsplit

import requests

from bridge.channels.helpers.texts import one_line
from bridge.channels.http.response import ShopResponse

LONGEST_TEXT = 20_000  # characters of a message that are looked at
LONGEST_MESSAGE = 500  # characters of a message that are kept
SHORTEST_SECRET = 8  # a shorter value occurs in ordinary text
DEEPEST = 4  # levels of JSON
KEYS = ("message", "error_description", "detail", "errors", "error", "title")
PUBLIC_HEADERS = {"user-agent", "accept", "accept-encoding", "connection", "content-type", "content-length"}


def json_error_message(answer: ShopResponse) -> str:
    """Return why the shop refused, where JSON APIs usually say it; "" if it is not said there."""
    return _words(answer.json, DEEPEST)


def _words(value: Any, levels: int) -> str:
    if isinstance(value, str):
        return value.strip()
    if levels and isinstance(value, list):
        return _words(value[0], levels - 1) if value else ""
    if levels and isinstance(value, dict):
        return next(filter(None, (_words(value.get(key), levels - 1) for key in KEYS)), "")
    return ""


def safe_message(text: str, secrets: Iterable[str]) -> str:
    """Return a text as one line of limited length, without control characters and without these secrets."""
    text = text[:LONGEST_TEXT]
    for secret in sorted((secret for secret in secrets if len(secret) >= SHORTEST_SECRET), key=len, reverse=True):
        text = text.replace(secret, "***").replace(quote(secret, safe=""), "***")
    return one_line(text, LONGEST_MESSAGE)


def sent_secrets(request: requests.PreparedRequest, params: Mapping[str, Any] | None) -> Iterator[str]:
    """Return the credentials in a request: its own headers, and what its query has besides `params`."""
    yield from (value for name, value in parse_qsl(urlsplit(str(request.url)).query) if name not in (params or ()))
    for name, header in request.headers.items():
        value = str(header)
        if name.lower() not in PUBLIC_HEADERS:
            yield value
            yield from re.findall(r'[^\s,;="]+', value)
        if value.startswith("Basic "):
            with suppress(ValueError):
                yield from b64decode(value.removeprefix("Basic ")).decode("latin-1").split(":", 1)
