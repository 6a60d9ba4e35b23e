from __future__ import annotations

import re
import time
from decimal import Decimal
from typing import Any

import pytest

from tests.channels.contract.shop import Suite, hours_ago, seen, tags
from tests.linnworks import LONG_AGO, Linnworks

MAX_WAIT_SECONDS = 10
DATE = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ")


class OrdersContract(Suite):
    """Linnworks gets every order once, in a form that it accepts."""

    # -- content ---------------------------------------------------------------------------------------

    def test_every_order_comes_exactly_once(self, linnworks, shop):
        """All pages together have every order of the shop, none of them twice."""
        references = [order["ReferenceNumber"] for order in _run(linnworks)]

        assert sorted(shop.references()) == sorted(references)

    def test_an_order_says_what_was_bought(self, linnworks, shop):
        """Each product is a line with its quantity, and the order is PAID."""
        order = seen(linnworks, shop.place_order({shop.skus[0]: 3, shop.skus[1]: 1}))
        bought = {item["SKU"]: item["Qty"] for item in order["OrderItems"]}

        assert {shop.skus[0]: 3, shop.skus[1]: 1} == bought
        assert order["PaymentStatus"] == "PAID"
        assert order["PaidOn"]

    def test_an_unpaid_order_comes_as_unpaid(self, linnworks, shop):
        """An order that is not paid yet comes as UNPAID."""
        order = seen(linnworks, shop.place_order({shop.skus[0]: 1}, paid=False))

        assert order["PaymentStatus"] == "UNPAID"
        assert order["PaidOn"] is None

    @pytest.mark.parametrize("change", ["pay", "cancel", "refund", "touch"])
    def test_an_order_comes_again_when_it_has_changed(self, linnworks, shop, exact_times, change):
        """An order asked for since the moment before a change comes again as it is after the change."""
        reference = shop.place_order({shop.skus[0]: 1}, paid=change != "pay")
        before = seen(linnworks, reference)
        moment = _unchanged_since(linnworks, reference)
        if change == "refund":
            shop.refund(reference, Decimal("0.50"))
        else:
            getattr(shop, change)(reference)
        after = linnworks.orders(since=moment).get(reference)

        assert after
        assert after != before
        assert {"pay": "PAID", "cancel": "CANCELLED"}.get(change, before["PaymentStatus"]) == after["PaymentStatus"]

    def test_back_dating_brings_old_orders(self, linnworks, shop):
        """An earlier UTCTimeFrom brings the orders since then."""
        reference = shop.place_order({shop.skus[0]: 1}, days_ago=3)

        assert reference in linnworks.orders(since=hours_ago(24 * 4))

    def test_every_order_names_listed_tags(self, linnworks, shop):
        """The shipping and payment methods of every order are among the tags, before it is paid too."""
        shop.place_order({shop.skus[0]: 1}, paid=False)
        shipping, payment = tags(linnworks)
        orders = _run(linnworks)

        assert {(order["MatchPostalServiceTag"], order["Site"]) for order in orders} <= _names(shipping)
        assert {(order["MatchPaymentMethodTag"], order["Site"]) for order in orders} <= _names(payment)

    # -- form ----------------------------------------------------------------------------------------

    def test_lines_are_valid_for_linnworks(self, linnworks):
        """Every order has lines, and every line has a SKU, a unique number and a quantity above zero."""
        for order in _run(linnworks):
            numbers = [item["OrderLineNumber"] for item in order["OrderItems"]]

            assert numbers
            assert sorted(set(numbers)) == sorted(numbers)
            assert all(number.strip() for number in numbers)
            assert all(item["SKU"].strip() for item in order["OrderItems"])
            assert all(type(item["Qty"]) is int and item["Qty"] > 0 for item in order["OrderItems"])
            assert all(item["CancelStatus"] in ("NONE", "CANCELLED") for item in order["OrderItems"])

    def test_names_that_are_keys_are_unique(self, linnworks):
        """Options of a line, properties of an order and titles of its service lines have unique names."""
        for order in _run(linnworks):
            services = [item["ItemTitle"] for item in order["OrderItems"] if item["IsService"]]
            properties = [named["Name"] for named in order["ExtendedProperties"]]
            options = [[option["Name"] for option in item["Options"]] for item in order["OrderItems"]]

            for names in (services, properties, *options):
                assert sorted(set(names)) == sorted(names)
                assert all(names)

    def test_dates_are_in_utc_and_whole_seconds(self, linnworks):
        """Every date has the format of Linnworks' samples."""
        for order in _run(linnworks):
            dates = [order["ReceivedDate"], order["DispatchBy"], *(note["NoteEntryDate"] for note in order["Notes"])]
            dates += [order["PaidOn"]] if order["PaymentStatus"] == "PAID" else []

            assert all(DATE.fullmatch(date) for date in dates)

    def test_orders_have_complete_addresses(self, linnworks):
        """Both addresses have a name or company, and a country code."""
        for order in _run(linnworks):
            for address in (order["BillingAddress"], order["DeliveryAddress"]):
                assert address["FullName"] or address["Company"]
                assert re.fullmatch("[A-Z]{2}", address["CountryCode"])

    def test_amounts_are_numbers_in_a_currency(self, linnworks):
        """Amounts are numbers of at least zero, and the order names its currency."""
        for order in _run(linnworks):
            amounts = [order["PostalServiceCost"], order["PostalServiceTaxRate"], order["Discount"]]
            for item in order["OrderItems"]:
                amounts += [item["PricePerUnit"], item["TaxRate"], item["LinePercentDiscount"]]

            assert re.fullmatch("[A-Z]{3}", order["Currency"])
            assert all(type(amount) in (int, float) and amount >= 0 for amount in amounts)
            assert order["PaymentStatus"] in ("PAID", "UNPAID", "CANCELLED")
            assert order["DiscountType"] in ("AllEvenly", "ItemsThenPostage", "PostageThenItems")

    # -- paging ---------------------------------------------------------------------------------------

    def test_no_order_is_missed_while_orders_change(self, linnworks, shop):
        """Orders that change or arrive between two pages shift no other order out of its page."""
        there = shop.references()
        first = _page(linnworks, 1)
        shop.touch(_references(first)[0])
        shop.touch(_references(first)[-1])
        second = _page(linnworks, 2)
        shop.touch(_references(first)[1])
        shop.touch(_references(second)[-1])
        placed = [shop.place_order({shop.skus[0]: 1}) for _ in range(3)]
        came = {*_references(first), *_references(second), *_rest(linnworks, 3)}
        came_next = set(linnworks.orders(since=hours_ago(0)))

        assert first["HasMorePages"]
        assert second["HasMorePages"]
        assert there <= came
        assert set(placed) <= came | came_next

    def test_no_order_is_missed_while_orders_are_deleted(self, linnworks, shop):
        """Orders deleted between two pages shift no other order out of its page."""
        if not shop.can_delete_orders:
            pytest.skip("the shop keeps its orders")
        first = _page(linnworks, 1)
        for reference in _references(first)[:2]:
            shop.delete_order(reference)
        second = _page(linnworks, 2)
        shop.delete_order(_references(second)[0])

        assert second["HasMorePages"]
        assert shop.references() <= {*_references(first), *_references(second), *_rest(linnworks, 3)}

    def test_an_order_that_changed_during_a_run_comes_again(self, linnworks, shop):
        """An order changed after its page was read comes in the next run, even if Linnworks asks from a later time."""
        changed = _references(_page(linnworks, 1))[0]
        shop.touch(changed)
        _rest(linnworks, 2)

        assert changed in linnworks.orders(since=hours_ago(-1))

    def test_a_page_of_orders_asked_twice_is_the_same(self, linnworks):
        """A lost answer can be requested again, for the first page, a later one and the last."""
        pages = [_page(linnworks, 1)]
        while pages[-1]["HasMorePages"]:
            pages.append(_page(linnworks, len(pages) + 1))

            assert pages[-1] == _page(linnworks, len(pages))
        assert pages[0] == _page(linnworks, 1)

    def test_repeating_an_earlier_page_loses_nothing(self, linnworks, shop):
        """Going back to an earlier page and continuing from there brings every order."""
        first, second, _ = _page(linnworks, 1), _page(linnworks, 2), _page(linnworks, 3)
        again = _page(linnworks, 2)

        assert second == again
        assert shop.references() == {*_references(first), *_references(again), *_rest(linnworks, 3)}

    def test_pages_after_the_last_order_are_empty(self, linnworks):
        """The pages after the last one are empty, without an error."""
        last = _last_page(linnworks)

        assert {"Error": None, "HasMorePages": False, "Orders": []} == _page(linnworks, last + 1)
        assert {"Error": None, "HasMorePages": False, "Orders": []} == _page(linnworks, last + 5)

    def test_no_orders_are_no_error(self, linnworks, exact_times):
        """If nothing changed since the last run, there is one empty page."""
        for _ in range(20 * MAX_WAIT_SECONDS):
            _run(linnworks)
            answer = _page(linnworks, 1, since=hours_ago(-1))
            if answer["Orders"] == []:
                break
            time.sleep(0.05)  # the last changes and the run are in one second of the shop's clock

        assert {"Error": None, "HasMorePages": False, "Orders": []} == answer

    @pytest.mark.parametrize(
        ("number", "words"), [(0, "Invalid page number"), (-1, "Invalid page number"), (5, "start at page 1")]
    )
    def test_an_impossible_page_of_orders_is_an_error(self, linnworks, number, words):
        """Pages below 1, and later pages without a first one, get an error, never an empty success."""
        answer = _page(linnworks, number)

        assert words in answer["Error"]
        assert [] == answer["Orders"]
        assert answer["HasMorePages"] is False

    def test_a_page_skipped_is_an_error(self, linnworks):
        """Page 3 cannot be requested before page 2."""
        _page(linnworks, 1)
        answer = _page(linnworks, 3)

        assert answer["Error"]
        assert [] == answer["Orders"]

    def test_a_page_with_another_start_time_is_an_error(self, linnworks):
        """A later page must have the UTCTimeFrom of its first page."""
        _page(linnworks, 1)

        assert _page(linnworks, 2, since=hours_ago(1))["Error"]

    def test_a_wrong_page_does_not_affect_a_run(self, linnworks, shop):
        """A run continues as before after requests for impossible pages."""
        first = _page(linnworks, 1)
        _page(linnworks, 7)
        _page(linnworks, 0)
        _page(linnworks, 2, since=hours_ago(1))

        assert shop.references() == {*_references(first), *_rest(linnworks, 2)}


def _unchanged_since(linnworks: Linnworks, reference: str) -> str:
    """Return a moment since which the shop's clock, in whole seconds, has seen no change of this order."""
    for _ in range(20 * MAX_WAIT_SECONDS):
        moment = hours_ago(0)
        if reference not in linnworks.orders(since=moment):
            return moment
        time.sleep(0.05)  # the running shop's clock must reach the next second
    raise AssertionError(f"Order {reference} comes although it does not change")


def _names(tags: Any) -> set[tuple[str, str]]:
    return {(tag["Tag"], tag["Site"]) for tag in tags}


def _page(linnworks: Linnworks, number: int, since: str = LONG_AGO) -> Any:
    return linnworks("OrdersEndpoint", UTCTimeFrom=since, PageNumber=number)


def _run(linnworks: Linnworks) -> list[Any]:
    return linnworks.pages("OrdersEndpoint", "Orders", UTCTimeFrom=LONG_AGO)


def _references(page: Any) -> list[str]:
    return [order["ReferenceNumber"] for order in page["Orders"]]


def _rest(linnworks: Linnworks, number: int) -> list[str]:
    """Return the references on this page and the pages after it."""
    page = _page(linnworks, number)
    assert page["Error"] is None
    return _references(page) + (_rest(linnworks, number + 1) if page["HasMorePages"] else [])


def _last_page(linnworks: Linnworks) -> int:
    number = 1
    while _page(linnworks, number)["HasMorePages"]:
        number += 1
    return number
