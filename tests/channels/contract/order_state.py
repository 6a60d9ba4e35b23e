from __future__ import annotations

from datetime import datetime, timedelta, timezone
from decimal import Decimal
from typing import Any

import pytest

from bridge.channels.base import Channel, LineState, OrderState, Parcel, ShopAction, Tracking
from bridge.protocol.schemas.after_sale import Cancellation, CancellationItem, Refund, RefundItem, RefundShippingType
from tests.channels.contract.shop import Suite

PROCESSED_ON = datetime(2025, 7, 5, 3, 48, 51, tzinfo=timezone.utc)
CLOCKS_AGREE = timedelta(minutes=5)


class OrderStateContract(Suite):
    """What the shop knows of an order is told line by line, and what was done under a key is found again by it."""

    @pytest.fixture
    def reference(self, shop) -> str:
        """A paid order of three pieces of one product and one of another."""
        return shop.place_order({shop.skus[0]: 3, shop.skus[1]: 1})

    def test_an_unknown_order_has_no_state(self, channel):
        """There is no state of an order that the shop does not have."""
        assert channel.order_state("999999999") is None

    def test_a_new_order_has_all_its_pieces(self, channel, shop, reference):
        """Nothing is shipped, cancelled or refunded, and nothing was done."""
        state = channel.order_state(reference)

        assert (reference, False, 0, []) == (state.reference, state.cancelled, state.refunded, list(state.actions))
        assert [(shop.skus[0], 3), (shop.skus[1], 1)] == [(line.sku, line.ordered) for line in _goods(state)]
        assert all(_untouched(line) for line in _goods(state))

    def test_lines_have_the_numbers_that_linnworks_gets(self, channel, reference):
        """The state names every line as the order does."""
        numbers = {item.order_line_number for item in channel.order(reference).order_items}

        assert numbers <= {line.number for line in channel.order_state(reference).lines}

    def test_a_parcel_is_told(self, channel, shop, reference):
        """A parcel is told with its pieces, its tracking numbers, its times and its key, once however often it came."""
        for _ in range(2):
            channel.despatch(_parcel(channel, reference, shop.skus[0], 2, "AB1"), f"parcel of {reference}")
        state = channel.order_state(reference)
        (parcel,) = state.actions

        assert [2, 0] == [line.shipped for line in _goods(state)]
        assert ("despatch", f"parcel of {reference}") == (parcel.kind, parcel.key)
        assert {_number(channel, reference, shop.skus[0]): 2} == parcel.pieces
        assert ("AB1",) == parcel.tracking_numbers
        assert PROCESSED_ON == parcel.processed_on
        assert _is_recent(parcel, state)

    def test_parcels_are_told_apart(self, channel, shop, reference):
        """Each parcel has its own pieces, number and key, and nothing more is left after the last."""
        channel.despatch(_parcel(channel, reference, shop.skus[0], 2, "AB1"), f"first of {reference}")
        channel.despatch(_parcel(channel, reference, shop.skus[0], 1, "AB2"), f"second of {reference}")
        channel.despatch(_parcel(channel, reference, shop.skus[1], 1), f"third of {reference}")
        state = channel.order_state(reference)

        assert [3, 1] == [line.shipped for line in _goods(state)]
        assert {"first": ("AB1",), "second": ("AB2",), "third": ()} == {
            parcel.key.partition(" ")[0]: parcel.tracking_numbers for parcel in state.actions_of("despatch")
        }

    def test_cancelled_pieces_are_told(self, channel, shop, reference):
        """Cancelled pieces are back in stock, and the order goes on."""
        if not channel.post_sale_options().can_cancel_order_lines_partially:
            pytest.skip("the shop says that it cannot do this")
        channel.cancel(_cancellation(channel, reference, shop.skus[0], 1), f"cancel of {reference}")
        state = channel.order_state(reference)
        (cancel,) = state.actions

        assert [(1, 1), (0, 0)] == [(line.cancelled, line.restocked) for line in _goods(state)]
        assert ("cancel", f"cancel of {reference}") == (cancel.kind, cancel.key)
        assert {_number(channel, reference, shop.skus[0]): 1} == cancel.pieces
        assert (False, True) == (state.cancelled, _is_recent(cancel, state))

    @pytest.mark.parametrize("by_hand", [False, True])
    def test_the_cancel_of_a_whole_order_is_told(self, channel, shop, reference, by_hand):
        """All pieces are cancelled, under the key or by hand."""
        if by_hand:
            shop.cancel(reference)
        elif not channel.post_sale_options().can_cancel:
            pytest.skip("the shop says that it cannot do this")
        else:
            channel.cancel(Cancellation(reference_number=reference), f"whole cancel of {reference}")
        state = channel.order_state(reference)

        assert state.cancelled
        assert [3, 1] == [line.cancelled for line in _goods(state)]
        keys = {cancel.key for cancel in state.actions_of("cancel")}
        assert keys <= {""} if by_hand else keys == {f"whole cancel of {reference}"}

    def test_a_refund_is_told(self, channel, shop, reference):
        """A refund is told with its lines' amounts, its reference and its key, and cancels no pieces."""
        if not channel.post_sale_options().can_attach_refund_to_item:
            pytest.skip("the shop says that it cannot do this")
        number = _number(channel, reference, shop.skus[0])
        item = RefundItem(order_line_number=number, refund_amount=Decimal("0.75"))
        result = channel.refund(Refund(reference_number=reference, items=(item,)), f"refund of {reference}")
        state = channel.order_state(reference)
        (refund,) = state.actions

        assert [Decimal("0.75"), 0] == [line.refunded for line in _goods(state)]
        assert ("refund", f"refund of {reference}", result) == (refund.kind, refund.key, refund.result)
        assert ({number: Decimal("0.75")}, Decimal("0.75"), 0) == (
            refund.amounts,
            refund.amount,
            refund.shipping_amount,
        )
        assert Decimal("0.75") == state.refunded
        assert [0, 0] == [line.cancelled for line in _goods(state)]
        assert _is_recent(refund, state)

    def test_a_refund_of_shipping_is_told(self, channel, reference):
        """A refund of shipping belongs to no line."""
        if channel.post_sale_options().refund_shipping_types != RefundShippingType.Independent:
            pytest.skip("the shop says that it cannot do this")
        amount = Decimal("0.50")
        channel.refund(Refund(reference_number=reference, refund_shipping_amount=amount), f"refund of {reference}")
        (refund,) = channel.order_state(reference).actions

        assert ({}, amount, amount) == (refund.amounts, refund.shipping_amount, refund.amount)


def _goods(state: OrderState) -> list[LineState]:
    return [line for line in state.lines if not line.is_service]


def _untouched(line: LineState) -> bool:
    return not (line.shipped or line.cancelled or line.refunded or line.restocked)


def _is_recent(action: ShopAction, state: OrderState) -> bool:
    assert action.at is not None
    return state.as_of is None or abs(state.as_of - action.at) < CLOCKS_AGREE


def _number(channel: Channel, reference: str, sku: str) -> str:
    order: Any = channel.order(reference)
    return next(item.order_line_number for item in order.order_items if item.sku == sku)


def _parcel(channel: Channel, reference: str, sku: str, pieces: int, *numbers: str) -> Parcel:
    return Parcel(
        reference,
        {_number(channel, reference, sku): pieces},
        tuple(Tracking(number, "Royal Mail", "Tracked 48") for number in numbers),
        PROCESSED_ON,
    )


def _cancellation(channel: Channel, reference: str, sku: str, pieces: int) -> Cancellation:
    item = CancellationItem(order_line_number=_number(channel, reference, sku), cancellation_quantity=pieces)
    return Cancellation(reference_number=reference, items=(item,))
