"""What commands print: texts of shops, sellers and callers do nothing to the terminal."""

from __future__ import annotations

import json
import re
import sys
from collections.abc import Collection, Iterable, Sequence
from datetime import datetime
from typing import TYPE_CHECKING

import click

from bridge.errors import printable
from bridge.ops.wording import as_typed

if TYPE_CHECKING:
    from rich.console import Console

NOT_A_TERMINAL = 240
"""The width of tables that are piped or stored, in columns."""


def say(line: str = "", *, err: bool = False) -> None:
    """Print one line."""
    click.echo(printable(as_typed(line)), err=err)


def show_progress(line: str, *, done: bool) -> None:
    """Print one line to standard error over the one before."""
    click.echo("\r" + printable(line), err=True, nl=done)


def print_document(text: str) -> None:
    """Print a text of several lines, such as JSON or a page."""
    click.echo(printable(text.removesuffix("\n"), keep="\n\t"))


def confirm(question: str) -> None:
    """Ask for a yes, and end the command without one."""
    click.confirm(printable(question), abort=True)


def new_console(width: int | None = None) -> Console:
    """Return a console for tables and progress."""
    from rich.console import Console
    from rich.segment import Segment

    class PrintableConsole(Console):
        def render(self, *args: object, **options: object) -> Iterable[Segment]:
            for text, style, control in super().render(*args, **options):  # type: ignore[arg-type]
                yield Segment(text if control else printable(text, keep="\n"), style, control)

    return PrintableConsole(width=width)


def show_table(
    columns: Sequence[str],
    rows: Iterable[Sequence[object]],
    if_empty: str = "",
    *,
    whole: Collection[str] = (),
    as_json: bool = False,
) -> None:
    """Print a table, or a sentence if it has no rows; wide unless the output is a terminal.

    Cells are folded, never cut, except in the columns that stay `whole`. With `as_json` it is a list of objects.
    """
    if as_json:
        print_json(plain_rows(columns, rows))
        return
    from rich.table import Table
    from rich.text import Text

    table = Table()
    for column in columns:
        table.add_column(column, overflow="fold", no_wrap=column in whole)
    for row in rows:
        table.add_row(*(Text(printable(as_typed(_cell(value)), keep="\n")) for value in row))
    if table.row_count or not if_empty:
        new_console(None if sys.stdout.isatty() else NOT_A_TERMINAL).print(table)
    else:
        say(if_empty)


def plain_rows(columns: Sequence[str], rows: Iterable[Sequence[object]]) -> list[dict[str, object]]:
    """Return the rows of a table as objects under the names of its columns; moments in ISO's form."""
    names = ["_".join(re.findall(r"[a-z]+", column.replace("(UTC)", "").lower())) for column in columns]
    return [
        {
            name: value.isoformat() if isinstance(value, datetime) else value
            for name, value in zip(names, row, strict=True)
        }
        for row in rows
    ]


def print_json(value: object) -> None:
    """Print plain data for programs."""
    print_document(json.dumps(value, indent=2, ensure_ascii=False, default=str))


def _cell(value: object) -> str:
    if isinstance(value, datetime):
        return f"{value:%Y-%m-%d %H:%M:%S}"
    return "" if value is None else str(value)
