"""Orders, their payments and reservations, and what is done with them."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from decimal import Decimal
from typing import TYPE_CHECKING, Any

from tests.channels.medusa.fake.catalogue import merged
from tests.channels.medusa.fake.money import ZERO
from tests.channels.medusa.fake.order_views import collection_of, left_to_capture, totals_of
from tests.channels.medusa.fake.rows import Row, invalid, not_allowed, not_found

if TYPE_CHECKING:
    from tests.channels.medusa.fake.shop import MedusaShop

OPEN_EDIT = "Order has an existing active order change, please confirm or cancel it first."
TOO_MUCH_CAPTURED = "You cannot capture more than the authorized amount substracted by what is already captured."
TOO_MUCH_REFUNDED = "You are not allowed to refund more than the captured amount"
QUANTITIES = (
    *("fulfilled", "delivered", "shipped", "return_requested", "return_received", "return_dismissed", "written_off"),
)


class OrderBook:
    """The shop's orders by id, and the pieces that are reserved for them."""

    def __init__(self, shop: MedusaShop) -> None:
        self.shop = shop
        self.orders: dict[str, Row] = {}
        self.reservations: dict[str, Row] = {}

    def find(self, key: str) -> Row:
        if key not in self.orders:
            raise not_found(f"Order id not found: {key}")
        return self.orders[key]

    def open(self, key: str) -> Row:
        """Return an order to which something may be done."""
        order = self.find(key)
        if order["status"] == "canceled":
            raise invalid(f"Order with id {key} has been canceled.")
        if order["change"]:
            raise invalid(OPEN_EDIT)
        return order

    def payment(self, key: str) -> tuple[Row, Row, Row]:
        """Return a payment with its order and its collection."""
        for order in self.orders.values():
            for collection in order["payment_collections"]:
                for payment in collection["payments"]:
                    if payment["id"] == key:
                        return order, collection, payment
        raise not_found(f"Payment with id: {key} was not found")

    def stamped(self, prefix: str, **fields: Any) -> Row:
        return self.shop.catalogue.stamped(prefix, **fields)

    def changed(self, order: Row, *, version: bool = True) -> None:
        """Record a change, of which a new version has new rows of everything."""
        order["updated_at"] = self.shop.now()
        if version:
            order["version"] += 1
            order["in_version"] = {"total": totals_of(order)["total"], "credit": ZERO}

    # -- stock -----------------------------------------------------------------------------------------

    def reserve(self, line: Row, quantity: Decimal, location: str = "") -> None:
        """Reserve pieces of a line where there are enough."""
        variant = self.shop.catalogue.variants[line["variant_id"]]
        for item in variant["inventory_items"] if variant["manage_inventory"] else ():
            levels = self.shop.catalogue.levels_of(item)
            enough = [row for row in levels if row["stocked_quantity"] - row["reserved_quantity"] >= quantity]
            chosen = [row for row in enough if location in ("", row["location_id"])]
            if not chosen:
                raise not_allowed("Some variant does not have the required inventory")
            chosen[0]["reserved_quantity"] += quantity
            row = self.stamped(
                "resitem", line_item_id=line["id"], location_id=chosen[0]["location_id"], inventory_item_id=item
            )
            self.reservations[row["id"]] = {**row, "quantity": quantity, "metadata": None}

    def reserved(self, line: str) -> list[Row]:
        return [row for row in self.reservations.values() if row["line_item_id"] == line]

    def release(self, row: Row, quantity: Decimal) -> None:
        """Reserve less."""
        self.shop.catalogue.level(row["inventory_item_id"], row["location_id"])["reserved_quantity"] -= quantity
        row["quantity"] -= quantity
        if not row["quantity"]:
            del self.reservations[row["id"]]

    # -- fulfilments -----------------------------------------------------------------------------------

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

    # -- money -----------------------------------------------------------------------------------------

    def capture(self, key: str, amount: Decimal | None) -> Row:
        """Capture a payment, which the time of its order's last change does not show."""
        order, collection, payment = self.payment(key)
        left = left_to_capture(payment)
        if not left or payment["canceled_at"]:
            return payment
        if (amount or left) > left:
            raise invalid(TOO_MUCH_CAPTURED)
        row = self.stamped("capt", payment_id=key, metadata=None, created_by=self.shop.key_id, amount=amount or left)
        payment["captures"].append(row)
        self._book(order, "capture", row["id"], row["amount"])
        if not left_to_capture(payment):
            payment["captured_at"] = payment["updated_at"] = self.shop.now()
        if all(not left_to_capture(one) for one in collection["payments"]):
            collection.update(status="completed", completed_at=self.shop.now())
        collection["updated_at"] = self.shop.now()
        return payment

    def refund(self, key: str, amount: Decimal | None, **fields: Any) -> Row:
        """Refund a captured payment, for which the order gets a credit line."""
        order, collection, payment = self.payment(key)
        if order["change"]:
            raise invalid(OPEN_EDIT)
        refunded = self._refund(order, payment, amount, **fields)
        self._credit(order, collection, refunded)
        return payment

    def _refund(self, order: Row, payment: Row, amount: Decimal | None, reference: str = "", **fields: Any) -> Decimal:
        captured, refunded = (sum((row["amount"] for row in payment[name]), ZERO) for name in ("captures", "refunds"))
        amount = captured - refunded if amount is None else amount
        if amount > captured - refunded or amount < 0:
            raise invalid(TOO_MUCH_REFUNDED)
        empty = dict.fromkeys(("refund_reason_id", "refund_reason", "note", "metadata"))
        known = {name: value for name, value in fields.items() if name in empty}
        row = self.stamped(
            "ref", payment_id=payment["id"], created_by=self.shop.key_id, **{**empty, **known}, amount=amount
        )
        payment["refunds"].append(row)
        self._book(order, "refund", reference or row["id"], -amount)
        return amount

    def _credit(self, order: Row, collection: Row, amount: Decimal) -> None:
        before = order["in_version"]
        self.changed(order)
        order["in_version"] = {"total": before["total"], "credit": before["credit"] + amount}
        row = self.stamped(
            "ordcl",
            version=order["version"],
            reference="payment_collection",
            reference_id=collection["id"],
            metadata={"created_in_version": order["version"]},
            order_id=order["id"],
            amount=amount,
        )
        order["credit_lines"].append(row)
        collection["updated_at"] = self.shop.now()

    def _book(self, order: Row, kind: str, reference: str, amount: Decimal) -> None:
        empty = dict.fromkeys(("return_id", "return", "exchange_id", "exchange", "claim_id", "claim"))
        row = self.stamped("ordtrx", version=order["version"], currency_code=order["currency_code"], **empty)
        booked = {"reference": kind, "reference_id": reference, "order_id": order["id"], "amount": amount}
        order["transactions"].append({**row, **booked})

    # -- the whole order -------------------------------------------------------------------------------

    def cancel(self, key: str) -> Row:
        """Cancel an order: captured money is refunded, and nothing is reserved any more."""
        order = self.open(key)
        if any(not row["canceled_at"] for row in order["fulfillments"]):
            raise not_allowed("All fulfillments must be canceled before canceling an order")
        for collection in order["payment_collections"]:
            refunded = ZERO
            for payment in collection["payments"]:
                if payment["captures"]:
                    refunded += self._refund(order, payment, None, reference=payment["id"])
                else:
                    payment["canceled_at"] = payment["updated_at"] = self.shop.now()
            self._credit(order, collection, refunded)
            collection.update(collection_of(collection), status="canceled")
        for line in order["items"]:
            for row in self.reserved(line["id"]):
                self.release(row, row["quantity"])
        order.update(status="canceled", canceled_at=self.shop.now(), updated_at=self.shop.now())
        return order

    def update(self, key: str, sent: Mapping[str, Any]) -> Row:
        """Change an order's metadata, email or addresses."""
        order = self.find(key)
        order["metadata"] = merged(order["metadata"], sent.get("metadata"))
        for name in ("email", "locale"):
            order[name] = sent.get(name, order[name])
        for name in ("shipping_address", "billing_address"):
            order[name] = {**(order[name] or {}), **sent[name]} if sent.get(name) else order[name]
        self.changed(order, version=False)
        return order


def _lines(order: Row, fulfilment: Row) -> Iterator[tuple[Row, Decimal]]:
    """Yield the lines of a fulfilment with their pieces."""
    lines = {line["id"]: line for line in order["items"]}
    for item in fulfilment["items"]:
        yield lines[item["line_item_id"]], item["quantity"]
