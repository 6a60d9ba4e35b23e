"""Available quantities set in a Medusa shop at one location.

Medusa counts what is stocked and what of it is reserved for orders. Linnworks sends what is available, so that what is
reserved is added; it is read directly before. An order that is placed in between reserves more, and stays subtracted:
Linnworks did not know it yet.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal
from functools import partial
from http import HTTPStatus
from typing import Any

from bridge.channels.base import Outcome
from bridge.channels.helpers.cached import cached
from bridge.channels.medusa.api import MedusaClient, Row
from bridge.channels.medusa.batches import divide, in_batches
from bridge.channels.medusa.preferences import Preferences
from bridge.channels.medusa.values import listed, money, text
from bridge.channels.medusa.variants import LEVEL_FIELDS, Part, find, is_counted, is_kit, parts, read, sku_of
from bridge.errors import ChannelError, ChannelRefused
from bridge.protocol.schemas.products import StockLevel

BATCH_SIZE, SIZE_CACHE = 250, "medusa levels in a batch"
LOCATION_SECONDS = 300
LEVELS_PATH = "inventory-items/location-levels/batch"


@dataclass(frozen=True)
class Change:
    """An available quantity for an inventory item."""

    part: Part
    quantity: int

    @property
    def is_needed(self) -> bool:
        return self.part.stocked is None or self.part.stocked - self.part.reserved != self.quantity

    def entry(self, location: str) -> dict[str, Any]:
        stocked = self.quantity + self.part.reserved
        return {"inventory_item_id": self.part.item, "location_id": location, "stocked_quantity": stocked}


def set_stock(shop: MedusaClient, levels: Sequence[StockLevel], preferences: Preferences) -> list[Outcome]:
    """Set levels at the location; one that a product does not have there yet is created.

    Levels that the shop has already are not written. Of several for one inventory item the last one counts.
    """
    if not levels:
        return []
    check_location(shop, preferences.location)
    send = partial(_set_some, shop, preferences=preferences)
    return in_batches(shop, levels, send, key=SIZE_CACHE, limit=BATCH_SIZE)


def check_location(shop: MedusaClient, location: str) -> None:
    """Raise ChannelRefused if the location is gone: Medusa takes levels of any location without an error."""

    def ask() -> bool:
        answer = shop.get(f"stock-locations/{location}", {"fields": "id"}, accept=(HTTPStatus.NOT_FOUND,))
        return answer.status != HTTPStatus.NOT_FOUND

    key = f"medusa location {location}"
    if not cached(ask, seconds=LOCATION_SECONDS, deadline=shop.deadline, cache=shop.cache, key=key):
        raise ChannelRefused("The stock location of this integration is gone: choose another one in its settings")


def _set_some(shop: MedusaClient, levels: Sequence[StockLevel], preferences: Preferences) -> list[Outcome]:
    found = find(shop, levels, LEVEL_FIELDS)
    if preferences.manages_stock:
        found = _counted(shop, found)
    changes: dict[str, Change] = {}
    chosen: list[str | ChannelError] = []
    for level, row in zip(levels, found, strict=True):
        part = row if isinstance(row, ChannelError) else _part(row, preferences)
        if isinstance(part, ChannelError):
            chosen.append(part)
        else:
            changes[part.item] = Change(part, level.quantity)
            chosen.append(part.item)
    outcomes = _write(shop, [change for change in changes.values() if change.is_needed], preferences.location)
    return [item if isinstance(item, ChannelError) else outcomes.get(item) for item in chosen]


def _part(row: Row, preferences: Preferences) -> Part | ChannelRefused:
    """Return the inventory item that has the stock of a variant, or why there is not just one."""
    try:
        found = parts(row, preferences.location)
    except (ArithmeticError, ValueError):
        return ChannelRefused("Its stock cannot be read from the shop")
    if not is_counted(row):
        return ChannelRefused("Medusa does not count its stock: switch on its inventory management")
    if is_kit(found):
        return ChannelRefused("It is a kit in Medusa, whose stock follows from that of its parts: set their levels")
    return found[0] if found else ChannelRefused("It has no inventory item in Medusa: give it one")


def _counted(shop: MedusaClient, found: Sequence[Row | ChannelError]) -> list[Row | ChannelError]:
    """Return variants after Medusa was told to count those that it did not, each with its inventory item."""
    rows = {row["id"]: row for row in found if not isinstance(row, ChannelError)}
    uncounted = [row for row in rows.values() if not (is_counted(row) and row.get("inventory_items"))]
    if not uncounted:
        return list(found)
    errors = dict(zip((row["id"] for row in uncounted), divide(uncounted, partial(_count, shop)), strict=True))
    fresh = read(shop, "id", list(errors), LEVEL_FIELDS)
    bare = [row for row in fresh.values() if not isinstance(row, ChannelError) and not row.get("inventory_items")]
    if bare:
        made = divide(bare, partial(_make_items, shop))
        errors.update((row["id"], error) for row, error in zip(bare, made, strict=True) if error)
        fresh.update(read(shop, "id", [row["id"] for row in bare], LEVEL_FIELDS))
    now: Mapping[str, Row | ChannelError] = {
        variant: errors[variant] or fresh.get(variant) or row for variant, row in rows.items() if variant in errors
    }
    return [row if isinstance(row, ChannelError) else now.get(row["id"], row) for row in found]


def _make_items(shop: MedusaClient, rows: Sequence[Row]) -> None:
    """Give variants an inventory item each, which older versions of Medusa do not make by themselves."""
    for row in rows:
        if not sku_of(row):
            raise ChannelRefused("It has no inventory item in Medusa: give it one")
        item = shop.post("inventory-items?fields=id", {"sku": sku_of(row)}).find("inventory_item", "id")
        links = [{"variant_id": row["id"], "inventory_item_id": item, "required_quantity": 1}]
        shop.post(f"products/{row['product_id']}/variants/inventory-items/batch", {"create": links})


def _count(shop: MedusaClient, rows: Sequence[Row]) -> None:
    """Have Medusa count variants; an inventory item with its SKU becomes its own, another one Medusa creates."""
    path = f"products/{rows[0]['product_id']}/variants"
    alone = {sku_of(row): row["id"] for row in rows if not row.get("inventory_items")}
    if alone:
        query = {"sku[]": list(alone), "limit": len(alone), "fields": "id,sku"}
        items = [item for item in shop.read_list("inventory-items", "inventory_items", query) if item.get("id")]
        links = [
            {"variant_id": alone[text(item.get("sku"))], "inventory_item_id": item["id"], "required_quantity": 1}
            for item in items
            if text(item.get("sku")) in alone
        ]
        if links:
            shop.post(f"{path}/inventory-items/batch", {"create": links})
    update = [{"id": row["id"], "manage_inventory": True} for row in rows]
    shop.post(f"{path}/batch?fields=id", {"update": update})


def _write(shop: MedusaClient, changes: Sequence[Change], location: str) -> dict[str, Outcome]:
    """Write levels and return the outcomes by inventory item.

    Where less is reserved than was added, because an order was despatched meanwhile, the level is written once more:
    it would be too high.
    """
    reserved: dict[str, Decimal] = {}

    def send(some: Sequence[Change]) -> None:
        reserved.update(_send(shop, some, location))

    outcomes = dict(zip((change.part.item for change in changes), divide(changes, send), strict=True))
    again = [
        Change(Part(change.part.item, 1, Decimal(0), reserved[change.part.item]), change.quantity)
        for change in changes
        if reserved.get(change.part.item, change.part.reserved) < change.part.reserved
    ]
    return outcomes | dict(zip((change.part.item for change in again), divide(again, send), strict=True))


def _send(shop: MedusaClient, changes: Sequence[Change], location: str) -> Iterable[tuple[str, Decimal]]:
    """Write levels in one call and return what Medusa says is reserved, by inventory item."""
    body = {
        "create": [change.entry(location) for change in changes if change.part.stocked is None],
        "update": [change.entry(location) for change in changes if change.part.stocked is not None],
    }
    answer = shop.post(LEVELS_PATH, {name: entries for name, entries in body.items() if entries})
    rows = [row for name in ("created", "updated") for row in listed(answer.find(name))]
    return [(text(row.get("inventory_item_id")), money(row.get("reserved_quantity"))) for row in rows]
