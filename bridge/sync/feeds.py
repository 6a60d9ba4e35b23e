"""Feeds: listings are accepted for good at once, and worked off one by one afterwards."""

from __future__ import annotations

import logging
from collections.abc import Sequence
from datetime import datetime, timedelta

from bridge.channels import Channels
from bridge.channels.base import Channel, ListingResult
from bridge.clock import Deadline, now
from bridge.errors import BridgeError, ChannelRefused, CredentialsRefused, RequestRefused
from bridge.protocol.schemas.base import plain_data, shape_of
from bridge.protocol.schemas.listings import (
    CheckFeedResponse,
    ListingRemoval,
    ListingUpdateRequest,
    ProductFeed,
    ProductListing,
    ProductSettings,
)
from bridge.store.connections import Connection
from bridge.store.feeds import FeedItem, add_feed, claim_item, drop_item, feed_items, finish_item, postpone_item
from bridge.sync import wizard

log = logging.getLogger(__name__)

GRACE_SECONDS = 4
MOST_ATTEMPTS = 10
LONGEST_WAIT_SECONDS = 600


def accept(connection_id: int, request: ListingUpdateRequest, moment: datetime) -> str:
    """Keep listings to create or update, each with its configurator's settings; the feed's id."""
    settings = {known.configurator_id: known.product_settings for known in request.settings}
    return add_feed(
        connection_id,
        [
            (
                request.type.name,
                {
                    "listing": plain_data(listing),
                    "settings": plain_data(settings.get(listing.configurator_id, ProductSettings())),
                },
            )
            for listing in request.listings
        ],
        moment,
    )


def accept_removals(connection_id: int, removals: Sequence[ListingRemoval], moment: datetime) -> str:
    """Keep listings to delete; the feed's id."""
    return add_feed(connection_id, [("DELETE", {"listing": plain_data(removal)}) for removal in removals], moment)


def report(connection_id: int, feed_id: str) -> CheckFeedResponse:
    """How far a feed of this connection is; raises RequestRefused for any other feed."""
    items = feed_items(connection_id, feed_id)
    if items is None:
        raise RequestRefused("Unknown feed")
    return CheckFeedResponse(
        is_feed_ready=all(item.done for item in items),
        product_feeds=tuple(shape_of(ProductFeed).read(item.result) for item in items if item.done),
    )


def work_one(channels: Channels) -> bool:
    """Do the next listing that is due; False when there is none."""
    budget = channels.settings.budget_seconds
    item = claim_item(now(), now() + timedelta(seconds=budget + GRACE_SECONDS))
    if item is None:
        return False
    try:
        result = _do(item, channels, Deadline(budget))
    except Exception as error:
        if isinstance(error, CredentialsRefused):
            wizard.ask_again(item.connection, channels)
        elif isinstance(error, ChannelRefused):
            finish_item(item, plain_data(_report(item, ListingResult.failed([str(error)]))))
            return True
        elif not isinstance(error, BridgeError):
            log.exception("Listing %s of feed %s failed", item.id, item.feed_id)
        words = str(error) if isinstance(error, BridgeError) else "The bridge failed; its log has the details"
        if item.attempts + 1 < MOST_ATTEMPTS:
            wait = min(2**item.attempts, LONGEST_WAIT_SECONDS)
            postpone_item(item, words, now() + timedelta(seconds=wait))
            return True
        result = ListingResult.failed([f"Given up after {MOST_ATTEMPTS} attempts: {words}"])
    finish_item(item, plain_data(_report(item, result)))
    return True


def give_up(item: FeedItem, words: str) -> bool:
    """End a listing that waits as failed, with these words; False where it is done or in hand just now."""
    return drop_item(item, plain_data(_report(item, ListingResult.failed([words]))), now())


def _do(item: FeedItem, channels: Channels, deadline: Deadline) -> ListingResult:
    """Act on one item. The item's own key makes doing it again harmless after a crash."""
    connection: Connection = item.connection
    channel: Channel = channels.open(channels.config(connection), deadline)
    key = f"{item.feed_id}-{item.id}"
    if item.action == "DELETE":
        return channel.delete_listing(shape_of(ListingRemoval).read(item.request["listing"]), key)
    listing = shape_of(ProductListing).read(item.request["listing"])
    settings = shape_of(ProductSettings).read(item.request["settings"])
    act = channel.create_listing if item.action == "CREATE" else channel.update_listing
    return act(listing, settings, key)


def _report(item: FeedItem, result: ListingResult) -> ProductFeed:
    listing = item.request["listing"]
    return ProductFeed(
        sku=listing.get("SKU") or listing.get("ChannelSKU") or "",
        template_id=listing["TemplateId"],
        external_listing_id=result.external_listing_id or listing["ExternalListingId"],
        url=result.url,
        messages=result.messages,
        channel_references=result.references,
    )
