"""The first schema."""

from __future__ import annotations

from typing import Any

from peewee import BooleanField, CharField, CompositeKey, ForeignKeyField, IntegerField, Model, TextField

from bridge.store.database import JsonField, MomentField, NumberField


def up(migrator: Any, db: Any) -> None:
    class Connection(Model):
        id = NumberField()
        token_digest = CharField(unique=True, max_length=64)
        account = CharField(max_length=36)
        account_name = CharField()
        email = CharField(max_length=320)
        step = CharField(max_length=100)
        config = JsonField(default=dict)
        sealed = TextField(default="")
        created_at = MomentField()
        completed_at = MomentField(null=True)

        class Meta:
            database = db
            table_name = "connection"
            indexes = ((("account", "account_name"), True),)

    class Deed(Model):
        connection = ForeignKeyField(Connection, on_delete="CASCADE")
        kind = CharField(max_length=20)
        reference = TextField()
        digest = CharField(max_length=64)
        occurrence = IntegerField()
        key = CharField(unique=True, max_length=32)
        content = JsonField()
        state = CharField(max_length=10)
        answer = TextField(default="")
        error = TextField(default="")
        claim = CharField(max_length=32)
        claimed_until = MomentField()
        created_at = MomentField()
        finished_at = MomentField(null=True)
        sent_until = MomentField(null=True)

        class Meta:
            database = db
            table_name = "deed"
            indexes = ((("connection", "digest", "occurrence"), True),)

    class Fact(Model):
        name = CharField(primary_key=True)
        value = TextField()

        class Meta:
            database = db
            table_name = "fact"

    class Feed(Model):
        id = CharField(primary_key=True, max_length=32)
        connection = ForeignKeyField(Connection, on_delete="CASCADE")
        created_at = MomentField()

        class Meta:
            database = db
            table_name = "feed"

    class FeedItem(Model):
        feed = ForeignKeyField(Feed, on_delete="CASCADE")
        connection = ForeignKeyField(Connection, on_delete="CASCADE")
        action = CharField(max_length=10)
        request = JsonField()
        done = BooleanField(default=False)
        result = JsonField(null=True)
        attempts = IntegerField(default=0)
        error = TextField(default="")
        next_at = MomentField()
        claim = CharField(max_length=32, default="")
        claimed_until = MomentField()

        class Meta:
            database = db
            table_name = "feed_item"
            indexes = ((("done", "connection", "id"), False),)

    class Run(Model):
        connection = ForeignKeyField(Connection, on_delete="CASCADE")
        kind = CharField(max_length=20)
        asked_since = MomentField()
        since = MomentField()
        started_at = MomentField()
        finished_at = MomentField(null=True)

        class Meta:
            database = db
            table_name = "run"

    class RunPage(Model):
        run = ForeignKeyField(Run, on_delete="CASCADE")
        number = IntegerField()
        cursor = TextField(null=True)
        turn = IntegerField(default=0)

        class Meta:
            database = db
            table_name = "run_page"
            primary_key = CompositeKey("run", "number")

    db.create_tables([Connection, Deed, Fact, Feed, FeedItem, Run, RunPage])
