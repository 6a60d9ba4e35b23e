"""What a listing in Medusa has besides its product: variants, stock and prices, sent once the product exists."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence, Set
from dataclasses import replace
from functools import partial
from typing import Any

from bridge.channels.base import ListingResult, Outcome
from bridge.channels.medusa.api import MedusaClient, Row
from bridge.channels.medusa.batches import divide
from bridge.channels.medusa.listing_payload import DEFAULT_OPTION, OPEN_ORDERS, ListingPayload, missing_values
from bridge.channels.medusa.preferences import Preferences, PriceTarget
from bridge.channels.medusa.prices import set_prices
from bridge.channels.medusa.stock import set_stock
from bridge.channels.medusa.values import listed, text
from bridge.channels.medusa.variants import LEVEL_FIELDS, parts, price_for, read, sku_of
from bridge.errors import ChannelError
from bridge.protocol.schemas.listings import ChannelReference, FeedMessage, Severity
from bridge.protocol.schemas.products import Price, StockLevel


def listing_target(preferences: Preferences) -> PriceTarget:
    """Return which price a listing sets: the one without a tag, if it is in no price list."""
    target = preferences.price_targets.get("")
    return PriceTarget(preferences.default_currency) if target is None or target.price_list else target


def complete(
    shop: MedusaClient,
    product: Row,
    payload: ListingPayload,
    preferences: Preferences,
    with_values: Set[str],
    warnings: Iterable[str] = (),
    *,
    is_new: bool = False,
) -> ListingResult:
    """Send variants, prices and stock of a product that exists, and return the result of the listing.

    One that `is_new` was created with its variants and their prices. Prices and stock of the SKUs `with_values` are
    set. Others have them set only where they have none: a create that stopped half-way left them so.
    """
    before = {sku_of(row): row for row in listed(product.get("variants"))}
    messages = [_message(Severity.Warning, words) for words in warnings]
    if not is_new:
        messages += _send_variants(shop, product, payload, before, preferences)
    after = _variants(shop, product, payload)
    messages += _set_values(shop, payload, preferences, with_values, after)
    if len(before) > 1 and not payload.listing.variations:
        words = "The product's variations were left as they are: the listing has none"
        messages.append(_message(Severity.Warning, words))
    references = [ChannelReference(sku=sku, reference=row["id"]) for sku, row in after.items()]
    return ListingResult(external_listing_id=product["id"], references=tuple(references), messages=tuple(messages))


def _message(severity: Severity, words: str) -> FeedMessage:
    return FeedMessage(type=severity, message=words)


def _variants(shop: MedusaClient, product: Row, payload: ListingPayload) -> dict[str, Row]:
    """Return the variants of a product as they are now, by SKU, in the order of the listing."""
    skus = list(payload.prices())
    if not payload.listing.variations:
        skus += [sku_of(row) for row in listed(product.get("variants"))]
    found = read(shop, "sku", skus, f"{LEVEL_FIELDS},{_PRICES}")
    rows: dict[str, Row] = {}
    for sku in dict.fromkeys(skus):
        row = found.get(sku)
        if isinstance(row, ChannelError):
            raise row
        if row is not None and row.get("product_id") == product["id"]:
            rows[sku] = row
    return rows


_PRICES = (
    "prices.amount,prices.currency_code,prices.min_quantity,prices.max_quantity,"
    "prices.price_rules.attribute,prices.price_rules.value"
)

# -- variants ------------------------------------------------------------------------------------------


def _send_variants(
    shop: MedusaClient,
    product: Row,
    payload: ListingPayload,
    before: Mapping[str, Row],
    preferences: Preferences,
) -> Iterator[FeedMessage]:
    """Create new variants, change known ones and delete the others; yield messages for what the shop refused.

    Those that go are deleted first, because a new one may have their options.
    """
    path = f"products/{product['id']}"
    wanted = {row["sku"]: row for row in payload.variants()}
    if not payload.listing.variations:
        _send_only_variant(shop, path, product, wanted)
        return
    gone = [row for sku, row in before.items() if sku not in wanted]
    deleted = divide(
        gone, lambda rows: shop.post(f"{path}/variants/batch?fields=id", {"delete": [r["id"] for r in rows]})
    )
    for row, outcome in zip(gone, deleted, strict=True):
        if outcome:
            yield _message(
                Severity.Error, f"{sku_of(row)} is still in the shop: {_kept(shop, row, outcome, preferences)}"
            )
    if missing := missing_values(listed(product.get("options")), payload.listing):
        shop.post(f"{path}/options/batch?fields=id", {"update": missing})
    new = [row for sku, row in wanted.items() if sku not in before]
    old = [{**row, "id": before[sku]["id"]} for sku, row in wanted.items() if sku in before]
    changed = [*zip(new, divide(new, partial(_post, shop, path, "create")), strict=True)]
    changed += zip(old, divide(old, partial(_post, shop, path, "update")), strict=True)
    for row, outcome in changed:
        if outcome:
            yield _message(Severity.Error, f"{row['sku']}: {outcome}")


def _kept(shop: MedusaClient, row: Row, outcome: ChannelError, preferences: Preferences) -> str:
    """Return why a variant was not deleted; one with open orders gets no more of them."""
    if OPEN_ORDERS not in str(outcome):
        return str(outcome)
    level = StockLevel(sku=sku_of(row), reference=row["id"], quantity=0)
    (stopped,) = set_stock(shop, [level], preferences)
    words = "its stock was set to 0" if stopped is None else f"its stock could not be set to 0: {stopped}"
    return f"it has open orders, {words}"


def _post(shop: MedusaClient, path: str, name: str, rows: Sequence[Mapping[str, Any]]) -> None:
    if name == "create":
        entries: list[dict[str, Any]] = [{**row, "prices": []} for row in rows]
    else:  # what counts the stock of a known variant was decided in the shop
        entries = [{field: value for field, value in row.items() if field != "manage_inventory"} for row in rows]
    shop.post(f"{path}/variants/batch?fields=id", {name: entries})


def _send_only_variant(shop: MedusaClient, path: str, product: Row, wanted: Mapping[str, Mapping[str, Any]]) -> None:
    """Give the only variant of a product the listing's SKU and codes; those of several are left alone."""
    rows = listed(product.get("variants"))
    if len(rows) != 1:
        return
    (sku, entry), row = next(iter(wanted.items())), rows[0]
    changes = {name: value for name, value in entry.items() if name not in ("title", "options", "manage_inventory")}
    titles = [text(option.get("title")) for option in listed(product.get("options"))]
    if titles == [DEFAULT_OPTION] and set(changes) == {"sku"} and sku_of(row) == sku:
        return
    shop.post(f"{path}/variants/batch?fields=id", {"update": [{**changes, "id": row["id"]}]})
    if sku_of(row) == sku:
        return
    for item in listed(row.get("inventory_items")):  # or a later product with the old SKU finds it taken
        shop.post(f"inventory-items/{item['inventory_item_id']}?fields=id", {"sku": sku})


# -- prices and stock ----------------------------------------------------------------------------------


def _set_values(
    shop: MedusaClient,
    payload: ListingPayload,
    preferences: Preferences,
    with_values: Set[str],
    variants: Mapping[str, Row],
) -> Iterator[FeedMessage]:
    target = listing_target(preferences)
    prices = [
        Price(sku=sku, reference=variants[sku]["id"], price=price, tag="")
        for sku, price in payload.prices().items()
        if sku in variants and (sku in with_values or price_for(variants[sku], [target]) is None)
    ]
    levels = [
        StockLevel(sku=sku, reference=variants[sku]["id"], quantity=quantity)
        for sku, quantity in payload.quantities().items()
        if sku in variants and (sku in with_values or not _has_level(variants[sku], preferences.location))
    ]
    of_listing = replace(preferences, price_targets={"": target})
    yield from _failures("Price", prices, set_prices(shop, prices, of_listing))
    yield from _failures("Stock", levels, set_stock(shop, levels, preferences))
    kept = (
        price_for(variants[sku], [target]) not in (None, price)
        for sku, price in payload.prices().items()
        if sku in variants and sku not in with_values
    )
    if any(kept):
        words = "The listing existed already: its prices and stock levels were left as they are"
        yield _message(Severity.Warning, words)


def _has_level(row: Row, location: str) -> bool:
    found = parts(row, location)
    return bool(found) and all(part.stocked is not None for part in found)


def _failures(what: str, rows: Sequence[Price | StockLevel], outcomes: Sequence[Outcome]) -> Iterator[FeedMessage]:
    for row, outcome in zip(rows, outcomes, strict=True):
        if outcome:
            yield _message(Severity.Error, f"{what} of {row.sku}: {outcome}")
