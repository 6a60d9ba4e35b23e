"""What a person sees of a run: its progress, then the table of checks."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from itertools import groupby

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn
from rich.table import Table
from rich.text import Text

from bridge.check.registry import Outcome, Verdict

STYLES = {Verdict.PASS: "green", Verdict.FAIL: "bold red", Verdict.SKIP: "yellow"}


@contextmanager
def progress(console: Console, total: int) -> Iterator[Callable[[Outcome], None]]:
    """A bar that moves with every outcome and vanishes at the end."""
    columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeElapsedColumn())
    with Progress(*columns, console=console, transient=True) as bar:
        task = bar.add_task("Connecting", total=total)
        yield lambda outcome: bar.update(task, advance=1, description=outcome.check.area)


def report(console: Console, outcomes: list[Outcome], seconds: float) -> None:
    """The table of checks by area, and the count in the last line."""
    table = Table(show_header=False, box=None, pad_edge=False)
    table.add_column("id", no_wrap=True)
    table.add_column("verdict", no_wrap=True)
    table.add_column("check")
    for area, group in groupby(outcomes, key=lambda outcome: outcome.check.area):
        table.add_row("", "", Text(area, style="bold underline"))
        for outcome in group:
            style = STYLES[outcome.verdict]
            words = Text(outcome.check.sentence)
            if outcome.reason:
                words.append(f"\n{outcome.reason}", style=style)
            table.add_row(outcome.check.id, Text(outcome.verdict.value, style=style), words)
    console.print(table)
    counts = Counter(outcome.verdict for outcome in outcomes)
    console.print(
        f"{counts[Verdict.PASS]} passed, {counts[Verdict.FAIL]} failed, {counts[Verdict.SKIP]} skipped "
        f"in {seconds:.1f} s",
        style=STYLES[Verdict.FAIL if counts[Verdict.FAIL] else Verdict.PASS],
        highlight=False,
    )
