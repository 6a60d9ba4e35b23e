"""Finding variations by id, and products by SKU."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from functools import partial
from http import HTTPStatus
from itertools import groupby
from operator import itemgetter
from typing import Any, TypeVar

from bridge.channels.woocommerce.api import PAGE_SIZE, WooClient
from bridge.channels.woocommerce.values import unescape

T = TypeVar("T")

SKU_FIELDS = "id,parent_id,sku,type,status"
NOT_SOLD_ALONE = ("grouped", "external")  # made of other products, or sold elsewhere: no stock of their own
VARIATIONS_ROUTE_CACHE = "woocommerce variations"


def chunks(items: Sequence[T], size: int = PAGE_SIZE) -> list[Sequence[T]]:
    """Return the items in lists of at most this size."""
    return [items[start : start + size] for start in range(0, len(items), size)]


def variations(shop: WooClient, wanted: Sequence[tuple[int, int]], fields: str) -> list[dict[str, Any]]:
    """Return the variations with these (product id, variation id) that exist, with their parents' ids."""
    if not wanted:
        return []
    calls = []
    if has_variations_route(shop):
        for chunk in chunks(wanted):
            calls.append(partial(_rows, shop, "variations", _included([number for _, number in chunk], fields)))
    else:
        for product, of_product in groupby(wanted, itemgetter(0)):
            for numbers in chunks([number for _, number in of_product]):
                calls.append(partial(_variations_of, shop, product, _included(numbers, fields)))
    return [row for rows in shop.read_parallel(calls) for row in rows]


def has_variations_route(shop: WooClient) -> bool:
    """Return whether one call can read variations of several products, as from version 10.3; asked once."""
    if VARIATIONS_ROUTE_CACHE not in shop.cache:
        answer = shop.get("variations", {"per_page": 1, "_fields": "id"}, accept=(HTTPStatus.NOT_FOUND,))
        shop.cache[VARIATIONS_ROUTE_CACHE] = "no" if answer.status == HTTPStatus.NOT_FOUND else "yes"
    return shop.cache[VARIATIONS_ROUTE_CACHE] == "yes"


def _included(numbers: Sequence[int], fields: str) -> dict[str, Any]:
    return {"include": ",".join(map(str, numbers)), "per_page": PAGE_SIZE, "_fields": fields}


def _rows(shop: WooClient, path: str, params: Mapping[str, Any]) -> list[dict[str, Any]]:
    return shop.get(path, params).rows()


def _variations_of(shop: WooClient, product: int, params: Mapping[str, Any]) -> list[dict[str, Any]]:
    # before 10.3 variations do not name their parent
    return [{**row, "parent_id": product} for row in _rows(shop, f"products/{product}/variations", params)]


def by_sku(shop: WooClient, skus: Iterable[str], *, status: str = "any") -> dict[str, list[dict[str, Any]]]:
    """Return the products and variations with these SKUs, by SKU in lower case; SKUs with a comma are not found.

    The status "any" does not include the bin, which is "trash".
    """
    searchable = sorted({sku for sku in skus if sku.strip() and "," not in sku})
    query = {"status": status, "per_page": PAGE_SIZE, "_fields": SKU_FIELDS}
    calls = [
        partial(_rows, shop, "products", {**query, "sku": ",".join(chunk)})
        for chunk in chunks(searchable, PAGE_SIZE // 2)
    ]
    found: dict[str, list[dict[str, Any]]] = {}
    for rows in shop.read_parallel(calls):
        for row in rows:
            found.setdefault(unescape(row["sku"]).strip().casefold(), []).append(row)
    return found


def shared_skus(shop: WooClient, skus: Sequence[str]) -> set[str]:
    """Return the SKUs that several products have: WooCommerce forbids it, but imports and translations do it."""
    found = by_sku(shop, skus)
    return {sku for sku in skus if len(found.get(sku.casefold(), ())) > 1}
