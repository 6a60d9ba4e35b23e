"""One response as Linnworks reads it, and the general rules it violates."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Any

from bridge.check.exchange import Exchange
from bridge.check.rule import RuleFailed
from bridge.check.schema import Aspect


@dataclass(frozen=True)
class Violation:
    """One way in which one response breaks a rule about every response."""

    aspect: Aspect
    endpoint: str
    message: str
    exchange: Exchange | None = None


SUCCESS_WORDS = ("0", "false", "n/a", "no", "no error", "none", "null", "ok", "success", "undefined")
"""What applications write into an Error to say that there is none."""


@dataclass(frozen=True)
class EndpointResponse:
    """The JSON object an endpoint returned, as Linnworks reads it."""

    endpoint: str
    body: dict[str, Any]
    exchange: Exchange

    @property
    def error(self) -> str:
        """Return the message of the error, "" on success."""
        if self.body.get("IsError") is True:
            return str(self.body.get("ErrorMessage") or "failed without a message")
        return str(self.body.get("Error") or "")

    @property
    def text(self) -> str:
        """Return the body as it was received."""
        return self.exchange.response_body.decode("utf-8", "replace")

    def rows(self, name: str) -> list[dict[str, Any]]:
        """Return the objects of an array field; other values are ignored, another rule reports them."""
        return objects(self.body.get(name))

    def string(self, name: str) -> str:
        """Return a string field, "" when it is missing or no string."""
        return string(self.body.get(name))

    def require_success(self) -> EndpointResponse:
        """Return this response, or raise RuleFailed when it has an Error."""
        if self.error:
            message = f'{self.endpoint} returned the Error "{self.error[:300]}"'
            if self.error.strip().casefold() in SUCCESS_WORDS:
                message += ': any text there is a failure, only null and "" are success'
            raise RuleFailed(message, self.exchange)
        return self

    def require_error(self, request: str) -> EndpointResponse:
        """Return this response, or raise RuleFailed when it has no Error; `request` describes what was sent."""
        if not self.error:
            message = f"{self.endpoint} returned no Error {request}: Linnworks takes that for success"
            raise RuleFailed(message, self.exchange)
        return self


def objects(value: Any) -> list[dict[str, Any]]:
    """Return the objects in a value that should be an array of objects."""
    return [row for row in value if isinstance(row, dict)] if isinstance(value, list) else []


def string(value: Any) -> str:
    """Return a value that should be a string, "" when it is none."""
    return value if isinstance(value, str) else ""


def format_time(moment: datetime) -> str:
    """Return a time in the format Linnworks sends, with a space instead of the T."""
    return f"{moment:%Y-%m-%d %H:%M:%S}Z"
