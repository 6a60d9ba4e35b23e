"""WooCommerce's own fulfilments, beside what tracking plugins read."""

from __future__ import annotations

from typing import Any

import pytest

from tests.channels.contract.shop import line_number, seen
from tests.channels.hostile.server import Fault
from tests.channels.woocommerce.fake.shop import WooShop
from tests.channels.woocommerce.test_actions import cancel, customer_notes, despatch, despatch_of, fields

pytestmark = pytest.mark.service
NUMBER, LINK = "AB123456789GB", "https://www.royalmail.com/track-your-item#/tracking-results/AB123456789GB"


@pytest.fixture
def woo(request):
    with WooShop(version=getattr(request, "param", "11.0.1"), has_fulfilments=True) as shop:
        shop.add_product("MUG", stock=50, price="7.99")
        shop.add_product("BOOK", stock=50, price="5.00")
        yield shop


@pytest.fixture
def order(linnworks, woo) -> Any:
    return seen(linnworks, woo.place_order({"MUG": 3, "BOOK": 2}))


def fulfilled(woo: WooShop, order: Any) -> list[dict[str, Any]]:
    """Return the fields of an order's fulfilments; all of them must be fulfilled."""
    rows = woo.fulfilments.get(int(order["ReferenceNumber"]), [])
    assert all(row["is_fulfilled"] for row in rows)
    return [{meta.key: meta.value for meta in row["meta_data"]} for row in rows]


def items(order: Any, **quantities: int) -> list[dict[str, int]]:
    return [{"item_id": int(line_number(order, sku)), "qty": count} for sku, count in quantities.items()]


@pytest.mark.parametrize("woo", ["11.0.1", "10.3.6"], indirect=True)
def test_each_parcel_is_a_fulfilment(linnworks, woo, order):
    """
    With its pieces, its number, WooCommerce's key of the carrier, and the link that customers click.
    """
    despatch(linnworks, despatch_of(order, {"MUG": 2}))
    despatch(linnworks, despatch_of(order, {"MUG": 1, "BOOK": 2}, TrackingNumber="X1", ShippingVendor="Bob"))
    first, second = fulfilled(woo, order)

    assert (items(order, MUG=2), NUMBER, "royal-mail", LINK) == tuple(
        first[name] for name in ("_items", "_tracking_number", "_shipment_provider", "_tracking_url")
    )
    assert (items(order, MUG=1, BOOK=2), "X1", "other", "Bob Tracked 48") == tuple(
        second[name] for name in ("_items", "_tracking_number", "_shipment_provider", "_provider_name")
    )
    assert "_tracking_url" not in second
    assert 2 == len(fields(woo, order)["_wc_shipment_tracking_items"])


def test_a_parcel_without_a_number_is_one_too(linnworks, woo, order):
    """
    Its pieces went.
    """
    despatch(linnworks, despatch_of(order, {"MUG": 3}, TrackingNumber=""))
    (found,) = fulfilled(woo, order)

    assert {"_items", "_linnworks_key"} == found.keys()


def test_a_corrected_number_corrects_the_fulfilment(linnworks, woo, order):
    """
    The fulfilment keeps its pieces.
    """
    despatch(linnworks, despatch_of(order, {"MUG": 3}))
    despatch(linnworks, despatch_of(order, {"MUG": 3}, TrackingNumber="JD9", ShippingVendor="DPD"))
    (found,) = fulfilled(woo, order)

    assert (items(order, MUG=3), "JD9", "dpd") == (
        found["_items"],
        found["_tracking_number"],
        found["_shipment_provider"],
    )
    assert found["_tracking_url"].endswith("=JD9")


def test_all_numbers_of_a_parcel_are_in_its_fulfilment(linnworks, woo, order):
    """
    WooCommerce has one number for each, and nobody says which pieces are in which parcel.
    """
    despatch(linnworks, {**despatch_of(order, {"MUG": 3}), "SecondaryTrackingNumbers": ["S2", "S3"]})
    (found,) = fulfilled(woo, order)

    assert (f"{NUMBER}, S2, S3", LINK) == (found["_tracking_number"], found["_tracking_url"])


def test_what_the_owner_has_fulfilled_is_not_fulfilled_again(linnworks, woo, order):
    """
    The rest is.
    """
    client = woo.server._client
    body = {"is_fulfilled": True, "meta_data": [{"id": 0, "key": "_items", "value": items(order, MUG=2)}]}
    auth = (woo.key, woo.secret)
    client.post(f"/wp-json/wc/v3/orders/{order['ReferenceNumber']}/fulfillments", json=body, auth=auth)
    despatch(linnworks, despatch_of(order, {"MUG": 3}))

    assert [items(order, MUG=2), items(order, MUG=1)] == [row["_items"] for row in fulfilled(woo, order)]


def test_the_number_of_an_order_sent_by_hand_becomes_a_fulfilment(linnworks, woo, order):
    """
    All of it went.
    """
    woo.set_status(order["ReferenceNumber"], "completed")
    despatch(linnworks, despatch_of(order, {"MUG": 3, "BOOK": 2}))
    (found,) = fulfilled(woo, order)

    assert (items(order, MUG=3, BOOK=2), NUMBER) == (found["_items"], found["_tracking_number"])


@pytest.mark.parametrize("fault", [Fault.DROP_AFTER, Fault.DROP_BEFORE, Fault.WEB_PAGE, Fault.TRUNCATED])
def test_a_fulfilment_whose_answer_is_lost_is_added_once(linnworks, woo, order, fault):
    """
    The next try finds it, or adds it.
    """
    woo.faults.add(fault, "/fulfillments", method="POST")
    answers = [despatch(linnworks, despatch_of(order, {"MUG": 3, "BOOK": 2})) for _ in range(2)]

    assert answers[0] != [None]
    assert answers[1] == [None]
    assert [NUMBER] == [row["_tracking_number"] for row in fulfilled(woo, order)]
    assert 1 == len(customer_notes(woo, order))


@pytest.mark.parametrize("fault", [Fault.DROP_AFTER, Fault.DROP_BEFORE])
def test_a_correction_whose_answer_is_lost_is_completed(connected, woo, fault):
    """
    Also where no note is missing.
    """
    linnworks = connected(woo, tracking_note="False")
    order = seen(linnworks, woo.place_order({"MUG": 3}))
    despatch(linnworks, despatch_of(order, {"MUG": 3}))
    woo.faults.add(fault, "/fulfillments/", method="PUT")
    corrected = despatch_of(order, {"MUG": 3}, TrackingNumber="JD9")
    answers = [despatch(linnworks, corrected) for _ in range(2)]

    assert answers[0] != [None]
    assert answers[1] == [None]
    assert ["JD9"] == [row["_tracking_number"] for row in fulfilled(woo, order)]


@pytest.mark.parametrize("method", ["GET", "POST"])
@pytest.mark.parametrize("fault", [Fault.FORBIDDEN, Fault.BROKEN])
def test_a_shop_that_refuses_fulfilments_has_its_despatch(linnworks, woo, order, method, fault):
    """
    They are not what a despatch depends on.
    """
    woo.faults.add(fault, "/fulfillments", method=method, times=None)

    assert [None] == despatch(linnworks, despatch_of(order, {"MUG": 3, "BOOK": 2}))
    assert ("completed", 1) == (woo.order(order["ReferenceNumber"])["status"], len(customer_notes(woo, order)))
    assert [] == fulfilled(woo, order)


def test_a_shop_that_does_not_keep_the_number_is_asked_twice(linnworks, woo, order, caplog):
    """
    Then the log says so.
    """
    woo.keeps_fulfilments = False

    assert [None] == despatch(linnworks, despatch_of(order, {"MUG": 3}))
    assert "does not keep the tracking of fulfilment" in caplog.text
    assert [{"_items": items(order, MUG=3)}] == fulfilled(woo, order)


def test_a_shop_without_fulfilments_is_asked_once(linnworks, woo, order):
    """
    The next despatches cost no call more.
    """
    woo.has_fulfilments = False
    for sku in ("MUG", "BOOK"):
        despatch(linnworks, despatch_of(order, {sku: 1}, TrackingNumber=sku))
    asked = [path for _, path in woo.server.calls if "fulfillments" in path]

    assert 1 == len(asked)
    assert 2 == len(fields(woo, order)["_wc_shipment_tracking_items"])


def test_a_cancel_makes_no_fulfilment(linnworks, woo, order):
    """
    Nothing of it went.
    """
    cancel(linnworks, order, {"BOOK": 2})

    assert [] == fulfilled(woo, order)
