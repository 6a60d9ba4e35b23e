"""`linnworks-bridge connections`: the integrations."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import click

from bridge.cli.common import format_time, json_option, open_installed, the_connection
from bridge.cli.output import confirm, print_document, say, show_table
from bridge.errors import BridgeError

if TYPE_CHECKING:
    from bridge.store.connections import Connection

MOST_TRIES = 20  # of a tenth of a second


@click.group()
def connections() -> None:
    """Manage the integrations that use this bridge."""


@connections.command("list")
@click.option("--search", metavar="TEXT", default="", help="Only those with this in their account name or e-mail.")
@click.option(
    "--state", type=click.Choice(["ready", "credentials", "wizard"]), help="Only those in this state, such as ready."
)
@json_option
def list_(search: str, state: str | None, as_json: bool) -> None:
    """List the integrations, all by default."""
    from bridge.store.connections import list_connections

    open_installed()
    rows = [
        row
        for row in list_connections()
        if search.lower() in f"{row.account_name}\n{row.email}".lower() and (not state or state in state_of(row))
    ]
    if as_json:
        print_document(json.dumps([_facts(row) for row in rows], indent=2))
        return
    cells = [(row.id, row.account_name, row.email, state_of(row), format_time(row.created_at)) for row in rows]
    if_empty = "No integration yet: press Integrate in Linnworks, or run `linnworks-bridge check URL`."
    if search or state:
        if_empty = "No such integration."
    show_table(("No", "Account name", "E-mail", "State", "Since (UTC)"), cells, if_empty)


@connections.command()
@click.argument("connection")
@click.option("--json", "as_json", is_flag=True, help="Print JSON instead of text.")
def show(connection: str, as_json: bool) -> None:
    """Show an integration, by its number or account name, without secrets."""
    open_installed()
    facts = _facts(the_connection(connection))
    if as_json:
        print_document(json.dumps(facts, indent=2))
        return
    for name, value in {**facts, **facts.pop("config")}.items():
        say(f"{name}: {value}")


@connections.command()
@click.argument("connection")
def export(connection: str) -> None:
    """Print everything stored for an integration, as JSON and without secrets."""
    from bridge.store.connections import everything_about

    open_installed()
    tables = everything_about(the_connection(connection))
    print_document(json.dumps(tables, indent=2, default=str))


@connections.command()
@click.argument("connection")
@click.option("--yes", is_flag=True, help="Do not ask.")
def erase(connection: str, yes: bool) -> None:
    """Delete an integration and everything stored for it, as ConfigDeleted does.

    Linnworks keeps its side until the integration is deleted there; its calls are refused from now on. Backups
    still contain it, and older copies in the archive, which are named.
    """
    from bridge.ops.old_copies import copies_with
    from bridge.store.connections import delete_connection, forget_erased

    settings = open_installed().settings
    found = the_connection(connection)
    if not yes:
        confirm(f"Erase {found.account_name} ({found.email})?")
    delete_connection(found)
    if not any(forget_erased() for _ in range(MOST_TRIES)):
        say(
            "The service reads the database's write-ahead log at the moment, which keeps it for up to an hour.",
            err=True,
        )
    say(f"Erased {found.account_name}.")
    if copies := copies_with(settings, found.uid):
        say(f"Older copies still hold it: {', '.join(map(str, copies))}")
        say(f"Those in the archive are deleted {settings.keep_archives_days} days after they were made, or by you.")


@connections.command()
@click.argument("connection")
def reconnect(connection: str) -> None:
    """Make the seller enter the shop's credentials again; token and other settings stay."""
    from bridge.sync.wizard import ask_for_credentials

    bridge = open_installed()
    found = the_connection(connection)
    if not found.complete:
        raise BridgeError(f"{found.account_name} has not finished its wizard yet")
    ask_for_credentials(found, bridge.channels)
    say(f"{found.account_name} asks for the credentials when it is opened in Linnworks.")


def state_of(row: Connection) -> str:
    if not row.complete:
        return f"in the wizard, at {row.step}"
    return "ready" if row.step == "UserConfig" else "credentials needed"


def _facts(row: Connection) -> dict[str, Any]:
    return {
        "number": row.id,
        "account_name": row.account_name,
        "email": row.email,
        "linnworks_account": row.account,
        "state": state_of(row),
        "created_at": row.created_at.isoformat(),
        "completed_at": row.completed_at.isoformat() if row.completed_at else None,
        "paused": row.paused or {},
        "config": row.config,
    }
