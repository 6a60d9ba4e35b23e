"""OAuth clients: who may fetch access tokens; kept for good, so that OAuth stays on when the last is revoked."""

from __future__ import annotations

from datetime import datetime

from peewee import CharField

from bridge.store.database import MomentField, Row, writing
from bridge.store.statements import Statement


class OauthClient(Row):
    """A program that may fetch access tokens for these scopes; of its secret only a digest is kept."""

    id = CharField(primary_key=True, max_length=32)
    name = CharField()
    secret_digest = CharField(max_length=64)
    scope = CharField()
    created_at = MomentField()
    revoked_at = MomentField(null=True)

    def __repr__(self) -> str:
        return f"<OauthClient {self.id}>"


_ACTIVE = Statement(
    lambda client_id: OauthClient.select().where((OauthClient.id == client_id) & OauthClient.revoked_at.is_null())
)
_ANY = Statement(lambda: OauthClient.select(OauthClient.id).limit(1))


def add_client(client_id: str, *, name: str, secret_digest: str, scope: str, now: datetime) -> OauthClient:
    """Keep a new client; from the first one on OAuth is on."""
    with writing():
        added: OauthClient = OauthClient.create(
            id=client_id, name=name, secret_digest=secret_digest, scope=scope, created_at=now
        )
    return added


def active_client(client_id: str) -> OauthClient | None:
    """The client with this id, unless it was revoked."""
    found: OauthClient | None = _ACTIVE.first(client_id)
    return found


def any_client() -> bool:
    """Whether there ever was a client."""
    return _ANY.any()


def list_clients() -> list[OauthClient]:
    """All clients, oldest first, revoked ones too."""
    return list(OauthClient.select().order_by(OauthClient.created_at, OauthClient.id))


def revoke_client(client_id: str, now: datetime) -> bool:
    """Revoke a client for good; False where there is none that could be."""
    revoked = OauthClient.update(revoked_at=now).where((OauthClient.id == client_id) & OauthClient.revoked_at.is_null())
    with writing():
        return bool(revoked.execute())


def forget_clients() -> None:
    """Forget every client, which turns OAuth off."""
    with writing():
        OauthClient.delete().execute()
