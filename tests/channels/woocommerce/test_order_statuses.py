"""Orders of every status come: of plugins too, hidden from searches, and of a plugin that was deactivated."""

from __future__ import annotations

import pytest

from bridge.channels.woocommerce import order_statuses
from bridge.channels.woocommerce.api import WooClient
from bridge.channels.woocommerce.preferences import preferences
from bridge.clock import Deadline
from bridge.settings import Settings
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


def uncovered(shop: WooShop, **answers: str) -> list[str]:
    api = WooClient(shop.url, shop.key, shop.secret, Deadline(60), Settings(allow_private_shops=True))
    api.cache.clear()
    return list(order_statuses.uncovered(api, preferences(answers)))


def test_statuses_that_the_settings_do_not_cover_are_named(shop):
    """
    New ones of a plugin, those left out by choice, and those whose plugin is gone.
    """
    answers = {"status_awaiting": "IGNORED", "status_packing": "PAID", "status_old": "PAID"}
    messages = uncovered(shop, **answers)
    shop.plugin_statuses = {**shop.plugin_statuses, "picked": "Picked"}

    assert ["Awaiting shipment (awaiting)", "status old"] == [
        name for name in ("Awaiting shipment (awaiting)", "status old") if name in " ".join(messages)
    ]
    assert 2 == len(messages)
    assert "Picked (picked)" in " ".join(uncovered(shop, **answers))


@pytest.mark.parametrize(("hpos", "expected"), [(True, ["2 orders seem"]), (False, [])])
def test_orders_whose_plugin_is_gone_are_counted_in_hpos(hpos, expected):
    """
    Posts storage lists them; HPOS does not, and WordPress counts them all the same.
    """
    with WooShop(hpos=hpos) as shop:
        shop.add_product("MUG", stock=1000)
        numbers = [place(shop, status) for status in ("processing", "gone", "gone", "trash")]
        shop.refund(numbers[0], 1)

        assert expected == [message[:13] for message in uncovered(shop)]


def test_orders_whose_plugin_is_gone_come_where_the_shop_lists_them(connected, shop):
    """
    Their status goes by the payment date, or by what the wizard was told when the plugin was active.
    """
    shop.plugin_statuses["gone"] = "Of a plugin"
    linnworks = connected(shop, status_gone="CANCELLED")
    del shop.plugin_statuses["gone"]
    number = place(shop, "gone")
    found = linnworks.orders()

    assert (number in found) is not (shop.hpos and shop.at_least(10, 4))
    assert {"CANCELLED"} >= {order["PaymentStatus"] for order in found.values()}
