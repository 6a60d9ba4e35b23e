"""An order of WooCommerce as actions find it: what of it has gone, what is left, and what may still be refunded."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from decimal import ROUND_HALF_UP, Decimal
from functools import cached_property
from typing import Any

from bridge.channels.woocommerce.orders import ROUNDING, SHIPPING, Refunded, fallback_sku, gross, refunded
from bridge.channels.woocommerce.values import money, plain, whole
from bridge.errors import ChannelRefused
from bridge.protocol.schemas.after_sale import Refund

SENT, CANCEL, REFUND = "_linnworks_despatch_", "_linnworks_cancel_", "_linnworks_refund_"
"""Custom fields of an order that tell of actions; the action's key follows."""
KEY = "_linnworks_key"
"""The custom field of a refund that has the action's key."""

Wanted = tuple[str, str, int | None]
"""A line as Linnworks names it, by its number or else its SKU, and how many of it; None: all that is left."""


@dataclass(frozen=True)
class OrderState:
    """An order with its refunds, as they were at a moment of the shop's clock."""

    row: Mapping[str, Any]
    refunds: Sequence[Mapping[str, Any]]
    as_of: datetime

    @property
    def id(self) -> int:
        return int(self.row["id"])

    @property
    def status(self) -> str:
        return str(self.row["status"])

    @property
    def was_paid(self) -> bool:
        """Whether WooCommerce knows a payment date."""
        return bool(self.row["date_paid_gmt"])

    @cached_property
    def fields(self) -> dict[str, Any]:
        """The custom fields, oldest first."""
        return {meta["key"]: meta["value"] for meta in sorted(self.row["meta_data"], key=lambda meta: meta["id"])}

    def field_id(self, name: str) -> dict[str, int]:
        """The id of a custom field, so that it is changed and does not come twice; {} where there is none."""
        return next(({"id": meta["id"]} for meta in self.row["meta_data"] if meta["key"] == name), {})

    # -- pieces ----------------------------------------------------------------------------------------

    @cached_property
    def lines(self) -> dict[int, Mapping[str, Any]]:
        """The lines with products, by number."""
        return {line["id"]: line for line in self.row["line_items"]}

    @cached_property
    def back(self) -> Refunded:
        """What refunds have taken."""
        return refunded(self.refunds)

    @cached_property
    def sent(self) -> dict[int, int]:
        """Pieces that have gone, by line."""
        found: dict[int, int] = {}
        for name, value in self.fields.items():
            if name.startswith(SENT) and isinstance(value, dict):
                for line, count in listed(value.get("items", "")):
                    found[line] = found.get(line, 0) + count
        return found

    @cached_property
    def _cancelled(self) -> Mapping[int, int]:
        """Pieces that Linnworks has cancelled, by line."""
        keys = {name.removeprefix(CANCEL) for name in self.fields if name.startswith(CANCEL)}
        return refunded(refund for refund in self.refunds if key_of(refund) in keys).pieces

    def left(self, line: int) -> int:
        """Pieces that have neither gone nor been refunded."""
        return max(0, self._pieces(line) - self.sent.get(line, 0) - self.back.pieces.get(line, 0))

    def sendable(self, line: int) -> int:
        """Pieces that may still go: some that were refunded by hand may have been sent and come back."""
        return self._pieces(line) - self.sent.get(line, 0) - self._cancelled.get(line, 0)

    def _pieces(self, line: int) -> int:
        return whole(self.lines[line]["quantity"])

    def chosen(self, wanted: Sequence[Wanted], *, despatch: bool) -> dict[int, int]:
        """How many of which line are meant, each line once; without any wanted all that is left.

        Services are passed over. Raises ChannelRefused for a line that is not there and for more than there is.
        """
        if not wanted:
            return {line: self.left(line) for line in self.lines if self.left(line)}
        pieces: dict[int, int] = {}
        for number, sku, count in wanted:
            if number not in self._services:
                line = self._line(number, sku, self.lines.values())["id"]
                pieces[line] = pieces.get(line, 0) + (self.left(line) if count is None else count)
        for line, count in pieces.items():
            most = self.sendable(line) if despatch else self.left(line)
            if count > most:
                raise ChannelRefused(f"Line {line} of order {self.id} has only {max(0, most)} left")
        return {line: count for line, count in pieces.items() if count}

    def is_over(self, pieces: Mapping[int, int] | None = None) -> bool:
        """Whether nothing is left once these pieces have gone as well."""
        return all(self.left(line) <= (pieces or {}).get(line, 0) for line in self.lines)

    @cached_property
    def _services(self) -> set[str]:
        return {
            ROUNDING,
            SHIPPING,
            *(str(line["id"]) for line in (*self.row["fee_lines"], *self.row["shipping_lines"])),
        }

    def _line(self, number: str, sku: str, lines: Iterable[Mapping[str, Any]]) -> Mapping[str, Any]:
        """The line of that number; without a number the one line of that SKU."""
        found = [line for line in lines if (str(line["id"]) == number if number else sku and _sku(line) == sku)]
        if len(found) != 1:
            raise ChannelRefused(f"Order {self.id} has no line {number or sku}")
        return found[0]

    # -- money -----------------------------------------------------------------------------------------

    @cached_property
    def unit(self) -> Decimal:
        """The least amount of the order's currency, as the shop reckons."""
        return Decimal(1).scaleb(int(money(self.row["total"]).as_tuple().exponent))

    @property
    def refundable(self) -> Decimal:
        """How much of the order has not been refunded."""
        return money(self.row["total"]) + sum((money(refund["total"]) for refund in self.row["refunds"]), Decimal(0))

    def amounts(self, refund: Refund, *, restock: bool) -> tuple[Decimal, list[dict[str, Any]]]:
        """What a refund comes to, and its lines as WooCommerce wants them, net and taxes apart.

        Money for no line, or for the line that only rounds, is refunded without one. Raises ChannelRefused for
        more than is left of the order, a line or its shipping, and for what is no amount of its currency.
        """
        given = [item.refund_amount for item in refund.items] + [refund.refund_shipping_amount]
        total = sum(given, Decimal(0))
        if min(given) < 0 or not total or any(amount % self.unit for amount in given):
            raise ChannelRefused("That is no amount of money to refund")
        of_lines: dict[int, Decimal] = {}
        shipping = refund.refund_shipping_amount
        known = [*self.row["line_items"], *self.row["fee_lines"]]
        for item in refund.items:
            if item.order_line_number == SHIPPING:
                shipping += item.refund_amount
            elif item.order_line_number != ROUNDING and (item.order_line_number or item.sku):
                line = self._line(item.order_line_number, item.sku, known)["id"]
                of_lines[line] = of_lines.get(line, Decimal(0)) + item.refund_amount
        entries = [self._part(line, of_lines[line["id"]], restock) for line in known if of_lines.get(line["id"])]
        entries += self._shipping(shipping)
        if total > self.refundable:
            raise ChannelRefused(f"Only {self.refundable} of order {self.id} is left to refund")
        return total, entries

    def _shipping(self, amount: Decimal) -> Iterator[dict[str, Any]]:
        for line in self.row["shipping_lines"]:
            part = min(amount, self._refundable(line))
            if part > 0:
                amount -= part
                yield self._part(line, part, restock=False)
        if amount:
            raise ChannelRefused(f"The shipping of order {self.id} was less, or has been refunded")

    def _refundable(self, line: Mapping[str, Any]) -> Decimal:
        return max(Decimal(0), gross(line) - self.back.of_lines.get(line["id"], Decimal(0)))

    def _part(self, line: Mapping[str, Any], amount: Decimal, restock: bool) -> dict[str, Any]:
        """Money of a line, divided into net and taxes as what is left of it is."""
        left = self._refundable(line)
        if amount > left:
            raise ChannelRefused(f"Only {left} of line {line['id']} of order {self.id} is left to refund")
        taxes = {
            tax["id"]: money(tax["total"]) - self.back.taxes.get((line["id"], tax["id"]), Decimal(0))
            for tax in line["taxes"]
        }
        parts = {tax: (due * amount / left).quantize(self.unit, ROUND_HALF_UP) for tax, due in taxes.items()}
        return {
            "id": line["id"],
            "quantity": self._whole_pieces(line, amount) if restock else 0,
            "refund_total": str(amount - sum(parts.values(), Decimal(0))),
            "refund_tax": [{"id": tax, "refund_total": str(part)} for tax, part in parts.items()],
        }

    def _whole_pieces(self, line: Mapping[str, Any], amount: Decimal) -> int:
        """As how many pieces an amount may count: none unless it is the price of just so many."""
        if line["id"] not in self.lines or not gross(line):
            return 0
        pieces = amount * self._pieces(line["id"]) / gross(line)
        unrefunded = self._pieces(line["id"]) - self.back.pieces.get(line["id"], 0)
        return int(pieces) if pieces == int(pieces) <= unrefunded else 0


def key_of(refund: Mapping[str, Any]) -> str:
    """The key of the action that made a refund; "" for one that bears none."""
    return next((str(meta["value"]) for meta in refund["meta_data"] if meta["key"] == KEY), "")


def listing(pieces: Mapping[int, int]) -> str:
    """Pieces by line as a custom field has them."""
    return " ".join(f"{line}:{count}" for line, count in pieces.items())


def listed(text: str) -> Iterator[tuple[int, int]]:
    """Pieces by line out of a custom field, which anybody may have edited."""
    for word in text.split() if isinstance(text, str) else ():
        line, _, count = word.partition(":")
        if line.isdecimal() and count.isdecimal():
            yield int(line), int(count)


def _sku(line: Mapping[str, Any]) -> str:
    return plain(line.get("sku")).strip() or (fallback_sku(line) if "product_id" in line else "")
