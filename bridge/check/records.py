"""What a run remembers of the products and orders it was shown."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from bridge.check.answer import objects, string


@dataclass(frozen=True)
class Product:
    sku: str
    reference: str
    title: str
    quantity: int
    price: float | None

    @classmethod
    def read(cls, row: dict[str, Any]) -> Product:
        price = row.get("Price")
        return cls(
            sku=string(row.get("SKU")),
            reference=string(row.get("Reference")),
            title=string(row.get("Title")),
            quantity=_whole(row.get("Quantity")),
            price=float(price) if isinstance(price, (int, float)) else None,
        )

    @classmethod
    def by_sku(cls, rows: list[dict[str, Any]]) -> dict[str, Product]:
        """The products of some rows by SKU."""
        return {product.sku: product for product in map(cls.read, rows)}

    def row(self, name: str, value: Any) -> dict[str, Any]:
        """A new Quantity or Price of it, as an update names it."""
        row = {"SKU": self.sku, "Reference": self.reference, name: value}
        return {**row, "Tag": ""} if name == "Price" else row


@dataclass(frozen=True)
class Line:
    number: str
    sku: str
    quantity: int
    price: float
    service: bool
    cancelled: bool

    @classmethod
    def read(cls, row: dict[str, Any]) -> Line:
        price = row.get("PricePerUnit")
        return cls(
            number=string(row.get("OrderLineNumber")),
            sku=string(row.get("SKU")),
            quantity=_whole(row.get("Qty")),
            price=float(price) if isinstance(price, (int, float)) else 0.0,
            service=row.get("IsService") is True,
            cancelled=row.get("CancelStatus") in ("CANCELLED", "CANCELED"),
        )

    def part(self, quantity: int) -> dict[str, Any]:
        """So many pieces of this line, as a despatch names them."""
        return {"SKU": self.sku, "OrderLineNumber": self.number, "DespatchedQuantity": quantity}


@dataclass(frozen=True)
class Order:
    reference: str
    external: str
    received: str
    status: str
    lines: tuple[Line, ...]

    @classmethod
    def read(cls, row: dict[str, Any]) -> Order:
        return cls(
            reference=string(row.get("ReferenceNumber")),
            external=string(row.get("ExternalReference")),
            received=string(row.get("ReceivedDate")),
            status=string(row.get("PaymentStatus")),
            lines=tuple(Line.read(line) for line in objects(row.get("OrderItems"))),
        )

    @property
    def goods(self) -> list[Line]:
        """The lines that are packed and sent."""
        return [line for line in self.lines if not line.service]

    @property
    def cancelled(self) -> bool:
        """Whether nothing of it is wanted any more."""
        return self.status == "CANCELLED" or all(line.cancelled for line in self.lines)

    @property
    def open(self) -> bool:
        """Whether it is paid, whole and has goods to send."""
        whole = all(line.number and line.sku and line.quantity > 0 for line in self.lines)
        stopped = any(line.cancelled for line in self.lines)
        return self.status == "PAID" and bool(self.reference) and bool(self.goods) and whole and not stopped

    @property
    def splits(self) -> bool:
        """Whether it can go out in two parts."""
        return sum(line.quantity for line in self.goods) > 1


def _whole(value: Any) -> int:
    return value if isinstance(value, int) else 0
