"""Payments of orders: captured and refunded."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

from tests.channels.medusa.fake.money import ZERO
from tests.channels.medusa.fake.order_base import OPEN_EDIT, OrderBase
from tests.channels.medusa.fake.order_views import left_to_capture
from tests.channels.medusa.fake.rows import Row, invalid

TOO_MUCH_CAPTURED = "You cannot capture more than the authorized amount substracted by what is already captured."
TOO_MUCH_REFUNDED = "You are not allowed to refund more than the captured amount"


class Payments(OrderBase):
    """What is done with the money of orders."""

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
