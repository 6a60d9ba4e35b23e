"""`linnworks-bridge check`: what may be said on the command line, and what becomes of a run."""

from __future__ import annotations

import json
import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from bridge.errors import StartError
from bridge.settings import load_settings

if TYPE_CHECKING:
    from bridge.check import Manifest, Options, Run

FILE = click.Path(dir_okay=False, path_type=Path)
READABLE = click.Path(exists=True, dir_okay=False, path_type=Path)
TEMPO = 1.0
"""Seconds that a quarter hour of Linnworks takes in a soak."""


def _print_rules(context: click.Context, parameter: click.Parameter, asked: bool) -> None:
    if asked:
        from bridge.check.documents import as_rules
        from bridge.check.plays import RULES

        click.echo(as_rules(RULES.values()), nl=False)
        context.exit()


@click.command()
@click.argument("url", required=False)
@click.option("--manifest", "source", metavar="FILE|URL", help="Check the application that this manifest describes.")
@click.option(
    "--config",
    "answers",
    metavar="NAME=VALUE",
    multiple=True,
    help="Answer a question of the wizard, by its ConfigItemId or name; may be given several times.",
)
@click.option("--config-file", type=READABLE, help="Take such answers from the lines of a file, as secrets should be.")
@click.option("--oauth-client", metavar="ID:SECRET", help="Get access tokens as this OAuth client first.")
@click.option("--read-only", is_flag=True, help="Leave out whatever changes the shop.")
@click.option("--only", metavar="RULE|AREA", multiple=True, help="Only these, by id, its beginning, glob, or area.")
@click.option("--skip", metavar="RULE|AREA", multiple=True, help="All but these.")
@click.option("--soak", "minutes", metavar="MINUTES", type=click.FloatRange(min=0.01), help="Play days of Linnworks.")
@click.option("--integrations", default=3, show_default=True, type=click.IntRange(1, 50), help="How many soak at once.")
@click.option("--replay", type=READABLE, help='Send recorded calls: lines of {"endpoint": NAME, "body": OBJECT}.')
@click.option(
    "--timeout", default=10, show_default=True, type=click.IntRange(1, 600), help="Seconds an answer may take."
)
@click.option(
    "--patience", default=20.0, show_default=True, type=float, help="Seconds a shop may take to show a change."
)
@click.option("--seed", type=int, metavar="NUMBER", help="Make the same choices as another run with this number.")
@click.option("--json", "json_file", type=FILE, help="Write everything to this file as JSON.")
@click.option("--junit", "junit_file", type=FILE, help="Write a JUnit file for a build server.")
@click.option("--html", "html_file", type=FILE, help="Write a page to look at and to show.")
@click.option("-v", "--verbose", is_flag=True, help="Show every rule, also those that passed.")
@click.option(
    "--list", is_flag=True, is_eager=True, expose_value=False, callback=_print_rules, help="Print all rules and stop."
)
def check(
    url: str | None,
    source: str | None,
    answers: tuple[str, ...],
    config_file: Path | None,
    oauth_client: str | None,
    replay: Path | None,
    minutes: float | None,
    integrations: int,
    json_file: Path | None,
    junit_file: Path | None,
    html_file: Path | None,
    verbose: bool,
    **wanted: Any,
) -> None:
    """Play Linnworks against a channel application and judge every answer.

    URL is where the application runs; its endpoints are expected at our paths, or at those of --manifest.
    Without URL and manifest our own service is started on a free port with an empty data folder, checked, and
    stopped. The check makes integrations of its own and CHANGES THE SHOP behind them, unless --read-only is
    given. Stock, prices, settings and listings are put back; some paid orders are despatched, cancelled and
    refunded for good. A soak changes stock and prices for good, too.

    Exit status: 0 no must-rule was broken, 1 one was, 2 the check could not run.
    """
    from bridge.check import CheckCouldNotRun, ManifestUnreadable, Options, Soaking, recorded

    if url and not url.startswith(("http://", "https://")):
        raise click.UsageError("The URL must begin with http:// or https://")
    if replay and minutes:
        raise click.UsageError("--replay and --soak are two different runs")
    client = _client(oauth_client)
    _try_to_write(json_file, junit_file, html_file)
    try:
        with _target(url, source, client, wanted["timeout"]) as manifest:
            options = Options(
                manifest,
                answers=_answers(answers, config_file),
                oauth=client,
                recorded=recorded(replay) if replay else (),
                soaking=Soaking(max(1, round(minutes * 60 / TEMPO)), TEMPO, integrations) if minutes else None,
                **wanted,
            )
            run = _perform(options, verbose)
    except (CheckCouldNotRun, ManifestUnreadable) as error:
        raise StartError(str(error)) from None
    _write(run, json_file, junit_file, html_file)
    sys.exit(run.status)


def _try_to_write(*paths: Path | None) -> None:
    """Raise StartError where a report could not be written: better before a long run than after it."""
    for path in filter(None, paths):
        if not os.access(path if path.exists() else path.absolute().parent, os.W_OK):
            raise StartError(f"{path} cannot be written")


def _perform(options: Options, verbose: bool) -> Run:
    from rich.console import Console

    from bridge.check import run_check
    from bridge.check.report import progress, report

    console = Console()
    with progress(console) as (begin, watch):
        run = run_check(options, begin, watch)
    report(console, run, verbose)
    return run


def _write(run: Run, json_file: Path | None, junit_file: Path | None, html_file: Path | None) -> None:
    from bridge.check.documents import as_html, as_json, as_junit

    if json_file:
        json_file.write_text(json.dumps(as_json(run), indent=2) + "\n", encoding="utf-8")
    if junit_file:
        junit_file.write_text(as_junit(run), encoding="utf-8")
    if html_file:
        html_file.write_text(as_html(run), encoding="utf-8")


@contextmanager
def _target(url: str | None, source: str | None, client: tuple[str, str] | None, timeout: int) -> Iterator[Manifest]:
    """The manifest of what is to be checked."""
    from bridge.check import read_manifest
    from bridge.ops.temporary_server import temporary_server

    if source:
        manifest = read_manifest(source, timeout)
        yield manifest.moved_to(url) if url else manifest
    elif url:
        yield _ours(url.rstrip("/"), with_oauth=client is not None)
    elif client:
        raise click.UsageError("--oauth-client goes with a URL: a service that is started for the check has no clients")
    else:
        with temporary_server() as base_url:
            yield _ours(base_url)


def _ours(base_url: str, *, with_oauth: bool = False) -> Manifest:
    from bridge.channels import load_channel
    from bridge.check import manifest_of
    from bridge.protocol.manifest import manifest

    settings = load_settings(os.environ)
    return manifest_of(manifest(settings, load_channel(settings.channel), base_url, with_oauth=with_oauth))


def _answers(given: tuple[str, ...], path: Path | None) -> dict[str, str]:
    """The seller's answers to the wizard: those of the file, overridden by those of the command line."""
    from dotenv import dotenv_values

    if any("=" not in answer for answer in given):
        raise click.UsageError("--config takes NAME=VALUE")
    lines = dotenv_values(path, interpolate=False) if path else {}
    written = {name: value for name, value in lines.items() if value is not None}
    return written | dict(answer.split("=", 1) for answer in given)


def _client(given: str | None) -> tuple[str, str] | None:
    if given is None:
        return None
    client_id, colon, secret = given.partition(":")
    if not (client_id and colon and secret):
        raise click.UsageError("--oauth-client takes ID:SECRET")
    return client_id, secret
