"""Paging: runs over a shop's pages, and the cursor at which each page starts."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from peewee import (
    AutoField,
    CharField,
    CompositeKey,
    Expression,
    ForeignKeyField,
    IntegerField,
    ModelSelect,
    TextField,
    fn,
)

from bridge.errors import ChannelUnavailable, RequestRefused
from bridge.store.connections import Connection
from bridge.store.database import Row, writing
from bridge.store.fields import MomentField
from bridge.store.statements import Statement

ORDERS, PRODUCTS, CATEGORIES = "orders", "products", "categories"
POLL_SILENCE = timedelta(minutes=45)
"""The longest pause between two polls of an enabled connection: Linnworks asks for orders every few minutes."""


class PagingRun(Row):
    """One pass of Linnworks over all pages of one kind.

    `asked_since` is what Linnworks asked for, `since` what is read from the shop. `asked_at` is when the first page was
    asked for by our clock, `started_at` by the shop's.
    """

    id = AutoField()
    connection = ForeignKeyField(Connection, on_delete="CASCADE")
    connection_id: int
    kind = CharField(max_length=20)
    asked_since = MomentField()
    since = MomentField()
    started_at = MomentField()
    finished_at = MomentField(null=True)
    asked_at = MomentField()


class PageCursor(Row):
    """The cursor of a page of a run; `reads` counts its requests, because only the latest may record the next page."""

    run = ForeignKeyField(PagingRun, on_delete="CASCADE", backref="pages")
    number = IntegerField()
    cursor = TextField(null=True)
    reads = IntegerField(default=0)

    class Meta:
        primary_key = CompositeKey("run", "number")


@dataclass(frozen=True)
class PageRead:
    """A request's read of one page: the cursor, and which read of the page it is."""

    connection_id: int
    run_id: int
    number: int
    read: int
    cursor: str | None
    since: datetime


def _latest_complete(runs: Expression) -> ModelSelect[PagingRun]:
    complete = PagingRun.select().where(runs & PagingRun.finished_at.is_null(False))
    return complete.order_by(PagingRun.asked_since.desc(), PagingRun.started_at.desc()).limit(1)


_FIND_COMPLETE = Statement(
    lambda connection, kind, asked_since: _latest_complete(
        (PagingRun.connection == connection) & (PagingRun.kind == kind) & (PagingRun.asked_since < asked_since)
    )
)
_INSERT_RUN = Statement(
    lambda connection, kind, asked_since, since, now: PagingRun.insert(
        connection=connection, kind=kind, asked_since=asked_since, since=since, started_at=now, asked_at=now
    )
)
_INSERT_PAGE = Statement(
    lambda run, number, cursor, reads: PageCursor.insert(run=run, number=number, cursor=cursor, reads=reads)
)
_FIND_PAGE = Statement(
    lambda run, number: PageCursor.select().where((PageCursor.run == run) & (PageCursor.number == number))
)
_DELETE_PAGES_AFTER = Statement(
    lambda run, number: PageCursor.delete().where((PageCursor.run == run) & (PageCursor.number > number))
)
_UPDATE_RUN_AT_PAGE_1 = Statement(
    lambda run, started_at, finished_at: PagingRun.update(started_at=started_at, finished_at=finished_at).where(
        PagingRun.id == run
    )
)
_UPDATE_RUN = Statement(lambda run, finished_at: PagingRun.update(finished_at=finished_at).where(PagingRun.id == run))


def last_complete_start(connection_id: int, kind: str, asked_since: datetime) -> datetime | None:
    """Return when the run started whose success made Linnworks ask since this moment; None if there is none.

    Of the runs that reached their last page, it is the newest one asked since the latest earlier moment.
    """
    run = _FIND_COMPLETE.first(connection=connection_id, kind=kind, asked_since=asked_since)
    return run.started_at if run else None


def begin_run(connection_id: int, kind: str, asked_since: datetime, since: datetime, now: datetime) -> PageRead:
    """Start a run and read its page 1."""
    with writing(connection_id, durable=False):
        run = _INSERT_RUN.insert(connection=connection_id, kind=kind, asked_since=asked_since, since=since, now=now)
        _INSERT_PAGE.run(run=run, number=1, cursor=None, reads=1)
    return PageRead(connection_id, run, 1, 1, None, since)


def resume_run(connection_id: int, kind: str, asked_since: datetime, number: int) -> PageRead | None:
    """Read a later page of the newest run asked since that moment that knows its cursor.

    Returns None for a page behind the last one. Raises RequestRefused if no run knows the cursor.
    """
    asked_alike = (
        (PagingRun.connection == connection_id) & (PagingRun.kind == kind) & (PagingRun.asked_since == asked_since)
    )
    with writing(connection_id):
        # runs asked alike are interchangeable, so one that knows the page stands in for one that does not yet
        page = (
            PageCursor.select(PageCursor, PagingRun)
            .join(PagingRun)
            .where(asked_alike & (PageCursor.number == number))
            .order_by(PagingRun.id.desc())
            .first()
        )
        if page is None:
            newest = PagingRun.select().where(asked_alike).order_by(PagingRun.id.desc()).first()
            if newest and newest.finished_at:
                return None
            raise RequestRefused(f"Page {number} was asked for before page {number - 1}: please start at page 1")
        this = (PageCursor.run == page.run) & (PageCursor.number == number)
        PageCursor.update(reads=PageCursor.reads + 1).where(this).execute()
    return PageRead(connection_id, page.run.id, number, page.reads + 1, page.cursor, page.run.since)


def finish_page(read: PageRead, next_cursor: str | None, as_of: datetime, now: datetime) -> None:
    """Record where the next page starts, or with None that this page was the last.

    `as_of` is the time of the read by the shop's clock: the first page's is when the run started. Raises
    ChannelUnavailable if a newer request has read the page meanwhile, or the shop repeats a page of this run.
    """
    with writing(read.connection_id):
        page = _FIND_PAGE.first(run=read.run_id, number=read.number)
        if page is None or page.reads != read.read:
            raise ChannelUnavailable("The same page was asked for again meanwhile: please start at page 1")
        if next_cursor is not None:
            pages = PageCursor.select().where((PageCursor.run == read.run_id) & (PageCursor.number <= read.number))
            if next_cursor in {known.cursor for known in pages}:
                raise ChannelUnavailable("The shop returned the same page again: please start at page 1")
        _DELETE_PAGES_AFTER.run(run=read.run_id, number=read.number)
        if next_cursor is not None:
            _INSERT_PAGE.run(run=read.run_id, number=read.number + 1, cursor=next_cursor, reads=0)
        finished_at = now if next_cursor is None else None
        if read.number == 1:
            _UPDATE_RUN_AT_PAGE_1.run(run=read.run_id, started_at=as_of, finished_at=finished_at)
        else:
            _UPDATE_RUN.run(run=read.run_id, finished_at=finished_at)


def last_paging_run(connection_id: int, kind: str) -> PagingRun | None:
    """Return the newest run over the pages of one kind, or None."""
    found: PagingRun | None = (
        PagingRun.select()
        .where((PagingRun.connection == connection_id) & (PagingRun.kind == kind))
        .order_by(PagingRun.id.desc())
        .first()
    )
    return found


def last_polls() -> dict[int, datetime]:
    """Return when Linnworks last asked for orders, by the id of each enabled connection.

    If it never has, that is when the wizard was finished. The newest run of a connection is never deleted.
    """
    of_orders = (PagingRun.connection == Connection.id) & (PagingRun.kind == ORDERS)
    asked = PagingRun.select(PagingRun.asked_at).where(of_orders).order_by(PagingRun.id.desc()).limit(1)
    enabled: Any = (
        Connection.select(
            Connection.id, fn.COALESCE(asked, Connection.completed_at).converter(PagingRun.asked_at.python_value)
        )
        .where(Connection.completed_at.is_null(False))
        .order_by(Connection.id)
    )
    return dict(iter(enabled.tuples()))


def forget_paging_runs(before: datetime, limit: int) -> int:
    """Delete at most `limit` runs that started before this moment and return how many.

    The newest run of a connection stays, and so does the complete one that the next run reaches back to.
    """
    newest = PagingRun.select(fn.MAX(PagingRun.id)).group_by(PagingRun.connection, PagingRun.kind)
    old = list(
        PagingRun.select()
        .where((PagingRun.asked_at < before) & PagingRun.id.not_in(newest))
        .order_by(PagingRun.id)
        .limit(limit)
    )
    complete = {
        _latest_complete((PagingRun.connection == connection) & (PagingRun.kind == kind)).get_or_none()
        for connection, kind in {(run.connection_id, run.kind) for run in old}
    }
    gone = [run.id for run in old if run not in complete]
    with writing():
        return int(PagingRun.delete().where(PagingRun.id.in_(gone)).execute())
