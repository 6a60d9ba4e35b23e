"""Column types of the bridge's tables."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any

import msgspec
from peewee import SQL, AutoField, BigIntegerField, DatabaseProxy, NodeList, SqliteDatabase, TextField

from bridge.clock import EPOCH, FARTHEST


class MomentField(BigIntegerField):
    """An aware UTC datetime, stored as whole microseconds since 1970."""

    def db_value(self, value: datetime | None) -> int | None:
        return None if value is None else (value - EPOCH) // timedelta(microseconds=1)

    def python_value(self, value: int | None) -> datetime | None:
        return None if value is None else EPOCH + timedelta(microseconds=value)


def as_json(value: Any) -> bytes:
    """Return plain data and messages as JsonField stores them."""
    return msgspec.json.encode(value, enc_hook=str)


class JsonField(TextField):
    """Plain data and messages, stored as JSON text; decimals are stored as strings, so that they stay exact."""

    def db_value(self, value: Any) -> str | None:
        return None if value is None else as_json(value).decode()

    def python_value(self, value: str | None) -> Any:
        return None if value is None else msgspec.json.decode(value)


class LenientJsonField(JsonField):
    """JSON that may be damaged: text that is not JSON is returned as it is, so that other rows can be read."""

    def python_value(self, value: str | None) -> Any:
        try:
            return super().python_value(value)
        except msgspec.DecodeError:
            return value


class NumberField(AutoField):
    """A row number that is never reused, on SQLite either: a late request must not reach another row."""

    def ddl(self, ctx: Any) -> Any:
        column = super().ddl(ctx)
        db = self.model._meta.database
        lite = isinstance(db.obj if isinstance(db, DatabaseProxy) else db, SqliteDatabase)
        return NodeList((column, SQL("AUTOINCREMENT"))) if lite else column


def is_due(column: Any, now: datetime) -> Any:
    """Return the SQL condition that a column's moment is due: the opposite of `clock.is_future`."""
    return (column <= now) | (column > now + FARTHEST)
