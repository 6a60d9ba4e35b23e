"""What commands print: texts of shops, sellers and callers do nothing to the terminal."""

from __future__ import annotations

import sys
from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING

import click

from bridge.errors import printable

if TYPE_CHECKING:
    from rich.console import Console


def say(line: str = "", *, err: bool = False) -> None:
    """Print one line."""
    click.echo(printable(line), err=err)


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


def show_table(columns: Sequence[str], rows: Iterable[Sequence[object]], if_empty: str = "") -> None:
    """Print a table, or a sentence if it has no rows; wide unless the output is a terminal."""
    from rich.table import Table
    from rich.text import Text

    table = Table(*columns)
    for row in rows:
        table.add_row(*(Text(printable(str(cell), keep="\n")) for cell in row))
    if table.row_count or not if_empty:
        new_console(None if sys.stdout.isatty() else 240).print(table)
    else:
        say(if_empty)
