"""OAuth clients."""

from __future__ import annotations

from typing import Any

from peewee import CharField, Model

from bridge.store.database import MomentField


def up(migrator: Any, db: Any) -> None:
    class OauthClient(Model):
        id = CharField(primary_key=True, max_length=32)
        name = CharField()
        secret_digest = CharField(max_length=64)
        scope = CharField()
        created_at = MomentField()
        revoked_at = MomentField(null=True)

        class Meta:
            database = db
            table_name = "oauth_client"

    db.create_tables([OauthClient])
