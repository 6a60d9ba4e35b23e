"""What can go wrong, and what a caller may read of it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import peewee


class BridgeError(Exception):
    """A failure whose message is written for the person who will read it."""


class StartError(BridgeError):
    """The bridge cannot start: a setting, key or database is wrong."""


class RequestRefused(BridgeError):
    """The request itself is at fault: sending it again will not help."""


class UnknownToken(RequestRefused):
    """No connection has this token."""

    def __init__(self) -> None:
        super().__init__("Unknown authorization token")


class InvalidAccessToken(RequestRefused):
    """OAuth is on, and the call bears no access token that counts."""

    def __init__(self) -> None:
        super().__init__("Missing, invalid or expired access token")


class TooManyRequests(RequestRefused):
    """This comes too often from one address; `seconds` from now it may be tried again."""

    def __init__(self, words: str, seconds: int) -> None:
        super().__init__(f"{words}: please try again in {seconds} s")
        self.seconds = seconds


class ChannelError(BridgeError):
    """The shop did not do what it was asked."""


class ChannelRefused(ChannelError):
    """The shop said no, and would say no again."""


class CredentialsRefused(ChannelRefused):
    """The shop no longer accepts the credentials of this connection."""


class ChannelUnavailable(ChannelError):
    """The shop did nothing this time; the same request may succeed later."""


class OutcomeUnknown(ChannelUnavailable):
    """The answer was lost: the shop may or may not have done what it was asked."""


def explain(error: BaseException, request_id: str = "") -> str:
    """Say in words that a stranger may read what went wrong.

    Messages of our own errors are written for callers; of anything else only the request id is told,
    under which the log has the rest.
    """
    import peewee  # the command line does without, and starts faster
    from marshmallow import ValidationError

    if isinstance(error, BridgeError):
        return str(error)
    if isinstance(error, ValidationError):
        return "; ".join(sentences(error.messages)) or "Invalid request"
    if isinstance(error, peewee.OperationalError) and _is_busy(error):
        return "The bridge is busy, please try again"
    if isinstance(error, peewee.OperationalError) and _takes_nothing(error):
        return "The bridge cannot store anything just now: its disk is full, or may not be written to"
    return f"Internal error, please try again; the bridge's log has the details under {request_id}"


def _is_busy(error: peewee.OperationalError) -> bool:
    """Whether SQLite was locked, or PostgreSQL gave up waiting: for a lock, for the statement, or in a deadlock."""
    state = getattr(getattr(error, "orig", None), "sqlstate", None)
    return "locked" in str(error) if state is None else state in ("55P03", "57014", "40P01")


def _takes_nothing(error: peewee.OperationalError) -> bool:
    """Whether the database has no room, or may only be read."""
    state = getattr(getattr(error, "orig", None), "sqlstate", None)
    full = ("is full", "readonly database", "disk I/O error")
    return any(words in str(error) for words in full) if state is None else state in ("53100", "25006")


def sentences(messages: Any, path: str = "") -> list[str]:
    """Flatten marshmallow's messages to "Products[3].Quantity: Not a whole number."."""
    if isinstance(messages, dict):
        return [
            sentence
            for key, inner in messages.items()
            for sentence in sentences(inner, f"{path}[{key}]" if isinstance(key, int) else f"{path}.{key}")
        ]
    where = path.removeprefix(".").removeprefix("_schema")
    return [f"{where}: {message}" if where else str(message) for message in messages]
