"""What in a shop's catalogue keeps products out of Linnworks, or their stock from being set."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from bridge.channels.woocommerce.catalogue import Entry


@dataclass(frozen=True)
class Finding:
    """A product with something the matter; one that is `left_out` does not come to Linnworks at all."""

    product: int
    variation: int
    sku: str
    title: str
    words: str
    left_out: bool


def findings(entries: Iterable[Entry], manage_stock: bool) -> Iterator[Finding]:
    """All that is the matter with a whole catalogue, where levels from Linnworks switch stock management on or not."""
    by_sku: dict[str, list[Entry]] = defaultdict(list)
    for entry in entries:
        if not entry.sku:
            yield _finding(entry, "It has no SKU: give it one", left_out=True)
        elif entry.inherited:
            words = f"It has no SKU of its own and shows its parent's, {entry.sku}: give it one"
            yield _finding(entry, words, left_out=True)
        else:
            by_sku[entry.sku.casefold()].append(entry)
    for same in by_sku.values():
        for entry in same:
            if len(same) > 1:
                others = ", ".join(str(other.target.id) for other in same if other is not entry)
                yield _finding(entry, f"Product {others} has this SKU too: change one of them", left_out=True)
            elif entry.row["manage_stock"] is not True:
                yield _finding(entry, _uncounted(entry, manage_stock), left_out=False)


def _uncounted(entry: Entry, manage_stock: bool) -> str:
    stock = "Its stock is its parent's" if entry.counted else "Its stock is not counted, so its quantity comes as 0"
    then = (
        "a level from Linnworks has WooCommerce count it"
        if manage_stock
        else "a level from Linnworks is refused, as the settings say"
    )
    return f"{stock}; {then}"


def _finding(entry: Entry, words: str, *, left_out: bool) -> Finding:
    return Finding(entry.target.product, entry.target.variation, entry.sku, entry.title, words, left_out)
