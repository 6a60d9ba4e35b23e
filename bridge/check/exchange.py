"""One HTTP request and its response, to be shown as evidence."""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from urllib.parse import quote

MAX_BODY_CHARACTERS = 4000
SHORT_PASSWORD = 8
"""Below this length a password occurs in ordinary text, so that only a whole JSON string counts as a leak."""
SHOWN_HEADERS = ("Content-Type", "Content-Length", "Transfer-Encoding", "Content-Encoding", "Location")
_NAMED_VALUE = re.compile(r"'([^']{2,})'|order (\S+)")


@dataclass
class Exchange:
    """One request and its response; the status is None when no response arrived."""

    method: str
    url: str
    request_body: bytes
    request_headers: Mapping[str, str]
    status: int | None = None
    response_headers: Mapping[str, str] = field(default_factory=dict)
    response_body: bytes = b""
    seconds: float = 0.0
    failure: str = ""

    def shows(self, password: str) -> bool:
        """Return whether the response contains a password."""
        text, encoded = self.response_body.decode("utf-8", "replace"), json.dumps(password)
        if len(password) < SHORT_PASSWORD:
            return encoded in text
        return encoded[1:-1] in text or password in text

    def reveals(self, token: str) -> bool:
        """Return whether the response contains a token that the request does not contain."""
        return token.encode() in self.response_body and token.encode() not in self.request_body

    def request_text(self) -> str:
        """Return the request as text."""
        headers = [f"{name}: {value}" for name, value in self.request_headers.items()]
        return "\n".join([f"{self.method} {self.url}", *headers, "", _body_text(self.request_body)])

    def response_text(self, message: str = "") -> str:
        """Return the response as text, or why there is none.

        A long body is cut around the first value that the message quotes.
        """
        if self.status is None:
            return self.failure
        headers = [f"{name}: {self.response_headers[name]}" for name in SHOWN_HEADERS if name in self.response_headers]
        status = f"{self.status} after {self.seconds * 1000:.0f} ms"
        return "\n".join([status, *headers, "", _body_text(self.response_body, message)])


def redacted(text: str, secrets: Iterable[str]) -> str:
    """Return the text with these secrets replaced, also where they are JSON- or URL-encoded.

    A short one occurs in ordinary text, so it is only replaced where it is a whole JSON string.
    """
    for secret in sorted(filter(None, secrets), key=len, reverse=True):
        if len(secret) < SHORT_PASSWORD:
            text = text.replace(json.dumps(secret), '"***"')
            continue
        for encoded in {secret, json.dumps(secret)[1:-1], quote(secret, safe="")}:
            text = text.replace(encoded, "***")
    return text


def _body_text(content: bytes, message: str = "") -> str:
    text = content.decode("utf-8", "backslashreplace")
    if len(text) <= MAX_BODY_CHARACTERS:
        return text
    positions = [text.find(json.dumps(quoted or number)) for quoted, number in _NAMED_VALUE.findall(message)]
    first = min((position for position in positions if position >= 0), default=0)
    start = max(0, first - MAX_BODY_CHARACTERS // 2)
    end = start + MAX_BODY_CHARACTERS
    before = f"({start} characters) ..." if start else ""
    return f"{before}{text[start:end]}... ({max(0, len(text) - end)} more characters)"
