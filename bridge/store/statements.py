"""Statements: the queries that every call makes, put into SQL once.

peewee takes ten times as long to put a query into SQL as the database takes to answer it.
"""

from __future__ import annotations

import inspect
from collections.abc import Callable, Iterable
from dataclasses import dataclass, replace
from datetime import timedelta
from typing import Any

import peewee

from bridge.store.database import database

KEPT_AS_THEY_ARE = (peewee.CharField, peewee.TextField, peewee.IntegerField)
"""Fields whose values come from the database as they are in objects."""


@dataclass(frozen=True)
class Given:
    """A value that is given when a statement is run, more so much, as its column keeps it."""

    place: int
    more: timedelta | None = None
    convert: Callable[[Any], Any] | None = None

    def __add__(self, more: timedelta) -> Given:
        return replace(self, more=more)

    def of(self, values: tuple[Any, ...]) -> Any:
        value = values[self.place]
        if self.more:
            value += self.more
        return self.convert(value) if self.convert else value


class Statement:
    """A query of peewee's that is run with other values each time, which go through the fields' own conversions.

    `build` makes it of as many values as it has parameters; it may compare columns with them, set columns to them,
    and limit rows by them.
    """

    def __init__(self, build: Callable[..., Any]) -> None:
        self._build = build
        self._made: dict[type, tuple[str, list[Any], Any]] = {}

    def run(self, *values: Any) -> Any:
        """Have it done; the database's cursor."""
        sql, given, _ = self._in_sql()
        return database.execute_sql(sql, _values(given, values))

    def run_for_each(self, rows: Iterable[tuple[Any, ...]]) -> int:
        """Have it done once for each row of values; how many rows it changed in all."""
        sql, given, _ = self._in_sql()
        with peewee.__exception_wrapper__:  # type: ignore[attr-defined]
            cursor = database.connection().cursor()
            cursor.executemany(sql, [_values(given, values) for values in rows])
        return int(cursor.rowcount)

    def insert(self, *values: Any) -> int:
        """Have it insert a row; the number that this was given."""
        cursor = self.run(*values)
        return int(cursor.fetchone()[0] if database.returning_clause else cursor.lastrowid)

    def rows(self, *values: Any) -> list[Any]:
        """What it selects, which is whole rows of one model, as that model's objects."""
        _, _, model = self._in_sql()
        return [_object(model, row) for row in self.run(*values).fetchall()]

    def first(self, *values: Any) -> Any:
        """The first of them; None where there is none."""
        row = self.run(*values).fetchone()
        return None if row is None else _object(self._in_sql()[2], row)

    def any(self, *values: Any) -> bool:
        """Whether it selects anything."""
        return self.run(*values).fetchone() is not None

    def _in_sql(self) -> tuple[str, list[Any], Any]:
        """Its SQL in the open database's dialect, the values for that, some still to be given, and its model."""
        dialect = type(database.obj)
        if dialect not in self._made:
            query = self._build(*map(Given, range(len(inspect.signature(self._build).parameters))))
            sql, given = _Template(**database.get_context_options()).sql(query).query()
            self._made[dialect] = sql, given, query.model
        return self._made[dialect]


class _Template(peewee.Context):
    """Puts a query into SQL in which values are still to be given."""

    def value(self, value: Any, converter: Any = None, add_param: bool = True) -> Any:
        if not isinstance(value, Given):
            return super().value(value, converter, add_param)
        self._values.append(replace(value, convert=converter or self.state.converter))  # type: ignore[attr-defined]
        return self.literal(self.state.param or "?")


def _values(given: list[Any], values: tuple[Any, ...]) -> list[Any]:
    return [one.of(values) if type(one) is Given else one for one in given]


def _object(model: Any, row: tuple[Any, ...]) -> Any:
    """The model's object that a whole row of its table is."""
    made = model(__no_default__=1)
    made.__data__.update(
        (field.name, value if type(field) in KEPT_AS_THEY_ARE else field.python_value(value))
        for field, value in zip(model._meta.sorted_fields, row, strict=True)
    )
    return made
