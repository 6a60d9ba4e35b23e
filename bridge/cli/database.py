"""`linnworks-bridge migrate-database`: copy a SQLite database to PostgreSQL."""

from __future__ import annotations

import click

from bridge.cli.common import is_installed, own_settings, read_secret, require_free_address
from bridge.cli.output import say
from bridge.errors import BridgeError, StartError
from bridge.settings import load_settings, sqlite_file


@click.command("migrate-database")
@click.argument("source", metavar="FILE")
def migrate_database(source: str) -> None:
    """Copy everything from the SQLite database into an empty one on a PostgreSQL server.

    FILE has the new BRIDGE_DATABASE_URL; - reads it from standard input. Stop the service first, and start it with
    the new setting afterwards. The old database is not changed; the first start with the new setting moves it to the
    archive. The key file and the embedded shop's file stay in the data folder.
    """
    from bridge.ops.old_copies import remember_left_behind
    from bridge.store.sqlite_to_postgresql import copy_to_postgresql

    new = load_settings({}, database_url=read_secret(source, "the address"))
    settings = own_settings()
    old = sqlite_file(settings.database)
    if old is None or not is_installed(settings):
        raise StartError("There is no SQLite database to copy: run the command with the service's settings")
    if not new.database_url.startswith(("postgresql://", "postgres://")):
        raise BridgeError("The new database must be an address like postgresql://user:password@host/name")
    try:
        require_free_address(settings.bind)
    except StartError:
        raise BridgeError(
            f"A program listens on {settings.bind}: stop the service (and linnworks-bridge.socket), "
            "or the copy misses what arrives meanwhile"
        ) from None
    counts = copy_to_postgresql(settings.database, new.database_url)
    remember_left_behind(new.database_url, old)
    say(f"Copied {sum(counts.values())} rows of {len(counts)} tables.")
    say(f"Now set BRIDGE_DATABASE_URL to that address and start the service; {old} then goes to the archive.")
