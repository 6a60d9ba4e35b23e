"""What a WooCommerce order says of its lines, also where it was changed by hand."""

from __future__ import annotations

from datetime import datetime, timezone
from decimal import Decimal
from typing import Any

import pytest

from bridge.channels.base import OrderState
from bridge.channels.woocommerce.line_states import order_state
from bridge.channels.woocommerce.order_state import WooOrder
from bridge.channels.woocommerce.parcels import tracking_id
from tests.channels.woocommerce.test_orders import recorded, refund_of

NOON = datetime(2026, 3, 1, 12, tzinfo=timezone.utc)
BY_HAND = {"tracking_number": "BY-HAND", "tracking_id": "x"}
LINK_ONLY = {"tracking_number": "", "custom_tracking_link": "https://example.com", "tracking_id": tracking_id("k1", 0)}
OURS = {"tracking_number": "OURS", "tracking_id": tracking_id("k1", 1)}
RECORD = {"items": "7:2", "at": "2026-03-01T10:00:00", "processed_on": "2026-03-01T09:00:00", "numbers": ["OURS"]}


@pytest.fixture
def row() -> dict[str, Any]:
    """An order of three pieces of one line, 7."""
    row = recorded("order-plain")
    row["line_items"] = [{**row["line_items"][0], "id": 7, "quantity": 3}]
    return {**row, "date_completed_gmt": "2026-03-01T11:00:00"}


def state_of(row: dict[str, Any], refunds: Any = (), *, completed: bool = False, cancelled: bool = False) -> OrderState:
    return order_state(WooOrder(row, refunds, NOON), completed=completed, cancelled=cancelled)


def add_field(row: dict[str, Any], key: str, value: Any) -> None:
    row["meta_data"].append({"id": 10_000 + len(row["meta_data"]), "key": key, "value": value})


def test_an_order_completed_by_hand_was_sent_whole(row):
    """
    What no record names was sent by hand, when the order was completed and under the numbers that are not ours.
    """
    add_field(row, "_linnworks_despatch_k1", RECORD)
    add_field(row, "_wc_shipment_tracking_items", {"0": LINK_ONLY, "1": OURS, "3": BY_HAND})
    state = state_of(row, completed=True)
    ours, by_hand = state.actions

    assert 3 == state.lines[0].shipped
    assert ("k1", {"7": 2}, ("OURS",), 10) == (ours.key, ours.pieces, ours.tracking_numbers, ours.at.hour)
    assert ("", {"7": 1}, ("BY-HAND",), 11) == (by_hand.key, by_hand.pieces, by_hand.tracking_numbers, by_hand.at.hour)
    assert datetime(2026, 3, 1, 9, tzinfo=timezone.utc) == ours.processed_on


def test_a_refund_by_hand_cancels_no_pieces(row):
    """
    Its pieces may have been returned: they are restocked, and do not count as cancelled.
    """
    refund = {**refund_of(row, 7, 1, "4.00", "0.80"), "date_created_gmt": "2026-03-01T08:00:00"}
    state = state_of(row, [refund])

    assert (0, 1, Decimal("4.80")) == (state.lines[0].cancelled, state.lines[0].restocked, state.lines[0].refunded)
    assert [("refund", "", {"7": Decimal("4.80")})] == [
        (action.kind, action.key, action.amounts) for action in state.actions
    ]


@pytest.mark.parametrize("keyed", [True, False])
def test_a_planned_refund_is_known_by_its_plan(row, keyed):
    """
    WooCommerce writes the key after the money has gone, so a refund of the planned amount without one is the planned.
    """
    refund = {**refund_of(row, 7, 1, "4.00", "0.80"), "date_created_gmt": "2026-03-01T08:00:00"}
    refund["meta_data"] = [{"id": 1, "key": "_linnworks_key", "value": "k2"}] if keyed else []
    add_field(row, "_linnworks_refund_k2", {"amount": "4.80", "before": "", "gateway": "False"})

    assert [("refund", "k2", "900")] == [
        (action.kind, action.key, action.result) for action in state_of(row, [refund]).actions
    ]


@pytest.mark.parametrize("record", ["7:3", {"items": "7:3", "at": "2026-03-01T10:00:00"}])
def test_a_cancelled_order_has_the_key_of_its_cancel(row, record):
    """
    Also where the record was written before records had times.
    """
    add_field(row, "_linnworks_cancel_k3", record)
    state = state_of(row, cancelled=True)

    assert (True, 3) == (state.cancelled, state.lines[0].cancelled)
    assert [("cancel", "k3", {"7": 3})] == [(action.kind, action.key, action.pieces) for action in state.actions]


@pytest.mark.parametrize("entry", [{}, {"key": "a"}, {"key": "_linnworks_despatch_k9", "value": None}, None, "text"])
def test_broken_custom_fields_are_passed_over(row, entry):
    """
    Plugins leave empty entries, and entries without id or value.
    """
    row["meta_data"].append(entry)

    assert 0 == state_of(row).lines[0].shipped
