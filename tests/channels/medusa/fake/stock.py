"""Inventory items and their levels at locations."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from decimal import Decimal
from typing import Any

from tests.channels.medusa.fake.metadata import known_fields
from tests.channels.medusa.fake.rows import Row, invalid, new_id, not_found

ITEM = {
    **dict.fromkeys(("origin_country", "hs_code", "mid_code", "material", "unit_of_measure", "weight", "length")),
    **dict.fromkeys(("height", "width", "metadata", "thumbnail", "title", "description", "sku")),
    "requires_shipping": True,
}


class Stock:
    """Rows are kept as Medusa shows them; the levels of an item are by location."""

    def __init__(self, now: Callable[[], str]) -> None:
        self.now = now
        self.items: dict[str, Row] = {}
        self.levels: dict[str, dict[str, Row]] = {}

    def stamped(self, prefix: str, **fields: Any) -> Row:
        """Return a new row with an id and its times."""
        moment = self.now()
        return {"id": new_id(prefix), **fields, "created_at": moment, "updated_at": moment, "deleted_at": None}

    def create_item(self, sent: Mapping[str, Any]) -> Row:
        if sent.get("sku") and any(item["sku"] == sent["sku"] for item in self.items.values()):
            raise invalid(f"Inventory item with sku: {sent['sku']}, already exists.")
        item = self.stamped("iitem", **{**ITEM, **known_fields(ITEM, sent)})
        self.items[item["id"]] = item
        for level in sent.get("location_levels", ()):
            self.create_level(item["id"], level["location_id"], level.get("stocked_quantity", 0))
        return item

    def update_item(self, item: Row, sent: Mapping[str, Any]) -> Row:
        if sent.get("sku") and any(row["sku"] == sent["sku"] for row in self.items.values() if row is not item):
            raise invalid(f"Inventory item with sku: {sent['sku']}, already exists.")
        item.update(known_fields(ITEM, sent), updated_at=self.now())
        return item

    def create_level(self, item: str, location: str, stocked: Any) -> Row:
        if location in self.levels.get(item, ()):
            words = f"Inventory level with inventory_item_id: {item}, location_id: {location}, already exists."
            raise invalid(words)
        quantities = {"stocked_quantity": Decimal(str(stocked)), "reserved_quantity": Decimal(0)}
        level = self.stamped("ilev", location_id=location, metadata=None, inventory_item_id=item, **quantities)
        self.levels.setdefault(item, {})[location] = level
        return level

    def level(self, item: str, location: str) -> Row:
        level = self.levels.get(item, {}).get(location) if item in self.items else None
        if level is None:
            raise not_found(f"Item {item} is not stocked at location {location}")
        return level

    def levels_of(self, item: str) -> list[Row]:
        return list(self.levels.get(item, {}).values())

    def quantities(self, item: str) -> dict[str, Decimal]:
        """Return the sums over all locations."""
        names = ("reserved_quantity", "stocked_quantity")
        return {name: sum((level[name] for level in self.levels_of(item)), Decimal(0)) for name in names}
