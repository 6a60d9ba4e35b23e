"""The messages: what is wrong, with which connection, since when, and what to type. No buyer's data, and no secret."""

from __future__ import annotations

import socket
from collections.abc import Sequence
from datetime import timedelta

from bridge.channels.helpers.texts import cut, one_line
from bridge.masking import masked
from bridge.ops.wording import as_typed
from bridge.settings import Settings
from bridge.store.findings import OK, RecordedFinding

LONGEST = 300
SEVERITY = {OK: 0, "warning": 1, "error": 2}
SILENCE = timedelta(hours=1)
"""The owner is alarmed of the same cause at most once in this time."""
CONFIRMED_BY = 2
"""How many rounds in a row must find what is wrong before the owner hears of it."""
RETRY = timedelta(minutes=1)
PLAIN = str.maketrans("<>[]`@", "\u2039\u203a()'\uff20")
"""What is written for signs of which messengers make links, mentions and pictures."""
FOLLOWS_FROM = {"outbox": ("shop",), "feeds": ("shop",), "polls": ("public address", "certificate")}
"""Causes that are not told while one of these is wrong, of the same connection or of all, which explains them."""
RECOVERY = timedelta(minutes=15)
"""How long what follows may take to be over, once the cause is."""
NOT_TOLD = ("failed listings", "encryption")
"""Causes that Linnworks itself shows, or that the owner has chosen."""


def message(settings: Settings, state: str, rows: Sequence[RecordedFinding]) -> tuple[str, str]:
    """Return title and body of a message about findings of one cause, which are in this state now."""
    names = sorted({foreign(row.name) for row in rows})
    one = len(names) == 1
    parts = [_over(row) if state == OK else _trouble(row) for row in rows]
    said = f"work{'s' * one} again" if state == OK else f"need{'s' * one} you"
    title = f"Linnworks bridge: {', '.join(names)} {said}"
    return title[:LONGEST], "\n\n".join([*parts, f"{settings.url} on {socket.gethostname()}"])


def _trouble(row: RecordedFinding) -> str:
    lines = [
        f"{_connection(row)}{foreign(row.name)}: {foreign(row.message)}",
        f"Since {row.since:%Y-%m-%d %H:%M} UTC",
        f"Type: {as_typed(row.command)}" if row.command else "",
        f"What to do: {clean(as_typed(row.advice))}" if row.advice != row.command else "",
    ]
    return "\n".join(line for line in lines if line)


def _over(row: RecordedFinding) -> str:
    return f"{_connection(row)}{foreign(row.name)}: all right again since {row.since:%Y-%m-%d %H:%M} UTC"


def _connection(row: RecordedFinding) -> str:
    return f"Connection {row.connection_id}, " if row.connection_id else ""


def foreign(text: str) -> str:
    """Return a clean text of which no messenger makes a link under other words, a mention or a picture."""
    return clean(text).translate(PLAIN)


def clean(text: str) -> str:
    """Return a text without control characters and personal data, which the words of a shop may hold, and short."""
    return cut(masked(one_line(text, len(text))), LONGEST)
