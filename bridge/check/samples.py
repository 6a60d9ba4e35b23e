"""A request of every call with every field that the pages document, about nothing that exists."""

from __future__ import annotations

from typing import Any

from bridge.check.answer import Answer
from bridge.check.play import Play

NOWHERE = "no-such-order"
NOTHING = "no-such-sku"

_settings = [{"ID": "no-such-setting", "Values": ["1"], "Value": ["1"]}]
_despatched = {
    "SKU": NOTHING,
    "OrderLineNumber": "1",
    "DespatchedQuantity": 1,
    "SerialValues": {"CorrelationId": "1", "SerialValue": [{"Type": "SERIAL", "Value": "SN-1"}]},
}
_parcel = {
    "ShippingVendor": "Royal Mail",
    "ShippingMethod": "Default",
    "TrackingNumber": "GX7716BJA",
    "TrackingUrl": "https://track.example.com/GX7716BJA",
    "Items": [_despatched],
}
_after_sale = {"SKU": "LW-1", "OrderLineNumber": "1", "Reason": "Damaged", "SecondaryReason": ""}
_order = {"ReferenceNumber": NOWHERE, "ExternalReference": "TX-1"}

SAMPLES: dict[str, dict[str, Any]] = {
    "UserConfig": {},
    "ShippingTags": {},
    "PaymentTags": {},
    "ConfigTest": {},
    "Orders": {"UTCTimeFrom": "2023-08-26T09:43:14Z", "PageNumber": 1},
    "Despatch": {
        "Orders": [
            {
                "ReferenceNumber": NOWHERE,
                **_parcel,
                "SecondaryTrackingNumbers": ["GX7716BJB", "GX7716BJC"],
                "ProcessedOn": "2025-07-05 03:48:51Z",
                "Packages": [_parcel],
            }
        ]
    },
    "Cancel": {"Cancellation": {**_order, "Items": [{**_after_sale, "CancellationQuantity": 1}]}},
    "Refund": {"Refund": {**_order, "RefundShippingAmount": 1.5, "Items": [{**_after_sale, "RefundAmount": 2.5}]}},
    "PostSaleOptions": {},
    "Products": {"PageNumber": 1},
    "InventoryUpdate": {
        "Products": [
            {
                "SKU": NOTHING,
                "Reference": NOTHING,
                "Quantity": 10,
                "MultiLocationLevels": [{"Tag": "Default", "Quantity": 10}],
            }
        ]
    },
    "PriceUpdate": {"Products": [{"SKU": NOTHING, "Reference": NOTHING, "Price": 12.5, "Tag": "RETAILPRICE"}]},
    "GetCategories": {"PageNumber": 1},
    "GetAttributesByCategory": {"CategoryIds": ["1"], "GeneralSettings": _settings},
    "GetVariationsByCategory": {"CategoryIds": ["1"], "GeneralSettings": _settings},
    "ListingUpdate": {"Type": "CREATE", "Listings": [], "Settings": []},
    "ListingDelete": {
        "ExternalListingIds": [{"ChannelSKU": NOTHING, "ExternalListingId": "no-such-listing", "TemplateId": 1}]
    },
    "CheckFeed": {"ChannelFeedId": "no-such-feed"},
    "SaveConfig": {"StepName": "NoSuchStep", "ConfigItems": []},
    "ConfigDeleted": {},
}

READS = ("UserConfig", "ShippingTags", "PaymentTags", "ConfigTest", "Orders", "Products")
"""Calls whose sample has to succeed, and changes nothing."""

WRITES = ("Despatch", "Cancel", "Refund", "InventoryUpdate", "PriceUpdate")
"""Calls whose sample is about what does not exist."""

CHANGES = (*WRITES, "ListingUpdate", "ListingDelete")
"""Calls that may change the shop."""


def send_sample(play: Play, name: str, **more: Any) -> Answer:
    """Sends the sample of a call for the first integration."""
    return play.call(name, **{**SAMPLES[name], **more})
