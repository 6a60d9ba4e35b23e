"""Finding variations by id, and products by SKU."""

from __future__ import annotations

import html
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import partial
from itertools import groupby
from operator import itemgetter
from typing import Any, TypeVar
from urllib.parse import quote

from bridge.channels.woocommerce.api import PAGE_SIZE, WooClient
from bridge.channels.woocommerce.product_ids import Target
from bridge.channels.woocommerce.values import as_text, row_id, unescape
from bridge.errors import ChannelError

T = TypeVar("T")

SKU_FIELDS = "id,parent_id,sku,type,status,manage_stock,stock_quantity"
MOST_SKUS = PAGE_SIZE - 1  # of a search, one short of a page: a full page may not be all
LONGEST_QUERY = 4_000  # characters; servers take addresses of 8,000, some of less
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
        answer = shop.get_if_open("variations", {"per_page": 1, "_fields": "id"})
        shop.cache[VARIATIONS_ROUTE_CACHE] = "no" if answer is None else "yes"
    return shop.cache[VARIATIONS_ROUTE_CACHE] == "yes"


def _included(numbers: Sequence[int], fields: str) -> dict[str, Any]:
    return {"include": ",".join(map(str, numbers)), "per_page": PAGE_SIZE, "_fields": fields}


def _rows(shop: WooClient, path: str, params: Mapping[str, Any]) -> list[dict[str, Any]]:
    """Return products or variations, without those that have no id."""
    return [straighten_product(row) for row in shop.read_list(path, params) if row_id(row)]


def straighten_product(row: Mapping[str, Any]) -> dict[str, Any]:
    """Return a product or variation that has an id with its ids as numbers, and texts where there should be texts."""
    texts = {name: as_text(row.get(name)) for name in ("sku", "type", "status")}
    return {**row, **texts, "id": row_id(row), "parent_id": row_id({"id": row.get("parent_id")}) or 0}


def _variations_of(shop: WooClient, product: int, params: Mapping[str, Any]) -> list[dict[str, Any]]:
    # before 10.3 variations do not name their parent
    return [{**row, "parent_id": product} for row in _rows(shop, f"products/{product}/variations", params)]


@dataclass(frozen=True)
class SkuSearch:
    """Rows by `sku_key`, the errors of SKUs for which the shop did not answer, and SKUs of products that were read."""

    rows: Mapping[str, Sequence[dict[str, Any]]]
    failed: Mapping[str, ChannelError] = field(default_factory=dict)
    skus: Mapping[Target, str] = field(default_factory=dict)


def sku_key(sku: str) -> str:
    """Return the form in which SKUs are compared, also those that an import has stored escaped for HTML."""
    return unescape(sku).strip().casefold()


def search_skus(
    shop: WooClient, skus: Iterable[str], *, status: str = "any", without: Collection[int] = ()
) -> SkuSearch:
    """Return the products and variations with these SKUs, `without` those that have these ids.

    WooCommerce takes a comma for the end of a SKU, and as a part of one only if nothing else is asked.
    """
    wanted = sorted({spelling for sku in skus if sku.strip() for spelling in _spellings(sku)})
    searches = [*_searches([sku for sku in wanted if "," not in sku]), *((sku,) for sku in wanted if "," in sku)]
    results = shop.run_parallel([partial(_search, shop, search, status, without) for search in searches])
    found: dict[str, dict[int, dict[str, Any]]] = {}
    failed: dict[str, ChannelError] = {}
    for search, result in zip(searches, results, strict=True):
        if isinstance(result, ChannelError):
            failed |= {sku_key(sku): result for sku in search}
        else:
            for row in result:
                if ("," in search[0]) == ("," in row["sku"]):
                    found.setdefault(sku_key(row["sku"]), {})[row["id"]] = row
    return SkuSearch({key: list(rows.values()) for key, rows in found.items()}, failed)


def _searches(skus: Sequence[str]) -> list[Sequence[str]]:
    """Return the SKUs in lists for a search each, which fit into an address."""
    searches: list[list[str]] = []
    length = 0
    for sku in skus:
        length += len(quote(sku)) + len("%2C")
        if not searches or len(searches[-1]) == MOST_SKUS or length > LONGEST_QUERY:
            searches.append([])
            length = len(quote(sku)) + len("%2C")
        searches[-1].append(sku)
    return list(searches)


def _spellings(sku: str) -> set[str]:
    """Return a SKU as it is, and as PHP may have escaped it for HTML."""
    short = html.escape(sku, quote=False)
    return {sku, short, short.replace('"', "&quot;"), short.replace('"', "&quot;").replace("'", "&#039;")}


def _search(shop: WooClient, skus: Sequence[str], status: str, without: Collection[int]) -> list[dict[str, Any]]:
    query = {"status": status, "per_page": PAGE_SIZE, "_fields": SKU_FIELDS, "sku": ",".join(skus)}
    if without:
        query["exclude"] = ",".join(map(str, without))
    rows = _rows(shop, "products", query)
    if len(rows) < PAGE_SIZE or len(skus) == 1:
        return rows
    half = len(skus) // 2  # several products may have one SKU
    return [*_search(shop, skus[:half], status, without), *_search(shop, skus[half:], status, without)]


def by_sku(
    shop: WooClient, skus: Iterable[str], *, status: str = "any", without: Collection[int] = ()
) -> Mapping[str, Sequence[dict[str, Any]]]:
    """Return the products and variations with these SKUs, by SKU in lower case, `without` those with these ids.

    The status "any" does not include the bin, which is "trash".
    """
    search = search_skus(shop, skus, status=status, without=without)
    for error in search.failed.values():
        raise error
    return search.rows


def products(shop: WooClient, numbers: Sequence[int], fields: str) -> list[dict[str, Any]]:
    """Return the products with these ids that exist."""
    queries = [_included(chunk, fields) for chunk in chunks(numbers)]
    return [
        row
        for rows in shop.read_parallel([partial(_rows, shop, "products", query) for query in queries])
        for row in rows
    ]


def shared_skus(shop: WooClient, owners: Mapping[str, int]) -> set[str]:
    """Return those SKUs that other products have than their owners, of which the ids are given.

    WooCommerce forbids it, but imports and translations do it. It is fast where it finds none; owners that are found
    all the same are passed over.
    """
    found = by_sku(shop, owners, without=owners.values())
    return {sku for sku, owner in owners.items() if any(row["id"] != owner for row in found.get(sku_key(sku), ()))}
