"""A sample request for every call, with every documented field, about orders and products that do not exist."""

from __future__ import annotations

from typing import Any

from bridge.check.context import CheckContext
from bridge.check.response import EndpointResponse

UNKNOWN_ORDER = "no-such-order"
UNKNOWN_SKU = "no-such-sku"

_settings = [{"ID": "no-such-setting", "Values": ["1"], "Value": ["1"]}]
_despatch_item = {
    "SKU": UNKNOWN_SKU,
    "OrderLineNumber": "1",
    "DespatchedQuantity": 1,
    "SerialValues": {"CorrelationId": "1", "SerialValue": [{"Type": "SERIAL", "Value": "SN-1"}]},
}
_parcel = {
    "ShippingVendor": "Royal Mail",
    "ShippingMethod": "Default",
    "TrackingNumber": "GX7716BJA",
    "TrackingUrl": "https://track.example.com/GX7716BJA",
    "Items": [_despatch_item],
}
_post_sale_item = {"SKU": "LW-1", "OrderLineNumber": "1", "Reason": "Damaged", "SecondaryReason": ""}
_order = {"ReferenceNumber": UNKNOWN_ORDER, "ExternalReference": "TX-1"}

SAMPLE_REQUESTS: dict[str, dict[str, Any]] = {
    "UserConfig": {},
    "ShippingTags": {},
    "PaymentTags": {},
    "ConfigTest": {},
    "Orders": {"UTCTimeFrom": "2023-08-26T09:43:14Z", "PageNumber": 1},
    "Despatch": {
        "Orders": [
            {
                "ReferenceNumber": UNKNOWN_ORDER,
                **_parcel,
                "SecondaryTrackingNumbers": ["GX7716BJB", "GX7716BJC"],
                "ProcessedOn": "2025-07-05 03:48:51Z",
                "Packages": [_parcel],
            }
        ]
    },
    "Cancel": {"Cancellation": {**_order, "Items": [{**_post_sale_item, "CancellationQuantity": 1}]}},
    "Refund": {"Refund": {**_order, "RefundShippingAmount": 1.5, "Items": [{**_post_sale_item, "RefundAmount": 2.5}]}},
    "PostSaleOptions": {},
    "Products": {"PageNumber": 1},
    "InventoryUpdate": {
        "Products": [
            {
                "SKU": UNKNOWN_SKU,
                "Reference": UNKNOWN_SKU,
                "Quantity": 10,
                "MultiLocationLevels": [{"Tag": "Default", "Quantity": 10}],
            }
        ]
    },
    "PriceUpdate": {"Products": [{"SKU": UNKNOWN_SKU, "Reference": UNKNOWN_SKU, "Price": 12.5, "Tag": "RETAILPRICE"}]},
    "GetCategories": {"PageNumber": 1},
    "GetAttributesByCategory": {"CategoryIds": ["1"], "GeneralSettings": _settings},
    "GetVariationsByCategory": {"CategoryIds": ["1"], "GeneralSettings": _settings},
    "ListingUpdate": {"Type": "CREATE", "Listings": [], "Settings": []},
    "ListingDelete": {
        "ExternalListingIds": [{"ChannelSKU": UNKNOWN_SKU, "ExternalListingId": "no-such-listing", "TemplateId": 1}]
    },
    "CheckFeed": {"ChannelFeedId": "no-such-feed"},
    "SaveConfig": {"StepName": "NoSuchStep", "ConfigItems": []},
    "ConfigDeleted": {},
}

READING_CALLS = ("UserConfig", "ShippingTags", "PaymentTags", "ConfigTest", "Orders", "Products")
"""Calls whose sample has to succeed and changes nothing."""

WRITING_CALLS = ("Despatch", "Cancel", "Refund", "InventoryUpdate", "PriceUpdate")
"""Calls whose sample names orders or products that do not exist."""

CHANGING_CALLS = (*WRITING_CALLS, "ListingUpdate", "ListingDelete")
"""Calls that may change the shop."""


def send_sample(context: CheckContext, name: str, **extra: Any) -> EndpointResponse:
    """Send the sample of a call, with extra fields, for the first integration."""
    call = context.try_call if name in WRITING_CALLS else context.call
    return call(name, **{**SAMPLE_REQUESTS[name], **extra})
