"""Refunds in Medusa: of one captured payment each, with the key and the amounts by line in its note.

Money that no single payment has is taken of several, one call after the other, under the same key. Medusa writes a
refund before it asks the payment provider, deletes it when that refuses, and books it in the order at the end. What is
left to refund is what was captured and not refunded: the order's total is lowered by a credit line for each refund.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import timedelta
from decimal import Decimal

from msgspec.structs import replace

from bridge.channels.helpers.order_lines import Line, find_line
from bridge.channels.helpers.refund_amounts import rounded
from bridge.channels.helpers.totals import ROUNDING
from bridge.channels.medusa.action_records import read_refund_note, refund_note
from bridge.channels.medusa.api import Row
from bridge.channels.medusa.order_calls import OrderCalls
from bridge.channels.medusa.order_state import MedusaOrder, Payment, full_price, refund_actions, refund_result
from bridge.channels.medusa.orders import SHIPPING, line_sku
from bridge.channels.medusa.values import in_units, money, read_time, unit_of_digits
from bridge.errors import ChannelRefused, ChannelUnavailable, OutcomeUnknown
from bridge.protocol.schemas.after_sale import Refund

GATEWAY_TIME = timedelta(minutes=2)
"""How long Medusa and a payment provider may take for a refund."""
REASONS = {
    "CHANGED_MIND": "Changed their mind",
    "NOT_AVAILABLE": "Not available",
    "DAMAGED": "Arrived damaged",
    "WRONG_ITEM": "Wrong item",
    "LATE": "Arrived late",
    "OTHER": "Other",
}


@dataclass(frozen=True)
class Refunds:
    """The refunds of one order."""

    calls: OrderCalls

    def refund(self, refund: Refund, key: str) -> str:
        """Refund lines, shipping or an amount and return the ids of Medusa's refunds.

        What was refunded under this key before is gone on with. Raises ChannelRefused for more than was captured.
        """
        order = self.calls.take()
        unit = self._unit(order)
        if own := order.refunds_of(key):
            note = str(own[0]["note"])
            self._require_booked(order, own)
        else:
            refund, lines, total = _checked(order, refund, unit)
            note = refund_note(refund, lines, total, key, _reasons(refund))
        missing = _missing(note, own, unit)
        if missing:
            self.calls.require_no_edit()
        for payment, amount in split(order.payments, missing, unit):
            order = self._refund_payment(order, payment, amount, note, key)
        own = order.refunds_of(key)
        if left := _missing(note, own, unit):
            raise ChannelRefused(
                f"{left} of this refund is missing, {in_units(order.refundable, unit)} of order {order.id} is left"
            )
        self.calls.finished(key)
        return refund_result(own)

    def result(self, order: MedusaOrder, key: str) -> str | None:
        """Return the result of the refund with this key, None if money is missing.

        Raises ChannelUnavailable while Medusa is at work, and OutcomeUnknown if it has stopped half-way.
        """
        own = order.refunds_of(key)
        if not own:
            return None
        self._require_booked(order, own)
        return None if _missing(str(own[0]["note"]), own, self._unit(order)) else refund_result(own)

    def is_settled(self, order: MedusaOrder, key: str) -> bool:
        """Return whether the shop shows the last call that this process made for a refund that is not complete."""
        last = self.calls.last_call(key)
        return bool(last) and last != str(len(order.refunds_of(key)))

    def _refund_payment(
        self, order: MedusaOrder, payment: Payment, amount: Decimal, note: str, key: str
    ) -> MedusaOrder:
        before = len(order.refunds_of(key))
        self.calls.begin(key, str(before))
        try:
            self.calls.shop.post(f"payments/{payment.id}/refund?fields=id", {"amount": float(amount), "note": note})
        except ChannelRefused:
            order = self.calls.now()
            if len(order.refunds_of(key)) == before:
                raise  # Medusa deletes a refund that the provider refuses
            self._require_booked(order, order.refunds_of(key))
            return order
        return self.calls.now()

    def _require_booked(self, order: MedusaOrder, rows: Sequence[Row]) -> None:
        """Raise an error for a refund that Medusa has written but not booked."""
        for row in rows:
            if order.is_booked(row):
                continue
            if order.as_of - (read_time(row["created_at"]) or order.as_of) < GATEWAY_TIME:
                raise ChannelUnavailable("Medusa and its payment provider are still working on this refund")
            raise OutcomeUnknown(
                f"Refund {row['id']} was begun in Medusa, which has not booked it: check with the payment provider "
                "whether the money was refunded"
            )

    def _unit(self, order: MedusaOrder) -> Decimal:
        """Return the smallest amount of the order's currency."""
        code = str(order.row["currency_code"])
        key = f"medusa decimals of {code}"
        if key not in self.calls.shop.cache:
            answer = self.calls.shop.get(f"currencies/{code}", {"fields": "code,decimal_digits"})
            digits = answer.find("currency", "decimal_digits")
            if not isinstance(digits, int) or not 0 <= digits <= 4:
                raise answer.unusable("The shop does not say how many decimals the currency has")
            self.calls.shop.cache[key] = str(digits)
        return unit_of_digits(int(self.calls.shop.cache[key]))


def split(payments: Sequence[Payment], amount: Decimal, unit: Decimal) -> list[tuple[Payment, Decimal]]:
    """Return what is taken of each payment for an amount: one that has enough, or else the largest first.

    All that is left of a payment is taken unrounded, as Medusa has it.
    """
    by_size = sorted((one for one in payments if in_units(one.refundable, unit) > 0), key=lambda one: one.refundable)
    enough = next((one for one in by_size if in_units(one.refundable, unit) >= amount), None)
    parts = []
    for payment in [enough] if enough else reversed(by_size):
        held = in_units(payment.refundable, unit)
        if amount > 0:
            parts.append((payment, payment.refundable if amount >= held else amount))
            amount -= held
    return parts


def _missing(note: str, rows: Sequence[Row], unit: Decimal) -> Decimal:
    """Return how much of the refund in a note was not refunded yet."""
    done = sum((in_units(money(row["amount"]), unit) for row in rows), Decimal(0))
    return max(Decimal(0), money(read_refund_note(note).get("total")) - done)


def _checked(order: MedusaOrder, refund: Refund, unit: Decimal) -> tuple[Refund, dict[str, Decimal], Decimal]:
    """Return a refund with rounded amounts, those by line, and their sum.

    Raises ChannelRefused for more than remains of the order, a line or its shipping, and for an invalid amount.
    """
    if order.is_cancelled:
        raise ChannelRefused(f"Order {order.id} is cancelled in Medusa, which has refunded what was captured")
    if not any(payment.captured for payment in order.payments):
        raise ChannelRefused(
            f"The payment of order {order.id} is not captured yet: capture it in Medusa, or cancel the order"
        )
    left = sum((in_units(payment.refundable, unit) for payment in order.payments), Decimal(0))
    refund = _with_shipping_apart(rounded(refund, unit=unit, left=left))
    total = sum((item.refund_amount for item in refund.items), refund.refund_shipping_amount)
    if total > left:
        raise ChannelRefused(f"Only {left} of order {order.id} is left to refund of what was captured")
    lines = _by_line(order, refund)
    for line, amount in lines.items():
        of_line = max(Decimal(0), in_units(full_price(order.lines[line]), unit) - order.refunded_by_line(line))
        if amount > of_line:
            raise ChannelRefused(f"Only {of_line} of line {line} of order {order.id} is left to refund")
    before = sum((action.shipping_amount for action in refund_actions(order)), Decimal(0))
    of_shipping = in_units(money(order.row.get("original_shipping_total")), unit) - before
    if refund.refund_shipping_amount > of_shipping:
        raise ChannelRefused(f"The shipping of order {order.id} cost less, or has been refunded already")
    return refund, lines, total


def _with_shipping_apart(refund: Refund) -> Refund:
    """Return a refund without a line for the shipping, which orders have that have no other line."""
    of_shipping = [item.refund_amount for item in refund.items if item.order_line_number == SHIPPING]
    return replace(
        refund,
        items=tuple(item for item in refund.items if item.order_line_number != SHIPPING),
        refund_shipping_amount=refund.refund_shipping_amount + sum(of_shipping, Decimal(0)),
    )


def _by_line(order: MedusaOrder, refund: Refund) -> dict[str, Decimal]:
    """Return the money for each line; what closes a gap of rounding, and what is for no line, has none."""
    known = [Line(line, line, line_sku(row)) for line, row in order.lines.items()]
    found: dict[str, Decimal] = {}
    for item in refund.items:
        if item.order_line_number != ROUNDING and (item.order_line_number or item.sku):
            line = find_line(order.id, known, item.order_line_number, item.sku)
            found[line] = found.get(line, Decimal(0)) + item.refund_amount
    return {line: amount for line, amount in found.items() if amount}


def _reasons(refund: Refund) -> str:
    """Return the reasons given, by their display names; other texts stay as they are."""
    given = [reason for item in refund.items for reason in (item.reason, item.secondary_reason) if reason]
    return ", ".join(dict.fromkeys(REASONS.get(reason, reason) for reason in given))
