"""The order statuses of a shop that its own "any" leaves out."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Mapping
from contextlib import suppress
from http import HTTPStatus
from typing import Any

from bridge.channels.woocommerce import lookups
from bridge.channels.woocommerce.api import WooClient
from bridge.channels.woocommerce.preferences import Preferences
from bridge.channels.woocommerce.refusals import Blocked
from bridge.channels.woocommerce.wizard import HIDDEN_STATUSES, IGNORED, STATUSES
from bridge.clock import monotonic
from bridge.errors import ChannelError, ChannelRefused

ANY, BINNED = "any", "trash"
SHOWN_CACHE = "woocommerce statuses in any"
SHOWN_SECONDS = 600  # longer than a run takes
PLACEHOLDERS = "shop_order_placehold"
ORDER_TYPES = ("shop_order", "shop_order_refund", PLACEHOLDERS)
"""How WordPress counts orders, refunds and subscriptions: as posts, or as placeholders of HPOS."""
ORPHANS = (
    "its plugin was deactivated, and from version 10.4 on WooCommerce leaves such orders out of its lists; activate "
    "the plugin, or give them another status"
)


def beside_any(shop: WooClient, *, is_new: bool) -> str:
    """Return the statuses to ask for besides "any": the bin, and those of plugins that "any" was not seen to show.

    A plugin may hide its status from searches, and then WooCommerce leaves its orders out of "any". Which statuses
    there are is asked anew for a list that `is_new`.
    """
    names: Mapping[str, str] = {}
    with suppress(ChannelRefused, Blocked):  # a firewall may allow orders only
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


def uncovered(shop: WooClient, preferences: Preferences) -> Iterator[str]:
    """Yield what keeps orders of some statuses out of Linnworks, or was never asked in the wizard."""
    names = lookups.statuses(shop)
    for slug, name in names.items():
        meaning = preferences.status_meanings.get(slug)
        if meaning is None and slug not in HIDDEN_STATUSES:
            yield (
                f"The wizard did not ask about the status {name} ({slug}): orders with it are paid where WooCommerce "
                "knows a payment date, else not paid yet; open the settings in Linnworks and choose"
            )
        elif meaning == IGNORED:
            yield f"Orders with the status {name} ({slug}) are left out, as chosen in the settings"
    gone = [slug for slug in preferences.status_meanings if slug not in names and slug not in STATUSES]
    for slug in gone:
        yield f"The shop no longer has the status {slug}: {ORPHANS}"
    orders = 0 if gone else _orders_without_status(shop)
    if orders:
        yield f"{orders} orders seem to have a status that the shop no longer has: {ORPHANS}"


def _orders_without_status(shop: WooClient) -> int:
    """Return how many orders in HPOS have a status that WooCommerce does not know; 0 if that cannot be found out."""

    def total(path: str, **query: Any) -> int:
        answer = shop.get(path, {**query, "per_page": 1, "_fields": "id"}, accept=(HTTPStatus.NOT_FOUND,))
        return 0 if answer.status == HTTPStatus.NOT_FOUND else int(answer.headers["X-WP-Total"])

    with suppress(ChannelError, KeyError, ValueError, TypeError):
        counts = {
            row["type"]: int(row["count"])
            for row in shop.get("system_status", {"_fields": "post_type_counts"}).object()["post_type_counts"]
        }
        if PLACEHOLDERS not in counts:
            return 0
        known = sum(int(row["total"]) for row in shop.read_list("reports/orders/totals"))
        others = [total("orders", status=status) for status in (BINNED, "auto-draft")]
        others += [total("refunds"), total("subscriptions")]
        return max(0, sum(counts.get(name, 0) for name in ORDER_TYPES) - known - sum(others))
    return 0
