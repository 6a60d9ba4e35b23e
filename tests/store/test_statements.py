"""A prepared statement does what the query does that it was built from."""

from __future__ import annotations

from datetime import timedelta

import peewee
import pytest

from bridge.clock import now
from bridge.store.connections import Connection
from bridge.store.database import PRAGMAS, database, writing
from bridge.store.feeds import Feed
from bridge.store.fields import is_due
from bridge.store.paging import PageCursor, PagingRun
from bridge.store.statements import Statement
from tests.conftest import sqlite_only

MOMENT = now()


@pytest.fixture
def run(linnworks):
    """Return a run of the only connection."""
    return PagingRun.create(
        connection=Connection.get(), kind="x", asked_since=MOMENT, since=MOMENT, started_at=MOMENT, asked_at=MOMENT
    )


def test_selected_rows_are_objects_of_the_model(linnworks):
    """
    Values pass through the fields' conversions in both directions, and objects can be changed and saved.
    """
    find = Statement(
        lambda email, moment: Connection.select().where((Connection.email == email) & (Connection.created_at <= moment))
    )
    usual = Connection.get()
    found = find.first(email=usual.email, moment=now())
    found.email = "other@example.com"
    found.save()

    assert usual.__data__ == {**found.__data__, "email": usual.email}
    assert [] == find.rows(email=usual.email, moment=now())
    assert find.any(email="other@example.com", moment=now())
    assert find.first(email="other@example.com", moment=MOMENT - timedelta(days=999)) is None


def test_an_offset_is_added_when_the_statement_runs(run):
    """
    A query may add a duration to a placeholder.
    """
    past = Statement(lambda moment: PagingRun.select().where(is_due(PagingRun.asked_at, moment)))

    assert past.any(moment=MOMENT)
    assert past.any(moment=MOMENT - timedelta(hours=1))
    assert not past.any(moment=MOMENT - timedelta(minutes=1))


def test_an_insert_returns_the_row_s_id(run):
    """
    This holds on both databases.
    """
    insert = Statement(
        lambda connection, kind, moment: PagingRun.insert(
            connection=connection, kind=kind, asked_since=moment, since=moment, started_at=moment, asked_at=moment
        )
    )
    number = insert.insert(connection=run.connection_id, kind="y", moment=MOMENT)

    assert ["y", MOMENT, None] == [
        getattr(PagingRun.get_by_id(number), name) for name in ("kind", "since", "finished_at")
    ]


def test_a_statement_runs_for_many_rows_and_counts_the_changed_ones(run):
    """
    The total is the number of rows that were there to change.
    """
    add = Statement(lambda run, number: PageCursor.insert(run=run, number=number).on_conflict_ignore())
    count = Statement(
        lambda run, number: PageCursor.update(reads=PageCursor.reads + 1).where(
            (PageCursor.run == run) & (PageCursor.number == number)
        )
    )
    with writing():
        add.run_for_each([{"run": run.id, "number": number} for number in (1, 2, 2)])
        changed = count.run_for_each([{"run": run.id, "number": number} for number in (1, 2, 3)])

    assert 2 == changed
    assert [(1, 1), (2, 1)] == [(page.number, page.reads) for page in PageCursor.select().order_by(PageCursor.number)]


def test_a_failing_statement_raises_peewee_s_errors(run):
    """
    An IntegrityError is peewee's, for one row and for many.
    """
    add = Statement(lambda feed, connection, moment: Feed.insert(id=feed, connection=connection, created_at=moment))
    with pytest.raises(peewee.IntegrityError), writing():
        add.run(feed="f", connection=10**6, moment=MOMENT)
    with pytest.raises(peewee.IntegrityError), writing():
        add.run_for_each([{"feed": "f", "connection": run.connection_id, "moment": MOMENT}] * 2)

    assert 0 == Feed.select().count()


@sqlite_only
def test_a_transaction_that_is_not_durable_leaves_the_next_one_durable(linnworks, monkeypatch):
    """
    The setting is restored after it, also when it fails.
    """

    def synchronous():
        return database.execute_sql("PRAGMA synchronous").fetchone()[0]

    monkeypatch.setitem(PRAGMAS, "synchronous", "full")
    database.execute_sql("PRAGMA synchronous = full")
    seen = [synchronous()]
    with writing(durable=False):
        seen.append(synchronous())
    with pytest.raises(ZeroDivisionError), writing(durable=False):
        raise ZeroDivisionError
    seen.append(synchronous())
    with writing(durable=False):
        pass
    seen.append(synchronous())

    assert [2, 1, 2, 2] == seen


def test_a_nested_transaction_is_part_of_the_outer_one(run):
    """
    What the inner one wrote is rolled back with the outer one.
    """

    def nested() -> None:
        with writing():
            with writing():
                PagingRun.delete().where(PagingRun.id == run.id).execute()
            raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        nested()

    assert run == PagingRun.get_by_id(run.id)
