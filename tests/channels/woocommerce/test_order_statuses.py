"""Orders of every status come: of plugins too, hidden from searches, and of a plugin that was deactivated."""

from __future__ import annotations

import pytest

from tests.channels.hostile.server import Fault
from tests.channels.woocommerce.fake.shop import WooShop
from tests.linnworks import LONG_AGO

pytestmark = pytest.mark.service

SHOPS = {
    "11.0 HPOS": {},
    "11.0 posts": {"hpos": False},
    "10.3 HPOS": {"version": "10.3.6"},
    "7.9 posts": {"version": "7.9.0", "hpos": False},
}


@pytest.fixture(params=SHOPS.values(), ids=SHOPS)
def shop(request):
    with WooShop(**request.param) as shop:
        shop.add_product("MUG", stock=1000)
        shop.plugin_statuses = {"awaiting": "Awaiting shipment", "packing": "Packing"}
        shop.hidden_statuses = {"packing"}
        yield shop


def place(shop: WooShop, status: str) -> str:
    number = shop.place_order({"MUG": 1})
    shop.set_status(number, status)
    return number


def references(linnworks) -> list[str]:
    """Return the references of a whole run, page after page."""
    found, page, more = [], 1, True
    while more:
        answer = linnworks("OrdersEndpoint", UTCTimeFrom=LONG_AGO, PageNumber=page)
        found += [order["ReferenceNumber"] for order in answer["Orders"]]
        page, more = page + 1, answer["HasMorePages"]
    return found


def test_orders_of_hidden_statuses_come_once(connected, shop):
    """
    Whatever "any" means to the shop, each order of each status comes in one run, once.
    """
    numbers = [place(shop, status) for status in ("processing", "awaiting", "packing", "completed", "trash") * 2]

    assert sorted(numbers) == sorted(references(connected(shop)))


def test_a_status_that_becomes_hidden_costs_no_order(connected, shop):
    """
    A plugin that hides its status later is noticed in the next run.
    """
    linnworks = connected(shop)
    place(shop, "awaiting")
    references(linnworks)
    shop.hidden_statuses = {"packing", "picked"}
    shop.plugin_statuses = {**shop.plugin_statuses, "picked": "Picked"}
    number = place(shop, "picked")

    assert number in references(linnworks)


def test_orders_come_where_the_list_of_statuses_is_closed(connected, shop):
    """
    A firewall that allows orders only costs the hidden statuses, not the orders.
    """
    number = place(shop, "processing")
    linnworks = connected(shop)
    shop.faults.add(Fault.FORBIDDEN, "/reports/orders/totals", times=None)

    assert [number] == references(linnworks)
