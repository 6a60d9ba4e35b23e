"""What plugins leave in orders: odd metadata, lists with gaps, deposits, gift cards, amounts below zero."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

import pytest

from bridge.channels.helpers.totals import order_total
from bridge.channels.woocommerce.lookups import MoneySettings
from bridge.channels.woocommerce.order_rows import straighten_order
from bridge.channels.woocommerce.values import custom_fields, utc_time
from bridge.protocol.schemas.orders import Order, PaymentStatus
from bridge.sync import order_checks
from tests.channels.contract.shop import seen
from tests.channels.woocommerce.fake.shop import WooShop
from tests.channels.woocommerce.test_actions import despatch, despatch_of, refund
from tests.channels.woocommerce.test_orders import mapped, recorded

GIFT = {"key": "gift_message", "value": "Hello"}


# -- metadata --------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        ([{}, GIFT], [("gift_message", "Hello")]),
        ([GIFT, {"id": "7", "key": "a", "value": 1}, {"id": 3, "key": "b", "value": 2}], ["gift_message", "b", "a"]),
        ([None, [], "x", {"id": 1}, {"id": 2, "key": "a"}, {"value": "a"}, {"key": ["a"], "value": 1}], []),
        (
            [{"key": None, "value": 1}, {"key": "", "value": 1}, {"key": True, "value": 1}, {"key": 5, "value": 1}],
            ["5"],
        ),
        ({"1": GIFT, "3": {}}, [("gift_message", "Hello")]),
        (GIFT, [("gift_message", "Hello")]),
        ({"gift_message": "Hello"}, [("gift_message", "Hello")]),
        ({}, []),
        ("", []),
        (None, []),
    ],
)
def test_custom_fields_are_read_however_they_are_stored(value, expected):
    """
    Entries that say nothing are passed over, and those without id come first.
    """
    found = custom_fields({"meta_data": value})

    assert [one if isinstance(one, str) else one[0] for one in expected] == [field["key"] for field in found]
    assert all(field["value"] == "Hello" for field in found if field["key"] == "gift_message")


def with_gaps(value: Any) -> Any:
    """Return data with each list as PHP writes one with a gap, and an empty entry in each list of custom fields."""
    if isinstance(value, dict):
        return {key: with_gaps([{}, *inner] if key == "meta_data" else inner) for key, inner in value.items()}
    if isinstance(value, list):
        return {str(place + 1): with_gaps(inner) for place, inner in enumerate(value)}
    return value


def with_texts(value: Any, name: str = "") -> Any:
    """Return data with numbers as texts, as plugins that change them send them, and an empty entry in each list."""
    if isinstance(value, dict):
        return {key: with_texts(inner, key) for key, inner in value.items()}
    if isinstance(value, list):
        return [*([] if name in ("line_items", "refunds") else [{}, None]), *map(with_texts, value)]
    return str(value) if type(value) is int else value


def with_numbers(value: Any) -> Any:
    """Return data with texts of digits as numbers, as PHP's check for numbers makes them."""
    if isinstance(value, dict):
        return {key: with_numbers(inner) for key, inner in value.items()}
    if isinstance(value, list):
        return [with_numbers(inner) for inner in value]
    is_number = isinstance(value, str) and value.replace(".", "", 1).isdecimal()
    return (float if "." in value else int)(value) if is_number else value


@pytest.mark.service
@pytest.mark.parametrize("edit", [with_gaps, with_texts, with_numbers])
@pytest.mark.parametrize("options", [{}, {"version": "7.9.0", "hpos": False}], ids=["11.0", "7.9"])
def test_an_order_that_plugins_have_changed_is_read_despatched_and_refunded(connected, options, edit):
    """
    Of orders, lines and refunds.
    """
    with WooShop(**options) as shop:
        shop.add_product("MUG", stock=50, price="7.99")
        number = shop.place_order({"MUG": 3}, fees={"Wrapping": "1.00"}, meta={"gift_message": "Hello"})
        shop.refund(number, quantities={"MUG": 1})
        shop.edit_row = edit
        linnworks = connected(shop)
        order = seen(linnworks, number)
        sent = despatch(linnworks, despatch_of(order, {"MUG": 1}))
        error = refund(linnworks, order, {"MUG": "5.00"})["Error"]
        refunded = shop.refunded(number)

    assert [2, 1] == [item["Qty"] for item in order["OrderItems"]]
    assert "Hello" in [note["Note"] for note in order["Notes"]]
    assert ([None], None, Decimal("14.59")) == (sent, error, refunded)


def test_an_order_without_currency_has_the_shops():
    """
    HPOS may have none; and a foreign currency stays.
    """
    row = recorded("order-plain")
    shop = MoneySettings(2, "EUR")

    assert "EUR" == mapped(straighten_order({**row, "currency": None}, shop)).currency
    assert "JPY" == mapped(straighten_order({**row, "currency": "JPY"}, shop)).currency


def test_an_amount_finer_than_the_shops_decimals_is_kept():
    """
    Such as a dinar in a shop with two decimals, or an order from before the decimals were changed.
    """
    row = {**recorded("order-plain"), "total": "1.234000"}

    assert "1.234" == straighten_order(row, MoneySettings(2))["total"]
    assert "1.2340" == straighten_order(row, MoneySettings(4))["total"]


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("55840-11-08T22:13:20", "2023-11-14T22:13:20+00:00"),
        ("2023-11-14T22:13:20", "2023-11-14T22:13:20+00:00"),
        ("-0001-11-30T00:00:00", None),
        ("", None),
        (None, None),
    ],
)
def test_dates_of_importers_are_understood(text, expected):
    """
    Milliseconds where seconds belong make the year 55840; PHP's zero date means none.
    """
    found = utc_time(text)

    assert expected == (found.isoformat() if found else None)


def test_a_zero_payment_date_is_no_payment():
    """
    A plugin's status goes by the payment date, and the order comes without one.
    """
    row = {**recorded("order-plain"), "status": "by-a-plugin", "date_paid_gmt": "-0001-11-30T00:00:00"}

    assert PaymentStatus.UNPAID == mapped(row).payment_status


# -- differences that are more than rounding ---------------------------------------------------------------


def lacking(amount: str) -> dict[str, Any]:
    row = recorded("order-plain")
    return {**row, "total": str(Decimal(row["total"]) - Decimal(amount))}


def told(order: Order) -> list[str]:
    notes = [note.note for note in order.notes if note.is_internal and "more than rounding" in note.note]
    return notes + [one.value for one in order.extended_properties if one.name == "Difference to the total"]


@pytest.mark.parametrize(("amount", "words"), [("5.00", "5.00 GBP less"), ("-2.00", "2.00 GBP more")])
def test_a_difference_that_is_more_than_rounding_is_told(amount, words):
    """
    By a note and an extended property; the order still adds up, and is held only if the seller chose so.
    """
    row = lacking(amount)
    note, value = told(mapped(row))

    assert words in note
    assert -Decimal(amount) == Decimal(value)
    assert Decimal(row["total"]) == order_total(mapped(row))
    assert [] == order_checks.problems(mapped(row))
    assert [note] == order_checks.problems(mapped(row, total_differences="HOLD"))
    assert "" == mapped({**row, "status": "cancelled"}, total_differences="HOLD").fault


@pytest.mark.parametrize("amount", ["0.00", "0.02", "-0.03"])
def test_rounding_is_not_told(amount):
    """
    A few minor units for each line are rounding, and hold no order.
    """
    order = mapped(lacking(amount), total_differences="HOLD")

    assert ([], "") == (told(order), order.fault)


def test_a_deposit_and_its_later_payment_are_told():
    """
    What a deposit plugin leaves in a line becomes a note.
    """
    row = recorded("order-plain")
    row["line_items"][0]["meta_data"] = [
        {"key": "_is_deposit", "value": "yes"},
        {"key": "_deposit_full_amount", "value": "100"},
        {"key": "_original_order_id", "value": 77},
    ]
    notes = " ".join(note.note for note in mapped(row).notes)

    assert "its full price is 100" in notes
    assert "a later payment of order 77" in notes


# -- amounts below zero ------------------------------------------------------------------------------------


def test_negative_lines_and_shipping_are_discounts():
    """
    Linnworks holds no price and no postage below zero.
    """
    row = recorded("order-plain")
    line = {**row["line_items"][0], "id": 99, "name": "Trade-in", "taxes": []}
    row["line_items"].append({**line, "subtotal": "-3.00", "subtotal_tax": "0", "total": "-3.00", "total_tax": "0"})
    before = Decimal(row["total"]) - Decimal(row["shipping_total"]) - Decimal(row["shipping_tax"])
    row |= {"shipping_total": "-1.00", "shipping_tax": "-0.20", "total": str(before - Decimal("4.20"))}
    order = mapped(row)

    assert (0, 0, Decimal("4.20")) == (order.order_items[-1].price_per_unit, order.postal_service_cost, order.discount)
    assert Decimal(row["total"]) == order_total(order)
    assert ([], []) == (order_checks.problems(order), told(order))
    assert {"Discount: Trade-in -3.00", "Discount: shipping -1.20"} <= {note.note for note in order.notes}


def test_a_total_below_zero_comes_as_nothing():
    """
    With a note of the difference.
    """
    order = mapped({**recorded("order-plain"), "total": "-5.00"})

    assert 0 == order_total(order)
    assert [] == order_checks.problems(order)
    assert 2 == len(told(order))


@pytest.mark.service
def test_all_lines_of_an_order_with_a_discount_are_refunded_for_what_was_paid(linnworks, woo):
    """
    Linnworks has the discount apart from the lines; a part of them that is more than was paid is refused.
    """
    number = woo.place_order({"MUG": 1, "BOOK": 1}, fees={"Points": "-6.00"}, shipping=None)
    order = seen(linnworks, number)
    prices = {item["SKU"]: Decimal(str(item["PricePerUnit"])) for item in order["OrderItems"]}
    some = refund(linnworks, order, {"MUG": str(prices["MUG"])})["Error"]
    all_lines = refund(linnworks, order, {sku: str(price) for sku, price in prices.items()})["Error"]

    assert "is left to refund" in some
    assert (None, Decimal(woo.order(number)["total"])) == (all_lines, woo.refunded(number))
