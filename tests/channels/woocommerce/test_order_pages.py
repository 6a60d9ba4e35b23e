from __future__ import annotations

import pytest

from bridge.channels.helpers.offsets import Position
from bridge.channels.woocommerce.api import WooClient
from bridge.clock import Deadline
from bridge.settings import Settings
from tests.channels.hostile.server import Fault
from tests.channels.woocommerce.fake.shop import WooShop
from tests.linnworks import LONG_AGO

pytestmark = pytest.mark.service

OLD = {"version": "7.9.0", "hpos": False}


def api_of(shop: WooShop) -> WooClient:
    return WooClient(shop.url, shop.key, shop.secret, Deadline(60), Settings(allow_private_shops=True))


@pytest.mark.parametrize(("removed", "added"), [(0, 0), (3, 0), (50, 0), (0, 40), (0, 150), (60, 60), (200, 0)])
def test_a_position_in_a_list_is_found_again(removed, added):
    """
    However many earlier rows leave or enter the list, the rows after a position come exactly once.
    """
    with WooShop() as shop:
        shop.add_product("MUG", stock=1000)
        numbers = [int(shop.place_order({"MUG": 1})) for _ in range(350)]
        for number in numbers[1::2][:added]:
            shop.bin(number)  # restored below
        api = api_of(shop)
        first = api.read_after("orders", {"status": "any"}, Position())
        second = api.read_after("orders", {"status": "any"}, first.next_position)
        seen = {row["id"] for row in first.rows + second.rows}
        for number in [number for number in numbers if number in seen][:removed]:
            shop.delete_for_good(number)
        for number in numbers[1::2][:added]:
            shop.restore(number)
        rest, position = [], second.next_position
        while position:
            page = api.read_after("orders", {"status": "any"}, position)
            rest += [row["id"] for row in page.rows]
            position = page.next_position

    last = max(seen)
    assert [number for number in numbers if number > last] == rest


def test_orders_in_the_bin_come_as_cancelled_and_back_as_they_are(connected, woo):
    """
    An order in the bin must not be despatched; a restored order comes again.
    """
    for version in ({}, {"version": "10.3.6"}, OLD):
        with WooShop(**version) as shop:
            shop.add_product("MUG", stock=100)
            number = shop.place_order({"MUG": 1})
            linnworks = connected(shop)
            shop.bin(number)
            binned = [order["PaymentStatus"] for order in linnworks.orders().values()]
            shop.restore(number)
            shop.set_status(number, "processing")
            restored = linnworks.orders()[number]["PaymentStatus"]

        assert (["CANCELLED"], "PAID") == (binned, restored)


@pytest.mark.parametrize("options", [{}, OLD], ids=["11.0", "7.9"])
def test_refunds_are_read_with_their_orders(connected, options):
    """
    In one call if WooCommerce can, else order by order: refunded pieces are removed.
    """
    with WooShop(**options) as shop:
        shop.add_product("MUG", stock=100)
        numbers = [shop.place_order({"MUG": 2}) for _ in range(12)]
        for number in numbers[::2]:
            shop.refund(number, quantities={"MUG": 1})
        orders = connected(shop).orders()

    assert [1, 2] * 6 == [orders[number]["OrderItems"][0]["Qty"] for number in numbers]


def test_a_page_is_as_long_as_there_is_time_for(connected):
    """
    If the refunds of an order cannot be read, the page ends before it, and the next page begins with it.
    """
    with WooShop(**OLD) as shop:
        shop.add_product("MUG", stock=100)
        numbers = [shop.place_order({"MUG": 2}) for _ in range(6)]
        for number in numbers:
            shop.refund(number, quantities={"MUG": 1})
        linnworks = connected(shop)
        shop.faults.add(Fault.MOVED, f"/orders/{numbers[3]}/refunds", times=2, location="http://other.example/")
        first = linnworks("OrdersEndpoint", UTCTimeFrom=LONG_AGO, PageNumber=1)
        second = linnworks("OrdersEndpoint", UTCTimeFrom=LONG_AGO, PageNumber=2)

    assert (numbers[:3], True) == ([one["ReferenceNumber"] for one in first["Orders"]], first["HasMorePages"])
    assert numbers[3:] == [one["ReferenceNumber"] for one in second["Orders"]]
