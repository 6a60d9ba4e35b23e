"""`linnworks-bridge oauth`: who may fetch access tokens."""

from __future__ import annotations

import click

from bridge.cli.common import opened, show_table, when
from bridge.clock import now
from bridge.errors import BridgeError


@click.group()
def oauth() -> None:
    """Look after the OAuth clients; with one or more of them, every call must bear an access token."""


@oauth.command()
@click.argument("name", default="Linnworks")
@click.option(
    "--scope",
    "scopes",
    multiple=True,
    type=click.Choice(["read", "write"]),
    help="What the client may do; both, where it is not said.  [may be given twice]",
)
def create(name: str, scopes: tuple[str, ...]) -> None:
    """Make a client, and show its secret this once.

    From the first client on every call must bear an access token, at once: enter the manifest in Linnworks again, and
    id and secret in its wizard.
    """
    from bridge.protocol.oauth import SCOPES, new_client

    opened()
    client_id, secret = new_client(name, tuple(scope for scope in SCOPES if scope in (scopes or SCOPES)), now())
    click.echo(f"client_id: {client_id}")
    click.echo(f"client_secret: {secret}")
    click.echo("The secret is not shown again.", err=True)


@oauth.command("list")
def list_() -> None:
    """List all clients, revoked ones too."""
    from bridge.store.oauth_clients import list_clients

    opened()
    rows = [(row.id, row.name, row.scope, when(row.created_at), when(row.revoked_at)) for row in list_clients()]
    otherwise = "No OAuth client: calls need no access token."
    show_table(("Client id", "Name", "Scopes", "Since (UTC)", "Revoked (UTC)"), rows, otherwise)


@oauth.command()
@click.argument("client_id")
def revoke(client_id: str) -> None:
    """Revoke a client: its secret and all its access tokens are worth nothing from now on.

    With the last client revoked nobody comes in any more, until there is another.
    """
    from bridge.store.oauth_clients import revoke_client

    opened()
    if not revoke_client(client_id, now()):
        raise BridgeError(f"No client {client_id} that is not revoked already")
    click.echo(f"Revoked {client_id}.")


@oauth.command()
@click.option("--yes", is_flag=True, help="Do not ask.")
def disable(yes: bool) -> None:
    """Forget all clients and turn OAuth off: calls need no access token from now on."""
    from bridge.store.oauth_clients import forget_clients

    opened()
    if not yes:
        click.confirm("Let calls in without an access token?", abort=True)
    forget_clients()
    click.echo("OAuth is off.")
