"""The command `linnworks-bridge check`."""

from __future__ import annotations

import json
import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from bridge.cli.common import read_secret
from bridge.cli.output import new_console, print_document, say
from bridge.errors import StartError
from bridge.settings import load_settings

if TYPE_CHECKING:
    from bridge.check import CheckOptions, CheckRun, Manifest, SoakOptions

WRITABLE_FILE = click.Path(dir_okay=False, path_type=Path)
READABLE_FILE = click.Path(exists=True, dir_okay=False, path_type=Path)
SECONDS_PER_SOAK_ROUND = 1.0
SEVERITIES = ("must", "should", "advice")
INTERRUPTED = 130
"""The exit status of a program that was ended with Ctrl-C."""


def _print_rules(context: click.Context, parameter: click.Parameter, requested: bool) -> None:
    if requested:
        from bridge.check.rules import RULES
        from bridge.check.rules_page import rules_page

        print_document(rules_page(RULES.values()))
        context.exit()


@click.command()
@click.argument("url", required=False)
@click.option("--manifest", "source", metavar="FILE|URL", help="Check the application described by this manifest.")
@click.option(
    "--config",
    "config_values",
    metavar="NAME=VALUE",
    multiple=True,
    help="Value of a wizard item, named by its ConfigItemId or Name; can be repeated.",
)
@click.option(
    "--config-file", type=READABLE_FILE, help="Read such values from the lines of a file; the only way for secrets."
)
@click.option(
    "--oauth-client",
    metavar="FILE",
    help="Request access tokens as the OAuth client whose ID:SECRET is in this file; - reads it from standard input.",
)
@click.option("--read-only", is_flag=True, help="Skip everything that changes the shop.")
@click.option(
    "--only",
    metavar="RULE|AREA",
    multiple=True,
    help="Only these rules, by id, beginning of the id, glob, or area; can be repeated.",
)
@click.option("--skip", metavar="RULE|AREA", multiple=True, help="All rules except these; can be repeated.")
@click.option(
    "--soak", "minutes", metavar="MINUTES", type=click.FloatRange(min=0.01), help="Simulate days of calls instead."
)
@click.option(
    "--integrations", default=3, show_default=True, type=click.IntRange(1, 50), help="Parallel integrations of a soak."
)
@click.option(
    "--replay", type=READABLE_FILE, help='Send recorded calls instead: lines of {"endpoint": NAME, "body": OBJECT}.'
)
@click.option(
    "--timeout", default=10, show_default=True, type=click.IntRange(1, 600), help="Seconds to wait for a response."
)
@click.option(
    "--patience", default=20.0, show_default=True, type=float, help="Seconds to wait until a shop shows a change."
)
@click.option(
    "--seed", type=int, metavar="NUMBER", help="Make the same random choices as another run with this number."
)
@click.option(
    "--repeat-window",
    metavar="SECONDS",
    type=click.FloatRange(min=0),
    help="How long the application takes an equal Cancel for a repeated one; waits as long to send another.",
)
@click.option(
    "--fail-on",
    type=click.Choice(SEVERITIES),
    default=SEVERITIES[0],
    show_default=True,
    help="Exit with 1 when a rule of this severity, or of a more serious one, is broken.",
)
@click.option("--strict", is_flag=True, help="The same as --fail-on should.")
@click.option(
    "--format",
    "report_format",
    type=click.Choice(["full", "short"]),
    default="full",
    show_default=True,
    help="In the terminal, one line for each broken rule, or all about it.",
)
@click.option("--json", "json_file", type=WRITABLE_FILE, help="Write the complete report as JSON.")
@click.option("--junit", "junit_file", type=WRITABLE_FILE, help="Write a JUnit report for a build server.")
@click.option("--html", "html_file", type=WRITABLE_FILE, help="Write the report as an HTML page.")
@click.option("-v", "--verbose", is_flag=True, help="Show every rule, including those that passed.")
@click.option(
    "--list", is_flag=True, is_eager=True, expose_value=False, callback=_print_rules, help="Print all rules and exit."
)
def check(
    url: str | None,
    source: str | None,
    config_values: tuple[str, ...],
    config_file: Path | None,
    oauth_client: str | None,
    fail_on: str,
    strict: bool,
    report_format: str,
    replay: Path | None,
    minutes: float | None,
    integrations: int,
    json_file: Path | None,
    junit_file: Path | None,
    html_file: Path | None,
    verbose: bool,
    **other_options: Any,
) -> None:
    """Act as Linnworks towards a channel application and check every response.

    URL is the address of the application. Its endpoints have the paths of this service, or those of --manifest.
    Without URL and --manifest, this service is started on a free port with an empty data folder and checked.
    The check creates integrations and CHANGES THE SHOP, unless --read-only is given: some paid orders are
    despatched, cancelled and refunded permanently; stock, prices, settings and listings are restored. A soak
    also changes stock and prices permanently.

    Exit status: 0 if no must-rule is broken, or none of --fail-on; 1 if one is; 2 if the check could not run;
    130 if it was interrupted. Then, too, what it changed is put back.
    """
    from bridge.check import CheckCouldNotRun, CheckOptions, ManifestUnreadable, RuleSeverity, read_recorded_calls

    if url and not url.startswith(("http://", "https://")):
        raise click.UsageError("The URL must begin with http:// or https://")
    if replay and minutes:
        raise click.UsageError("--replay and --soak cannot be combined")
    client = _oauth_client(oauth_client)
    _require_writable(json_file, junit_file, html_file)
    try:
        with _target(url, source, client, other_options["timeout"]) as manifest:
            options = CheckOptions(
                manifest,
                config=_config(config_values, config_file),
                oauth=client,
                recorded_calls=read_recorded_calls(replay) if replay else (),
                soak=_soak_options(minutes, integrations) if minutes else None,
                fail_on=RuleSeverity.SHOULD if strict else RuleSeverity(fail_on),
                **other_options,
            )
            run = _run(options, verbose, short=report_format == "short")
    except (CheckCouldNotRun, ManifestUnreadable) as error:
        raise StartError(str(error)) from None
    except KeyboardInterrupt:
        say("Interrupted. What the check changed was put back, and its integrations were deleted.", err=True)
        sys.exit(INTERRUPTED)
    _write_reports(run, json_file, junit_file, html_file)
    sys.exit(run.exit_status)


def _require_writable(*paths: Path | None) -> None:
    """Raise StartError when a report cannot be written, before a long run instead of after it."""
    for path in filter(None, paths):
        if not os.access(path if path.exists() else path.absolute().parent, os.W_OK):
            raise StartError(f"{path} cannot be written")


def _soak_options(minutes: float, integrations: int) -> SoakOptions:
    from bridge.check import SoakOptions

    return SoakOptions(max(1, round(minutes * 60 / SECONDS_PER_SOAK_ROUND)), SECONDS_PER_SOAK_ROUND, integrations)


def _run(options: CheckOptions, verbose: bool, short: bool) -> CheckRun:
    from bridge.check import run_check
    from bridge.check.terminal_report import print_report, progress_bar

    console = new_console()
    with progress_bar(console) as (on_start, on_progress):
        run = run_check(options, on_start, on_progress)
    print_report(console, run, verbose, short)
    return run


def _write_reports(run: CheckRun, json_file: Path | None, junit_file: Path | None, html_file: Path | None) -> None:
    from bridge.check.report_files import as_html, as_json, as_junit

    if json_file:
        json_file.write_text(json.dumps(as_json(run), indent=2) + "\n", encoding="utf-8")
    if junit_file:
        junit_file.write_text(as_junit(run), encoding="utf-8")
    if html_file:
        html_file.write_text(as_html(run), encoding="utf-8")


@contextmanager
def _target(url: str | None, source: str | None, client: tuple[str, str] | None, timeout: int) -> Iterator[Manifest]:
    """Yield the manifest of the application to check; a temporary service runs until the context is left."""
    from bridge.check import read_manifest
    from bridge.ops.temporary_server import temporary_server

    if source:
        manifest = read_manifest(source, timeout)
        yield manifest.with_base_url(url) if url else manifest
    elif url:
        yield _own_manifest(url.rstrip("/"), with_oauth=client is not None)
    elif client:
        raise click.UsageError("--oauth-client needs a URL: the service started for the check has no clients")
    else:
        with temporary_server() as base_url:
            yield _own_manifest(base_url)


def _own_manifest(base_url: str, *, with_oauth: bool = False) -> Manifest:
    from bridge.channels import load_channel
    from bridge.check import parse_manifest
    from bridge.protocol.manifest import manifest

    settings = load_settings(os.environ)
    return parse_manifest(manifest(settings, load_channel(settings.channel), base_url, with_oauth=with_oauth))


def _config(values: tuple[str, ...], path: Path | None) -> dict[str, str]:
    """Return the values for the wizard from the file, overridden by those of the command line."""
    from dotenv import dotenv_values

    from bridge.check.run import SECRET_NAME

    if any("=" not in value for value in values):
        raise click.UsageError("--config takes NAME=VALUE")
    if secret := next(filter(SECRET_NAME.search, (value.partition("=")[0] for value in values)), None):
        raise click.UsageError(
            f"Every user of this machine can see a command's arguments: put {secret} into a file for --config-file"
        )
    lines = dotenv_values(path, interpolate=False) if path else {}
    from_file = {name: value for name, value in lines.items() if value is not None}
    return from_file | dict(value.split("=", 1) for value in values)


def _oauth_client(option: str | None) -> tuple[str, str] | None:
    if option is None:
        return None
    client_id, colon, secret = read_secret(option, "ID:SECRET").partition(":")
    if not (client_id and colon and secret):
        raise click.UsageError("--oauth-client names a file with ID:SECRET")
    return client_id, secret
