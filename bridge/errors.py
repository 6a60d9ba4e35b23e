"""The exceptions, and what a client may read about them."""

from __future__ import annotations

import re
import unicodedata
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import peewee


LONGEST_MESSAGE = 800  # characters of what a shop is said to have answered


class BridgeError(Exception):
    """A failure with a message for the person who will read it."""


class StartError(BridgeError):
    """The bridge cannot start: a setting, the key or the database is wrong."""


class RequestRefused(BridgeError):
    """The request itself is wrong: sending it again will not help."""


class UnknownToken(RequestRefused):
    """No connection has this token."""

    def __init__(self) -> None:
        super().__init__("Unknown authorization token")


class InvalidAccessToken(RequestRefused):
    """OAuth is on, and the call has no valid access token."""

    def __init__(self) -> None:
        super().__init__("Missing, invalid or expired access token")


class TooManyRequests(RequestRefused):
    """One address has sent too many; it may try again in `seconds`."""

    def __init__(self, message: str, seconds: int) -> None:
        super().__init__(f"{message}: please try again in {seconds} s")
        self.seconds = seconds


class TooBusy(BridgeError):
    """Too many large requests arrive at once; the same request may succeed later."""

    def __init__(self) -> None:
        super().__init__("Too many large requests arrive at once, please try again")


class ChannelError(BridgeError):
    """The shop did not do what it was asked to do; the shop's words in the message are cut."""

    def __init__(self, message: str = "") -> None:
        super().__init__(message if len(message) <= LONGEST_MESSAGE else f"{message[: LONGEST_MESSAGE - 1]}…")


class ChannelRefused(ChannelError):
    """The shop refused, and would refuse again."""


class CredentialsRefused(ChannelRefused):
    """The shop no longer accepts the credentials of this connection."""


class ChannelUnavailable(ChannelError):
    """The shop did nothing; the same request may succeed later."""


class OutcomeUnknown(ChannelUnavailable):
    """The answer was lost: the shop may have done what it was asked to do, or not."""


def explain(error: BaseException, request_id: str = "") -> str:
    """Return a message about an error that any client may read.

    Our own errors have messages for clients; for other exceptions it gives only the request id under which the log
    has the details.
    """
    import peewee  # the command line does not need it, and starts faster without
    from marshmallow import ValidationError

    if isinstance(error, BridgeError):
        return str(error)
    if isinstance(error, ValidationError):
        return "; ".join(sentences(error.messages)) or "Invalid request"
    if isinstance(error, peewee.OperationalError) and _is_busy(error):
        return "The bridge is busy, please try again"
    if isinstance(error, peewee.OperationalError) and _cannot_write(error):
        return "The bridge cannot store anything at the moment: its disk is full or read-only"
    if isinstance(error, (peewee.OperationalError, peewee.InterfaceError)) and _is_unreachable(error):
        return "The bridge's database does not answer at the moment, please try again"
    return f"Internal error, please try again; the bridge's log has the details under {request_id}"


def _is_busy(error: peewee.OperationalError) -> bool:
    """Return whether SQLite was locked, or PostgreSQL gave up on a lock, a statement or a deadlock."""
    state = getattr(getattr(error, "orig", None), "sqlstate", None)
    return "locked" in str(error) if state is None else state in ("55P03", "57014", "40P01")


def _cannot_write(error: peewee.OperationalError) -> bool:
    """Return whether the disk is full, or the database is read-only."""
    state = getattr(getattr(error, "orig", None), "sqlstate", None)
    messages = ("is full", "readonly database", "disk I/O error")
    return any(message in str(error) for message in messages) if state is None else state in ("53100", "25006")


def _is_unreachable(error: peewee.PeeweeException) -> bool:
    """Return whether the database server does not answer, or has ended the connection."""
    state = getattr(getattr(error, "orig", None), "sqlstate", None)
    if state is not None:
        return str(state).startswith(("08", "57P"))
    return "connection" in str(error) and "no such table" not in str(error)


def storage_problem(error: BaseException) -> str:
    """Return why a database could not store anything."""
    import peewee

    if isinstance(error, peewee.OperationalError) and _is_busy(error):
        return "another program keeps the database locked"
    if isinstance(error, peewee.OperationalError) and _cannot_write(error):
        full = "is full" in str(error) or getattr(getattr(error, "orig", None), "sqlstate", None) == "53100"
        return "the disk is full" if full else "the database, or its disk, is read-only or broken"
    return "the database does not answer, or is damaged"


DATABASE_FAILURES = {
    "refused": "nothing answers at its address",
    "authentication failed": "its server refuses the user or the password",
    "resolve": "its server's name is not known",
    "translate host": "its server's name is not known",
    "timeout": "its server does not answer in time",
    "timed out": "its server does not answer in time",
    "does not exist": "its server has no such database, user or table",
    "no such table": "a table is missing",
    "locked": "it stays locked by another program",
    "readonly": "it cannot be written",
    "permission denied": "this user may not use it",
    "unable to open": "its file cannot be opened",
    "not a database": "the file is not a database",
    "malformed": "the file is damaged",
    "is full": "the disk is full",
    "disk I/O": "its disk fails",
}
"""What the message of a driver holds, which may quote a password, and what is said instead."""


def in_words(error: BaseException) -> str:
    """Return a failure in words: without the names that only a program knows, and without secrets."""
    if isinstance(error, BridgeError):
        return str(error)
    if isinstance(error, OSError):
        words = re.sub(r"^\[[^\]]{0,100}\] *", "", error.strerror or "") or "the connection failed"
        return f"{words}: {error.filename}" if error.filename else words
    import peewee

    if isinstance(error, peewee.PeeweeException):
        message = str(error)
        found = (words for part, words in DATABASE_FAILURES.items() if part in message)
        return next(found, "its driver reports a failure; the log has the details")
    if isinstance(error, UnicodeError):
        return "it is not text"
    return f"something unforeseen happened ({type(error).__name__})"


def sentences(messages: Any, path: str = "") -> list[str]:
    """Return marshmallow's messages as a flat list, like "Products[3].Quantity: Not a whole number."."""
    if isinstance(messages, dict):
        return [
            sentence
            for key, inner in messages.items()
            for sentence in sentences(inner, f"{path}[{key}]" if isinstance(key, int) else f"{path}.{key}")
        ]
    where = path.removeprefix(".").removeprefix("_schema")
    return [f"{where}: {message}" if where else str(message) for message in messages]


def printable(text: str, keep: str = "") -> str:
    """Return a text in which control characters, and others that are not seen, are written as escapes.

    It does nothing to a terminal and forges no line of a log; spaces, the joiners of emoji, and `keep` stay.
    """
    if text.isprintable():
        return text
    return "".join(
        character
        if character.isprintable() or character in keep or character in JOINERS or _is_space(character)
        else character.encode("unicode_escape").decode("ascii")
        for character in text
    )


JOINERS = "\u200c\u200d"


def _is_space(character: str) -> bool:
    return unicodedata.category(character) == "Zs"


def unreadable(error: Exception) -> str:
    """Return why an order is held whose reading failed; the error's own words may quote personal data."""
    return f"the bridge cannot read it as the shop shows it ({type(error).__name__})"
