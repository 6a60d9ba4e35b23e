"""What was despatched, cancelled and refunded of a WooCommerce order, and what remains."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from typing import Any, TypeGuard

from msgspec.structs import replace

from bridge.channels.helpers.order_lines import Line, Wanted, choose_pieces, find_line
from bridge.channels.helpers.refund_amounts import rounded
from bridge.channels.helpers.totals import ROUNDING
from bridge.channels.woocommerce import bundles
from bridge.channels.woocommerce.order_items import SHIPPING, fallback_sku
from bridge.channels.woocommerce.order_rows import minor_unit
from bridge.channels.woocommerce.refund_totals import RefundTotals, gross, refund_totals
from bridge.channels.woocommerce.values import (
    custom_field,
    custom_fields,
    in_units,
    money,
    unescape,
    utc_time,
    whole_pieces,
)
from bridge.errors import ChannelRefused
from bridge.lazy import lazy_property
from bridge.protocol.schemas.after_sale import Refund

DESPATCH, CANCEL, REFUND = "_linnworks_despatch_", "_linnworks_cancel_", "_linnworks_refund_"
"""Custom fields of an order that record actions; the action's key follows the name."""
KEY = "_linnworks_key"
"""The custom field of a refund that has the action's key."""


@dataclass(frozen=True)
class WooOrder:
    """An order with its refunds, as they were at a time of the shop's clock."""

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
        """Whether WooCommerce has a payment date."""
        return utc_time(self.row["date_paid_gmt"]) is not None

    @lazy_property
    def fields(self) -> dict[str, Any]:
        """The custom fields, oldest first."""
        return {meta["key"]: meta["value"] for meta in custom_fields(self.row)}

    # -- pieces ----------------------------------------------------------------------------------------

    @lazy_property
    def lines(self) -> dict[int, Mapping[str, Any]]:
        """The lines with products, by id."""
        return {line["id"]: line for line in self.row["line_items"]}

    @lazy_property
    def refunded(self) -> RefundTotals:
        return refund_totals(self.refunds)

    @lazy_property
    def despatched(self) -> dict[int, int]:
        """Despatched pieces by line."""
        found: dict[int, int] = {}
        for name, value in self.fields.items():
            if name.startswith(DESPATCH) and isinstance(value, dict):
                for line, count in parse_pieces(value.get("items", "")):
                    if line in self.lines:  # a copy of an order has its records too, with the lines of the original
                        found[line] = found.get(line, 0) + count
        return found

    @lazy_property
    def cancelled(self) -> Mapping[int, int]:
        """Pieces cancelled by Linnworks, by line."""
        names = [name for name in self.fields if name.startswith(CANCEL)]
        found = (self.refund_of(name, name.removeprefix(CANCEL)) for name in names)
        return refund_totals(row for row in found if row).pieces

    def remaining(self, line: int) -> int:
        """Return the pieces that were neither despatched nor refunded."""
        return max(0, self.ordered(line) - self.despatched.get(line, 0) - self.refunded.pieces.get(line, 0))

    def despatchable(self, line: int) -> int:
        """Return the pieces that may be despatched: pieces refunded by hand count, they may have been returned."""
        return self.ordered(line) - self.despatched.get(line, 0) - self.cancelled.get(line, 0)

    def ordered(self, line: int) -> int:
        return whole_pieces(self.lines[line]["quantity"])

    def requested_pieces(self, wanted: Sequence[Wanted]) -> Mapping[int, int]:
        """Return the requested pieces by line, or all that remain if nothing is named; services are skipped.

        Raises ChannelRefused for an unknown line and for more pieces than there are.
        """
        named = [one for one in wanted if one.number not in self.services]
        if wanted and not named:
            return {}
        return choose_pieces(str(self.id), _named(self.lines.values()), named, self.remaining)

    def is_finished(self, pieces: Mapping[int, int] | None = None) -> bool:
        """Return whether nothing remains, apart from these pieces."""
        due = pieces or {}

        def is_done(line: int) -> bool:
            return self.remaining(line) <= due.get(line, 0)

        def is_touched(line: int) -> bool:
            return self.despatched.get(line, 0) > 0 or due.get(line, 0) > 0

        return all(bundles.is_finished(line, self.parents, is_done, is_touched) for line in self.lines)

    @lazy_property
    def parents(self) -> dict[int, int]:
        """The lines of bundles for the lines of their parts."""
        return bundles.parents(self.lines.values())

    def with_bundles(self, pieces: Mapping[int, int]) -> dict[int, int]:
        """Return pieces with what belongs to them: the parts of a bundle, or the bundle of which all parts are named.

        A part that is named itself keeps its number.
        """
        found = dict(pieces)
        parts = bundles.children(self.parents)
        waiting = list(pieces)
        while waiting:
            line = waiting.pop()
            for part in parts.get(line, ()):
                if part not in found and (count := self.ordered(part) * found[line] // max(1, self.ordered(line))):
                    found[part] = min(count, self.remaining(part))
                    waiting.append(part)
        for line, own in parts.items():
            is_named = line in found or not any(part in found for part in own)
            if not is_named and all(found.get(part, 0) == self.ordered(part) for part in own):
                found[line] = self.remaining(line)
        return {line: count for line, count in found.items() if count}

    @lazy_property
    def services(self) -> set[str]:
        """The numbers of lines that are not despatched."""
        lines = (*self.row["fee_lines"], *self.row["shipping_lines"])
        return {ROUNDING, SHIPPING, *(str(line["id"]) for line in lines)}

    def refund_of(self, name: str, key: str) -> Mapping[str, Any] | None:
        """Return the refund with this key, or the planned one that has no key yet; `name` is that of the plan."""
        keyed = (row for row in self.refunds if key_of(row) == key)
        return next(keyed, None) or self._planned_refunds.get(name)

    @lazy_property
    def _planned_refunds(self) -> dict[str, Mapping[str, Any]]:
        """The refunds without a key by the names of their plans, each the newest plan's that it fits."""
        keys = set(map(key_of, self.refunds))
        plans = {
            name: plan
            for name, plan in reversed(self.fields.items())
            if is_plan(plan) and name.removeprefix(CANCEL).removeprefix(REFUND) not in keys
        }
        found: dict[str, Mapping[str, Any]] = {}
        for row in self.refunds:
            fitting = (name for name, plan in plans.items() if name not in found and _is_planned(row, plan))
            if not key_of(row) and (name := next(fitting, None)):
                found[name] = row
        return found

    # -- money -----------------------------------------------------------------------------------------

    @lazy_property
    def minor_unit(self) -> Decimal:
        """The smallest amount of the order's currency, as the shop writes it."""
        return minor_unit(self.row)

    @property
    def refundable(self) -> Decimal:
        """How much of the order's total has not been refunded."""
        return money(self.row["total"]) + sum((money(refund["total"]) for refund in self.row["refunds"]), Decimal(0))

    def refund_lines(self, refund: Refund, *, restock: bool) -> tuple[Decimal, list[dict[str, Any]]]:
        """Return the amount of a refund and its lines as WooCommerce takes them, net and taxes apart.

        Money for no line, or for the rounding line, has no line in WooCommerce's refund. Raises ChannelRefused for
        more than remains of the order, a line or its shipping, and for an invalid amount.
        """
        refund = rounded(self._without_discount(refund), unit=self.minor_unit, left=self.refundable)
        total = sum((item.refund_amount for item in refund.items), refund.refund_shipping_amount)
        by_line: dict[int, Decimal] = {}
        shipping = refund.refund_shipping_amount
        known = [*self.row["line_items"], *self.row["fee_lines"]]
        for item in refund.items:
            if item.order_line_number == SHIPPING:
                shipping += item.refund_amount
            elif item.order_line_number != ROUNDING and (item.order_line_number or item.sku):
                line = find_line(str(self.id), _named(known), item.order_line_number, item.sku)
                by_line[line] = by_line.get(line, Decimal(0)) + item.refund_amount
        entries = [self._refund_line(line, by_line[line["id"]], restock) for line in known if by_line.get(line["id"])]
        entries += self._shipping_refund(shipping)
        if total > self.refundable:
            raise ChannelRefused(f"Only {self.refundable} of order {self.id} is left to refund")
        return total, entries

    def _without_discount(self, refund: Refund) -> Refund:
        """Return a refund of everything without the order's discount, any other as it is.

        Linnworks has the discount of an order apart from its lines, so all lines together are more than was paid.
        """
        amounts = [*(item.refund_amount for item in refund.items), refund.refund_shipping_amount]
        excess = sum(amounts) - self.refundable
        is_all = abs(excess - self._discount) <= self.minor_unit * len(amounts)
        if excess <= 0 or not is_all or min(amounts) < 0:
            return refund
        for place in sorted(range(len(amounts)), key=lambda place: -amounts[place]):
            part = min(excess, amounts[place])
            amounts[place] -= part
            excess -= part
        items = zip(refund.items, amounts[:-1], strict=True)
        return replace(
            refund,
            items=tuple(replace(item, refund_amount=amount) for item, amount in items),
            refund_shipping_amount=amounts[-1],
        )

    @property
    def _discount(self) -> Decimal:
        """By how much the lines and the shipping that Linnworks has are more than the order's total."""
        lines = (*self.row["line_items"], *self.row["fee_lines"])
        held = [in_units(amount, self.minor_unit) for amount in (self._shipping, *map(gross, lines)) if amount > 0]
        return max(Decimal(0), sum(held, Decimal(0)) - money(self.row["total"]))

    def _shipping_refund(self, amount: Decimal) -> Iterator[dict[str, Any]]:
        """Yield the lines of a refund of shipping; rounded apart, they may make less than Linnworks has together."""
        lines = self.row["shipping_lines"]
        parts: list[tuple[Mapping[str, Any], Decimal]] = []
        left = amount
        for line in lines:
            part = min(left, self._refundable_of(line))
            if part > 0:
                left -= part
                parts.append((line, part))
        refunded = sum((self.refunded.amounts.get(line["id"], Decimal(0)) for line in lines), Decimal(0))
        if left and (not parts or amount > in_units(self._shipping - refunded, self.minor_unit)):
            raise ChannelRefused(f"The shipping of order {self.id} cost less, or has been refunded already")
        if left:
            line, part = parts.pop()
            parts.append((line, part + left))
        for line, part in parts:
            yield self._split(line, part, quantity=0)

    @property
    def _shipping(self) -> Decimal:
        return money(self.row["shipping_total"]) + money(self.row["shipping_tax"])

    def _refundable_of(self, line: Mapping[str, Any]) -> Decimal:
        refunded = self.refunded.amounts.get(line["id"], Decimal(0))
        return max(Decimal(0), self._held(line) - in_units(refunded, self.minor_unit))

    def _held(self, line: Mapping[str, Any]) -> Decimal:
        """Return what a line costs as Linnworks has it."""
        return in_units(gross(line), self.minor_unit)

    def _refund_line(self, line: Mapping[str, Any], amount: Decimal, restock: bool) -> dict[str, Any]:
        """Return a line of a refund; raises ChannelRefused if it is more than remains of the line."""
        refundable = self._refundable_of(line)
        if amount > refundable:
            raise ChannelRefused(f"Only {refundable} of line {line['id']} of order {self.id} is left to refund")
        return self._split(line, amount, quantity=self._refunded_pieces(line, amount) if restock else 0)

    def _split(self, line: Mapping[str, Any], amount: Decimal, *, quantity: int) -> dict[str, Any]:
        """Return a line of a refund, its money split into net and taxes in the proportion of what remains."""
        refundable = self._refundable_of(line)
        taxes = {
            tax["id"]: money(tax["total"]) - self.refunded.taxes.get((line["id"], tax["id"]), Decimal(0))
            for tax in line["taxes"]
        }
        parts = {tax: in_units(due * amount / refundable, self.minor_unit) for tax, due in taxes.items()}
        return {
            "id": line["id"],
            "quantity": quantity,
            "refund_total": str(amount - sum(parts.values(), Decimal(0))),
            "refund_tax": [{"id": tax, "refund_total": str(part)} for tax, part in parts.items()],
        }

    def _refunded_pieces(self, line: Mapping[str, Any], amount: Decimal) -> int:
        """Return the number of pieces that an amount pays for exactly, otherwise 0."""
        if line["id"] not in self.lines or not self._held(line):
            return 0
        pieces = amount * self.ordered(line["id"]) / self._held(line)
        unrefunded = self.ordered(line["id"]) - self.refunded.pieces.get(line["id"], 0)
        return int(pieces) if pieces == int(pieces) <= unrefunded else 0


def key_of(refund: Mapping[str, Any]) -> str:
    """Return the key of the action that made a refund; "" if it has none."""
    return custom_field(refund, KEY)


def write_pieces(pieces: Mapping[int, int]) -> str:
    """Return pieces by line as the text of a custom field."""
    return " ".join(f"{line}:{count}" for line, count in pieces.items())


def parse_pieces(text: str) -> Iterator[tuple[int, int]]:
    """Yield (line, pieces) from a custom field, skipping what was edited beyond recognition."""
    for word in text.split() if isinstance(text, str) else ():
        line, _, count = word.partition(":")
        if line.isdecimal() and count.isdecimal():
            yield int(line), int(count)


def is_plan(value: Any) -> TypeGuard[dict[str, str]]:
    """Return whether the value of a custom field is a planned refund; other records say what has been done."""
    return isinstance(value, dict) and "before" in value


def _is_planned(refund: Mapping[str, Any], plan: Mapping[str, str]) -> bool:
    """Return whether a refund was made after a plan, and of its amount."""
    return str(refund["id"]) not in plan["before"].split() and money(refund["amount"]) == money(plan["amount"])


def _named(lines: Iterable[Mapping[str, Any]]) -> list[Line[int]]:
    return [Line(line["id"], str(line["id"]), sku_of(line)) for line in lines]


def sku_of(line: Mapping[str, Any]) -> str:
    """Return the SKU of a line as Linnworks knows it; "" for a fee."""
    return unescape(line.get("sku")).strip() or (fallback_sku(line) if "product_id" in line else "")
