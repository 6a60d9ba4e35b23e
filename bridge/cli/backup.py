"""`linnworks-bridge backup` and `restore`."""

from __future__ import annotations

import os
from pathlib import Path

import click

from bridge.cli.common import own_settings, require_free_address
from bridge.cli.output import say
from bridge.settings import load_settings

FOLDER = click.Path(file_okay=False, path_type=Path)


@click.command()
@click.argument("folder", type=FOLDER)
@click.option("--with-key", is_flag=True, help="Include the key: anyone with the backup can then open the credentials.")
def backup(folder: Path, with_key: bool) -> None:
    """Copy the installation into a new FOLDER while the service runs.

    It copies the database, the embedded shops, and with --with-key the key file. Without that file nothing can open
    the shops' credentials: keep a copy of it somewhere.
    """
    from bridge.ops import backup as ops

    names = ops.backup(load_settings(os.environ), folder, with_key=with_key)
    say(f"Backed up to {folder.absolute()}: {', '.join(names)}")
    if not with_key:
        say("The key is not in it: keep it in another place, it is needed to restore.")


@click.command()
@click.argument("folder", type=FOLDER)
@click.option("--force", is_flag=True, help="Replace an installation that has integrations, and archive it.")
def restore(folder: Path, force: bool) -> None:
    """Restore the backup in FOLDER while the service is stopped.

    The next start upgrades a backup of an earlier version. Orders continue from the backup's last complete run, so
    Linnworks gets those since then again. Stock and prices that waited in the backup are dropped, because the shop
    may have newer ones.
    """
    from bridge.ops import backup as ops

    restored = ops.restore(load_settings(os.environ), folder, force=force)
    say(f"Restored from {folder.absolute()}; start the service, and run `linnworks-bridge doctor`.")
    if restored.archive:
        say(f"The replaced files are in {restored.archive}")
    _ask_to_send_again(restored.integrations)


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
