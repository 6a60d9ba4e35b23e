"""Stock levels and prices on their way into WooCommerce, fifty at most in a call.

WooCommerce takes almost anything without a word: a batch makes zero of what is no number, drops a sale price
above the regular one, ignores the price of a product with variations, and before version 10.3 moves a variation to
the product it is named with. So values and ids are checked before they go, and what the shop shows afterwards is
held against them.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal
from functools import partial
from itertools import groupby
from operator import attrgetter
from typing import Any

from bridge.channels.base import Outcome
from bridge.channels.woocommerce.api import WooClient, error_words
from bridge.channels.woocommerce.catalogue import (
    NOT_SOLD_ALONE,
    Target,
    by_sku,
    chunks,
    has_one_route,
    target,
    variations,
)
from bridge.channels.woocommerce.values import money, plain
from bridge.channels.woocommerce.wizard import Preferences
from bridge.errors import ChannelError, ChannelRefused
from bridge.protocol.schemas.products import Price, StockLevel

SHOWN = "id,type,manage_stock,stock_quantity,regular_price,sale_price"
"""What a product's entry is answered with: the rest costs a tenth of the time. Variations heed no such wish."""
NO_SUCH = ("woocommerce_rest_product_invalid_id", "woocommerce_rest_product_variation_invalid_id")
ANOTHER_KIND = "woocommerce_rest_invalid_product_id"  # a variation where a product is named
IN_A_CALL = 50
"""Entries of a batch. WooCommerce takes a hundred; halves lose less where time runs out in the middle."""

Row = Mapping[str, Any]
Fault = Callable[[Row], str]
"""Why a product, as the shop shows it, has not the value that it should have; "" where it has."""


@dataclass(frozen=True)
class Wish:
    """A row of an update: what it sets of which product, or why it cannot."""

    aim: Target | ChannelError
    field: str
    value: Any
    fault: Fault


@dataclass
class Change:
    """What is sent of a product, with the preferences that it is to fulfil by their fields."""

    target: Target
    fields: dict[str, Any]
    faults: dict[str, Fault]


def set_stock(shop: WooClient, levels: Sequence[StockLevel], preferences: Preferences) -> list[Outcome]:
    """Set levels; a product whose stock is not counted is counted from then on, or refused, as the seller prefers."""
    aims = _targets(shop, levels)
    rows = [
        Wish(
            aim if level.quantity >= 0 else ChannelRefused(f"The quantity of {level.sku} cannot be set"),
            "stock_quantity",
            level.quantity,
            partial(_stock_fault, level.quantity),
        )
        for level, aim in zip(levels, aims, strict=True)
    ]
    return _done(shop, rows, {"manage_stock": True} if preferences.manage_stock else {})


def _stock_fault(quantity: int, row: Row) -> str:
    if row.get("manage_stock") is not True:
        where = "counts it on its parent" if row.get("manage_stock") else "does not count it"
        return f"WooCommerce {where}: switch on stock management for this product, or in the bridge's settings"
    if money(row.get("stock_quantity")) != quantity:
        return f"WooCommerce shows the level {row.get('stock_quantity')} after it was set to {quantity}"
    return ""


def set_prices(shop: WooClient, prices: Sequence[Price], preferences: Preferences) -> list[Outcome]:
    """Set regular and sale prices by their tags; a sale price of zero ends the sale."""
    aims = _targets(shop, prices)
    rows = []
    for price, found in zip(prices, aims, strict=True):
        aim, field = found, preferences.price_fields.get(price.tag, "")
        if not field:
            aim = ChannelRefused(f"No price of the shop is set by {f'the tag {price.tag}' if price.tag else 'no tag'}")
        elif price.price < 0:
            aim = ChannelRefused(f"The price of {price.sku} is below zero")
        rows.append(Wish(aim, field, price_text(field, price.price), partial(_price_fault, field, price.price)))
    return _done(shop, rows, {})


def price_text(field: str, value: Decimal) -> str:
    """A price as WooCommerce takes it: plain digits, at least two behind the point; no sale price for zero."""
    if field == "sale_price" and not value:
        return ""
    exponent = value.normalize().as_tuple().exponent
    return format(value.quantize(Decimal(1).scaleb(min(-2, int(exponent)))), "f")


def _price_fault(field: str, value: Decimal, row: Row) -> str:
    if money(row.get(field)) == value and (row.get(field) or field == "sale_price"):
        return ""
    if field == "sale_price":
        return f"WooCommerce takes no sale price of {value} beside the regular price {row.get('regular_price')}"
    return f"WooCommerce shows the price {row.get(field) or '(none)'} after it was set to {value}"


# -- which product is meant ------------------------------------------------------------------------------


def _targets(shop: WooClient, rows: Sequence[StockLevel | Price]) -> list[Target | ChannelError]:
    """What each row means: by its Reference, or where it has none of ours by its SKU; else why it means nothing."""
    aims = [target(row.reference) for row in rows]
    unnamed = [row.sku for row, aim in zip(rows, aims, strict=True) if aim is None]
    known = by_sku(shop, unnamed) if unnamed else {}
    return [aim or _of_sku(row.sku, known) for row, aim in zip(rows, aims, strict=True)]


def _of_sku(sku: str, known: Mapping[str, Sequence[Row]]) -> Target | ChannelError:
    same = [row for row in known.get(sku.casefold(), ()) if plain(row["sku"]).strip() == sku]
    if len(same) > 1:
        return ChannelRefused(f"The shop has several products {sku}: give each a SKU of its own")
    if not same and "," in sku:
        return ChannelRefused(f"WooCommerce cannot look {sku} up because of its comma: map the product again")
    if not same:
        return ChannelRefused(f"The shop has no product {sku}")
    row = same[0]
    if words := _unfit(row["type"]):
        return ChannelRefused(words)
    return Target(row["parent_id"], row["id"]) if row["type"] == "variation" else Target(row["id"])


def _strangers(shop: WooClient, aims: Iterable[Target]) -> set[Target]:
    """The variations that do not belong to their products, as far as WooCommerce would not notice by itself."""
    varied = {aim for aim in aims if aim.variation}
    if not varied or has_one_route(shop):
        return set()
    found = variations(shop, sorted((aim.product, aim.variation) for aim in varied), "id")
    return varied - {Target(row["parent_id"], row["id"]) for rows in found for row in rows}


def _missing(aim: Target) -> str:
    what = f"variation {aim.variation} of product {aim.product}" if aim.variation else f"product {aim.product}"
    return f"The shop has no {what}"


def _unfit(kind: str) -> str:
    """Why nothing can be set of products of a kind; "" where it can."""
    if kind.startswith("variable"):
        return "It has variations, which have stock and prices"
    return f"WooCommerce keeps no stock of {kind} products" if kind in NOT_SOLD_ALONE else ""


# -- sending -------------------------------------------------------------------------------------------


def _done(shop: WooClient, preferences: Sequence[Wish], beside: Mapping[str, Any]) -> list[Outcome]:
    """Fulfil the preferences, of several for one field of a product the last; what came of each, in order."""
    strangers = _strangers(shop, [wish.aim for wish in preferences if isinstance(wish.aim, Target)])
    changes: dict[Target, Change] = {}
    came: dict[tuple[Target, str], Outcome] = {}
    for wish in preferences:
        if isinstance(wish.aim, Target) and wish.aim in strangers:
            came[wish.aim, wish.field] = ChannelRefused(_missing(wish.aim))
        elif isinstance(wish.aim, Target):
            change = changes.pop(wish.aim, None) or Change(wish.aim, dict(beside), {})
            changes[wish.aim] = change
            change.fields[wish.field] = wish.value
            change.faults[wish.field] = wish.fault
    batches = _batches(list(changes.values()))
    results = shop.attempts([partial(_send, shop, path, chunk) for path, chunk in batches])
    for (_, chunk), result in zip(batches, results, strict=True):
        for position, change in enumerate(chunk):
            for field in change.faults:
                failed = isinstance(result, ChannelError)
                came[change.target, field] = result if failed else result[position][field]
    return [came[wish.aim, wish.field] if isinstance(wish.aim, Target) else wish.aim for wish in preferences]


def _batches(changes: Sequence[Change]) -> list[tuple[str, Sequence[Change]]]:
    """The changes as the shop takes them: products together, variations product by product."""
    varied = sorted((change for change in changes if change.target.variation), key=attrgetter("target.product"))
    batches = [
        ("products/batch", chunk) for chunk in chunks([one for one in changes if not one.target.variation], IN_A_CALL)
    ]
    for product, children in groupby(varied, attrgetter("target.product")):
        batches += [(f"products/{product}/variations/batch", chunk) for chunk in chunks(list(children), IN_A_CALL)]
    return batches


def _send(shop: WooClient, path: str, changes: Sequence[Change]) -> list[dict[str, Outcome]]:
    """One batch; for each of its entries, which the shop answers in their order, what came of its fields."""
    entries = [{"id": change.target.id, **change.fields, "_fields": SHOWN} for change in changes]
    answer = shop.post(path, {"update": entries})
    rows = answer.object().get("update")
    if not isinstance(rows, list) or len(rows) != len(changes):
        raise answer.unusable("The shop did not say what became of each product")
    outcomes: list[dict[str, Outcome]] = []
    for change, row in zip(changes, rows, strict=True):
        if not isinstance(row, dict) or row.get("id") != change.target.id:
            raise answer.unusable("The shop did not say what became of each product")
        words = _refusal(change.target, row) or _unfit(str(row.get("type", "")))
        faults = {field: words or fault(row) for field, fault in change.faults.items()}
        outcomes.append({field: ChannelRefused(words) if words else None for field, words in faults.items()})
    return outcomes


def _refusal(aim: Target, row: Row) -> str:
    """Why the shop has refused an entry; "" where it has taken it."""
    error = row.get("error")
    code = error.get("code") if isinstance(error, dict) else ""
    if code in NO_SUCH or code == ANOTHER_KIND:
        return _missing(aim)
    return f"WooCommerce: {error_words(error)}" if error else ""
