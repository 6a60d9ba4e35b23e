"""What Linnworks is told of an order: rows as a running Medusa 2.21 sent them, some of them changed."""

from __future__ import annotations

import json
from copy import deepcopy
from dataclasses import replace
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

from bridge.channels.helpers.rows import map_orders
from bridge.channels.helpers.totals import order_total
from bridge.channels.medusa import orders, wizard
from bridge.protocol.schemas.orders import CancelStatus, Order, PaymentStatus

ROWS = json.loads((Path(__file__).parent / "order_rows.json").read_text(), parse_float=Decimal)
PREFERENCES = wizard.preferences({})
UNITS = {"jpy": Decimal(1), "kwd": Decimal("0.001"), "gbp": Decimal("0.01")}


def recorded(name: str, **changes: Any) -> dict[str, Any]:
    return {**deepcopy(ROWS[name]), **changes}


def told(row: dict[str, Any], *paid: str, options: tuple[str, ...] = ()) -> Order:
    preferences = replace(PREFERENCES, paid_statuses=frozenset(paid)) if paid else PREFERENCES
    return orders.order(row, preferences, UNITS[row["currency_code"]], options, {"GB": "United Kingdom"})


def facts(order: Order) -> dict[str, str]:
    return {one.name: one.value for one in order.extended_properties}


@pytest.mark.parametrize(
    ("name", "total"),
    [("yen", "3852"), ("dinar", "27.375"), ("discounted", "34.91"), ("exchanged", "35.39"), ("refunded", "17.40")],
)
def test_an_order_adds_up_to_what_was_paid(name, total):
    """Lines, shipping and discount come to the total, in the smallest unit of the currency."""
    order = told(recorded(name))

    assert Decimal(total) == order.shop_total == order_total(order)


def test_discounts_of_lines_and_shipping_are_told():
    """The line has its price and a percentage; the shipping costs what is left of it."""
    order = told(recorded("discounted"))
    (line,) = order.order_items

    assert Decimal("35.96") == (line.price_per_unit * line.qty).quantize(Decimal("0.01"))
    assert Decimal("12.99") == line.line_percent_discount.quantize(Decimal("0.01"))
    assert Decimal("3.62") == order.postal_service_cost
    assert (Decimal(20), Decimal(20)) == (line.tax_rate, order.postal_service_tax_rate)
    assert "M1TEN, M1SHIP" == facts(order)["Promotions"]


def test_a_gift_card_lowers_the_total():
    """A credit line that is no refund is a discount, and told as a property."""
    row = recorded("metadata", credit_lines=[{"reference": "gift_card", "amount": Decimal("4.004")}])
    order = told({**row, "total": row["total"] - Decimal("4.004")})

    assert (Decimal("7.40"), Decimal("4.00")) == (order.shop_total, order.discount)
    assert order_total(order) == order.shop_total
    assert "4.00" == facts(order)["Credit"]


def test_an_order_paid_by_credit_alone_is_paid():
    """Nothing is left to pay."""
    row = recorded("metadata", credit_lines=[{"reference": "gift_card", "amount": Decimal("11.4")}])
    order = told({**row, "total": 0, "payment_collections": [], "payment_status": "not_paid"})

    assert PaymentStatus.PAID is order.payment_status
    assert "no_payment" == order.match_payment_method_tag


def test_pieces_that_came_back_and_an_exchange_are_told_as_they_are():
    """A line that came back is cancelled, the new one is a line, and a property says what is on its way."""
    order = told(recorded("exchanged"))

    assert {CancelStatus.CANCELLED: 1, CancelStatus.NONE: 2} == {
        status: sum(item.cancel_status is status for item in order.order_items) for status in CancelStatus
    }
    assert "2 x M1-JK returned, 1 x M1-A on its way back" == facts(order)["Returns"]
    assert "Return 4" == facts(order)["Exchanges"]
    assert "12.00" == facts(order)["Refunded"]


def test_pieces_left_of_a_line_are_its_quantity():
    """One of three pieces came back: two are left, at the same price."""
    row = recorded("discounted")
    (line,) = row["items"]
    line["detail"]["return_received_quantity"] = 1
    for name in ("total", "original_total"):
        line[name] = line[name] * 2 / 3
    item = told(row).order_items[0]

    assert (2, CancelStatus.NONE) == (item.qty, item.cancel_status)
    assert Decimal("11.99") == item.price_per_unit.quantize(Decimal("0.01"))


def test_a_refund_of_money_leaves_what_was_bought():
    """Medusa's total is 0 afterwards; the order stays paid, with the refund as property and internal note."""
    order = told(recorded("refunded"))

    assert (PaymentStatus.PAID, Decimal("17.40")) == (order.payment_status, order.shop_total)
    assert "17.40" == facts(order)["Refunded"]
    assert [("Refunded 17.40 GBP", True)] == [(note.note, note.is_internal) for note in order.notes]


def test_a_cancelled_order_is_cancelled_whatever_its_payment():
    """Its payment was captured, and refunded by the cancel."""
    assert PaymentStatus.CANCELLED is told(recorded("cancelled"), "refunded").payment_status


@pytest.mark.parametrize("status", [*wizard.PAYMENT_STATUSES, "of_a_plugin", None])
def test_the_seller_says_which_payments_count(status):
    """Only the chosen statuses are paid, which then have a date of payment."""
    row = recorded("metadata", payment_status=status)
    is_authorised = status == "authorized"
    order = told(row, "authorized")

    assert (PaymentStatus.PAID if is_authorised else PaymentStatus.UNPAID) is order.payment_status
    assert is_authorised is (order.paid_on is not None)


def test_metadata_comes_as_properties():
    """Nested values come as JSON, and no fact is hidden by a name of the metadata."""
    row = recorded("metadata")
    row["metadata"] |= {"Order number": "a forged one", "empty": None, "long": "x" * 5000}
    found = facts(told(row))

    assert ('{"a": [1]}', "12", "True", "59") == tuple(found[name] for name in ("deep", "po", "gift", "Order number"))
    assert 1000 == len(found["long"])
    assert "empty" not in found


def test_the_number_is_the_one_that_customers_see():
    """Medusa's id is the reference; a number of the shop's own making comes before the counted one."""
    assert "59" == told(recorded("metadata")).secondary_reference_number
    assert "W-7" == told(recorded("metadata", custom_display_id="W-7")).secondary_reference_number
    assert ROWS["metadata"]["id"] == told(recorded("metadata")).reference_number


def test_addresses_have_everything():
    """Company, second line, region, country's name, phone and e-mail."""
    address = told(recorded("metadata")).delivery_address

    assert ("Mona Sample", "Ltd", "Flat 2", "LDN", "GB", "United Kingdom", "+442079460000", "m1@example.test") == (
        *(address.full_name, address.company, address.address2, address.region),
        *(address.country_code, address.country, address.phone_number, address.email_address),
    )


@pytest.mark.parametrize("missing", ["billing_address", "shipping_address"])
def test_a_missing_address_is_as_the_other(missing):
    order = told(recorded("metadata", **{missing: None}))

    assert "Mona Sample" == order.billing_address.full_name == order.delivery_address.full_name


def test_a_shipping_option_that_was_deleted_has_a_listed_tag():
    option = ROWS["metadata"]["shipping_methods"][0]["shipping_option_id"]

    assert option == told(recorded("metadata"), options=(option,)).match_postal_service_tag
    assert "other_shipping" == told(recorded("metadata")).match_postal_service_tag
    assert "no_shipping" == told(recorded("metadata", shipping_methods=[])).match_postal_service_tag


def test_a_line_without_sku_is_named_by_its_variant_and_remarked():
    row = recorded("metadata")
    line = row["items"][0]
    line["variant_sku"] = None
    order = told(row)

    assert f"NO-SKU-{line['variant_id']}" == order.order_items[0].sku
    assert "has no SKU in Medusa" in order.notes[0].note


def test_a_line_that_was_edited_out_is_no_line():
    """Its quantity may be 0 instead of missing; shipping alone then is a service."""
    row = recorded("metadata", total=Decimal("5.4"))
    row["items"][0]["quantity"] = 0
    order = told(row)

    assert ["Shipping"] == [item.item_title for item in order.order_items]
    assert order.shop_total == order_total(order) == Decimal("5.40")


@pytest.mark.parametrize(
    "broken",
    [
        {"items": None},
        {"items": [None]},
        {"total": "much"},
        {"total": Decimal("1e400")},
        {"total": True},
        {"created_at": "yesterday"},
        {"currency_code": None},
        {"status": []},
        {"payment_status": {}},
        {"shipping_methods": [{}]},
        {"payment_collections": [{"payments": [{"refunds": [{}]}]}]},
        {"metadata": 7},
        {"billing_address": 7},
        {"credit_lines": "none"},
    ],
)
def test_a_broken_row_costs_no_other(broken):
    """It is held with its reason, or read without what cannot be read."""
    rows = [recorded("metadata"), recorded("refunded", **broken)]
    found = map_orders(rows, lambda row: orders.order(row, PREFERENCES, UNITS["gbp"]), lambda row: row["id"])

    assert [row["id"] for row in rows] == [order.reference_number for order in found]
    assert not found[0].fault
    assert all(order.fault or order_total(order) == order.shop_total for order in found)
