"""A firewall that lets the bridge use orders and products only: what else it closes costs what that would tell."""

from __future__ import annotations

from typing import Any

import pytest

from tests.channels.contract.shop import seen
from tests.channels.hostile.server import Fault
from tests.channels.woocommerce.fake.shop import WooShop
from tests.channels.woocommerce.test_actions import customer_notes, despatch, despatch_of
from tests.channels.woocommerce.test_fulfilments import fulfilled
from tests.channels.woocommerce.test_updates import set_stock
from tests.channels.woocommerce.test_wizard import CHALLENGE, SOLID, save_credentials

pytestmark = pytest.mark.service

CLOSED = ("v3/refunds", "v3/variations", "/reports/", "/settings/", "/data/", "/system_status", "/notes")


@pytest.fixture
def woo() -> Any:
    with WooShop(has_fulfilments=True) as shop:
        shop.add_product("MUG", stock=50, price="7.99")
        shop.add_variable("TEE", {"TEE-S": "S", "TEE-M": "M"}, stock=3)
        yield shop


@pytest.mark.parametrize(
    "answer", [(404, {"code": "rest_no_route", "message": "No route."}), (403, SOLID), (401, SOLID), (403, CHALLENGE)]
)
def test_orders_products_and_stock_need_no_other_route(connected, woo, answer):
    """
    Refunds are then read order by order, and variations product by product.
    """
    linnworks = connected(woo)
    woo.blocked |= dict.fromkeys(CLOSED, answer)
    number = woo.place_order({"MUG": 3, "TEE-S": 1})
    woo.refund(number, quantities={"MUG": 1})
    order = seen(linnworks, number)

    assert [2, 1] == [item["Qty"] for item in order["OrderItems"]]
    assert {"MUG", "TEE-S", "TEE-M"} == {row["SKU"] for row in linnworks("ProductsEndpoint", PageNumber=1)["Products"]}
    assert [None, None] == set_stock(linnworks, ("MUG", "", 7), ("TEE-M", "", 8))
    assert [None] == despatch(linnworks, despatch_of(order, {"MUG": 2, "TEE-S": 1}))
    assert "completed" == woo.order(number)["status"]


@pytest.mark.parametrize(
    "answer", [(500, {"code": "internal_server_error"}), (200, CHALLENGE), (200, {"environment": []})]
)
def test_what_only_describes_the_shop_does_not_stop_the_wizard(call, woo, answer):
    """
    Its version and its settings cannot be checked then.
    """
    woo.blocked |= dict.fromkeys(("/system_status", "/settings/", "/reports/"), answer)

    assert "Orders" == save_credentials(call, woo)["StepName"]


def test_an_action_on_an_order_that_cannot_be_read_is_refused_in_words(connected, woo):
    """
    Its neighbour is despatched.
    """
    linnworks = connected(woo)
    broken, whole = (seen(linnworks, woo.place_order({"MUG": 3})) for _ in range(2))
    number = int(broken["ReferenceNumber"])
    woo.edit_row = lambda row: {**row, "line_items": [{"id": {}}]} if row["id"] == number else row
    answers = despatch(linnworks, *(despatch_of(order, {"MUG": 3}) for order in (broken, whole)))

    assert "cannot read it as the shop shows it" in answers[0]
    assert answers[1] is None


@pytest.mark.parametrize("fault", [Fault.FORBIDDEN, Fault.FIREWALL])
def test_a_despatch_whose_notes_cannot_be_read_is_done(connected, woo, fault):
    """
    It is not known whether the customer has the note: rather none than two.
    """
    linnworks = connected(woo)
    order = seen(linnworks, woo.place_order({"MUG": 3}))
    woo.faults.add(Fault.DROP_AFTER, "/notes", method="POST")
    woo.faults.add(fault, "/notes", method="GET", times=None)
    answers = [despatch(linnworks, despatch_of(order, {"MUG": 3})) for _ in range(2)]

    assert [None] == answers[1]
    assert 1 == len(customer_notes(woo, order))


@pytest.mark.parametrize("fault", [Fault.FORBIDDEN, Fault.FIREWALL, Fault.BROKEN])
def test_a_shop_that_refuses_a_corrected_fulfilment_has_the_correction(connected, woo, fault):
    """
    In what plugins show and in the note; WooCommerce's own fulfilment keeps the first number.
    """
    linnworks = connected(woo)
    order = seen(linnworks, woo.place_order({"MUG": 3}))
    despatch(linnworks, despatch_of(order, {"MUG": 3}))
    woo.faults.add(fault, "/fulfillments/", method="PUT", times=None)

    assert [None] == despatch(linnworks, despatch_of(order, {"MUG": 3}, TrackingNumber="JD9"))
    assert ["AB123456789GB"] == [row["_tracking_number"] for row in fulfilled(woo, order)]
    assert 2 == len(customer_notes(woo, order))


@pytest.mark.parametrize("address", [{"shipping": []}, {"shipping": None}, {"shipping": {"postcode": 12345}}])
def test_an_order_with_an_empty_address_is_despatched(connected, woo, address):
    """
    PHP writes an empty record as an empty list, and plugins that check for numbers write postcodes as such.
    """
    woo.edit_row = lambda row: {**row, **address}
    linnworks = connected(woo)
    order = seen(linnworks, woo.place_order({"MUG": 3}))

    assert order["DeliveryAddress"]["PostCode"] in ("LS1 1AA", "12345")
    assert [None] == despatch(
        linnworks, despatch_of(order, {"MUG": 3}, ShippingVendor="PostNL", TrackingNumber="3S/?#&x")
    )
