"""Variants of a Medusa shop: what is asked for, what their rows say, and those that SKUs or References name."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from decimal import Decimal
from functools import partial
from urllib.parse import quote

from bridge.channels.helpers.rows import readable
from bridge.channels.medusa.api import MedusaClient, Row
from bridge.channels.medusa.preferences import PriceTarget
from bridge.channels.medusa.values import key_text, listed, mapping, money, text
from bridge.errors import ChannelError, ChannelRefused
from bridge.protocol.schemas.products import Price, StockLevel

PRICE_FIELDS = (
    "id,sku,product_id,prices.id,prices.amount,prices.currency_code,prices.min_quantity,prices.max_quantity,"
    "prices.price_rules.attribute,prices.price_rules.value"
)
"""Without the rules a region's price would look like the base price."""
LEVEL_FIELDS = (
    "id,sku,product_id,manage_inventory,inventory_items.inventory_item_id,inventory_items.required_quantity,"
    "inventory_items.inventory.location_levels.location_id,"
    "inventory_items.inventory.location_levels.stocked_quantity,"
    "inventory_items.inventory.location_levels.reserved_quantity"
)
LONGEST_QUERY, MOST_NAMES = 6_000, 300  # Node refuses headers above 16,000 bytes, many proxies those above 8,000


@dataclass(frozen=True)
class Part:
    """An inventory item of a variant, with its level at the location; `stocked` is None if it has none there."""

    item: str
    required: int
    stocked: Decimal | None = None
    reserved: Decimal = Decimal(0)

    @property
    def available(self) -> int:
        """How many variants the level is enough for."""
        return max(0, int(((self.stocked or Decimal(0)) - self.reserved) // max(1, self.required)))


def parts(row: Row, location: str) -> list[Part]:
    """Return the inventory items of a variant with their levels at a location."""
    return [_part(entry, location) for entry in listed(row.get("inventory_items"))]


def _part(entry: Row, location: str) -> Part:
    item, required = key_text(entry.get("inventory_item_id")), int(money(entry.get("required_quantity")) or 1)
    levels = listed(mapping(entry.get("inventory")).get("location_levels"))
    level = next((level for level in levels if level.get("location_id") == location), None)
    if level is None:
        return Part(item, required)
    return Part(item, required, money(level.get("stocked_quantity")), money(level.get("reserved_quantity")))


def is_counted(row: Row) -> bool:
    """Return whether Medusa counts the stock of a variant."""
    return row.get("manage_inventory") is True


def is_kit(found: Sequence[Part]) -> bool:
    """Return whether a variant takes several items, or several pieces of one."""
    return len(found) > 1 or any(part.required != 1 for part in found)


def available(row: Row, location: str) -> int:
    """Return how many of a variant can be sold from a location; 0 if it is not counted or has no item."""
    found = parts(row, location) if is_counted(row) else []
    return min((part.available for part in found), default=0)


def sku_of(row: Row) -> str:
    return text(row.get("sku"))


def is_for(price: Row, target: PriceTarget) -> bool:
    """Return whether a price of a variant is the one of a target: for any quantity, without other conditions."""
    rules = {"region_id": target.region} if target.region else {}
    return (
        text(price.get("currency_code")).lower() == target.currency
        and mapping(price.get("rules")) == rules
        and money(price.get("min_quantity")) <= 1
        and price.get("max_quantity") is None
    )


def price_for(row: Row, targets: Sequence[PriceTarget]) -> Decimal | None:
    """Return a variant's price for the first of these targets that it has one for; None if it has none."""
    prices = listed(row.get("prices"))
    found = (money(price.get("amount")) for target in targets for price in prices if is_for(price, target))
    return next(found, None)


# -- finding them --------------------------------------------------------------------------------------


def find(shop: MedusaClient, rows: Sequence[StockLevel | Price], fields: str) -> list[Row | ChannelError]:
    """Return the variant of each row, or the error if there is none: that of its Reference or else of its SKU."""
    by_sku = read(shop, "sku", [row.sku.strip() for row in rows], fields)
    doubtful = [row.reference for row in rows if row.reference not in ("", _id(by_sku.get(row.sku.strip())))]
    by_id = read(shop, "id", doubtful, fields) if doubtful else {}
    unknown = ChannelRefused("The shop has no product with this SKU")
    return [by_id.get(row.reference) or by_sku.get(row.sku.strip()) or unknown for row in rows]


def read(shop: MedusaClient, name: str, values: Sequence[str], fields: str) -> dict[str, Row | ChannelError]:
    """Return the variants that have one of these SKUs or ids, by it, in the fewest calls; or the error of its call."""
    wanted = [value for value in dict.fromkeys(values) if value and value.isprintable()]
    found: dict[str, Row | ChannelError] = {}
    chunks = list(_chunks(wanted))
    calls = [partial(_read, shop, name, chunk, fields) for chunk in chunks]
    for chunk, answer in zip(chunks, shop.run_parallel(calls), strict=True):
        if isinstance(answer, ChannelError):
            found.update(dict.fromkeys(chunk, answer))
        else:
            found.update((value, row) for value, row in answer if value in chunk)
    return found


def _read(shop: MedusaClient, name: str, chunk: Sequence[str], fields: str) -> list[tuple[str, Row]]:
    query = {f"{name}[]": list(chunk), "limit": MOST_NAMES, "fields": fields}
    rows = shop.read_list("product-variants", "variants", query)
    return readable(rows, lambda row: (text(row[name]), {**row, "id": key_text(row.get("id"))}), variant_name)


def _chunks(values: Sequence[str]) -> Iterator[list[str]]:
    chunk: list[str] = []
    length = 0
    for value in values:
        more = len(quote(value, safe="")) + len("&sku%5B%5D=")
        if chunk and (length + more > LONGEST_QUERY or len(chunk) == MOST_NAMES):
            yield chunk
            chunk, length = [], 0
        chunk.append(value)
        length += more
    if chunk:
        yield chunk


def _id(row: Row | ChannelError | None) -> str:
    return "" if row is None or isinstance(row, ChannelError) else str(row["id"])


def variant_name(row: Row) -> str:
    return f"Variant {text(row.get('id'))}"
