"""Stock and prices that wait for the shop."""

from __future__ import annotations

from typing import Any

from peewee import CharField, ForeignKeyField, IntegerField, Model, TextField

from bridge.store.database import JsonField, MomentField


def up(migrator: Any, db: Any) -> None:
    class Connection(Model):
        class Meta:
            database = db
            table_name = "connection"

    class SpoolBatch(Model):
        connection = ForeignKeyField(Connection, on_delete="CASCADE")
        kind = CharField(max_length=10)
        content = JsonField()
        outcomes = JsonField(null=True)
        created_at = MomentField()
        awaited_until = MomentField(index=True)

        class Meta:
            database = db
            table_name = "spool_batch"

    class SpoolItem(Model):
        connection = ForeignKeyField(Connection, on_delete="CASCADE")
        kind = CharField(max_length=10)
        key = CharField(max_length=64)
        sku = TextField()
        tag = TextField()
        row = JsonField()
        attempts = IntegerField()
        error = TextField()
        since = MomentField()
        next_at = MomentField(index=True)
        unsure_until = MomentField()

        class Meta:
            database = db
            table_name = "spool_item"
            indexes = ((("connection", "kind", "key"), True),)

    class Lane(Model):
        connection = ForeignKeyField(Connection, primary_key=True, on_delete="CASCADE")
        claim = CharField(max_length=32, default="")
        claimed_until = MomentField()
        next_at = MomentField()
        attempts = IntegerField(default=0)
        unsure_until = MomentField()

        class Meta:
            database = db
            table_name = "lane"

    db.create_tables([SpoolBatch, SpoolItem, Lane])
