"""Helpers for the messages of broken rules."""

from __future__ import annotations

import json
import re
from collections.abc import Iterable
from typing import Any

MAX_MESSAGES = 3
MAX_SUBJECTS = 6
MAX_VALUE_CHARACTERS = 40


def duplicates(values: Iterable[Any]) -> list[Any]:
    """Return the values that occur more than once, each of them once."""
    seen: set[Any] = set()
    again: dict[Any, None] = {}
    for value in values:
        if value in seen:
            again[value] = None
        seen.add(value)
    return list(again)


def summarize(messages: Iterable[str]) -> str:
    """Return the first messages and how many more there are; those that differ only in a position or value count once.

    The position is a number in brackets, the value a quoted text.
    """
    distinct: dict[str, str] = {}
    for message in messages:
        distinct.setdefault(re.sub(r"\[\d+\]|'[^']*'", "", message), message)
    more = len(distinct) - MAX_MESSAGES
    shown = "; ".join(list(distinct.values())[:MAX_MESSAGES])
    return shown + (f"; and {more} more" if more > 0 else "")


def join_subjects(messages: Iterable[str]) -> list[str]:
    """Return the messages, one for all that say the same about several endpoints: their first words are its subject."""
    subjects: dict[str, list[str]] = {}
    for message in messages:
        subject, _, rest = message.partition(" ")
        names = subjects.setdefault(rest, [])
        if subject not in names:
            names.append(subject)
    return [f"{_listed(names)} {rest}" for rest, names in subjects.items()]


def _listed(names: list[str]) -> str:
    more = len(names) - MAX_SUBJECTS
    return ", ".join(names[:MAX_SUBJECTS]) + (f" and {more} more" if more > 0 else "")


def describe(value: Any) -> str:
    """Return the JSON type of a value, and the value itself when it is short."""
    if value is None or isinstance(value, bool):
        return json.dumps(value)
    if isinstance(value, (list, dict)):
        return "an array" if isinstance(value, list) else "an object"
    shown = f" {value!r}" if len(str(value)) < MAX_VALUE_CHARACTERS else ""
    return ("the string" if isinstance(value, str) else "the number") + shown
