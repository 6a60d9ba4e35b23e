"""What a listing in WooCommerce has besides its product: variations and images, which are sent once it exists."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from bridge.channels.base import ListingResult
from bridge.channels.woocommerce.api import WooClient
from bridge.channels.woocommerce.listing_images import send_images
from bridge.channels.woocommerce.listing_payload import ListingPayload
from bridge.channels.woocommerce.product_ids import Target
from bridge.channels.woocommerce.product_lookup import by_sku, chunks, straighten_product
from bridge.channels.woocommerce.refusals import error_message
from bridge.channels.woocommerce.values import money, row_id, unescape
from bridge.protocol.schemas.listings import ChannelReference, FeedMessage, Severity

BINNED = "trash"
DISABLED = "private"
"""The status of a variation that is not for sale."""
Rows = Mapping[str, Sequence[Mapping[str, Any]]]
BATCH_SIZE = 25  # variations per call: each takes the shop a twentieth of a second or more


def complete(
    shop: WooClient, product: Mapping[str, Any], payload: ListingPayload, binned: Rows | None = None
) -> ListingResult:
    """Send variations and images of a product, and return the result of the listing.

    `binned` are the rows in the bin by SKU if they have been read, which is for a product without variations.
    """
    known: Mapping[str, Mapping[str, Any]] = _variations(shop, product) if payload.varies and binned is None else {}
    messages = list(_ignored_values(product, {**payload.setting_fields(), **payload.product()}))
    if not payload.with_price_and_stock and payload.prices_differ(known or {_sku_key(product): product}):
        text = "The listing existed already: its prices and stock levels were left as they are"
        messages.append(_message(Severity.Warning, text))
    if payload.listing.variations:
        messages += _send_variations(shop, product, payload, known, binned)
        known = _variations(shop, product)
    elif known:
        text = "The product's variations were left as they are: the listing has none"
        messages.append(_message(Severity.Warning, text))
    messages += send_images(shop, product, payload, known)
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
    fields = {"_fields": "id,sku,status,regular_price,image,meta_data"}
    shown = shop.read_all(f"products/{product['id']}/variations", fields)
    rows = {_sku_key(row): row for row in map(straighten_product, filter(row_id, shown))}
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
    shop: WooClient,
    product: Mapping[str, Any],
    payload: ListingPayload,
    known: Mapping[str, Mapping[str, Any]],
    binned: Rows | None,
) -> Iterator[FeedMessage]:
    """Create new variations, change known ones and disable the others; yield messages for what the shop refused.

    Those of the product that are in the bin are restored with the listing's prices and stock levels.
    A disabled variation is not for sale, and keeps its id in case the listing names it again.
    """
    named = {variation.sku.casefold() for variation in payload.listing.variations}
    path = f"products/{product['id']}/variations/batch"
    if binned is None:
        binned = by_sku(shop, named - known.keys(), status=BINNED)
    own = {sku: row for sku, rows in binned.items() for row in rows if row["parent_id"] == product["id"]}
    ids = {sku: row["id"] for sku, row in {**own, **known}.items()}
    gone = [row for sku, row in known.items() if sku not in named and row["status"] != DISABLED]
    for rows in chunks(gone, BATCH_SIZE):
        entries = [{"id": row["id"], "status": DISABLED} for row in rows]
        answer = shop.post(path, {"update": entries}).object()
        for row, result in zip(rows, answer["update"], strict=True):
            if error := error_message(result.get("error")):
                yield _message(Severity.Error, f"{unescape(row['sku'])} is still for sale: {error}")
    for chunk in chunks(payload.listing.variations, BATCH_SIZE):
        new = [variation for variation in chunk if variation.sku.casefold() not in ids]
        old = [variation for variation in chunk if variation.sku.casefold() in ids]
        body = {
            "create": [{**payload.variation(variation), "sku": variation.sku} for variation in new],
            "update": [
                {
                    **payload.variation(variation, exists=variation.sku.casefold() in known),
                    "id": ids[variation.sku.casefold()],
                }
                for variation in old
            ],
        }
        answer = shop.post(path, {name: rows for name, rows in body.items() if rows}).object()
        sent = [*body["create"], *body["update"]]
        results = [*answer.get("create", ()), *answer.get("update", ())]
        for variation, entry, row in zip([*new, *old], sent, results, strict=True):
            if error := error_message(row.get("error")):
                told = in_bin(variation.sku, binned.get(variation.sku.casefold(), ()))
                yield _message(Severity.Error, told or f"{variation.sku}: {error}")
            else:
                yield from _ignored_values(row, entry)


def in_bin(sku: str, rows: Sequence[Mapping[str, Any]]) -> str:
    """Return what to do about products or variations in the bin that have a SKU; "" if there are none."""
    if not rows:
        return ""
    row = rows[0]
    what = f"a variation of product {row['parent_id']}" if row["type"] == "variation" else f"product {row['id']}"
    return (
        f"The SKU {sku} belongs to {what} in the shop's bin: restore that product or delete it permanently, "
        "and list this one again"
    )


def _message(severity: Severity, text: str) -> FeedMessage:
    return FeedMessage(type=severity, message=text)
