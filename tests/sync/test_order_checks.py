"""Orders that Linnworks would refuse are corrected where that is safe, else reported."""

from __future__ import annotations

import time
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec.structs import replace

from bridge.channels.helpers.totals import order_total
from bridge.protocol.schemas.orders import Address, ExtendedProperty, Note, Option, Order, OrderItem, PaymentStatus
from bridge.sync.order_checks import normalise, problems

HOME = Address(full_name="Anna", town="Bath")
LINE = OrderItem(order_line_number="1", sku="A", item_title="Mug", price_per_unit=Decimal("10.00"))
ORDER = Order(
    reference_number="1",
    payment_status=PaymentStatus.PAID,
    currency="GBP",
    billing_address=HOME,
    delivery_address=HOME,
    order_items=(LINE,),
)


def test_a_valid_order_is_not_changed():
    """
    It has no problems, either.
    """
    assert ORDER == normalise(ORDER)
    assert [] == problems(ORDER)


@pytest.mark.parametrize("missing", [None, Address()])
def test_a_missing_address_is_filled_from_the_other(missing):
    """
    One of the two is enough for both.
    """
    assert HOME == normalise(replace(ORDER, billing_address=missing)).billing_address
    assert HOME == normalise(replace(ORDER, delivery_address=missing)).delivery_address


def test_repeated_names_are_numbered():
    """
    This holds for options of a line, properties of an order and titles of services.
    """
    option = Option(name="Colour", value="red")
    service = replace(LINE, is_service=True, item_title="", sku="WRAP")
    order = normalise(
        replace(
            ORDER,
            order_items=(replace(LINE, options=(option, option, replace(option, name="Colour (2)"))), service, service),
            extended_properties=(ExtendedProperty(name="VAT"), ExtendedProperty(name="VAT")),
        )
    )

    assert ["Colour", "Colour (2)", "Colour (2) (2)"] == [one.name for one in order.order_items[0].options]
    assert ["VAT", "VAT (2)"] == [one.name for one in order.extended_properties]
    assert ["Mug", "WRAP", "WRAP (2)"] == [item.item_title for item in order.order_items]


@pytest.mark.parametrize(
    ("order", "words"),
    [
        (replace(ORDER, billing_address=None, delivery_address=None), "it has no address"),
        (replace(ORDER, currency="£"), "its currency £ does not have three letters"),
        (replace(ORDER, order_items=()), "it has no lines"),
        (replace(ORDER, order_items=(replace(LINE, sku=" "),)), "line 1 (Mug) has no SKU"),
        (replace(ORDER, order_items=(replace(LINE, order_line_number=""),)), "has no line number"),
        (replace(ORDER, order_items=(replace(LINE, qty=0),)), "line 1 (Mug) has the quantity 0"),
        (replace(ORDER, order_items=(LINE, LINE)), "the line number 1 occurs 2 times"),
        (replace(ORDER, match_payment_method_tag="x" * 65), "longer than 64 characters"),
        (replace(ORDER, shop_total=Decimal("9.99")), "its lines add up to 10.00, but the shop's total is 9.99"),
    ],
)
def test_a_problem_that_cannot_be_corrected_is_reported(order, words):
    """
    Each problem is described in words that the seller can act on.
    """
    (problem,) = problems(normalise(order))

    assert words in problem


@given(
    st.lists(
        st.builds(
            lambda price, qty, rate, inclusive, discount: replace(
                LINE,
                price_per_unit=price,
                qty=qty,
                tax_rate=rate,
                tax_cost_inclusive=inclusive,
                line_percent_discount=discount,
            ),
            st.decimals(0, 1000, places=2),
            st.integers(1, 20),
            st.sampled_from([Decimal(0), Decimal("5.5"), Decimal(20)]),
            st.booleans(),
            st.sampled_from([Decimal(0), Decimal(10), Decimal("33.3")]),
        ),
        max_size=5,
    )
)
def test_an_order_adds_up_to_whole_cents(lines):
    """
    Every line is rounded to the cent, so the total is exact.
    """
    made = order_total(replace(ORDER, order_items=tuple(lines), postal_service_cost=Decimal("3.95")))

    assert made == made.quantize(Decimal("0.01"))


def test_a_very_long_order_is_shortened_in_linear_time():
    """Its texts and lists are cut, except what Linnworks sends back; other orders stay as they are."""
    properties = tuple(ExtendedProperty(name="same", value="v" * 9000) for _ in range(20_000))
    long = replace(
        ORDER,
        billing_address=replace(HOME, address1="a" * 9000),
        extended_properties=properties,
        notes=(Note(note="n" * 9000),),
    )
    started = time.thread_time()

    order = normalise(long)

    assert time.thread_time() - started < 1
    assert 500 == len(order.extended_properties) == len({one.name for one in order.extended_properties})
    assert [5000, 500] == [len(order.notes[0].note), len(order.billing_address.address1)]
    assert long.order_items == order.order_items
