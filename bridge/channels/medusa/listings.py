"""Listings in Medusa: created, updated and deleted.

A product has the key of its listing as its external id, by which a listing created again is found and completed.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from http import HTTPStatus
from typing import Any

from bridge.channels.base import ListingResult
from bridge.channels.medusa.api import MedusaClient
from bridge.channels.medusa.configurator import category_ids
from bridge.channels.medusa.listing_completion import complete, listing_target
from bridge.channels.medusa.listing_payload import (
    KEY,
    OPEN_ORDERS,
    REMOVED,
    SKU,
    ListingPayload,
    listing_problems,
    metadata,
)
from bridge.channels.medusa.preferences import Preferences
from bridge.channels.medusa.prices import currencies
from bridge.channels.medusa.values import in_units, listed, text, unit_of_digits
from bridge.channels.medusa.variants import read, sku_of
from bridge.errors import ChannelError, ChannelRefused, CredentialsRefused
from bridge.protocol.schemas.listings import FeedMessage, ListingRemoval, ProductListing, ProductSettings, Severity

FIELDS = (
    "id,title,status,external_id,metadata,options.id,options.title,options.values.value,"
    "variants.id,variants.sku,variants.prices.amount,variants.prices.currency_code,variants.prices.min_quantity,"
    "variants.prices.max_quantity,variants.prices.price_rules.attribute,variants.prices.price_rules.value,"
    "variants.inventory_items.inventory_item_id"
)
LONGEST_ID = 64

Product = Mapping[str, Any]


def create(
    shop: MedusaClient, listing: ProductListing, settings: ProductSettings, key: str, preferences: Preferences
) -> ListingResult:
    """Create a listing; with the same key again complete and change the product, but not its prices and stock."""
    product = _created_with(shop, listing, key)
    if product is not None:
        was_removed = bool(metadata(product, REMOVED))
        result = _change(shop, product, listing, settings, key, preferences, with_price_and_stock=was_removed)
        return _told_of_sku(result, product, listing)
    problems = list(listing_problems(listing)) or _taken_skus(shop, listing, None)
    if problems:
        return ListingResult.failed(problems)
    payload = ListingPayload(listing, settings, key)
    target, digits = listing_target(preferences), currencies(shop)
    if target.currency not in digits:
        return ListingResult.failed([f"The shop does not support the currency {target.currency.upper()}"])
    rules = {"rules": {"region_id": target.region}} if target.region else {}
    prices = {
        sku: {"currency_code": target.currency, "amount": in_units(price, unit_of_digits(digits[target.currency]))}
        for sku, price in payload.prices().items()
    }
    body = {
        **payload.product(),
        "handle": payload.handle(),
        "categories": [{"id": one} for one in category_ids(shop, listing.categories)],
        "sales_channels": [{"id": one} for one in _sales_channels(shop, preferences)],
        "options": payload.options(),
        "variants": [{**row, "prices": [{**prices[row["sku"]], **rules}]} for row in payload.variants()],
    }
    profile, warnings = _shipping_profile(shop, payload)
    if profile:
        body["shipping_profile_id"] = profile
    answer = shop.post(f"products?fields={FIELDS}", body)
    product = answer.find("product")
    if not isinstance(product, dict) or not text(product.get("id")):
        raise answer.unusable("The shop did not return the product that it created")
    return complete(shop, product, payload, preferences, set(prices), warnings, is_new=True)


def _told_of_sku(result: ListingResult, product: Product, listing: ProductListing) -> ListingResult:
    """Return the result of a listing created again, with a warning if its product had another SKU in the shop."""
    skus = [sku_of(row) for row in listed(product.get("variants"))]
    if not result.external_listing_id or len(skus) != 1 or listing.variations or skus[0] == listing.sku.strip():
        return result
    words = f"The product had the SKU {skus[0] or '(none)'} in the shop: it has {listing.sku} again"
    return replace(result, messages=(*result.messages, FeedMessage(type=Severity.Warning, message=words)))


def update(
    shop: MedusaClient, listing: ProductListing, settings: ProductSettings, key: str, preferences: Preferences
) -> ListingResult:
    """Change a listing, add its new variations, and delete those that it does not name any more."""
    product = _by_id(shop, listing.external_listing_id)
    if product is None:
        return ListingResult.failed([f"The shop has no listing of {listing.sku}"])
    return _change(shop, product, listing, settings, key, preferences)


def _change(
    shop: MedusaClient,
    product: Product,
    listing: ProductListing,
    settings: ProductSettings,
    key: str,
    preferences: Preferences,
    *,
    with_price_and_stock: bool = True,
) -> ListingResult:
    problems = list(listing_problems(listing, product)) or _taken_skus(shop, listing, product["id"])
    if problems:
        return ListingResult.failed(problems)
    payload = ListingPayload(listing, settings, key)
    body = payload.product()
    if chosen := category_ids(shop, listing.categories):
        body["categories"] = [{"id": one} for one in chosen]
    profile, warnings = _shipping_profile(shop, payload) if payload.shipping_profile else ("", [])
    if profile:
        body["shipping_profile_id"] = profile
    shop.post(f"products/{product['id']}?fields=id", body)
    skus = set(payload.prices()) if with_price_and_stock else set()
    return complete(shop, product, payload, preferences, skus, warnings)


def delete(shop: MedusaClient, removal: ListingRemoval, key: str) -> ListingResult:
    """Delete a listing with all its variations; one that does not exist is no error.

    Medusa keeps a product with open orders: that is unpublished, which is an error all the same.
    """
    external_id, sku = removal.external_listing_id, removal.channel_sku.strip()
    product = _by_id(shop, external_id)
    owner = read(shop, "sku", [sku], "id,sku,product_id").get(sku)
    if isinstance(owner, ChannelError):
        raise owner
    if product is None:
        agrees = owner is None and _by_key(shop, key) is None
    else:
        of_sku = "" if owner is None else text(owner.get("product_id"))
        agrees = of_sku == product["id"] or (not of_sku and metadata(product, KEY) != "")
        agrees = agrees or (metadata(product, SKU) == sku != "")
    if not agrees:
        return ListingResult.failed([f"No listing has the id {external_id} and the SKU {sku}: nothing was deleted"])
    return ListingResult() if product is None else _delete(shop, product)


def _delete(shop: MedusaClient, product: Product) -> ListingResult:
    path = f"products/{product['id']}"
    try:
        shop.delete(path, accept=(HTTPStatus.NOT_FOUND,))
    except CredentialsRefused:
        raise
    except ChannelRefused as error:
        if OPEN_ORDERS not in str(error):
            raise
        shop.post(f"{path}?fields=id", {"status": "draft", "metadata": {REMOVED: "true"}})
        words = (
            "Medusa keeps it because of its open orders: it is unpublished, delete it again once they are despatched"
        )
        return ListingResult.failed([words])
    return ListingResult()


# -- finding -------------------------------------------------------------------------------------------


def _by_id(shop: MedusaClient, external_id: str) -> Product | None:
    if not (0 < len(external_id) <= LONGEST_ID and external_id.isascii() and external_id.replace("_", "").isalnum()):
        return None
    answer = shop.get(f"products/{external_id}", {"fields": FIELDS}, accept=(HTTPStatus.NOT_FOUND,))
    found = None if answer.status == HTTPStatus.NOT_FOUND else answer.find("product")
    return found if isinstance(found, dict) and found.get("id") == external_id else None


def _by_key(shop: MedusaClient, key: str) -> Product | None:
    """Return the product whose external id is this key, None if there is none."""
    rows = shop.read_list("products", "products", {"external_id": key, "limit": 2, "order": "id", "fields": FIELDS})
    return next((row for row in rows if row.get("id") and row.get("external_id") == key), None)


def _created_with(shop: MedusaClient, listing: ProductListing, key: str) -> Product | None:
    """Return the product that was created with this key; the one that the listing had if it still says so."""
    found = _by_key(shop, key)
    if found is None and (known := _by_id(shop, listing.external_listing_id)):
        found = known if metadata(known, KEY) == key else None
    return found


def _taken_skus(shop: MedusaClient, listing: ProductListing, own: str | None) -> list[str]:
    """Return an error for each SKU of the listing that a product other than its own has."""
    skus = [listing.sku.strip(), *(variation.sku.strip() for variation in listing.variations)]
    taken = []
    for sku, row in read(shop, "sku", skus, "id,sku,product_id").items():
        if isinstance(row, ChannelError):
            raise row
        if row.get("product_id") != own:
            taken.append(f"The SKU {sku} is used already")
    return taken


def _sales_channels(shop: MedusaClient, preferences: Preferences) -> Sequence[str]:
    """Return the sales channels of new products: the connected ones, or the shop's default."""
    if preferences.sales_channels:
        return sorted(preferences.sales_channels)
    stores = shop.read_list("stores", "stores", {"limit": 1, "fields": "default_sales_channel_id"})
    return [found for store in stores if (found := text(store.get("default_sales_channel_id")))]


def _shipping_profile(shop: MedusaClient, payload: ListingPayload) -> tuple[str, list[str]]:
    """Return the id of the shipping profile, and a warning if the one that was chosen is unknown."""
    rows = listed(shop.read_list("shipping-profiles", "shipping_profiles", {"limit": 1000, "fields": "id,name,type"}))
    wanted = payload.shipping_profile
    named = [row for row in rows if text(row.get("name")).casefold() == wanted.casefold()] if wanted else []
    by_default = sorted(rows, key=lambda row: row.get("type") != "default")
    warnings = [f"The shop has no shipping profile {wanted}"] if wanted and not named else []
    return next((text(row.get("id")) for row in (*named, *by_default)), ""), warnings
