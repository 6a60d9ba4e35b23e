"""Prepared statements: the queries that every call runs, compiled to SQL once.

Compiling a query takes peewee ten times as long as running it takes the database.
"""

from __future__ import annotations

import inspect
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import timedelta
from functools import cache
from typing import Any

import peewee

from bridge.store.database import database

UNCONVERTED = (peewee.CharField, peewee.TextField, peewee.IntegerField)
"""Fields whose values are the same in the database and in objects."""


@dataclass(frozen=True)
class Parameter:
    """A placeholder for a value that is passed when the statement runs; `offset` is added before it is converted."""

    name: str
    offset: timedelta | None = None
    convert: Callable[[Any], Any] | None = None

    def __add__(self, offset: timedelta) -> Parameter:
        return replace(self, offset=offset)

    def value(self, values: Mapping[str, Any]) -> Any:
        value = values[self.name]
        if self.offset:
            value += self.offset
        return self.convert(value) if self.convert else value


class Statement:
    """A peewee query that runs with other values each time; the values pass through the fields' own conversions.

    `build` makes the query of a placeholder for each of its parameters, and values are passed by the names of these.
    The query may compare columns with them, set columns to them, and limit rows by them.
    """

    def __init__(self, build: Callable[..., Any], parameters: Sequence[str] | None = None) -> None:
        self._build = build
        self._parameters = parameters or list(inspect.signature(build).parameters)
        self._compiled: dict[type, tuple[str, list[Any], Any]] = {}

    def run(self, **values: Any) -> Any:
        """Run it and return the database's cursor."""
        sql, arguments, _ = self._compile()
        return database.execute_sql(sql, _fill_in(arguments, values))

    def run_for_each(self, rows: Iterable[Mapping[str, Any]]) -> int:
        """Run it once for each mapping of values and return how many rows were changed in total."""
        sql, arguments, _ = self._compile()
        with peewee.__exception_wrapper__:  # type: ignore[attr-defined]
            cursor = database.connection().cursor()
            cursor.executemany(sql, [_fill_in(arguments, values) for values in rows])
        return int(cursor.rowcount)

    def insert(self, **values: Any) -> int:
        """Run an insert of one row and return the row's id."""
        cursor = self.run(**values)
        return int(cursor.fetchone()[0] if database.returning_clause else cursor.lastrowid)

    def rows(self, **values: Any) -> list[Any]:
        """Return the selected rows as objects of their model; the query selects whole rows of one model."""
        _, _, model = self._compile()
        return [make_row(model, row) for row in self.run(**values).fetchall()]

    def first(self, **values: Any) -> Any:
        """Return the first selected row as an object, or None."""
        row = self.run(**values).fetchone()
        return None if row is None else make_row(self._compile()[2], row)

    def any(self, **values: Any) -> bool:
        """Return whether any row is selected."""
        return self.run(**values).fetchone() is not None

    def _compile(self) -> tuple[str, list[Any], Any]:
        """Return the SQL in the open database's dialect, its arguments with placeholders among them, and the model."""
        dialect = type(database.obj)
        if dialect not in self._compiled:
            query = self._build(**{name: Parameter(name) for name in self._parameters})
            sql, arguments = _Compiler(**database.get_context_options()).sql(query).query()
            self._compiled[dialect] = sql, arguments, getattr(query, "model", None)
        return self._compiled[dialect]


class _Compiler(peewee.Context):
    """Compiles a query and keeps its placeholders among the arguments."""

    def as_new(self) -> _Compiler:
        return _Compiler(**self.state.settings)

    def value(self, value: Any, converter: Any = None, add_param: bool = True) -> Any:
        if not isinstance(value, Parameter):
            return super().value(value, converter, add_param)
        self._values.append(replace(value, convert=converter or self.state.converter))  # type: ignore[attr-defined]
        return self.literal(self.state.param or "?")


def _fill_in(arguments: list[Any], values: Mapping[str, Any]) -> list[Any]:
    return [argument.value(values) if type(argument) is Parameter else argument for argument in arguments]


def make_row(model: Any, row: Sequence[Any]) -> Any:
    """Return the model's object for a whole row of its table."""
    made = model(__no_default__=1)
    names, conversions = _columns_of(model)
    made.__data__.update(zip(names, row, strict=True))
    for name, convert in conversions:
        made.__data__[name] = convert(made.__data__[name])
    return made


@cache
def _columns_of(model: Any) -> tuple[list[str], list[tuple[str, Callable[[Any], Any]]]]:
    """Return the names of a model's columns, and those whose values are other ones in objects."""
    columns = model._meta.sorted_fields
    return [field.name for field in columns], [
        (field.name, field.python_value) for field in columns if type(field) not in UNCONVERTED
    ]
