"""Runs over the shop's pages, and the cursor at which each page begins."""

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

from bridge.store.connections import Connection
from bridge.store.database import MomentField, Row, writing
from bridge.store.statements import Statement

ORDERS = "orders"
POLL_SILENCE = timedelta(minutes=45)
"""For how long Linnworks leaves an enabled connection alone at most: it asks for orders every few minutes."""


class PagingRun(Row):
    """Linnworks going through all pages of one kind: asked since when, really read since when.

    `asked_at` is when it asked for the first page, by our clock; `started_at` is by the shop's.
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
    """A page of a run; `turn` counts how often it was asked, so that only the last asker moves on."""

    run = ForeignKeyField(PagingRun, on_delete="CASCADE", backref="pages")
    number = IntegerField()
    cursor = TextField(null=True)
    turn = IntegerField(default=0)

    class Meta:
        primary_key = CompositeKey("run", "number")


@dataclass(frozen=True)
class PageRead:
    """The right to read one page and to say where the next begins."""

    connection_id: int
    run_id: int
    number: int
    turn: int
    cursor: str | None
    since: datetime


def last_complete_start(connection_id: int, kind: str, asked_since: datetime) -> datetime | None:
    """When the run began whose success made Linnworks ask since this moment, as far as that can be known.

    Of the runs that reached their last page, that is the newest one asked since the latest moment before.
    """
    run = _COMPLETE.first(connection_id, kind, asked_since)
    return run.started_at if run else None


def _latest_complete(runs: Expression) -> ModelSelect[PagingRun]:
    complete = PagingRun.select().where(runs & PagingRun.finished_at.is_null(False))
    return complete.order_by(PagingRun.asked_since.desc(), PagingRun.started_at.desc()).limit(1)


_COMPLETE = Statement(
    lambda connection, kind, asked_since: _latest_complete(
        (PagingRun.connection == connection) & (PagingRun.kind == kind) & (PagingRun.asked_since < asked_since)
    )
)
_BEGIN = Statement(
    lambda connection, kind, asked_since, since, now: PagingRun.insert(
        connection=connection, kind=kind, asked_since=asked_since, since=since, started_at=now, asked_at=now
    )
)
_ADD_PAGE = Statement(
    lambda run, number, cursor, turn: PageCursor.insert(run=run, number=number, cursor=cursor, turn=turn)
)
_PAGE = Statement(
    lambda run, number: PageCursor.select().where((PageCursor.run == run) & (PageCursor.number == number))
)
_DROP_AFTER = Statement(
    lambda run, number: PageCursor.delete().where((PageCursor.run == run) & (PageCursor.number > number))
)
_END = Statement(
    lambda run, started_at, finished_at: PagingRun.update(started_at=started_at, finished_at=finished_at).where(
        PagingRun.id == run
    )
)
_GO_ON = Statement(lambda run, finished_at: PagingRun.update(finished_at=finished_at).where(PagingRun.id == run))


def begin_run(connection_id: int, kind: str, asked_since: datetime, since: datetime, now: datetime) -> PageRead:
    """Start at page 1."""
    with writing(connection_id, lasting=False):
        run = _BEGIN.insert(connection_id, kind, asked_since, since, now)
        _ADD_PAGE.run(run, 1, None, 1)
    return PageRead(connection_id, run, 1, 1, None, since)


def resume_run(connection_id: int, kind: str, asked_since: datetime, number: int) -> PageRead | bool:
    """Go on with the newest run asked since that moment that knows where the page begins.

    True says that the run ended before this page, False that where the page begins is not known.
    """
    asked_alike = (
        (PagingRun.connection == connection_id) & (PagingRun.kind == kind) & (PagingRun.asked_since == asked_since)
    )
    with writing(connection_id):
        newest = PagingRun.select().where(asked_alike).order_by(PagingRun.id.desc())
        # runs asked alike are interchangeable, so one that knows the page serves another that does not yet
        page = (
            PageCursor.select(PageCursor, PagingRun)
            .join(PagingRun)
            .where(asked_alike & (PageCursor.number == number))
            .order_by(PagingRun.id.desc())
            .first()
        )
        if page is None:
            return any(run.finished_at for run in newest.limit(1))
        this = (PageCursor.run == page.run) & (PageCursor.number == number)
        PageCursor.update(turn=PageCursor.turn + 1).where(this).execute()
    return PageRead(connection_id, page.run.id, number, page.turn + 1, page.cursor, page.run.since)


def finish_page(turn: PageRead, next_cursor: str | None, as_of: datetime, now: datetime) -> str | None:
    """Record where the next page begins, or that this was the last; what is wrong with that, else None.

    A run has begun when its first page was read, `as_of` the shop's own clock.
    """
    with writing(turn.connection_id):
        page = _PAGE.first(turn.run_id, turn.number)
        if page is None or page.turn != turn.turn:
            return "The same page was asked again meanwhile"
        if next_cursor is not None:
            pages = PageCursor.select().where((PageCursor.run == turn.run_id) & (PageCursor.number <= turn.number))
            if next_cursor in {known.cursor for known in pages}:
                return "The shop gave the same page again"
        _DROP_AFTER.run(turn.run_id, turn.number)
        if next_cursor is not None:
            _ADD_PAGE.run(turn.run_id, turn.number + 1, next_cursor, 0)
        finished_at = now if next_cursor is None else None
        if turn.number == 1:
            _END.run(turn.run_id, as_of, finished_at)
        else:
            _GO_ON.run(turn.run_id, finished_at)
    return None


def last_paging_run(connection_id: int, kind: str) -> PagingRun | None:
    """The newest run through the pages of one kind."""
    found: PagingRun | None = (
        PagingRun.select()
        .where((PagingRun.connection == connection_id) & (PagingRun.kind == kind))
        .order_by(PagingRun.id.desc())
        .first()
    )
    return found


def last_polls() -> dict[int, datetime]:
    """When Linnworks last asked for orders, by the number of each enabled connection.

    Until it has, that is when the wizard was finished: from then on it should have asked. The newest run of a
    connection is kept however old it is.
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


def forget_paging_runs(before: datetime, most: int) -> int:
    """Forget some runs that began before this moment and that nobody will go on with; how many.

    The newest of a connection stays, and the complete one that the next run reaches back to.
    """
    newest = PagingRun.select(fn.MAX(PagingRun.id)).group_by(PagingRun.connection, PagingRun.kind)
    old = list(
        PagingRun.select()
        .where((PagingRun.asked_at < before) & PagingRun.id.not_in(newest))
        .order_by(PagingRun.id)
        .limit(most)
    )
    complete = {
        _latest_complete((PagingRun.connection == connection) & (PagingRun.kind == kind)).get_or_none()
        for connection, kind in {(run.connection_id, run.kind) for run in old}
    }
    gone = [run.id for run in old if run not in complete]
    with writing():
        return int(PagingRun.delete().where(PagingRun.id.in_(gone)).execute())
