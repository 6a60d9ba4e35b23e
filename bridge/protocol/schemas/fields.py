"""marshmallow's fields, as tolerant as Linnworks asks: numeric strings, words for booleans, both forms of dates.

What a field writes is canonical: names of enums in their own case, moments in UTC, money as exact numbers.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from datetime import datetime, timedelta, timezone
from decimal import Decimal as Exact
from decimal import InvalidOperation
from enum import IntEnum
from itertools import islice
from typing import Any

from marshmallow import ValidationError, fields, validate

from bridge.clock import EPOCH

MOST_ENTRIES = 20_000  # of one list
MOST_ERRORS = 20  # of one list: a caller with thousands of invalid entries is not sent thousands of sentences
INT32 = validate.Range(min=-(2**31), max=2**31 - 1, error="Out of range.")


class Field(fields.Field[Any]):
    """What all fields of ours can have.

    `also` names other keys that are read where sources disagree; with `twice` they are written as well. A value that
    is `secret` is left out of the repr of its message, so that no log and no traceback has it.
    """

    default_error_messages = {"required": "Missing.", "null": "Missing."}

    def __init__(
        self, *args: Any, also: tuple[str, ...] = (), twice: bool = False, secret: bool = False, **options: Any
    ) -> None:
        super().__init__(*args, **options)
        self.also = also
        self.twice = twice
        self.secret = secret

    def _validate(self, value: Any) -> None:
        if self.validators:
            super()._validate(value)


class String(Field, fields.String):
    """A text, also from a number; without NUL characters and halves of surrogate pairs, which no shop stores."""

    default_error_messages = {
        "invalid": "Not a text.",
        "nul": "Contains a NUL character.",
        "surrogate": "Contains half a surrogate pair.",
    }

    def _deserialize(self, value: Any, attr: str | None, data: Any, **kwargs: Any) -> str:
        if type(value) is not str:
            if isinstance(value, bool) or not isinstance(value, (int, Exact)):
                raise self.make_error("invalid")
            value = str(value)
        if "\0" in value:
            raise self.make_error("nul")
        if not is_unicode(value):
            raise self.make_error("surrogate")
        return value  # type: ignore[no-any-return]


class Integer(Field, fields.Integer):
    """A whole number of 32 bits, also from a numeric string."""

    default_error_messages = {
        "invalid": "Not a whole number.",
        "too_large": "Out of range.",
    }

    def __init__(self, *args: Any, **options: Any) -> None:
        super().__init__(*args, **options)
        self.validators = [INT32, *self.validators]

    def _format_num(self, value: Any) -> int:
        if type(value) is int:
            return value
        number = exact(value)
        if number != number.to_integral_value():
            raise ValueError
        return int(number)

    def _serialize(self, value: Any, attr: str | None, obj: Any, **kwargs: Any) -> Any:
        return value


class Decimal(Field, fields.Decimal):
    """An exact number, also from a numeric string: money, rates and percentages."""

    default_error_messages = {"invalid": "Not a number.", "too_large": "Out of range."}

    def _format_num(self, value: Any) -> Exact:
        return exact(value)

    def _serialize(self, value: Any, attr: str | None, obj: Any, **kwargs: Any) -> Any:
        return value


class Boolean(Field, fields.Boolean):
    """True or false, also as a word in any case or as 1 or 0."""

    default_error_messages = {"invalid": "Neither true nor false."}
    truthy = {True, "true", "1"}
    falsy = {False, "false", "0"}

    def _deserialize(self, value: Any, attr: str | None, data: Any, **kwargs: Any) -> Any:
        return super()._deserialize(value.strip().lower() if isinstance(value, str) else value, attr, data, **kwargs)


class Enum(Field, fields.Enum[Any]):
    """A member of an enum, from its name in any case or its number; its name is written, or `by_value` its number."""

    default_error_messages = {"unknown": "Not one of {choices}."}

    def __init__(self, enum: type[IntEnum], **options: Any) -> None:
        super().__init__(enum, **options)
        self.choices_text = ", ".join(enum.__members__)
        self._members = {str(word).casefold(): member for member in enum for word in (member.name, member.value)}

    def _deserialize(self, value: Any, attr: str | None, data: Any, **kwargs: Any) -> Any:
        member = self._members.get(str(value).strip().casefold()) if isinstance(value, (str, int, Exact)) else None
        if member is None:
            raise self.make_error("unknown", choices=self.choices_text)
        return member


class DateTime(Field, fields.DateTime):
    """A point in time: aware UTC inside, `2016-08-26T13:28:05Z` on the wire.

    Linnworks really sends `2025-07-05 03:48:51Z`; no zone means UTC, `/Date(ms)/` is understood too. What cannot be
    read is an error, or None where the field is `lenient`.
    """

    default_error_messages = {"invalid": "Not a date and time, such as 2023-08-26T09:43:14Z."}

    def __init__(self, *args: Any, lenient: bool = False, **options: Any) -> None:
        super().__init__(*args, **options)
        self.lenient = lenient

    def _deserialize(self, value: Any, attr: str | None, data: Any, **kwargs: Any) -> Any:
        try:
            return read_moment(value)
        except (TypeError, ValueError, OverflowError):
            if self.lenient:
                return None
            raise self.make_error("invalid") from None

    def _serialize(self, value: Any, attr: str | None, obj: Any, **kwargs: Any) -> str | None:
        return None if value is None else write_moment(value)


class Nested(Field, fields.Nested):
    """An object of another message."""

    default_error_messages = {"type": "Not an object.", "null": "Not an object."}

    def _deserialize(self, value: Any, attr: str | None, data: Any, *args: Any, **kwargs: Any) -> Any:
        if not isinstance(value, dict):
            raise self.make_error("type")
        return super()._deserialize(value, attr, data, *args, **kwargs)


class List(Field, fields.List[Any]):
    """A list; nulls among plain values are left out, and a `lenient` field takes a single value for a list of one."""

    default_error_messages = {
        "invalid": "Not a list.",
        "too_long": f"More than {MOST_ENTRIES} entries.",
    }

    def __init__(self, *args: Any, lenient: bool = False, **options: Any) -> None:
        super().__init__(*args, **options)
        self.lenient = lenient

    def _deserialize(self, value: Any, attr: str | None, data: Any, **kwargs: Any) -> Any:
        entries = [value] if self.lenient and not isinstance(value, list) else value
        if not isinstance(entries, list):
            raise self.make_error("invalid")
        if len(entries) > MOST_ENTRIES:
            raise self.make_error("too_long")
        if not isinstance(self.inner, Nested):
            entries = [entry for entry in entries if entry is not None]
        return tuple(self._load(entries, **kwargs))

    def _load(self, entries: list[Any], **kwargs: Any) -> Sequence[Any]:
        try:
            return super()._deserialize(entries, None, None, **kwargs)
        except ValidationError as error:
            messages: Any = error.messages
            raise ValidationError(dict(islice(messages.items(), MOST_ERRORS))) from None


def exact(value: Any) -> Exact:
    """Return a number that is sent as one or as text, rounded to ten places.

    Raises ValueError for anything else, and OverflowError for more than 15 digits before the point or for less than
    a ten-billionth: no number is too long to be written out.
    """
    if isinstance(value, bool) or not isinstance(value, (int, str, Exact)):
        raise ValueError
    try:
        number = value if isinstance(value, Exact) else Exact(value)
    except InvalidOperation:
        raise ValueError from None
    if not number.is_finite():
        raise ValueError
    if number and not -10 <= number.adjusted() < 15:
        raise OverflowError
    exponent = number.as_tuple().exponent
    assert isinstance(exponent, int)
    if exponent > 0 or exponent < -10:
        number = round(number, 10) if exponent < 0 else number.quantize(Exact(1))
    return number


_ISO = re.compile(
    r"(\d{4})-(\d\d)-(\d\d)(?:[T ](\d\d):(\d\d)(?::(\d\d)(?:[.,](\d{1,9}))?)?)?\s*(?:Z|z|([+-])(\d\d):?(\d\d))?",
    re.ASCII,
)
_TICKS = re.compile(r"/Date\((-?\d{1,15})(?:[+-]\d{4})?\)/", re.ASCII)


def read_moment(value: str) -> datetime:
    """Return the moment in UTC; raises TypeError, ValueError or OverflowError for what is none."""
    if ticks := _TICKS.fullmatch(value):
        return EPOCH + timedelta(milliseconds=int(ticks[1]))
    parts = _ISO.fullmatch(value.strip())
    if parts is None:
        raise ValueError
    year, month, day, hour, minute, second = (int(part or 0) for part in parts.groups()[:6])
    micro = int(((parts[7] or "") + "000000")[:6])
    offset = timedelta(hours=int(parts[9] or 0), minutes=int(parts[10] or 0))
    moment = datetime(year, month, day, hour, minute, second, micro, tzinfo=timezone.utc)
    return moment + offset if parts[8] == "-" else moment - offset


def write_moment(moment: datetime) -> str:
    """Return the moment in UTC, to the second."""
    if moment.tzinfo is not timezone.utc:
        moment = moment.astimezone(timezone.utc)
    return moment.isoformat(timespec="seconds")[:19] + "Z"


def is_unicode(text: str) -> bool:
    """Return whether a text has no half of a surrogate pair, so that it can be encoded."""
    try:
        return text.isascii() or bool(text.encode())
    except UnicodeEncodeError:
        return False
