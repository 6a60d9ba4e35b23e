"""The tables of the first release."""

from __future__ import annotations

from typing import Any

from peewee import SQL, BooleanField, CharField, CompositeKey, ForeignKeyField, IntegerField, Model, TextField

from bridge.store.fields import JsonField, MomentField, NumberField


def up(migrator: Any, db: Any) -> None:
    class Table(Model):
        class Meta:
            database = db
            legacy_table_names = False

    class InstallationFact(Table):
        name = CharField(primary_key=True)
        value = TextField()

    class OauthClient(Table):
        id = CharField(primary_key=True, max_length=32)
        name = CharField()
        secret_digest = CharField(max_length=64)
        scope = CharField()
        created_at = MomentField()
        revoked_at = MomentField(null=True)

    class Connection(Table):
        id = NumberField()
        uid = CharField(max_length=32)
        generation = IntegerField(default=1)
        token_digest = CharField(unique=True, max_length=64)
        account = CharField(max_length=36)
        account_name = CharField()
        email = CharField(max_length=320)
        step = CharField(max_length=100)
        config = JsonField(default=dict)
        sealed = TextField(default="")
        created_at = MomentField()
        completed_at = MomentField(null=True)
        paused = JsonField(null=True)

        class Meta:
            indexes = ((("account", "account_name"), True),)

    class PagingRun(Table):
        connection = ForeignKeyField(Connection, on_delete="CASCADE")
        kind = CharField(max_length=20)
        asked_since = MomentField()
        since = MomentField()
        started_at = MomentField()
        finished_at = MomentField(null=True)
        asked_at = MomentField()
        shared = BooleanField(default=False)

        class Meta:
            indexes = ((("connection", "kind", "asked_since"), False), (("connection", "kind", "asked_at"), False))

    class PageCursor(Table):
        run = ForeignKeyField(PagingRun, on_delete="CASCADE")
        number = IntegerField()
        cursor = TextField(null=True)
        reads = IntegerField(default=0)

        class Meta:
            primary_key = CompositeKey("run", "number")

    class SeenOrder(Table):
        connection = ForeignKeyField(Connection, on_delete="CASCADE")
        reference = TextField()
        number = TextField(default="")
        first_seen_at = MomentField()
        offered_at = MomentField(null=True)
        offers = IntegerField(default=0)
        hold_reason = TextField(default="")
        held_since = MomentField(null=True)
        checked_at = MomentField()
        released_by = IntegerField(null=True)
        releases = IntegerField(default=0)

        class Meta:
            indexes = ((("connection", "reference"), True),)

    was_held, reason = SeenOrder.held_since.is_null(False), SeenOrder.hold_reason
    SeenOrder.add_index(SeenOrder.connection, SeenOrder.released_by, where=SeenOrder.released_by.is_null(False))
    SeenOrder.add_index(SeenOrder.connection, SeenOrder.checked_at, where=was_held & (reason == SQL("''")))
    held = was_held & (reason != SQL("''"))
    SeenOrder.add_index(SeenOrder.connection, SeenOrder.checked_at, where=held, name="seen_order_held")
    SeenOrder.add_index(SeenOrder.checked_at, SeenOrder.connection, where=held)

    class Action(Table):
        connection = ForeignKeyField(Connection, on_delete="CASCADE")
        generation = IntegerField()
        kind = CharField(max_length=20)
        reference = TextField()
        digest = CharField(max_length=64)
        occurrence = IntegerField()
        key = CharField(unique=True, max_length=32)
        content = JsonField()
        state = CharField(max_length=10)
        attempts = IntegerField(default=0)
        request = CharField(default="", max_length=12)
        result = TextField(default="")
        error = TextField(default="")
        created_at = MomentField()
        planned_at = MomentField()
        planned_at_shop = MomentField(null=True)
        finished_at = MomentField(null=True)
        answered_at = MomentField(null=True)
        answered_at_shop = MomentField(null=True)

        class Meta:
            indexes = ((("connection", "reference"), False),)

    Action.add_index(Action.state, Action.connection, where=Action.state != SQL("'done'"))

    class OrderLease(Table):
        connection = ForeignKeyField(Connection, on_delete="CASCADE")
        reference = TextField()
        claim = CharField(max_length=32, default="")
        claimed_until = MomentField()

        class Meta:
            indexes = ((("connection", "reference"), True),)

    class Feed(Table):
        id = CharField(primary_key=True, max_length=32)
        connection = ForeignKeyField(Connection, on_delete="CASCADE")
        created_at = MomentField()

    class FeedItem(Table):
        feed = ForeignKeyField(Feed, on_delete="CASCADE")
        connection = ForeignKeyField(Connection, on_delete="CASCADE")
        action = CharField(max_length=10)
        request = JsonField()
        done = BooleanField(default=False)
        result = JsonField(null=True)
        attempts = IntegerField(default=0)
        error = TextField(default="")
        next_at = MomentField()
        expired_claims = IntegerField(default=0)
        set_aside = BooleanField(default=False)
        claim = CharField(max_length=32, default="")
        claimed_until = MomentField()

    FeedItem.add_index(FeedItem.connection, FeedItem._meta.primary_key, where=FeedItem.done == SQL("FALSE"))
    FeedItem.add_index(FeedItem.next_at, where=FeedItem.done == SQL("FALSE"))

    class OutboxBatch(Table):
        connection = ForeignKeyField(Connection, on_delete="CASCADE")
        kind = CharField(max_length=10)
        content = JsonField()
        results = JsonField(null=True)
        created_at = MomentField()
        awaited_until = MomentField(index=True)

    class PendingUpdate(Table):
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
            indexes = ((("connection", "kind", "key"), True),)

    class OutboxLease(Table):
        connection = ForeignKeyField(Connection, primary_key=True, on_delete="CASCADE")
        generation = IntegerField(default=1)
        claim = CharField(max_length=32, default="")
        claimed_until = MomentField()
        next_at = MomentField()
        attempts = IntegerField(default=0)
        unsure_until = MomentField()
        deaths = IntegerField(default=0)
        suspects_until = MomentField(null=True)
        pushed_alone = CharField(max_length=30, default="")

    class SetAsideUpdate(Table):
        id = NumberField()
        connection = ForeignKeyField(Connection, on_delete="CASCADE")
        kind = CharField(max_length=10)
        content = TextField()
        error = TextField()
        set_aside_at = MomentField()

    class CallRecord(Table):
        connection = ForeignKeyField(Connection, null=True, on_delete="CASCADE", index=False)
        generation = IntegerField()
        at = MomentField(index=True)
        request = CharField(max_length=12, index=True)
        endpoint = CharField(max_length=40)
        outcome = CharField(max_length=60)
        failed = BooleanField()
        ms = IntegerField()
        error = TextField()
        orders = TextField()
        skus = TextField()
        detail_json = TextField()
        size = IntegerField()

        class Meta:
            indexes = ((("connection", "at"), False),)

    class RecordedFinding(Table):
        key = CharField(primary_key=True)
        cause = CharField(max_length=60)
        connection = ForeignKeyField(Connection, null=True, on_delete="CASCADE")
        host = CharField(default="")
        name = TextField()
        state = CharField(max_length=10)
        message = TextField()
        advice = TextField()
        command = TextField()
        since = MomentField()
        found_at = MomentField()
        ok_at = MomentField(null=True)
        rounds = IntegerField(default=1)
        told_state = CharField(max_length=10, default="ok")
        told_at = MomentField(null=True)
        alarmed_at = MomentField(null=True)
        delivered = BooleanField(default=True)

    tables = [
        InstallationFact,
        OauthClient,
        Connection,
        PagingRun,
        PageCursor,
        SeenOrder,
        Action,
        OrderLease,
        Feed,
        FeedItem,
        OutboxBatch,
        PendingUpdate,
        OutboxLease,
        SetAsideUpdate,
        CallRecord,
        RecordedFinding,
    ]
    db.create_tables(tables)
