"""Feeds of listings, and their items, which the worker claims one by one."""

from __future__ import annotations

import secrets
from collections.abc import Sequence
from datetime import datetime
from typing import Any

import msgspec
from peewee import SQL, AutoField, BooleanField, Cast, CharField, ForeignKeyField, IntegerField, TextField, fn

from bridge.clock import FARTHEST
from bridge.store.connections import Connection
from bridge.store.database import Row, delete_some, writing
from bridge.store.fields import LenientJsonField, MomentField, is_due
from bridge.store.leases import DueCheck, LeasedRow
from bridge.store.statements import Statement

ROWS_PER_INSERT = 100


class Feed(Row):
    """Listings that Linnworks sent in one request."""

    id = CharField(max_length=32, primary_key=True)
    connection = ForeignKeyField(Connection, on_delete="CASCADE")
    created_at = MomentField()


class FeedItem(LeasedRow):
    """One listing of a feed: what to do, and the result once it is done.

    `expired_claims` counts the holders that died while they worked on it. An item that is `set_aside` is done: it has
    failed without a result of the shop, until the operator has it tried again or drops it.
    """

    id = AutoField()
    feed = ForeignKeyField(Feed, on_delete="CASCADE")
    feed_id: str
    connection = ForeignKeyField(Connection, on_delete="CASCADE")
    connection_id: int
    action = CharField(max_length=10)
    request = LenientJsonField()
    done = BooleanField(default=False)
    result = LenientJsonField(null=True)
    attempts = IntegerField(default=0)
    error = TextField(default="")
    next_at = MomentField()
    expired_claims = IntegerField(default=0)
    set_aside = BooleanField(default=False)

    @property
    def listing(self) -> dict[str, Any]:
        """The listing as it was stored; empty if it cannot be read."""
        listing = self.request.get("listing") if isinstance(self.request, dict) else None
        return listing if isinstance(listing, dict) else {}

    @property
    def failed(self) -> bool:
        """Whether it is done and its result has an Error, or cannot be read."""
        if not isinstance(self.result, dict):
            return bool(self.done)
        return any(message["Type"] == 1 for message in self.result["Messages"])


_WAITS = FeedItem.done == SQL("FALSE")  # a constant, or neither database would use the index of what waits
_PENDING = _WAITS | FeedItem.set_aside
FeedItem.add_index(FeedItem.connection, FeedItem.id, where=_WAITS)
FeedItem.add_index(FeedItem.next_at, where=_WAITS)


def add_feed(connection_id: int, items: Sequence[tuple[str, Any, Any]], now: datetime) -> str:
    """Store a feed with an item for each (action, request, result), all or nothing, and return its id.

    The result is None unless the item is done already.
    """
    feed_id = secrets.token_hex(16)
    with writing(connection_id):  # one at a time, so that items are numbered in the order they become visible
        Feed.create(id=feed_id, connection=connection_id, created_at=now)
        rows = [
            {
                "feed": feed_id,
                "connection": connection_id,
                "action": action,
                "request": request,
                "done": result is not None,
                "result": result,
                "next_at": now,
                "claimed_until": now,
            }
            for action, request, result in items
        ]
        for start in range(0, len(rows), ROWS_PER_INSERT):
            FeedItem.insert_many(rows[start : start + ROWS_PER_INSERT]).execute()
    return feed_id


_FIND_FEED = Statement(
    lambda feed, connection: Feed.select().where((Feed.id == feed) & (Feed.connection == connection))
)
_ITEMS_OF_FEED = Statement(lambda feed: FeedItem.select().where(FeedItem.feed == feed).order_by(FeedItem.id))


def feed_items(connection_id: int, feed_id: str) -> list[FeedItem] | None:
    """Return the items of a feed in the order they came; None if this connection has no such feed."""
    return _ITEMS_OF_FEED.rows(feed=feed_id) if _FIND_FEED.any(feed=feed_id, connection=connection_id) else None


_DUE = DueCheck((FeedItem.next_at, _WAITS))
_Earlier = FeedItem.alias()
_NEXT_DUE = Statement(
    lambda now: (
        FeedItem.select()
        .where(
            # both halves of `is_due`, each by the index
            FeedItem.id.in_(
                FeedItem.select(FeedItem.id)
                .where(_WAITS & (FeedItem.next_at <= now))
                .union_all(FeedItem.select(FeedItem.id).where(_WAITS & (FeedItem.next_at > now + FARTHEST)))
            )
            & FeedItem.free(now)
            & ~fn.EXISTS(
                _Earlier.select(_Earlier.id).where(
                    (_Earlier.done == SQL("FALSE"))
                    & (_Earlier.connection == FeedItem.connection)
                    & (_Earlier.id < FeedItem.id)
                )
            )
        )
        .order_by(FeedItem.next_at)
        .limit(1)
    )
)
_IF_DUE = Statement(
    lambda item, now: FeedItem.select().where(
        (FeedItem.id == item) & _WAITS & is_due(FeedItem.next_at, now) & FeedItem.free(now)
    )
)


_POSTPONE_OTHERS = Statement(
    lambda connection, next_at: FeedItem.update(next_at=next_at).where(
        _WAITS & (FeedItem.connection == connection) & (FeedItem.next_at < next_at)
    )
)


def claim_item(now: datetime, until: datetime) -> FeedItem | None:
    """Claim the next item that is due; items of one connection are done one at a time, in the order they came."""
    found = _NEXT_DUE.first(now=now) if _DUE.any_due(now) else None
    if found is None:
        return None
    with writing(found.connection_id):
        item: FeedItem | None = _IF_DUE.first(item=found.id, now=now)
        if item is not None:
            item.acquire(until, expired_claims=item.expired_claims + bool(item.claim))
    return item


def finish_item(item: FeedItem, result: Any, now: datetime) -> None:
    """Record the result of an item and forget its content, unless another process has claimed it since."""
    with writing():
        item.release(now, done=True, result=result, request={"listing": _names(item.listing)})


def _names(listing: dict[str, Any]) -> dict[str, Any]:
    """Return what tells which listing it is: of one that is done nothing else is needed."""
    return {name: listing[name] for name in ("SKU", "ChannelSKU", "TemplateId", "ExternalListingId") if name in listing}


def set_item_aside(item: FeedItem, result: Any, error: str, now: datetime) -> None:
    """End an item that only the operator may have tried again, unless another process has claimed it since."""
    with writing():
        item.release(now, done=True, result=result, set_aside=True, error=error)


def postpone_item(item: FeedItem, error: str, *, now: datetime, next_at: datetime, counts: bool = True) -> None:
    """Release an item that could not be done now, unless another process has claimed it since.

    It counts as an attempt, unless the shop was not asked on purpose.

    Those of its connection that come after it wait as long, so that nobody looks at them meanwhile.
    """
    with writing(item.connection_id):
        if item.release(now, attempts=item.attempts + counts, error=error, next_at=next_at):
            _POSTPONE_OTHERS.run(connection=item.connection_id, next_at=next_at)


def created_listing_id(connection_id: int, template_id: int, sku: str) -> str:
    """Return the id that a template's listing got when it was last created, "" if no feed is left that did."""
    named = Cast(FeedItem.result, "TEXT").contains(f'"TemplateId":{template_id}')
    chosen = (FeedItem.connection == connection_id) & (FeedItem.action == "CREATE") & named
    for item in FeedItem.select(FeedItem.result).where(chosen).order_by(FeedItem.id.desc()):
        result = item.result if isinstance(item.result, dict) else {}
        same = (result.get("TemplateId"), result.get("SKU")) == (template_id, sku)
        if same and result.get("ExternalListingId"):
            return str(result["ExternalListingId"])
    return ""


def list_items(limit: int, *, with_done: bool, connection: int | None = None, sku: str = "") -> list[FeedItem]:
    """Return the newest items that wait or are set aside, or the newest of all items, in the order they came.

    Of one connection, or of one SKU, if it is given.
    """
    query = FeedItem.select(FeedItem, Connection).join(Connection)
    if not with_done:
        query = query.where(_PENDING)
    if connection is not None:
        query = query.where(FeedItem.connection == connection)
    if sku:
        names = [fn.LOWER(FeedItem.request).contains(f'"{key}":{msgspec.json.encode(sku.lower()).decode()}')
                 for key in ("sku", "channelsku")]  # fmt: skip
        query = query.where(names[0] | names[1])
    return list(reversed(list(query.order_by(FeedItem.id.desc()).limit(limit))))


def waiting_listings() -> tuple[int, datetime | None]:
    """Return how many items wait, and since when the oldest of them does."""
    waiting = FeedItem.select().where(_WAITS)
    oldest = waiting.select(fn.MIN(Feed.created_at)).join(Feed)
    return waiting.count(), oldest.scalar()


def find_item(number: int) -> FeedItem | None:
    """Return the item with this number, or None."""
    found: FeedItem | None = FeedItem.get_or_none(FeedItem.id == number)
    return found


def items_since(moment: datetime) -> list[FeedItem]:
    """Return all waiting items, and all items of feeds created since the moment."""
    recent = Feed.select(Feed.id).where(Feed.created_at >= moment)
    return list(FeedItem.select().where(_WAITS | FeedItem.feed.in_(recent)).order_by(FeedItem.id))


def forget_feeds(before: datetime, limit: int) -> int:
    """Delete at most `limit` feeds whose items were all done before this moment and return how many."""
    unfinished = FeedItem.select(FeedItem.feed).where(_WAITS | (FeedItem.claimed_until >= before))
    return delete_some(Feed, (Feed.created_at < before) & Feed.id.not_in(unfinished), limit)


def retry_item(item: FeedItem, now: datetime) -> bool:
    """Make an item due at once that waits or is set aside, and with it all of its connection; False if it is done.

    Those of one connection are done in their order.
    """
    with writing(item.connection_id):
        again = {"done": False, "result": None, "set_aside": False, "expired_claims": 0}
        if not FeedItem.update(again).where(_PENDING & (FeedItem.id == item.id)).execute():
            return False
        FeedItem.update(next_at=now).where(_WAITS & (FeedItem.connection == item.connection_id)).execute()
        return True


def retry_items(connection_id: int, now: datetime) -> None:
    """Make all items of a connection due at once that wait."""
    with writing(connection_id):
        FeedItem.update(next_at=now).where(_WAITS & (FeedItem.connection == connection_id)).execute()


def drop_item(item: FeedItem, result: Any, now: datetime) -> bool:
    """End an item with this result that waits or is set aside; False if it is done, or being worked on."""
    with writing(item.connection_id):
        chosen = (FeedItem.id == item.id) & _PENDING & FeedItem.free(now)
        # without a claim, a holder whose lease ran out cannot change the result
        ended = {"done": True, "result": result, "set_aside": False, "claim": "", "claimed_until": now}
        ended["request"] = {"listing": _names(item.listing)}
        return bool(FeedItem.update(**ended).where(chosen).execute())
