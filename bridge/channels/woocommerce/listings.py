"""Listings in WooCommerce: what they can have, and how they come, change and go into the bin.

A listing is made without its pictures, because WooCommerce fetches those one by one while it is being called: they
follow once the product is there, and one that cannot be fetched is a warning. The product bears the key it was
made under, so that a listing begun twice is finished instead.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from http import HTTPStatus
from typing import Any

from bridge.channels.base import ListingResult
from bridge.channels.woocommerce.api import WooClient, error_words
from bridge.channels.woocommerce.catalogue import Target, by_sku, chunks
from bridge.channels.woocommerce.configurator import category_numbers, global_attributes
from bridge.channels.woocommerce.listing_payload import ListingPayload, faults
from bridge.channels.woocommerce.values import money, plain
from bridge.errors import ChannelRefused
from bridge.protocol.schemas.listings import (
    ChannelReference,
    FeedMessage,
    ListingRemoval,
    ProductListing,
    ProductSettings,
    Severity,
)

KEY, PICTURES = "_linnworks_listing", "_linnworks_images"
GONE = (HTTPStatus.NOT_FOUND, HTTPStatus.GONE)
IN_A_CALL = 25  # variations made in one call: each takes the shop a twentieth of a second or more


def create(shop: WooClient, listing: ProductListing, settings: ProductSettings, key: str) -> ListingResult:
    """Sell what is listed from now on; the same key again finds what it made before and finishes it."""
    wrong = list(faults(listing))
    if wrong:
        return ListingResult.failed(wrong)
    category_ids = category_numbers(shop, listing.categories)
    found = by_sku(shop, [listing.sku, *(variation.sku for variation in listing.variations)])
    made = _made(shop, found.get(listing.sku.casefold(), ()), key)
    if taken := _taken(listing, found, made["id"] if made else None):
        return ListingResult.failed(taken)
    draft = ListingPayload(listing, settings, global_attributes(shop))
    if made is None:
        body = {
            **draft.product(),
            **draft.for_settings(),
            "sku": listing.sku,
            "meta_data": [{"key": KEY, "value": key}],
        }
        made = shop.post("products", {**body, "categories": _ids(category_ids)}).object()
    return _finished(shop, made, draft)


def update(shop: WooClient, listing: ProductListing, settings: ProductSettings) -> ListingResult:
    """Sell it as it is listed now, with the variations that are new; others stay."""
    product = _find(shop, listing.external_listing_id, listing.sku)
    if product is None:
        return ListingResult.failed([f"The shop has no listing of {listing.sku}"])
    varied = bool(product["variations"])
    wrong = list(faults(listing, varied))
    if wrong:
        return ListingResult.failed(wrong)
    category_ids = category_numbers(shop, listing.categories) if listing.categories else []
    found = by_sku(shop, [listing.sku, *(variation.sku for variation in listing.variations)])
    if taken := _taken(listing, found, product["id"]):
        return ListingResult.failed(taken)
    draft = ListingPayload(listing, settings, global_attributes(shop), product["attributes"], varied)
    body = {**draft.product(), "sku": listing.sku, **({"categories": _ids(category_ids)} if category_ids else {})}
    return _finished(shop, shop.put(f"products/{product['id']}", body).object(), draft)


def delete(shop: WooClient, removal: ListingRemoval) -> ListingResult:
    """Put it into the bin with all its variations; what is gone already is fine."""
    product = _find(shop, removal.external_listing_id, removal.channel_sku)
    if product is not None:
        shop.delete(f"products/{product['id']}", accept=GONE)
    return ListingResult()


def _find(shop: WooClient, external_id: str, sku: str) -> dict[str, Any] | None:
    """By the listing's id; without one by its SKU. What is in the bin is not there."""
    number = external_id if external_id.isdecimal() and len(external_id) < 19 and int(external_id) else ""
    if not number:
        rows = [row for row in by_sku(shop, [sku]).get(sku.casefold(), ()) if row["type"] != "variation"]
        if len(rows) != 1:
            return None
        number = str(rows[0]["id"])
    answer = shop.get(f"products/{number}", accept=GONE)
    found = None if answer.status in GONE else answer.object()
    return None if found is None or found["status"] == "trash" else found


def _made(shop: WooClient, rows: Sequence[Mapping[str, Any]], key: str) -> dict[str, Any] | None:
    """The product among these that was made under this key."""
    for row in rows:
        if row["type"] != "variation":
            product = shop.get(f"products/{row['id']}").object()
            if any(meta["key"] == KEY and meta["value"] == key for meta in product["meta_data"]):
                return product
    return None


def _taken(listing: ProductListing, found: Mapping[str, Sequence[Mapping[str, Any]]], own: int | None) -> list[str]:
    """Complaints of the listing's SKUs that other products than its own have."""
    written = {sku.casefold(): sku for sku in (listing.sku, *(variation.sku for variation in listing.variations))}
    taken = [sku for sku, rows in found.items() if any(own not in (row["id"], row["parent_id"]) for row in rows)]
    return [f"The SKU {sku} is used already" for sku in sorted(written.get(sku, sku) for sku in taken)]


def _finished(shop: WooClient, product: Mapping[str, Any], draft: ListingPayload) -> ListingResult:
    """The product with its variations and pictures, and what became of each."""
    path = f"products/{product['id']}"
    messages = list(_vary(shop, path, draft)) if draft.listing.variations else list(_dropped(product, draft.product()))
    rows = shop.all(f"{path}/variations", {"_fields": "id,sku,meta_data"}) if draft.varied else []
    children = {plain(row["sku"]).strip(): row for row in rows if row["sku"]}
    messages += _show_pictures(shop, path, product, draft, children)
    named = [variation.sku for variation in draft.listing.variations if variation.sku in children]
    references = [
        ChannelReference(sku=sku, reference=Target(product["id"], children[sku]["id"]).reference)
        for sku in dict.fromkeys([*named, *children])
    ] or [ChannelReference(sku=plain(product["sku"]), reference=Target(product["id"]).reference)]
    return ListingResult(
        external_listing_id=str(product["id"]),
        url=str(product.get("permalink") or ""),
        references=tuple(references),
        messages=tuple(messages),
    )


def _dropped(row: Mapping[str, Any], sent: Mapping[str, Any]) -> Iterator[FeedMessage]:
    """Warnings of what WooCommerce has left out without a word."""
    if money(row.get("sale_price")) != money(sent.get("sale_price")):
        yield _message(Severity.Warning, f"WooCommerce takes no sale price of {sent['sale_price']} at this price")
    if sent.get("shipping_class", "") not in ("", row.get("shipping_class")):
        yield _message(Severity.Warning, f"The shop has no shipping class {sent['shipping_class']}")


def _vary(shop: WooClient, path: str, draft: ListingPayload) -> Iterator[FeedMessage]:
    """Make the variations that are new and change the others; tells of those that the shop refused."""
    known = {plain(row["sku"]).strip(): row["id"] for row in shop.all(f"{path}/variations", {"_fields": "id,sku"})}
    for chunk in chunks(draft.listing.variations, IN_A_CALL):
        new = [variation for variation in chunk if variation.sku not in known]
        old = [variation for variation in chunk if variation.sku in known]
        body = {
            "create": [{**draft.variation(variation), "sku": variation.sku} for variation in new],
            "update": [{**draft.variation(variation), "id": known[variation.sku]} for variation in old],
        }
        answer = shop.post(f"{path}/variations/batch", {name: rows for name, rows in body.items() if rows}).object()
        sent = [*body["create"], *body["update"]]
        for variation, entry, row in zip(
            [*new, *old], sent, [*answer.get("create", ()), *answer.get("update", ())], strict=True
        ):
            if words := error_words(row.get("error")):
                yield _message(Severity.Error, f"{variation.sku}: {words}")
            else:
                yield from _dropped(row, entry)


def _show_pictures(
    shop: WooClient,
    path: str,
    product: Mapping[str, Any],
    draft: ListingPayload,
    children: Mapping[str, Mapping[str, Any]],
) -> Iterator[FeedMessage]:
    """Have the shop fetch the pictures that it has not fetched for this listing before."""
    urls = "\n".join(image.url for image in draft.listing.images if image.url)
    if urls not in ("", _shown(product)):
        try:
            shop.put(path, {"images": [{"src": url} for url in urls.split("\n")], "meta_data": _noted(urls)})
        except ChannelRefused as refusal:
            yield _message(Severity.Warning, f"The pictures are missing: {refusal}")
    wanted = {
        variation.sku: variation.images[0].url
        for variation in draft.listing.variations
        if variation.images and variation.sku in children
    }
    entries = [
        {"id": children[sku]["id"], "image": {"src": url}, "meta_data": _noted(url)}
        for sku, url in wanted.items()
        if url not in ("", _shown(children[sku]))
    ]
    for chunk in chunks(entries, IN_A_CALL):
        for row in shop.post(f"{path}/variations/batch", {"update": chunk}).object().get("update", ()):
            if words := error_words(row.get("error")):
                yield _message(Severity.Warning, f"A variation's picture is missing: {words}")


def _noted(urls: str) -> list[dict[str, str]]:
    return [{"key": PICTURES, "value": urls}]


def _shown(row: Mapping[str, Any]) -> str:
    """The addresses of the pictures that the shop has fetched for a listing."""
    return next((str(meta["value"]) for meta in row["meta_data"] if meta["key"] == PICTURES), "")


def _ids(numbers: Iterable[int]) -> list[dict[str, int]]:
    return [{"id": number} for number in numbers]


def _message(severity: Severity, words: str) -> FeedMessage:
    return FeedMessage(type=severity, message=words)
