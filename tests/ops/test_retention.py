"""Old rows are deleted in time, and a deleted integration leaves nothing."""

from __future__ import annotations

import json
import os
from dataclasses import replace
from datetime import timedelta

import pytest

from bridge.clock import now
from bridge.ops.retention import Retention, delete_old_archives, delete_old_rows
from bridge.store.actions import Action
from bridge.store.connections import Connection
from bridge.store.database import close_store, database
from bridge.store.feeds import Feed, FeedItem
from bridge.store.orders import SeenOrder
from bridge.store.outbox import PendingUpdate
from bridge.store.paging import PagingRun, last_polls
from tests.conftest import dump, sqlite_only

REMOVAL = [{"ChannelSKU": "x", "TemplateId": 1}]


@pytest.fixture
def used(linnworks, work):
    """An integration with an order despatched, a feed done, and two paging runs."""
    linnworks.orders()
    linnworks.orders("2001-01-01 00:00:00Z")
    linnworks("DespatchEndpoint", Orders=[{"ReferenceNumber": "1001"}])
    linnworks("ListingDeleteEndpoint", ExternalListingIds=REMOVAL)
    work()
    return linnworks


def kept() -> list[int]:
    return [table.select().count() for table in (Action, SeenOrder, Feed, FeedItem, PagingRun)]


def test_old_rows_are_deleted(used, settings):
    """
    Each kind of row is deleted after its days and not a day before; the newest paging run is always kept.
    """
    orders = SeenOrder.select().count()
    moment = now()
    delete_old_rows(replace(settings, keep_paging_runs_days=400, keep_feeds_days=400), moment + timedelta(days=364))

    assert [1, orders, 1, 1, 2] == kept()
    while delete_old_rows(settings, moment + timedelta(days=366)):
        pass
    assert [0, 0, 0, 0, 1] == kept()
    assert {1: PagingRun.get().asked_at} == last_polls()
    assert 1 == Connection.select().count()


def test_each_kind_has_its_own_setting(used, settings):
    """
    A setting deletes one kind of row and no other.
    """
    kinds = {"keep_actions_days": {0}, "keep_orders_days": {1}, "keep_feeds_days": {2, 3}, "keep_paging_runs_days": {4}}
    long = dict.fromkeys(kinds, 3650)
    for keep, gone in kinds.items():
        before = kept()
        while delete_old_rows(replace(settings, **{**long, keep: 40}), now() + timedelta(days=41)):
            pass

        assert gone == {at for at, (was, is_now) in enumerate(zip(before, kept(), strict=True)) if is_now < was}


def test_unsettled_rows_are_never_deleted(used, settings):
    """
    Unknown actions, held orders and waiting listings are kept however old they are.
    """
    Action.update(state="unknown").execute()
    SeenOrder.update(held_since=now(), hold_reason="no SKU").where(SeenOrder.reference == "1002").execute()
    used("ListingDeleteEndpoint", ExternalListingIds=REMOVAL)
    while delete_old_rows(settings, now() + timedelta(days=4000)):
        pass

    assert [1, 1, 1, 1, 1] == kept()


def test_an_unfinished_integration_is_deleted(app, call, linnworks, settings):
    """
    An integration whose wizard was never finished is deleted in time; finished ones are kept.
    """
    type(linnworks)(call, "unfinished")
    delete_old_rows(settings, now() + timedelta(days=29))
    assert 2 == Connection.select().count()
    delete_old_rows(settings, now() + timedelta(days=31))

    assert [linnworks.account_name] == [row.account_name for row in Connection.select()]


def test_the_worker_deletes_once_an_hour(used, app):
    """
    It continues until nothing is due, and starts again an hour later.
    """
    channels = app.extensions["bridge"].channels
    long_ago = now() - timedelta(days=1000)
    Action.update(finished_at=long_ago).execute()
    time = [0.0]
    retention = Retention(lambda: time[0])
    did = [retention.work_one(channels) for _ in range(3)]
    Feed.update(created_at=long_ago).execute()
    FeedItem.update(claimed_until=long_ago).execute()
    too_soon = retention.work_one(channels)
    time[0] = 3601.0

    assert [True, False, False] == did
    assert not too_soon
    assert retention.work_one(channels)
    assert 0 == Action.select().count() == Feed.select().count()


def test_old_archives_are_deleted(settings):
    """
    Archives that upgrades and restores made are deleted after their days; newer ones are kept.
    """
    for name, days in (("old", 31), ("new", 29)):
        folder = settings.data_dir / "archive" / name
        folder.mkdir(parents=True)
        (folder / "bridge.db").touch()
        made = (now() - timedelta(days=days)).timestamp()
        os.utime(folder, (made, made))
    delete_old_archives(settings, now())

    assert ["new"] == [path.name for path in (settings.data_dir / "archive").iterdir()]


def fill(linnworks) -> None:
    """Write rows of an integration to every table that has any."""
    linnworks.orders()
    linnworks("DespatchEndpoint", Orders=[{"ReferenceNumber": "1001", "TrackingNumber": "TRACK-77"}])
    linnworks("ListingDeleteEndpoint", ExternalListingIds=REMOVAL)
    linnworks("InventoryUpdateEndpoint", Products=[{"SKU": "101-11", "Quantity": 7}])
    then = now()
    row = {"SKU": "PENDING-1", "Quantity": 1}
    PendingUpdate.create(
        connection=1, kind="stock", key="k", sku="PENDING-1", tag="", row=row, attempts=1, error="", since=then,
        next_at=then, unsure_until=then,
    )  # fmt: skip


def test_a_deleted_integration_is_erased(linnworks, settings):
    """
    ConfigDeleted leaves nothing of it in any table.
    """
    fill(linnworks)
    assert all(word in dump() for word in ("seller@example.com", "TRACK-77", "PENDING-1"))
    linnworks("ConfigDeletedEndpoint")

    left = dump()
    assert not [word for word in ("seller@example.com", linnworks.shop_name, "TRACK-77", "'1001'") if word in left]


@sqlite_only
def test_erased_data_is_overwritten(linnworks, app, settings):
    """
    After the worker's next round, the erased text is in none of the database's files.
    """
    fill(linnworks)
    linnworks("ConfigDeletedEndpoint")
    Retention().work_one(app.extensions["bridge"].channels)
    files = b"".join(path.read_bytes() for path in settings.data_dir.glob("bridge.db*"))

    assert not [word for word in (b"seller@example.com", b"TRACK-77", b"PENDING-1") if word in files]
    close_store()


def test_everything_about_an_integration_is_exported_except_secrets(run, linnworks, connect):
    """
    `connections export` prints every row about it, and nothing of another integration.
    """
    fill(linnworks)
    other = connect()
    exported = run("connections", "export", "1")
    tables = json.loads(exported)
    about = {
        table
        for table in database.get_tables()
        if table not in ("installation_fact", "oauth_client", "schema_migration")
    }

    assert about - {"sqlite_sequence", "outbox_batch"} <= tables.keys() <= about
    assert "TRACK-77" in exported
    assert "PENDING-1" in exported
    assert linnworks.shop_name in exported
    secret = Connection.get_by_id(1)
    secrets = (linnworks.token, secret.token_digest, secret.sealed, f"key of {linnworks.shop_name}", other.shop_name)
    assert not [one for one in secrets if one in exported]
