"""Grants: OAuth 2 access tokens for clients that know their secret, and what such a token allows.

OAuth is on from the first client on, and stays on when the last one is revoked: then nobody comes in.
"""

from __future__ import annotations

import hmac
import secrets
from datetime import datetime

from bridge.store.oauth_clients import OauthClient, active_client, add_client, any_client
from bridge.vault import Vault, digest

READ, WRITE = "read", "write"
SCOPES = (READ, WRITE)

is_required = any_client


def new_client(name: str, scopes: tuple[str, ...], now: datetime) -> tuple[str, str]:
    """Make a client that may ask for these scopes; its id and its secret, which is told only here."""
    client_id, secret = secrets.token_hex(12), secrets.token_urlsafe(32)
    add_client(client_id, name=name, secret_digest=digest(secret), scope=" ".join(scopes), now=now)
    return client_id, secret


def authenticate(client_id: str, secret: str) -> OauthClient | None:
    """The client with this id and this secret; an id that nobody has takes the same steps as a wrong secret."""
    client = active_client(client_id if client_id.isascii() and client_id.isprintable() else "")
    same = hmac.compare_digest(digest(secret), str(client.secret_digest) if client else digest(""))
    return client if same else None


def access_token(vault: Vault, client: OauthClient, scopes: tuple[str, ...]) -> str:
    """A token that lets its bearer do what these scopes allow, in this client's name."""
    return vault.sign(str(client.id), *scopes)


def scopes_of(vault: Vault, token: str, max_age: int) -> tuple[str, ...] | None:
    """What the bearer of a token may do; None where it is forged, too old, or of a client that was revoked."""
    words = vault.signed(token, max_age)
    return tuple(words[1:]) if words and active_client(words[0]) else None
