"""What Linnworks is told of orders as a running Medusa had them."""

from __future__ import annotations

import json
from datetime import datetime, timezone
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

from bridge.channels.base import OrderState
from bridge.channels.medusa.order_state import MedusaOrder, order_state

RECORDED = Path(__file__).parent / "recorded_orders"
NOW = datetime(2026, 11, 27, 1, 0, tzinfo=timezone.utc)


def recorded(name: str) -> Any:
    """Return the row of an order as the shop sent it."""
    return json.loads((RECORDED / f"{name}.json").read_text(), parse_float=Decimal)


def state_of(row: Any, *, ships: bool = True) -> OrderState:
    return order_state(MedusaOrder(row, NOW, ships))


def pieces(state: OrderState, what: str) -> dict[str, int]:
    """Return the last letter of each SKU with the ordered, shipped, cancelled or restocked pieces."""
    return {line.sku[-1]: getattr(line, what) for line in state.lines if not line.is_service}


def test_parts_of_one_parcel_from_two_locations_are_one_despatch():
    """Two fulfilments with the same key are one action, and a tracking number of later is one without pieces."""
    state = state_of(recorded("sent_in_parts"))
    first, tracking, last = state.actions_of("despatch")

    assert {"A": 3, "B": 2, "N": 1} == pieces(state, "shipped")
    assert ("k1", ("T1", "T2"), [1, 1, 2]) == (first.key, first.tracking_numbers, sorted(first.pieces.values()))
    assert datetime(2025, 7, 5, 3, tzinfo=timezone.utc) == first.processed_on
    assert ("k2", ("T3",), ("T1",), ("k1",)) == (
        tracking.key,
        tracking.tracking_numbers,
        tracking.replaces,
        tracking.earlier,
    )
    assert {} == tracking.pieces
    assert ("k3", [1, 1]) == (last.key, sorted(last.pieces.values()))


def test_a_refund_is_told_with_its_lines_and_shipping():
    """What belongs to which line stands in the note of Medusa's refund."""
    state = state_of(recorded("sent_in_parts"))
    (refund,) = state.actions_of("refund")

    assert ("r1", Decimal("11.51"), Decimal("1.50")) == (refund.key, refund.amount, refund.shipping_amount)
    assert [Decimal("10.01")] == list(refund.amounts.values())
    assert Decimal("11.51") == state.refunded


def test_one_refund_of_two_payments_is_one_action_of_the_whole_amount():
    """The rest of a payment, 32.088, is refunded unrounded: the customer gets 40.00 all the same."""
    (refund,) = state_of(recorded("two_payments")).actions_of("refund")

    assert Decimal("40.00") == refund.amount
    assert 2 == len(refund.result.split(", "))


def test_what_the_owner_packed_belongs_to_the_despatch_that_sent_it():
    """A kit of two parts counts once, and a fulfilment by hand has the key that the order records for it."""
    state = state_of(recorded("two_payments"))

    assert {"K": 2, "D": 1, "A": 1} == pieces(state, "shipped")
    assert ["h1", "h2"] == [action.key for action in state.actions_of("despatch")]
    assert [1, 2] == sorted(state.actions_of("despatch")[0].pieces.values())


def test_pieces_of_fulfilments_count_where_medusa_has_lost_count():
    """Medusa forgets one of two fulfilments made at the same time; the pieces went out."""
    row = recorded("made_at_once")

    assert 1 == next(line for line in row["items"] if line["variant_sku"] == "SKU-E")["detail"]["fulfilled_quantity"]
    assert {"E": 2, "A": 3} == pieces(state_of(row, ships=False), "shipped")


def test_a_cancel_is_told_with_its_key_and_what_medusa_refunded_by_itself():
    """The refunds that a cancel makes have no key, and nothing is to be sent."""
    state = state_of(recorded("cancelled"))
    (cancel,) = state.actions_of("cancel")

    assert state.cancelled
    assert {"E": 2, "A": 3} == pieces(state, "cancelled") == pieces(state, "restocked")
    assert ("c", [2, 3]) == (cancel.key, sorted(cancel.pieces.values()))
    assert [("r", "4.00"), ("", "6.5"), ("", "30")] == [
        (refund.key, str(refund.amount)) for refund in state.actions_of("refund")
    ]
    assert Decimal("40.50") == state.refunded


def test_a_cancel_that_was_only_begun_cancels_nothing():
    """It is listed, because its key is in the order, without pieces."""
    row = recorded("cancelled") | {"status": "pending"}
    state = state_of(row)

    assert not state.cancelled
    assert [("c", {})] == [(cancel.key, cancel.pieces) for cancel in state.actions_of("cancel")]


def test_a_fulfilment_of_linnworks_counts_as_sent_before_its_shipment():
    """What a despatch has begun is not sent a second time; what the owner packed still waits to be sent."""
    row = recorded("half_refunded")
    begun = row["fulfillments"][1]
    by_hand = {**begun, "metadata": None}

    assert {"A": 1, "B": 1, "N": 1} == pieces(state_of(row), "shipped")
    row["fulfillments"][1] = by_hand
    assert {"A": 0, "B": 1, "N": 0} == pieces(state_of(row), "shipped")
    assert {"A": 1, "B": 1, "N": 1} == pieces(state_of(row, ships=False), "shipped")


def test_a_cancelled_fulfilment_was_never_sent():
    """Its pieces can be sent again."""
    row = recorded("half_refunded")
    row["fulfillments"][1]["canceled_at"] = "2026-11-27T00:50:00.000Z"
    for line in row["items"]:
        line["detail"]["fulfilled_quantity"] = 1 if line["variant_sku"] == "SKU-B" else 0

    assert {"A": 0, "B": 1, "N": 0} == pieces(state_of(row), "shipped")


@pytest.mark.parametrize(
    "note", [None, 7, "Linnworks refund ", "Linnworks refund {", "Linnworks refund []", "Sorry {}"]
)
def test_a_note_by_hand_has_no_key(note):
    """Whatever the owner writes, the refund is told without lines."""
    row = recorded("sent_in_parts")
    row["payment_collections"][0]["payments"][0]["refunds"][0]["note"] = note
    (refund,) = state_of(row).actions_of("refund")

    assert ("", {}, Decimal("11.51")) == (refund.key, refund.amounts, refund.amount)
