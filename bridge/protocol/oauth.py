"""OAuth 2: clients, and the access tokens they get for their secret (RFC 6749, client credentials).

OAuth is on from the first client on, and stays on when the last one is revoked: then every call is rejected.
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
    """Add a client that may ask for these scopes; return its id and its secret, of which only a digest is stored."""
    client_id, secret = secrets.token_hex(12), secrets.token_urlsafe(32)
    add_client(client_id, name=name, secret_digest=digest(secret), scope=" ".join(scopes), now=now)
    return client_id, secret


def authenticate(client_id: str, secret: str) -> OauthClient | None:
    """Return the client with this id and secret, or None; an unknown id takes the same steps as a wrong secret."""
    client = active_client(client_id if client_id.isascii() and client_id.isprintable() else "")
    same = hmac.compare_digest(digest(secret), str(client.secret_digest) if client else digest(""))
    return client if same else None


def access_token(vault: Vault, client: OauthClient, scopes: tuple[str, ...]) -> str:
    """Return an access token for these scopes."""
    return vault.sign(str(client.id), *scopes)


def read_access_token(vault: Vault, token: str, max_age: int) -> tuple[str, list[str]]:
    """Return the client's id and the scopes of an access token; no id if it is none of ours, or expired."""
    client_id, *scopes = (token and vault.verify(token, max_age)) or [""]
    return client_id, scopes
