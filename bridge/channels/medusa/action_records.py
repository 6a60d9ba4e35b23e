"""How a Medusa order records what Linnworks asked for: in a fulfilment's metadata, its own, or the note of a refund."""

from __future__ import annotations

import json
from collections.abc import Mapping
from datetime import datetime
from decimal import Decimal
from typing import Any
from urllib.parse import urlsplit

from bridge.channels.base import Parcel, Tracking
from bridge.channels.medusa.values import mapping, text, write_time
from bridge.protocol.schemas.after_sale import Refund

OWN = "linnworks_"
"""Begins the names of all metadata that this channel writes."""
KEY, PARCEL = "linnworks_key", "linnworks_parcel"
"""The metadata of a fulfilment: the key of its despatch, and what Linnworks said of the parcel."""
DESPATCH, CANCEL = "linnworks_despatch_", "linnworks_cancel_"
"""The metadata of an order about an action that has no fulfilment of its own; the action's key follows the name."""
REFUND = "Linnworks refund "
"""Begins the note of a refund; its key and amounts follow as JSON."""


def parcel_record(parcel: Parcel) -> dict[str, Any]:
    """Return what is recorded of a parcel; its pieces are all of it, of which a fulfilment may have a part."""
    carriers = dict.fromkeys(filter(None, (one.carrier for one in parcel.tracking)))
    record = {
        "pieces": dict(parcel.pieces),
        "numbers": list(parcel.tracking_numbers),
        "links": [one.link for one in parcel.tracking if one.link],
        "carrier": ", ".join(carriers),
        "processed_on": write_time(parcel.processed_on) if parcel.processed_on else "",
        "replaces": list(parcel.replaces),
        "earlier": list(parcel.earlier),
        "note": parcel.note,
    }
    return {name: value for name, value in record.items() if value}


def labels(parcel: Parcel) -> list[dict[str, str]]:
    """Return the labels of a shipment: numbers, with their links, as Medusa shows them to the customer."""
    return [
        {"tracking_number": one.number, "tracking_url": _link(one), "label_url": ""}
        for one in parcel.tracking
        if one.number or _link(one)
    ]


def _link(tracking: Tracking) -> str:
    """Return a link that Medusa accepts; "" for any other."""
    try:
        parts = urlsplit(tracking.link)
    except ValueError:
        return ""
    is_link = parts.scheme in ("http", "https") and parts.hostname and not any(map(str.isspace, tracking.link))
    return tracking.link if is_link else ""


def refund_note(refund: Refund, lines: Mapping[str, Decimal], total: Decimal, key: str, reason: str) -> str:
    """Return the note of a refund, the same for each payment that it takes money of."""
    record = {
        "key": key,
        "total": str(total),
        "lines": {line: str(amount) for line, amount in lines.items()},
        "shipping": str(refund.refund_shipping_amount),
    }
    return f"{REFUND}{json.dumps(record)} {reason}".strip()


def read_refund_note(note: Any) -> Mapping[str, Any]:
    """Return the key and the amounts in the note of a refund; nothing if it is no note of ours."""
    words = text(note)
    if not words.startswith(REFUND):
        return {}
    try:
        return mapping(json.JSONDecoder(parse_int=str, parse_float=str).raw_decode(words, len(REFUND))[0])
    except (ValueError, RecursionError):
        return {}


def cancel_record(at: datetime) -> dict[str, str]:
    """Return what is recorded of a cancel before it is done."""
    return {"at": write_time(at)}
