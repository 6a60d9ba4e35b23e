"""Despatches in Medusa: a fulfilment with the key in its metadata, then a shipment with labels, then the capture.

A parcel may need several fulfilments: Medusa wants those from different locations apart, and goods apart from what is
not shipped. Goods that the owner has packed already are shipped as they are packed. Medusa changes no labels of a
shipment, so a number that is added or corrected later is recorded in the order's metadata.
"""

from __future__ import annotations

import logging
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

from bridge.channels.base import Parcel
from bridge.channels.medusa.action_records import DESPATCH, KEY, PARCEL, labels, parcel_record
from bridge.channels.medusa.order_calls import OrderCalls
from bridge.channels.medusa.order_state import Fulfilment, MedusaOrder, Payment
from bridge.channels.medusa.values import mapping, text, write_time
from bridge.errors import ChannelRefused

log = logging.getLogger(__name__)

LEAST = Decimal("0.0005")
"""Amounts up to this are what is left of Medusa's unrounded amounts."""
MOST_RESERVATIONS = 1000

RECORD, FULFIL, SHIP, CAPTURE = "record", "fulfil", "ship", "capture"
"""The calls of which a despatch consists."""


@dataclass(frozen=True)
class Despatches:
    """The despatches of one order."""

    calls: OrderCalls

    def despatch(self, parcel: Parcel, key: str) -> None:
        """Fulfil and ship the pieces of a parcel, and capture the payment with the last piece; or record its tracking.

        What was done under this key before is gone on with.
        """
        order = self.calls.take()
        if order.is_cancelled:
            raise ChannelRefused(f"Order {self.calls.reference} is cancelled in Medusa")
        if not parcel.pieces:
            if not order.record_of(key):
                self._record(order, parcel, key)
        else:
            order = self._fulfil_missing(order, parcel, key)
            for fulfilment in order.fulfilments_of(key):
                if is_unsent(order, fulfilment):
                    order = self._ship(order, fulfilment, parcel, key)
            self._capture(order, key)
        self.calls.finished(key)

    # -- fulfilments -----------------------------------------------------------------------------------

    def _fulfil_missing(self, order: MedusaOrder, parcel: Parcel, key: str) -> MedusaOrder:
        """Fulfil what no fulfilment of this key has, packed by the owner or not."""
        missing = _missing(order, parcel, key)
        if not missing:
            return order
        packed = _packed(order, missing)
        rest = _without(missing, packed)
        for line, count in rest.items():
            if line not in order.lines or count > order.ordered(line) - order.fulfilled(line):
                raise ChannelRefused(
                    f"Line {line} of order {order.id} is not to be sent any more, or the shop has packed it together "
                    "with something else: create the shipment of that fulfilment in Medusa"
                )
        if packed:
            order = self._record(order, parcel, key, packed)
        for location, pieces in self._groups(order, rest):
            order = self._fulfil(order, parcel, pieces, location, key)
        return order

    def _fulfil(
        self, order: MedusaOrder, parcel: Parcel, pieces: Mapping[str, int], location: str, key: str
    ) -> MedusaOrder:
        body: dict[str, Any] = {
            "items": [{"id": line, "quantity": count} for line, count in pieces.items()],
            "no_notification": not self.calls.preferences.notifies,
            "metadata": {KEY: key, PARCEL: parcel_record(parcel)},
        }
        if location:
            body["location_id"] = location
        self.calls.begin(key, f"{FULFIL} {len(order.fulfilments_of(key))}")
        return self.calls.change("/fulfillments", body)

    def _groups(self, order: MedusaOrder, pieces: Mapping[str, int]) -> list[tuple[str, Mapping[str, int]]]:
        """Return pieces by the location that they are sent from, goods apart from what is not shipped.

        What is reserved at several locations has none: Medusa then takes each from where it is reserved.
        """
        reserved = self._reservations([line for line in pieces if order.counts_stock(line)])
        preferred = self.calls.preferences.location
        groups: dict[tuple[bool, str], dict[str, int]] = {}
        for line in sorted(pieces, key=lambda line: line not in reserved):
            places = reserved.get(line, ())
            location = "" if len(places) > 1 else next(iter(places), preferred)
            goods = order.needs_shipping(line)
            if not places:  # it is sent together with others, from wherever they are
                location = next((place for is_goods, place in groups if is_goods == goods), location)
            groups.setdefault((goods, location), {})[line] = pieces[line]
        return [(location, group) for (_, location), group in groups.items()]

    def _reservations(self, lines: Sequence[str]) -> dict[str, set[str]]:
        """Return the locations at which lines are reserved."""
        if not lines:
            return {}
        query = {"line_item_id": lines, "limit": MOST_RESERVATIONS, "fields": "id,line_item_id,location_id"}
        found: dict[str, set[str]] = {}
        for row in self.calls.shop.read_list("reservations", "reservations", query):
            if location := text(row.get("location_id")):
                found.setdefault(text(row.get("line_item_id")), set()).add(location)
        return found

    def _record(self, order: MedusaOrder, parcel: Parcel, key: str, packed: Iterable[Fulfilment] = ()) -> MedusaOrder:
        """Record a parcel in the order's metadata: its tracking, and the fulfilments by hand that it sends."""
        at = max((order.as_of, *(one.at for one in order.fulfilments if one.at)))  # the shop's clock goes by seconds
        record: dict[str, Any] = {**parcel_record(parcel), "at": write_time(at)}
        if numbers := [one.id for one in packed]:
            record["fulfillments"] = numbers
        self.calls.begin(key, RECORD)
        return self.calls.change("", {"metadata": {DESPATCH + key: record}}, repeatable=True)

    # -- shipments -------------------------------------------------------------------------------------

    def _ship(self, order: MedusaOrder, fulfilment: Fulfilment, parcel: Parcel, key: str) -> MedusaOrder:
        body = {
            "items": [{"id": line, "quantity": count} for line, count in fulfilment.pieces.items()],
            "labels": labels(parcel),
            "no_notification": not self.calls.preferences.notifies,
        }
        self.calls.begin(key, f"{SHIP} {fulfilment.id}")
        try:
            return self.calls.change(f"/fulfillments/{fulfilment.id}/shipments", body)
        except ChannelRefused:
            order = self.calls.now()
            if any(one.id == fulfilment.id and one.is_shipped for one in order.fulfilments):
                return order  # somebody else made the shipment meanwhile
            raise

    # -- capture ---------------------------------------------------------------------------------------

    def _capture(self, order: MedusaOrder, key: str) -> None:
        """Capture what is left of the payments when everything has gone out, if the seller wants that."""
        for payment, amount in self.owed(order):
            body = {} if amount == payment.amount else {"amount": float(amount)}
            self.calls.begin(key, f"{CAPTURE} {payment.id} {payment.captured}")
            try:
                self.calls.shop.post(f"payments/{payment.id}/capture?fields=id", body)
            except ChannelRefused as refusal:
                if not self.owed(self.calls.now()):
                    return
                raise ChannelRefused(
                    f"Order {order.id} was despatched in Medusa, but its payment could not be captured: {refusal}"
                ) from refusal

    def owed(self, order: MedusaOrder) -> list[tuple[Payment, Decimal]]:
        """Return what a despatch of the last piece captures: never more than is left to pay of the order."""
        if not self.calls.preferences.captures or not order.is_sent:
            return []
        pending = order.pending
        found = []
        for payment in order.payments:
            amount = payment.amount - payment.captured
            if pending is not None:
                amount = min(amount, pending)
            if payment.is_open and amount > LEAST:
                found.append((payment, amount))
                pending = None if pending is None else pending - amount
        return found

    # -- what became of a despatch ---------------------------------------------------------------------

    def is_done(self, order: MedusaOrder, key: str) -> bool:
        """Return whether the despatch with this key is complete."""
        own = order.fulfilments_of(key)
        record = own[0].record if own else order.record_of(key)
        if not record or _without(recorded_pieces(record), own) or any(is_unsent(order, one) for one in own):
            return False
        return not (self._is_last(order, key) and self.owed(order))

    def _is_last(self, order: MedusaOrder, key: str) -> bool:
        """Return whether no other despatch of Linnworks came after this one."""
        known = sorted((one for one in order.fulfilments if one.key and one.at), key=lambda one: one.despatched)
        return [one.key for one in known[-1:]] == [key]

    def is_settled(self, order: MedusaOrder, key: str) -> bool:
        """Return whether the shop shows the last call that this process made for a despatch that is not complete."""
        call, _, rest = self.calls.last_call(key).partition(" ")
        if call == RECORD:
            return bool(order.record_of(key))
        if call == FULFIL:
            return str(len(order.fulfilments_of(key))) != rest
        if call == SHIP:
            return any(one.id == rest and one.is_shipped for one in order.fulfilments)
        number, _, captured = rest.partition(" ")
        return call == CAPTURE and any(
            payment.id == number and str(payment.captured) != captured for payment in order.payments
        )


def is_unsent(order: MedusaOrder, fulfilment: Fulfilment) -> bool:
    """Return whether a fulfilment lacks its shipment."""
    return order.ships and fulfilment.can_be_shipped and not fulfilment.is_shipped


def recorded_pieces(record: Mapping[str, Any]) -> dict[str, int]:
    """Return all pieces of a parcel as they were recorded."""
    return {line: count for line, count in mapping(record.get("pieces")).items() if isinstance(count, int)}


def _missing(order: MedusaOrder, parcel: Parcel, key: str) -> dict[str, int]:
    """Return the pieces of a parcel that no fulfilment of its key has."""
    return _without(parcel.pieces, order.fulfilments_of(key))


def _packed(order: MedusaOrder, pieces: Mapping[str, int]) -> list[Fulfilment]:
    """Return fulfilments made by hand that have nothing but such pieces."""
    found: list[Fulfilment] = []
    for one in order.packed_by_hand:
        left = _without(pieces, found)
        if one.pieces and all(count <= left.get(line, 0) for line, count in one.pieces.items()):
            found.append(one)
    return found


def _without(pieces: Mapping[str, int], fulfilments: Iterable[Fulfilment]) -> dict[str, int]:
    left = dict(pieces)
    for one in fulfilments:
        for line, count in one.pieces.items():
            if line in left:
                left[line] -= count
    return {line: count for line, count in left.items() if count > 0}
