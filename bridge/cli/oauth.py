"""`linnworks-bridge oauth`: the OAuth clients."""

from __future__ import annotations

import click

from bridge.cli.common import json_option, open_installed
from bridge.cli.output import confirm, say, show_table
from bridge.clock import now
from bridge.errors import BridgeError


@click.group()
def oauth() -> None:
    """Manage the OAuth clients; if there are any, every call needs an access token."""


@oauth.command()
@click.argument("name", default="Linnworks")
@click.option(
    "--scope",
    "scopes",
    multiple=True,
    type=click.Choice(["read", "write"]),
    help="What the client may do, both by default.  [may be given twice]",
)
def create(name: str, scopes: tuple[str, ...]) -> None:
    """Create a client, and show its secret once.

    With the first client, every call needs an access token at once: enter the manifest in Linnworks again, and id and
    secret in its wizard.
    """
    from bridge.protocol.oauth import SCOPES, new_client

    open_installed()
    client_id, secret = new_client(name, tuple(scope for scope in SCOPES if scope in (scopes or SCOPES)), now())
    say(f"client_id: {client_id}")
    say(f"client_secret: {secret}")
    say("The secret is not shown again.", err=True)


@oauth.command("list")
@click.option("--active", is_flag=True, help="Only those that are not revoked.")
@json_option
def list_(active: bool, as_json: bool) -> None:
    """List all clients, including revoked ones."""
    from bridge.store.oauth_clients import list_clients

    open_installed()
    rows = [
        (row.id, row.name, row.scope, row.created_at, row.revoked_at)
        for row in list_clients()
        if not (active and row.revoked_at)
    ]
    if_empty = "No active OAuth client." if active else "No OAuth client: calls need no access token."
    show_table(("Client id", "Name", "Scopes", "Since (UTC)", "Revoked (UTC)"), rows, if_empty, as_json=as_json)


@oauth.command()
@click.argument("client_id")
def revoke(client_id: str) -> None:
    """Revoke a client: its secret and all its access tokens are refused from now on.

    With the last client revoked, every call is refused until there is another client.
    """
    from bridge.store.oauth_clients import revoke_client

    open_installed()
    if not revoke_client(client_id, now()):
        raise BridgeError(f"There is no active client {client_id}")
    say(f"Revoked {client_id}.")


@oauth.command()
@click.option("--yes", is_flag=True, help="Do not ask.")
def disable(yes: bool) -> None:
    """Delete all clients and turn OAuth off: calls need no access token from now on."""
    from bridge.store.oauth_clients import forget_clients

    open_installed()
    if not yes:
        confirm("Accept calls without an access token?")
    forget_clients()
    say("OAuth is off.")
