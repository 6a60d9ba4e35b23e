"""`linnworks-bridge backup` and `restore`."""

from __future__ import annotations

import os
from pathlib import Path
from typing import TYPE_CHECKING

import click

from bridge.cli.common import json_option, own_settings, require_free_address
from bridge.cli.output import say, show_table
from bridge.settings import ENV_FILE, given_variables, load_settings

if TYPE_CHECKING:
    from bridge.ops.backup import Contents

FOLDER = click.Path(file_okay=False, path_type=Path)


@click.command()
@click.argument("folder", type=FOLDER)
@click.option("--with-key", is_flag=True, help="Include the key: anyone with the backup can then open the credentials.")
@click.option(
    "--keep",
    metavar="N",
    type=click.IntRange(1, 10_000),
    help="Back up into a folder below FOLDER that is named by the time, and delete all of these but the newest N.",
)
def backup(folder: Path, with_key: bool, keep: int | None) -> None:
    """Copy the installation into a new FOLDER while the service runs.

    It copies the database, the embedded shops, the settings, and with --with-key the key. Without the key nothing can
    open the shops' credentials: keep a copy of it somewhere.
    """
    from bridge.clock import now
    from bridge.ops import backup as ops

    target = folder / ops.new_name(now()) if keep else folder
    names = ops.backup(load_settings(os.environ), target, with_key=with_key, variables=given_variables(os.environ))
    say(f"Backed up to {target.absolute()}: {', '.join(names)}")
    if keep and (deleted := ops.delete_old_backups(folder, keep)):
        say(f"Deleted {', '.join(deleted)}")
    if not with_key:
        say("The key is not in it: keep it in another place, it is needed to restore.")


@click.command()
@click.argument("folder", type=FOLDER, required=False)
@click.option("--force", is_flag=True, help="Replace an installation that has integrations, and archive it.")
@click.option(
    "--list", "only_list", is_flag=True, help="List the backups in FOLDER, by default the archive, and restore none."
)
@click.option("--verify", is_flag=True, help="Check the backup in FOLDER as for a restore, and restore nothing.")
@json_option
def restore(folder: Path | None, force: bool, only_list: bool, verify: bool, as_json: bool) -> None:
    """Restore the backup in FOLDER while the service is stopped.

    The next start upgrades a backup of an earlier version. Orders continue from the backup's last complete run, so
    Linnworks gets those since then again. Stock and prices that waited in the backup are dropped, because the shop
    may have newer ones. The settings in the backup are for you to compare: those of this machine stay.
    """
    from bridge.ops import backup as ops
    from bridge.store.sqlite_backup import ARCHIVE

    if only_list:
        settings = own_settings()
        place = folder or settings.data_dir / ARCHIVE
        _show(ops.list_backups(place), f"No backup in {place.absolute()}", as_json=as_json)
        return
    if folder is None:
        raise click.UsageError("Name the FOLDER of a backup; --list shows those in the archive")
    if verify:
        _show([ops.verify_backup(load_settings(os.environ), folder)], as_json=as_json)
        if not as_json:
            say("It is intact, and its key is there: it can be restored.")
        return
    restored = ops.restore(load_settings(os.environ), folder, force=force, variables=given_variables(os.environ))
    say(f"Restored from {folder.absolute()}; start the service, and run `linnworks-bridge doctor`.")
    if restored.archive:
        say(f"The replaced files are in {restored.archive}")
    if restored.other_settings:
        say(f"Compare with {folder.absolute() / ENV_FILE}, where these differ: {', '.join(restored.other_settings)}")
    _ask_to_send_again(restored.integrations)


def _show(backups: list[Contents], if_empty: str = "", *, as_json: bool) -> None:
    rows = [
        (
            str(one.folder.absolute()),
            one.made_at,
            one.megabytes,
            one.schema,
            one.integrations,
            "yes" if one.has_key else "no",
            "yes" if one.has_settings else "no",
            one.problem,
        )
        for one in backups
    ]
    columns = ("Folder", "Made at (UTC)", "MB", "Schema", "Integrations", "Key", "Settings", "Problem")
    show_table(columns, rows, if_empty, as_json=as_json)


@click.command("after-restore")
def after_restore() -> None:
    """Prepare a PostgreSQL database that was just restored, before the service starts.

    Orders begin at page 1 again, and stock and prices that waited in the backup are dropped, because the shop may
    have newer ones. `restore` does this for SQLite itself.
    """
    from bridge.ops import backup as ops

    settings = own_settings()
    require_free_address(settings.bind)
    integrations = ops.after_restore(settings)
    say("The database is ready; start the service, and run `linnworks-bridge doctor`.")
    _ask_to_send_again(integrations)


def _ask_to_send_again(integrations: list[str]) -> None:
    if integrations:
        say(
            "Stock and prices that were on their way since the backup may not have reached the shops. Send all of them "
            f"again in Linnworks (docs/operate.md says how) for: {', '.join(integrations)}"
        )
