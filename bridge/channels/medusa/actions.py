"""Despatch, cancel and refund of an order, each found again by its key."""

from __future__ import annotations

import logging

from bridge.channels.base import OrderState, Parcel
from bridge.channels.helpers.order_lines import Line, cancelled, choose_pieces
from bridge.channels.medusa.action_records import CANCEL, cancel_record
from bridge.channels.medusa.api import MedusaClient
from bridge.channels.medusa.despatches import Despatches
from bridge.channels.medusa.order_calls import OrderCalls
from bridge.channels.medusa.order_state import SERVICES, MedusaOrder, order_state
from bridge.channels.medusa.orders import line_sku
from bridge.channels.medusa.preferences import Preferences
from bridge.channels.medusa.refunds import REASONS, Refunds
from bridge.errors import ChannelRefused, unreadable
from bridge.protocol.schemas.after_sale import (
    Cancellation,
    PostSaleOptionsResponse,
    Reason,
    ReasonType,
    Refund,
    RefundShippingType,
)

log = logging.getLogger(__name__)

PLAN, WHOLE = "plan", "cancel"
"""The calls of which a cancel consists."""

TYPES = (ReasonType.Cancellation, ReasonType.ItemRefund, ReasonType.ShippingRefund, ReasonType.AdditionalRefund)
OPTIONS = PostSaleOptionsResponse(
    can_cancel=True,
    automatic_refund_on_cancel=True,
    can_refund=True,
    can_attach_refund_to_item=True,
    refund_shipping_types=RefundShippingType.Independent,
    can_refund_additionally=True,
    post_sale_reasons=tuple(Reason(tag=tag, display_name=name, types=TYPES) for tag, name in REASONS.items()),
)
"""What Medusa does: its cancel refunds captured payments; a line taken from an order is gone, so none are cancelled."""


class Actions:
    """The actions on one order of a shop.

    An action begins with the order that `order_state` has just read, which `just_read` has by its reference.
    """

    def __init__(
        self, shop: MedusaClient, preferences: Preferences, reference: str, just_read: dict[str, MedusaOrder]
    ) -> None:
        self.calls = OrderCalls(shop, preferences, reference, just_read)
        self.reference = reference
        self.despatches = Despatches(self.calls)
        self.refunds = Refunds(self.calls)

    def order_state(self) -> OrderState | None:
        """Return what the shop knows of the order, or None if it has no such order."""
        order = self.calls.find()
        if order is None:
            return None
        try:
            state = order_state(order)
        except Exception as error:  # what a shop or its plugins may send is not foreseen
            log.exception("Order %s cannot be read", self.reference)
            raise ChannelRefused(f"Nothing is done with order {self.reference}: {unreadable(error)}") from error
        self.calls.just_read[self.reference] = order
        return state

    def despatch(self, parcel: Parcel, key: str) -> None:
        """Fulfil and ship the pieces of a parcel, or record its tracking."""
        self.despatches.despatch(parcel, key)

    def cancel(self, cancellation: Cancellation, key: str) -> None:
        """Cancel a whole order, of which nothing was packed or sent."""
        order = self.calls.take()
        if order.is_cancelled:
            return  # perhaps the customer or the owner cancelled it at the same time
        if order.fulfilments:
            raise ChannelRefused(
                f"Goods of order {self.reference} are packed or sent: Medusa cancels an order only when its "
                "fulfilments are cancelled, which is possible there until they are shipped"
            )
        self._require_all(order, cancellation)
        self.calls.require_no_edit()
        if CANCEL + key not in order.metadata:
            self.calls.begin(key, PLAN)
            self.calls.change("", {"metadata": {CANCEL + key: cancel_record(order.as_of)}}, repeatable=True)
        self.calls.begin(key, WHOLE)
        try:
            self.calls.change("/cancel", {})
        except ChannelRefused:
            if not self.calls.now().is_cancelled:
                raise
        self.calls.finished(key)

    def _require_all(self, order: MedusaOrder, cancellation: Cancellation) -> None:
        """Raise ChannelRefused for a cancel of less than the whole order."""
        known = [Line(line, line, line_sku(row)) for line, row in order.lines.items()]
        wanted = [one for one in cancelled(cancellation) if one.number not in SERVICES]
        pieces = choose_pieces(self.reference, known, wanted, order.left)
        if any(pieces.get(line, 0) < order.ordered(line) for line in order.lines if order.ordered(line)):
            raise ChannelRefused(
                f"Medusa cancels whole orders only: edit order {self.reference} there to take lines from it"
            )

    def refund(self, refund: Refund, key: str) -> str:
        """Refund lines, shipping or an amount of what was captured, and return the ids of Medusa's refunds."""
        return self.refunds.refund(refund, key)

    def find_result(self, kind: str, key: str) -> str | None:
        """Return the result of the action with this key, or None if it was not completed."""
        order = self.calls.known()
        if order is None:
            return None
        if kind == "refund":
            return self.refunds.result(order, key)
        if kind == "cancel":
            return "" if order.is_cancelled and CANCEL + key in order.metadata else None
        return "" if self.despatches.is_done(order, key) else None

    def is_settled(self, kind: str, key: str) -> bool:
        """Return whether the shop shows the last call that this process made for an action that is not complete."""
        order = self.calls.just_read.get(self.reference)
        if order is None:
            return False
        if kind == "cancel":
            return self.calls.last_call(key) == PLAN and CANCEL + key in order.metadata
        actions = self.refunds if kind == "refund" else self.despatches
        return actions.is_settled(order, key)
