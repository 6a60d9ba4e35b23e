"""The order statuses of a shop that its own "any" leaves out."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from contextlib import suppress
from typing import Any

from bridge.channels.woocommerce import lookups
from bridge.channels.woocommerce.api import WooClient
from bridge.channels.woocommerce.wizard import HIDDEN_STATUSES, STATUSES
from bridge.clock import monotonic
from bridge.errors import ChannelRefused

ANY, BINNED = "any", "trash"
SHOWN_CACHE = "woocommerce statuses in any"
SHOWN_SECONDS = 600  # longer than a run takes


def beside_any(shop: WooClient, *, is_new: bool) -> str:
    """Return the statuses to ask for besides "any": the bin, and those of plugins that "any" was not seen to show.

    A plugin may hide its status from searches, and then WooCommerce leaves its orders out of "any". Which statuses
    there are is asked anew for a list that `is_new`.
    """
    names: Mapping[str, str] = {}
    with suppress(ChannelRefused):  # a firewall may allow orders only
        names = lookups.statuses(shop, seconds=0 if is_new else lookups.STATUSES_SECONDS)
    now, shown = monotonic(), _shown(shop)
    others = (slug for slug in names if slug not in STATUSES and slug not in HIDDEN_STATUSES)
    return ",".join([BINNED, *(slug for slug in others if now >= shown.get(slug, 0))])


def note_shown(shop: WooClient, rows: Iterable[Mapping[str, Any]]) -> None:
    """Remember for a while the statuses that "any" shows; their orders need no second list."""
    found = {str(row.get("status")) for row in rows} - STATUSES.keys()
    if found:
        until = monotonic() + SHOWN_SECONDS
        shop.cache[SHOWN_CACHE] = json.dumps({**_shown(shop), **dict.fromkeys(found, until)})


def _shown(shop: WooClient) -> dict[str, float]:
    """Return until when statuses are known to be shown by "any"."""
    shown: dict[str, float] = json.loads(shop.cache.get(SHOWN_CACHE, "{}"))
    return shown
