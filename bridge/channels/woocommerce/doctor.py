"""Checks of a shop's catalogue: what keeps products out of Linnworks, or their stock from being set."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass

from bridge.channels.woocommerce import WooCommerceChannel
from bridge.channels.woocommerce.catalogue import CatalogueItem, read
from bridge.channels.woocommerce.preferences import Preferences
from bridge.clock import Deadline


@dataclass(frozen=True)
class Finding:
    """A product with a problem; one that is `left_out` does not come to Linnworks at all."""

    product: int
    variation: int
    sku: str
    title: str
    message: str
    left_out: bool


def read_catalogue(channel: WooCommerceChannel, progress: Callable[[int, bool], None]) -> list[CatalogueItem]:
    """Return the whole catalogue; each page gets a full time budget. Calls `progress(items so far, is last)`."""
    items: list[CatalogueItem] = []
    cursor: str | None = None
    more = True
    while more:
        deadline = Deadline(channel.settings.budget_seconds)
        fresh = type(channel)(channel.config, deadline, channel.settings)
        found, cursor = read(fresh.shop, cursor, fresh.preferences.hidden_products)
        items += found
        more = cursor is not None
        progress(len(items), not more)
    return items


def findings(items: Iterable[CatalogueItem], preferences: Preferences) -> Iterator[Finding]:
    """Yield the problems of a catalogue for an integration with these preferences."""
    by_sku: dict[str, list[CatalogueItem]] = defaultdict(list)
    for item in items:
        if not item.sku:
            yield _finding(item, "It has no SKU: give it one", left_out=True)
        elif item.inherits_sku:
            message = f"It has no SKU of its own and shows its parent's, {item.sku}: give it one"
            yield _finding(item, message, left_out=True)
        else:
            by_sku[item.sku.casefold()].append(item)
    for same in by_sku.values():
        for item in same:
            if len(same) > 1 and not preferences.same_sku_is_one:
                others = ", ".join(str(other.target.id) for other in same if other is not item)
                yield _finding(
                    item, f"Product {others} has this SKU too: change one of them, or treat them as one", left_out=True
                )
            elif item.row.get("manage_stock") is not True:
                yield _finding(item, _unmanaged(item, preferences.manage_stock), left_out=False)


def _unmanaged(item: CatalogueItem, manage_stock: bool) -> str:
    stock = (
        "Its stock is managed on its parent"
        if item.stock_managed
        else "Its stock is not managed, so its quantity comes as 0"
    )
    then = (
        "a level from Linnworks switches its stock management on"
        if manage_stock
        else "a level from Linnworks is refused, as chosen in the settings"
    )
    return f"{stock}; {then}"


def _finding(item: CatalogueItem, message: str, *, left_out: bool) -> Finding:
    return Finding(item.target.product, item.target.variation, item.sku, item.title, message, left_out)
