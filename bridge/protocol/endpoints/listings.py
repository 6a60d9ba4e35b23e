"""Listings: what they can have, and feeds that create, change and delete them."""

from __future__ import annotations

from bridge.errors import RequestRefused
from bridge.protocol.area import Area
from bridge.protocol.call import Call
from bridge.protocol.oauth import READ, WRITE
from bridge.protocol.schemas.listings import (
    AttributesResponse,
    CategoriesRequest,
    CategoriesResponse,
    CategoryQuestion,
    CheckFeedRequest,
    CheckFeedResponse,
    ConfiguratorSettingsRequest,
    ConfiguratorSettingsResponse,
    FeedResponse,
    ListingDeleteRequest,
    ListingUpdateRequest,
    VariationsResponse,
)
from bridge.sync import feeds, paging, pauses

area = Area("listings")


@area.call(
    "/api/Listing/GetConfiguratorSettings",
    ConfiguratorSettingsRequest,
    ConfiguratorSettingsResponse,
    manifest="GetConfiguratorSettingsEndpoint",
    scope=READ,
    token=False,
)
def configurator_settings(call: Call, request: ConfiguratorSettingsRequest) -> ConfiguratorSettingsResponse:
    """Return what listings on this channel can have; needs no integration."""
    return call.services.channels.channel_class.configurator_settings()


@area.call(
    "/api/Listing/GetCategories", CategoriesRequest, CategoriesResponse, manifest="GetCategoriesEndpoint", scope=READ
)
def categories(call: Call, request: CategoriesRequest) -> CategoriesResponse:
    """Return a page of the shop's categories."""
    page = paging.categories(call.connection.id, call.channel, request.page_number, call.now)
    return CategoriesResponse(categories=tuple(page.items), has_more_pages=page.next_cursor is not None)


@area.call(
    "/api/Listing/GetAttributesByCategory",
    CategoryQuestion,
    AttributesResponse,
    manifest="GetAttributesByCategoryEndpoint",
    scope=READ,
)
def attributes(call: Call, request: CategoryQuestion) -> AttributesResponse:
    """Return the attributes that listings in these categories have."""
    return AttributesResponse(attributes=tuple(call.channel.attributes(request)))


@area.call(
    "/api/Listing/GetVariationsByCategory",
    CategoryQuestion,
    VariationsResponse,
    manifest="GetVariationsByCategoryEndpoint",
    scope=READ,
)
def variations(call: Call, request: CategoryQuestion) -> VariationsResponse:
    """Return how listings in these categories may vary."""
    return call.channel.variations(request)


@area.call(
    "/api/Listing/ListingUpdate", ListingUpdateRequest, FeedResponse, manifest="ListingUpdateEndpoint", scope=WRITE
)
def listing_update(call: Call, request: ListingUpdateRequest) -> FeedResponse:
    """Accept listings to create or update; return the id of the feed that reports on them."""
    _supported(call)
    feed_id = feeds.add_updates(call.finished_connection.id, request, call.now)
    call.services.worker.wake()
    return FeedResponse(channel_feed_id=feed_id)


@area.call(
    "/api/Listing/ListingDelete", ListingDeleteRequest, FeedResponse, manifest="ListingDeleteEndpoint", scope=WRITE
)
def listing_delete(call: Call, request: ListingDeleteRequest) -> FeedResponse:
    """Accept listings to delete; return the id of the feed that reports on them."""
    _supported(call)
    feed_id = feeds.add_removals(call.finished_connection.id, request.external_listing_ids, call.now)
    call.services.worker.wake()
    return FeedResponse(channel_feed_id=feed_id)


def _supported(call: Call) -> None:
    pauses.require_running(call.finished_connection, pauses.LISTINGS)
    if not call.channel.supports_listings:
        raise RequestRefused("This channel does not support listings")


@area.call("/api/Listing/CheckFeed", CheckFeedRequest, CheckFeedResponse, manifest="CheckFeedEndpoint", scope=READ)
def check_feed(call: Call, request: CheckFeedRequest) -> CheckFeedResponse:
    """Return the progress and results of a feed."""
    return feeds.status(call.connection.id, request.channel_feed_id)
