"""Listings in WooCommerce: created, updated, and moved to the bin.

The product stores the key of its listing, so that a listing created again is completed instead, and one that was
deleted is restored from the bin.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from http import HTTPStatus
from typing import Any

from bridge.channels.base import ListingResult
from bridge.channels.woocommerce.api import WooClient
from bridge.channels.woocommerce.configurator import ID_DIGITS, category_numbers, global_attributes
from bridge.channels.woocommerce.listing_completion import BINNED, complete, in_bin
from bridge.channels.woocommerce.listing_payload import ListingPayload, listing_problems
from bridge.channels.woocommerce.product_lookup import by_sku, sku_key
from bridge.channels.woocommerce.values import custom_field, unescape
from bridge.errors import ChannelRefused, CredentialsRefused
from bridge.protocol.schemas.listings import FeedMessage, ListingRemoval, ProductListing, ProductSettings, Severity

KEY = "_linnworks_listing"
"""The custom field of a product that has the key of its listing."""
GONE = (HTTPStatus.NOT_FOUND, HTTPStatus.GONE)


def create(shop: WooClient, listing: ProductListing, settings: ProductSettings, key: str) -> ListingResult:
    """Create a listing; with the same key again complete and change the product, but not its prices and stock.

    The product of a listing in the bin is restored, and becomes as a new one would be.
    """
    found = by_sku(shop, _skus(listing))
    product = _created_with(shop, listing, found, key)
    if product is not None and product["status"] != BINNED:
        result = _change(shop, product, listing, settings, key, with_price_and_stock=False)
        old = unescape(product["sku"]).strip()
        if not result.external_listing_id or sku_key(old) == sku_key(listing.sku):
            return result
        text = f"The product had the SKU {old or '(none)'} in the shop: it has {listing.sku} again"
        return replace(result, messages=(*result.messages, FeedMessage(type=Severity.Warning, message=text)))
    problems = list(listing_problems(listing))
    if problems:
        return ListingResult.failed(problems)
    category_ids = category_numbers(shop, listing.categories)
    if taken := _taken_skus(listing, found, None):
        return ListingResult.failed(taken)
    binned = by_sku(shop, _skus(listing), status=BINNED)
    rows = binned.get(sku_key(listing.sku), ())
    product = product or _binned_listing(shop, rows, key)
    payload = ListingPayload(listing, settings, global_attributes(shop))
    body = {**payload.product(), **payload.setting_fields(), **_identity(listing, key)}
    body["categories"] = _id_entries(category_ids)
    if product is None:
        product = _new_product(shop, body, rows)
    else:
        body |= {"status": body.get("status", "publish"), "type": "variable" if listing.variations else "simple"}
        product = shop.put(f"products/{product['id']}", body).object()
    return complete(shop, product, payload, binned)


def _new_product(shop: WooClient, body: Mapping[str, Any], binned: Sequence[Mapping[str, Any]]) -> dict[str, Any]:
    """Create a product; raises ChannelRefused that says what to do if one in the bin, of these, blocks its SKU.

    A variation that is in the bin without its product is shown nowhere in WordPress, so it loses its SKU instead.
    """
    try:
        return shop.post("products", body).object()
    except CredentialsRefused:
        raise
    except ChannelRefused:
        if not binned:
            raise
    alone = [row for row in binned if row["type"] == "variation" and _by_id(shop, str(row["parent_id"]))]
    if told := in_bin(str(body["sku"]), [row for row in binned if row not in alone]):
        raise ChannelRefused(told)
    for row in alone:
        shop.put(f"products/{row['parent_id']}/variations/{row['id']}", {"sku": ""})
    return shop.post("products", body).object()


def update(shop: WooClient, listing: ProductListing, settings: ProductSettings, key: str) -> ListingResult:
    """Change a listing, add its new variations, and disable those that it does not name any more."""
    product = _find(shop, listing.external_listing_id, listing.sku)
    if product is None:
        return ListingResult.failed([f"The shop has no listing of {listing.sku}"])
    return _change(shop, product, listing, settings, key)


def _change(
    shop: WooClient,
    product: Mapping[str, Any],
    listing: ProductListing,
    settings: ProductSettings,
    key: str,
    *,
    with_price_and_stock: bool = True,
) -> ListingResult:
    """Change a product and its variations; these keep their prices and stock unless `with_price_and_stock`."""
    has_variations = bool(product["variations"])
    problems = list(listing_problems(listing, has_variations))
    if problems:
        return ListingResult.failed(problems)
    named = any(text.strip() for text in listing.categories)
    categories = {"categories": _id_entries(category_numbers(shop, listing.categories))} if named else {}
    if taken := _taken_skus(listing, by_sku(shop, _skus(listing)), product["id"]):
        return ListingResult.failed(taken)
    payload = ListingPayload(
        listing, settings, global_attributes(shop), product["attributes"], has_variations, with_price_and_stock
    )
    body = {**payload.product(), **payload.setting_fields(), **_identity(listing, key), **categories}
    return complete(shop, shop.put(f"products/{product['id']}", body).object(), payload)


def delete(shop: WooClient, removal: ListingRemoval) -> ListingResult:
    """Move a listing to the bin with all its variations; one that does not exist is no error.

    Nothing is deleted if its id and its SKU do not lead to the same listing.
    """
    external_id, sku = removal.external_listing_id, removal.channel_sku
    product = _by_id(shop, external_id)
    rows = by_sku(shop, [sku]).get(sku_key(sku), ())
    same_sku = {row["parent_id"] if row["type"] == "variation" else row["id"] for row in rows}
    if same_sku:
        agrees = product is not None and product["id"] in same_sku
    else:
        agrees = product is None or not sku.strip() or custom_field(product, KEY) != ""
    if not agrees:
        return ListingResult.failed([f"No listing has the id {external_id} and the SKU {sku}: nothing was deleted"])
    if product is not None:
        shop.delete(f"products/{product['id']}", accept=GONE)
    return ListingResult()


def _find(shop: WooClient, external_id: str, sku: str) -> dict[str, Any] | None:
    """Return the product with this id or, if that is no id of WordPress, with this SKU; None if there is none."""
    if _is_id(external_id):
        return _by_id(shop, external_id)
    rows = [row for row in by_sku(shop, [sku]).get(sku_key(sku), ()) if row["type"] != "variation"]
    return _by_id(shop, str(rows[0]["id"])) if len(rows) == 1 else None


def _by_id(shop: WooClient, external_id: str) -> dict[str, Any] | None:
    """Return the product with this id; None if it is missing, in the bin, or a variation."""
    found = _read(shop, external_id)
    return None if found is None or found["status"] == BINNED else found


def _read(shop: WooClient, external_id: str) -> dict[str, Any] | None:
    """Return the product with this id, also from the bin; None if it is missing or a variation."""
    if not _is_id(external_id):
        return None
    answer = shop.get(f"products/{int(external_id)}", accept=GONE)
    found = None if answer.status in GONE else answer.object()
    return None if found is None or found["type"] == "variation" else found


def _is_id(external_id: str) -> bool:
    return external_id.isdecimal() and len(external_id) < ID_DIGITS and int(external_id) > 0


def _skus(listing: ProductListing) -> list[str]:
    return [listing.sku, *(variation.sku for variation in listing.variations)]


def _identity(listing: ProductListing, key: str) -> dict[str, Any]:
    """Return the SKU of a listing's product, and the key by which a create finds it again."""
    return {"sku": listing.sku, "meta_data": [{"key": KEY, "value": key}]}


def _created_with(
    shop: WooClient, listing: ProductListing, found: Mapping[str, Sequence[Mapping[str, Any]]], key: str
) -> dict[str, Any] | None:
    """Return the product that was created with this key, which may be in the bin; None if it is not found.

    It has the listing's SKU or, if that was changed in the shop, the id that the listing had.
    """
    rows = found.get(sku_key(listing.sku), ())
    ids = [str(row["id"]) for row in rows if row["type"] != "variation"]
    for number in [*ids, listing.external_listing_id]:
        product = _read(shop, number)
        if product is not None and custom_field(product, KEY) == key:
            return product
    return None


def _binned_listing(shop: WooClient, rows: Sequence[Mapping[str, Any]], key: str) -> dict[str, Any] | None:
    """Return the one of these products in the bin that was a listing, rather one with this key; None if none was."""
    products = [_read(shop, str(row["id"])) for row in rows if row["type"] != "variation"]
    listings = [product for product in products if product is not None and custom_field(product, KEY)]
    return max(listings, key=lambda product: (custom_field(product, KEY) == key, product["id"]), default=None)


def _taken_skus(
    listing: ProductListing, found: Mapping[str, Sequence[Mapping[str, Any]]], own: int | None
) -> list[str]:
    """Return an error for each SKU of the listing that a product other than its own has."""
    written = {sku.casefold(): sku for sku in (listing.sku, *(variation.sku for variation in listing.variations))}
    taken = [sku for sku, rows in found.items() if any(own not in (row["id"], row["parent_id"]) for row in rows)]
    return [f"The SKU {sku} is used already" for sku in sorted(written.get(sku, sku) for sku in taken)]


def _id_entries(numbers: Iterable[int]) -> list[dict[str, int]]:
    return [{"id": number} for number in numbers]
