"""The tracking of a parcel, as shipment-tracking plugins store it and as a note tells the customer."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Collection, Iterable
from typing import Any

from bridge import clock
from bridge.channels.base import Parcel, Tracking

TRACKING = "_wc_shipment_tracking_items"
"""The custom field where shipment-tracking plugins store parcels to show them to customers."""
ID_LENGTH = 32


def followed(parcel: Parcel) -> list[Tracking]:
    """Return the tracking that a customer can follow: what has a number or a link."""
    return [tracking for tracking in parcel.tracking if tracking.number or tracking.link]


def tracking_id(key: str, position: int) -> str:
    """Return the plugins' id of a parcel: the same for the same despatch."""
    return hashlib.sha256(f"{key} {position}".encode()).hexdigest()[:ID_LENGTH]


def tracking_items(parcel: Parcel, key: str) -> list[dict[str, str]]:
    """Return a parcel's tracking as the shipment-tracking plugins store it."""
    shipped = str(int((parcel.processed_on or clock.now()).timestamp()))
    return [
        {
            "tracking_provider": "",
            "custom_tracking_provider": tracking.carrier,
            "custom_tracking_link": tracking.link,
            "tracking_number": tracking.number,
            "date_shipped": shipped,
            "tracking_id": tracking_id(key, position),
        }
        for position, tracking in enumerate(followed(parcel))
    ]


def without_numbers(items: Iterable[Any], numbers: Collection[str]) -> list[Any]:
    """Return what the plugins store, without the entries of these tracking numbers."""
    return [item for item in items if not (isinstance(item, dict) and item.get("tracking_number") in numbers)]


def customer_note(template: str, parcel: Parcel) -> str:
    """Return the note about a parcel; the text before the first placeholder appears once."""
    opening = template.partition("{")[0]
    details = template.removeprefix(opening)
    filled = [
        details.replace("{carrier}", tracking.carrier)
        .replace("{number}", tracking.number)
        .replace("{link}", tracking.link)
        for tracking in followed(parcel)
    ]
    return re.sub(r"\s+", " ", " ".join([opening, *filled])).strip()
