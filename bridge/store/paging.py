"""Paging: runs over a shop's pages, and the cursor at which each page starts."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from peewee import (
    AutoField,
    BooleanField,
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

PROOF_WITHIN = timedelta(minutes=1)
"""How far the clocks of Linnworks and of the bridge may be apart for a request to prove that an answer arrived."""
START_AGAIN = "please start at page 1"
TWO_RUNS = f"Two runs since the same time are under way, and their pages differ: {START_AGAIN}"


class PagingRun(Row):
    """One pass of Linnworks over all pages of one kind.

    `asked_since` is what Linnworks asked for, `since` what is read from the shop. `asked_at` is when the first page was
    asked for by our clock, `started_at` by the shop's. A run that two passes may be following is `shared`.
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
    shared = BooleanField(default=False)

    class Meta:
        indexes = ((("connection", "kind", "asked_since"), False), (("connection", "kind", "asked_at"), False))

    @property
    def shop_clock_ahead(self) -> timedelta:
        """How far the shop's clock was ahead of ours, give or take the time of a call."""
        return self.started_at - self.asked_at


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
    return complete.order_by(PagingRun.asked_since.desc(), PagingRun.id.desc()).limit(1)


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
_FIND_RUN = Statement(lambda run: PagingRun.select().where(PagingRun.id == run))
_PAGES = Statement(lambda run: PageCursor.select().where(PageCursor.run == run))
_COUNT_READ = Statement(
    lambda run, number: PageCursor.update(reads=PageCursor.reads + 1).where(
        (PageCursor.run == run) & (PageCursor.number == number)
    )
)
_DELETE_PAGES_AFTER = Statement(
    lambda run, number: PageCursor.delete().where((PageCursor.run == run) & (PageCursor.number > number))
)
_UPDATE_RUN_AT_PAGE_1 = Statement(
    lambda run, since, started_at, finished_at: PagingRun.update(
        since=since, started_at=started_at, finished_at=finished_at
    ).where(PagingRun.id == run)
)
_UPDATE_RUN = Statement(lambda run, finished_at: PagingRun.update(finished_at=finished_at).where(PagingRun.id == run))
_LATEST_ASKED_SINCE = Statement(
    lambda connection, kind: (
        PagingRun.select()
        .where((PagingRun.connection == connection) & (PagingRun.kind == kind))
        .order_by(PagingRun.asked_since.desc())
        .limit(1)
    )
)
_ASKED_ALIKE = Statement(
    lambda connection, kind, asked_since: (
        PagingRun.select()
        .where((PagingRun.connection == connection) & (PagingRun.kind == kind) & (PagingRun.asked_since == asked_since))
        .order_by(PagingRun.id.desc())
    )
)
_ASKED_BETWEEN = Statement(
    lambda connection, kind, earliest, latest: PagingRun.select().where(
        (PagingRun.connection == connection)
        & (PagingRun.kind == kind)
        & (PagingRun.asked_at >= earliest)
        & (PagingRun.asked_at <= latest)
    )
)


def last_complete_run(connection_id: int, kind: str, asked_since: datetime) -> PagingRun | None:
    """Return the run whose success made Linnworks ask since this moment; None if none is known.

    Of the runs that reached their last page, it is the newest one asked since the latest earlier moment.
    """
    run: PagingRun | None = _FIND_COMPLETE.first(connection=connection_id, kind=kind, asked_since=asked_since)
    return run


def beginning_of(connection_id: int, kind: str, asked_since: datetime) -> datetime:
    """Return the moment from which on a run must read that follows no complete one.

    If the database was restored from a backup in which no run is complete, Linnworks has moved on by runs that it does
    not know. So as long as none is, each run reads from where any run began, or from when the wizard was finished.
    """
    runs = PagingRun.select().where((PagingRun.connection == connection_id) & (PagingRun.kind == kind))
    if runs.where(PagingRun.finished_at.is_null(False)).exists():
        return asked_since  # back-dated by hand
    earliest = runs.select(fn.MIN(PagingRun.asked_since)).scalar()
    completed_at = Connection.get_by_id(connection_id).completed_at
    return min(moment for moment in (asked_since, earliest, completed_at) if moment is not None)


def runs_followed(connection_id: int, kind: str, asked_since: datetime) -> tuple[int | None, list[int]]:
    """Return the run that a request since this moment proves to have arrived, and all that it may prove.

    Linnworks asks since the time of its last successful request. So a moment later than every one before says that a
    run asked since the latest one before has arrived; it is known which if only one run at all was asked for its
    first page within a minute of that moment. Runs that did not reach their last page have not arrived.
    """
    latest = _LATEST_ASKED_SINCE.first(connection=connection_id, kind=kind)
    if latest is None or latest.asked_since >= asked_since:
        return None, []
    alike = _ASKED_ALIKE.rows(connection=connection_id, kind=kind, asked_since=latest.asked_since)
    complete = [run.id for run in alike if run.finished_at]
    near = _ASKED_BETWEEN.rows(
        connection=connection_id, kind=kind, earliest=asked_since - PROOF_WITHIN, latest=asked_since + PROOF_WITHIN
    )
    proven = near[0].id if len(near) == 1 and near[0].id in complete else None
    return proven, complete


def begin_run(connection_id: int, kind: str, asked_since: datetime, since: datetime, now: datetime) -> PageRead:
    """Start a run and read its page 1."""
    with writing(connection_id, durable=False):
        run = _INSERT_RUN.insert(connection=connection_id, kind=kind, asked_since=asked_since, since=since, now=now)
        _INSERT_PAGE.run(run=run, number=1, cursor=None, reads=1)
    return PageRead(connection_id, run, 1, 1, None, since)


def resume_run(connection_id: int, kind: str, asked_since: datetime, number: int) -> PageRead | None:
    """Read a later page of the newest run asked since that moment that knows its cursor.

    Returns None for a page behind the last one. Raises RequestRefused if no run knows the cursor, and if the request
    may as well belong to an older run in which the page starts elsewhere: both are then forgotten.
    """
    with writing(connection_id):
        alike = _ASKED_ALIKE.rows(connection=connection_id, kind=kind, asked_since=asked_since)
        pages = {run.id: {page.number: page for page in _PAGES.rows(run=run.id)} for run in alike}
        knowing = [run for run in alike if number in pages[run.id]]
        if not knowing:
            if alike and alike[0].finished_at and pages[alike[0].id]:
                return None
            raise RequestRefused(f"Page {number} was asked for before page {number - 1}: {START_AGAIN}")
        run, *older = knowing
        page = pages[run.id][number]
        # runs over the catalogue are all alike for ever: only the newest of them is meant
        rivals = [
            pages[one.id][number]
            for one in older
            if kind == ORDERS and number >= _pages_asked_for(pages[one.id].values())
        ]
        diverged = any(rival.cursor != page.cursor for rival in rivals)
        if diverged:
            _forget_cursors(alike)
        else:
            if rivals and not run.shared:
                PagingRun.update(shared=True).where(PagingRun.id == run.id).execute()
            _COUNT_READ.run(run=run.id, number=number)
    if diverged:
        raise RequestRefused(TWO_RUNS)
    return PageRead(connection_id, run.id, number, page.reads + 1, page.cursor, run.since)


def _pages_asked_for(pages: Iterable[PageCursor]) -> int:
    """Return the last page of a run that was asked for: its pass asks for this one again, or for the next."""
    return max(page.number for page in pages if page.reads)


def _forget_cursors(runs: Sequence[PagingRun]) -> None:
    """Let these runs not be resumed, nor count as complete."""
    numbers = [run.id for run in runs]
    PageCursor.delete().where(PageCursor.run.in_(numbers)).execute()
    PagingRun.update(finished_at=None).where(PagingRun.id.in_(numbers)).execute()


def finish_page(read: PageRead, next_cursor: str | None, as_of: datetime, now: datetime) -> None:
    """Record where the next page starts, or with None that this page was the last.

    `as_of` is the time of the read by the shop's clock: the first page's is when the run started. Raises
    ChannelUnavailable if a newer request has read the page meanwhile, if the shop repeats a page of this run, or if
    the page ends elsewhere than before for a pass that may be another one.
    """
    with writing(read.connection_id):
        run = _FIND_RUN.first(run=read.run_id)
        pages = {page.number: page for page in _PAGES.rows(run=read.run_id)}
        page = pages.get(read.number)
        if run is None or page is None or page.reads != read.read:
            raise ChannelUnavailable(f"The same page was asked for again meanwhile: {START_AGAIN}")
        if next_cursor is not None and next_cursor in {pages[known].cursor for known in pages if known <= read.number}:
            raise ChannelUnavailable(f"The shop returned the same page again: {START_AGAIN}")
        following = pages.get(read.number + 1)
        ended = following.cursor if following else None
        if run.shared and (following or run.finished_at):
            if ended != next_cursor:
                raise ChannelUnavailable(TWO_RUNS)
            return
        _DELETE_PAGES_AFTER.run(run=read.run_id, number=read.number)
        if next_cursor is not None:
            _INSERT_PAGE.run(run=read.run_id, number=read.number + 1, cursor=next_cursor, reads=0)
        finished_at = now if next_cursor is None else None
        if read.number == 1:
            _UPDATE_RUN_AT_PAGE_1.run(run=read.run_id, since=read.since, started_at=as_of, finished_at=finished_at)
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


def last_complete_runs() -> dict[int, datetime]:
    """Return when a run over all orders was last completed, by the id of each connection that had one."""
    complete: Any = PagingRun.select(PagingRun.connection, fn.MAX(PagingRun.finished_at)).where(
        (PagingRun.kind == ORDERS) & PagingRun.finished_at.is_null(False)
    )
    return dict(iter(complete.group_by(PagingRun.connection).tuples()))


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
