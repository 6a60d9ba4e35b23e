"""The shop's orders, and the pieces that are reserved for them."""

from __future__ import annotations

from decimal import Decimal
from typing import TYPE_CHECKING, Any

from tests.channels.medusa.fake.money import ZERO
from tests.channels.medusa.fake.order_views import totals_of
from tests.channels.medusa.fake.rows import Row, invalid, not_allowed, not_found

if TYPE_CHECKING:
    from tests.channels.medusa.fake.shop import MedusaShop

OPEN_EDIT = "Order has an existing active order change, please confirm or cancel it first."
QUANTITIES = (
    *("fulfilled", "delivered", "shipped", "return_requested", "return_received", "return_dismissed", "written_off"),
)


class OrderBase:
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
