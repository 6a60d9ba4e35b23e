from __future__ import annotations

import copy
import json
from decimal import Decimal
from functools import cache
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bridge.channels.helpers.rows import map_orders
from bridge.channels.helpers.totals import order_total
from bridge.channels.woocommerce.order_items import fallback_sku
from bridge.channels.woocommerce.order_pages import reference
from bridge.channels.woocommerce.orders import order
from bridge.channels.woocommerce.preferences import preferences
from bridge.channels.woocommerce.refund_totals import refund_totals
from bridge.protocol.schemas.orders import CancelStatus, Order, PaymentStatus
from bridge.sync import order_checks

VERSIONS = ("11.0.1-hpos", "7.9.0-posts")


@cache
def recordings(version: str) -> dict[str, Any]:
    """Return recorded orders of real shops, and a refund, by name."""
    path = Path(__file__).with_name(f"orders-{version}.json")
    return json.loads(path.read_text(encoding="utf-8"), parse_float=Decimal)


def recorded(name: str, version: str = VERSIONS[0]) -> dict[str, Any]:
    """Return a copy of a recorded order."""
    return copy.deepcopy(recordings(version)[name])


def orders_recorded() -> list[tuple[str, str]]:
    names = [(version, name) for version in VERSIONS for name in recordings(version)]
    return [(version, name) for version, name in names if name.startswith("order-")]


def mapped(row: dict[str, Any], refunds: Any = (), **answers: str) -> Order:
    found = order(row, refunds, preferences(answers))
    assert found is not None
    return found


def refund_of(row: dict[str, Any], line: int, pieces: int, total: str, tax: str, number: int = 900) -> dict[str, Any]:
    """Add a refund of some pieces of a line to an order, and return it as the list of refunds shows it."""
    amount = Decimal(total) + Decimal(tax)
    row["refunds"].append({"id": number, "reason": "", "total": f"-{amount}"})
    return {
        "id": number,
        "amount": str(amount),
        "line_items": [
            {
                "quantity": -pieces,
                "total": f"-{total}",
                "total_tax": f"-{tax}",
                "taxes": [{"id": 1, "total": f"-{tax}"}],
                "meta_data": [{"key": "_refunded_item_id", "value": str(line)}],
            }
        ],
        "shipping_lines": [],
        "fee_lines": [],
        "meta_data": [],
    }


# -- money -----------------------------------------------------------------------------------------------


@pytest.mark.parametrize(("version", "name"), orders_recorded())
def test_recorded_orders_add_up_to_the_shops_total(version, name):
    """
    What Linnworks calculates from lines, postage and discount is WooCommerce's total.
    """
    row = recorded(name, version)
    found = order_checks.normalise(mapped(row, status_pending="PAID", status_trash="PAID"))

    assert [] == order_checks.problems(found)
    assert Decimal(row["total"]) == order_total(found)


def test_lines_keep_their_own_tax_rates():
    """
    In an order with two rates each line has its own, shipping too.
    """
    found = mapped(recorded("order-mixed-tax-percent-coupon"))

    assert [20, 5, 20] == [item.tax_rate for item in found.order_items]
    assert (Decimal("5.40"), 20) == (found.postal_service_cost, found.postal_service_tax_rate)
    assert all(item.use_channel_tax for item in found.order_items)


def test_a_coupon_is_a_discount_of_its_lines():
    """
    Prices are the shop's; the percentage leads to what was paid, to the cent.
    """
    found = mapped(recorded("order-mixed-tax-percent-coupon"))
    mug = found.order_items[0]
    paid = mug.price_per_unit * mug.qty * (1 - mug.line_percent_discount / 100)

    assert Decimal("9.59") == mug.price_per_unit
    assert Decimal("8.64") == round(paid, 6)


def test_fees_are_service_lines_with_their_own_numbers():
    """
    A fee can be refunded like a line.
    """
    row = recorded("order-fee-meta")
    fee = mapped(row).order_items[-1]

    assert (True, str(row["fee_lines"][0]["id"]), "Gift wrap") == (
        fee.is_service,
        fee.order_line_number,
        fee.item_title,
    )
    assert (Decimal("2.40"), 20) == (fee.price_per_unit, fee.tax_rate)


def test_a_negative_fee_is_a_discount_of_the_order():
    """
    Linnworks takes no negative price, so a negative fee becomes the order's discount.
    """
    row = recorded("order-plain")
    row["fee_lines"] = [{"id": 99, "name": "Loyalty", "total": "-1.00", "total_tax": "-0.20", "taxes": []}]
    row["total"] = str(Decimal(row["total"]) - Decimal("1.20"))
    found = mapped(row)

    assert Decimal("1.20") == found.discount
    assert Decimal(row["total"]) == order_total(found)


@pytest.mark.parametrize(("by", "line", "discount"), [("0.01", ["0.01"], "0"), ("-0.02", [], "0.02")])
def test_a_rounding_difference_is_made_up(by, line, discount):
    """
    If the total differs from the lines, a line adds the difference or the discount subtracts it.
    """
    row = recorded("order-mixed-tax-percent-coupon")
    row["total"] = str(Decimal(row["total"]) + Decimal(by))
    found = mapped(row)

    assert line == [str(item.price_per_unit) for item in found.order_items if item.item_title == "Rounding"]
    assert Decimal(discount) == found.discount
    assert Decimal(row["total"]) == order_total(found)


MONEY = st.integers(0, 99_999).map(lambda cents: Decimal(cents) / 100)


@given(
    lines=st.lists(st.tuples(MONEY, MONEY, MONEY, MONEY, st.integers(1, 999)), min_size=1, max_size=5),
    shipping=MONEY,
    off=st.integers(-5, 5),
)
def test_any_order_adds_up(lines, shipping, off):
    """
    For any prices and coupons the message adds up to the order's total, rounded by line or at the end.
    """
    row = recorded("order-plain")
    template = row["line_items"][0]
    row["line_items"] = [
        {**template, "id": number, "quantity": count, "taxes": []}
        | {"subtotal": str(before), "subtotal_tax": str(tax), "total": str(after), "total_tax": str(taxed)}
        for number, (before, tax, after, taxed, count) in enumerate(lines, 1)
    ]
    row |= {"shipping_total": str(shipping), "shipping_tax": "0.00"}
    total = sum((after + taxed for _, _, after, taxed, _ in lines), shipping) + Decimal(off) / 100
    total = max(total, Decimal(0))  # as WooCommerce's is
    row["total"] = f"{total:.2f}"
    found = mapped(row)
    unrounded = sum(
        (item.price_per_unit * item.qty * (1 - item.line_percent_discount / 100) for item in found.order_items),
        found.postal_service_cost - found.discount,
    )

    assert total == order_total(found)
    assert total == round(unrounded, 4)
    assert all(item.price_per_unit >= 0 for item in found.order_items)


def test_an_order_of_nothing_but_shipping_comes_as_a_service():
    """
    Linnworks takes no order without lines.
    """
    row = recorded("order-plain")
    row |= {"line_items": [], "total": "5.40"}
    found = mapped(row)

    assert [("Shipping", Decimal("5.40"), True)] == [
        (item.item_title, item.price_per_unit, item.is_service) for item in found.order_items
    ]
    assert [] == order_checks.problems(found)


def test_a_fraction_of_a_piece_counts_as_one():
    """
    Linnworks takes whole quantities only: the line keeps its price, and an option has the real quantity.
    """
    row = recorded("order-plain")
    row["line_items"][0]["quantity"] = Decimal("2.5")
    found = mapped(row)

    assert found.order_items[0].qty == 3
    assert ("Quantity", "2.5") in [(option.name, option.value) for option in found.order_items[0].options]
    assert Decimal(row["total"]) == order_total(found)


def test_three_decimals_are_no_problem():
    """
    An order in dinars, which have thousandths, is not held.
    """
    row = recorded("order-plain")
    row |= {"currency": "KWD", "shipping_total": "0.000", "shipping_tax": "0.000", "total": "1.234"}
    line = row["line_items"][0]
    line |= {"subtotal": "1.234", "subtotal_tax": "0.000", "total": "1.234", "total_tax": "0.000", "taxes": []}

    assert [] == order_checks.problems(mapped(row))


def test_a_rate_that_does_not_explain_the_tax_is_replaced():
    """
    For a tax that was changed by hand, or is compound, the rate is tax divided by net price.
    """
    row = recorded("order-plain")
    line = row["line_items"][0]
    line |= {"total": "100.00", "total_tax": "12.35", "taxes": [{"id": 1, "total": "12.35"}]}

    assert Decimal("12.35") == mapped(row).order_items[0].tax_rate


# -- refunds ---------------------------------------------------------------------------------------------


def test_refunded_pieces_are_removed():
    """
    After a refund of a piece the line has the other pieces and their price, and there is a note.
    """
    row = recorded("order-mixed-tax-percent-coupon")
    line = row["line_items"][1]
    refund = refund_of(row, line["id"], 1, "4.50", "0.23")
    found = mapped(row, [refund])

    assert [1, 1, 1] == [item.qty for item in found.order_items]
    assert Decimal("4.72") == found.order_items[1].price_per_unit
    assert Decimal(row["total"]) - Decimal("4.73") == order_total(found)
    assert "Refunded 4.73 GBP" in [note.note for note in found.notes]


def test_a_fully_refunded_line_is_cancelled():
    """
    Linnworks does not despatch a cancelled line; its price still counts towards the total.
    """
    row = recorded("order-mixed-tax-percent-coupon")
    refund = refund_of(row, row["line_items"][1]["id"], 2, "9.00", "0.45")
    found = mapped(row, [refund])

    assert [CancelStatus.NONE, CancelStatus.CANCELLED, CancelStatus.NONE] == [
        item.cancel_status for item in found.order_items
    ]
    assert Decimal(row["total"]) == order_total(found)


def test_a_refund_of_money_only_changes_no_line():
    """
    A goodwill refund is a note and a property.
    """
    row = recorded("order-plain")
    row["refunds"] = [{"id": 900, "reason": "Sorry", "total": "-1.00"}]
    refund = {"id": 900, "amount": "1.00", "line_items": [], "shipping_lines": [], "fee_lines": [], "meta_data": []}
    found = mapped(row, [refund])

    assert Decimal(row["total"]) == order_total(found)
    assert "Refunded 1.00 GBP: Sorry" in [note.note for note in found.notes]
    assert "1.00" in [named.value for named in found.extended_properties if named.name == "Refunded"]


def test_recorded_refunds_are_read():
    """
    Pieces and money of a recorded refund are added up by line.
    """
    totals = refund_totals([recorded("refund-line-created")])

    assert ({5: 1}, {5: Decimal("4.73")}, {(5, 2): Decimal("0.23")}) == (totals.pieces, totals.amounts, totals.taxes)


# -- who, what and when ------------------------------------------------------------------------------------


def test_text_is_unescaped():
    """
    WooCommerce escapes text for HTML; Linnworks gets it as it was written, in any alphabet.
    """
    row = recorded("order-no-sku-odd-price")
    row["billing"]["company"] = "Caf&eacute; &amp; S&ouml;hne"

    assert "Café crème & “Tasse” – 日本" in [item.item_title for item in mapped(row).order_items]
    assert mapped(row).billing_address.company == "Café & Söhne"


def test_a_line_without_a_sku_comes_with_a_warning():
    """
    Its SKU is made of the product's id, so that the order is not held.
    """
    row = recorded("order-no-sku-odd-price")
    found = mapped(row)
    product = row["line_items"][0]["product_id"]

    assert found.order_items[0].sku == f"NO-SKU-{product}"
    assert any("has no SKU in WooCommerce" in note.note and note.is_internal for note in found.notes)
    assert fallback_sku({"id": 7, "product_id": 0, "variation_id": 0}) == "NO-SKU-LINE-7"


def test_countries_have_the_shops_names(linnworks, woo):
    """
    Both the code and the name come.
    """
    woo.place_order({"MUG": 1}, country="DE")
    (found,) = linnworks.orders().values()

    assert ("DE", "Germany") == (found["DeliveryAddress"]["CountryCode"], found["BillingAddress"]["Country"])


def test_a_missing_address_is_filled_from_the_other():
    """
    Without a delivery address the billing address is used; e-mail and phone belong to both.
    """
    row = recorded("order-plain")
    row["shipping"] = dict.fromkeys(row["shipping"], "")
    same = mapped(row)
    row = recorded("order-plain")
    row["billing"] = {**dict.fromkeys(row["billing"], ""), "email": "ann@example.test", "phone": "123"}
    other = mapped(row)

    assert same.billing_address == same.delivery_address
    assert (other.billing_address.address1, other.delivery_address.email_address) == (
        "1 Test Street",
        "ann@example.test",
    )


@pytest.mark.parametrize(
    ("status", "paid", "meaning"),
    [
        ("processing", True, PaymentStatus.PAID),
        ("processing", False, PaymentStatus.PAID),
        ("pending", False, PaymentStatus.UNPAID),
        ("on-hold", False, PaymentStatus.UNPAID),
        ("failed", False, PaymentStatus.UNPAID),
        ("cancelled", True, PaymentStatus.CANCELLED),
        ("refunded", True, PaymentStatus.CANCELLED),
        ("trash", True, PaymentStatus.CANCELLED),
        ("picked-by-a-plugin", True, PaymentStatus.PAID),
        ("picked-by-a-plugin", False, PaymentStatus.UNPAID),
    ],
)
def test_every_status_has_a_meaning(status, paid, meaning):
    """
    A status that the wizard did not ask about follows the payment.
    """
    row = {**recorded("order-plain"), "status": status}
    row["date_paid_gmt"] = row["date_paid_gmt"] if paid else None

    assert meaning == mapped(row).payment_status


def test_orders_are_left_out_only_if_the_seller_chose_it():
    """
    A status can be ignored; an unfinished checkout is never an order.
    """
    row = recorded("order-plain")

    assert order(row, (), preferences({"status_processing": "IGNORED"})) is None
    assert order({**row, "status": "checkout-draft"}, (), preferences({})) is None


def test_dates_are_read_in_utc():
    """
    The shop's own time zone does not matter.
    """
    row = recorded("order-plain")
    found = mapped(row, despatch_days="3")

    assert row["date_created_gmt"] == f"{found.received_date:%Y-%m-%dT%H:%M:%S}"
    assert row["date_paid_gmt"] == f"{found.paid_on:%Y-%m-%dT%H:%M:%S}"
    assert (found.dispatch_by - found.received_date).days == 3


def test_custom_fields_are_used():
    """
    VAT and IOSS numbers, gift messages, and fields that the seller named come to Linnworks.
    """
    row = recorded("order-plain")
    row["meta_data"] = [
        {"id": 1, "key": "_billing_vat_number", "value": "GB123456789"},
        {"id": 2, "key": "ioss_number", "value": "IM0001234567"},
        {"id": 3, "key": "_gift_message", "value": "Happy birthday &amp; all the best"},
        {"id": 4, "key": "_secret_plugin_state", "value": "x"},
        {"id": 5, "key": "_delivery_slot", "value": "evening"},
        {"id": 6, "key": "record", "value": {"a": [1]}},
        {"id": 7, "key": "Status", "value": "of a plugin"},
    ]
    found = mapped(row, order_fields="_delivery_slot, _other")
    named = {one.name: one.value for one in order_checks.normalise(found).extended_properties}

    assert ("processing", "of a plugin") == (named["Status"], named["Status (2)"])
    assert ("GB123456789", "IM0001234567") == (found.buyer_tax_number, found.marketplace_ioss)
    assert "Happy birthday & all the best" in [note.note for note in found.notes]
    assert named["_delivery_slot"] == "evening"
    assert {"_secret_plugin_state", "record"} & set(named) == set()


def test_what_the_customer_chose_is_an_option_of_the_line():
    """
    Engravings come to Linnworks, WooCommerce's internal meta data does not.
    """
    options = mapped(recorded("order-fee-meta")).order_items[0].options

    assert [("engraving", "Für Ø")] == [(option.name, option.value) for option in options]


def test_the_shipping_tag_has_the_methods_instance():
    """
    Two instances of one method can be mapped to two services.
    """
    row = recorded("order-plain")
    row["shipping_lines"][0]["instance_id"] = "4"

    assert mapped(row).match_postal_service_tag == "flat_rate:4"
    assert mapped(recorded("order-virtual-no-shipping")).match_postal_service_tag == "no_shipping"


@pytest.mark.parametrize(
    "change", [{"line_items": None}, {"total": "many"}, {"billing": []}, {"date_created_gmt": "x"}]
)
def test_an_order_that_cannot_be_read_is_held_with_its_reason(change):
    """
    It does not stop other orders, and the operator sees the reason.
    """
    row = {**recorded("order-plain"), **change}
    (found,) = map_orders([row], mapped, reference)

    assert (str(row["id"]), ()) == (found.reference_number, found.order_items)
    assert "cannot read it" in order_checks.problems(order_checks.normalise(found))[0]
