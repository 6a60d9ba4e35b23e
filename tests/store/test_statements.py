"""A query that was put into SQL once says what it says when it is built anew."""

from __future__ import annotations

from datetime import timedelta

import peewee
import pytest

from bridge.clock import now
from bridge.store.connections import Connection
from bridge.store.database import PRAGMAS, database, is_due, writing
from bridge.store.feeds import Feed
from bridge.store.paging import PageCursor, PagingRun
from bridge.store.statements import Statement
from tests.conftest import sqlite_only

MOMENT = now()


@pytest.fixture
def run(linnworks):
    """A run of the connection that there is."""
    return PagingRun.create(
        connection=Connection.get(), kind="x", asked_since=MOMENT, since=MOMENT, started_at=MOMENT, asked_at=MOMENT
    )


def test_rows_come_as_the_objects_that_the_model_makes(linnworks):
    """
    Values go through the fields' conversions on the way in and out, and what is read can be changed and saved.
    """
    find = Statement(
        lambda email, moment: Connection.select().where((Connection.email == email) & (Connection.created_at <= moment))
    )
    usual = Connection.get()
    found = find.first(usual.email, now())
    found.email = "other@example.com"
    found.save()

    assert usual.__data__ == {**found.__data__, "email": usual.email}
    assert [] == find.rows(usual.email, now())
    assert find.any("other@example.com", now())
    assert find.first("other@example.com", MOMENT - timedelta(days=999)) is None


def test_a_moment_may_be_compared_a_while_later(run):
    """
    What is worked out of a value when a query is built is worked out when it is run.
    """
    past = Statement(lambda moment: PagingRun.select().where(is_due(PagingRun.asked_at, moment)))

    assert past.any(MOMENT)
    assert past.any(MOMENT - timedelta(hours=1))
    assert not past.any(MOMENT - timedelta(minutes=1))


def test_an_inserted_row_tells_its_number(run):
    """
    The number is the row's on either database.
    """
    insert = Statement(
        lambda connection, kind, moment: PagingRun.insert(
            connection=connection, kind=kind, asked_since=moment, since=moment, started_at=moment, asked_at=moment
        )
    )
    number = insert.insert(run.connection_id, "y", MOMENT)

    assert ["y", MOMENT, None] == [
        getattr(PagingRun.get_by_id(number), name) for name in ("kind", "since", "finished_at")
    ]


def test_many_rows_are_changed_and_counted(run):
    """
    One statement for each row of values; how many rows there were for them is told in all.
    """
    add = Statement(lambda run, number: PageCursor.insert(run=run, number=number).on_conflict_ignore())
    turn = Statement(
        lambda run, number: PageCursor.update(turn=PageCursor.turn + 1).where(
            (PageCursor.run == run) & (PageCursor.number == number)
        )
    )
    with writing():
        add.run_for_each([(run.id, 1), (run.id, 2), (run.id, 2)])
        changed = turn.run_for_each([(run.id, 1), (run.id, 2), (run.id, 3)])

    assert 2 == changed
    assert [(1, 1), (2, 1)] == [(page.number, page.turn) for page in PageCursor.select().order_by(PageCursor.number)]


def test_a_statement_that_fails_fails_as_any_query(run):
    """
    The database's errors are peewee's, whichever way the query went.
    """
    add = Statement(lambda feed, connection, moment: Feed.insert(id=feed, connection=connection, created_at=moment))
    with pytest.raises(peewee.IntegrityError), writing():
        add.run("f", 10**6, MOMENT)
    with pytest.raises(peewee.IntegrityError), writing():
        add.run_for_each([("f", run.connection_id, MOMENT)] * 2)

    assert 0 == Feed.select().count()


@sqlite_only
def test_what_need_not_last_leaves_the_disk_as_strict_as_before(linnworks, monkeypatch):
    """
    After a transaction that did not wait for the disk, failed ones too, the next one waits again.
    """

    def strictness():
        return database.execute_sql("PRAGMA synchronous").fetchone()[0]

    monkeypatch.setitem(PRAGMAS, "synchronous", "full")
    database.execute_sql("PRAGMA synchronous = full")
    seen = [strictness()]
    with writing(lasting=False):
        seen.append(strictness())
    with pytest.raises(ZeroDivisionError), writing(lasting=False):
        raise ZeroDivisionError
    seen.append(strictness())
    with writing(lasting=False):
        pass
    seen.append(strictness())

    assert [2, 1, 2, 2] == seen


def test_a_transaction_within_another_is_part_of_it(run):
    """
    What the inner one wrote is taken back with the outer.
    """

    def twice() -> None:
        with writing():
            with writing():
                PagingRun.delete().where(PagingRun.id == run.id).execute()
            raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        twice()

    assert run == PagingRun.get_by_id(run.id)
