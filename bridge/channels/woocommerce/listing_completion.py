"""What a listing in WooCommerce has besides its product: variations and images, which are sent once it exists."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Mapping
from typing import Any

from bridge.channels.base import ListingResult
from bridge.channels.woocommerce.api import PAGE_SIZE, WooClient
from bridge.channels.woocommerce.listing_images import send_images
from bridge.channels.woocommerce.listing_payload import ListingPayload
from bridge.channels.woocommerce.product_ids import Target
from bridge.channels.woocommerce.product_lookup import by_sku, chunks
from bridge.channels.woocommerce.refusals import error_message
from bridge.channels.woocommerce.values import money, unescape
from bridge.protocol.schemas.listings import ChannelReference, FeedMessage, Severity

BINNED = "trash"
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

    Those of the product that are in the bin are restored with the listing's prices and stock levels.
    A disabled variation is not for sale, and keeps its id in case the listing names it again.
    """
    named = {variation.sku.casefold() for variation in payload.listing.variations}
    binned = _binned_variations(shop, path, named - known.keys())
    ids = {**binned, **{sku: row["id"] for sku, row in known.items()}}
    blocking = blocking_bin(shop, [one.sku for one in payload.listing.variations if one.sku.casefold() not in ids])
    gone = [row for sku, row in known.items() if sku not in named and row["status"] != DISABLED]
    for rows in chunks(gone, BATCH_SIZE):
        entries = [{"id": row["id"], "status": DISABLED} for row in rows]
        answer = shop.post(f"{path}/variations/batch", {"update": entries}).object()
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
        answer = shop.post(f"{path}/variations/batch", {name: rows for name, rows in body.items() if rows}).object()
        sent = [*body["create"], *body["update"]]
        results = [*answer.get("create", ()), *answer.get("update", ())]
        for variation, entry, row in zip([*new, *old], sent, results, strict=True):
            if error := error_message(row.get("error")):
                yield _message(Severity.Error, blocking.get(variation.sku.casefold()) or f"{variation.sku}: {error}")
            else:
                yield from _ignored_values(row, entry)


def _binned_variations(shop: WooClient, path: str, skus: Collection[str]) -> dict[str, int]:
    """Return the ids of those of a product's variations that are in the bin, by these SKUs in lower case."""
    if not skus:
        return {}
    rows = shop.read_all(f"{path}/variations", {"status": BINNED, "_fields": "id,sku"})
    return {sku: row["id"] for row in rows if (sku := _sku_key(row)) in skus}


def _in_bin(sku: str, row: Mapping[str, Any]) -> str:
    """Return what to do about a product or variation in the bin whose SKU WooCommerce does not give to another one."""
    what = f"a variation of product {row['parent_id']}" if row["type"] == "variation" else f"product {row['id']}"
    return (
        f"The SKU {sku} belongs to {what} in the shop's bin: restore that product or delete it permanently, "
        "and list this one again"
    )


def blocking_bin(shop: WooClient, skus: Iterable[str]) -> dict[str, str]:
    """Return what to do about products in the bin that have one of these SKUs, by SKU in lower case.

    A variation that is in the bin without its product is shown nowhere in WordPress, so it loses its SKU instead.
    """
    written = {sku.strip().casefold(): sku for sku in skus}
    binned = by_sku(shop, written.values(), status=BINNED)
    rows = [(sku, row) for sku, same in binned.items() for row in same]
    parents = sorted({row["parent_id"] for _, row in rows if row["type"] == "variation"})
    found: set[int] = set()
    for chunk in chunks(parents):
        query = {"include": ",".join(map(str, chunk)), "status": BINNED, "per_page": PAGE_SIZE, "_fields": "id"}
        found |= {row["id"] for row in shop.get("products", query).rows()}
    problems = {}
    for sku, row in rows:
        if row["type"] == "variation" and row["parent_id"] not in found:
            shop.put(f"products/{row['parent_id']}/variations/{row['id']}", {"sku": ""})
        else:
            problems[sku] = _in_bin(written.get(sku, sku), row)
    return problems


def _message(severity: Severity, text: str) -> FeedMessage:
    return FeedMessage(type=severity, message=text)
