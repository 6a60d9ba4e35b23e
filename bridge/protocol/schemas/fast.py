"""Fast ways for answers, and for rows that come by the thousand: what `Schema.load` and `Schema.dump` do, by msgspec.

A property test holds them equal to the schemas: same objects, same errors, same bytes.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from decimal import Decimal
from functools import cache
from itertools import chain
from operator import attrgetter, itemgetter
from typing import Any

import msgspec
from marshmallow import Schema, ValidationError, missing

from bridge.protocol.schemas import fields

_PLAIN_NUMBER = re.compile("[-.0-9]*")


def takes(schema: Any) -> bool:
    """Return whether `load` knows all fields of a message."""
    return all(type(field) in _CHECKS for field in schema.fields.values())


def load(schema: Any, data: Any) -> Any:
    """Make the object of a message whose fields are texts, whole numbers and decimals.

    Returns None unless it is valid and written as the schema writes it: the schema says what is wrong.
    """
    if not isinstance(data, dict) or not are_canonical(schema, [data]):
        return None
    try:
        made = msgspec.convert(data, schema.object_class)
        return made if _are_valid(schema.fields, [made]) else None
    except Exception:  # whatever it is
        return None


def read(schema: Any, raw: bytes) -> dict[str, Any] | None:
    """Parse a body of a token and `fast` rows, each made its object at once: the schema takes these as they are.

    Returns None for any other body, and unless all is valid and written as the schema writes it, each key once.
    """
    reader = _reader(schema)
    if reader is None or b"\\" in raw:  # without one no key is another in disguise, and no text has a NUL
        return None
    decode, key, keys, to_check = reader
    try:
        body: dict[str, Any] = msgspec.structs.asdict(decode(raw))
        once = raw.count(b":") == len(body) + keys * len(body[key])  # each key needs a colon, and none is missing
        return body if once and _are_valid(to_check, body[key]) else None
    except Exception:  # `parse_object` says what is wrong
        return None


@cache
def _reader(schema: Any) -> tuple[Callable[[bytes], Any], str, int, dict[str, Any]] | None:
    """Return what parses the bodies that `read` takes, the key of the rows, how many keys a row has, and what to check.

    None if the message is not a list of `fast` rows.
    """
    of_message: list[Any] = list(schema.fields.values())
    row = getattr(getattr(of_message[0], "inner", None), "schema", None) if len(of_message) == 1 else None
    if row is None or not row.object_class.fast:
        return None
    key = of_message[0].data_key
    keys = [("AuthorizationToken", str), (key, list[row.object_class])]  # type: ignore[name-defined]
    decode = msgspec.json.Decoder(msgspec.defstruct("Body", keys, forbid_unknown_fields=True)).decode
    to_check = {name: one for name, one in row.fields.items() if one.validators or not isinstance(one, fields.String)}
    return decode, key, len(row.fields), to_check


def _are_valid(of_fields: Mapping[str, Any], made: Sequence[Any]) -> bool:
    """Return whether the values of objects, which are of the right types, are what their fields load them as."""
    return all(_is_valid(field, list(map(attrgetter(name), made))) for name, field in of_fields.items())


def are_canonical(schema: Any, rows: Sequence[dict[str, Any]]) -> bool:
    """Return whether all keys that the schema knows are written as it writes them."""
    return all(schema.keys.get(key.casefold(), key) == key for key in set(chain.from_iterable(rows)))


FieldErrors = tuple[tuple[str, tuple[str, ...]], ...]
"""The errors of a row's fields, by their names."""


class Judged(dict[Any, tuple[Any, FieldErrors]]):
    """What a field makes of values, each asked once: the loaded value and nothing, or the value and its errors."""

    def __init__(self, field: Any) -> None:
        self._field = field

    def __missing__(self, key: tuple[type, Any]) -> tuple[Any, FieldErrors]:
        kind, value = key
        if kind is Decimal:
            value = Decimal(value)
        errors: FieldErrors = ()
        try:
            value = self._field.deserialize(missing if value is None else value)
        except ValidationError as error:
            errors = ((self._field.name, tuple(map(str, error.messages))),)
        self[key] = value, errors
        return value, errors


def load_columns(schema: Any, rows: Sequence[dict[str, Any]]) -> tuple[list[list[Any]], dict[int, FieldErrors]]:
    """Load objects whose keys are canonical column by column: return each field's values, and errors by position.

    A value that has errors is as it was received.
    """
    keys = [field.data_key for field in schema.fields.values()]
    try:
        columns = [list(values) for values in zip(*map(itemgetter(*keys), rows), strict=True)]
    except KeyError:
        columns = [[row.get(key) for row in rows] for key in keys]
    errors: dict[int, FieldErrors] = {}
    for field, values in zip(schema.fields.values(), columns, strict=True):
        judged = Judged(field)
        for number in _doubtful(field, values):
            value = values[number]
            key = type(value), str(value) if type(value) is Decimal else value
            values[number], found = judged[key]
            if found:
                errors[number] = errors[number] + found if number in errors else found
    return columns, errors


def _doubtful(field: Any, values: list[Any]) -> Sequence[int]:
    """Return the positions of the values that the field may load as something else, or refuse."""
    kind = _LOADED[type(field)]
    if set(map(type, values)) == {kind}:
        return () if _is_valid(field, values) else range(len(values))
    if not _is_valid(field, [value for value in values if type(value) is kind]):
        return range(len(values))
    return [number for number, value in enumerate(values) if type(value) is not kind]


def _is_valid(field: Any, values: list[Any]) -> bool:
    """Return whether all values, which are of the right type, are what the field loads them as."""
    try:
        return not values or _CHECKS[type(field)](field, values)
    except ValidationError:
        return False


def _texts_are_valid(field: fields.String, values: list[str]) -> bool:
    together = "".join(values)
    for validate in field.validators:
        validate(max(values, key=len))
    return "\0" not in together and fields.is_unicode(together)


def _integers_are_valid(field: fields.Integer, values: list[int]) -> bool:
    for validate in field.validators:
        validate(min(values))
        validate(max(values))
    return True


def _decimals_are_valid(field: fields.Decimal, values: list[Any]) -> bool:
    """Return whether each is so short that it is in range, and has no more places than are kept."""
    for validate in field.validators:
        validate(min(values))
        validate(max(values))
    texts = list(map(str, values))
    return max(map(len, texts)) <= 11 and _PLAIN_NUMBER.fullmatch("".join(texts)) is not None


_CHECKS: dict[type, Callable[[Any, list[Any]], bool]] = {
    fields.String: _texts_are_valid,
    fields.Integer: _integers_are_valid,
    fields.Decimal: _decimals_are_valid,
}

_LOADED = {fields.String: str, fields.Integer: int, fields.Decimal: Decimal}


def dump(schema: Schema, message: Any) -> Any:
    """Return what the encoder makes the same JSON of as of `schema.dump(message)`."""
    write = _writer(schema)
    return write(message) if write else message


@cache
def _writer(schema: Any) -> Callable[[Any], Any] | None:
    """Return what makes a dict of an object, or None where the encoder writes the object as the schema would."""
    names = [(field.data_key, name) for name, field in schema.dump_fields.items()]
    changes = [(field.data_key, change) for field in schema.dump_fields.values() if (change := _change(field))]
    if not changes and not schema.twice and [name for _, name in names] == list(schema.object_class.__struct_fields__):
        return None
    keys = [key for key, _ in names]
    values = attrgetter(*(name for _, name in names), "__class__")  # with two or more it gives a tuple

    def write(obj: Any) -> dict[str, Any]:
        written = dict(zip(keys, values(obj), strict=False))
        for key, change in changes:
            written[key] = change(written[key])
        for key, first in schema.twice.items():
            written[key] = written[first]
        return written

    return write


def _change(field: Any) -> Callable[[Any], Any] | None:
    """Return what makes a field's value what the encoder writes for it, or None where it is that already."""
    if isinstance(field, fields.DateTime):
        return _or_none(fields.write_moment)
    if isinstance(field, fields.Enum) and not field.by_value:
        return _or_none(attrgetter("_name_"))  # `name` is a property of enum's own making, and slow
    if isinstance(field, fields.Nested):
        write = _writer(field.schema)
        return _or_none(write) if write else None
    if isinstance(field, fields.List):
        change = _change(field.inner)
        return (lambda entries: list(map(change, entries))) if change else None
    return None


def _or_none(change: Callable[[Any], Any]) -> Callable[[Any], Any]:
    return lambda value: None if value is None else change(value)
