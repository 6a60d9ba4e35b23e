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
        return str(value) if isinstance(value, (str, int, Decimal)) and not isinstance(value, bool) else ""

    def __repr__(self) -> str:
        return f"InvalidRow({self.error!r})"


class Rows(fields.List):
    """A list that loads as a tuple of outcomes, in order: one invalid row costs the others nothing."""

    def _load(self, entries: list[Any], **kwargs: Any) -> Sequence[Any]:
        return load_rows(self.inner.schema, entries)  # type: ignore[attr-defined]


def load_rows(schema: Any, rows: Sequence[Any]) -> Sequence[Any]:
    """Load each row with the schema, all at once where there may be a thousand and they are as usual."""
    found = fast.load(schema, rows) if schema.object_class.fast else None
    if found is not None:
        return found
    if len(rows) <= 2 or not schema.object_class.fast:
        return [load_row(schema, row) for row in rows]
    middle = len(rows) // 2
    return [*load_rows(schema, rows[:middle]), *load_rows(schema, rows[middle:])]


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
