from __future__ import annotations

from typing import Any

import pytest

from tests.channels.contract.shop import Suite, line_number, seen
from tests.linnworks import Linnworks


class DespatchContract(Suite):
    """Despatches reach the shop once, and every order sent is answered for itself."""

    def test_a_whole_order_is_sent_line_by_line(self, linnworks, shop, order):
        """Naming all of every line sends the whole order."""
        answer = _despatch(linnworks, _parcel(order, {shop.skus[0]: 3, shop.skus[1]: 1}))

        assert [_well(order)] == answer
        assert {shop.skus[0]: 3, shop.skus[1]: 1} == shop.sent(order["ReferenceNumber"])

    @pytest.mark.parametrize("items", [None, []])
    def test_an_order_without_items_is_sent_whole(self, linnworks, shop, order, items):
        """A despatch that names no items means everything."""
        answer = _despatch(linnworks, {**_parcel(order, {}), "Items": items})

        assert [_well(order)] == answer
        assert {shop.skus[0]: 3, shop.skus[1]: 1} == shop.sent(order["ReferenceNumber"])

    def test_a_part_is_sent_and_the_rest_later(self, linnworks, shop, order):
        """An order may be sent in parts, over several calls."""
        first = _despatch(linnworks, _parcel(order, {shop.skus[0]: 2}))
        sent = shop.sent(order["ReferenceNumber"])
        second = _despatch(linnworks, _parcel(order, {shop.skus[0]: 1, shop.skus[1]: 1}))

        assert [_well(order)] == first
        assert {shop.skus[0]: 2, shop.skus[1]: 0} == sent
        assert [_well(order)] == second
        assert {shop.skus[0]: 3, shop.skus[1]: 1} == shop.sent(order["ReferenceNumber"])

    def test_what_is_left_goes_without_items(self, linnworks, shop, order):
        """After a part, a despatch without items sends what is left."""
        _despatch(linnworks, _parcel(order, {shop.skus[0]: 2}))
        answer = _despatch(linnworks, _parcel(order, {}))

        assert [_well(order)] == answer
        assert {shop.skus[0]: 3, shop.skus[1]: 1} == shop.sent(order["ReferenceNumber"])

    def test_a_repeated_despatch_succeeds_and_changes_nothing(self, linnworks, shop, order):
        """Linnworks may send a despatch again whose answer was lost."""
        parcel = _parcel(order, {shop.skus[0]: 1})
        answers = [_despatch(linnworks, parcel) for _ in range(3)]

        assert [[_well(order)]] * 3 == answers
        assert {shop.skus[0]: 1, shop.skus[1]: 0} == shop.sent(order["ReferenceNumber"])

    def test_packages_of_one_line_add_up(self, linnworks, shop, order):
        """The same line twice in a despatch means both quantities."""
        parcel = _parcel(order, {shop.skus[0]: 1})
        answer = _despatch(linnworks, {**parcel, "Items": [*parcel["Items"], *parcel["Items"]]})

        assert [_well(order)] == answer
        assert {shop.skus[0]: 2, shop.skus[1]: 0} == shop.sent(order["ReferenceNumber"])

    def test_items_may_come_in_packages_only(self, linnworks, shop, order):
        """Where only the packages name items, these are what was sent."""
        packages = [
            {"TrackingNumber": "P1", "Items": _parcel(order, {shop.skus[0]: 1})["Items"]},
            {"TrackingNumber": "P2", "Items": _parcel(order, {shop.skus[0]: 1, shop.skus[1]: 1})["Items"]},
        ]
        answer = _despatch(linnworks, {**_parcel(order, {}), "Packages": packages})

        assert [_well(order)] == answer
        assert {shop.skus[0]: 2, shop.skus[1]: 1} == shop.sent(order["ReferenceNumber"])

    def test_items_and_packages_are_not_counted_twice(self, linnworks, shop, order):
        """Packages that repeat the items of the order say how these were packed, not more items."""
        parcel = _parcel(order, {shop.skus[0]: 1})
        answer = _despatch(linnworks, {**parcel, "Packages": [{"Items": parcel["Items"]}]})

        assert [_well(order)] == answer
        assert {shop.skus[0]: 1, shop.skus[1]: 0} == shop.sent(order["ReferenceNumber"])

    def test_none_of_a_line_is_not_all_of_it(self, linnworks, shop, order):
        """A line that comes with a quantity of zero is not sent."""
        _despatch(linnworks, _parcel(order, {shop.skus[0]: 0, shop.skus[1]: 1}))

        assert shop.sent(order["ReferenceNumber"])[shop.skus[0]] == 0

    def test_one_order_may_come_twice_in_a_batch(self, linnworks, shop, order):
        """Parts of a split order come together, each answered for itself."""
        answer = _despatch(
            linnworks, _parcel(order, {shop.skus[0]: 2}), _parcel(order, {shop.skus[0]: 1, shop.skus[1]: 1})
        )

        assert [_well(order), _well(order)] == answer
        assert {shop.skus[0]: 3, shop.skus[1]: 1} == shop.sent(order["ReferenceNumber"])

    @pytest.mark.parametrize("fault", ["unknown order", "unknown line", "too many"])
    def test_one_bad_order_leaves_the_others_alone(self, linnworks, shop, order, fault):
        """What can never be despatched gets its error without a retry, and the orders around it are sent."""
        other, third = (seen(linnworks, shop.place_order({shop.skus[0]: 1})) for _ in range(2))
        bad = _parcel(order, {shop.skus[0]: 4 if fault == "too many" else 1})
        if fault == "unknown order":
            bad["ReferenceNumber"] = "no-such-order"
        if fault == "unknown line":
            bad["Items"][0] |= {"OrderLineNumber": "no-such-line", "SKU": "no-such-sku"}
        first, second, last = _despatch(linnworks, _parcel(other, {}), bad, _parcel(third, {}))

        assert _well(other) == first
        assert bad["ReferenceNumber"] == second["ReferenceNumber"]
        assert second["Error"]
        assert second["Retry"] is False
        assert _well(third) == last
        assert {shop.skus[0]: 0, shop.skus[1]: 0} == shop.sent(order["ReferenceNumber"])
        assert {shop.skus[0]: 1} == shop.sent(other["ReferenceNumber"])
        assert {shop.skus[0]: 1} == shop.sent(third["ReferenceNumber"])

    def test_a_bad_line_holds_back_its_order(self, linnworks, shop, order):
        """A despatch with one impossible line sends none of its lines, so that its error is the whole truth."""
        answer = _despatch(linnworks, _parcel(order, {shop.skus[1]: 1, shop.skus[0]: 4}))

        assert answer[0]["Error"]
        assert {shop.skus[0]: 0, shop.skus[1]: 0} == shop.sent(order["ReferenceNumber"])

    def test_more_than_is_left_is_refused(self, linnworks, shop, order):
        """Parts never add up to more than was ordered."""
        _despatch(linnworks, _parcel(order, {shop.skus[0]: 2}))
        answer = _despatch(linnworks, {**_parcel(order, {shop.skus[0]: 2}), "TrackingNumber": "T2"})

        assert answer[0]["Error"]
        assert answer[0]["Retry"] is False
        assert {shop.skus[0]: 2, shop.skus[1]: 0} == shop.sent(order["ReferenceNumber"])

    def test_every_order_is_answered_in_its_place(self, linnworks, shop):
        """A batch gets one answer an order, in the order they came."""
        orders = [seen(linnworks, shop.place_order({shop.skus[0]: 1})) for _ in range(3)]
        batch = [orders[2], orders[0], orders[1], orders[0]]

        assert [_well(order) for order in batch] == _despatch(linnworks, *(_parcel(order, {}) for order in batch))

    @pytest.mark.parametrize("fields", [{"Orders": []}, {"Orders": None}, {}])
    def test_no_orders_succeed(self, linnworks, fields):
        """A batch of nothing is no error."""
        assert {"Error": None, "Orders": []} == linnworks("DespatchEndpoint", **fields)


def _despatch(linnworks: Linnworks, *orders: Any) -> Any:
    answer = linnworks("DespatchEndpoint", Orders=list(orders))
    assert answer["Error"] is None
    return answer["Orders"]


def _parcel(order: Any, quantities: dict[str, int]) -> dict[str, Any]:
    """What Linnworks sends when quantities by SKU of an order are sent."""
    return {
        "ReferenceNumber": order["ReferenceNumber"],
        "ShippingVendor": "Royal Mail",
        "ShippingMethod": "Tracked 48",
        "TrackingNumber": "AB123456789GB",
        "SecondaryTrackingNumbers": None,
        "ProcessedOn": "2025-07-05 03:48:51Z",
        "Items": [
            {"SKU": sku, "OrderLineNumber": line_number(order, sku), "DespatchedQuantity": str(quantity)}
            for sku, quantity in quantities.items()
        ],
    }


def _well(order: Any) -> dict[str, Any]:
    return {"ReferenceNumber": order["ReferenceNumber"], "Error": None, "Retry": False}
