"""Send listings and read the feeds with their results."""

from __future__ import annotations

from typing import Any

from bridge.check.configurator import SentListing
from bridge.check.context import CheckContext
from bridge.check.response import EndpointResponse, objects, string
from bridge.check.rule import RuleFailed
from bridge.check.wording import summarize

FEED_PATIENCE = 3.0
TEARDOWN_PATIENCE = 0.25
"""How much longer than other changes a feed may take, during the run and at its end."""
ERROR_MESSAGE = 1
"""The type of a feed message that is an error, not a warning."""


def submit(context: CheckContext, update_type: str | int, listings: list[SentListing]) -> str:
    """Call ListingUpdate and return the id of the feed."""
    sent = [listing.sent for listing in listings]
    settings = context.configurator.product_settings()
    return _feed_id(context.call("ListingUpdate", Type=update_type, Listings=sent, Settings=settings))


def remember_ids(context: CheckContext, rows: list[dict[str, Any]]) -> None:
    """Store the channel's ids of the listings of a feed."""
    listings = {listing.sku: listing for listing in context.listings.values()}
    for row in rows:
        listing = listings.get(string(row.get("SKU")))
        if listing:
            references = objects(row.get("ChannelReferences"))
            listing.references = {string(entry.get("SKU")): string(entry.get("Reference")) for entry in references}
            listing.external_id = string(row.get("ExternalListingId"))


def delete_all(context: CheckContext, patience: float = FEED_PATIENCE) -> None:
    """Delete all remaining listings; every second TemplateId is sent as text."""
    if context.feed and not any(listing.external_id for listing in context.listings.values()):
        remember_ids(context, wait_for_feed(context, context.feed, patience))
    remaining = [listing for listing in context.listings.values() if listing.external_id and not listing.deleted]
    if not remaining:
        return
    rows = [listing.delete_row(str if position % 2 else int) for position, listing in enumerate(remaining)]
    feed = _feed_id(context.call("ListingDelete", ExternalListingIds=rows))
    feed_rows = wait_for_feed(context, feed, patience)
    for listing in remaining:
        listing.deleted = True
    require_no_errors(feed_rows)


def _feed_id(response: EndpointResponse) -> str:
    feed = response.require_success().string("ChannelFeedId")
    if not feed:
        raise RuleFailed(f"{response.endpoint} returned no ChannelFeedId", response.exchange)
    return feed


def wait_for_feed(context: CheckContext, feed: str, patience: float = FEED_PATIENCE) -> list[dict[str, Any]]:
    """Return the rows of a feed once it is ready; `patience` is a multiple of the run's."""
    rows: list[dict[str, Any]] = []

    def find_problem() -> str:
        response = context.call("CheckFeed", ChannelFeedId=feed).require_success()
        rows[:] = response.rows("ProductFeeds")
        context.exchanges["CheckFeed"] = response.exchange
        return "" if response.body.get("IsFeedReady") is True else "the feed is not ready"

    context.eventually(find_problem, patience * context.patience)
    return rows


def require_no_errors(rows: list[dict[str, Any]]) -> None:
    """Raise RuleFailed when a row of a feed has an error message."""
    errors = [error for row in rows for error in error_messages(row)]
    if errors:
        raise RuleFailed(summarize(errors))


def error_messages(row: dict[str, Any]) -> list[str]:
    """Return the error messages of a row of a feed, without warnings."""
    return [
        f"{row.get('SKU')}: {message.get('Message')}"
        for message in objects(row.get("Messages"))
        if message.get("Type") == ERROR_MESSAGE
    ]
