"""The catalogue of a WooCommerce shop, read page by page, as products of Linnworks.

A product or variation without a SKU of its own is left out, and so are those that share a SKU unless the seller wants
them treated as one: `linnworks-bridge woocommerce doctor` lists these.
"""

from __future__ import annotations

import logging
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

from bridge.channels.base import Page
from bridge.channels.helpers.offsets import Position
from bridge.channels.helpers.pace import read_paced
from bridge.channels.helpers.rows import readable
from bridge.channels.woocommerce.api import PAGE_SIZE, WooClient
from bridge.channels.woocommerce.preferences import Preferences
from bridge.channels.woocommerce.product_ids import Target
from bridge.channels.woocommerce.product_lookup import (
    MOST_SKUS,
    NOT_SOLD_ALONE,
    by_sku,
    products,
    shared_skus,
    sku_key,
    straighten_product,
    variations,
)
from bridge.channels.woocommerce.product_targets import type_problem
from bridge.channels.woocommerce.values import listed, money, row_id, unescape
from bridge.protocol.schemas.products import Product

FIELDS = (
    "id,parent_id,name,type,status,sku,price,regular_price,manage_stock,stock_quantity,stock_status,"
    "variations,attributes"
)
PUBLISHED, ALL_STATUSES = ("publish",), ("publish", "private", "draft", "pending", "future")
log = logging.getLogger(__name__)

SIZE_CACHE = "woocommerce products at once"
MOST_VARIATIONS, MOST_PARENTS = 500, 40  # in one page: the slowest shop reads these in time


@dataclass(frozen=True)
class CatalogueItem:
    """A product without variations, or a variation with its parent."""

    row: Mapping[str, Any]
    parent: Mapping[str, Any] | None = None

    @property
    def target(self) -> Target:
        return Target(self.parent["id"], self.row["id"]) if self.parent else Target(self.row["id"])

    @property
    def sku(self) -> str:
        return unescape(self.row["sku"]).strip()

    @property
    def inherits_sku(self) -> bool:
        """Whether its SKU is its parent's, which WooCommerce shows for a variation that has none."""
        return self.parent is not None and self.sku == unescape(self.parent["sku"]).strip() != ""

    @property
    def title(self) -> str:
        """The product's name, for a variation with its options."""
        if self.parent is None:
            return unescape(self.row.get("name"))
        attributes = (entry for entry in listed(self.row.get("attributes")) if isinstance(entry, dict))
        options = filter(None, (unescape(entry.get("option")) for entry in attributes))
        return " - ".join(filter(None, (unescape(self.parent.get("name")), ", ".join(options))))

    @property
    def stock_managed(self) -> bool:
        """Whether WooCommerce manages its stock, on the item itself or on its parent."""
        return bool(self.row.get("manage_stock"))


def product(item: CatalogueItem) -> Product:
    """Return an item as a product; the quantity is 0 if stock is not managed or backorders took it below zero."""
    row = item.row
    stock = money(row["stock_quantity"]) if item.stock_managed else Decimal(0)
    return Product(
        sku=item.sku,
        title=item.title or item.sku,
        quantity=max(0, int(stock)),
        price=max(Decimal(0), money(row["regular_price"] or row["price"])),
        reference=item.target.reference,
    )


def _name(item: CatalogueItem) -> str:
    return f"Product {item.row['id']}"


def page(shop: WooClient, cursor: str | None, preferences: Preferences) -> Page[Product]:
    """Return the products after a cursor, with unpublished ones if the seller wants them."""

    def read_some(cursor: str | None, size: int) -> Page[Product]:
        items, next_cursor = read(shop, cursor, preferences.hidden_products, size)
        found = readable(items, lambda item: (product(item), item), _name)
        named = [(one, item) for one, item in found if one.sku and not item.inherits_sku]
        if preferences.same_sku_is_one:
            chosen = _first_of_each_sku(shop, [item for _, item in named], preferences.hidden_products)
            return Page([one for one, item in named if item.row["id"] in chosen], next_cursor)
        uses = Counter(one.sku.casefold() for one, _ in found)
        unique = [(one, item) for one, item in named if uses[one.sku.casefold()] == 1]
        shared = shared_skus(shop, {one.sku: item.row["id"] for one, item in unique})
        return Page([one for one, _ in unique if one.sku not in shared], next_cursor)

    return read_paced(read_some, cursor, limit=_limit(), deadline=shop.deadline, cache=shop.cache, key=SIZE_CACHE)


def _first_of_each_sku(shop: WooClient, items: Sequence[CatalogueItem], hidden: bool) -> set[int]:
    """Return the ids of the items that stand for their SKU: the oldest product that has it and comes to Linnworks."""
    statuses = ALL_STATUSES if hidden else PUBLISHED
    found = by_sku(shop, [item.sku for item in items])
    rows = [row for same in found.values() for row in same if row["status"] in statuses]
    rows = [row for row in rows if not type_problem(row["type"])]
    parents = {row["parent_id"] for row in rows if row["type"] == "variation"}
    listed = {item.parent["id"] for item in items if item.parent}
    listed |= {row["id"] for row in products(shop, sorted(parents - listed), "id,status") if row["status"] in statuses}
    first: dict[str, int] = {}
    for row in rows:
        if row["type"] != "variation" or row["parent_id"] in listed:
            key = sku_key(row["sku"])
            first[key] = min(row["id"], first.get(key, row["id"]))
    return {item.row["id"] for item in items if first.get(sku_key(item.sku), item.row["id"]) == item.row["id"]}


def read(
    shop: WooClient, cursor: str | None, hidden: bool, size: int = PAGE_SIZE
) -> tuple[list[CatalogueItem], str | None]:
    """Return the items after a cursor, of so many products at most, and the next cursor.

    A product with many variations may be split over several pages: the cursor then names it and the last
    variation that was read.
    """
    position, split, last_variation = _parse_cursor(cursor)
    statuses = ALL_STATUSES if hidden else PUBLISHED
    found = shop.read_after(
        "products", {"status": "any" if hidden else PUBLISHED[0], "_fields": FIELDS}, position, size
    )
    chosen: list[tuple[Mapping[str, Any], list[int]]] = []
    share = min(1, size / _limit())  # a shop that is asked for few products is asked for few variations too
    room, most_parents = max(1, int(MOST_VARIATIONS * share)), max(1, int(MOST_PARENTS * share))
    next_cursor = _cursor(found.next_position) if found.next_position else None
    for offset, shown in enumerate(found.rows, found.first_offset):
        if not row_id(shown):
            log.error("A product at offset %d cannot be read", offset)
            continue
        row = straighten_product(shown)
        own = filter(None, (row_id({"id": number}) for number in listed(row.get("variations"))))
        unread = sorted(number for number in own if row["id"] != split or number > last_variation)
        parents = sum(1 for _, numbers in chosen if numbers)
        if unread and chosen and (len(unread) > room or parents == most_parents):
            next_cursor = _cursor(position)
            break
        chosen.append((row, unread[:room]))
        if len(unread) > room:
            next_cursor = _cursor(position, row["id"], unread[room - 1])
            break
        room -= len(unread)
        position = Position(row["id"], offset + 1)
    wanted = [(row["id"], number) for row, numbers in chosen for number in numbers]
    by_id = {row["id"]: row for row in variations(shop, wanted, FIELDS)}
    items: list[CatalogueItem] = []
    for parent, numbers in chosen:
        if numbers:
            items += [CatalogueItem(by_id[number], parent) for number in numbers if number in by_id]
        elif parent["type"] not in NOT_SOLD_ALONE and not parent["type"].startswith("variable"):
            items.append(CatalogueItem(parent))
    return [item for item in items if item.row["status"] in statuses], next_cursor


def _limit() -> int:
    """Return how many products a page may have: so many that one call finds others with the same SKUs."""
    return min(MOST_SKUS, MOST_VARIATIONS)


def _parse_cursor(cursor: str | None) -> tuple[Position, int, int]:
    """Return the last product read completely, and the product after it with its last variation if it was split."""

    numbers = [int(number) for number in cursor.split(".")] if cursor else [0, 0, 0, 0]
    return Position(numbers[0], numbers[1]), numbers[2], numbers[3]


def _cursor(position: Position, split: int = 0, last_variation: int = 0) -> str:
    return f"{position.id}.{position.offset}.{split}.{last_variation}"
