"""Totals and full refunds in every way a shop may calculate tax."""

from __future__ import annotations

from decimal import Decimal
from itertools import product

import pytest

from tests.channels.woocommerce.fake.shop import WooShop

pytestmark = pytest.mark.service

MODES = list(product((False, True), (False, True), (0, 2, 3), ("11.0.1", "7.9.0")))
BASKETS = ({"A": 1}, {"A": 3, "B": 7}, {"A": 2, "B": 1, "C": 3})


def full_refund(order) -> dict:
    """Return a refund of all lines and the shipping at the prices Linnworks has."""
    places = Decimal("0.001")
    items = [
        {
            "OrderLineNumber": item["OrderLineNumber"],
            "SKU": item["SKU"],
            "RefundAmount": str(
                (
                    Decimal(str(item["PricePerUnit"]))
                    * item["Qty"]
                    * (1 - Decimal(str(item["LinePercentDiscount"])) / 100)
                ).quantize(places)
            ),
        }
        for item in order["OrderItems"]
    ]
    return {
        "ReferenceNumber": order["ReferenceNumber"],
        "RefundShippingAmount": str(order["PostalServiceCost"]),
        "Items": items,
    }


@pytest.mark.parametrize(("inclusive", "at_subtotal", "decimals", "version"), MODES)
def test_everything_can_be_refunded_as_linnworks_has_it(connected, inclusive, at_subtotal, decimals, version):
    """
    Lines, shipping and coupons come to the shop's total, and all of it together is accepted as a refund.
    """
    with WooShop(
        version=version,
        hpos=version != "7.9.0",
        prices_include_tax=inclusive,
        round_at_subtotal=at_subtotal,
        decimals=decimals,
    ) as shop:
        shop.add_product("A", stock=100, price="9.99")
        shop.add_product("B", stock=100, price="7.35", tax_class="reduced-rate")
        shop.add_product("C", stock=100, price="0.37")
        shop.add_coupon("ten", "percent", 10)
        numbers = [shop.place_order(basket, coupons=codes) for basket in BASKETS for codes in ((), ("ten",))]
        linnworks = connected(shop)
        orders = linnworks.orders()
        errors = [linnworks("RefundEndpoint", Refund=full_refund(orders[number]))["Error"] for number in numbers]
        totals = [Decimal(shop.order(number)["total"]) for number in numbers]
        refunded = [shop.refunded(number) for number in numbers]

    assert [None] * len(numbers) == errors
    assert totals == refunded


@pytest.mark.parametrize("decimals", [0, 2, 3])
def test_a_price_with_tax_is_exact(connected, decimals):
    """
    Where tax is rounded at subtotal, 9.99 comes as 9.99 and not as 10.00 with a discount of 0.01.
    """
    price = {0: "10", 2: "9.99", 3: "9.995"}[decimals]
    with WooShop(prices_include_tax=True, round_at_subtotal=True, decimals=decimals) as shop:
        shop.add_product("A", stock=100, price=price)
        number = shop.place_order({"A": 3}, shipping=None)
        order = connected(shop).orders()[number]

    assert (Decimal(price), 0) == (Decimal(str(order["OrderItems"][0]["PricePerUnit"])), order["Discount"])
    assert [3] == [item["Qty"] for item in order["OrderItems"]]
