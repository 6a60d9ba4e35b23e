"""One answer as Linnworks reads it, and the rules that it broke."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Any

from bridge.check.exchange import Exchange
from bridge.check.registry import Failed


@dataclass(frozen=True)
class Fault:
    """A rule of every answer that one answer broke."""

    rule: str
    endpoint: str
    words: str
    exchange: Exchange | None = None


@dataclass(frozen=True)
class Answer:
    """The JSON object an endpoint answered with, as Linnworks reads it."""

    endpoint: str
    body: dict[str, Any]
    exchange: Exchange

    @property
    def error(self) -> str:
        """The words of the failure, "" on success."""
        if self.body.get("IsError") is True:
            return str(self.body.get("ErrorMessage") or "failed without words")
        return str(self.body.get("Error") or "")

    @property
    def raw(self) -> str:
        """The answer as it came."""
        return self.exchange.answered.decode("utf-8", "replace")

    def rows(self, name: str) -> list[dict[str, Any]]:
        """The objects of an array; what is no array of objects is judged elsewhere."""
        return objects(self.body.get(name))

    def says(self, name: str) -> str:
        """A string of the answer, "" when there is none."""
        return string(self.body.get(name))

    def accepted(self) -> Answer:
        """Itself when the call succeeded."""
        if self.error:
            raise Failed(f'{self.endpoint} answered with the Error "{self.error[:300]}"', self.exchange)
        return self

    def refused(self, words: str) -> Answer:
        """Itself when the call was refused."""
        if not self.error:
            raise Failed(f"{self.endpoint} answered no Error {words}: Linnworks takes that for success", self.exchange)
        return self


def objects(value: Any) -> list[dict[str, Any]]:
    """The objects in what should be an array of objects."""
    return [row for row in value if isinstance(row, dict)] if isinstance(value, list) else []


def string(value: Any) -> str:
    """What should be a string, "" when it is none."""
    return value if isinstance(value, str) else ""


def spaced(moment: datetime) -> str:
    """A time in the form Linnworks really sends."""
    return f"{moment:%Y-%m-%d %H:%M:%S}Z"
