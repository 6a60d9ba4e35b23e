"""What a person sees of a run: its progress, the table of areas, and each broken rule explained."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager

from rich.console import Console
from rich.markup import escape
from rich.padding import Padding
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn
from rich.table import Table
from rich.text import Text

from bridge.check.registry import Outcome, Severity, Verdict
from bridge.check.run import Run

STYLES: dict[Verdict | Severity, str] = {
    Verdict.PASS: "green",
    Severity.MUST: "bold red",
    Severity.SHOULD: "yellow",
    Severity.ADVICE: "cyan",
    Verdict.SKIP: "dim",
}
WORDS: dict[Verdict | Severity, str] = {
    Verdict.PASS: "passed",
    Severity.MUST: "must failed",
    Severity.SHOULD: "should failed",
    Severity.ADVICE: "advice",
    Verdict.SKIP: "skipped",
}
EVIDENCE_LINES = 12


@contextmanager
def progress(console: Console) -> Iterator[tuple[Callable[[int], None], Callable[[str], None]]]:
    """A bar that moves with every check and vanishes at the end; its `begin` and its `watch`."""
    columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeElapsedColumn())
    with Progress(*columns, console=console, transient=True) as bar:
        task = bar.add_task("Connecting", total=None)

        def watch(words: str) -> None:
            bar.update(task, advance=0 if words else 1, description=escape(words) or "Checking")

        yield lambda total: bar.update(task, total=total), watch


def report(console: Console, run: Run, verbose: bool = False) -> None:
    """The table of areas, every broken rule with its evidence, what was skipped, and the count in the last line."""
    console.print(_areas(run))
    if verbose:
        console.print(_rules(run))
    if run.mode == "soak":
        console.print(_latencies(run))
    for outcome in run.broken:
        _explain(console, outcome)
    _skipped(console, run)
    counts = ", ".join(f"{run.count(what)} {words}" for what, words in WORDS.items())
    worst = next((what for what in Severity if run.count(what)), Verdict.PASS)
    console.print(f"{counts} in {run.seconds:.1f} s (seed {run.seed})", style=STYLES[worst], highlight=False)
    if run.stuck:
        console.print(f"The run got stuck: {run.stuck}", style="bold red", highlight=False, markup=False)


def _areas(run: Run) -> Table:
    table = Table(box=None, pad_edge=False, header_style="bold")
    table.add_column("Area", no_wrap=True)
    for words in WORDS.values():
        table.add_column(words, justify="right")
    for area in run.areas:
        counts = {what: run.count(what, area) for what in WORDS}
        cells = [Text(str(count), STYLES[what]) if count else Text("-", "dim") for what, count in counts.items()]
        table.add_row(area, *cells)
    return table


def _rules(run: Run) -> Table:
    table = Table(box=None, pad_edge=False, show_header=False)
    for outcome in run.outcomes:
        what = outcome.broken or outcome.verdict
        table.add_row(outcome.check.id, Text(WORDS[what], STYLES[what]), Text(outcome.check.sentence))
    return table


def _latencies(run: Run) -> Table:
    table = Table(box=None, pad_edge=False, header_style="bold")
    table.add_column("Endpoint", no_wrap=True)
    for words in ("calls", "p50 ms", "p99 ms", "max ms"):
        table.add_column(words, justify="right")
    for one in run.latencies:
        table.add_row(one.endpoint, str(one.calls), *(f"{1000 * part:.0f}" for part in (one.p50, one.p99, one.most)))
    return table


def _explain(console: Console, outcome: Outcome) -> None:
    check = outcome.check
    title = Text.assemble(
        "\n", (f"{check.id} {check.severity.value}", STYLES[check.severity]), "  ", (check.sentence, "bold")
    )
    console.print(title)
    lines = [("Found", outcome.reason), ("In Linnworks", check.consequence), ("Source", check.source)]
    if outcome.evidence:
        lines += [("Request", _some(outcome.evidence.request)), ("Answer", _some(outcome.evidence.answer))]
    table = Table(box=None, pad_edge=False, show_header=False)
    table.add_column(no_wrap=True, style="dim")
    table.add_column(overflow="fold")
    for name, words in lines:
        table.add_row(name, Text(words))
    console.print(Padding(table, (0, 0, 0, 4)))


def _some(words: str) -> str:
    """The first lines, none of them endless."""
    lines = [line if len(line) <= 400 else f"{line[:400]}..." for line in words.splitlines()]
    return "\n".join(lines[:EVIDENCE_LINES])


def _skipped(console: Console, run: Run) -> None:
    reasons: dict[str, list[str]] = {}
    for outcome in run.outcomes:
        if outcome.verdict is Verdict.SKIP:
            reasons.setdefault(outcome.reason, []).append(outcome.check.id)
    if reasons:
        console.print("\nSkipped", style="bold")
    for reason, ids in reasons.items():
        console.print(Padding(Text(f"{', '.join(ids)}: {reason}", "dim"), (0, 0, 0, 4)))
    if run.broken or reasons:
        console.print()
