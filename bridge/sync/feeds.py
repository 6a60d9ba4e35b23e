"""Feeds: listings are stored when they are accepted, and the worker does them one by one."""

from __future__ import annotations

import logging
from collections.abc import Sequence
from datetime import datetime
from typing import Any

from msgspec.structs import asdict

from bridge.channels import Channels
from bridge.channels.base import Channel, ListingResult
from bridge.clock import Deadline, now
from bridge.errors import BridgeError, ChannelRefused, CredentialsRefused, RequestRefused
from bridge.protocol.schemas.base import InvalidRow, from_plain_data, plain_data
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
from bridge.sync.listing_checks import listing_problems

log = logging.getLogger(__name__)

CREATE, DELETE = "CREATE", "DELETE"
MOST_ATTEMPTS = 11
LONGEST_WAIT_SECONDS = 600


def add_updates(connection_id: int, request: ListingUpdateRequest, moment: datetime) -> str:
    """Store listings to create or update, each with the settings of its configurator, and return the feed's id.

    An invalid listing, or one whose settings are invalid, is stored as an item that has failed.
    """
    settings: dict[object, ProductSettings | InvalidRow] = {}
    default: ProductSettings | InvalidRow = ProductSettings()
    for configurator in request.settings:
        if not isinstance(configurator, InvalidRow):
            settings[configurator.configurator_id] = configurator.product_settings
        elif "configurator_id" in configurator.valid:
            settings[configurator.valid["configurator_id"]] = configurator
        else:
            default = configurator  # any listing whose settings are not found may need these
    items = []
    for row in request.listings:
        if isinstance(row, InvalidRow):
            items.append(_failed_item(request.type.name, row))
            continue
        chosen = settings.get(row.configurator_id, default)
        if isinstance(chosen, InvalidRow):
            items.append(_failed_item(request.type.name, InvalidRow(f"Settings: {chosen.error}", asdict(row))))
        else:
            content = {"listing": plain_data(row), "settings": plain_data(chosen)}
            items.append((request.type.name, content, None))
    return add_feed(connection_id, items, moment)


def add_removals(connection_id: int, removals: Sequence[ListingRemoval | InvalidRow], moment: datetime) -> str:
    """Store listings to delete and return the feed's id; an invalid one is stored as an item that has failed."""
    items = [
        _failed_item(DELETE, row) if isinstance(row, InvalidRow) else (DELETE, {"listing": plain_data(row)}, None)
        for row in removals
    ]
    return add_feed(connection_id, items, moment)


def _failed_item(action: str, row: InvalidRow) -> tuple[str, Any, Any]:
    """Return an item that fails without being tried; its listing is named as it was received."""
    result = plain_data(
        ProductFeed(
            sku=_storable(row.text("sku") or row.text("channel_sku")),
            template_id=row.valid.get("template_id", 0),
            external_listing_id=_storable(row.text("external_listing_id")),
            messages=ListingResult.failed([row.error]).messages,
        )
    )
    return action, {"listing": result}, result


def _storable(text: str) -> str:
    """Return the text without halves of surrogate pairs, which the database cannot store."""
    return text.encode(errors="replace").decode()


def status(connection_id: int, feed_id: str) -> CheckFeedResponse:
    """Return how far a feed of this connection is; raises RequestRefused for any other feed."""
    items = feed_items(connection_id, feed_id)
    if items is None:
        raise RequestRefused("Unknown feed")
    return CheckFeedResponse(
        is_feed_ready=all(item.done for item in items),
        product_feeds=tuple(from_plain_data(ProductFeed, item.result) for item in items if item.done),
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
    """Have the shop do one item; its key makes repeating it after a crash harmless.

    A listing that is invalid in any shop, or beyond the limits that the channel declares, fails without the shop.
    """
    key = f"{item.feed_id}-{item.id}"
    if item.action == DELETE:
        removal = from_plain_data(ListingRemoval, item.request["listing"])
        return _open(item.connection, channels, deadline).delete_listing(removal, key)
    listing = from_plain_data(ProductListing, item.request["listing"])
    settings = from_plain_data(ProductSettings, item.request["settings"])
    declared, new = channels.channel_class.configurator_settings(), item.action == CREATE
    if problems := list(listing_problems(listing, settings, declared, new=new)):
        return ListingResult.failed(problems)
    channel = _open(item.connection, channels, deadline)
    send = channel.create_listing if new else channel.update_listing
    return send(listing, settings, key)


def _open(connection: Connection, channels: Channels, deadline: Deadline) -> Channel:
    return channels.open(channels.config(connection), deadline)


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
