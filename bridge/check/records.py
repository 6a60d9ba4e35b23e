"""Products and orders as a response showed them, and the request rows that refer to them."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Any

from bridge.check.response import format_time, objects, string


@dataclass(frozen=True)
class ProductRecord:
    """A row of Products."""

    sku: str
    reference: str
    title: str
    quantity: int
    price: float | None

    @property
    def stock_level(self) -> int:
        """Return the quantity as an update can send it: 0 when the shop shows a negative one."""
        return max(0, self.quantity)

    @classmethod
    def from_row(cls, row: dict[str, Any]) -> ProductRecord:
        """Read a row of a response."""
        price = row.get("Price")
        return cls(
            sku=string(row.get("SKU")),
            reference=string(row.get("Reference")),
            title=string(row.get("Title")),
            quantity=_integer(row.get("Quantity")),
            price=float(price) if isinstance(price, (int, float)) else None,
        )

    @classmethod
    def by_sku(cls, rows: list[dict[str, Any]]) -> dict[str, ProductRecord]:
        """Read rows of a response into a dictionary by SKU."""
        return {product.sku: product for product in map(cls.from_row, rows)}

    def update_row(self, name: str, value: Any) -> dict[str, Any]:
        """Return a row of InventoryUpdate or PriceUpdate that sets Quantity or Price."""
        row = {"SKU": self.sku, "Reference": self.reference, name: value}
        return {**row, "Tag": ""} if name == "Price" else row


@dataclass(frozen=True)
class OrderLineRecord:
    """A row of an order's OrderItems."""

    number: str
    sku: str
    quantity: int
    price: float
    is_service: bool
    is_cancelled: bool

    @classmethod
    def from_row(cls, row: dict[str, Any]) -> OrderLineRecord:
        """Read a row of a response."""
        return cls(
            number=string(row.get("OrderLineNumber")),
            sku=string(row.get("SKU")),
            quantity=_integer(row.get("Qty")),
            price=_number(row.get("PricePerUnit")),
            is_service=row.get("IsService") is True,
            is_cancelled=row.get("CancelStatus") in ("CANCELLED", "CANCELED"),
        )

    def despatch_item(self, quantity: int) -> dict[str, Any]:
        """Return an item of a Despatch with this many pieces of the line."""
        return {"SKU": self.sku, "OrderLineNumber": self.number, "DespatchedQuantity": quantity}


@dataclass(frozen=True)
class OrderRecord:
    """A row of Orders."""

    reference: str
    external: str
    received: str
    status: str
    lines: tuple[OrderLineRecord, ...]
    postage: float = 0.0

    @classmethod
    def from_row(cls, row: dict[str, Any]) -> OrderRecord:
        """Read a row of a response."""
        return cls(
            reference=string(row.get("ReferenceNumber")),
            external=string(row.get("ExternalReference")),
            received=string(row.get("ReceivedDate")),
            status=string(row.get("PaymentStatus")),
            lines=tuple(OrderLineRecord.from_row(line) for line in objects(row.get("OrderItems"))),
            postage=_number(row.get("PostalServiceCost")),
        )

    @property
    def shippable_lines(self) -> list[OrderLineRecord]:
        """Return the lines that are packed and sent."""
        return [line for line in self.lines if not line.is_service]

    @property
    def is_cancelled(self) -> bool:
        """Return whether the whole order is cancelled."""
        return self.status == "CANCELLED" or all(line.is_cancelled for line in self.lines)

    @property
    def is_open(self) -> bool:
        """Return whether the order is paid, complete, and has lines to send."""
        complete = all(line.number and line.sku and line.quantity > 0 for line in self.lines)
        partly_cancelled = any(line.is_cancelled for line in self.lines)
        sendable = bool(self.reference) and bool(self.shippable_lines)
        return self.status == "PAID" and sendable and complete and not partly_cancelled

    @property
    def can_be_split(self) -> bool:
        """Return whether the order has more than one piece, so that it can be sent in two parcels."""
        return sum(line.quantity for line in self.shippable_lines) > 1

    def parcel(self, items: list[dict[str, Any]], processed: datetime) -> dict[str, Any]:
        """Return a row of Despatch that sends these items of the order."""
        return {
            "ReferenceNumber": self.reference,
            "ShippingVendor": "NONE",
            "ShippingMethod": "Default",
            "TrackingNumber": "CHECK123456789GB",
            "SecondaryTrackingNumbers": None,
            "ProcessedOn": format_time(processed),
            "Items": items,
        }

    def complete_parcel(self, processed: datetime) -> dict[str, Any]:
        """Return a row of Despatch that sends the whole order."""
        return self.parcel([line.despatch_item(line.quantity) for line in self.shippable_lines], processed)


@dataclass(frozen=True)
class CancelledPieces:
    """A Cancel of one piece of a line, and when it was sent."""

    order: OrderRecord
    line: OrderLineRecord
    cancellation: dict[str, Any]
    sent: datetime


def _integer(value: Any) -> int:
    return value if isinstance(value, int) else 0


def _number(value: Any) -> float:
    return float(value) if isinstance(value, (int, float)) else 0.0
