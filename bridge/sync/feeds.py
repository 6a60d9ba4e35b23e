"""Feeds: listings are stored when they are accepted, and the worker does them one by one."""

from __future__ import annotations

import logging
from collections.abc import Sequence
from datetime import datetime

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
from bridge.sync import retry, wizard

log = logging.getLogger(__name__)

CREATE, DELETE = "CREATE", "DELETE"
MOST_ATTEMPTS = 11
LONGEST_WAIT_SECONDS = 600


def add_updates(connection_id: int, request: ListingUpdateRequest, moment: datetime) -> str:
    """Store listings to create or update, each with the settings of its configurator, and return the feed's id."""
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


def add_removals(connection_id: int, removals: Sequence[ListingRemoval], moment: datetime) -> str:
    """Store listings to delete and return the feed's id."""
    return add_feed(connection_id, [(DELETE, {"listing": plain_data(removal)}) for removal in removals], moment)


def status(connection_id: int, feed_id: str) -> CheckFeedResponse:
    """Return how far a feed of this connection is; raises RequestRefused for any other feed."""
    items = feed_items(connection_id, feed_id)
    if items is None:
        raise RequestRefused("Unknown feed")
    return CheckFeedResponse(
        is_feed_ready=all(item.done for item in items),
        product_feeds=tuple(shape_of(ProductFeed).read(item.result) for item in items if item.done),
    )


def work_one(channels: Channels) -> bool:
    """Do the next listing that is due; False if there is none."""
    deadline = Deadline(channels.settings.budget_seconds)
    item = claim_item(now(), retry.lease_end(deadline))
    if item is None:
        return False
    try:
        result = _perform(item, channels, deadline)
    except CredentialsRefused as error:
        wizard.ask_for_credentials(item.connection, channels)
        _retry_later(item, str(error))
    except ChannelRefused as error:
        _finish(item, ListingResult.failed([str(error)]))
    except BridgeError as error:
        _retry_later(item, str(error))
    except Exception:
        log.exception("Listing %s of feed %s failed", item.id, item.feed_id)
        _retry_later(item, "The bridge failed; its log has the details")
    else:
        _finish(item, result)
    return True


def give_up(item: FeedItem, message: str) -> bool:
    """End a waiting listing as failed with this message; False if it is done or being worked on."""
    return drop_item(item, _report(item, ListingResult.failed([message])), now())


def _perform(item: FeedItem, channels: Channels, deadline: Deadline) -> ListingResult:
    """Have the shop do one item; its key makes repeating it after a crash harmless."""
    connection: Connection = item.connection
    channel: Channel = channels.open(channels.config(connection), deadline)
    key = f"{item.feed_id}-{item.id}"
    if item.action == DELETE:
        return channel.delete_listing(shape_of(ListingRemoval).read(item.request["listing"]), key)
    listing = shape_of(ProductListing).read(item.request["listing"])
    settings = shape_of(ProductSettings).read(item.request["settings"])
    send = channel.create_listing if item.action == CREATE else channel.update_listing
    return send(listing, settings, key)


def _retry_later(item: FeedItem, message: str) -> None:
    """Postpone an item that failed, or give it up after the last attempt."""
    failures = item.attempts + 1
    if failures >= MOST_ATTEMPTS:
        _finish(item, ListingResult.failed([f"Given up after {MOST_ATTEMPTS} attempts: {message}"]))
        return
    moment = now()
    wait = retry.backoff(failures, LONGEST_WAIT_SECONDS, retry.random_jitter())
    postpone_item(item, message, now=moment, next_at=moment + wait)


def _finish(item: FeedItem, result: ListingResult) -> None:
    finish_item(item, _report(item, result), now())


def _report(item: FeedItem, result: ListingResult) -> object:
    """Return what CheckFeed will say of an item."""
    listing = item.request["listing"]
    return plain_data(
        ProductFeed(
            sku=listing.get("SKU") or listing.get("ChannelSKU") or "",
            template_id=listing["TemplateId"],
            external_listing_id=result.external_listing_id or listing["ExternalListingId"],
            url=result.url,
            messages=result.messages,
            channel_references=result.references,
        )
    )
