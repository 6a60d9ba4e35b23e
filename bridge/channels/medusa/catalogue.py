"""The catalogue of a Medusa shop, read page by page, as products of Linnworks.

Its variants come, those without a SKU excepted: `linnworks-bridge medusa doctor` lists what is left out.
"""

from __future__ import annotations

from decimal import Decimal
from typing import Any

from bridge.channels.base import Page
from bridge.channels.helpers.offsets import ListPage, Position, read_after
from bridge.channels.helpers.pace import read_paced
from bridge.channels.helpers.rows import readable
from bridge.channels.helpers.texts import cut
from bridge.channels.medusa.api import MedusaClient, Row, rows_of
from bridge.channels.medusa.preferences import Preferences, PriceTarget
from bridge.channels.medusa.values import key_text, listed, mapping, text
from bridge.channels.medusa.variants import LEVEL_FIELDS, PRICE_FIELDS, available, price_for, sku_of, variant_name
from bridge.protocol.schemas.products import Product

FIELDS = f"{PRICE_FIELDS},{LEVEL_FIELDS},title,product.title,product.status,product.sales_channels.id"
PAGE_SIZE = 100  # a variant takes Medusa some 5 ms, however many are asked for at once
SIZE_CACHE = "medusa variants at once"
NOT_A_TITLE = ("", "Default variant", "Default Variant")
"""Titles of the variant of a product that has one only, as Medusa's own pages name it."""
LONGEST_REFERENCE, LONGEST_TITLE = 64, 500
OMISSIONS = (
    "Products that are not published, or in none of the connected sales channels",
    "Variants without a SKU, or with blanks around it",
)
UNPUBLISHED, ELSEWHERE = "Its product is not published", "Its product is in none of the connected sales channels"
NO_SKU = "It has no SKU: give it one"


def page(shop: MedusaClient, cursor: str | None, preferences: Preferences) -> Page[Product]:
    """Return the products after a cursor."""

    def read_some(cursor: str | None, size: int) -> Page[Product]:
        found = read(shop, cursor, size)
        rows = [row for row in found.rows if not left_out(row, preferences)]
        return Page(
            readable(rows, lambda row: product(row, preferences), variant_name), next_cursor(found), found.as_of
        )

    return read_paced(read_some, cursor, limit=PAGE_SIZE, deadline=shop.deadline, cache=shop.cache, key=SIZE_CACHE)


def read(shop: MedusaClient, cursor: str | None, size: int = PAGE_SIZE) -> ListPage[Row]:
    """Return the variants after a cursor, of all products."""

    def rows(offset: int, limit: int) -> Page[Row]:
        query = {"order": "id", "offset": offset, "limit": limit, "fields": FIELDS}
        answer = shop.get("product-variants", query)
        return Page(rows_of(answer, "variants"), as_of=answer.date)

    return read_after(rows, _id, _position(cursor), limit=size)


def next_cursor(page: ListPage[Any]) -> str | None:
    """Return the cursor of what comes after a page, None after the last one."""
    position = page.next_position
    return f"{position.offset}:{position.id}" if position else None


def _position(cursor: str | None) -> Position:
    if not cursor:
        return Position()
    offset, _, variant = cursor.partition(":")
    return Position(variant, int(offset))


def _id(row: Row) -> str | None:
    try:
        return key_text(row.get("id"))
    except ValueError:
        return None


def left_out(row: Row, preferences: Preferences) -> str:
    """Return why a variant does not come to Linnworks; "" if it comes."""
    owner = mapping(row.get("product"))
    channels = {text(channel.get("id")) for channel in listed(owner.get("sales_channels"))}
    if text(owner.get("status")) != "published":
        return UNPUBLISHED
    if preferences.sales_channels and not channels & preferences.sales_channels:
        return ELSEWHERE
    if row.get("sku") != sku_of(row) != "":
        return "Its SKU has blanks around it: remove them"
    return "" if sku_of(row) else NO_SKU


def product(row: Row, preferences: Preferences) -> Product:
    """Return a variant as a product, with what is left of its stock at the location; not below zero."""
    reference = key_text(row.get("id"))
    if len(reference) > LONGEST_REFERENCE:
        raise ValueError("Its id is too long for a Reference")
    return Product(
        sku=sku_of(row),
        title=title(row) or sku_of(row),
        quantity=available(row, preferences.location),
        price=max(Decimal(0), normal_price(row, preferences) or Decimal(0)),
        reference=reference,
    )


def normal_price(row: Row, preferences: Preferences) -> Decimal | None:
    """Return the price that one without a tag sets, or else the base price in the default currency."""
    target = preferences.price_targets.get("")
    base = PriceTarget(preferences.default_currency)
    return price_for(row, [base] if target is None or target.price_list else [target, base])


def title(row: Row) -> str:
    """Return the product's title, with that of its variant unless it says nothing."""
    of_product, of_variant = text(mapping(row.get("product")).get("title")), text(row.get("title"))
    has_own = of_variant not in (*NOT_A_TITLE, of_product)
    return cut(" - ".join(filter(None, (of_product, of_variant if has_own else ""))), LONGEST_TITLE)
