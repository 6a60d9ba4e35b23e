"""The manifest: the document that describes this application to Linnworks."""

from __future__ import annotations

from typing import Any

from bridge.channels.base import Channel
from bridge.protocol.endpoints import AREAS, oauth, public
from bridge.protocol.oauth import SCOPES
from bridge.settings import Settings


def endpoints(settings: Settings, *, with_oauth: bool = False) -> dict[str, str]:
    """Return the path of every endpoint by its manifest parameter."""
    named = {call.manifest: call.path for area in AREAS for call in area.calls}
    named[settings.post_sale_options_name] = named.pop("PostSaleOptions")
    return ({"OAuthAuthorizationEndpoint": oauth.PATH} if with_oauth else {}) | named


def parameters(
    settings: Settings, channel: type[Channel], base_url: str, *, with_oauth: bool = False
) -> dict[str, str]:
    """Return every parameter by name, all values texts; listing endpoints only if the channel supports listings."""
    listing_paths = {call.path for area in AREAS if area.name == "listings" for call in area.calls}
    urls = {
        name: base_url + path
        for name, path in endpoints(settings, with_oauth=with_oauth).items()
        if channel.supports_listings or path not in listing_paths
    }
    return {
        "ChannelName": settings.channel_name or channel.name,
        "ChannelFriendlyName": settings.channel_friendly_name or channel.friendly_name,
        "ChannelLogoURL": base_url + public.LOGO,
        **({"OAuthScopesRequested": " ".join(SCOPES)} if with_oauth else {}),
        **urls,
        "InventoryUpdateBatchSize": str(channel.inventory_batch_size),
        "PriceUpdateBatchSize": str(channel.price_batch_size),
        "DespatchUpdateBatchSize": str(channel.despatch_batch_size),
        "ListingUpdateBatchSize": str(channel.listing_batch_size),
        "AllowRefundOnCancel": str(channel.refunds_on_cancel),
        "IsListingSupported": str(channel.supports_listings),
    }


def manifest(settings: Settings, channel: type[Channel], base_url: str, *, with_oauth: bool = False) -> dict[str, Any]:
    """Return the document to enter in the Linnworks developer portal."""
    values = parameters(settings, channel, base_url, with_oauth=with_oauth)
    return {
        "modules": [
            {
                "type": "ChannelIntegration",
                "parameters": [{"name": name, "value": value} for name, value in values.items()],
            }
        ]
    }
