"""The parcels of a despatch, as shipment-tracking plugins store them and as a note tells the customer."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Iterable

from bridge import clock
from bridge.channels.helpers.parcels import Parcel
from bridge.protocol.schemas.orders import DespatchOrder

TRACKING = "_wc_shipment_tracking_items"
"""The custom field where shipment-tracking plugins store parcels to show them to customers."""
ID_LENGTH = 32


def tracking_id(key: str, position: int) -> str:
    """Return the plugins' id of a parcel: the same for the same despatch."""
    return hashlib.sha256(f"{key} {position}".encode()).hexdigest()[:ID_LENGTH]


def tracking_items(parcels: Iterable[Parcel], despatch: DespatchOrder, key: str) -> list[dict[str, str]]:
    """Return parcels as the shipment-tracking plugins store them."""
    shipped = str(int((despatch.processed_on or clock.now()).timestamp()))
    return [
        {
            "tracking_provider": "",
            "custom_tracking_provider": parcel.carrier,
            "custom_tracking_link": parcel.link,
            "tracking_number": parcel.number,
            "date_shipped": shipped,
            "tracking_id": tracking_id(key, position),
        }
        for position, parcel in enumerate(parcels)
    ]


def customer_note(template: str, parcels: Iterable[Parcel]) -> str:
    """Return the note about some parcels; the text before the first placeholder appears once."""
    opening = template.partition("{")[0]
    details = template.removeprefix(opening)
    filled = [
        details.replace("{carrier}", parcel.carrier).replace("{number}", parcel.number).replace("{link}", parcel.link)
        for parcel in parcels
    ]
    return re.sub(r"\s+", " ", " ".join([opening, *filled])).strip()
