"""Who calls: all that the database knows of it, in one query, as each call asks."""

from __future__ import annotations

from typing import NamedTuple

from peewee import JOIN, SQL, Join, Select, fn

from bridge.store.connections import Connection
from bridge.store.oauth_clients import OauthClient
from bridge.store.statements import Statement, make_row


class Caller(NamedTuple):
    """Whether OAuth is on, whether the OAuth client exists and is not revoked, and the connection of the token."""

    oauth_is_on: bool
    client_is_active: bool
    connection: Connection | None


_ONE_ROW = Select(columns=[SQL("1")]).alias("one")
_FIND = Statement(
    lambda client_id, digest: Select(
        [Join(_ONE_ROW, Connection, JOIN.LEFT_OUTER, Connection.token_digest == digest)],
        [
            fn.EXISTS(OauthClient.select(OauthClient.id)),
            fn.EXISTS(
                OauthClient.select(OauthClient.id).where(
                    (OauthClient.id == client_id) & OauthClient.revoked_at.is_null()
                )
            ),
            *Connection._meta.sorted_fields,
        ],
    )
)


def find_caller(client_id: str, token_digest: str) -> Caller:
    """Return what is known of an OAuth client, and of the connection whose token has this digest."""
    oauth_is_on, client_is_active, *columns = _FIND.run(client_id=client_id, digest=token_digest).fetchone()
    connection = None if columns[0] is None else make_row(Connection, columns)
    return Caller(bool(oauth_is_on), bool(client_is_active), connection)
