"""WooCommerce's products as Linnworks' products, and the catalogue read page by page.

A product's Reference is made of the ids of the product and, for a variation, of its parent, so that no update
needs a search. What is sold under no SKU of its own, or under one that another product has too, is left out:
`linnworks-bridge woocommerce doctor` lists it.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal
from functools import partial
from http import HTTPStatus
from itertools import groupby
from operator import itemgetter
from typing import Any, TypeVar

from bridge.channels.base import Page
from bridge.channels.woocommerce.api import AT_A_TIME, Mark, WooClient
from bridge.channels.woocommerce.values import money, plain
from bridge.protocol.schemas.products import Product

T = TypeVar("T")

FIELDS = (
    "id,parent_id,name,type,status,sku,price,regular_price,manage_stock,stock_quantity,stock_status,"
    "variations,attributes"
)
SKU_FIELDS = "id,parent_id,sku,type,status"
NOT_SOLD_ALONE = ("grouped", "external")  # made of other products, or sold elsewhere: no stock of their own
PUBLISHED, ALL_STATUSES = ("publish",), ("publish", "private", "draft", "pending", "future")
MOST_VARIATIONS, MOST_PARENTS = 500, 40  # in one page: what the slowest shop reads in time
ONE_ROUTE = "woocommerce variations"
REFERENCE = re.compile(r"wc-([1-9]\d{0,17})(?:-([1-9]\d{0,17}))?", re.ASCII)


@dataclass(frozen=True)
class Target:
    """A product, or one variation of it."""

    product: int
    variation: int = 0

    @property
    def reference(self) -> str:
        """What Linnworks calls it."""
        return f"wc-{self.product}-{self.variation}" if self.variation else f"wc-{self.product}"

    @property
    def id(self) -> int:
        """Its own id."""
        return self.variation or self.product


def target(reference: str) -> Target | None:
    """The product that a Reference of ours names."""
    found = REFERENCE.fullmatch(reference.strip())
    return Target(int(found[1]), int(found[2] or 0)) if found else None


@dataclass(frozen=True)
class Entry:
    """Something that is sold on its own: a product without variations, or a variation with its parent."""

    row: Mapping[str, Any]
    parent: Mapping[str, Any] | None = None

    @property
    def target(self) -> Target:
        return Target(self.parent["id"], self.row["id"]) if self.parent else Target(self.row["id"])

    @property
    def sku(self) -> str:
        return plain(self.row["sku"]).strip()

    @property
    def inherited(self) -> bool:
        """Whether its SKU is its parent's, which WooCommerce shows where a variation has none."""
        return self.parent is not None and self.sku == plain(self.parent["sku"]).strip() != ""

    @property
    def title(self) -> str:
        """The name, of a variation with what makes it one."""
        if self.parent is None:
            return plain(self.row["name"])
        options = [plain(attribute["option"]) for attribute in self.row["attributes"] if attribute.get("option")]
        return " - ".join(filter(None, (plain(self.parent["name"]), ", ".join(options))))

    @property
    def counted(self) -> bool:
        """Whether WooCommerce counts its stock, be it on its parent."""
        return bool(self.row["manage_stock"])


def product(entry: Entry) -> Product:
    """What is sold, with the level that WooCommerce counts: a parent's for each of its variations that share it.

    Zero where nothing is counted, for there is no other number, and where backorders took it below.
    """
    row = entry.row
    counted = money(row["stock_quantity"]) if entry.counted else Decimal(0)
    return Product(
        sku=entry.sku,
        title=entry.title or entry.sku,
        quantity=max(0, int(counted)),
        price=max(Decimal(0), money(row["regular_price"] or row["price"])),
        reference=entry.target.reference,
    )


def page(shop: WooClient, cursor: str | None, hidden: bool) -> Page[Product]:
    """The products after a cursor; those that are not published too where they are wanted."""
    entries, following = read(shop, cursor, hidden)
    taken = Counter(entry.sku.casefold() for entry in entries)
    alone = [entry for entry in entries if entry.sku and not entry.inherited and taken[entry.sku.casefold()] == 1]
    shared = shared_skus(shop, [entry.sku for entry in alone])
    return Page([product(entry) for entry in alone if entry.sku not in shared], following)


def read(shop: WooClient, cursor: str | None, hidden: bool) -> tuple[list[Entry], str | None]:
    """What is sold on its own after a cursor, as many as can be read in time, and the cursor after that."""
    mark, split, done = _place(cursor)
    statuses = ALL_STATUSES if hidden else PUBLISHED
    found = shop.after("products", {"status": "any" if hidden else PUBLISHED[0], "_fields": FIELDS}, mark)
    chosen: list[tuple[Mapping[str, Any], list[int]]] = []
    room, following = MOST_VARIATIONS, _cursor(found.mark) if found.mark else None
    for position, row in enumerate(found.rows, found.first):
        left = sorted(number for number in row["variations"] if row["id"] != split or number > done)
        families = sum(1 for _, numbers in chosen if numbers)
        if left and chosen and (len(left) > room or families == MOST_PARENTS):
            following = _cursor(mark)
            break
        chosen.append((row, left[:room]))
        if len(left) > room:
            following = _cursor(mark, row["id"], left[room - 1])
            break
        room -= len(left)
        mark = Mark(row["id"], position + 1)
    children = _children(shop, [(row["id"], numbers) for row, numbers in chosen])
    entries: list[Entry] = []
    for parent, numbers in chosen:
        if numbers:
            entries += [Entry(children[number], parent) for number in numbers if number in children]
        elif parent["type"] not in NOT_SOLD_ALONE and not parent["type"].startswith("variable"):
            entries.append(Entry(parent))
    return [entry for entry in entries if entry.row["status"] in statuses], following


def _place(cursor: str | None) -> tuple[Mark, int, int]:
    """The last product that was read whole, and of the one after it the variation that was read last."""
    numbers = [int(number) for number in cursor.split(".")] if cursor else [0, 0, 0, 0]
    return Mark(numbers[0], numbers[1]), numbers[2], numbers[3]


def _cursor(mark: Mark, split: int = 0, done: int = 0) -> str:
    return f"{mark.id}.{mark.offset}.{split}.{done}"


def _children(shop: WooClient, families: Sequence[tuple[int, Sequence[int]]]) -> dict[int, Mapping[str, Any]]:
    """Variations by their ids, of all products at once where WooCommerce is new enough for that."""
    wanted = [(product, number) for product, numbers in families for number in numbers]
    return {row["id"]: row for rows in variations(shop, wanted, FIELDS) for row in rows}


def variations(shop: WooClient, wanted: Sequence[tuple[int, int]], fields: str) -> list[list[dict[str, Any]]]:
    """The variations of these products that there are; WooCommerce before 10.3 must be asked product by product."""
    if not wanted:
        return []
    if has_one_route(shop):
        return shop.together(
            [
                partial(
                    _rows,
                    shop,
                    "variations",
                    {"include": ",".join(str(number) for _, number in chunk), "per_page": AT_A_TIME, "_fields": fields},
                )
                for chunk in chunks(wanted)
            ]
        )
    calls = []
    for product, of_product in groupby(wanted, itemgetter(0)):
        for chunk in chunks([number for _, number in of_product]):
            params = {"include": ",".join(map(str, chunk)), "per_page": AT_A_TIME, "_fields": fields}
            calls.append(partial(_children_of, shop, product, params))
    return shop.together(calls)


def has_one_route(shop: WooClient) -> bool:
    """Whether variations of all products can be asked for at once, as from version 10.3 on; found out once."""
    if ONE_ROUTE not in shop.cache:
        answer = shop.get("variations", {"per_page": 1, "_fields": "id"}, accept=(HTTPStatus.NOT_FOUND,))
        shop.cache[ONE_ROUTE] = "no" if answer.status == HTTPStatus.NOT_FOUND else "yes"
    return shop.cache[ONE_ROUTE] == "yes"


def _rows(shop: WooClient, path: str, params: Mapping[str, Any]) -> list[dict[str, Any]]:
    return shop.get(path, params).rows()


def _children_of(shop: WooClient, product: int, params: Mapping[str, Any]) -> list[dict[str, Any]]:
    # older versions do not say whose they are
    return [{**row, "parent_id": product} for row in _rows(shop, f"products/{product}/variations", params)]


def shared_skus(shop: WooClient, skus: Sequence[str]) -> set[str]:
    """Those of the SKUs that several products have: WooCommerce forbids it, imports and translations bring it about."""
    found = by_sku(shop, skus)
    return {sku for sku in skus if len(found.get(sku.casefold(), ())) > 1}


def by_sku(shop: WooClient, skus: Iterable[str]) -> dict[str, list[dict[str, Any]]]:
    """The products and variations with these SKUs, by SKU in lower case; one with a comma cannot be asked for."""
    askable = sorted({sku for sku in skus if sku.strip() and "," not in sku})
    calls = [
        partial(_rows, shop, "products", {"sku": ",".join(chunk), "per_page": AT_A_TIME, "_fields": SKU_FIELDS})
        for chunk in chunks(askable, AT_A_TIME // 2)
    ]
    found: dict[str, list[dict[str, Any]]] = {}
    for rows in shop.together(calls):
        for row in rows:
            found.setdefault(plain(row["sku"]).strip().casefold(), []).append(row)
    return found


def chunks(things: Sequence[T], size: int = AT_A_TIME) -> list[Sequence[T]]:
    """The same things in lists of at most this size."""
    return [things[start : start + size] for start in range(0, len(things), size)]
