"""What the commands have in common."""

from __future__ import annotations

import os
import socket
import sys
from collections.abc import Iterable, Sequence
from datetime import datetime
from typing import TYPE_CHECKING

from bridge.errors import BridgeError, StartError
from bridge.settings import Settings, load_settings, sqlite_file

if TYPE_CHECKING:
    from bridge.protocol.call import Services
    from bridge.store.connections import Connection


def opened() -> Services:
    """The installation that the settings name, its database open; raises StartError where there is none."""
    from bridge.ops.installation import open_installation

    settings = load_settings(os.environ)
    if not is_installed(settings):
        raise StartError(
            f"There is no installation in {settings.data_dir.absolute()}: run the command with the service's settings "
            "(BRIDGE_ENV_FILE, BRIDGE_DATA_DIR), or run `linnworks-bridge serve` first"
        )
    return open_installation(settings)


def is_installed(settings: Settings) -> bool:
    """Whether there is a database already; one on a server is taken to be there."""
    path = sqlite_file(settings.database)
    return path is None or path.exists()


def try_to_listen(bind: str) -> None:
    """Find out whether the service could listen there; raises StartError where it could not."""
    host, _, port = bind.rpartition(":")
    try:
        socket.create_server((host.strip("[]"), int(port)), family=_family(host)).close()
    except OSError as error:
        words = error.strerror if isinstance(error, socket.gaierror) else os.strerror(error.errno or 0)
        raise StartError(f"Nobody can listen on {bind}: {words}; see BRIDGE_BIND") from None


def _family(host: str) -> socket.AddressFamily:
    return socket.AF_INET6 if host.startswith("[") else socket.AF_INET


def the_connection(text: str) -> Connection:
    """The one integration of that number or account name; raises BridgeError when there is none or several."""
    from bridge.store.connections import matching_connections

    found = matching_connections(text)
    if len(found) != 1:
        numbers = ", ".join(str(row.id) for row in found)
        raise BridgeError(f"Several integrations are called {text}: {numbers}" if found else f"No integration {text}")
    return found[0]


def show_table(columns: Sequence[str], rows: Iterable[Sequence[object]], otherwise: str) -> None:
    """Print a table, or where there are no rows a sentence; wide where it is not read on a terminal."""
    from rich.console import Console
    from rich.table import Table
    from rich.text import Text

    table = Table(*columns)
    for row in rows:
        table.add_row(*(Text(str(cell)) for cell in row))
    Console(width=None if sys.stdout.isatty() else 240).print(table if table.row_count else otherwise)


def when(moment: datetime | None) -> str:
    """A moment as tables show it, in UTC."""
    return f"{moment:%Y-%m-%d %H:%M:%S}" if moment else ""
