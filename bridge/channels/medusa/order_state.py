"""What was despatched, cancelled and refunded of a Medusa order, and what remains."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from typing import Any

from bridge.channels.base import LineState, OrderState, ShopAction
from bridge.channels.helpers.totals import ROUNDING
from bridge.channels.medusa.action_records import CANCEL, DESPATCH, KEY, PARCEL, read_refund_note
from bridge.channels.medusa.orders import SHIPPING, line_sku, tax_rate
from bridge.channels.medusa.values import key_text, listed, mapping, money, read_time, text, whole_pieces
from bridge.lazy import lazy_property

_FIELDS = {
    "": "id status currency_code metadata summary.pending_difference original_shipping_total",
    "items.": "id variant_id variant_sku requires_shipping unit_price is_tax_inclusive tax_lines.rate quantity",
    "items.detail.": "fulfilled_quantity return_received_quantity",
    "items.variant.": "manage_inventory inventory_items.inventory_item_id inventory_items.required_quantity",
    "fulfillments.": "* items.* labels.*",
    "transactions.": "reference reference_id",
    "payment_collections.payments.": "id amount captured_at canceled_at refunds.* captures.amount",
}
FIELDS = ",".join(f"{place}{name}" for place, names in _FIELDS.items() for name in names.split())
"""What is asked of an order, in Medusa's notation."""

CANCELLED = "canceled"
CENT = Decimal("0.01")
SERVICES = (ROUNDING, SHIPPING)
"""The lines that only Linnworks' order may have."""

Row = Mapping[str, Any]


@dataclass(frozen=True)
class Fulfilment:
    """A fulfilment of an order that is not cancelled."""

    id: str
    key: str
    """The key of the despatch that it belongs to; "" for one made by hand."""
    pieces: Mapping[str, int]
    is_shipped: bool
    can_be_shipped: bool
    """Whether Medusa can make a shipment of it; one of digital goods needs none."""
    record: Mapping[str, Any]
    numbers: tuple[str, ...]
    at: datetime | None

    @property
    def despatched(self) -> tuple[datetime | None, bool]:
        """When its despatch began, in order: what the owner had packed is sent later than it was packed."""
        recorded = _time(self.record.get("at"))
        return recorded or self.at, recorded is not None


@dataclass(frozen=True)
class Payment:
    """A payment of an order, and its refunds."""

    id: str
    amount: Decimal
    captured: Decimal
    is_open: bool
    """Whether more of it may be captured."""
    refunds: Sequence[Row]

    @property
    def refundable(self) -> Decimal:
        """The captured money that was not refunded."""
        return self.captured - sum((money(row["amount"]) for row in self.refunds), Decimal(0))


@dataclass(frozen=True)
class MedusaOrder:
    """An order as it was at a time of the shop's clock."""

    row: Row
    as_of: datetime
    ships: bool
    """Whether goods count as sent only when there is a shipment; otherwise the fulfilment is enough."""

    @property
    def id(self) -> str:
        return key_text(self.row["id"])

    @property
    def is_cancelled(self) -> bool:
        return text(self.row["status"]) == CANCELLED

    @lazy_property
    def metadata(self) -> Mapping[str, Any]:
        return mapping(self.row.get("metadata"))

    @lazy_property
    def lines(self) -> dict[str, Row]:
        """The lines by id."""
        return {key_text(line["id"]): line for line in listed(self.row["items"])}

    # -- pieces ----------------------------------------------------------------------------------------

    def ordered(self, line: str) -> int:
        return whole_pieces(self.lines[line]["quantity"])

    def fulfilled(self, line: str) -> int:
        """Return the pieces in fulfilments: Medusa's own count forgets one where two are made at the same time."""
        return max(self._detail(line, "fulfilled_quantity"), sum(one.pieces.get(line, 0) for one in self.fulfilments))

    def shipped(self, line: str) -> int:
        """Return the pieces that went out, or that a despatch of Linnworks has begun to send."""
        packed = sum(one.pieces.get(line, 0) for one in self.packed_by_hand)
        return max(0, self.fulfilled(line) - packed)

    def left(self, line: str) -> int:
        """Return the pieces that are to be sent."""
        return 0 if self.is_cancelled else max(0, self.ordered(line) - self.shipped(line))

    def needs_shipping(self, line: str) -> bool:
        return self.lines[line].get("requires_shipping") is not False

    def counts_stock(self, line: str) -> bool:
        """Return whether Medusa counts the stock of a line's variant, which it then has reserved."""
        return mapping(self.lines[line].get("variant")).get("manage_inventory") is True

    @property
    def is_sent(self) -> bool:
        """Whether everything went out that can be sent."""
        return all(self.shipped(line) >= self.ordered(line) for line in self.lines if self.needs_shipping(line))

    def _detail(self, line: str, name: str) -> int:
        return whole_pieces(mapping(self.lines[line].get("detail")).get(name))

    @lazy_property
    def fulfilments(self) -> Sequence[Fulfilment]:
        """The fulfilments that are not cancelled, oldest first."""
        rows = [row for row in listed(self.row.get("fulfillments")) if not row.get("canceled_at")]
        return sorted(map(self._fulfilment, rows), key=lambda one: (one.at or self.as_of, one.id))

    @property
    def packed_by_hand(self) -> list[Fulfilment]:
        """The fulfilments without a key whose goods have not gone out."""
        return [
            one for one in self.fulfilments if self.ships and one.can_be_shipped and not one.is_shipped and not one.key
        ]

    def fulfilments_of(self, key: str) -> list[Fulfilment]:
        return [one for one in self.fulfilments if one.key == key]

    def _fulfilment(self, row: Row) -> Fulfilment:
        number, metadata = key_text(row["id"]), mapping(row.get("metadata"))
        key = text(metadata.get(KEY)) or self._adopted.get(number, "")
        record = mapping(metadata.get(PARCEL)) if text(metadata.get(KEY)) else self.record_of(key)
        return Fulfilment(
            id=number,
            key=key,
            pieces=self._pieces(listed(row.get("items"))),
            is_shipped=bool(row.get("shipped_at") or row.get("delivered_at")),
            can_be_shipped=row.get("requires_shipping") is not False and bool(row.get("shipping_option_id")),
            record=record,
            numbers=tuple(filter(None, (text(label.get("tracking_number")) for label in listed(row.get("labels"))))),
            at=read_time(row.get("created_at")),
        )

    def _pieces(self, items: Iterable[Row]) -> dict[str, int]:
        """Return the pieces in a fulfilment by line; a kit has an item for each of its parts."""
        found: dict[str, int] = {}
        for item in items:
            line = text(item.get("line_item_id"))
            if line in self.lines and line not in found:
                needed = self._needed(line, item.get("inventory_item_id"))
                found[line] = whole_pieces(money(item.get("quantity")) / needed)
        return found

    def _needed(self, line: str, inventory_item: Any) -> Decimal:
        """Return how many of an inventory item a piece of a line needs."""
        variant = mapping(self.lines[line].get("variant"))
        parts = listed(variant.get("inventory_items"))
        found = (money(part.get("required_quantity")) for part in parts if part["inventory_item_id"] == inventory_item)
        return max(next(found, Decimal(1)), Decimal(1))

    @lazy_property
    def _adopted(self) -> dict[str, str]:
        """The keys of despatches by the fulfilments made by hand that they sent."""
        return {
            number: name.removeprefix(DESPATCH)
            for name, record in self.metadata.items()
            if name.startswith(DESPATCH)
            for number in _texts(mapping(record), "fulfillments")
        }

    def record_of(self, key: str) -> Mapping[str, Any]:
        """Return what the order's metadata records of a despatch; nothing if it has no record."""
        return mapping(self.metadata.get(DESPATCH + key)) if key else {}

    # -- money -----------------------------------------------------------------------------------------

    @lazy_property
    def payments(self) -> Sequence[Payment]:
        collections = listed(self.row.get("payment_collections"))
        return [_payment(row) for one in collections for row in listed(one.get("payments"))]

    @property
    def refundable(self) -> Decimal:
        return sum((payment.refundable for payment in self.payments), Decimal(0))

    @property
    def pending(self) -> Decimal | None:
        """How much of the order's total is not paid, None if this Medusa does not say."""
        found = mapping(self.row.get("summary")).get("pending_difference")
        return None if found is None else money(found)

    @lazy_property
    def refunds(self) -> Sequence[Row]:
        """The refunds, oldest first."""
        rows = [row for payment in self.payments for row in payment.refunds]
        return sorted(rows, key=lambda row: (read_time(row["created_at"]) or self.as_of, row["id"]))

    def refunds_of(self, key: str) -> list[Row]:
        return [row for row in self.refunds if key and text(read_refund_note(row.get("note")).get("key")) == key]

    def is_booked(self, refund: Row) -> bool:
        """Return whether Medusa has booked a refund, which it does when the payment provider has refunded it."""
        return any(
            row.get("reference") == "refund" and row.get("reference_id") == refund["id"]
            for row in listed(self.row.get("transactions"))
        )

    def refunded_by_line(self, line: str) -> Decimal:
        """Return what Linnworks had refunded of a line."""
        found = (action.amounts.get(line, Decimal(0)) for action in refund_actions(self))
        return sum(found, Decimal(0))


def _payment(row: Row) -> Payment:
    captured = sum((money(capture["amount"]) for capture in listed(row.get("captures"))), Decimal(0))
    return Payment(
        id=key_text(row["id"]),
        amount=money(row["amount"]),
        captured=captured,
        is_open=not row.get("canceled_at") and not row.get("captured_at"),
        refunds=listed(row.get("refunds")),
    )


# -- the order's state for Linnworks -----------------------------------------------------------------------


def full_price(line: Row) -> Decimal:
    """Return what a line cost with tax, before discounts and before anything came back."""
    price = money(line.get("unit_price")) * whole_pieces(line["quantity"])
    return price if line.get("is_tax_inclusive") is True else price * (1 + tax_rate(line) / 100)


def order_state(order: MedusaOrder) -> OrderState:
    """Return what the shop knows of an order's lines and of what was done to them."""
    actions = sorted(
        (*despatch_actions(order), *cancel_actions(order), *refund_actions(order)),
        key=lambda action: action.at or order.as_of,
    )
    return OrderState(
        reference=order.id,
        lines=[
            *(_line_state(order, line) for line in order.lines),
            *(LineState(number, number.upper(), ordered=1, is_service=True) for number in SERVICES),
        ],
        actions=actions,
        cancelled=order.is_cancelled,
        refunded=sum((action.amount for action in actions if action.kind == "refund"), Decimal(0)),
        as_of=order.as_of,
    )


def _line_state(order: MedusaOrder, line: str) -> LineState:
    ordered, shipped = order.ordered(line), order.shipped(line)
    cancelled = max(0, ordered - shipped) if order.is_cancelled else 0
    returned = whole_pieces(mapping(order.lines[line].get("detail")).get("return_received_quantity"))
    return LineState(
        number=line,
        sku=line_sku(order.lines[line]),
        ordered=ordered,
        shipped=shipped,
        cancelled=cancelled,
        refunded=order.refunded_by_line(line),
        restocked=cancelled + returned,
    )


def despatch_actions(order: MedusaOrder) -> list[ShopAction]:
    """Return the despatches: the fulfilments of each key, those by hand that went out, and records of tracking."""
    by_hand = [[one] for one in order.fulfilments if not one.key and one not in order.packed_by_hand]
    keys = dict.fromkeys(one.key for one in order.fulfilments if one.key)
    keyed = [order.fulfilments_of(key) for key in keys]
    recorded = [name.removeprefix(DESPATCH) for name in order.metadata if name.startswith(DESPATCH)]
    tracking = [
        _despatch(key, (), order.record_of(key), order)
        for key in recorded
        if key not in keys and not order.record_of(key).get("fulfillments")
    ]
    return [*(_despatch(group[0].key, group, group[0].record, order) for group in (*by_hand, *keyed)), *tracking]


def _despatch(key: str, fulfilments: Sequence[Fulfilment], record: Mapping[str, Any], order: MedusaOrder) -> ShopAction:
    pieces: dict[str, int] = {}
    for one in fulfilments:
        for line, count in one.pieces.items():
            pieces[line] = pieces.get(line, 0) + count
    numbers = (*_texts(record, "numbers"), *(number for one in fulfilments for number in one.numbers))
    return ShopAction(
        kind="despatch",
        key=key,
        at=fulfilments[0].at if fulfilments else _time(record.get("at")),
        pieces=pieces,
        tracking_numbers=tuple(dict.fromkeys(numbers)),
        processed_on=_time(record.get("processed_on")),
        replaces=_texts(record, "replaces"),
        earlier=_texts(record, "earlier"),
    )


def cancel_actions(order: MedusaOrder) -> list[ShopAction]:
    """Return the cancels of the whole order that were begun, with its pieces when it is cancelled."""
    found = [name.removeprefix(CANCEL) for name in order.metadata if name.startswith(CANCEL)]
    pieces = {line: order.ordered(line) - order.shipped(line) for line in order.lines} if order.is_cancelled else {}
    return [
        ShopAction(kind="cancel", key=key, at=_time(mapping(order.metadata[CANCEL + key]).get("at")), pieces=pieces)
        for key in found
    ]


def refund_actions(order: MedusaOrder) -> list[ShopAction]:
    """Return the refunds; those of one key are one, whichever payments they took money of."""
    groups: dict[str, list[Row]] = {}
    for row in order.refunds:
        key = text(read_refund_note(row.get("note")).get("key"))
        groups.setdefault(key or f"by hand {row['id']}", []).append(row)
    return [_refund(rows) for rows in groups.values()]


def _refund(rows: Sequence[Row]) -> ShopAction:
    note = read_refund_note(rows[0].get("note"))
    lines = mapping(note.get("lines"))
    total, amount = money(note.get("total")), sum((money(row["amount"]) for row in rows), Decimal(0))
    if abs(total - amount) < CENT * len(rows):
        amount = total  # the rest of a payment is refunded unrounded
    return ShopAction(
        kind="refund",
        key=text(note.get("key")),
        at=read_time(rows[0]["created_at"]),
        amounts={line: money(amount) for line, amount in lines.items() if money(amount)},
        shipping_amount=money(note.get("shipping")),
        amount=amount,
        result=refund_result(rows),
    )


def refund_result(rows: Iterable[Row]) -> str:
    """Return the shop's reference of a refund: the ids of what was taken of each payment."""
    return ", ".join(key_text(row["id"]) for row in rows)


def _texts(record: Mapping[str, Any], name: str) -> tuple[str, ...]:
    found = record.get(name)
    return tuple(entry for entry in found if isinstance(entry, str)) if isinstance(found, list) else ()


def _time(value: Any) -> datetime | None:
    """Return a recorded time, None if it was edited beyond recognition."""
    try:
        return read_time(value or None)
    except ValueError:
        return None
