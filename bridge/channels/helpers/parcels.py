"""What a shop keeps with a despatch, so that it is found again by its key."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from contextlib import suppress
from datetime import datetime
from typing import Any

from bridge.channels.base import Parcel, ShopAction


def kept_with(parcel: Parcel, key: str) -> dict[str, Any]:
    """Return what the shop keeps with a despatch, as plain data: its metadata, or the JSON of a note."""
    return {
        "key": key,
        "processed_on": parcel.processed_on.isoformat() if parcel.processed_on else "",
        "replaces": list(parcel.replaces),
        "earlier": list(parcel.earlier),
    }


def despatch_action(
    kept: Mapping[str, Any], *, at: datetime | None, pieces: Mapping[str, int], tracking_numbers: Sequence[str] = ()
) -> ShopAction:
    """Return a despatch with what the shop has kept with it: nothing, if it was made by hand."""
    processed_on = None
    with suppress(ValueError):  # also what the owner has changed
        processed_on = datetime.fromisoformat(kept.get("processed_on") or "")
    return ShopAction(
        "despatch",
        key=kept.get("key", ""),
        at=at,
        pieces=pieces,
        tracking_numbers=tuple(tracking_numbers),
        processed_on=processed_on,
        replaces=tuple(kept.get("replaces", ())),
        earlier=tuple(kept.get("earlier", ())),
    )
