"""What a value has to be, and what is wrong with an answer."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any, NamedTuple

SHAPE = "shape"
"""A required name that is missing, or a value that cannot be read."""
LIMIT = "limit"
"""A text longer than its page allows."""
TYPE = "type"
"""A value that only a lenient reader takes for what it should be."""
NAME = "name"
"""A key in another case than the protocol's, or one the protocol does not have."""
FORM = "form"
"""A form of a date, an enum or an empty array on which the sources disagree."""
REFUSAL = "refusal"
"""What should not stand beside an Error."""


class Complaint(NamedTuple):
    """One thing that is wrong with an answer, and the rule it breaks."""

    rule: str
    words: str


Complaints = Iterator[Complaint]


@dataclass(frozen=True)
class Kind:
    """What a value has to be: `judge` yields what is wrong with it, `read` gives it as Linnworks reads it.

    `absent` is the rule that its absence breaks, "" where it may be left out.
    """

    judge: Callable[[Any, str], Complaints]
    read: Callable[[Any], Any] = lambda value: value
    absent: str = SHAPE
    fields: Mapping[str, Kind] | None = None
    array: bool = False


def complaints(kind: Kind, body: dict[str, Any], read: dict[str, Any]) -> Complaints:
    """What is wrong with an answer, given as Linnworks reads it too.

    Beside an Error it owes no more than empty arrays and HasMorePages false.
    """
    if not read.get("Error"):
        yield from kind.judge(body, "")
        return
    for name, field in (kind.fields or {}).items():
        if field.array and not isinstance(read.get(name), list):
            yield Complaint(REFUSAL, f"{name} is {sort(read.get(name))} beside an Error, not []")
    if "HasMorePages" in (kind.fields or {}) and read.get("HasMorePages") is not False:
        yield Complaint(REFUSAL, "HasMorePages is not false beside an Error")


def repeated(values: Iterable[Any]) -> list[Any]:
    """The values that occur more than once, each told once."""
    seen: set[Any] = set()
    again: dict[Any, None] = {}
    for value in values:
        if value in seen:
            again[value] = None
        seen.add(value)
    return list(again)


def summary(words: Iterable[str], shown: int = 3) -> str:
    """A few of many complaints, those that differ only in a position or a value told once."""
    distinct = list({re.sub(r"\[\d+\]|'[^']*'", "", word): word for word in reversed(list(words))}.values())[::-1]
    more = len(distinct) - shown
    return "; ".join(distinct[:shown]) + (f"; and {more} more" if more > 0 else "")


def sort(value: Any) -> str:
    """What sort of JSON a value is, and the value where it is short."""
    if value is None or isinstance(value, bool):
        return json.dumps(value)
    if isinstance(value, (list, dict)):
        return "an array" if isinstance(value, list) else "an object"
    shown = f" {value!r}" if len(str(value)) < 40 else ""
    return ("the string" if isinstance(value, str) else "the number") + shown
