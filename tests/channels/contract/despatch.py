from __future__ import annotations

from typing import Any

import pytest

from bridge.channels.base import Channel
from tests.channels.contract.lost_answers import outcomes_of_lost_answers
from tests.channels.contract.shop import Suite, line_number, seen
from tests.linnworks import Linnworks


class DespatchContract(Suite):
    """A despatch reaches the shop once, and every order has its own outcome."""

    def test_a_whole_order_is_sent_line_by_line(self, linnworks, shop, order):
        """Naming all pieces of every line despatches the whole order."""
        answer = _despatch(linnworks, _despatch_of(order, {shop.skus[0]: 3, shop.skus[1]: 1}))

        assert [_success(order)] == answer
        assert {shop.skus[0]: 3, shop.skus[1]: 1} == shop.sent(order["ReferenceNumber"])

    @pytest.mark.parametrize("items", [None, []])
    def test_an_order_without_items_is_despatched_whole(self, linnworks, shop, order, items):
        """A despatch without items means the whole order."""
        answer = _despatch(linnworks, {**_despatch_of(order, {}), "Items": items})

        assert [_success(order)] == answer
        assert {shop.skus[0]: 3, shop.skus[1]: 1} == shop.sent(order["ReferenceNumber"])

    def test_a_part_is_sent_and_the_rest_later(self, linnworks, shop, order):
        """An order may be despatched in parts by several calls."""
        first = _despatch(linnworks, _despatch_of(order, {shop.skus[0]: 2}, "T1"))
        sent = shop.sent(order["ReferenceNumber"])
        second = _despatch(linnworks, _despatch_of(order, {shop.skus[0]: 1, shop.skus[1]: 1}, "T2"))

        assert [_success(order)] == first
        assert {shop.skus[0]: 2, shop.skus[1]: 0} == sent
        assert [_success(order)] == second
        assert {shop.skus[0]: 3, shop.skus[1]: 1} == shop.sent(order["ReferenceNumber"])

    def test_the_rest_is_despatched_without_items(self, linnworks, shop, order):
        """After a part, a despatch without items means all that remains."""
        _despatch(linnworks, _despatch_of(order, {shop.skus[0]: 2}))
        answer = _despatch(linnworks, _despatch_of(order, {}))

        assert [_success(order)] == answer
        assert {shop.skus[0]: 3, shop.skus[1]: 1} == shop.sent(order["ReferenceNumber"])

    def test_a_repeated_despatch_succeeds_and_changes_nothing(self, linnworks, shop, order):
        """Linnworks may repeat a despatch whose answer was lost."""
        despatch = _despatch_of(order, {shop.skus[0]: 1})
        answers = [_despatch(linnworks, despatch) for _ in range(3)]

        assert [[_success(order)]] * 3 == answers
        assert {shop.skus[0]: 1, shop.skus[1]: 0} == shop.sent(order["ReferenceNumber"])

    def test_quantities_of_one_line_add_up(self, linnworks, shop, order):
        """The same line twice in a despatch means the sum of the quantities."""
        despatch = _despatch_of(order, {shop.skus[0]: 1})
        answer = _despatch(linnworks, {**despatch, "Items": [*despatch["Items"], *despatch["Items"]]})

        assert [_success(order)] == answer
        assert {shop.skus[0]: 2, shop.skus[1]: 0} == shop.sent(order["ReferenceNumber"])

    def test_items_may_come_in_packages_only(self, linnworks, shop, order):
        """If only the packages have items, these were sent."""
        packages = [
            {"TrackingNumber": "P1", "Items": _despatch_of(order, {shop.skus[0]: 1})["Items"]},
            {"TrackingNumber": "P2", "Items": _despatch_of(order, {shop.skus[0]: 1, shop.skus[1]: 1})["Items"]},
        ]
        answer = _despatch(linnworks, {**_despatch_of(order, {}), "Packages": packages})

        assert [_success(order)] == answer
        assert {shop.skus[0]: 2, shop.skus[1]: 1} == shop.sent(order["ReferenceNumber"])

    def test_items_and_packages_are_not_counted_twice(self, linnworks, shop, order):
        """Packages that repeat the order's items say how these were packed; they are no further items."""
        despatch = _despatch_of(order, {shop.skus[0]: 1})
        answer = _despatch(linnworks, {**despatch, "Packages": [{"Items": despatch["Items"]}]})

        assert [_success(order)] == answer
        assert {shop.skus[0]: 1, shop.skus[1]: 0} == shop.sent(order["ReferenceNumber"])

    def test_none_of_a_line_is_not_all_of_it(self, linnworks, shop, order):
        """A line with a quantity of zero is not despatched."""
        _despatch(linnworks, _despatch_of(order, {shop.skus[0]: 0, shop.skus[1]: 1}))

        assert shop.sent(order["ReferenceNumber"])[shop.skus[0]] == 0

    def test_one_order_may_come_twice_in_a_batch(self, linnworks, shop, order):
        """Parts of a split order may come together, and each has its own outcome."""
        answer = _despatch(
            linnworks, _despatch_of(order, {shop.skus[0]: 2}), _despatch_of(order, {shop.skus[0]: 1, shop.skus[1]: 1})
        )

        assert [_success(order), _success(order)] == answer
        assert {shop.skus[0]: 3, shop.skus[1]: 1} == shop.sent(order["ReferenceNumber"])

    @pytest.mark.parametrize("problem", ["unknown order", "unknown line", "too many"])
    def test_one_bad_order_leaves_the_others_alone(self, linnworks, shop, order, problem):
        """An impossible despatch gets an error without a retry, and the other orders are despatched."""
        other, third = (seen(linnworks, shop.place_order({shop.skus[0]: 1})) for _ in range(2))
        bad = _despatch_of(order, {shop.skus[0]: 4 if problem == "too many" else 1})
        if problem == "unknown order":
            bad["ReferenceNumber"] = "no-such-order"
        if problem == "unknown line":
            bad["Items"][0] |= {"OrderLineNumber": "no-such-line", "SKU": "no-such-sku"}
        first, second, last = _despatch(linnworks, _despatch_of(other, {}), bad, _despatch_of(third, {}))

        assert _success(other) == first
        assert bad["ReferenceNumber"] == second["ReferenceNumber"]
        assert second["Error"]
        assert second["Retry"] is False
        assert _success(third) == last
        assert {shop.skus[0]: 0, shop.skus[1]: 0} == shop.sent(order["ReferenceNumber"])
        assert {shop.skus[0]: 1} == shop.sent(other["ReferenceNumber"])
        assert {shop.skus[0]: 1} == shop.sent(third["ReferenceNumber"])

    def test_a_bad_line_refuses_its_order(self, linnworks, shop, order):
        """A despatch with one impossible line despatches none of its lines, so that its error is correct for all."""
        answer = _despatch(linnworks, _despatch_of(order, {shop.skus[1]: 1, shop.skus[0]: 4}))

        assert answer[0]["Error"]
        assert {shop.skus[0]: 0, shop.skus[1]: 0} == shop.sent(order["ReferenceNumber"])

    def test_of_more_than_is_left_the_rest_goes(self, linnworks, shop, order):
        """The parts never add up to more than was ordered, and what went before is no error."""
        _despatch(linnworks, _despatch_of(order, {shop.skus[0]: 2}, "T1"))
        second = {**_despatch_of(order, {shop.skus[0]: 2}, "T2"), "ProcessedOn": "2025-07-05 09:00:00Z"}
        answer = _despatch(linnworks, second)

        assert [_success(order)] == answer
        assert {shop.skus[0]: 3, shop.skus[1]: 0} == shop.sent(order["ReferenceNumber"])

    def test_a_despatch_sent_again_later_changes_nothing(self, linnworks, shop, order):
        """A resend bears another time, or another spelling of the carrier."""
        first = _despatch_of(order, {shop.skus[0]: 1}, "T1")
        resends = [
            first,
            {**first, "ProcessedOn": "2025-07-05 09:00:00Z"},
            {**first, "ShippingVendor": "royal mail", "TrackingNumber": " t1"},
        ]
        answers = [_despatch(linnworks, resend) for resend in resends]

        assert [[_success(order)]] * 3 == answers
        assert {shop.skus[0]: 1, shop.skus[1]: 0} == shop.sent(order["ReferenceNumber"])

    def test_parcels_without_numbers_are_told_apart_by_their_time(self, linnworks, shop, order):
        """The same time again is a repeat, another one is another parcel."""
        first = _despatch_of(order, {shop.skus[0]: 1}, "")
        answers = [
            _despatch(linnworks, parcel) for parcel in (first, {**first, "ProcessedOn": "2025-07-05 09:00:00Z"}, first)
        ]

        assert [[_success(order)]] * 3 == answers
        assert {shop.skus[0]: 2, shop.skus[1]: 0} == shop.sent(order["ReferenceNumber"])

    def test_a_parcel_grouped_with_one_that_went_goes_alone(self, linnworks, shop, channel, order):
        """Linnworks groups parcels of an order: only what is new in the group is sent."""
        _despatch(linnworks, _despatch_of(order, {shop.skus[0]: 2}, "T1"))
        grouped = _despatch_of(order, {shop.skus[0]: 2, shop.skus[1]: 1}, "T1")
        answer = _despatch(linnworks, {**grouped, "SecondaryTrackingNumbers": ["T2"]})

        assert [_success(order)] == answer
        assert {shop.skus[0]: 2, shop.skus[1]: 1} == shop.sent(order["ReferenceNumber"])
        assert {"T1", "T2"} == _numbers(channel, order)

    def test_a_corrected_number_replaces_the_old_one(self, linnworks, shop, channel, order):
        """The pieces stay as they are, and a late resend of the old number does not bring it back."""
        first = _despatch_of(order, {shop.skus[0]: 3}, "T1")
        corrected = {**first, "TrackingNumber": "T2", "ProcessedOn": "2025-07-05 09:00:00Z"}
        answers = [_despatch(linnworks, parcel) for parcel in (first, corrected, first, corrected)]

        assert [[_success(order)]] * 4 == answers
        assert {shop.skus[0]: 3, shop.skus[1]: 0} == shop.sent(order["ReferenceNumber"])
        assert {"T2"} == _numbers(channel, order)

    def test_a_line_that_the_order_never_had_is_left_out(self, linnworks, shop, order):
        """A free item of Linnworks' order does not keep the others from being sent."""
        despatch = _despatch_of(order, {shop.skus[0]: 3})
        gift = {"SKU": "no-such-sku", "OrderLineNumber": "no-such-line", "DespatchedQuantity": "1"}
        answer = _despatch(linnworks, {**despatch, "Items": [*despatch["Items"], gift]})

        assert [_success(order)] == answer
        assert {shop.skus[0]: 3, shop.skus[1]: 0} == shop.sent(order["ReferenceNumber"])

    def test_a_cancelled_order_is_not_sent(self, linnworks, shop, order):
        """Its despatch gets an error without a retry."""
        shop.cancel(order["ReferenceNumber"])
        answer = _despatch(linnworks, _despatch_of(order, {shop.skus[0]: 1}))

        assert answer[0]["Error"]
        assert answer[0]["Retry"] is False
        assert {shop.skus[0]: 0, shop.skus[1]: 0} == shop.sent(order["ReferenceNumber"])

    def test_orders_are_answered_in_order(self, linnworks, shop):
        """A batch gets one answer for each order, in the order they came."""
        orders = [seen(linnworks, shop.place_order({shop.skus[0]: 1})) for _ in range(3)]
        batch = [orders[2], orders[0], orders[1], orders[0]]

        assert [_success(order) for order in batch] == _despatch(
            linnworks, *(_despatch_of(order, {}) for order in batch)
        )

    @pytest.mark.parametrize("part", [False, True], ids=["whole", "part"])
    def test_a_despatch_is_completed_whatever_answer_is_lost(self, linnworks, shop, exact_times, part):
        """If the answer of any call to the shop is lost, the repeated despatch does the rest and nothing twice."""
        quantities = {shop.skus[0]: 2} if part else {}
        undisturbed, disturbed = outcomes_of_lost_answers(
            linnworks, shop, lambda order: _despatch(linnworks, _despatch_of(order, quantities))[0]
        )

        assert undisturbed["error"] is None
        assert disturbed
        assert dict.fromkeys(disturbed, undisturbed) == disturbed

    @pytest.mark.parametrize("fields", [{"Orders": []}, {"Orders": None}, {}])
    def test_no_orders_succeed(self, linnworks, fields):
        """An empty batch is no error."""
        assert {"Error": None, "Orders": []} == linnworks("DespatchEndpoint", **fields)


def _despatch(linnworks: Linnworks, *orders: Any) -> Any:
    answer = linnworks("DespatchEndpoint", Orders=list(orders))
    assert answer["Error"] is None
    return answer["Orders"]


def _numbers(channel: Channel, order: Any) -> set[str]:
    """Return the tracking numbers that the order has in the shop now."""
    parcels = channel.order_state(order["ReferenceNumber"]).actions_of("despatch")
    return {number for parcel in parcels for number in parcel.tracking_numbers} - {
        number for parcel in parcels for number in parcel.replaces
    }


def _despatch_of(order: Any, quantities: dict[str, int], number: str = "AB123456789GB") -> dict[str, Any]:
    """Return Linnworks' despatch of quantities by SKU of an order."""
    return {
        "ReferenceNumber": order["ReferenceNumber"],
        "ShippingVendor": "Royal Mail",
        "ShippingMethod": "Tracked 48",
        "TrackingNumber": number,
        "SecondaryTrackingNumbers": None,
        "ProcessedOn": "2025-07-05 03:48:51Z",
        "Items": [
            {"SKU": sku, "OrderLineNumber": line_number(order, sku), "DespatchedQuantity": str(quantity)}
            for sku, quantity in quantities.items()
        ],
    }


def _success(order: Any) -> dict[str, Any]:
    return {"ReferenceNumber": order["ReferenceNumber"], "Error": None, "Retry": False}
