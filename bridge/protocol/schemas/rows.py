"""Lists of things that stand alone: each row is its object, or what is wrong with it."""

from __future__ import annotations

import logging
from collections.abc import Collection, Sequence
from decimal import Decimal
from typing import Any

import msgspec
from marshmallow import ValidationError

from bridge.errors import sentences
from bridge.protocol.schemas import fast, fields

log = logging.getLogger(__name__)


class InvalidRow(msgspec.Struct, frozen=True, gc=False):
    """A row that could not be loaded: why, its object with the `invalid` fields as received, or None if it is none."""

    error: str
    row: Any = None
    invalid: Collection[str] = ()

    def valid(self, field: str, default: Any = None) -> Any:
        """Return the field's value if it is valid."""
        return default if field in self.invalid else getattr(self.row, field, default)

    def text(self, field: str) -> str:
        """Return the field's value as text, empty where it is none: what the answer names the row by."""
        value = getattr(self.row, field, None)
        if type(value) is str:
            return value
        return str(value) if isinstance(value, (str, int, Decimal)) and not isinstance(value, bool) else ""

    def __repr__(self) -> str:
        return f"InvalidRow({self.error!r})"


class Rows(fields.List):
    """A list that loads as a tuple of outcomes, in order: one invalid row costs the others nothing."""

    def _load(self, entries: list[Any], **kwargs: Any) -> Sequence[Any]:
        return load_rows(self.inner.schema, entries)  # type: ignore[attr-defined]


def load_rows(schema: Any, rows: Sequence[Any]) -> Sequence[Any]:
    """Load each row with the schema; where there may be a thousand, column by column; objects are left as they are."""
    if schema.object_class.fast and rows:
        if type(rows[0]) is schema.object_class:  # as `fast.read` makes all of them or none
            return rows
        if set(map(type, rows)) == {dict}:
            try:
                return _load_columns(schema, rows)
            except Exception:
                log.debug("Rows are loaded one by one", exc_info=True)
    return [load_row(schema, row) for row in rows]


def _load_columns(schema: Any, rows: Sequence[dict[str, Any]]) -> list[Any]:
    """Load rows together; raises an exception where that can only be done row by row."""
    canonical = fast.are_canonical(schema, rows)
    columns, errors = fast.load_columns(schema, rows if canonical else list(map(schema.map_keys, rows)))
    loaded = list(map(schema.object_class, *columns))
    said: dict[fast.FieldErrors, tuple[str, list[str]]] = {}
    last: fast.FieldErrors = ()
    for position, of_row in errors.items():
        if of_row != last:  # most have the same, and need not be looked up
            last = of_row
            words, invalid = said[of_row] = said.get(of_row) or _in_words(schema, of_row)
        loaded[position] = InvalidRow(words, loaded[position], invalid)
    return loaded


def _in_words(schema: Any, errors: fast.FieldErrors) -> tuple[str, list[str]]:
    """Return what the errors of a row's fields are called in an answer, and the fields that have any."""
    messages = {schema.fields[name].data_key: list(of_field) for name, of_field in errors}
    return "; ".join(sentences(messages)), [name for name, _ in errors]


def load_row(schema: Any, row: Any) -> Any:
    """Load one row: its object, or an InvalidRow."""
    valid: Any = {}
    try:
        return schema.load(row)
    except ValidationError as error:
        words, valid = "; ".join(sentences(error.messages)), error.valid_data or {}
    except Exception:
        log.exception("A row could not be loaded")
        words = "The bridge failed; its log has the details"
    if not isinstance(row, dict):
        return InvalidRow(words)
    received = schema.map_keys(row)
    values = {name: valid.get(name, received.get(field.data_key)) for name, field in schema.fields.items()}
    return InvalidRow(words, schema.object_class(**values), [name for name in values if name not in valid])
