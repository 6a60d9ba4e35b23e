"""Inventory items and their levels at locations."""

from __future__ import annotations

from decimal import Decimal
from typing import TYPE_CHECKING, Any

from flask import Blueprint, Response, request
from werkzeug.local import LocalProxy

from tests.channels.medusa.fake.catalogue_views import ITEM_FIELDS, LEVEL_FIELDS, show_item, show_level
from tests.channels.medusa.fake.rows import Row, body, invalid, not_found, page, reply, select, wanted_fields

if TYPE_CHECKING:
    from tests.channels.medusa.fake.shop import MedusaShop


def add_to(app: Blueprint, shop: MedusaShop) -> None:
    catalogue: Any = LocalProxy(lambda: shop.catalogue)

    def answer(item: Row) -> Response:
        fields = wanted_fields(request.args.get("fields"), ITEM_FIELDS)
        return reply({"inventory_item": select(show_item(shop, item), fields)})

    def find(key: str) -> Row:
        if key not in catalogue.items:
            raise not_found(f"Inventory item with id: {key} was not found")
        return catalogue.items[key]

    @app.get("/inventory-items")
    def items() -> Response:
        return page(
            "inventory_items",
            catalogue.items.values(),
            lambda item: show_item(shop, item),
            ITEM_FIELDS,
            filters=("id", "sku"),
            limit=20,
        )

    @app.post("/inventory-items")
    def create() -> Response:
        return answer(catalogue.create_item(body()))

    @app.get("/inventory-items/<key>")
    def item(key: str) -> Response:
        return answer(find(key))

    @app.post("/inventory-items/<key>")
    def update(key: str) -> Response:
        return answer(catalogue.update_item(find(key), body()))

    @app.get("/inventory-items/<key>/location-levels")
    def levels(key: str) -> Response:
        rows = catalogue.levels_of(find(key)["id"])
        return page("inventory_levels", rows, show_level, LEVEL_FIELDS, filters=("location_id",))

    @app.post("/inventory-items/<key>/location-levels")
    def create_level(key: str) -> Response:
        sent = body()
        catalogue.create_level(find(key)["id"], sent["location_id"], sent.get("stocked_quantity", 0))
        return answer(catalogue.items[key])

    @app.post("/inventory-items/<key>/location-levels/<location>")
    def update_level(key: str, location: str) -> Response:
        stocked = _quantity("stocked_quantity", body().get("stocked_quantity"))
        level = catalogue.level(key, location)
        level.update(stocked_quantity=stocked, updated_at=shop.now())
        return answer(catalogue.items[key])

    @app.post("/inventory-items/location-levels/batch")
    def batch() -> Response:
        """Write all levels or none."""
        sent = body()
        quantities = {
            (kind, number): _quantity(f"{kind}, {number}, stocked_quantity", entry.get("stocked_quantity", 0))
            for kind in ("create", "update")
            for number, entry in enumerate(sent.get(kind, ()))
        }
        for entry in sent.get("create", ()):
            find(entry["inventory_item_id"])
            if entry["location_id"] in catalogue.levels.get(entry["inventory_item_id"], ()):
                words = f"{entry['inventory_item_id']}, location_id: {entry['location_id']}, already exists."
                raise invalid(f"Inventory level with inventory_item_id: {words}")
        found = [catalogue.level(row["inventory_item_id"], row["location_id"]) for row in sent.get("update", ())]
        created = [
            catalogue.create_level(entry["inventory_item_id"], entry["location_id"], quantities["create", number])
            for number, entry in enumerate(sent.get("create", ()))
        ]
        for number, level in enumerate(found):
            level.update(stocked_quantity=quantities["update", number], updated_at=shop.now())
        shown = [[show_level(level) for level in levels] for levels in (created, found)]
        return reply({"created": shown[0], "updated": shown[1]})


def _quantity(name: str, value: Any) -> Decimal:
    if Decimal(str(value)) < 0:
        raise invalid(f"Invalid request: Value for field '{name}' too small, expected at least: '0'")
    return Decimal(str(value))
