"""Despatches, cancels and refunds in WooCommerce, each found again by its key.

WooCommerce has no despatches, and repeats whatever is sent twice. A despatch is therefore a custom field of the order,
written in one call with the tracking numbers and the new status; so is the cancel of a whole order. A refund has its
key in a custom field too, but WooCommerce writes that only after it has refunded the money. So the order records the
planned refund first, and a new refund of that amount without a key is taken to be the planned one.
"""

from __future__ import annotations

import logging
import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import timedelta
from decimal import Decimal
from functools import partial
from http import HTTPStatus
from typing import Any

from bridge import clock
from bridge.channels.base import OrderState, Parcel
from bridge.channels.helpers.order_lines import cancelled
from bridge.channels.helpers.texts import cut, without_tags
from bridge.channels.woocommerce import lookups
from bridge.channels.woocommerce.api import FAILED, WooClient
from bridge.channels.woocommerce.carriers import Shipment, shipments
from bridge.channels.woocommerce.fulfilments import Fulfilments
from bridge.channels.woocommerce.line_states import order_state
from bridge.channels.woocommerce.order_rows import exact_query, straighten_order, straighten_refund
from bridge.channels.woocommerce.order_state import (
    CANCEL,
    DESPATCH,
    KEY,
    REFUND,
    WooOrder,
    is_plan,
    key_of,
    write_pieces,
)
from bridge.channels.woocommerce.parcels import (
    TRACKING,
    customer_note,
    tracking_field,
    tracking_items,
    with_parcels,
)
from bridge.channels.woocommerce.preferences import Preferences
from bridge.channels.woocommerce.refusals import Blocked, code_of, message_of
from bridge.channels.woocommerce.values import unescape, utc_time, write_time
from bridge.channels.woocommerce.wizard import CANCELLED, KEEP, STATUSES, UNPAID
from bridge.errors import ChannelRefused, ChannelUnavailable, OutcomeUnknown, unreadable
from bridge.protocol.schemas.after_sale import Cancellation, CancellationItem, Refund, RefundItem

log = logging.getLogger(__name__)

CLOSED = ("completed", "refunded", "cancelled", "trash")
REFUND_FAILED = "woocommerce_rest_cannot_create_order_refund"
GATEWAY_TIME = timedelta(minutes=2)  # how long a payment gateway may take for a refund
NUMBER = re.compile(r"[1-9]\d{0,17}", re.ASCII)

CUSTOMER_NOTE, OWNER_NOTE = "note", "owner_note"
NOTES = {CUSTOMER_NOTE: "customer", OWNER_NOTE: "internal"}
"""The notes recorded with a despatch, with WooCommerce's names of their types."""

LAST_CALL = "woocommerce last call of "
RECORD, COMPLETION, PLAN, MONEY, FULFILMENT = "record", "completion", "plan", "money", "fulfilment"
"""The calls of which an action consists, besides the notes."""

NOT_SHOWN = (
    f"The tracking of this despatch is not shown by tracking plugins: the custom field {TRACKING} has something else "
    "than parcels, which was left as it is. Empty that field to have the next parcels shown."
)

REASONS = {
    "CHANGED_MIND": "Changed their mind",
    "NOT_AVAILABLE": "Not available",
    "DAMAGED": "Arrived damaged",
    "WRONG_ITEM": "Wrong item",
    "LATE": "Arrived late",
    "OTHER": "Other",
}


@dataclass(frozen=True)
class Actions:
    """The actions on one order of a shop.

    An action begins with the order that `order_state` has just read, which `just_read` has by its reference.
    """

    shop: WooClient
    preferences: Preferences
    reference: str
    just_read: dict[str, WooOrder] = field(default_factory=dict)

    # -- despatch --------------------------------------------------------------------------------------

    def despatch(self, parcel: Parcel, key: str) -> None:
        """Record pieces and tracking, complete the order if nothing remains, and write the notes."""
        order = self._order()
        recorded = DESPATCH + key in order.fields
        shown = shipments(parcel, self.preferences.carriers, order.row)
        if not recorded:
            order = self._record_despatch(order, parcel, shown, key)
        if parcel.pieces:
            self._complete(order, key)
        Fulfilments(self.shop, order).write(key, shown, partial(self._begin, key, FULFILMENT))
        for kind in NOTES:
            note = _note_of(order, key, kind)
            if note and not (recorded and self._is_noted(order, key, kind)):
                self._begin(key, kind)
                self._write_note(order, note, kind)
        self._finished(key)

    def _write_note(self, order: WooOrder, note: str, kind: str) -> None:
        """Write a note; one that the shop refuses does not undo the despatch."""
        body = {"note": note, "customer_note": kind == CUSTOMER_NOTE}
        try:
            self.shop.post(f"orders/{order.id}/notes", body)
        except (ChannelRefused, Blocked) as refusal:
            log.warning("Order %s was despatched, but WooCommerce takes no note of it: %s", self.reference, refusal)

    def _record_despatch(self, order: WooOrder, parcel: Parcel, shown: Sequence[Shipment], key: str) -> WooOrder:
        pieces = {int(line): count for line, count in parcel.pieces.items()}
        record = {
            **_record(order, pieces),
            "processed_on": write_time(parcel.processed_on),
            "numbers": list(parcel.tracking_numbers),
            "replaces": list(parcel.replaces),
            "earlier": list(parcel.earlier),
            CUSTOMER_NOTE: customer_note(self.preferences.note_text, shown) if self.preferences.tracking_note else "",
            OWNER_NOTE: parcel.note,
        }
        fields: list[dict[str, Any]] = [{"key": DESPATCH + key, "value": record}]
        if shown:
            before = tracking_field(order.row)
            after = with_parcels(before.get("value"), parcel.replaces, tracking_items(shown, parcel.processed_on, key))
            if after is None:
                record[OWNER_NOTE] = " ".join(filter(None, (parcel.note, NOT_SHOWN)))
            else:
                number = {"id": before["id"]} if before.get("id") else {}
                fields.append({**number, "key": TRACKING, "value": after})
        change = self._completion(order, pieces) if pieces else {}
        self._begin(key, RECORD)
        return self._update(order, {"meta_data": fields, **change})

    def _completion(self, order: WooOrder, pieces: Mapping[int, int] | None = None) -> dict[str, str]:
        """Return the status change that is due when these pieces are despatched, {} if none is."""
        status = self.preferences.despatch_status
        due = status != KEEP and order.status not in (status, *CLOSED) and order.is_finished(pieces)
        return {"status": status} if due else {}

    def _complete(self, order: WooOrder, key: str) -> None:
        """Complete an order after all: its last parts were despatched at the same time, or the rest was cancelled."""
        if order.despatched and (change := self._completion(order)):
            self._begin(key, COMPLETION)
            self._update(order, change)

    def _is_noted(self, order: WooOrder, key: str, kind: str) -> bool:
        """Return whether the order has this note of this despatch, even if others have the same text."""
        words = _words(_note_of(order, key, kind))
        keys = [name.removeprefix(DESPATCH) for name in order.fields if name.startswith(DESPATCH)]
        earlier = [other for other in keys[: keys.index(key)] if _words(_note_of(order, other, kind)) == words]
        try:
            notes = self.shop.read_list(f"orders/{self.reference}/notes", {"type": NOTES[kind]})
        except (ChannelRefused, Blocked) as refusal:
            log.warning("WooCommerce does not show the notes of order %s: %s", self.reference, refusal)
            return True  # rather none than two
        return [_words(unescape(row.get("note"))) for row in notes].count(words) > len(earlier)

    # -- cancel ----------------------------------------------------------------------------------------

    def cancel(self, cancellation: Cancellation, key: str) -> None:
        """Cancel an order by its status, or pieces of it by a refund of no money that restocks them."""
        order = self._order()
        if not self._is_cancelled(order, key):
            if order.status == "cancelled":
                return  # perhaps the customer cancelled it at the same time
            if self._meaning(order) == CANCELLED:
                raise ChannelRefused(f"Order {self.reference} is {order.status} in WooCommerce")
            pieces = order.with_bundles(order.requested_pieces(cancelled(cancellation)))
            if pieces and self._order_is_sent(order):
                raise ChannelRefused(f"Order {self.reference} was sent already: it is {order.status} in WooCommerce")
            if not pieces and order.lines:
                raise ChannelRefused(f"Nothing of order {self.reference} is left to cancel")
            if not order.despatched and order.is_finished(pieces):
                record = {"key": CANCEL + key, "value": _record(order, pieces)}
                self._update(order, {"status": "cancelled", "meta_data": [record]})
                return
            self._cancel_pieces(order, pieces, _reasons(cancellation.items), key)
            order = self._order()
        self._complete(order, key)
        self._finished(key)

    def _cancel_pieces(self, order: WooOrder, pieces: Mapping[int, int], reason: str, key: str) -> None:
        if self._meaning(order) == UNPAID:
            raise ChannelRefused("It is not paid yet: change its lines in WooCommerce, or cancel all of it")
        self._plan_refund(order, CANCEL, key, Decimal(0), gateway=False)
        lines = [{"id": line, "quantity": count, "refund_total": 0} for line, count in pieces.items()]
        body = {"amount": "0", "reason": reason, "api_refund": False, "api_restock": True, "line_items": lines}
        self._create_refund(order, body, key)

    def _is_cancelled(self, order: WooOrder, key: str) -> bool:
        """Return whether this cancel was done: recorded with the status, or as a refund of pieces."""
        value = order.fields.get(CANCEL + key)
        return bool(value) and (not is_plan(value) or self._find_refund(order, CANCEL + key, key) is not None)

    # -- refund ----------------------------------------------------------------------------------------

    def refund(self, refund: Refund, key: str) -> str:
        """Refund lines, shipping or just an amount, and return the id of WooCommerce's refund."""
        order = self._order()
        existing = self._find_refund(order, REFUND + key, key)
        if existing is not None:
            return existing
        if self._meaning(order) == UNPAID or (order.status in ("cancelled", "failed", "trash") and not order.was_paid):
            raise ChannelRefused(f"Order {self.reference} was not paid")
        total, lines = order.refund_lines(refund, restock=self.preferences.restock)
        self._plan_refund(order, REFUND, key, total, gateway=self.preferences.through_gateway)
        body = {
            "amount": str(total),
            "reason": _reasons(refund.items),
            "api_refund": self.preferences.through_gateway,
            "api_restock": self.preferences.restock,
            "line_items": lines,
        }
        return self._create_refund(order, body, key)

    def _plan_refund(self, order: WooOrder, prefix: str, key: str, amount: Decimal, *, gateway: bool) -> None:
        """Record the refund that follows, with the refunds that exist before it; a repeat keeps the first record."""
        name = prefix + key
        if not is_plan(order.fields.get(name)):
            before = " ".join(str(refund["id"]) for refund in order.row["refunds"])
            value = {"amount": str(amount), "before": before, "gateway": str(gateway)}
            self._begin(key, PLAN)
            self._update(order, {"meta_data": [{"key": name, "value": value}]})

    def _create_refund(self, order: WooOrder, body: dict[str, Any], key: str) -> str:
        body["meta_data"] = [{"key": KEY, "value": key}]
        self._begin(key, MONEY)
        answer = self.shop.post(f"orders/{order.id}/refunds", body, accept=(FAILED,))
        if answer.status == FAILED and code_of(answer) == REFUND_FAILED:
            raise ChannelRefused(f"WooCommerce made no refund: {message_of(answer)}")
        number = answer.object().get("id")
        if answer.status == FAILED or not isinstance(number, int):
            raise answer.unusable(f"It is not known whether WooCommerce made the refund ({message_of(answer)})")
        self._finished(key)
        return str(number)

    def _find_refund(self, order: WooOrder, name: str, key: str) -> str | None:
        """Return the id of the refund with this key, or of the planned one that has no key yet.

        Raises ChannelUnavailable while a payment gateway may be working on it, and OutcomeUnknown if that has not
        finished in time: then the owner must check.
        """
        row = order.refund_of(name, key)
        if row is None:
            return None
        if key_of(row) != key and order.fields[name]["gateway"] == str(True) and not row["refunded_payment"]:
            raise _unfinished_refund(order, row)
        return str(row["id"])

    # -- what has been done ----------------------------------------------------------------------------

    def find_result(self, kind: str, key: str) -> str | None:
        """Return the result of the action with this key, or None if it was not completed."""
        order = self.just_read.get(self.reference) or self.find_order()
        if order is None:
            return None
        if kind == "refund":
            return self._find_refund(order, REFUND + key, key)
        if kind == "cancel":
            incomplete = order.despatched and self._completion(order)
            return "" if self._is_cancelled(order, key) and not incomplete else None
        if DESPATCH + key not in order.fields:
            return None
        missing = (kind for kind in NOTES if _note_of(order, key, kind) and not self._is_noted(order, key, kind))
        return None if any(missing) or Fulfilments(self.shop, order).lacks(key) else ""

    def is_settled(self, kind: str, key: str) -> bool:
        """Return whether the shop shows the last call that this process made for an action that is not complete."""
        order, call = self.just_read.get(self.reference), self.shop.cache.get(LAST_CALL + key)
        if order is None or call is None:
            return False
        if call == RECORD:
            return DESPATCH + key in order.fields and not self._completion(order)
        if call == COMPLETION:
            return not self._completion(order)
        if call == PLAN:
            return is_plan(order.fields.get((CANCEL if kind == "cancel" else REFUND) + key))
        if call == MONEY:
            return any(key_of(refund) == key for refund in order.refunds)
        if call == FULFILMENT:
            return Fulfilments(self.shop, order).has(key)
        return call in NOTES and self._is_noted(order, key, call)

    def _begin(self, key: str, call: str) -> None:
        """Remember the call that follows, in case that its answer is lost."""
        self.shop.cache[LAST_CALL + key] = call

    def _finished(self, key: str) -> None:
        self.shop.cache.pop(LAST_CALL + key, None)

    def order_state(self) -> OrderState | None:
        """Return what the shop knows of the order's lines, or None if it has no such order."""
        order = self.find_order()
        if order is None:
            return None
        try:
            state = order_state(order, completed=self._order_is_sent(order), cancelled=self._order_is_cancelled(order))
        except Exception as error:  # what a shop or its plugins may send is not foreseen
            log.exception("Order %s cannot be read", self.reference)
            raise ChannelRefused(f"Nothing is done with order {self.reference}: {unreadable(error)}") from error
        self.just_read[self.reference] = order
        return state

    def find_order(self) -> WooOrder | None:
        """Return the order with its refunds, or None if the shop has none with this reference."""
        if not NUMBER.fullmatch(self.reference):
            return None
        settings = lookups.money_settings(self.shop)
        exact = exact_query(settings)
        answer = self.shop.get(f"orders/{self.reference}", exact, accept=(HTTPStatus.NOT_FOUND,))
        if answer.status == HTTPStatus.NOT_FOUND:
            return None
        row = straighten_order(answer.object(), settings)
        refunds = self.shop.read_all(f"orders/{self.reference}/refunds", exact) if row.get("refunds") else []
        return WooOrder(row, [straighten_refund(refund) for refund in refunds], answer.date or clock.now())

    def _order(self) -> WooOrder:
        order = self.just_read.pop(self.reference, None) or self.find_order()
        if order is None:
            raise ChannelRefused(f"The shop has no order {self.reference}")
        return order

    def _update(self, order: WooOrder, body: dict[str, Any]) -> WooOrder:
        settings = lookups.money_settings(self.shop)
        row = straighten_order(self.shop.put(f"orders/{order.id}", body).object(), settings)
        return WooOrder(row, order.refunds, order.as_of)

    def _order_is_sent(self, order: WooOrder) -> bool:
        """Return whether the status says that everything was sent, by hand where nothing is recorded."""
        own = order.status not in STATUSES and order.status == self.preferences.despatch_status
        return own or order.status == "completed"

    def _order_is_cancelled(self, order: WooOrder) -> bool:
        """Return whether the status says that nothing is to be sent; a refunded order may have been."""
        return self._meaning(order) == CANCELLED and order.status != "refunded"

    def _meaning(self, order: WooOrder) -> str:
        return self.preferences.meaning(order.status, order.was_paid)


def _record(order: WooOrder, pieces: Mapping[int, int]) -> dict[str, str]:
    """Return the record of an action that is done at the time at which the order was read."""
    return {"items": write_pieces(pieces), "at": write_time(order.as_of)}


def _unfinished_refund(order: WooOrder, row: Mapping[str, Any]) -> ChannelUnavailable:
    if order.as_of - (utc_time(row["date_created_gmt"]) or order.as_of) < GATEWAY_TIME:
        return ChannelUnavailable("WooCommerce and its payment gateway are still working on this refund")
    return OutcomeUnknown(
        f"Refund {row['id']} was started in WooCommerce and has not finished: check with the payment provider "
        "whether the money was refunded"
    )


def _note_of(order: WooOrder, key: str, kind: str) -> str:
    """Return a note recorded with a despatch; "" if there is none."""
    value = order.fields.get(DESPATCH + key)
    return unescape(value.get(kind)) if isinstance(value, dict) else ""


def _reasons(items: Iterable[CancellationItem | RefundItem]) -> str:
    """Return the reasons given, by their display names; other texts stay as they are."""
    given = [reason for item in items for reason in (item.reason, item.secondary_reason) if reason]
    return ", ".join(dict.fromkeys(REASONS.get(reason, reason) for reason in given))


def _words(text: str) -> list[str]:
    return re.findall(r"\w+", unescape(without_tags(cut(text), " ")))
