"""`linnworks-bridge report`: what somebody else needs to help."""

from __future__ import annotations

import os
from pathlib import Path

import click

from bridge.cli.common import own_settings
from bridge.cli.output import say
from bridge.errors import BridgeError

FILE = click.Path(dir_okay=False, path_type=Path)


@click.command()
@click.argument("file", type=FILE)
@click.option("--log", type=click.Path(exists=True, dir_okay=False, path_type=Path), help="The service's log file.")
def report(file: Path, log: Path | None) -> None:
    """Write a support bundle into FILE, a new .zip: findings, versions, settings, recent calls and log lines.

    Secrets, names and addresses are taken out; order numbers and SKUs are in it. The log is taken from systemd's
    journal unless --log names a file.
    """
    from bridge.ops.report import end_of_log, write_report

    try:
        output = os.fdopen(os.open(file, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "wb")
    except FileExistsError:
        raise BridgeError(f"{file} exists already") from None
    text = end_of_log(log)
    with output:
        own_settings()  # what root may write and read, the installation's owner may not
        names = write_report(os.environ, output, text)
    say(f"Wrote {file}: {', '.join(names)}")
    say("Look through it before you send it: order numbers and SKUs are in it.")
