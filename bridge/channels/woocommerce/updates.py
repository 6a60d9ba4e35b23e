"""Stock levels and prices on their way into WooCommerce, a hundred at most in a call.

WooCommerce takes almost anything without a word: a batch makes zero of what is no number, drops a sale price
above the regular one, ignores the stock of a product that is not counted and the price of a variable one. So
values are checked before they go, and what the shop shows afterwards is held against them.
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
from bridge.channels.woocommerce.api import Shop, error_words
from bridge.channels.woocommerce.catalogue import Target, by_sku, chunks, target, variations
from bridge.channels.woocommerce.values import money, plain
from bridge.channels.woocommerce.wizard import Preferences
from bridge.errors import ChannelError, ChannelRefused
from bridge.messages.products import Price, StockLevel

IN_A_CALL = 50
"""Entries of a batch. WooCommerce takes a hundred, for up to two seconds; halves keep all its processes busy."""
SHOWN = "id,type,manage_stock,stock_quantity,regular_price,sale_price"
"""What a product's entry is answered with: the rest costs a tenth of the time. Variations heed no such wish."""
MOST_STOCK = 2**31 - 1


@dataclass(frozen=True)
class Change:
    """New values of a product's fields, and what is wrong with what the shop shows after it has taken them."""

    target: Target
    fields: Mapping[str, Any]
    fault: Callable[[Mapping[str, Any]], str]


def set_stock(shop: Shop, levels: Sequence[StockLevel], wishes: Preferences) -> list[Outcome]:
    """Set levels; a product whose stock is not counted is counted from then on, or refused, as the seller wishes."""
    found = _targets(shop, levels)
    changes: dict[Target, Change] = {}
    outcomes: list[Outcome] = []
    for level, aim in zip(levels, found, strict=True):
        fault = None if 0 <= level.quantity <= MOST_STOCK else f"The quantity of {level.sku} cannot be set"
        outcomes.append(aim if isinstance(aim, ChannelError) else ChannelRefused(fault) if fault else None)
        if outcomes[-1] is None and isinstance(aim, Target):
            fields = {"stock_quantity": level.quantity, **({"manage_stock": True} if wishes.manage_stock else {})}
            changes.pop(aim, None)  # of several levels for one product the last counts
            changes[aim] = Change(aim, fields, partial(_stock_fault, level.quantity))
    return _done(shop, changes, found, outcomes)


def _stock_fault(quantity: int, row: Mapping[str, Any]) -> str:
    if row.get("manage_stock") is not True:
        where = "counts it on its parent" if row.get("manage_stock") else "does not count it"
        return f"WooCommerce {where}: switch on stock management for this product, or in the bridge's settings"
    if money(row.get("stock_quantity")) != quantity:
        return f"WooCommerce shows the level {row.get('stock_quantity')} after it was set to {quantity}"
    return ""


def set_prices(shop: Shop, prices: Sequence[Price], wishes: Preferences) -> list[Outcome]:
    """Set regular and sale prices by their tags; a sale price of zero ends the sale."""
    found = _targets(shop, prices)
    values: dict[Target, dict[str, Decimal]] = {}
    outcomes: list[Outcome] = []
    for price, aim in zip(prices, found, strict=True):
        field = wishes.price_fields.get(price.tag)
        fault = ""
        if field is None:
            fault = f"No price of the shop is set by the tag {price.tag or 'of normal prices, which is none'}"
        elif price.price < 0:
            fault = f"The price of {price.sku} is below zero"
        outcomes.append(aim if isinstance(aim, ChannelError) else ChannelRefused(fault) if fault else None)
        if outcomes[-1] is None and isinstance(aim, Target) and field:
            values.setdefault(aim, {})[field] = price.price
    changes = {
        aim: Change(
            aim, {field: price_text(field, value) for field, value in wanted.items()}, partial(_price_fault, wanted)
        )
        for aim, wanted in values.items()
    }
    return _done(shop, changes, found, outcomes)


def price_text(field: str, value: Decimal) -> str:
    """A price as WooCommerce takes it: plain digits, at least two behind the point; no sale price for zero."""
    if field == "sale_price" and not value:
        return ""
    exponent = value.normalize().as_tuple().exponent
    return format(value.quantize(Decimal(1).scaleb(min(-2, int(exponent)))), "f")


def _price_fault(wanted: Mapping[str, Decimal], row: Mapping[str, Any]) -> str:
    if str(row.get("type", "")).startswith("variable"):
        return "It has variations, which have the prices"
    for field, value in wanted.items():
        if money(row.get(field)) != value:
            if field == "sale_price":
                return f"WooCommerce takes no sale price of {value} beside the regular price {row.get('regular_price')}"
            return f"WooCommerce shows the price {row.get(field)} after it was set to {value}"
    return ""


# -- which product is meant ------------------------------------------------------------------------------


def _targets(shop: Shop, rows: Sequence[StockLevel | Price]) -> list[Target | ChannelError]:
    """What each row means: by its Reference, or where it has none of ours by its SKU; else why it means nothing."""
    aims = [target(row.reference) for row in rows]
    unnamed = [row.sku for row, aim in zip(rows, aims, strict=True) if aim is None]
    known = by_sku(shop, unnamed) if unnamed else {}
    named = [aim or _of_sku(row.sku, known) for row, aim in zip(rows, aims, strict=True)]
    real = _families(shop, [aim for aim in named if isinstance(aim, Target) and aim.variation])
    return [
        ChannelRefused(f"The shop has no variation {aim.variation} of product {aim.product}")
        if isinstance(aim, Target) and aim.variation and aim not in real
        else aim
        for aim in named
    ]


def _of_sku(sku: str, known: Mapping[str, Sequence[Mapping[str, Any]]]) -> Target | ChannelError:
    same = [row for row in known.get(sku.casefold(), ()) if plain(row["sku"]).strip() == sku]
    if len(same) > 1:
        return ChannelRefused(f"The shop has several products {sku}: give each a SKU of its own")
    if not same:
        return ChannelRefused(f"The shop has no product {sku}")
    row = same[0]
    return Target(row["parent_id"], row["id"]) if row["type"] == "variation" else Target(row["id"])


def _families(shop: Shop, aims: Iterable[Target]) -> set[Target]:
    """Those of the variations that belong to their products: WooCommerce before 10 would move the others there."""
    wanted = sorted({(aim.product, aim.variation) for aim in aims})
    found = variations(shop, wanted, "id,parent_id")
    return {Target(row["parent_id"], row["id"]) for rows in found for row in rows}


# -- sending -------------------------------------------------------------------------------------------


def _done(
    shop: Shop, changes: Mapping[Target, Change], found: Sequence[Target | ChannelError], outcomes: Sequence[Outcome]
) -> list[Outcome]:
    """Send the changes; what came of each row, those with a fault already left as they are."""
    batches: list[tuple[str, Sequence[Change]]] = []
    simple = [change for change in changes.values() if not change.target.variation]
    varied = sorted(
        (change for change in changes.values() if change.target.variation), key=attrgetter("target.product")
    )
    batches += [("products/batch", chunk) for chunk in chunks(simple, IN_A_CALL)]
    for product, children in groupby(varied, attrgetter("target.product")):
        path = f"products/{product}/variations/batch"
        batches += [(path, chunk) for chunk in chunks(list(children), IN_A_CALL)]
    results = shop.attempts([partial(_send, shop, path, chunk) for path, chunk in batches])
    came: dict[Target, Outcome] = {}
    for (_, chunk), result in zip(batches, results, strict=True):
        errors = [result] * len(chunk) if isinstance(result, ChannelError) else result
        came |= {change.target: error for change, error in zip(chunk, errors, strict=True)}
    return [
        came.get(aim) if outcome is None and isinstance(aim, Target) else outcome
        for aim, outcome in zip(found, outcomes, strict=True)
    ]


def _send(shop: Shop, path: str, changes: Sequence[Change]) -> list[Outcome]:
    """One batch; an outcome for each of its entries, which the shop answers in their order."""
    entries = [{"id": change.target.id, **change.fields, "_fields": SHOWN} for change in changes]
    answer = shop.post(path, {"update": entries})
    rows = answer.object().get("update")
    if not isinstance(rows, list) or len(rows) != len(changes):
        raise answer.unusable("The shop did not say what became of each product")
    outcomes: list[Outcome] = []
    for change, row in zip(changes, rows, strict=True):
        if not isinstance(row, dict) or row.get("id") != change.target.id:
            raise answer.unusable("The shop did not say what became of each product")
        error = error_words(row.get("error"))
        fault = f"WooCommerce: {error}" if error else change.fault(row)
        outcomes.append(ChannelRefused(fault) if fault else None)
    return outcomes
