"""How a message is declared, and the one place that knows how its values look on the wire.

A message is a frozen object whose fields say their wire type once:

    class StockLevel(Message):
        sku: str = text("SKU", required=True)
        quantity: int = whole()

From that come the object, its marshmallow schema (`schema_of`) and the loops that read and write long
lists of it. Reading is tolerant, as Linnworks asks: key case, unknown keys, nulls and numeric
strings are no errors. Writing is canonical: PascalCase names, [] for no items, money as exact JSON numbers.

Objects are msgspec's: they are made several times as fast as dataclasses, and its encoder writes those as they
are whose values look on the wire as they do inside.
"""

from __future__ import annotations

import re
import sys
from collections.abc import Callable, Iterable, Mapping, Sequence
from datetime import datetime, timedelta, timezone
from decimal import Decimal, InvalidOperation
from enum import IntEnum
from itertools import repeat
from operator import attrgetter, itemgetter
from typing import Any, ClassVar

import msgspec
from marshmallow import EXCLUDE, Schema, ValidationError, fields

from bridge.clock import EPOCH

if sys.version_info >= (3, 11):
    from typing import dataclass_transform
else:
    from typing_extensions import dataclass_transform

MISSING = "Missing."
UNLIMITED = 1_000_000  # characters of a text of which nothing else is said
MOST_FAULTS = 20  # of one list; who sends thousands of faulty rows is not sent thousands of sentences

_encode = msgspec.json.Encoder(decimal_format="number").encode


class Wire(fields.Field[Any]):
    """A value's wire type: `read` makes our value of JSON's or raises ValidationError, `write` the reverse.

    `as_is` says that `write` changes nothing.
    """

    as_is = True

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

    def read_all(self, values: Sequence[Any]) -> Sequence[Any]:
        """Read many values as `read` does each, or raise what it raises at one of them."""
        return list(map(self.read, values))

    def write(self, value: Any) -> Any:
        return value

    def _deserialize(self, value: Any, attr: str | None, data: Any, **kwargs: Any) -> Any:
        return self.read(value)


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

    def read_all(self, values: Sequence[Any]) -> Sequence[Any]:
        try:
            together = "".join(values)
        except TypeError:
            return super().read_all(values)
        fit = len(together) <= self.limit or max(map(len, values)) <= self.limit
        return values if fit and "\x00" not in together else super().read_all(values)


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

    def read_all(self, values: Sequence[Any]) -> Sequence[Any]:
        fit = set(map(type, values)) == {int} and max(self.least, -self._limit) <= min(values)
        return values if fit and max(values) < self._limit else super().read_all(values)


class Number(Wire):
    """An exact decimal: money, rates and percentages."""

    _plain = re.compile("[-.0-9]*")

    def read(self, value: Any) -> Decimal:
        return _decimal(value, "Not a number.")

    def read_all(self, values: Sequence[Any]) -> Sequence[Any]:
        if set(map(type, values)) <= {int, Decimal}:
            numbers = list(map(Decimal, values))
            texts = list(map(str, numbers))
            # as short as this, none is out of range, and none has more places than are kept
            if max(map(len, texts), default=0) <= 11 and self._plain.fullmatch("".join(texts)):
                return numbers
        return super().read_all(values)


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

    as_is = False

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
        if value is None:
            return None
        if value.tzinfo is not timezone.utc:
            value = value.astimezone(timezone.utc)
        return value.isoformat(timespec="seconds")[:19] + "Z"


class Name(Wire):
    """A value of an enum whose members are called as on the wire; its name, or in `Code` its number, is written."""

    as_is = False

    def __init__(self, kind: type[IntEnum], *args: Any, also_named: dict[str, IntEnum] | None = None, **kwargs: Any):
        super().__init__(*args, **kwargs)
        self.kind = kind
        self.values: dict[str, IntEnum] = {member.name.casefold(): member for member in kind}
        self.values |= {str(member.value): member for member in kind} | (also_named or {})

    def read(self, value: Any) -> IntEnum:
        known = (
            None if value is None or isinstance(value, (dict, list)) else self.values.get(str(value).strip().casefold())
        )
        if known is None:
            raise ValidationError("Not one of " + ", ".join(member.name for member in self.kind) + ".")
        return known

    def write(self, value: IntEnum | None) -> Any:
        return None if value is None else value._name_  # `name` is a property of enum's own making, and slow


class Code(Name):
    as_is = True

    def write(self, value: IntEnum | None) -> Any:
        return value


class One(Wire):
    """One object of another message."""

    def __init__(self, of: type, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.shape = shape_of(of)
        self.as_is = self.shape.as_is

    def read(self, value: Any) -> Any:
        return self.shape.read(value)

    def read_all(self, values: Sequence[Any]) -> Sequence[Any]:
        return self.shape.read_alike(values) or super().read_all(values)

    def write(self, value: Any) -> Any:
        return None if value is None else self.shape.write(value)


class Many(Wire):
    """A list, read and written in one loop, because marshmallow's own costs fifty times as much a row."""

    def __init__(self, of: Wire, *args: Any, lenient: bool = False, **kwargs: Any) -> None:
        super().__init__(*args, default=(), **kwargs)
        self.of = of
        self.as_is = of.as_is
        self.lenient = lenient

    def read(self, value: Any) -> tuple[Any, ...]:
        if type(value) is not list:
            if not self.lenient:
                raise ValidationError("Not a list.")
            value = [value]
        try:
            return tuple(self.of.read_all(value))
        except ValidationError:
            raise ValidationError(self._faults(value)) from None

    def _faults(self, values: Sequence[Any]) -> dict[int, Any]:
        """What is wrong with the first of these that are at fault, by their place."""
        faults: dict[int, Any] = {}
        for index, value in enumerate(values):
            try:
                self.of.read(value)
            except ValidationError as error:
                faults[index] = error.messages
                if len(faults) == MOST_FAULTS:
                    break
        return faults

    def write(self, value: Any) -> Sequence[Any]:
        return value if self.as_is else list(map(self.of.write, value))


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
    """A message's fields, and the loops that read and write objects of it.

    `as_is` says that an object of it needs no `write`: the encoder gives its fields their wire names.
    """

    def __init__(self, make: type[Message], wires: dict[str, Wire]) -> None:
        self.make: Callable[..., Any] = make
        self.wires = wires
        self._keys = {alias.casefold(): name for name, wire in wires.items() for alias in wire.also}
        self._keys |= {str(wire.data_key).casefold(): name for name, wire in wires.items()}
        self._plans: dict[tuple[Any, ...], list[tuple[str, str, Wire]]] = {}
        self._required = {name for name, wire in wires.items() if wire.required}
        self._defaults = dict(zip(make.__struct_fields__, make.__struct_defaults__, strict=True))
        self.as_is = list(wires) == list(self._defaults) and all(w.as_is and not w.twice for w in wires.values())
        written = [(key, name) for name, wire in wires.items() for key in _keys_written(wire)]
        self._written = [key for key, _ in written]
        # with one more than wanted, it gives a tuple of a single field too
        self._values: Callable[[Any], tuple[Any, ...]] = attrgetter(*(name for _, name in written), "__class__")
        self._changed = [(key, wires[name].write) for key, name in written if not wires[name].as_is]

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

    def read_alike(self, rows: Sequence[Any]) -> Sequence[Any] | None:
        """Make objects of rows that all have the same keys, a column at a time; None where they are to be read singly.

        That is where they are not alike, where a value is null, and where one is at fault.
        """
        if set(map(type, rows)) != {dict} or set(map(len, rows)) != {len(rows[0])}:
            return None
        plan = self.plan(rows[0])
        fields = {field for _, field, _ in plan}
        if not self._required <= fields or len(fields) < sum(key.casefold() in self._keys for key in rows[0]):
            return None
        columns: dict[str, Sequence[Any]] = {}
        try:
            for key, field, wire in plan:
                columns[field] = wire.read_all(list(map(itemgetter(key), rows)))
        except (KeyError, ValidationError):
            return None
        return self.of_columns(len(rows), columns)

    def of_columns(self, count: int, columns: Mapping[str, Iterable[Any]]) -> list[Any]:
        """Make so many objects of the values of each field; a field that is not given has its default."""
        values = (columns.get(field, repeat(default, count)) for field, default in self._defaults.items())
        return list(map(self.make, *values))

    def write(self, obj: Any) -> Any:
        """What the encoder makes JSON of: the object under its wire names, or itself where it needs no more."""
        if self.as_is:
            return obj
        written = dict(zip(self._written, self._values(obj), strict=False))
        for key, write in self._changed:
            written[key] = write(written[key])
        return written


class MessageSchema(Schema):
    """The marshmallow schema of a whole message: what Linnworks sent goes through `load`."""

    shape: ClassVar[Shape]

    class Meta:
        unknown = EXCLUDE

    def load(self, data: Any, **options: Any) -> Any:
        """Make the message of a JSON object; raises ValidationError naming each key at fault."""
        if isinstance(data, dict):
            data = {wire.data_key: data[key] for key, _, wire in self.shape.plan(data) if data[key] is not None}
        return self.shape.make(**super().load(data, **options))


@dataclass_transform(kw_only_default=True, frozen_default=True)
class _Kind(msgspec.StructMeta):
    """Makes a message of a class whose fields are declared with the functions above; its base's fields come first."""

    shape: Shape

    def __new__(cls, name: str, bases: tuple[type, ...], namespace: dict[str, Any], **config: Any) -> Any:
        wires = {field: wire for field, wire in namespace.items() if isinstance(wire, Wire)}
        for field, wire in wires.items():
            wire.data_key = wire.data_key or "".join(part.capitalize() for part in field.split("_"))
            namespace[field] = wire.default
        names = {field: str(wire.data_key) for field, wire in wires.items()}
        made: Any = super().__new__(cls, name, bases, namespace, frozen=True, rename=names, **config)
        inherited = {
            field: wire for base in bases if isinstance(base, _Kind) for field, wire in base.shape.wires.items()
        }
        made.shape = Shape(made, inherited | wires)
        made.schema = type(f"{name}Schema", (MessageSchema,), {"shape": made.shape, **made.shape.wires})()
        return made


class Message(msgspec.Struct, metaclass=_Kind):
    """A frozen object that knows how it looks on the wire; what is secret is not in its repr."""

    shape: ClassVar[Shape]
    schema: ClassVar[MessageSchema]

    def __repr__(self) -> str:
        secret = {field for field, wire in self.shape.wires.items() if wire.secret}
        told = (f"{field}={getattr(self, field)!r}" for field in self.__struct_fields__ if field not in secret)
        return f"{type(self).__name__}({', '.join(told)})"


def schema_of(kind: type) -> MessageSchema:
    """The schema that loads this message."""
    return kind.schema  # type: ignore[attr-defined, no-any-return]


def shape_of(kind: type) -> Shape:
    """The fields of this message."""
    return kind.shape  # type: ignore[attr-defined, no-any-return]


def to_json(message: Message) -> bytes:
    """The message as it goes over the wire; money as exact numbers."""
    return _encode(message.shape.write(message))


def plain_data(obj: Message) -> dict[str, Any]:
    """The message as plain data under its wire names: what JSON has, and decimals."""
    return msgspec.to_builtins(obj.shape.write(obj), builtin_types=(Decimal,))  # type: ignore[no-any-return]


def _keys_written(wire: Wire) -> tuple[str, ...]:
    return (str(wire.data_key), *(wire.also if wire.twice else ()))


class Answer(Message):
    """What every answer has: `Error`, null on success."""

    error: str | None = text(default=None)
