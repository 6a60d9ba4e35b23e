"""An action that did not reach the shop is done when it is asked again, whatever else was done to the order."""

from __future__ import annotations

import pytest

from tests.channels.contract.shop import seen
from tests.channels.hostile.server import Fault
from tests.channels.woocommerce.test_actions import cancel, customer_notes, despatch, despatch_of, refund

pytestmark = pytest.mark.service


@pytest.fixture
def order(linnworks, woo):
    """Return a paid order of three mugs and two books, as Linnworks gets it."""
    return seen(linnworks, woo.place_order({"MUG": 3, "BOOK": 2}))


@pytest.fixture
def lost(woo):
    """Return a function that has the shop lose the next such request before it does anything."""

    def lose(path):
        woo.faults.add(Fault.DROP_BEFORE, path, method="POST")

    return lose


def amounts(woo, order) -> list[str]:
    return sorted(str(row["amount"]) for row in woo.refunds(order["ReferenceNumber"]))


def test_an_equal_refund_from_before_is_not_taken_for_the_lost_one(linnworks, woo, order, lost):
    """
    The owner has refunded as much before, and the money of the request goes back nevertheless.
    """
    woo.refund(order["ReferenceNumber"], "1.00")
    lost("/refunds")
    answers = [refund(linnworks, order, {"MUG": "1.00"})["Error"] for _ in range(2)]

    assert answers[0]
    assert answers[1] is None
    assert ["1.00", "1.00"] == amounts(woo, order)


def test_another_refund_since_is_not_taken_for_the_lost_one(linnworks, woo, order, lost):
    """
    The owner has refunded another amount since.
    """
    lost("/refunds")
    refund(linnworks, order, {"MUG": "1.00"})
    woo.refund(order["ReferenceNumber"], "2.00")

    assert refund(linnworks, order, {"MUG": "1.00"})["Error"] is None
    assert ["1.00", "2.00"] == amounts(woo, order)


def test_the_refund_of_another_request_is_not_taken_for_the_lost_one(linnworks, woo, order, lost):
    """
    Of two requests for the same amount each has its own refund.
    """
    lost("/refunds")
    refund(linnworks, order, {"MUG": "1.00"})
    refund(linnworks, order, {"BOOK": "1.00"})

    assert refund(linnworks, order, {"MUG": "1.00"})["Error"] is None
    assert ["1.00", "1.00"] == amounts(woo, order)


def test_the_note_of_one_parcel_is_not_taken_for_the_lost_note_of_another(linnworks, woo, order, lost):
    """
    Both have the same text, because both parcels have the same tracking number.
    """
    despatch(linnworks, despatch_of(order, {"MUG": 1}))
    lost("/notes")
    answers = [despatch(linnworks, despatch_of(order, {"BOOK": 1})) for _ in range(2)]

    assert answers[0] != [None]
    assert answers[1] == [None]
    assert 2 == len(customer_notes(woo, order))


def test_a_note_that_the_shop_refuses_does_not_keep_parcels_back(linnworks, woo, order):
    """
    The pieces went, and so does the next parcel.
    """
    woo.faults.add(Fault.FORBIDDEN, "/notes", method="POST", times=3)  # by each way to send the key
    answers = [despatch(linnworks, despatch_of(order, {sku: 1}, TrackingNumber=sku)) for sku in ("MUG", "BOOK")]

    assert [[None], [None]] == answers
    assert 1 == len(customer_notes(woo, order))


def test_a_cancel_that_stopped_before_the_order_was_complete_is_gone_on_with(linnworks, woo, order):
    """
    The rest was despatched, and only the status is missing.
    """
    despatch(linnworks, despatch_of(order, {"MUG": 3}))
    woo.faults.add(Fault.DROP_BEFORE, f"/orders/{order['ReferenceNumber']}", method="PUT", skip=1)
    answers = [cancel(linnworks, order, {"BOOK": 2})["Error"] for _ in range(2)]

    assert answers[0]
    assert answers[1] is None
    assert "completed" == woo.order(order["ReferenceNumber"])["status"]


def test_what_the_owner_has_sent_by_hand_is_not_cancelled(linnworks, woo, order):
    """
    The order is completed without a despatch of Linnworks.
    """
    woo.set_status(order["ReferenceNumber"], "completed")
    before = woo.stock("MUG")

    assert "was sent already" in cancel(linnworks, order, {"MUG": 1})["Error"]
    assert ("completed", before) == (woo.order(order["ReferenceNumber"])["status"], woo.stock("MUG"))


def test_a_refund_without_a_key_answers_for_one_plan(linnworks, woo, order, lost):
    """
    A refund that was refused has left its plan; another of the same amount is not its result.
    """
    woo.faults.add(Fault.BROKEN, "/refunds", method="POST")
    refund(linnworks, order, {"MUG": "1.00"})
    refund(linnworks, order, {"BOOK": "1.00"})
    for row in woo.row(order["ReferenceNumber"]).refunds:
        row.meta.clear()
    again = refund(linnworks, order, {"MUG": "1.00"})

    assert again["Error"] is None
    assert ["1.00", "1.00"] == amounts(woo, order)
