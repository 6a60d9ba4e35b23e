"""Feeds of listings, and the items that the worker claims one by one."""

from __future__ import annotations

import secrets
from collections.abc import Sequence
from datetime import datetime
from typing import Any

from peewee import AutoField, BooleanField, CharField, ForeignKeyField, IntegerField, TextField, fn

from bridge.store.connections import Connection
from bridge.store.database import JsonField, MomentField, Row, delete_some, is_due, writing
from bridge.store.statements import Statement


class Feed(Row):
    """Listings that Linnworks sent together."""

    id = CharField(max_length=32, primary_key=True)
    connection = ForeignKeyField(Connection, on_delete="CASCADE")
    created_at = MomentField()


class FeedItem(Row):
    """One listing of a feed: what to do, and once it is done what came of it."""

    id = AutoField()
    feed = ForeignKeyField(Feed, on_delete="CASCADE")
    feed_id: str
    connection = ForeignKeyField(Connection, on_delete="CASCADE")
    connection_id: int
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
        indexes = ((("done", "connection", "id"), False),)


def add_feed(connection_id: int, requests: Sequence[tuple[str, Any]], now: datetime) -> str:
    """Keep a feed and all its items, or nothing; its new id."""
    feed_id = secrets.token_hex(16)
    with writing(connection_id):  # so that items are numbered in the order in which they can be seen
        Feed.create(id=feed_id, connection=connection_id, created_at=now)
        rows = [
            {
                "feed": feed_id,
                "connection": connection_id,
                "action": action,
                "request": request,
                "next_at": now,
                "claimed_until": now,
            }
            for action, request in requests
        ]
        for start in range(0, len(rows), 100):
            FeedItem.insert_many(rows[start : start + 100]).execute()
    return feed_id


_FEED = Statement(lambda feed, connection: Feed.select().where((Feed.id == feed) & (Feed.connection == connection)))
_ITEMS = Statement(lambda feed: FeedItem.select().where(FeedItem.feed == feed).order_by(FeedItem.id))


def feed_items(connection_id: int, feed_id: str) -> list[FeedItem] | None:
    """The items of a feed in the order they came; None where this connection has no such feed."""
    return _ITEMS.rows(feed_id) if _FEED.any(feed_id, connection_id) else None


def claim_item(now: datetime, until: datetime) -> FeedItem | None:
    """Claim the next item that is due; items of one connection go one after another, in the order they came."""
    first = FeedItem.select(fn.MIN(FeedItem.id)).where(~FeedItem.done).group_by(FeedItem.connection)
    due = is_due(FeedItem.next_at, now) & is_due(FeedItem.claimed_until, now)
    item: FeedItem | None = FeedItem.select().where(FeedItem.id.in_(first) & due).order_by(FeedItem.next_at).first()
    if item is None:
        return None
    claim = secrets.token_hex(16)
    with writing():
        claimed = (
            FeedItem.update(claim=claim, claimed_until=until)
            .where((FeedItem.id == item.id) & ~FeedItem.done & due)
            .execute()
        )
    item.claim = claim
    return item if claimed else None


def finish_item(item: FeedItem, result: Any) -> None:
    """Record what came of an item, unless somebody else has claimed it since."""
    _update(item, done=True, result=result)


def postpone_item(item: FeedItem, error: str, until: datetime) -> None:
    """Let go of an item that could not be done now."""
    _update(item, attempts=item.attempts + 1, error=error, next_at=until, claimed_until=until)


def _update(item: FeedItem, **changes: Any) -> None:
    with writing():
        FeedItem.update(**changes).where((FeedItem.id == item.id) & (FeedItem.claim == item.claim)).execute()


def list_items(most: int, *, all_of_them: bool) -> list[FeedItem]:
    """Listings that wait, or all of them, in the order they came."""
    query = FeedItem.select(FeedItem, Connection).join(Connection)
    wanted = query if all_of_them else query.where(~FeedItem.done)
    return list(reversed(list(wanted.order_by(FeedItem.id.desc()).limit(most))))


def waiting_listings() -> tuple[int, datetime | None]:
    """How many listings wait, and since when the oldest of them does."""
    waiting = FeedItem.select().where(~FeedItem.done)
    oldest = waiting.select(fn.MIN(Feed.created_at)).join(Feed)
    return waiting.count(), oldest.scalar()


def find_item(number: int) -> FeedItem | None:
    """The listing of that number."""
    found: FeedItem | None = FeedItem.get_or_none(FeedItem.id == number)
    return found


def items_since(moment: datetime) -> list[FeedItem]:
    """Listings that wait, and those of feeds that came since a moment."""
    recent = Feed.select(Feed.id).where(Feed.created_at >= moment)
    return list(FeedItem.select().where(~FeedItem.done | FeedItem.feed.in_(recent)).order_by(FeedItem.id))


def forget_feeds(before: datetime, most: int) -> int:
    """Forget some feeds, with their listings, of which every one was done before this moment; how many."""
    lively = FeedItem.select(FeedItem.feed).where(~FeedItem.done | (FeedItem.claimed_until >= before))
    return delete_some(Feed, (Feed.created_at < before) & Feed.id.not_in(lively), most)


def retry_item(item: FeedItem, now: datetime) -> None:
    """Make a listing that waits due at once."""
    with writing(item.connection_id):
        postponed = ~FeedItem.done & (FeedItem.claimed_until == FeedItem.next_at)
        FeedItem.update(next_at=now, claimed_until=now).where((FeedItem.id == item.id) & postponed).execute()


def drop_item(item: FeedItem, result: Any, now: datetime) -> bool:
    """Give a listing up with this result; False where it is done, or in somebody's hands just now."""
    with writing(item.connection_id):
        waits = ~FeedItem.done & (is_due(FeedItem.claimed_until, now) | (FeedItem.claimed_until == FeedItem.next_at))
        return bool(FeedItem.update(done=True, result=result).where((FeedItem.id == item.id) & waits).execute())
