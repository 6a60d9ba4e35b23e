"""Listings in WooCommerce: created, updated, and moved to the bin.

A listing is created without its images, because WooCommerce downloads these one by one during the call. They are sent
once the product exists, and one that cannot be downloaded is a warning. The product stores the key that it was created
with, so that a listing created twice is completed instead.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from http import HTTPStatus
from typing import Any

from bridge.channels.base import ListingResult
from bridge.channels.woocommerce.api import WooClient
from bridge.channels.woocommerce.configurator import ID_DIGITS, category_numbers, global_attributes
from bridge.channels.woocommerce.listing_payload import ListingPayload, listing_problems
from bridge.channels.woocommerce.product_ids import Target
from bridge.channels.woocommerce.product_lookup import by_sku, chunks
from bridge.channels.woocommerce.refusals import error_message
from bridge.channels.woocommerce.values import money, unescape
from bridge.errors import ChannelRefused
from bridge.protocol.schemas.listings import (
    ChannelReference,
    FeedMessage,
    ListingRemoval,
    ProductListing,
    ProductSettings,
    Severity,
)

KEY, IMAGES = "_linnworks_listing", "_linnworks_images"
"""Custom fields of a product: the key it was created with, and the URLs of the images it has downloaded."""
GONE = (HTTPStatus.NOT_FOUND, HTTPStatus.GONE)
BATCH_SIZE = 25  # variations per call: each takes the shop a twentieth of a second or more


def create(shop: WooClient, listing: ProductListing, settings: ProductSettings, key: str) -> ListingResult:
    """Create a listing; with the same key again complete the product that exists."""
    problems = list(listing_problems(listing))
    if problems:
        return ListingResult.failed(problems)
    category_ids = category_numbers(shop, listing.categories)
    found = by_sku(shop, [listing.sku, *(variation.sku for variation in listing.variations)])
    product = _created_with(shop, found.get(listing.sku.casefold(), ()), key)
    if taken := _taken_skus(listing, found, product["id"] if product else None):
        return ListingResult.failed(taken)
    payload = ListingPayload(listing, settings, global_attributes(shop))
    if product is None:
        body = {
            **payload.product(),
            **payload.setting_fields(),
            "sku": listing.sku,
            "meta_data": [{"key": KEY, "value": key}],
        }
        product = shop.post("products", {**body, "categories": _id_entries(category_ids)}).object()
    return _complete(shop, product, payload)


def update(shop: WooClient, listing: ProductListing, settings: ProductSettings) -> ListingResult:
    """Change a listing and add its new variations; variations that it does not name stay."""
    product = _find(shop, listing.external_listing_id, listing.sku)
    if product is None:
        return ListingResult.failed([f"The shop has no listing of {listing.sku}"])
    has_variations = bool(product["variations"])
    problems = list(listing_problems(listing, has_variations))
    if problems:
        return ListingResult.failed(problems)
    category_ids = category_numbers(shop, listing.categories) if listing.categories else []
    found = by_sku(shop, [listing.sku, *(variation.sku for variation in listing.variations)])
    if taken := _taken_skus(listing, found, product["id"]):
        return ListingResult.failed(taken)
    payload = ListingPayload(listing, settings, global_attributes(shop), product["attributes"], has_variations)
    categories = {"categories": _id_entries(category_ids)} if category_ids else {}
    body = {**payload.product(), "sku": listing.sku, **categories}
    return _complete(shop, shop.put(f"products/{product['id']}", body).object(), payload)


def delete(shop: WooClient, removal: ListingRemoval) -> ListingResult:
    """Move a listing to the bin with all its variations; one that does not exist is no error."""
    product = _find(shop, removal.external_listing_id, removal.channel_sku)
    if product is not None:
        shop.delete(f"products/{product['id']}", accept=GONE)
    return ListingResult()


def _find(shop: WooClient, external_id: str, sku: str) -> dict[str, Any] | None:
    """Return the product with this id or, without an id, with this SKU; None if it is missing or in the bin."""
    number = external_id if external_id.isdecimal() and len(external_id) < ID_DIGITS and int(external_id) else ""
    if not number:
        rows = [row for row in by_sku(shop, [sku]).get(sku.casefold(), ()) if row["type"] != "variation"]
        if len(rows) != 1:
            return None
        number = str(rows[0]["id"])
    answer = shop.get(f"products/{number}", accept=GONE)
    found = None if answer.status in GONE else answer.object()
    return None if found is None or found["status"] == "trash" else found


def _created_with(shop: WooClient, rows: Sequence[Mapping[str, Any]], key: str) -> dict[str, Any] | None:
    """Return the one of these products that was created with this key."""
    for row in rows:
        if row["type"] != "variation":
            product = shop.get(f"products/{row['id']}").object()
            if any(meta["key"] == KEY and meta["value"] == key for meta in product["meta_data"]):
                return product
    return None


def _taken_skus(
    listing: ProductListing, found: Mapping[str, Sequence[Mapping[str, Any]]], own: int | None
) -> list[str]:
    """Return an error for each SKU of the listing that a product other than its own has."""
    written = {sku.casefold(): sku for sku in (listing.sku, *(variation.sku for variation in listing.variations))}
    taken = [sku for sku, rows in found.items() if any(own not in (row["id"], row["parent_id"]) for row in rows)]
    return [f"The SKU {sku} is used already" for sku in sorted(written.get(sku, sku) for sku in taken)]


def _complete(shop: WooClient, product: Mapping[str, Any], payload: ListingPayload) -> ListingResult:
    """Send variations and images of a product, and return the result of the listing."""
    path = f"products/{product['id']}"
    if payload.listing.variations:
        messages = list(_send_variations(shop, path, payload))
    else:
        messages = list(_ignored_values(product, payload.product()))
    rows = shop.read_all(f"{path}/variations", {"_fields": "id,sku,meta_data"}) if payload.varies else []
    by_own_sku = {unescape(row["sku"]).strip(): row for row in rows if row["sku"]}
    messages += _send_images(shop, path, product, payload, by_own_sku)
    listed = [variation.sku for variation in payload.listing.variations if variation.sku in by_own_sku]
    references = [
        ChannelReference(sku=sku, reference=Target(product["id"], by_own_sku[sku]["id"]).reference)
        for sku in dict.fromkeys([*listed, *by_own_sku])
    ] or [ChannelReference(sku=unescape(product["sku"]), reference=Target(product["id"]).reference)]
    return ListingResult(
        external_listing_id=str(product["id"]),
        url=str(product.get("permalink") or ""),
        references=tuple(references),
        messages=tuple(messages),
    )


def _ignored_values(row: Mapping[str, Any], sent: Mapping[str, Any]) -> Iterator[FeedMessage]:
    """Yield warnings for values that WooCommerce ignored without an error."""
    if money(row.get("sale_price")) != money(sent.get("sale_price")):
        yield _message(Severity.Warning, f"WooCommerce takes no sale price of {sent['sale_price']} at this price")
    if sent.get("shipping_class", "") not in ("", row.get("shipping_class")):
        yield _message(Severity.Warning, f"The shop has no shipping class {sent['shipping_class']}")


def _send_variations(shop: WooClient, path: str, payload: ListingPayload) -> Iterator[FeedMessage]:
    """Create new variations and change known ones; yield messages for those that the shop refused."""
    rows = shop.read_all(f"{path}/variations", {"_fields": "id,sku"})
    known = {unescape(row["sku"]).strip(): row["id"] for row in rows}
    for chunk in chunks(payload.listing.variations, BATCH_SIZE):
        new = [variation for variation in chunk if variation.sku not in known]
        old = [variation for variation in chunk if variation.sku in known]
        body = {
            "create": [{**payload.variation(variation), "sku": variation.sku} for variation in new],
            "update": [{**payload.variation(variation), "id": known[variation.sku]} for variation in old],
        }
        answer = shop.post(f"{path}/variations/batch", {name: rows for name, rows in body.items() if rows}).object()
        sent = [*body["create"], *body["update"]]
        results = [*answer.get("create", ()), *answer.get("update", ())]
        for variation, entry, row in zip([*new, *old], sent, results, strict=True):
            if error := error_message(row.get("error")):
                yield _message(Severity.Error, f"{variation.sku}: {error}")
            else:
                yield from _ignored_values(row, entry)


def _send_images(
    shop: WooClient,
    path: str,
    product: Mapping[str, Any],
    payload: ListingPayload,
    variations: Mapping[str, Mapping[str, Any]],
) -> Iterator[FeedMessage]:
    """Send the images that the shop has not downloaded for this listing yet; `variations` are rows by SKU."""
    urls = "\n".join(image.url for image in payload.listing.images if image.url)
    if urls not in ("", _downloaded(product)):
        try:
            shop.put(path, {"images": [{"src": url} for url in urls.split("\n")], "meta_data": _image_record(urls)})
        except ChannelRefused as refusal:
            yield _message(Severity.Warning, f"The images are missing: {refusal}")
    wanted = {
        variation.sku: variation.images[0].url
        for variation in payload.listing.variations
        if variation.images and variation.sku in variations
    }
    entries = [
        {"id": variations[sku]["id"], "image": {"src": url}, "meta_data": _image_record(url)}
        for sku, url in wanted.items()
        if url not in ("", _downloaded(variations[sku]))
    ]
    for chunk in chunks(entries, BATCH_SIZE):
        for row in shop.post(f"{path}/variations/batch", {"update": chunk}).object().get("update", ()):
            if error := error_message(row.get("error")):
                yield _message(Severity.Warning, f"A variation's image is missing: {error}")


def _image_record(urls: str) -> list[dict[str, str]]:
    return [{"key": IMAGES, "value": urls}]


def _downloaded(row: Mapping[str, Any]) -> str:
    """Return the URLs of the images that the shop has downloaded for a listing."""
    return next((str(meta["value"]) for meta in row["meta_data"] if meta["key"] == IMAGES), "")


def _id_entries(numbers: Iterable[int]) -> list[dict[str, int]]:
    return [{"id": number} for number in numbers]


def _message(severity: Severity, text: str) -> FeedMessage:
    return FeedMessage(type=severity, message=text)
