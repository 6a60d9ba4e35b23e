"""An action that did not reach the shop is done when it is asked again, whatever else was done to the order."""

from __future__ import annotations

import pytest

from tests.channels.contract.shop import seen
from tests.channels.hostile.server import Fault
from tests.channels.woocommerce.test_actions import customer_notes, despatch, despatch_of, refund

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
