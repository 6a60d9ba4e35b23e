"""What a listing in WooCommerce has besides its product: variations and images.

A product is created without its images, because WooCommerce downloads these one by one during the call. They are sent
once it exists, and one that cannot be downloaded is a warning.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from bridge.channels.base import ListingResult
from bridge.channels.woocommerce.api import WooClient
from bridge.channels.woocommerce.listing_payload import ListingPayload
from bridge.channels.woocommerce.product_ids import Target
from bridge.channels.woocommerce.product_lookup import by_sku, chunks
from bridge.channels.woocommerce.refusals import error_message
from bridge.channels.woocommerce.values import custom_field, money, unescape
from bridge.errors import ChannelRefused
from bridge.protocol.schemas.listings import ChannelReference, FeedMessage, Severity

IMAGES = "_linnworks_images"
"""The custom field of a product or variation that has the URLs of the images it has downloaded."""
DISABLED = "private"
"""The status of a variation that is not for sale."""
BATCH_SIZE = 25  # variations per call: each takes the shop a twentieth of a second or more


def complete(shop: WooClient, product: Mapping[str, Any], payload: ListingPayload) -> ListingResult:
    """Send variations and images of a product, and return the result of the listing."""
    path = f"products/{product['id']}"
    known: Mapping[str, Mapping[str, Any]] = _variations(shop, product) if payload.varies else {}
    messages = list(_ignored_values(product, {**payload.setting_fields(), **payload.product()}))
    if not payload.with_price_and_stock and payload.prices_differ(known or {_sku_key(product): product}):
        text = "The listing existed already: its prices and stock levels were left as they are"
        messages.append(_message(Severity.Warning, text))
    if payload.listing.variations:
        messages += _send_variations(shop, path, payload, known)
        known = _variations(shop, product)
    elif known:
        text = "The product's variations were left as they are: the listing has none"
        messages.append(_message(Severity.Warning, text))
    messages += _send_images(shop, path, product, payload, known)
    listed = {variation.sku.casefold(): variation.sku for variation in payload.listing.variations}
    names = listed or {sku: unescape(row["sku"]).strip() for sku, row in known.items() if row["status"] != DISABLED}
    references = [
        ChannelReference(sku=name, reference=Target(product["id"], known[sku]["id"]).reference)
        for sku, name in names.items()
        if sku in known
    ] or [ChannelReference(sku=unescape(product["sku"]), reference=Target(product["id"]).reference)]
    return ListingResult(
        external_listing_id=str(product["id"]),
        url=str(product.get("permalink") or ""),
        references=tuple(references),
        messages=tuple(messages),
    )


def _variations(shop: WooClient, product: Mapping[str, Any]) -> dict[str, dict[str, Any]]:
    """Return the variations of a product that have a SKU of their own, by SKU in lower case."""
    fields = {"_fields": "id,sku,status,regular_price,meta_data"}
    rows = {_sku_key(row): row for row in shop.read_all(f"products/{product['id']}/variations", fields)}
    return {sku: row for sku, row in rows.items() if sku not in ("", _sku_key(product))}


def _sku_key(row: Mapping[str, Any]) -> str:
    return unescape(row["sku"]).strip().casefold()


def _ignored_values(row: Mapping[str, Any], sent: Mapping[str, Any]) -> Iterator[FeedMessage]:
    """Yield warnings for values that WooCommerce ignored without an error."""
    if "sale_price" in sent and money(row.get("sale_price")) != money(sent["sale_price"]):
        yield _message(Severity.Warning, f"WooCommerce takes no sale price of {sent['sale_price']} at this price")
    if sent.get("shipping_class", "") not in ("", row.get("shipping_class")):
        yield _message(Severity.Warning, f"The shop has no shipping class {sent['shipping_class']}")


def _send_variations(
    shop: WooClient, path: str, payload: ListingPayload, known: Mapping[str, Mapping[str, Any]]
) -> Iterator[FeedMessage]:
    """Create new variations, change known ones and disable the others; yield messages for what the shop refused.

    A disabled variation is not for sale, and keeps its id in case the listing names it again.
    """
    named = {variation.sku.casefold() for variation in payload.listing.variations}
    free_binned_skus(shop, named - known.keys())
    gone = [row for sku, row in known.items() if sku not in named and row["status"] != DISABLED]
    for rows in chunks(gone, BATCH_SIZE):
        entries = [{"id": row["id"], "status": DISABLED} for row in rows]
        answer = shop.post(f"{path}/variations/batch", {"update": entries}).object()
        for row, result in zip(rows, answer["update"], strict=True):
            if error := error_message(result.get("error")):
                yield _message(Severity.Error, f"{unescape(row['sku'])} is still for sale: {error}")
    for chunk in chunks(payload.listing.variations, BATCH_SIZE):
        new = [variation for variation in chunk if variation.sku.casefold() not in known]
        old = [variation for variation in chunk if variation.sku.casefold() in known]
        body = {
            "create": [{**payload.variation(variation), "sku": variation.sku} for variation in new],
            "update": [
                {**payload.variation(variation, exists=True), "id": known[variation.sku.casefold()]["id"]}
                for variation in old
            ],
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
    """Send the images that the shop has not downloaded for this listing yet; `variations` are rows by SKU
    in lower case."""
    urls = "\n".join(image.url for image in payload.listing.images if image.url)
    if urls != custom_field(product, IMAGES):
        try:
            shop.put(path, {"images": [{"src": url} for url in urls.splitlines()], "meta_data": _image_record(urls)})
        except ChannelRefused as refusal:
            yield _message(Severity.Warning, f"The images are missing: {refusal}")
    wanted = {
        variation.sku: variation.images[0].url
        for variation in payload.listing.variations
        if variation.images and variation.sku.casefold() in variations
    }
    entries = [
        {"id": variations[sku.casefold()]["id"], "image": {"src": url}, "meta_data": _image_record(url)}
        for sku, url in wanted.items()
        if url not in ("", custom_field(variations[sku.casefold()], IMAGES))
    ]
    for chunk in chunks(entries, BATCH_SIZE):
        for row in shop.post(f"{path}/variations/batch", {"update": chunk}).object().get("update", ()):
            if error := error_message(row.get("error")):
                yield _message(Severity.Warning, f"A variation's image is missing: {error}")


def _image_record(urls: str) -> list[dict[str, str]]:
    return [{"key": IMAGES, "value": urls}]


def free_binned_skus(shop: WooClient, skus: Iterable[str]) -> None:
    """Take these SKUs off products in the bin: since 9.4 WooCommerce refuses new products that have one of them."""
    for rows in by_sku(shop, skus, status="trash").values():
        for row in rows:
            parent = f"{row['parent_id']}/variations/" if row["type"] == "variation" else ""
            shop.put(f"products/{parent}{row['id']}", {"sku": ""})


def _message(severity: Severity, text: str) -> FeedMessage:
    return FeedMessage(type=severity, message=text)
