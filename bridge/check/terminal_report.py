"""The progress bar and the report of a run in the terminal."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager

from rich.console import Console
from rich.markup import escape
from rich.padding import Padding
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn
from rich.table import Table
from rich.text import Text

from bridge.check.causes import MAX_CAUSES, Cause
from bridge.check.endpoint_states import ANSWERS
from bridge.check.rule import RuleSeverity
from bridge.check.run import LABELS, CheckRun
from bridge.check.runner import RuleResult, Verdict

STYLES: dict[Verdict | RuleSeverity, str] = {
    Verdict.PASS: "green",
    RuleSeverity.MUST: "bold red",
    RuleSeverity.SHOULD: "yellow",
    RuleSeverity.ADVICE: "cyan",
    Verdict.SKIP: "dim",
}
MAX_EVIDENCE_LINES = 12
MAX_LINE_CHARACTERS = 400
MAX_REASON_CHARACTERS = 160


@contextmanager
def progress_bar(console: Console) -> Iterator[tuple[Callable[[int], None], Callable[[str], None]]]:
    """Show a bar that moves with every rule; yield the two callbacks of run_check."""
    columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeElapsedColumn())
    with Progress(*columns, console=console, transient=True) as bar:
        task = bar.add_task("Connecting", total=None)

        def on_start(total: int) -> None:
            bar.update(task, total=total)

        def on_progress(message: str) -> None:
            bar.update(task, advance=0 if message else 1, description=escape(message) or "Checking")

        yield on_start, on_progress


def print_report(console: Console, run: CheckRun, verbose: bool = False, short: bool = False) -> None:
    """Print where to begin, every broken rule with its evidence, the skipped rules, and the totals as last line.

    A `short` report has one line for each broken rule.
    """
    if run.broken or run.missing_config:
        console.print(_endpoint_table(run))
        _print_causes(console, run)
    if not short:
        console.print(_area_table(run))
    if verbose:
        console.print(_rule_table(run))
    if run.mode == "soak":
        console.print(_latency_table(run))
    for cause in run.causes:
        _print_short(console, cause) if short else _print_broken(console, cause)
    if not short:
        _print_skipped(console, run)
    for note in run.notes:
        console.print(note, highlight=False, markup=False)
    counts = ", ".join(f"{run.count(status)} {label}" for status, label in LABELS.items())
    worst = next((severity for severity in RuleSeverity if run.count(severity)), Verdict.PASS)
    totals = f"{counts} in {run.seconds:.1f} s (seed {run.seed})"
    console.print(totals, style=STYLES[worst], highlight=False, soft_wrap=True)
    if run.missing_config:
        message = f"The run stopped early: {run.missing_config}"
        console.print(message, style="bold red", highlight=False, markup=False)


def _endpoint_table(run: CheckRun) -> Table:
    table = Table(box=None, pad_edge=False, show_header=False)
    table.add_column(no_wrap=True, max_width=40, overflow="ellipsis")
    table.add_column()
    for state, names in run.endpoints.items():
        table.add_row(Text(state, "green" if state == ANSWERS else "yellow"), Text(", ".join(names)))
    return table


def _print_causes(console: Console, run: CheckRun) -> None:
    """Print what to fix first, the most harmful at the top."""
    if run.causes:
        console.print("\nFix these first", style="bold")
    for number, cause in enumerate(run.causes[:MAX_CAUSES], 1):
        extent = f" ({cause.extent})" if cause.extent else ""
        rule = (f"{cause.result.rule.id} {cause.severity.value}", STYLES[cause.severity])
        reason = _cut(cause.result.reason, MAX_REASON_CHARACTERS)
        console.print(Text.assemble(f"{number}. ", rule, f"  {reason}", (extent, "bold")))
    if len(run.causes) > MAX_CAUSES:
        console.print(f"and {len(run.causes) - MAX_CAUSES} more, below", style="dim")
    console.print()


def _print_short(console: Console, cause: Cause) -> None:
    for result in (cause.result, *cause.followers):
        follows = f" (follows from {cause.result.rule.id})" if result is not cause.result else ""
        heading = (f"{result.rule.id} {result.rule.severity.value:6}", STYLES[result.rule.severity])
        line = Text.assemble(heading, f"  {_cut(result.reason, MAX_REASON_CHARACTERS)}", (follows, "dim"))
        console.print(line, soft_wrap=True)


def _area_table(run: CheckRun) -> Table:
    table = Table(box=None, pad_edge=False, header_style="bold")
    table.add_column("Area", no_wrap=True)
    for label in LABELS.values():
        table.add_column(label, justify="right")
    for area in run.areas:
        counts = {status: run.count(status, area) for status in LABELS}
        cells = [Text(str(count), STYLES[status]) if count else Text("-", "dim") for status, count in counts.items()]
        table.add_row(area, *cells)
    return table


def _rule_table(run: CheckRun) -> Table:
    table = Table(box=None, pad_edge=False, show_header=False)
    for result in run.results:
        status = result.broken or result.verdict
        table.add_row(result.rule.id, Text(LABELS[status], STYLES[status]), Text(result.rule.sentence))
    return table


def _latency_table(run: CheckRun) -> Table:
    table = Table(box=None, pad_edge=False, header_style="bold")
    table.add_column("Endpoint", no_wrap=True)
    for heading in ("calls", "p50 ms", "p99 ms", "max ms"):
        table.add_column(heading, justify="right")
    for latency in run.latencies:
        seconds = (latency.p50, latency.p99, latency.maximum)
        table.add_row(latency.endpoint, str(latency.calls), *(f"{1000 * value:.0f}" for value in seconds))
    return table


def _print_broken(console: Console, cause: Cause) -> None:
    result = cause.result
    rule = result.rule
    heading = (f"{rule.id} {rule.severity.value}", STYLES[rule.severity])
    console.print(Text.assemble("\n", heading, "  ", (rule.sentence, "bold")))
    lines = [("Found", result.reason), ("In Linnworks", rule.consequence), ("Source", rule.source)]
    if cause.followers:
        lines.append(("Follow", "\n".join(map(_follower, cause.followers))))
    if cause.waiting:
        lines.append(("Wait", ", ".join(waiting.rule.id for waiting in cause.waiting)))
    if result.evidence:
        lines += [("Request", _shortened(result.evidence.request)), ("Response", _shortened(result.evidence.response))]
    table = Table(box=None, pad_edge=False, show_header=False)
    table.add_column(no_wrap=True, style="dim")
    table.add_column(overflow="fold")
    for name, content in lines:
        table.add_row(name, Text(content))
    console.print(Padding(table, (0, 0, 0, 4)))


def _follower(result: RuleResult) -> str:
    return f"{result.rule.id} {result.rule.severity.value}  {result.rule.sentence}"


def _cut(text: str, length: int) -> str:
    line = " ".join(text.split())
    return line if len(line) <= length else f"{line[:length]}..."


def _shortened(text: str) -> str:
    lines = [
        line if len(line) <= MAX_LINE_CHARACTERS else f"{line[:MAX_LINE_CHARACTERS]}..." for line in text.splitlines()
    ]
    return "\n".join(lines[:MAX_EVIDENCE_LINES])


def _print_skipped(console: Console, run: CheckRun) -> None:
    ids_by_reason: dict[str, list[str]] = {}
    for result in run.results:
        if result.verdict is Verdict.SKIP:
            ids_by_reason.setdefault(result.reason, []).append(result.rule.id)
    if ids_by_reason:
        console.print("\nSkipped", style="bold")
    for reason, ids in ids_by_reason.items():
        console.print(Padding(Text(f"{', '.join(ids)}: {reason}", "dim"), (0, 0, 0, 4)))
    if run.broken or ids_by_reason:
        console.print()
