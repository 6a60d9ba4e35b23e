"""What a shop answers: its JSON or bytes, its time, and how long it wants no calls."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime, timezone
from email.utils import parsedate_to_datetime
from typing import Any

from bridge.errors import ChannelUnavailable

SHORTEST_WAIT, DEFAULT_WAIT, LONGEST_WAIT = 1, 5, 3600  # seconds without calls after a shop asked for fewer
LONGEST_OUTAGE = 60
"""The most seconds without calls after an error 503: shops ask for ten minutes during updates that take seconds."""


@dataclass(frozen=True)
class ShopResponse:
    """A shop's answer; numbers with a decimal point in its JSON are Decimals."""

    status: int
    headers: Mapping[str, str] = field(repr=False)
    json: Any = field(repr=False)
    unusable: type[ChannelUnavailable] = field(repr=False)
    """The error to raise if the answer is not what it should be: after a write it is OutcomeUnknown."""
    refused: bool = False
    """The shop refused the request (4xx), and the caller does not accept this status."""
    content: bytes = field(default=b"", repr=False)
    """The body if the client asked for another media type than JSON.

    Parse XML with `defusedxml.ElementTree.fromstring`, which refuses entities, and raise `unusable` if it fails.
    """

    def rows(self) -> list[dict[str, Any]]:
        """Return the answer as a list of objects."""
        if not isinstance(self.json, list) or not all(isinstance(row, dict) for row in self.json):
            raise self.unusable("The shop answered something else than the expected list")
        return self.json

    def object(self) -> dict[str, Any]:
        """Return the answer as one object."""
        if not isinstance(self.json, dict):
            raise self.unusable("The shop answered something else than the expected object")
        return self.json

    def find(self, *path: str | int) -> Any:
        """Return the value at this path of the JSON, such as "errors", 0, "code"; None if it is not there."""
        found = self.json
        for step in path:
            try:
                found = None if isinstance(found, str) else found[step]
            except (LookupError, TypeError):
                return None
        return found

    @property
    def date(self) -> datetime | None:
        """The shop's time when it answered, or None if it did not say."""
        return _http_date(self.headers.get("Date", ""))


def retry_after_seconds(headers: Mapping[str, str], now: datetime) -> float:
    """Return the seconds that Retry-After asks for; a date in it is compared with the shop's own clock."""
    text = headers.get("Retry-After", "").strip()
    until = _http_date(text)
    if text.isdecimal() and len(text) < 10:
        return float(text)
    if until:
        return (until - (_http_date(headers.get("Date", "")) or now)).total_seconds()
    return DEFAULT_WAIT


def _http_date(text: str) -> datetime | None:
    try:
        found = parsedate_to_datetime(text)
    except (ValueError, TypeError, IndexError, OverflowError):
        return None
    return found if found.tzinfo else found.replace(tzinfo=timezone.utc)
