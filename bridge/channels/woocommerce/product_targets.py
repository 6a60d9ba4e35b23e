"""Which products of the shop a stock level or price of Linnworks is for."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from bridge.channels.woocommerce.api import WooClient
from bridge.channels.woocommerce.product_ids import Target, parse_reference
from bridge.channels.woocommerce.product_lookup import (
    NOT_SOLD_ALONE,
    SkuSearch,
    has_variations_route,
    products,
    search_skus,
    sku_key,
    variations,
)
from bridge.channels.woocommerce.values import unescape
from bridge.errors import ChannelError, ChannelRefused
from bridge.protocol.schemas.products import Price, StockLevel

Row = Mapping[str, Any]
LEVEL_FIELDS = "id,type,manage_stock,stock_quantity"


@dataclass(frozen=True)
class Found:
    """The targets of each row, or the error if there are none; `shown` are products as a search showed them."""

    targets: Sequence[Sequence[Target] | ChannelError]
    shown: dict[Target, Row] = field(default_factory=dict)


def find_targets(shop: WooClient, rows: Sequence[StockLevel | Price], *, same_sku_is_one: bool) -> Found:
    """Return the product of each row, found by its Reference or else by its SKU; or all products with that SKU."""
    named = [parse_reference(row.reference) for row in rows]
    asked = [row.sku for row, target in zip(rows, named, strict=True) if target is None or same_sku_is_one]
    with shop.deadline.limited(shop.deadline.left() / 2):  # what is found must still be sent
        search = search_skus(shop, asked)
        if same_sku_is_one:
            search = _with_renamed(shop, search, rows, named)
    shown: dict[Target, Row] = {
        Target(row["id"]): row for found in search.rows.values() for row in found if row["type"] != "variation"
    }
    found_targets: list[Sequence[Target] | ChannelError] = [
        [target] if target and not same_sku_is_one else _by_sku(search, row.sku, target, same_sku_is_one)
        for row, target in zip(rows, named, strict=True)
    ]
    wrong = _wrong_parents(
        shop,
        {target for targets in found_targets if not isinstance(targets, ChannelError) for target in targets},
        shown,
    )
    return Found(
        [
            targets if isinstance(targets, ChannelError) or not wrong.intersection(targets) else not_found(targets[0])
            for targets in found_targets
        ],
        shown,
    )


def _by_sku(
    search: SkuSearch, sku: str, named: Target | None, same_sku_is_one: bool
) -> Sequence[Target] | ChannelError:
    """Return the products with a SKU, one unless all count; or with the SKU of the product that is named."""
    if named:
        sku = search.skus.get(named, sku)
    key = sku_key(sku)
    if key in search.failed:
        return search.failed[key]
    same = [row for row in search.rows.get(key, ()) if sku in (row["sku"].strip(), unescape(row["sku"]).strip())]
    sold = [row for row in same if not type_problem(row["type"])]
    found = [_target(row) for row in sold]
    is_gone = named not in search.skus and all(_target(row) != named for row in same)
    if named and named not in found and not (found and is_gone):
        return [named]  # it says itself what is wrong with it
    if len(found) > 1 and not same_sku_is_one:
        return ChannelRefused(f"The shop has several products {sku}: give each a SKU of its own")
    if found:
        return found
    return ChannelRefused(type_problem(same[0]["type"]) if same else f"The shop has no product {sku}")


def _with_renamed(
    shop: WooClient, search: SkuSearch, rows: Sequence[StockLevel | Price], named: Sequence[Target | None]
) -> SkuSearch:
    """Return a search with the products that share a SKU with a named one whose SKU Linnworks knows otherwise."""
    known = {_target(row) for found in search.rows.values() for row in found}
    others = sorted({target for target in named if target and target not in known}, key=lambda target: target.id)
    if not others:
        return search
    shown = current_rows(shop, others, "id,sku")
    skus = {target: unescape(row["sku"]).strip() for target, row in shown.items()}
    more = search_skus(shop, [sku for sku in skus.values() if sku])
    return SkuSearch({**search.rows, **more.rows}, {**search.failed, **more.failed}, skus)


def current_rows(shop: WooClient, targets: Sequence[Target], fields: str) -> dict[Target, Row]:
    """Return products and variations as they are now; those that do not exist are missing."""
    wanted = sorted((target.product, target.variation) for target in targets if target.variation)
    found: dict[Target, Row] = {
        Target(row["parent_id"], row["id"]): row for row in variations(shop, wanted, f"parent_id,{fields}")
    }
    numbers = [target.id for target in targets if not target.variation]
    return found | {Target(row["id"]): row for row in products(shop, numbers, fields)}


def _target(row: Row) -> Target:
    return Target(row["parent_id"], row["id"]) if row["type"] == "variation" else Target(row["id"])


def _wrong_parents(shop: WooClient, targets: Iterable[Target], shown: dict[Target, Row]) -> set[Target]:
    """Return variations that do not belong to their products, if this version does not check that itself.

    Those that do are added to `shown`.
    """
    of_variations = {target for target in targets if target.variation}
    if not of_variations or has_variations_route(shop):
        return set()
    found = current_rows(shop, list(of_variations), LEVEL_FIELDS)
    shown |= found
    return of_variations - found.keys()


def not_found(target: Target) -> ChannelRefused:
    """Return the error for a product that the shop does not have."""
    product = f"product {target.product}"
    what = f"variation {target.variation} of {product}" if target.variation else product
    return ChannelRefused(f"The shop has no {what}")


def type_problem(product_type: str) -> str:
    """Return why products of a type take neither stock nor prices; "" if they do."""
    if product_type.startswith("variable"):
        return "It has variations, which have stock and prices"
    return f"WooCommerce keeps no stock of {product_type} products" if product_type in NOT_SOLD_ALONE else ""
