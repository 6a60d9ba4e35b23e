"""Whatever the shop rounds, what Linnworks adds up is the shop's total."""

from __future__ import annotations

from decimal import Decimal

from hypothesis import given
from hypothesis import strategies as st

from bridge.channels.helpers.totals import ROUNDING, balance, exact, order_total
from bridge.protocol.schemas.orders import Order, OrderItem

cents = st.integers(0, 10**6).map(lambda number: Decimal(number) / 100)
fractions = st.integers(0, 10**8).map(lambda number: Decimal(number) / 10_000)


@given(
    st.lists(st.tuples(st.integers(1, 9), fractions), min_size=1, max_size=6),
    cents,
    cents,
    st.integers(-99, 99),
    st.data(),
)
def test_an_order_comes_to_the_shop_s_total(lines, shipping, discount, gap, data):
    """
    A gap of any size in either direction is closed to the last minor unit.
    """
    items = [
        OrderItem(
            order_line_number=str(number), sku="A", qty=qty, price_per_unit=exact(amount / qty), tax_cost_inclusive=True
        )
        for number, (qty, amount) in enumerate(lines)
    ]
    paid = (sum((amount for _, amount in lines), shipping) - discount + Decimal(gap) / 100).quantize(Decimal("0.01"))
    balanced = balance(items, shipping=shipping, discount=discount, total=paid)
    order = Order(
        reference_number="1", payment_status=None, order_items=balanced.items, postal_service_cost=shipping,
        discount=balanced.discount, shop_total=paid,
    )  # fmt: skip

    assert paid == order_total(order)
    assert paid == exact(
        sum((item.price_per_unit * item.qty for item in balanced.items), shipping) - order.discount
    ).quantize(paid)


def line(price: str) -> OrderItem:
    return OrderItem(order_line_number="1", sku="A", qty=1, price_per_unit=Decimal(price), tax_cost_inclusive=True)


def test_a_line_has_no_fraction_of_a_cent():
    """
    46.4292 where the buyer paid 46.43.
    """
    items, discount = balance([line("46.4292")], shipping=Decimal(0), discount=Decimal(0), total=Decimal("46.43"))

    assert (Decimal("46.43"), 1) == (items[0].price_per_unit, len(items))
    assert discount == 0


def test_what_is_missing_is_a_line_named_rounding():
    """
    Two lines of 10.004 where the buyer paid 20.01.
    """
    items, discount = balance([line("10.004")] * 2, shipping=Decimal(0), discount=Decimal(0), total=Decimal("20.01"))

    assert (ROUNDING, Decimal("0.01")) == (items[2].order_line_number, items[2].price_per_unit)
    assert discount == 0


def test_what_is_too_much_is_a_discount():
    """
    No line has a price below zero.
    """
    items, discount = balance([line("46.4492")], shipping=Decimal(0), discount=Decimal(1), total=Decimal("45.43"))

    assert (Decimal("46.45"), Decimal("1.02")) == (items[0].price_per_unit, discount)
