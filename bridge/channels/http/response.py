"""What shops answer: JSON of a shape, the time by their clock, and how long they want quiet."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime, timezone
from email.utils import parsedate_to_datetime
from typing import Any

from bridge.errors import ChannelUnavailable

SHORTEST_WAIT, USUAL_WAIT, LONGEST_WAIT = 1, 5, 3600  # seconds of quiet that a shop gets when it asks for it


@dataclass(frozen=True)
class ShopResponse:
    """What the shop answered: its JSON, numbers with a point in it being Decimals."""

    status: int
    headers: Mapping[str, str] = field(repr=False)
    json: Any = field(repr=False)
    unusable: type[ChannelUnavailable] = field(repr=False)
    """What to raise where the answer is not what it should be: of a write, it was sent and its outcome is lost."""

    def rows(self) -> list[dict[str, Any]]:
        """The answer as a list of objects."""
        if not isinstance(self.json, list) or not all(isinstance(row, dict) for row in self.json):
            raise self.unusable("The shop answered something else than the list that was asked for")
        return self.json

    def object(self) -> dict[str, Any]:
        """The answer as one object."""
        if not isinstance(self.json, dict):
            raise self.unusable("The shop answered something else than what was asked for")
        return self.json

    @property
    def date(self) -> datetime | None:
        """The shop's own time when it answered, where it tells."""
        return _moment(self.headers.get("Date", ""))


def quiet_seconds(headers: Mapping[str, str], now: datetime) -> float:
    """How many seconds of quiet Retry-After asks for; a date in it is by the shop's clock."""
    text = headers.get("Retry-After", "").strip()
    moment = _moment(text)
    if text.isdecimal() and len(text) < 10:
        seconds = float(text)
    elif moment:
        seconds = (moment - (_moment(headers.get("Date", "")) or now)).total_seconds()
    else:
        seconds = USUAL_WAIT
    return min(max(seconds, SHORTEST_WAIT), LONGEST_WAIT)


def _moment(text: str) -> datetime | None:
    """An HTTP date as a moment."""
    try:
        found = parsedate_to_datetime(text)
    except (ValueError, TypeError, IndexError, OverflowError):
        return None
    return found if found.tzinfo else found.replace(tzinfo=timezone.utc)
