"""The parcels of a despatch, as shipment-tracking plugins store them and as a note tells the customer."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Iterable
from dataclasses import dataclass

from bridge import clock
from bridge.protocol.schemas.orders import DespatchOrder

TRACKING = "_wc_shipment_tracking_items"
"""The custom field where shipment-tracking plugins store parcels to show them to customers."""
UNNAMED = ("NONE", "DEFAULT")  # what Linnworks sends as the name of no vendor or method
ID_LENGTH = 32


@dataclass(frozen=True)
class Parcel:
    """How a part of an order is sent."""

    carrier: str
    number: str
    link: str


def parcels_of(despatch: DespatchOrder) -> list[Parcel]:
    """Return the parcels with a tracking number or link: the packages, or else the despatch's own numbers."""
    carrier = _carrier(despatch.shipping_vendor, despatch.shipping_method)
    packages = [
        Parcel(
            _carrier(package.shipping_vendor, package.shipping_method) or carrier,
            package.tracking_number,
            package.tracking_url,
        )
        for package in despatch.packages
        if package.tracking_number or package.tracking_url
    ]
    numbers = [despatch.tracking_number, *despatch.secondary_tracking_numbers]
    unpacked = [
        Parcel(carrier, number.strip(), despatch.tracking_url if not position else "")
        for position, number in enumerate(numbers)
        if number.strip() or (despatch.tracking_url and not position)
    ]
    return packages or unpacked


def _carrier(vendor: str, method: str) -> str:
    return " ".join(name.strip() for name in (vendor, method) if name.strip() and name.upper() not in UNNAMED)


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
            "tracking_id": hashlib.sha256(f"{key} {position}".encode()).hexdigest()[:ID_LENGTH],
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
