"""How a message is declared, and the one place that knows how its values look on the wire.

A message is a frozen object whose fields say their wire type once:

    @message
    class StockLevel:
        sku: str = text("SKU", required=True)
        quantity: int = whole()

From that come the object, its marshmallow schema (`schema_of`) and the loop that reads and writes long
lists of it. Reading is tolerant, as Linnworks asks: key case, unknown keys, nulls and numeric
strings are no errors. Writing is canonical: PascalCase names, [] for no items, money as exact JSON numbers.
"""

from __future__ import annotations

import dataclasses
import re
import sys
from collections.abc import Callable
from datetime import datetime, timedelta, timezone
from decimal import Decimal, InvalidOperation
from enum import IntEnum
from typing import Any, ClassVar, TypeVar

from marshmallow import EXCLUDE, Schema, ValidationError, fields, post_load, pre_load

from bridge.clock import EPOCH

if sys.version_info >= (3, 11):
    from typing import dataclass_transform
else:
    from typing_extensions import dataclass_transform

T = TypeVar("T")

MISSING = "Missing."
UNLIMITED = 1_000_000  # characters of a text of which nothing else is said
MOST_FAULTS = 20  # of one list; who sends thousands of faulty rows is not sent thousands of sentences


class Wire(fields.Field[Any]):
    """A value's wire type: `read` makes our value of JSON's or raises ValidationError, `write` the reverse."""

    def __init__(
        self,
        key: str | None = None,
        *,
        default: Any = None,
        required: bool = False,
        also: tuple[str, ...] = (),
        twice: bool = False,
        secret: bool = False,
    ) -> None:
        """`also` names other keys that are read where sources disagree; with `twice` they are written as well.

        What is `secret` is not in the repr of its message, so that no log and no traceback tells it.
        """
        super().__init__(data_key=key, required=required, error_messages={"required": MISSING})
        self.default = default
        self.also = also
        self.twice = twice
        self.secret = secret

    def read(self, value: Any) -> Any:
        raise NotImplementedError

    def write(self, value: Any) -> Any:
        return value

    def _deserialize(self, value: Any, attr: str | None, data: Any, **kwargs: Any) -> Any:
        return self.read(value)

    def _serialize(self, value: Any, attr: str | None, obj: Any, **kwargs: Any) -> Any:
        return self.write(value)


class Text(Wire):
    def __init__(self, *args: Any, limit: int = UNLIMITED, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.limit = limit

    def read(self, value: Any) -> str:
        if type(value) is not str:
            if isinstance(value, bool) or not isinstance(value, (int, Decimal)):
                raise ValidationError("Not a text.")
            value = str(value)
        if len(value) > self.limit:
            raise ValidationError(f"Longer than {self.limit} characters.")
        if "\x00" in value:
            raise ValidationError("Contains a NUL character.")
        return value  # type: ignore[no-any-return]


class Whole(Wire):
    _limit = 2**31

    def __init__(self, *args: Any, least: int = -_limit, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.least = least

    def read(self, value: Any) -> int:
        if type(value) is not int:
            number = _decimal(value, "Not a whole number.")
            if number != number.to_integral_value():
                raise ValidationError("Not a whole number.")
            value = int(number)
        if not -self._limit <= value < self._limit:
            raise ValidationError("Out of range.")
        if value < self.least:
            raise ValidationError(f"Less than {self.least}.")
        return value  # type: ignore[no-any-return]


class Number(Wire):
    """An exact decimal: money, rates and percentages."""

    def read(self, value: Any) -> Decimal:
        return _decimal(value, "Not a number.")


def _decimal(value: Any, complaint: str) -> Decimal:
    """A finite decimal of at most 15 digits before the point and 10 after it, so that none is too big to print."""
    if isinstance(value, bool) or not isinstance(value, (int, str, Decimal)):
        raise ValidationError(complaint)
    try:
        number = value if isinstance(value, Decimal) else Decimal(value)
    except (InvalidOperation, ValueError):
        raise ValidationError(complaint) from None
    if not number.is_finite():
        raise ValidationError(complaint)
    if number and not -10 <= number.adjusted() < 15:
        raise ValidationError("Out of range.")
    exponent = number.as_tuple().exponent
    assert isinstance(exponent, int)
    if exponent > 0 or exponent < -10:
        number = round(number, 10) if exponent < 0 else number.quantize(Decimal(1))
    return number


class Flag(Wire):
    _words: ClassVar[dict[Any, bool]] = {
        True: True,
        False: False,
        "true": True,
        "false": False,
        "1": True,
        "0": False,
    }

    def read(self, value: Any) -> bool:
        word = value.strip().lower() if isinstance(value, str) else value
        if not isinstance(word, (bool, int, str)) or word not in self._words:
            raise ValidationError("Neither true nor false.")
        return self._words[word]


class Moment(Wire):
    """A point in time: aware UTC inside, `2016-08-26T13:28:05Z` on the wire.

    Linnworks really sends `2025-07-05 03:48:51Z`; no zone means UTC, `/Date(ms)/` is understood too.
    """

    _iso = re.compile(
        r"(\d{4})-(\d\d)-(\d\d)(?:[T ](\d\d):(\d\d)(?::(\d\d)(?:[.,](\d{1,9}))?)?)?\s*(?:Z|z|([+-])(\d\d):?(\d\d))?",
        re.ASCII,
    )
    _ticks = re.compile(r"/Date\((-?\d{1,15})(?:[+-]\d{4})?\)/", re.ASCII)

    def read(self, value: Any) -> datetime:
        try:
            if isinstance(value, str):
                if ticks := self._ticks.fullmatch(value):
                    return EPOCH + timedelta(milliseconds=int(ticks[1]))
                if iso := self._iso.fullmatch(value.strip()):
                    return self._moment(*iso.groups())
        except (ValueError, OverflowError):
            pass
        raise ValidationError("Not a date and time, such as 2023-08-26T09:43:14Z.")

    @staticmethod
    def _moment(*parts: str | None) -> datetime:
        year, month, day, hour, minute, second = (int(part or 0) for part in parts[:6])
        micro = int(((parts[6] or "") + "000000")[:6])
        offset = timedelta(hours=int(parts[8] or 0), minutes=int(parts[9] or 0))
        moment = datetime(year, month, day, hour, minute, second, micro, tzinfo=timezone.utc)
        return moment + offset if parts[7] == "-" else moment - offset

    def write(self, value: datetime | None) -> str | None:
        return None if value is None else value.astimezone(timezone.utc).isoformat(timespec="seconds")[:19] + "Z"


class Name(Wire):
    """A value of an enum whose members are called as on the wire; its name, or in `Code` its number, is written."""

    def __init__(self, kind: type[IntEnum], *args: Any, also_named: dict[str, IntEnum] | None = None, **kwargs: Any):
        super().__init__(*args, **kwargs)
        self.kind = kind
        self.values: dict[str, IntEnum] = {member.name.casefold(): member for member in kind}
        self.values |= {str(member.value): member for member in kind} | (also_named or {})

    def read(self, value: Any) -> IntEnum:
        known = None if isinstance(value, (dict, list)) else self.values.get(str(value).strip().casefold())
        if known is None:
            raise ValidationError("Not one of " + ", ".join(member.name for member in self.kind) + ".")
        return known

    def write(self, value: IntEnum | None) -> Any:
        return None if value is None else value.name


class Code(Name):
    def write(self, value: IntEnum | None) -> Any:
        return None if value is None else value.value


class One(Wire):
    """One object of another message."""

    def __init__(self, of: type, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.shape = shape_of(of)

    def read(self, value: Any) -> Any:
        return self.shape.read(value)

    def write(self, value: Any) -> Any:
        return None if value is None else self.shape.write(value)


class Many(Wire):
    """A list, read and written in one loop, because marshmallow's own costs fifty times as much a row."""

    def __init__(self, of: Wire, *args: Any, lenient: bool = False, **kwargs: Any) -> None:
        super().__init__(*args, default=(), **kwargs)
        self.of = of
        self.lenient = lenient

    def read(self, value: Any) -> tuple[Any, ...]:
        if type(value) is not list:
            if not self.lenient:
                raise ValidationError("Not a list.")
            value = [value]
        read, items, errors = self.of.read, [], {}
        for index, item in enumerate(value):
            try:
                items.append(read(item))
            except ValidationError as error:
                errors[index] = error.messages
                if len(errors) == MOST_FAULTS:
                    break
        if errors:
            raise ValidationError(errors)
        return tuple(items)

    def write(self, value: Any) -> list[Any]:
        return list(map(self.of.write, value))


def text(key: str | None = None, **options: Any) -> Any:
    """A text, "" when absent; `limit` is its greatest length in characters."""
    return Text(key, **{"default": "", **options})


def whole(key: str | None = None, **options: Any) -> Any:
    """A whole number, 0 when absent; not below `least`."""
    return Whole(key, **{"default": 0, **options})


def number(key: str | None = None, **options: Any) -> Any:
    """An exact decimal number, 0 when absent."""
    return Number(key, **{"default": Decimal(0), **options})


def flag(key: str | None = None, **options: Any) -> Any:
    """A boolean, false when absent."""
    return Flag(key, **{"default": False, **options})


def moment(key: str | None = None, **options: Any) -> Any:
    """A point in time, None when absent."""
    return Moment(key, **options)


def enum_name(kind: type[IntEnum], key: str | None = None, **options: Any) -> Any:
    """An enum's value, written as its name."""
    return Name(kind, key, **options)


def enum_code(kind: type[IntEnum], key: str | None = None, **options: Any) -> Any:
    """An enum's value, written as its number."""
    return Code(kind, key, **options)


def one(of: type, key: str | None = None, **options: Any) -> Any:
    """An object of another message, None when absent."""
    return One(of, key, **options)


def many(of: type, key: str | None = None, **options: Any) -> Any:
    """Objects of another message, none when absent."""
    return Many(One(of), key, **options)


def plain(of: Wire, key: str | None = None, **options: Any) -> Any:
    """Plain values of one wire type, none when absent; `lenient` takes a single value for a list of one."""
    return Many(of, key, **options)


class Shape:
    """A message's fields, and the loop that reads and writes objects of it."""

    def __init__(self, wires: dict[str, Wire]) -> None:
        self.wires = wires
        self.make: Callable[..., Any]
        self._keys = {alias.casefold(): name for name, wire in wires.items() for alias in wire.also}
        self._keys |= {str(wire.data_key).casefold(): name for name, wire in wires.items()}
        self._plans: dict[tuple[Any, ...], list[tuple[str, str, Wire]]] = {}
        self._writers = [
            (key, name, wire.write)
            for name, wire in wires.items()
            for key in (str(wire.data_key), *(wire.also if wire.twice else ()))
        ]
        self._required = [name for name, wire in wires.items() if wire.required]

    def plan(self, row: dict[str, Any]) -> list[tuple[str, str, Wire]]:
        """Which key of the row goes to which field; rows with the same keys share one plan."""
        keys = tuple(row)
        plan = self._plans.get(keys)
        if plan is None:
            plan = [(key, field, self.wires[field]) for key in keys if (field := self._keys.get(key.casefold()))]
            if len({field for _, field, _ in plan}) < len(plan):
                return self._one_key_each(row, plan)
            # strangers choose the keys, so what is kept of them has a limit
            if sum(map(len, keys), len(keys)) <= 4000 and len(self._plans) < 64:
                self._plans[keys] = plan
        return plan

    @staticmethod
    def _one_key_each(row: dict[str, Any], plan: list[tuple[str, str, Wire]]) -> list[tuple[str, str, Wire]]:
        """Where several keys mean one field: the first that has a value, before it the canonical one."""
        chosen: dict[str, tuple[str, str, Wire]] = {}
        for key, field, wire in plan:
            if row[key] is not None and (field not in chosen or key == wire.data_key):
                chosen[field] = (key, field, wire)
        return list(chosen.values())

    def read(self, row: Any) -> Any:
        """Make an object of a JSON object; raises ValidationError naming each key at fault."""
        if type(row) is not dict:
            raise ValidationError("Not an object.")
        found: dict[str, Any] = {}
        errors: dict[str, Any] = {}
        for key, field, wire in self.plan(row):
            if row[key] is not None:
                try:
                    found[field] = wire.read(row[key])
                except ValidationError as error:
                    errors[str(wire.data_key)] = error.messages
        for field in self._required:
            if field not in found:
                errors.setdefault(str(self.wires[field].data_key), [MISSING])
        if errors:
            raise ValidationError(errors)
        return self.make(**found)

    def write(self, obj: Any) -> dict[str, Any]:
        """The object as JSON's types, under its wire names."""
        return {key: write(getattr(obj, field)) for key, field, write in self._writers}


class MessageSchema(Schema):
    """The marshmallow schema of a whole message: what Linnworks sent goes through `load`, answers through `dump`."""

    shape: ClassVar[Shape]

    class Meta:
        unknown = EXCLUDE

    @pre_load
    def _canonical(self, data: Any, **kwargs: Any) -> Any:
        if not isinstance(data, dict):
            return data
        return {wire.data_key: data[key] for key, _, wire in self.shape.plan(data) if data[key] is not None}

    @post_load
    def _make(self, data: dict[str, Any], **kwargs: Any) -> Any:
        return self.shape.make(**data)


@dataclass_transform(kw_only_default=True, frozen_default=True)
def message(cls: type[T]) -> type[T]:
    """Make a message of a class whose fields are declared with the functions above; bases' fields come first."""
    wires: dict[str, Wire] = dict(shape_of(cls).wires) if hasattr(cls, "_schema") else {}
    for field, wire in list(vars(cls).items()):
        if isinstance(wire, Wire):
            wire.data_key = wire.data_key or "".join(part.capitalize() for part in field.split("_"))
            wires[field] = wire
            setattr(cls, field, dataclasses.field(default=wire.default, repr=not wire.secret))
    made = dataclasses.dataclass(frozen=True, kw_only=True, slots=True)(cls)
    shape = Shape(wires)
    shape.make = made
    schema = type(f"{cls.__name__}Schema", (MessageSchema,), {"shape": shape, **wires})
    made._schema = schema()  # type: ignore[attr-defined]
    return made


def schema_of(kind: type) -> MessageSchema:
    """The schema that loads and dumps objects of this message."""
    return kind._schema  # type: ignore[attr-defined, no-any-return]


def shape_of(kind: type) -> Shape:
    """The fields of this message."""
    return schema_of(kind).shape


@message
class Answer:
    """What every answer has: `Error`, null on success."""

    error: str | None = text(default=None)
