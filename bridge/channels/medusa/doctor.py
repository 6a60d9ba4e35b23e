"""Checks of a Medusa shop: what keeps variants out of Linnworks or their stock from being set, and settings gone."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass

from bridge.channels.medusa import MedusaChannel
from bridge.channels.medusa.api import MedusaClient, Row
from bridge.channels.medusa.catalogue import ELSEWHERE, UNPUBLISHED, left_out, next_cursor, normal_price, read, title
from bridge.channels.medusa.preferences import Preferences
from bridge.channels.medusa.prices import currencies
from bridge.channels.medusa.stock import check_location
from bridge.channels.medusa.values import mapping, text
from bridge.channels.medusa.variants import is_counted, is_kit, parts, sku_of
from bridge.clock import Deadline
from bridge.errors import ChannelRefused, CredentialsRefused

MOST_ROWS = 1000  # regions, price lists and sales channels that are compared
ON_PURPOSE = (UNPUBLISHED, ELSEWHERE)


@dataclass(frozen=True)
class Finding:
    """A variant with a problem; one that is `left_out` does not come to Linnworks at all."""

    product: str
    variant: str
    sku: str
    title: str
    message: str
    left_out: bool


def read_catalogue(channel: MedusaChannel, progress: Callable[[int, bool], None]) -> list[Row]:
    """Return all variants; each page gets a full time budget. Calls `progress(variants so far, is last)`."""
    rows: list[Row] = []
    cursor: str | None = None
    more = True
    while more:
        fresh = type(channel)(channel.config, Deadline(channel.settings.budget_seconds), channel.settings)
        page = read(fresh.shop, cursor)
        rows += page.rows
        cursor = next_cursor(page)
        more = cursor is not None
        progress(len(rows), not more)
    return rows


def not_for_sale(rows: Iterable[Row], preferences: Preferences) -> Counter[str]:
    """Return how many variants are left out because of what the seller chose, by the reason."""
    return Counter(reason for row in rows if (reason := left_out(row, preferences)) in ON_PURPOSE)


def findings(rows: Iterable[Row], preferences: Preferences) -> Iterator[Finding]:
    """Yield the problems of the variants that are for sale."""
    by_sku: dict[str, list[Row]] = defaultdict(list)
    for row in rows:
        reason = left_out(row, preferences)
        if reason in ON_PURPOSE:
            continue
        if reason:
            yield _finding(row, reason, left_out=True)
            continue
        by_sku[sku_of(row).casefold()].append(row)
        try:
            problems = list(_problems(row, preferences))
        except Exception:  # what a shop may send is not foreseen
            yield _finding(row, "Its price or stock cannot be read", left_out=True)
            continue
        for message in problems:
            yield _finding(row, message, left_out=False)
    for same in by_sku.values():
        for row in same if len(same) > 1 else ():
            others = ", ".join(sku_of(other) for other in same if other is not row)
            yield _finding(row, f"{others} differs from it in upper and lower case only", left_out=False)


def _problems(row: Row, preferences: Preferences) -> Iterator[str]:
    found = parts(row, preferences.location)
    if not is_counted(row):
        yield f"Its stock is not counted, so its quantity comes as 0; {_then(preferences)}"
    elif not found:
        yield f"It has no inventory item, so its quantity comes as 0; {_then(preferences)}"
    elif is_kit(found):
        yield "It is a kit: its quantity follows from its parts, and a level from Linnworks is refused"
    elif found[0].stocked is None:
        yield "It has no level at the location, so its quantity comes as 0; a level from Linnworks creates it"
    if normal_price(row, preferences) is None:
        yield "It has no price in the currency of products, so its price comes as 0; a price from Linnworks creates it"


def _then(preferences: Preferences) -> str:
    if preferences.manages_stock:
        return "a level from Linnworks has Medusa count it"
    return "a level from Linnworks is refused, as chosen in the settings"


def _finding(row: Row, message: str, *, left_out: bool) -> Finding:
    product = text(row.get("product_id")) or text(mapping(row.get("product")).get("id"))
    return Finding(product, text(row.get("id")), sku_of(row), title(row), message, left_out)


# -- settings ------------------------------------------------------------------------------------------


def gone(shop: MedusaClient, preferences: Preferences) -> Iterator[str]:
    """Yield what the settings name that the shop does not have any more."""
    try:
        check_location(shop, preferences.location)
    except CredentialsRefused:
        raise
    except ChannelRefused as error:
        yield str(error)
    if not set(preferences.sales_channels) <= _ids(shop, "sales-channels", sorted(preferences.sales_channels)):
        yield "A sales channel of the settings is gone: choose the sales channels anew"
    targets = preferences.price_targets
    regions = _ids(shop, "regions", [target.region for target in targets.values()])
    price_lists = _ids(shop, "price-lists", [target.price_list for target in targets.values()])
    supported = currencies(shop)
    for tag, target in targets.items():
        prices = f"prices with the tag {tag}" if tag else "prices without a tag"
        if target.currency not in supported:
            yield f"The shop does not support {target.currency.upper()} any more: {prices} are refused"
        if target.region and target.region not in regions:
            yield f"The region of {prices} is gone: choose another one in the settings"
        if target.price_list and target.price_list not in price_lists:
            yield f"The price list of {prices} is gone: choose another one in the settings"
    if preferences.default_currency not in supported:
        yield f"The shop does not support {preferences.default_currency.upper()}, the currency of products, any more"


def _ids(shop: MedusaClient, path: str, wanted: Sequence[str]) -> set[str]:
    """Return those of these ids that the shop has."""
    ids = sorted({one for one in wanted if one})
    if not ids:
        return set()
    rows = shop.read_list(path, path.replace("-", "_"), {"id[]": ids, "limit": MOST_ROWS, "fields": "id"})
    return {text(row.get("id")) for row in rows}
