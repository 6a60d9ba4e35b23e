"""Stock levels and prices sent to WooCommerce, as many products in a call as the shop takes in time.

WooCommerce ignores mistakes without an error: a batch takes an invalid number as zero, drops a sale price above the
regular one, ignores the price of a product with variations, and before version 10.3 moves a variation to the product it
is sent for. So values and ids are checked before they are sent, and the values that the shop returns are checked after.
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
from bridge.channels.helpers.pace import Pace
from bridge.channels.woocommerce.api import WooClient
from bridge.channels.woocommerce.preferences import Preferences
from bridge.channels.woocommerce.product_ids import Target, parse_reference
from bridge.channels.woocommerce.product_lookup import (
    NOT_SOLD_ALONE,
    by_sku,
    chunks,
    has_variations_route,
    variations,
)
from bridge.channels.woocommerce.refusals import error_message
from bridge.channels.woocommerce.values import money, unescape
from bridge.errors import ChannelError, ChannelRefused
from bridge.protocol.schemas.products import Price, StockLevel

RETURNED_FIELDS = "id,type,manage_stock,stock_quantity,regular_price,sale_price"
"""The fields returned for a product: all fields take ten times as long. Variations return all of them anyway."""
UNKNOWN_ID = (
    "woocommerce_rest_product_invalid_id",
    "woocommerce_rest_product_variation_invalid_id",
    "woocommerce_rest_invalid_product_id",  # a variation was sent as a product
)
BATCH_SIZE = 50
"""The largest batch. WooCommerce takes a hundred entries; smaller batches lose less if time runs out."""
SIZE_CACHE = "woocommerce products in a batch"
NO_RESULTS = "The shop did not return a result for each product"

Row = Mapping[str, Any]
Check = Callable[[Row], str]
"""Returns why a product, as the shop returned it, does not have the value that was sent; "" if it has."""


@dataclass(frozen=True)
class FieldUpdate:
    """One row of an update: the product, or why there is none, and the value of one of its fields."""

    target: Target | ChannelError
    field: str
    value: Any
    check: Check


@dataclass
class ProductUpdate:
    """All values sent for one product, with their checks, by field."""

    target: Target
    values: dict[str, Any]
    checks: dict[str, Check]


def set_stock(shop: WooClient, levels: Sequence[StockLevel], preferences: Preferences) -> list[Outcome]:
    """Set levels; stock management of a product is switched on if the seller chose that, otherwise it is required."""
    updates = [
        FieldUpdate(target, "stock_quantity", level.quantity, partial(_check_stock, level.quantity))
        for level, target in zip(levels, _targets(shop, levels), strict=True)
    ]
    return _run(shop, updates, {"manage_stock": True} if preferences.manage_stock else {})


def _check_stock(quantity: int, row: Row) -> str:
    if row.get("manage_stock") is not True:
        where = "manages its stock on its parent" if row.get("manage_stock") else "does not manage its stock"
        return f"WooCommerce {where}: switch on stock management for this product, or in the bridge's settings"
    if money(row.get("stock_quantity")) != quantity:
        return f"WooCommerce shows the level {row.get('stock_quantity')} after it was set to {quantity}"
    return ""


def set_prices(shop: WooClient, prices: Sequence[Price], preferences: Preferences) -> list[Outcome]:
    """Set regular and sale prices by their tags; a sale price of zero ends the sale."""
    updates = []
    for price, found in zip(prices, _targets(shop, prices), strict=True):
        target, field = found, preferences.price_fields.get(price.tag, "")
        if not field:
            target = ChannelRefused(
                f"No price of the shop is set by {f'the tag {price.tag}' if price.tag else 'no tag'}"
            )
        updates.append(
            FieldUpdate(target, field, price_text(field, price.price), partial(_check_price, field, price.price))
        )
    return _run(shop, updates, {})


def price_text(field: str, value: Decimal) -> str:
    """Return a price as WooCommerce takes it: digits with at least two decimals, "" for a sale price of zero."""
    if field == "sale_price" and not value:
        return ""
    exponent = value.normalize().as_tuple().exponent
    return format(value.quantize(Decimal(1).scaleb(min(-2, int(exponent)))), "f")


def _check_price(field: str, value: Decimal, row: Row) -> str:
    if money(row.get(field)) == value and (row.get(field) or field == "sale_price"):
        return ""
    if field == "sale_price":
        return f"WooCommerce takes no sale price of {value} with the regular price {row.get('regular_price')}"
    return f"WooCommerce shows the price {row.get(field) or '(none)'} after it was set to {value}"


# -- targets ---------------------------------------------------------------------------------------------


def _targets(shop: WooClient, rows: Sequence[StockLevel | Price]) -> list[Target | ChannelError]:
    """Return the product of each row, found by its Reference or else by its SKU, or the error if there is none."""
    targets = [parse_reference(row.reference) for row in rows]
    unnamed = [row.sku for row, target in zip(rows, targets, strict=True) if target is None]
    known = by_sku(shop, unnamed) if unnamed else {}
    return [target or _by_sku(row.sku, known) for row, target in zip(rows, targets, strict=True)]


def _by_sku(sku: str, known: Mapping[str, Sequence[Row]]) -> Target | ChannelError:
    same = [row for row in known.get(sku.casefold(), ()) if unescape(row["sku"]).strip() == sku]
    if len(same) > 1:
        return ChannelRefused(f"The shop has several products {sku}: give each a SKU of its own")
    if not same and "," in sku:
        return ChannelRefused(f"WooCommerce cannot find {sku} because of its comma: map the product again")
    if not same:
        return ChannelRefused(f"The shop has no product {sku}")
    row = same[0]
    if problem := _type_problem(row["type"]):
        return ChannelRefused(problem)
    return Target(row["parent_id"], row["id"]) if row["type"] == "variation" else Target(row["id"])


def _wrong_parents(shop: WooClient, targets: Iterable[Target]) -> set[Target]:
    """Return variations that do not belong to their products, if this version does not check that itself."""
    of_variations = {target for target in targets if target.variation}
    if not of_variations or has_variations_route(shop):
        return set()
    rows = variations(shop, sorted((target.product, target.variation) for target in of_variations), "id")
    return of_variations - {Target(row["parent_id"], row["id"]) for row in rows}


def _not_found(target: Target) -> str:
    product = f"product {target.product}"
    return f"The shop has no {f'variation {target.variation} of {product}' if target.variation else product}"


def _type_problem(product_type: str) -> str:
    """Return why products of a type take neither stock nor prices; "" if they do."""
    if product_type.startswith("variable"):
        return "It has variations, which have stock and prices"
    return f"WooCommerce keeps no stock of {product_type} products" if product_type in NOT_SOLD_ALONE else ""


# -- sending -------------------------------------------------------------------------------------------


def _run(shop: WooClient, updates: Sequence[FieldUpdate], always: Mapping[str, Any]) -> list[Outcome]:
    """Send the updates, with the values `always` for each product; return their outcomes in order.

    Of several updates of the same field of a product the last one counts, and its outcome is that of all.
    """
    wrong = _wrong_parents(shop, [update.target for update in updates if isinstance(update.target, Target)])
    products: dict[Target, ProductUpdate] = {}
    outcomes: dict[tuple[Target, str], Outcome] = {}
    for update in updates:
        if isinstance(update.target, Target) and update.target in wrong:
            outcomes[update.target, update.field] = ChannelRefused(_not_found(update.target))
        elif isinstance(update.target, Target):
            product = products.pop(update.target, None) or ProductUpdate(update.target, dict(always), {})
            products[update.target] = product
            product.values[update.field] = update.value
            product.checks[update.field] = update.check
    pace = Pace(shop.cache, SIZE_CACHE, limit=BATCH_SIZE)
    batches = _batches(list(products.values()), pace.size)
    results = shop.run_parallel(
        [pace.timed(partial(_send, shop, path, chunk), len(chunk), shop.deadline) for path, chunk in batches]
    )
    for (_, chunk), result in zip(batches, results, strict=True):
        for position, product in enumerate(chunk):
            for field in product.checks:
                outcome = result if isinstance(result, ChannelError) else result[position][field]
                outcomes[product.target, field] = outcome

    return [
        outcomes[update.target, update.field] if isinstance(update.target, Target) else update.target
        for update in updates
    ]


def _batches(updates: Sequence[ProductUpdate], size: int) -> list[tuple[str, Sequence[ProductUpdate]]]:
    """Return the paths and contents of the calls: products together, variations product by product."""
    products = [update for update in updates if not update.target.variation]
    batches = [("products/batch", chunk) for chunk in chunks(products, size)]
    by_product = attrgetter("target.product")
    of_variations = sorted((update for update in updates if update.target.variation), key=by_product)
    for product, children in groupby(of_variations, by_product):
        path = f"products/{product}/variations/batch"
        batches += [(path, chunk) for chunk in chunks(list(children), size)]
    return batches


def _send(shop: WooClient, path: str, updates: Sequence[ProductUpdate]) -> list[dict[str, Outcome]]:
    """Send one batch and return the outcomes of each entry by field."""
    entries = [{"id": update.target.id, **update.values, "_fields": RETURNED_FIELDS} for update in updates]
    answer = shop.post(path, {"update": entries})
    rows = answer.object().get("update")
    if not isinstance(rows, list) or len(rows) != len(updates):
        raise answer.unusable(NO_RESULTS)
    outcomes: list[dict[str, Outcome]] = []
    for update, row in zip(updates, rows, strict=True):
        if not isinstance(row, dict) or row.get("id") != update.target.id:
            raise answer.unusable(NO_RESULTS)
        problem = _entry_problem(update.target, row) or _type_problem(str(row.get("type", "")))
        problems = {field: problem or check(row) for field, check in update.checks.items()}
        outcomes.append({field: ChannelRefused(text) if text else None for field, text in problems.items()})
    return outcomes


def _entry_problem(target: Target, row: Row) -> str:
    """Return why the shop refused an entry; "" if it took it."""
    error = row.get("error")
    if isinstance(error, dict) and error.get("code") in UNKNOWN_ID:
        return _not_found(target)
    return f"WooCommerce: {error_message(error)}" if error else ""
