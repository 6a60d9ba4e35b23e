"""The tracking of a parcel, as shipment-tracking plugins store it and as a note tells the customer."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Collection, Mapping, Sequence
from datetime import datetime
from typing import Any

from bridge import clock
from bridge.channels.woocommerce.carriers import Shipment
from bridge.channels.woocommerce.values import custom_fields, listed, unescape

TRACKING = "_wc_shipment_tracking_items"
"""The custom field where shipment-tracking plugins store parcels to show them to customers."""
ID_LENGTH = 32


def tracking_id(key: str, position: int) -> str:
    """Return the plugins' id of a parcel: the same for the same despatch."""
    return hashlib.sha256(f"{key} {position}".encode()).hexdigest()[:ID_LENGTH]


def tracking_items(shipments: Sequence[Shipment], processed_on: datetime | None, key: str) -> list[dict[str, str]]:
    """Return a parcel's tracking as the shipment-tracking plugins store it.

    They make the link of a provider that they know, and show the custom one of any other carrier.
    """
    shipped = str(int((processed_on or clock.now()).timestamp()))
    return [
        {
            "tracking_provider": shipment.plugin_provider,
            "custom_tracking_provider": "" if shipment.plugin_provider else shipment.carrier,
            "custom_tracking_link": "" if shipment.plugin_provider else shipment.link,
            "tracking_number": shipment.number,
            "date_shipped": shipped,
            "tracking_id": tracking_id(key, position),
        }
        for position, shipment in enumerate(shipments)
    ]


def tracking_field(row: Mapping[str, Any]) -> Mapping[str, Any]:
    """Return the custom field of an order that has its parcels, the one that plugins read; {} if there is none."""
    return next((field for field in custom_fields(row) if field["key"] == TRACKING), {})


def stored_parcels(value: Any) -> Sequence[Any] | None:
    """Return the parcels in that custom field, also a single one or a list with gaps; None if it has something else."""
    if value in (None, "", {}):
        return ()
    if isinstance(value, list) or _is_numbered(value):
        return listed(value)
    if not isinstance(value, dict):
        return None
    if "tracking_number" in value:
        return [value]
    return list(value.values()) if all(isinstance(entry, dict) for entry in value.values()) else None


def with_parcels(value: Any, replaced: Collection[str], added: Sequence[Mapping[str, str]]) -> Any:
    """Return the custom field without the parcels of the numbers `replaced`, and with those `added`.

    None if it has something else than parcels, which is not to be overwritten. Parcels under names keep them.
    """
    known = stored_parcels(value)
    if known is None:
        return None
    if isinstance(value, dict) and value and not _is_numbered(value) and known != [value]:
        kept = {key: entry for key, entry in value.items() if not _is_of(entry, replaced)}
        return {**kept, **{entry["tracking_id"]: entry for entry in added}}
    return [*(entry for entry in known if not _is_of(entry, replaced)), *added]


def _is_numbered(value: Any) -> bool:
    return isinstance(value, dict) and all(key.isdecimal() for key in value)


def _is_of(entry: Any, numbers: Collection[str]) -> bool:
    return isinstance(entry, dict) and unescape(entry.get("tracking_number")) in numbers


def customer_note(template: str, shipments: Sequence[Shipment]) -> str:
    """Return the note about a parcel; the text before the first placeholder appears once."""
    opening = template.partition("{")[0]
    details = template.removeprefix(opening)
    filled = [
        details.replace("{carrier}", shipment.carrier)
        .replace("{number}", shipment.number)
        .replace("{link}", shipment.link)
        for shipment in shipments
    ]
    return re.sub(r"\s+", " ", " ".join([opening, *filled])).strip()
