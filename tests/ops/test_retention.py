"""What is kept is forgotten in time, and an integration that ends takes all of it along."""

from __future__ import annotations

import json
import os
from dataclasses import replace
from datetime import timedelta

import pytest

from bridge.clock import now
from bridge.ops.retention import Retention, forget_copies, forget_some
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
    """An integration with an order despatched, a feed done, and two runs."""
    linnworks.orders()
    linnworks.orders("2001-01-01 00:00:00Z")
    linnworks("DespatchEndpoint", Orders=[{"ReferenceNumber": "1001"}])
    linnworks("ListingDeleteEndpoint", ExternalListingIds=REMOVAL)
    work()
    return linnworks


def kept() -> list[int]:
    return [table.select().count() for table in (Action, SeenOrder, Feed, FeedItem, PagingRun)]


def test_what_is_old_is_forgotten(used, settings):
    """
    After its days each kind of row is gone, a day before none is; the newest run stays for good.
    """
    orders = SeenOrder.select().count()
    moment = now()
    forget_some(replace(settings, keep_runs_days=400, keep_feeds_days=400), moment + timedelta(days=364))

    assert [1, orders, 1, 1, 2] == kept()
    while forget_some(settings, moment + timedelta(days=366)):
        pass
    assert [0, 0, 0, 0, 1] == kept()
    assert {1: PagingRun.get().asked_at} == last_polls()
    assert 1 == Connection.select().count()


def test_each_kind_has_days_of_its_own(used, settings):
    """
    A setting shortens the life of one kind of rows and of no other.
    """
    kinds = {"keep_actions_days": {0}, "keep_orders_days": {1}, "keep_feeds_days": {2, 3}, "keep_runs_days": {4}}
    long = dict.fromkeys(kinds, 3650)
    for keep, gone in kinds.items():
        before = kept()
        while forget_some(replace(settings, **{**long, keep: 40}), now() + timedelta(days=41)):
            pass

        assert gone == {at for at, (was, is_now) in enumerate(zip(before, kept(), strict=True)) if is_now < was}


def test_what_is_not_settled_is_never_forgotten(used, settings):
    """
    Actions whose outcome is unknown, orders that are held and listings that wait stay however old they are.
    """
    Action.update(state="unknown").execute()
    SeenOrder.update(held_since=now(), held="no SKU").where(SeenOrder.reference == "1002").execute()
    used("ListingDeleteEndpoint", ExternalListingIds=REMOVAL)
    while forget_some(settings, now() + timedelta(days=4000)):
        pass

    assert [1, 1, 1, 1, 1] == kept()


def test_a_wizard_that_was_never_finished_is_forgotten(app, call, linnworks, settings):
    """
    Who gave a name and an address and went no further is not remembered; integrations that work are.
    """
    type(linnworks)(call, "unfinished")
    forget_some(settings, now() + timedelta(days=29))
    assert 2 == Connection.select().count()
    forget_some(settings, now() + timedelta(days=31))

    assert [linnworks.account_name] == [row.account_name for row in Connection.select()]


def test_the_worker_forgets_once_an_hour(used, app):
    """
    It goes on until nothing is due, and looks again an hour later.
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


def test_old_copies_of_the_database_are_removed(settings):
    """
    What upgrades and restores put aside goes after its days; newer copies stay.
    """
    for name, days in (("old", 31), ("new", 29)):
        folder = settings.data_dir / "archive" / name
        folder.mkdir(parents=True)
        (folder / "bridge.db").touch()
        made = (now() - timedelta(days=days)).timestamp()
        os.utime(folder, (made, made))
    forget_copies(settings, now())

    assert ["new"] == [path.name for path in (settings.data_dir / "archive").iterdir()]


def fill(linnworks) -> None:
    """Leave something of an integration in every table that is about integrations."""
    linnworks.orders()
    linnworks("DespatchEndpoint", Orders=[{"ReferenceNumber": "1001", "TrackingNumber": "TRACK-77"}])
    linnworks("ListingDeleteEndpoint", ExternalListingIds=REMOVAL)
    linnworks("InventoryUpdateEndpoint", Products=[{"SKU": "101-11", "Quantity": 7}])
    then = now()
    row = {"SKU": "LEFT-OVER", "Quantity": 1}
    PendingUpdate.create(
        connection=1, kind="stock", key="k", sku="LEFT-OVER", tag="", row=row, attempts=1, error="", since=then,
        next_at=then, unsure_until=then,
    )  # fmt: skip


def test_an_integration_that_ends_is_erased(linnworks, settings):
    """
    ConfigDeleted leaves nothing of it in any table, nor, once the worker came by, of its text in the files.
    """
    fill(linnworks)
    assert all(word in dump() for word in ("seller@example.com", "TRACK-77", "LEFT-OVER"))
    linnworks("ConfigDeletedEndpoint")

    left = dump()
    assert not [word for word in ("seller@example.com", linnworks.shop_name, "TRACK-77", "1001") if word in left]


@sqlite_only
def test_erased_means_overwritten(linnworks, app, settings):
    """
    Once the worker came by, the words are in none of the database's files.
    """
    fill(linnworks)
    linnworks("ConfigDeletedEndpoint")
    Retention().work_one(app.extensions["bridge"].channels)
    files = b"".join(path.read_bytes() for path in settings.data_dir.glob("bridge.db*"))

    assert not [word for word in (b"seller@example.com", b"TRACK-77", b"LEFT-OVER") if word in files]
    close_store()


def test_everything_about_an_integration_is_exported_but_its_secrets(run, linnworks, connect):
    """
    `connections export` prints every row of every table that is about it, and nothing of another.
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
    assert "LEFT-OVER" in exported
    assert linnworks.shop_name in exported
    secret = Connection.get_by_id(1)
    words = (linnworks.token, secret.token_digest, secret.sealed, f"key of {linnworks.shop_name}", other.shop_name)
    assert not [word for word in words if word in exported]
