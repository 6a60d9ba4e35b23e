"""What became of each order that the shop showed."""

from __future__ import annotations

from typing import Any

from peewee import ForeignKeyField, IntegerField, Model, TextField

from bridge.store.database import MomentField


def up(migrator: Any, db: Any) -> None:
    class Connection(Model):
        class Meta:
            database = db
            table_name = "connection"

    class SeenOrder(Model):
        connection = ForeignKeyField(Connection, on_delete="CASCADE")
        reference = TextField()
        first_seen_at = MomentField()
        offered_at = MomentField(null=True)
        offers = IntegerField(default=0)
        held = TextField(default="")
        held_since = MomentField(null=True)
        looked_at = MomentField()
        released_for = MomentField(null=True)

        class Meta:
            database = db
            table_name = "seen_order"
            indexes = ((("connection", "reference"), True), (("connection", "held_since"), False))

    db.create_tables([SeenOrder])
