"""Bundles and composites as their plugins leave them in an order, despatched and cancelled by bundle or by part."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

import pytest

from tests.channels.contract.shop import seen
from tests.channels.woocommerce.fake.catalogue import Meta
from tests.channels.woocommerce.fake.shop import WooShop
from tests.channels.woocommerce.test_actions import cancel, despatch, despatch_of

pytestmark = pytest.mark.service

BUNDLES = ({"_bundle_cart_key": "c1"}, {"_bundled_by": "c1", "_bundled_item_id": "4"})
COMPOSITES = ({"_composite_cart_key": "c1"}, {"_composite_parent": "c1"})
MIX = ({"_mnm_cart_key": "c1", "_mnm_contents": {"a": []}}, {"_mnm_container": "c1"})
WPC = ({"_woosb_ids": "1/1"}, {"_woosb_parent_id": "PRODUCT"})
PLUGINS = {"Product Bundles": BUNDLES, "Composite Products": COMPOSITES, "Mix and Match": MIX, "WPC": WPC}


@pytest.fixture
def woo():
    with WooShop() as shop:
        shop.add_product("SET", stock=10, price="20.00")
        shop.add_product("CUP", stock=50, price="0")
        shop.add_product("SAUCER", stock=50, price="0")
        shop.add_product("MUG", stock=50, price="7.99")
        yield shop


def place(woo: WooShop, plugin: tuple[dict[str, Any], dict[str, Any]], *, sets: int = 1, mugs: int = 0) -> str:
    """Place an order of sets, each of one cup and two saucers, and of mugs."""
    basket = {"SET": sets, "CUP": sets, "SAUCER": 2 * sets, **({"MUG": mugs} if mugs else {})}
    number = woo.place_order(basket)
    bundle, part = plugin
    lines = woo.row(number).of("line_item")
    for item in lines[:3]:
        for key, value in (bundle if item is lines[0] else part).items():
            chosen = str(lines[0].product_id) if value == "PRODUCT" else value
            item.meta.append(Meta(woo.next_meta(), key, chosen))
    return number


@pytest.mark.parametrize("plugin", PLUGINS.values(), ids=PLUGINS)
def test_bundle_and_parts_come_with_their_prices(connected, woo, plugin):
    """
    Parts cost nothing, name their bundle, and the order adds up.
    """
    order = seen(connected(woo), place(woo, plugin))
    options = [[(option["Name"], option["Value"]) for option in item["Options"]] for item in order["OrderItems"]]

    assert [24, 0, 0] == [item["PricePerUnit"] for item in order["OrderItems"]]
    assert [("Part of", "Thing SET")] == [pair for pair in options[1] if pair[0] == "Part of"]
    assert Decimal(woo.order(order["ReferenceNumber"])["total"]) == Decimal("24") + Decimal(
        str(order["PostalServiceCost"])
    )


@pytest.mark.parametrize("sent", [{"SET": 1}, {"CUP": 1, "SAUCER": 2}, {"SET": 1, "CUP": 1, "SAUCER": 2}])
@pytest.mark.parametrize("plugin", PLUGINS.values(), ids=PLUGINS)
def test_a_bundle_is_despatched_by_itself_or_by_its_parts(connected, woo, plugin, sent):
    """
    Either way the order is completed.
    """
    linnworks = connected(woo)
    order = seen(linnworks, place(woo, plugin))

    assert [None] == despatch(linnworks, despatch_of(order, sent))
    assert "completed" == woo.order(order["ReferenceNumber"])["status"]


def test_parts_of_a_bundle_in_two_parcels(connected, woo):
    """
    With the bundle and one part the other part is still missing; other lines too.
    """
    linnworks = connected(woo)
    order = seen(linnworks, place(woo, BUNDLES, mugs=1))
    number = order["ReferenceNumber"]
    statuses = []
    for sent in ({"SET": 1, "CUP": 1}, {"SAUCER": 2}, {"MUG": 1}):
        assert [None] == despatch(linnworks, despatch_of(order, sent, TrackingNumber=f"N{len(statuses)}"))
        statuses.append(woo.order(number)["status"])

    assert ["processing", "processing", "completed"] == statuses


@pytest.mark.parametrize("given", [{"SET": 1}, {"CUP": 1, "SAUCER": 2}])
def test_a_bundle_is_cancelled_by_itself_or_by_its_parts(connected, woo, given):
    """
    Either way all of it is restocked, and the order cancelled if nothing else is in it.
    """
    linnworks = connected(woo)
    order = seen(linnworks, place(woo, BUNDLES))

    assert None is cancel(linnworks, order, given)["Error"]
    assert "cancelled" == woo.order(order["ReferenceNumber"])["status"]
    assert (10, 50, 50) == tuple(woo.stock(sku) for sku in ("SET", "CUP", "SAUCER"))


@pytest.mark.parametrize("given", [{"SET": 1}, {"CUP": 1, "SAUCER": 2}])
def test_one_of_several_bundles_is_cancelled_with_its_parts(connected, woo, given):
    """
    The parts of the other bundle stay, and complete the order when they are sent.
    """
    linnworks = connected(woo)
    order = seen(linnworks, place(woo, BUNDLES, sets=2 if "SET" in given else 1, mugs=1))

    assert None is cancel(linnworks, order, given)["Error"]
    assert (9 if "SET" in given else 10) == woo.stock("SET")
    assert [None] == despatch(linnworks, despatch_of(order, {"MUG": 1, **({"SET": 1} if "SET" in given else {})}))
    assert "completed" == woo.order(order["ReferenceNumber"])["status"]


def test_a_despatched_part_keeps_its_bundle_from_being_cancelled_along(connected, woo):
    """
    Cancelling something else leaves a bundle alone whose parts were sent.
    """
    linnworks = connected(woo)
    order = seen(linnworks, place(woo, BUNDLES, mugs=1))
    despatch(linnworks, despatch_of(order, {"CUP": 1, "SAUCER": 2}))

    assert None is cancel(linnworks, order, {"MUG": 1})["Error"]
    assert (9, 50) == (woo.stock("SET"), woo.stock("MUG"))
    assert "completed" == woo.order(order["ReferenceNumber"])["status"]


def test_the_parents_line_is_named_by_the_api(connected, woo):
    """
    Product Bundles adds the id of the bundle's line to the API; a line that names itself or no line is its own.
    """
    number = woo.place_order({"SET": 1, "CUP": 1, "MUG": 1})
    first, second, third = (item.id for item in woo.row(number).of("line_item"))

    def edit(row: dict[str, Any]) -> dict[str, Any]:
        for line, parent in zip(row["line_items"], ("", first, third), strict=True):
            line["bundled_by"] = parent
        return row

    woo.edit_row = edit
    linnworks = connected(woo)
    order = seen(linnworks, number)
    despatch(linnworks, despatch_of(order, {"SET": 1}))
    before = woo.order(number)["status"]
    despatch(linnworks, despatch_of(order, {"MUG": 1}, TrackingNumber="N2"))

    assert ("processing", "completed") == (before, woo.order(number)["status"])
    assert first < second < third
