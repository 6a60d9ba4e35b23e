"""A shop's texts: cut to a limit where they come in, and read in a time that grows with their length alone."""

from __future__ import annotations

import re

LONGEST = 20_000  # characters of a text of which nothing else is known, such as a description

_TAG = re.compile(r"<[^<>]*>")  # a second < begins a tag anew, so that no character is read twice


def cut(text: str, limit: int = LONGEST) -> str:
    """Return a text of at most so many characters; of a longer one the end is left out, and an ellipsis says so."""
    return text if len(text) <= limit else f"{text[: limit - 1]}…"


def one_line(text: str, limit: int) -> str:
    """Return a text as one line without control characters, cut to the limit."""
    return cut(" ".join("".join(sign if sign.isprintable() else " " for sign in text).split()), limit)


def without_tags(text: str, instead: str = "") -> str:
    """Return a text without HTML tags."""
    return _TAG.sub(instead, text)
