"""The command line of the bench: which parts run, in which order, and how their figures are printed."""

from __future__ import annotations

import json
import os
import platform
import shutil
import sqlite3
import sys
import time
from collections.abc import Callable
from functools import partial
from importlib.metadata import version
from pathlib import Path

import click
from rich.console import Console
from rich.table import Table

from bench.figures import TARGETS, Figure
from bench.processes import child

LIBRARIES = ("flask", "werkzeug", "gunicorn", "marshmallow", "msgspec", "peewee", "requests")


def parts(quick: bool, database_url: str) -> dict[str, Callable[[], list[Figure]]]:
    """Return the parts of the bench by name."""
    from bench import asked, costs, growth, history, instructions, outbound, served, starts, waiting, writers

    def costs_of(shop: str, database: str) -> Callable[[], list[Figure]]:
        return lambda: costs.measure(shop, database, 5 if quick else 15)

    databases = {"sqlite": "", **({"postgresql": database_url} if database_url else {})}
    inside = {
        f"costs-{shop}-{name}": costs_of(shop, database)
        for shop in ("instant", "demo")
        for name, database in databases.items()
    }
    inside |= {
        f"history-{name}": partial(history.measure, database, 5 if quick else 9) for name, database in databases.items()
    }
    inside |= asked.parts(1 if quick else 5)
    if quick:
        return {
            **inside,
            "served": lambda: served.measure("", 1, 2, names=("ConfigTest",)),
            "waiting": lambda: waiting.measure(2, 1, 300),
            "outbound": lambda: outbound.measure(2),
            "writers": lambda: writers.measure(3),
            "starts": lambda: starts.measure(2),
        }
    return {
        **inside,
        "served": lambda: served.measure(database_url, 2, 5),
        "waiting": lambda: waiting.measure(10, 3, 2000),
        "outbound": lambda: outbound.measure(5),
        "writers": lambda: writers.measure(10),
        "starts": lambda: starts.measure(7),
        "instructions": instructions.measure,
        "growth": growth.measure,
    }


@click.command(context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100})
@click.option("--quick", is_flag=True, help="In a minute: fewer rounds, less load, no counting of instructions.")
@click.option("--gate", is_flag=True, help="Exit with 1 if a figure is beyond its gate.")
@click.option("--json", "report", type=click.Path(dir_okay=False, path_type=Path), help="Write all figures to a file.")
@click.option(
    "--part",
    "chosen",
    multiple=True,
    metavar="NAME",
    help="Only parts whose names begin so; may be given several times.",
)
@click.option(
    "--database",
    "database_url",
    metavar="URL",
    envvar="BRIDGE_TEST_DATABASE_URL",
    default="",
    help="A PostgreSQL server to measure on as well, in temporary schemas. [BRIDGE_TEST_DATABASE_URL]",
)
@click.option("--here", is_flag=True, hidden=True, help="Run in this process and print the figures as JSON.")
def main(quick: bool, gate: bool, report: Path | None, chosen: tuple[str, ...], database_url: str, here: bool) -> None:
    """Measure what the bridge costs, as ratios to floors on the same machine in the same run.

    Each part runs in a process of its own and calls over loopback only. wrk makes the load if it is installed
    (else a client in Python), valgrind counts instructions if it is installed.
    """
    known = parts(quick, database_url)
    wanted = [name for name in known if not chosen or name.startswith(chosen)]
    if not wanted:
        raise click.UsageError(f"There is no such part; there are {', '.join(known)}")
    if here:
        click.echo(json.dumps([figure.as_dict() for name in wanted for figure in known[name]()]))
        return
    figures: list[Figure] = []
    began = time.monotonic()
    for name in wanted:
        started = time.monotonic()
        arguments = [*(["--quick"] if quick else []), "--database", database_url, "--here", "--part", name]
        measured = json.loads(child("bench", *arguments))
        figures += [Figure(one["what"], tuple(one["values"]), one["unit"], one["target"]) for one in measured]
        click.echo(f"{name}: {len(measured)} figures in {time.monotonic() - started:.0f} s", err=True)
    Console(width=None if sys.stdout.isatty() else 150).print(*tables(figures))
    click.echo(f"{', '.join(f'{name} {text}' for name, text in machine().items())}; {time.monotonic() - began:.0f} s")
    if report:
        facts = {"machine": machine(), "figures": [figure.as_dict() for figure in figures]}
        report.write_text(json.dumps(facts, indent=1) + "\n", encoding="utf-8")
    beyond = [one for one in figures if one.target and not TARGETS[one.target].passes(one.median)]
    for one in beyond:
        click.echo(f"Beyond its gate: {one.what}: {one.median:.2f} {one.unit}", err=True)
    if gate and beyond:
        sys.exit(1)


def tables(figures: list[Figure]) -> list[Table]:
    """Return a table of the figures that have targets, and one of all others."""
    with_target = Table("#", "what", "median", "lowest", "highest", "target", "", title="Targets", title_justify="left")
    others = Table("what", "median", "lowest", "highest", "", title="Everything else", title_justify="left")
    for one in figures:
        cells = [f"{value:,.2f}".removesuffix(".00") for value in (one.median, min(one.values), max(one.values))]
        if one.target:
            target = TARGETS[one.target]
            limit = f"{'at least' if target.least else 'at most'} {target.limit:g} {one.unit}"
            met = "[green]met" if target.met(one.median) else "[red]missed"
            with_target.add_row(one.target, one.what, *cells, limit, met)
        else:
            others.add_row(one.what, *cells, one.unit)
    for table in (with_target, others):
        for column in table.columns[-5:-2] if table is with_target else table.columns[1:4]:
            column.justify = "right"
    return [table for table in (with_target, others) if table.row_count]


def machine() -> dict[str, str]:
    """Return what the figures were measured with."""
    return {
        "processors": str(os.cpu_count()),
        "load by": "wrk" if shutil.which("wrk") else "a client in Python",
        "Python": platform.python_version(),
        "SQLite": sqlite3.sqlite_version,
        **{name: version(name) for name in LIBRARIES},
    }
