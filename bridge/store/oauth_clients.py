"""OAuth clients, which may fetch access tokens; revoked ones are kept, so that OAuth stays on after the last."""

from __future__ import annotations

from datetime import datetime

from peewee import CharField

from bridge.store.database import Row, writing
from bridge.store.fields import MomentField
from bridge.store.statements import Statement


class OauthClient(Row):
    """A program that may fetch access tokens for these scopes; its secret is stored as a digest."""

    id = CharField(primary_key=True, max_length=32)
    name = CharField()
    secret_digest = CharField(max_length=64)
    scope = CharField()
    created_at = MomentField()
    revoked_at = MomentField(null=True)

    def __repr__(self) -> str:
        return f"<OauthClient {self.id}>"


_FIND_ACTIVE = Statement(
    lambda client_id: OauthClient.select().where((OauthClient.id == client_id) & OauthClient.revoked_at.is_null())
)
_FIND_ANY = Statement(lambda: OauthClient.select(OauthClient.id).limit(1))


def add_client(client_id: str, *, name: str, secret_digest: str, scope: str, now: datetime) -> OauthClient:
    """Store a new client; the first one turns OAuth on."""
    with writing():
        added: OauthClient = OauthClient.create(
            id=client_id, name=name, secret_digest=secret_digest, scope=scope, created_at=now
        )
    return added


def active_client(client_id: str) -> OauthClient | None:
    """Return the client with this id, or None if there is none or it was revoked."""
    found: OauthClient | None = _FIND_ACTIVE.first(client_id=client_id)
    return found


def any_client() -> bool:
    """Return whether there is a client, revoked ones included."""
    return _FIND_ANY.any()


def list_clients() -> list[OauthClient]:
    """Return all clients, revoked ones included, oldest first."""
    return list(OauthClient.select().order_by(OauthClient.created_at, OauthClient.id))


def revoke_client(client_id: str, now: datetime) -> bool:
    """Revoke a client for good; False if there is no active client with this id."""
    revoked = OauthClient.update(revoked_at=now).where((OauthClient.id == client_id) & OauthClient.revoked_at.is_null())
    with writing():
        return bool(revoked.execute())


def forget_clients() -> None:
    """Delete every client, which turns OAuth off."""
    with writing():
        OauthClient.delete().execute()
