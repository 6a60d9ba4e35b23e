"""Whatever the shop rounds, what Linnworks adds up is the shop's total."""

from __future__ import annotations

from decimal import Decimal

from hypothesis import given
from hypothesis import strategies as st

from bridge.channels.helpers.totals import ROUNDING, balance, exact
from bridge.protocol.schemas.orders import Order, OrderItem
from bridge.sync.order_checks import total

cents = st.integers(0, 10**6).map(lambda number: Decimal(number) / 100)


@given(
    st.lists(st.tuples(st.integers(1, 9), cents), min_size=1, max_size=6), cents, cents, st.integers(-99, 99), st.data()
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
    paid = sum((amount for _, amount in lines), shipping) - discount + Decimal(gap) / 100
    balanced = balance(items, shipping=shipping, discount=discount, total=paid)
    order = Order(
        reference_number="1", payment_status=None, order_items=balanced.items, postal_service_cost=shipping,
        discount=balanced.discount, shop_total=paid,
    )  # fmt: skip

    assert paid == total(order)


def test_what_is_missing_is_a_line_named_rounding():
    """
    46.4292 where the buyer paid 46.43.
    """
    item = OrderItem(order_line_number="1", sku="A", qty=1, price_per_unit=Decimal("46.4292"), tax_cost_inclusive=True)
    items, discount = balance([item], shipping=Decimal(0), discount=Decimal(0), total=Decimal("46.43"))

    assert (ROUNDING, Decimal("0.0008")) == (items[1].order_line_number, items[1].price_per_unit)
    assert discount == 0


def test_what_is_too_much_is_a_discount():
    """
    No line has a price below zero.
    """
    item = OrderItem(order_line_number="1", sku="A", qty=1, price_per_unit=Decimal("46.4392"), tax_cost_inclusive=True)
    items, discount = balance([item], shipping=Decimal(0), discount=Decimal(1), total=Decimal("45.43"))

    assert ((item,), Decimal("1.0092")) == (items, discount)
