"""The schema of a value in a response, and the mismatches between a value and its schema."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from enum import Enum
from typing import Any, NamedTuple

from bridge.check.wording import describe


class Aspect(Enum):
    """What a rule about every response looks at."""

    STATUS = "the HTTP status"
    LENGTH = "Content-Length"
    CHUNKED = "a body sent in chunks"
    JSON = "a body that is a JSON object"
    ERROR_KEY = "the Error key"
    TIME = "the response time"
    SHAPE = "a required name is missing, or a value cannot be read"
    MAX_LENGTH = "a text is longer than its page allows"
    TYPE = "only a lenient reader accepts the value"
    NAME = "a key is spelt differently from the protocol's, or unknown to it"
    FORM = "the sources disagree on this form of a date, an enum or an empty array"
    ERROR_DEFAULTS = "arrays and HasMorePages beside an Error"
    ITEM_IDS = "the ids of a wizard step's items"
    LIST_VALUES = "the values a list of the wizard offers"
    PATTERN = "a regular expression"


class Mismatch(NamedTuple):
    """One difference between a value and its schema."""

    aspect: Aspect
    message: str


Mismatches = Iterator[Mismatch]


@dataclass(frozen=True)
class ValueSchema:
    """The schema of a JSON value.

    `compare` yields the mismatches of the value at a path, `read` returns the value as Linnworks reads it.
    `if_missing` is the aspect under which a missing value is reported, None when it is optional.
    """

    compare: Callable[[Any, str], Mismatches]
    read: Callable[[Any], Any] = lambda value: value
    if_missing: Aspect | None = Aspect.SHAPE
    fields: Mapping[str, ValueSchema] | None = None
    is_array: bool = False


def mismatches(schema: ValueSchema, body: dict[str, Any], read: dict[str, Any]) -> Mismatches:
    """Yield the mismatches of a response's body; `read` is the same body as Linnworks reads it.

    Beside an Error only arrays and HasMorePages are compared: they have to be empty and false.
    """
    if not read.get("Error"):
        yield from schema.compare(body, "")
        return
    fields = schema.fields or {}
    if "Error" in fields:
        yield from fields["Error"].compare(body.get("Error", read["Error"]), "Error")
    for name, field in fields.items():
        if field.is_array and not isinstance(read.get(name), list):
            yield Mismatch(Aspect.ERROR_DEFAULTS, f"{name} is {describe(read.get(name))} beside an Error, not []")
    if "HasMorePages" in fields and read.get("HasMorePages") is not False:
        yield Mismatch(Aspect.ERROR_DEFAULTS, "HasMorePages is not false beside an Error")
