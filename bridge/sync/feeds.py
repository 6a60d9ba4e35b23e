"""Feeds: listings are stored when they are accepted, and the worker does them one by one."""

from __future__ import annotations

import logging
from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any

from msgspec.structs import replace

from bridge.channels import Channels
from bridge.channels.base import ListingResult
from bridge.channels.helpers.texts import cut
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
    Severity,
)
from bridge.store.connections import Connection
from bridge.store.feeds import (
    FeedItem,
    add_feed,
    claim_item,
    created_listing_id,
    drop_item,
    feed_items,
    finish_item,
    postpone_item,
    set_item_aside,
)
from bridge.store.fields import as_json
from bridge.sync import pauses, quota, retry, wizard
from bridge.sync.call_journal import CallFacts, CallJournal
from bridge.sync.keys import shop_key
from bridge.sync.listing_checks import listing_problems

log = logging.getLogger(__name__)

CREATE, DELETE = "CREATE", "DELETE"
MOST_ATTEMPTS = 11
MOST_EXPIRED_CLAIMS = 3
"""An item is set aside once so many processes have died while they worked on it."""
LONGEST_WAIT_SECONDS = 600
LONGEST_NAME = 1000  # characters of a SKU, an id or a message that is stored with a listing


def add_updates(connection_id: int, request: ListingUpdateRequest, moment: datetime) -> str:
    """Store listings to create or update, each with the settings of its configurator, and return the feed's id.

    An invalid listing, or one whose settings are invalid, is stored as an item that has failed.
    """
    settings: dict[object, ProductSettings | InvalidRow] = {}
    default: ProductSettings | InvalidRow = ProductSettings()
    for configurator in request.settings:
        if not isinstance(configurator, InvalidRow):
            settings[configurator.configurator_id] = configurator.product_settings
        elif (number := configurator.valid("configurator_id")) is not None:
            settings[number] = configurator
        else:
            default = configurator  # any listing whose settings are not found may need these
    items = []
    for row in request.listings:
        if isinstance(row, InvalidRow):
            items.append(_failed_item(request.type.name, row))
            continue
        chosen = settings.get(row.configurator_id, default)
        if isinstance(chosen, InvalidRow):
            items.append(_failed_item(request.type.name, InvalidRow(f"Settings: {chosen.error}", row)))
        else:
            content = {"listing": plain_data(row), "settings": plain_data(chosen)}
            items.append((request.type.name, content, None))
    return _add(connection_id, items, moment)


def add_removals(connection_id: int, removals: Sequence[ListingRemoval | InvalidRow], moment: datetime) -> str:
    """Store listings to delete and return the feed's id; an invalid one is stored as an item that has failed."""
    items = [
        _failed_item(DELETE, row) if isinstance(row, InvalidRow) else (DELETE, {"listing": plain_data(row)}, None)
        for row in removals
    ]
    return _add(connection_id, items, moment)


def _add(connection_id: int, items: Sequence[tuple[str, Any, Any]], moment: datetime) -> str:
    quota.require_room(connection_id, (as_json(request) for _, request, _ in items))
    return add_feed(connection_id, items, moment)


def _failed_item(action: str, row: InvalidRow) -> tuple[str, Any, Any]:
    """Return an item that fails without being tried; its listing is named as it was received."""
    result = plain_data(
        ProductFeed(
            sku=_storable(row.text("sku") or row.text("channel_sku")),
            template_id=row.valid("template_id", 0),
            external_listing_id="" if action == CREATE else _storable(row.text("external_listing_id")),
            messages=ListingResult.failed([row.error]).messages,
        )
    )
    return action, {"listing": result}, result


def _storable(text: str) -> str:
    """Return the text, cut, and without halves of surrogate pairs, which the database cannot store."""
    return cut(text, LONGEST_NAME).encode(errors="replace").decode()


def status(connection_id: int, feed_id: str) -> CheckFeedResponse:
    """Return how far a feed of this connection is; raises RequestRefused for any other feed."""
    items = feed_items(connection_id, feed_id)
    if items is None:
        raise RequestRefused("Unknown feed")
    return CheckFeedResponse(
        is_feed_ready=all(item.done for item in items),
        product_feeds=tuple(_product_feed(item) for item in items if item.done),
    )


def _product_feed(item: FeedItem) -> ProductFeed:
    try:
        return from_plain_data(ProductFeed, item.result)  # type: ignore[no-any-return]
    except Exception:
        log.exception("The result of listing %s of feed %s cannot be read", item.id, item.feed_id)
        failed = _report(item, ListingResult.failed(["The bridge cannot read the result that it stored"]))
        return from_plain_data(ProductFeed, failed)  # type: ignore[no-any-return]


def work_one(channels: Channels, journal: CallJournal | None = None) -> bool:
    """Do the next listing that is due; False if there is none."""
    deadline = Deadline(channels.settings.budget_seconds)
    item = claim_item(now(), retry.lease_end(deadline))
    if item is None:
        return False
    try:
        _work(item, channels, deadline)
    except Exception:
        log.exception("Listing %s of feed %s failed", item.id, item.feed_id)
        _retry_later(item, "The bridge failed; its log has the details")
    if journal:
        journal.add(_facts(item, deadline))
    return True


def _facts(item: FeedItem, deadline: Deadline) -> CallFacts:
    """Return what is recorded of the work on an item."""
    messages = item.result["Messages"] if item.done and isinstance(item.result, dict) else ()
    errors = [message["Message"] for message in messages if message["Type"] == Severity.Error.value]
    error = "; ".join(errors) if item.done else item.error
    return CallFacts(
        at=now(),
        request=deadline.trace.request,
        endpoint=f"Listing {item.action.lower()}",
        outcome="ok" if not error else "failed" if item.done else "retried later",
        ms=round(1000 * deadline.spent()),
        connection=item.connection_id,
        generation=item.connection.generation,
        error=error,
        asked={"feed": item.feed_id},
        numbers=[_text(item.listing, "SKU") or _text(item.listing, "ChannelSKU")],
        trace=deadline.trace,
    )


def _work(item: FeedItem, channels: Channels, deadline: Deadline) -> None:
    """Do one item, and record its result or when it is due again."""
    if item.expired_claims >= MOST_EXPIRED_CLAIMS:
        log.error("Listing %s of feed %s is set aside", item.id, item.feed_id)
        _set_aside(item, f"Set aside: the bridge was stopped {item.expired_claims} times while it did this listing")
        return
    try:
        listing, settings = _stored_request(item)
    except Exception:
        log.exception("Listing %s of feed %s cannot be read", item.id, item.feed_id)
        _set_aside(item, "Set aside: the bridge cannot read what it stored for this listing")
        return
    if pause := pauses.find_pause(item.connection, pauses.LISTINGS):
        moment = now()
        later = moment + timedelta(seconds=pauses.LOOKED_AT_SECONDS)
        postpone_item(item, str(pause), now=moment, next_at=later, counts=False)
        return
    try:
        result = _perform(item, listing, settings, channels, deadline)
    except CredentialsRefused as error:
        wizard.ask_for_credentials(item.connection, channels)
        _retry_later(item, str(error))
    except ChannelRefused as error:
        _finish(item, ListingResult.failed([str(error)]))
    except BridgeError as error:
        _retry_later(item, str(error))
    else:
        _finish(item, result)


def give_up(item: FeedItem, message: str) -> bool:
    """End a listing that waits or is set aside as failed with this message; False if it is done or being worked on."""
    return drop_item(item, _report(item, ListingResult.failed([message])), now())


def _stored_request(item: FeedItem) -> tuple[ProductListing | ListingRemoval, ProductSettings]:
    """Return the listing of an item and its settings; raises any exception if they were damaged."""
    if item.action == DELETE:
        return from_plain_data(ListingRemoval, item.request["listing"]), ProductSettings()
    listing = from_plain_data(ProductListing, item.request["listing"])
    return listing, from_plain_data(ProductSettings, item.request["settings"])


def _perform(
    item: FeedItem,
    listing: ProductListing | ListingRemoval,
    settings: ProductSettings,
    channels: Channels,
    deadline: Deadline,
) -> ListingResult:
    """Have the shop do one item; its key makes repeating it harmless, after a crash and in another feed.

    A listing that is invalid in any shop, or beyond the limits that the channel declares, fails without the shop.
    """
    if isinstance(listing, ListingRemoval):
        key = _key(item.connection, listing.template_id, listing.channel_sku)
        return channels.open_for(item.connection, deadline).delete_listing(listing, key)
    key = _key(item.connection, listing.template_id, listing.sku)
    declared, new = channels.channel_class.configurator_settings(), item.action == CREATE
    if problems := list(listing_problems(listing, settings, declared, new=new)):
        return ListingResult.failed(problems)
    channel = channels.open_for(item.connection, deadline)
    if new:
        known = created_listing_id(item.connection_id, listing.template_id, listing.sku)
        listing = replace(listing, external_listing_id=known)
    send = channel.create_listing if new else channel.update_listing
    return send(listing, settings, key)


def _key(connection: Connection, template_id: int, sku: str) -> str:
    """Return the key of a template's listing, the same in every feed and in a restored database."""
    return shop_key(connection.uid, connection.generation, template_id, sku)


def _retry_later(item: FeedItem, message: str) -> None:
    """Postpone an item that failed, or give it up after the last attempt."""
    failures = item.attempts + 1
    if failures >= MOST_ATTEMPTS:
        _finish(item, ListingResult.failed([f"Given up after {MOST_ATTEMPTS} attempts: {message}"]))
        return
    moment = now()
    wait = retry.backoff(failures, LONGEST_WAIT_SECONDS, retry.random_jitter())
    postpone_item(item, _storable(message), now=moment, next_at=moment + wait)


def _finish(item: FeedItem, result: ListingResult) -> None:
    finish_item(item, _report(item, result), now())


def _set_aside(item: FeedItem, message: str) -> None:
    """End an item that must not be tried again by itself."""
    set_item_aside(item, _report(item, ListingResult.failed([message])), message, now())


def _report(item: FeedItem, result: ListingResult) -> object:
    """Return what CheckFeed will say of an item; a failed create has no listing."""
    listing = item.listing
    external_id = result.external_listing_id
    if item.action != CREATE:
        external_id = external_id or _text(listing, "ExternalListingId")
    elif any(message.type is Severity.Error for message in result.messages):
        external_id, result = "", ListingResult(messages=result.messages)
    template_id = listing.get("TemplateId")
    return plain_data(
        ProductFeed(
            sku=_text(listing, "SKU") or _text(listing, "ChannelSKU"),
            template_id=template_id if isinstance(template_id, int) else 0,
            external_listing_id=external_id,
            url=result.url,
            messages=result.messages,
            channel_references=result.references,
        )
    )


def _text(listing: Mapping[str, Any], name: str) -> str:
    text = listing.get(name)
    return text if isinstance(text, str) else ""
