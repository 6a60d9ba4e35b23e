"""`linnworks-bridge backup`, `restore` and `doctor`."""

from __future__ import annotations

import json
import os
import sys
from pathlib import Path

import click

from bridge.cli.common import show_table
from bridge.settings import load_settings

a_folder = click.Path(file_okay=False, path_type=Path)


@click.command()
@click.argument("folder", type=a_folder)
@click.option("--with-key", is_flag=True, help="The key too: whoever has the backup can then open the credentials.")
def backup(folder: Path, with_key: bool) -> None:
    """Copy the installation into a new FOLDER, while the service runs.

    That is the database, the embedded shops, and with --with-key the key file, without which the shops'
    credentials cannot be opened: keep one or the other copy of it somewhere.
    """
    from bridge.ops.backup import backup as made

    names = made(load_settings(os.environ), folder, with_key=with_key)
    click.echo(f"Backed up to {folder.absolute()}: {', '.join(names)}")
    if not with_key:
        click.echo("The key is not in it: keep it in another place, it is needed to restore.")


@click.command()
@click.argument("folder", type=a_folder)
@click.option("--force", is_flag=True, help="Even where there are integrations: what was there is put aside.")
def restore(folder: Path, force: bool) -> None:
    """Put a backup in FOLDER back, while the service is stopped.

    A backup of an earlier version is upgraded at the next start. Orders go on from the backup's last complete
    run, so those since come again.
    """
    from bridge.ops.backup import restore as put_back

    aside = put_back(load_settings(os.environ), folder, force=force)
    click.echo(f"Restored from {folder.absolute()}; start the service, and see `linnworks-bridge doctor`.")
    if aside:
        click.echo(f"What was there before is in {aside}")


@click.command()
@click.option("--json", "as_json", is_flag=True, help="Print JSON instead of a table.")
def doctor(as_json: bool) -> None:
    """Look the installation over and say what to do; changes nothing.

    Settings, disk, database, key, the running service, its public address and certificate, clocks, each shop,
    when Linnworks last asked for orders, and what waits, failed or is held.

    Exit status: 0 all well, 1 there are warnings, 2 there are faults.
    """
    from bridge.clock import now
    from bridge.ops.doctor import examine, worst

    findings = list(examine(os.environ, now))
    state = worst(findings)
    if as_json:
        rows = [
            {"name": one.name, "state": one.state.value, "words": one.words, "advice": one.advice} for one in findings
        ]
        click.echo(json.dumps({"state": state.value, "findings": rows}, indent=2))
    else:
        cells = [(one.name, one.state.value, one.words, one.advice) for one in findings]
        show_table(("What", "State", "How it is", "What to do"), cells, "")
    sys.exit(state.status)
