"""Lists of things that stand alone: each row is its object, or what is wrong with it."""

from __future__ import annotations

import logging
from collections.abc import Mapping, Sequence
from decimal import Decimal
from typing import Any

import msgspec
from marshmallow import ValidationError

from bridge.errors import sentences
from bridge.protocol.schemas import fast, fields

log = logging.getLogger(__name__)


class InvalidRow(msgspec.Struct, frozen=True):
    """A row that could not be loaded: why, the fields that are valid, and the others as received."""

    error: str
    valid: Mapping[str, Any] = {}
    received: Mapping[str, Any] = {}

    def text(self, field: str) -> str:
        """Return the field's value as text, empty where it is none: what the answer names the row by."""
        value = self.valid.get(field, self.received.get(field))
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
    """Load each row with the schema; where there may be a thousand, all at once, or at least column by column."""
    if schema.object_class.fast:
        found = fast.load(schema, rows)
        if found is not None:
            return found
        if set(map(type, rows)) == {dict}:
            try:
                return _load_columns(schema, rows)
            except Exception:
                log.debug("Rows are loaded one by one", exc_info=True)
    return [load_row(schema, row) for row in rows]


def _load_columns(schema: Any, rows: Sequence[dict[str, Any]]) -> list[Any]:
    """Load rows of which some are invalid; raises an exception where that can only be done row by row."""
    canonical = fast.are_canonical(schema, rows)
    columns, errors = fast.load_columns(schema, rows if canonical else list(map(schema.map_keys, rows)))
    names = list(schema.fields)
    words: dict[Any, str] = {}
    loaded: list[Any] = []
    for values, of_row in zip(zip(*columns, strict=True), zip(*errors, strict=True), strict=True):
        if not any(of_row):
            loaded.append(schema.object_class(**dict(zip(names, values, strict=True))))
            continue
        if of_row not in words:
            fields = schema.fields.values()
            messages = {field.data_key: list(found) for field, found in zip(fields, of_row, strict=True) if found}
            words[of_row] = "; ".join(sentences(messages))
        valid: dict[str, Any] = {}
        received: dict[str, Any] = {}
        for name, value, found in zip(names, values, of_row, strict=True):
            (received if found else valid)[name] = value
        loaded.append(InvalidRow(words[of_row], valid, received))
    return loaded


def load_row(schema: Any, row: Any) -> Any:
    """Load one row: its object, or an InvalidRow."""
    received: dict[str, Any] = {}
    valid: Any = {}
    try:
        received = schema.map_keys(row) if isinstance(row, dict) else {}
        return schema.load(row)
    except ValidationError as error:
        words, valid = "; ".join(sentences(error.messages)), error.valid_data or {}
    except Exception:
        log.exception("A row could not be loaded")
        words = "The bridge failed; its log has the details"
    invalid = {name: received.get(field.data_key) for name, field in schema.fields.items() if name not in valid}
    return InvalidRow(words, valid, invalid)
