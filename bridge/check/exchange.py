"""What went over the wire: one request and its answer, as evidence."""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from urllib.parse import quote

MOST = 4000
"""Characters of a body that a report shows."""
_QUOTED = re.compile(r"'([^']{2,})'|order (\S+)")


@dataclass
class Exchange:
    """One call; the status is None where no answer came."""

    method: str
    url: str
    sent: bytes
    sent_headers: Mapping[str, str]
    status: int | None = None
    headers: Mapping[str, str] = field(default_factory=dict)
    answered: bytes = b""
    seconds: float = 0.0
    failure: str = ""

    def request(self) -> str:
        """The request as text."""
        headers = [f"{name}: {value}" for name, value in self.sent_headers.items()]
        return "\n".join([f"{self.method} {self.url}", *headers, "", _shown(self.sent)])

    def answer(self, about: str = "") -> str:
        """The answer as text, a long one where it bears what these words quote; or why there is none."""
        if self.status is None:
            return self.failure
        shown = ("Content-Type", "Content-Length", "Transfer-Encoding", "Content-Encoding", "Location")
        headers = [f"{name}: {self.headers[name]}" for name in shown if name in self.headers]
        first = f"{self.status} after {self.seconds * 1000:.0f} ms"
        return "\n".join([first, *headers, "", _shown(self.answered, about)])


def redacted(words: str, secrets: Iterable[str]) -> str:
    """The same words without these secrets, in whatever way they are written down."""
    for secret in sorted(filter(None, secrets), key=len, reverse=True):
        for written in {secret, json.dumps(secret)[1:-1], quote(secret, safe="")}:
            words = words.replace(written, "***")
    return words


def _shown(content: bytes, about: str = "") -> str:
    words = content.decode("utf-8", "backslashreplace")
    if len(words) <= MOST:
        return words
    quoted = [words.find(json.dumps(name or number)) for name, number in _QUOTED.findall(about)]
    start = max(0, min((place for place in quoted if place >= 0), default=0) - MOST // 2)
    before = f"({start} characters) ..." if start else ""
    return f"{before}{words[start : start + MOST]}... ({max(0, len(words) - start - MOST)} more characters)"
