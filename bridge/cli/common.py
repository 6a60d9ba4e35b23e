"""Helpers that several commands share."""

from __future__ import annotations

import os
import socket
import sys
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, TypeVar

import click

from bridge.errors import BridgeError, StartError
from bridge.settings import Settings, load_settings, sqlite_file

if TYPE_CHECKING:
    from bridge.protocol.call import Services
    from bridge.store.connections import Connection

T = TypeVar("T")

json_option = click.option("--json", "as_json", is_flag=True, help="Print JSON instead of a table.")
connection_option = click.option(
    "--connection", metavar="CONNECTION", help="Only this integration, by number or account name."
)
limit_option = click.option("--limit", default=50, show_default=True, type=click.IntRange(1, 10_000), help="How many.")


def open_installed() -> Services:
    """Open the installation that the settings name; raises StartError if there is none."""
    from bridge.ops.installation import open_installation

    settings = own_settings()
    if not is_installed(settings):
        raise no_installation(settings)
    return open_installation(settings)


def no_installation(settings: Settings) -> StartError:
    """Return the error that there is no installation where these settings say."""
    return StartError(
        f"There is no installation in {settings.data_dir.absolute()}: run the command with the service's settings "
        "(BRIDGE_ENV_FILE, BRIDGE_DATA_DIR), or run `linnworks-bridge serve` first"
    )


def own_settings() -> Settings:
    """Return the settings, and go on as the owner of the installation's files if this is root."""
    from bridge.ops.owner import become_owner

    settings = load_settings(os.environ)
    become_owner(settings)
    return settings


def is_installed(settings: Settings) -> bool:
    """Return whether there is a database; one on a server is taken to exist."""
    path = sqlite_file(settings.database)
    return path is None or path.exists()


def read_secret(source: str, form: str) -> str:
    """Return the first line of a file, or of standard input for "-".

    Raises BridgeError for anything else: every user of the machine sees a command's arguments.
    """
    if source == "-":
        return sys.stdin.readline().strip()
    try:
        return Path(source).read_text(encoding="utf-8").partition("\n")[0].strip()
    except (OSError, ValueError):
        raise BridgeError(
            f"Every user of this machine can see a command's arguments: put {form} into a file and name that, "
            "or give - and pass it on standard input"
        ) from None


def require_free_address(bind: str) -> None:
    """Raise StartError if the service could not listen at this address."""
    host, _, port = bind.rpartition(":")
    try:
        socket.create_server((host.strip("[]"), int(port)), family=_family(host)).close()
    except OSError as error:
        reason = error.strerror if isinstance(error, socket.gaierror) else os.strerror(error.errno or 0)
        raise StartError(f"The service cannot listen on {bind}: {reason}; see BRIDGE_BIND") from None


def _family(host: str) -> socket.AddressFamily:
    return socket.AF_INET6 if host.startswith("[") else socket.AF_INET


def the_connection(text: str) -> Connection:
    """Return the integration with this number or account name; raises BridgeError if there is not exactly one."""
    from bridge.store.connections import matching_connections

    found = matching_connections(text)
    if len(found) != 1:
        numbers = ", ".join(str(row.id) for row in found)
        raise BridgeError(f"Several integrations are called {text}: {numbers}" if found else f"No integration {text}")
    return found[0]


def number_of(connection: str | None) -> int | None:
    """Return the number of the integration that an option names, None without one."""
    return the_connection(connection).id if connection else None


def require(found: T | None, name: str) -> T:
    """Return what was found; raises BridgeError if it is None."""
    if found is None:
        raise BridgeError(f"There is no {name}")
    return found


def format_time(moment: datetime | None) -> str:
    """Return a moment as tables show it, in UTC, or nothing."""
    return f"{moment:%Y-%m-%d %H:%M:%S}" if moment else ""
