"""Words that messages and commands share."""

from __future__ import annotations


def counted(number: int, singular: str, plural: str = "") -> str:
    """Return a number with its noun: "1 time", "2 times"."""
    return f"{number} {singular if number == 1 else plural or f'{singular}s'}"
