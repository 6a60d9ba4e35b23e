"""What is forgotten when an integration leads to another shop."""

from __future__ import annotations

from datetime import datetime

from bridge.store.actions import FAILED, PLANNED, UNKNOWN, Action
from bridge.store.database import writing
from bridge.store.feeds import FeedItem
from bridge.store.orders import SeenOrder
from bridge.store.outbox import OutboxBatch, OutboxLease, PendingUpdate, SetAsideUpdate
from bridge.store.paging import PageCursor, PagingRun

OLD_SHOP = "old shop"
"""The kind of runs over an old shop's pages. They stay, so that a request that is still reading one finds no new run
under its number."""


def forget_old_shop(connection_id: int, generation: int, reason: str, now: datetime) -> list[FeedItem]:
    """Forget what was stored about a connection's old shop; return its listings that wait or are set aside.

    No process works on these any more. `generation` is the connection's new one: a process that still holds the lease
    of the outbox has lost it. Order actions without an outcome end as failed, for this reason.
    """
    with writing(connection_id):
        for table in (OutboxBatch, PendingUpdate, SetAsideUpdate, OutboxLease, SeenOrder):
            table.delete().where(table.connection == connection_id).execute()
        OutboxLease.create(
            connection=connection_id, generation=generation, claimed_until=now, next_at=now, unsure_until=now
        )
        runs = PagingRun.connection == connection_id
        PageCursor.delete().where(PageCursor.run.in_(PagingRun.select(PagingRun.id).where(runs))).execute()
        PagingRun.update(kind=OLD_SHOP, finished_at=None).where(runs).execute()
        unresolved = (Action.connection == connection_id) & Action.state.in_([PLANNED, UNKNOWN])
        Action.update(state=FAILED, error=reason, finished_at=now).where(unresolved).execute()
        waits = (FeedItem.connection == connection_id) & (~FeedItem.done | FeedItem.set_aside)
        FeedItem.update(claim="", claimed_until=now).where(waits).execute()
        return list(FeedItem.select().where(waits).order_by(FeedItem.id))
