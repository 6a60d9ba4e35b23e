"""Fulfilments of orders: packed, shipped, delivered or cancelled."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from decimal import Decimal
from typing import Any

from tests.channels.medusa.fake.order_base import OrderBase
from tests.channels.medusa.fake.rows import Row, invalid, not_allowed, not_found


class Fulfilments(OrderBase):
    """What is done with the goods of orders."""

    def fulfil(self, key: str, sent: Mapping[str, Any]) -> Row:
        order = self.open(key)
        lines = {line["id"]: line for line in order["items"]}
        unknown = [entry["id"] for entry in sent["items"] if entry["id"] not in lines]
        if unknown:
            raise invalid(f"Items with ids {', '.join(unknown)} does not exist in order with id {key}.")
        pieces = {entry["id"]: Decimal(str(entry["quantity"])) for entry in sent["items"]}
        for line, count in pieces.items():
            self._check_fulfilment(lines[line], count)
        places = [row["location_id"] for line in pieces for row in self.reserved(line)]
        location = sent.get("location_id") or next(iter(places), next(iter(self.shop.tables["stock_locations"])))
        fulfilment = self.stamped(
            "ful",
            location_id=location,
            packed_at=self.shop.now(),
            **dict.fromkeys(("shipped_at", "marked_shipped_by", "delivered_at", "canceled_at")),
            data={},
            created_by=self.shop.key_id,
            requires_shipping=any(lines[line]["requires_shipping"] for line in pieces),
            provider={"id": "manual_manual"},
            provider_id="manual_manual",
            shipping_option_id=next((row["shipping_option_id"] for row in order["shipping_methods"]), None),
            shipping_option={"id": self.shop.shipping},
            delivery_address={"id": order["shipping_address"]["id"]},
            delivery_address_id=order["shipping_address"]["id"],
            metadata=sent.get("metadata"),
            labels=[],
        )
        fulfilment["items"] = []
        for line, count in pieces.items():
            held = self.reserved(line)
            for row in held:
                self.release(row, count)
                level = self.shop.catalogue.level(row["inventory_item_id"], location)
                level["stocked_quantity"] -= count
            lines[line]["detail"]["fulfilled_quantity"] += count
            fulfilment["items"].append(self._fulfilment_item(fulfilment["id"], lines[line], count, held))
        order["fulfillments"].append(fulfilment)
        self.changed(order)
        return order

    def _check_fulfilment(self, line: Row, count: Decimal) -> None:
        held = self.reserved(line["id"])
        variant = self.shop.catalogue.variants.get(line["variant_id"])
        if not held and variant and variant["manage_inventory"]:
            words = f"{line['id']} - {line['title']} ({line['variant_title']})"
            raise invalid(f"No stock reservation found for item {words}")
        left = line["quantity"] - line["detail"]["fulfilled_quantity"]
        if count > min([left, *(row["quantity"] for row in held)]):
            raise invalid(f"Quantity to fulfill exceeds the reserved quantity for the item: {line['id']}")

    def _fulfilment_item(self, fulfilment: str, line: Row, count: Decimal, held: Sequence[Row]) -> Row:
        return self.stamped(
            "fulit",
            title=line["variant_title"],
            sku=line["variant_sku"],
            barcode="",
            line_item_id=line["id"],
            inventory_item_id=held[0]["inventory_item_id"] if held else None,
            fulfillment_id=fulfilment,
            quantity=count,
        )

    def fulfilment(self, order: Row, key: str) -> Row:
        found = next((row for row in order["fulfillments"] if row["id"] == key), None)
        if found is None:
            raise not_found(f"Fulfillment with id: {key} was not found")
        return found

    def ship(self, key: str, fulfilment: str, sent: Mapping[str, Any]) -> Row:
        order = self.open(key)
        row = self.fulfilment(order, fulfilment)
        if row["canceled_at"]:
            raise not_allowed("The fulfillment has been canceled. Shipment cannot be created")
        if row["shipped_at"]:
            raise not_allowed("Shipment has already been created")
        moment = self.shop.now()
        row.update(shipped_at=moment, marked_shipped_by=self.shop.key_id, updated_at=moment)
        fields = ("tracking_number", "tracking_url", "label_url")
        for label in sent.get("labels", ()):
            texts = {name: label[name] for name in fields}
            row["labels"].append(self.stamped("fulla", **texts, fulfillment_id=fulfilment))
        for line, count in _lines(order, row):
            line["detail"]["shipped_quantity"] += count
        self.changed(order)
        return order

    def deliver(self, key: str, fulfilment: str) -> Row:
        order = self.open(key)
        row = self.fulfilment(order, fulfilment)
        row["delivered_at"] = row["updated_at"] = self.shop.now()
        for line, count in _lines(order, row):
            line["detail"]["delivered_quantity"] += count
        self.changed(order)
        return order

    def cancel_fulfilment(self, key: str, fulfilment: str) -> Row:
        """Cancel a fulfilment: its pieces are in stock again, and reserved."""
        order = self.open(key)
        row = self.fulfilment(order, fulfilment)
        if row["shipped_at"]:
            words = "The fulfillment has already been shipped. Shipped fulfillments cannot be canceled"
            raise not_allowed(words)
        row["canceled_at"] = row["updated_at"] = self.shop.now()
        for item in row["items"]:
            line = next(line for line in order["items"] if line["id"] == item["line_item_id"])
            line["detail"]["fulfilled_quantity"] -= item["quantity"]
            if item["inventory_item_id"]:
                level = self.shop.catalogue.level(item["inventory_item_id"], row["location_id"])
                level["stocked_quantity"] += item["quantity"]
                self.reserve(line, item["quantity"], row["location_id"])
        self.changed(order)
        return order


def _lines(order: Row, fulfilment: Row) -> Iterator[tuple[Row, Decimal]]:
    """Yield the lines of a fulfilment with their pieces."""
    lines = {line["id"]: line for line in order["items"]}
    for item in fulfilment["items"]:
        yield lines[item["line_item_id"]], item["quantity"]
