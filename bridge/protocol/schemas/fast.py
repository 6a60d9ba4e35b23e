"""Fast ways for answers, and for rows that come by the thousand: what `Schema.load` and `Schema.dump` do, by msgspec.

A property test holds them equal to the schemas: same objects, same errors, same bytes.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from decimal import Decimal
from functools import cache
from itertools import chain
from operator import attrgetter
from typing import Any

import msgspec
from marshmallow import Schema, ValidationError, missing

from bridge.protocol.schemas import fields

_PLAIN_NUMBER = re.compile("[-.0-9]*")


def takes(schema: Any) -> bool:
    """Return whether `load` knows all fields of a message."""
    return all(type(field) in _CHECKS for field in schema.fields.values())


def load(schema: Any, rows: Sequence[Any]) -> Sequence[Any] | None:
    """Make the objects of rows that are valid and written canonically; None where one is not, for the schema to load.

    The message's fields are texts, whole numbers and decimals.
    """
    if set(map(type, rows)) != {dict}:
        return None
    if not are_canonical(schema, rows):
        return None
    try:
        made = msgspec.convert(rows, list[schema.object_class])
        for name, field in schema.fields.items():
            if not _CHECKS[type(field)](field, list(map(attrgetter(name), made))):
                return None
    except Exception:  # whatever it is, the schema says what is wrong with which row
        return None
    return made


def are_canonical(schema: Any, rows: Sequence[dict[str, Any]]) -> bool:
    """Return whether all keys that the schema knows are written as it writes them."""
    return all(schema.keys.get(key.casefold(), key) == key for key in set(chain.from_iterable(rows)))


class Judged(dict[Any, tuple[Any, tuple[str, ...]]]):
    """What a field makes of values, each asked once: the loaded value, or its errors."""

    def __init__(self, field: Any) -> None:
        self._field = field

    def __missing__(self, key: tuple[type, Any]) -> tuple[Any, tuple[str, ...]]:
        kind, value = key
        if kind is Decimal:
            value = Decimal(value)
        errors: tuple[str, ...] = ()
        try:
            value = self._field.deserialize(missing if value is None else value)
        except ValidationError as error:
            errors = tuple(map(str, error.messages))
        self[key] = value, errors
        return value, errors


def load_columns(schema: Any, rows: Sequence[dict[str, Any]]) -> tuple[list[list[Any]], list[list[tuple[str, ...]]]]:
    """Load objects whose keys are canonical column by column: return each field's values, and their errors.

    A value that has errors is as it was received.
    """
    columns: list[list[Any]] = []
    errors: list[list[tuple[str, ...]]] = []
    for field in schema.fields.values():
        values = [row.get(field.data_key) for row in rows]
        if _is_valid(field, values):
            columns.append(values)
            errors.append([()] * len(rows))
        else:
            judged = Judged(field)
            keys = ((type(value), str(value) if type(value) is Decimal else value) for value in values)
            loaded, found = zip(*map(judged.__getitem__, keys), strict=True)
            columns.append(list(loaded))
            errors.append(list(found))
    return columns, errors


def _is_valid(field: Any, values: list[Any]) -> bool:
    """Return whether all values are what the field loads them as."""
    try:
        return set(map(type, values)) == {_LOADED[type(field)]} and _CHECKS[type(field)](field, values)
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
