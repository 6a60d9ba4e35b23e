"""Despatches, cancels and refunds in WooCommerce, each found again by its key.

WooCommerce knows no parcels, and does again what it is asked again. So a despatch is a custom field of the order,
written together with the tracking numbers and the new status; so is the cancel of a whole order. A refund
bears its key as well, but WooCommerce adds that only after it has given the money back: hence the order tells
beforehand which refund is meant, and one that looks like it and bears no key is taken for it.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import timedelta
from decimal import Decimal
from http import HTTPStatus
from typing import Any

from bridge import clock
from bridge.channels.base import despatched_items
from bridge.channels.woocommerce.api import FAILED, WooClient, code_of, words_of
from bridge.channels.woocommerce.order_state import CANCEL, KEY, REFUND, SENT, OrderState, key_of, listing
from bridge.channels.woocommerce.values import moment, money, plain
from bridge.channels.woocommerce.wizard import CANCELLED, KEEP, UNPAID, Preferences
from bridge.errors import ChannelRefused, ChannelUnavailable, OutcomeUnknown
from bridge.protocol.schemas.after_sale import Cancellation, CancellationItem, Refund, RefundItem
from bridge.protocol.schemas.orders import DespatchOrder

TRACKING = "_wc_shipment_tracking_items"
"""Where the shipment-tracking plugins keep parcels, and show them to customers from."""
NAMELESS = ("NONE", "DEFAULT")
OVER = ("completed", "refunded", "cancelled", "trash")
REFUND_FAILED = "woocommerce_rest_cannot_create_order_refund"
UNSETTLED = timedelta(minutes=2)  # how long a refund may lack its key while a payment gateway is at work
NUMBER = re.compile(r"[1-9]\d{0,17}", re.ASCII)

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
    """What can be done to one order of a shop."""

    shop: WooClient
    preferences: Preferences
    reference: str

    # -- despatch --------------------------------------------------------------------------------------

    def despatch(self, despatch: DespatchOrder, key: str) -> None:
        """Record a parcel and its tracking, complete the order once all has gone, and tell the customer."""
        sale = self._sale()
        again = SENT + key in sale.fields
        if not again:
            if self._meaning(sale) == CANCELLED and sale.status != "refunded":
                raise ChannelRefused(f"Order {self.reference} is {sale.status} in WooCommerce")
            wanted = [
                (item.order_line_number, item.sku, item.despatched_quantity) for item in despatched_items(despatch)
            ]
            sale = self._sent(sale, despatch, sale.chosen(wanted, despatch=True), key)
        self._complete(sale)
        note = note_of(sale, key)
        if note and not (again and self._is_told(sale, key, note)):
            self.shop.post(f"orders/{sale.id}/notes", {"note": note, "customer_note": True})

    def _sent(self, sale: OrderState, despatch: DespatchOrder, pieces: Mapping[int, int], key: str) -> OrderState:
        parcels = parcels_of(despatch)
        note = note_words(self.preferences.note_text, parcels) if self.preferences.tracking_note else ""
        changes: list[dict[str, Any]] = [{"key": SENT + key, "value": {"items": listing(pieces), "note": note}}]
        if parcels:
            known = sale.fields.get(TRACKING)
            items = [*(known if isinstance(known, list) else ()), *tracking_items(parcels, despatch, key)]
            changes.append({**sale.field_id(TRACKING), "key": TRACKING, "value": items})
        return self._changed(sale, {"meta_data": changes, **self._completion(sale, pieces)})

    def _completion(self, sale: OrderState, pieces: Mapping[int, int] | None = None) -> dict[str, str]:
        """The status an order gets when all of it has gone, unless it has it or is past it."""
        status = self.preferences.despatch_status
        wanted = status != KEEP and sale.status not in (status, *OVER) and sale.is_over(pieces)
        return {"status": status} if wanted else {}

    def _complete(self, sale: OrderState) -> None:
        """Catch up where two parts went at once and neither knew of the other, or the rest was cancelled."""
        if sale.sent and (change := self._completion(sale)):
            self._changed(sale, change)

    def _is_told(self, sale: OrderState, key: str, note: str) -> bool:
        """Whether the customer has the note of this parcel, be there others with the same words before it."""
        keys = [name.removeprefix(SENT) for name in sale.fields if name.startswith(SENT)]
        before = [other for other in keys[: keys.index(key)] if _words(note_of(sale, other)) == _words(note)]
        notes = self.shop.get(f"orders/{self.reference}/notes", {"type": "customer"}).rows()
        return [_words(row["note"]) for row in notes].count(_words(note)) > len(before)

    # -- cancel ----------------------------------------------------------------------------------------

    def cancel(self, cancellation: Cancellation, key: str) -> None:
        """Cancel an order by its status, or pieces of it by a refund of no money that restocks them."""
        sale = self._sale()
        if not self._is_cancelled(sale, key):
            if sale.status == "cancelled":
                return  # by the customer, perhaps, at the same time
            if self._meaning(sale) == CANCELLED:
                raise ChannelRefused(f"Order {self.reference} is {sale.status} in WooCommerce")
            wanted = [(item.order_line_number, item.sku, item.cancellation_quantity) for item in cancellation.items]
            pieces = sale.chosen(wanted, despatch=False)
            if not pieces and sale.lines:
                raise ChannelRefused(f"Nothing of order {self.reference} is left to cancel")
            if not sale.sent and sale.is_over(pieces):
                done = {"key": CANCEL + key, "value": listing(pieces) or "all"}
                self._changed(sale, {"status": "cancelled", "meta_data": [done]})
                return
            self._cancel_part(sale, pieces, reason_words(cancellation.items), key)
            sale = self._sale()
        self._complete(sale)

    def _cancel_part(self, sale: OrderState, pieces: Mapping[int, int], reason: str, key: str) -> None:
        if self._meaning(sale) == UNPAID:
            raise ChannelRefused("It is not paid yet: change its lines in WooCommerce, or cancel all of it")
        self._announce(sale, CANCEL + key, Decimal(0), gateway=False)
        lines = [{"id": line, "quantity": count, "refund_total": 0} for line, count in pieces.items()]
        body = {"amount": "0", "reason": reason, "api_refund": False, "api_restock": True, "line_items": lines}
        self._give_back(sale, body, key)

    def _is_cancelled(self, sale: OrderState, key: str) -> bool:
        """Whether this cancel has been done: it was written together with the status, or its refund is there."""
        value = sale.fields.get(CANCEL + key)
        return bool(value) and (not isinstance(value, dict) or self._refund_of(sale, CANCEL + key, key) is not None)

    # -- refund ----------------------------------------------------------------------------------------

    def refund(self, refund: Refund, key: str) -> str:
        """Give money back for lines, for shipping, and for nothing in particular; the id of WooCommerce's refund."""
        sale = self._sale()
        done = self._refund_of(sale, REFUND + key, key)
        if done is not None:
            return done
        if self._meaning(sale) == UNPAID or (sale.status in ("cancelled", "failed", "trash") and not sale.was_paid):
            raise ChannelRefused(f"Order {self.reference} was not paid")
        total, lines = sale.amounts(refund, restock=self.preferences.restock)
        self._announce(sale, REFUND + key, total, gateway=self.preferences.through_gateway)
        body = {
            "amount": str(total),
            "reason": reason_words(refund.items),
            "api_refund": self.preferences.through_gateway,
            "api_restock": self.preferences.restock,
            "line_items": lines,
        }
        return self._give_back(sale, body, key)

    def _announce(self, sale: OrderState, name: str, amount: Decimal, *, gateway: bool) -> None:
        """Have the order tell which refund is about to be made; of several tries the first knows what was before."""
        if not isinstance(sale.fields.get(name), dict):
            before = " ".join(str(refund["id"]) for refund in sale.row["refunds"])
            value = {"amount": str(amount), "before": before, "gateway": str(gateway)}
            self._changed(sale, {"meta_data": [{"key": name, "value": value}]})

    def _give_back(self, sale: OrderState, body: dict[str, Any], key: str) -> str:
        body["meta_data"] = [{"key": KEY, "value": key}]
        answer = self.shop.post(f"orders/{sale.id}/refunds", body, accept=(FAILED,))
        if answer.status == FAILED and code_of(answer) == REFUND_FAILED:
            raise ChannelRefused(f"WooCommerce made no refund: {words_of(answer)}")
        number = answer.object().get("id")
        if answer.status == FAILED or not isinstance(number, int):
            raise answer.unusable(f"It is not known whether WooCommerce made the refund ({words_of(answer)})")
        return str(number)

    def _refund_of(self, sale: OrderState, name: str, key: str) -> str | None:
        """The id of the refund with this key, or of the one that was announced and bears no key.

        Raises ChannelUnavailable while a payment gateway may be at work on it, and OutcomeUnknown where that came
        to no end: then the owner must look.
        """
        announced = sale.fields.get(name)
        before = announced["before"].split() if isinstance(announced, dict) else []
        for row in sale.refunds:
            if key_of(row) == key:
                return str(row["id"])
            if not isinstance(announced, dict) or key_of(row) or str(row["id"]) in before:
                continue
            if money(row["amount"]) == money(announced["amount"]):
                if announced["gateway"] == str(True) and not row["refunded_payment"]:
                    raise _unsettled(sale, row)
                return str(row["id"])
        return None

    # -- what has been done ----------------------------------------------------------------------------

    def find_result(self, kind: str, key: str) -> str | None:
        """The answer to what was done under this key, None where it was not done, or not to its end."""
        sale = self.find()
        if sale is None:
            return None
        if kind == "refund":
            return self._refund_of(sale, REFUND + key, key)
        if kind == "cancel":
            return "" if self._is_cancelled(sale, key) else None
        if SENT + key not in sale.fields:
            return None
        note = note_of(sale, key)
        return "" if not note or self._is_told(sale, key, note) else None

    def _sale(self) -> OrderState:
        sale = self.find()
        if sale is None:
            raise ChannelRefused(f"The shop has no order {self.reference}")
        return sale

    def find(self) -> OrderState | None:
        """The order with its refunds; None where the shop has none of that reference."""
        if not NUMBER.fullmatch(self.reference):
            return None
        answer = self.shop.get(f"orders/{self.reference}", accept=(HTTPStatus.NOT_FOUND,))
        if answer.status == HTTPStatus.NOT_FOUND:
            return None
        row = answer.object()
        refunds = self.shop.all(f"orders/{self.reference}/refunds") if row["refunds"] else []
        return OrderState(row, refunds, answer.date or clock.now())

    def _changed(self, sale: OrderState, body: dict[str, Any]) -> OrderState:
        return OrderState(self.shop.put(f"orders/{sale.id}", body).object(), sale.refunds, sale.as_of)

    def _meaning(self, sale: OrderState) -> str:
        return self.preferences.meaning(sale.status, sale.was_paid)


def _unsettled(sale: OrderState, row: Mapping[str, Any]) -> ChannelUnavailable:
    if sale.as_of - (moment(row["date_created_gmt"]) or sale.as_of) < UNSETTLED:
        return ChannelUnavailable("WooCommerce and its payment gateway are still at this refund")
    return OutcomeUnknown(
        f"Refund {row['id']} was begun in WooCommerce and has not come to an end: see with the payment provider "
        "whether the money went back"
    )


@dataclass(frozen=True)
class Parcel:
    """How a part of an order travels."""

    carrier: str
    number: str
    link: str


def parcels_of(despatch: DespatchOrder) -> list[Parcel]:
    """The parcels with something to follow them by: the packages, or the numbers of the despatch itself."""
    whole = _carrier(despatch.shipping_vendor, despatch.shipping_method)
    packed = [
        Parcel(
            _carrier(package.shipping_vendor, package.shipping_method) or whole,
            package.tracking_number,
            package.tracking_url,
        )
        for package in despatch.packages
        if package.tracking_number or package.tracking_url
    ]
    numbers = [despatch.tracking_number, *despatch.secondary_tracking_numbers]
    plainly = [
        Parcel(whole, number.strip(), despatch.tracking_url if not position else "")
        for position, number in enumerate(numbers)
        if number.strip() or (despatch.tracking_url and not position)
    ]
    return packed or plainly


def _carrier(vendor: str, method: str) -> str:
    return " ".join(word.strip() for word in (vendor, method) if word.strip() and word.upper() not in NAMELESS)


def tracking_items(parcels: Iterable[Parcel], despatch: DespatchOrder, key: str) -> list[dict[str, str]]:
    """Parcels as the shipment-tracking plugins keep them."""
    shipped = str(int((despatch.processed_on or clock.now()).timestamp()))
    return [
        {
            "tracking_provider": "",
            "custom_tracking_provider": parcel.carrier,
            "custom_tracking_link": parcel.link,
            "tracking_number": parcel.number,
            "date_shipped": shipped,
            "tracking_id": hashlib.sha256(f"{key} {position}".encode()).hexdigest()[:32],
        }
        for position, parcel in enumerate(parcels)
    ]


def note_words(text: str, parcels: Iterable[Parcel]) -> str:
    """The note about some parcels in the seller's words; what stands before the first parcel's facts comes once."""
    opening = text.partition("{")[0]
    facts = text.removeprefix(opening)
    told = [
        facts.replace("{carrier}", parcel.carrier).replace("{number}", parcel.number).replace("{link}", parcel.link)
        for parcel in parcels
    ]
    return re.sub(r"\s+", " ", " ".join([opening, *told])).strip()


def note_of(sale: OrderState, key: str) -> str:
    """The note that goes with the parcel of this key; "" for none."""
    value = sale.fields.get(SENT + key)
    return plain(value.get("note")) if isinstance(value, dict) else ""


def reason_words(items: Iterable[CancellationItem | RefundItem]) -> str:
    """The reasons that were given, in words; those of one's own as they are."""
    given = [word for item in items for word in (item.reason, item.secondary_reason) if word]
    return ", ".join(dict.fromkeys(REASONS.get(word, word) for word in given))


def _words(text: str) -> list[str]:
    return re.findall(r"\w+", plain(re.sub(r"<[^>]*>", " ", text)))
