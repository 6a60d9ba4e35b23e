from __future__ import annotations

from decimal import Decimal
from typing import Any

import pytest

from bridge.channels.woocommerce.updates import price_text
from tests.channels.hostile.server import Fault
from tests.channels.woocommerce.fake.shop import WooShop

pytestmark = pytest.mark.service

OLD = {"version": "7.9.0", "hpos": False}


def set_stock(linnworks, *rows: tuple[str, str, int]) -> list[str | None]:
    products = [{"SKU": sku, "Reference": reference, "Quantity": level} for sku, reference, level in rows]
    return [row["Error"] for row in linnworks("InventoryUpdateEndpoint", Products=products)["Products"]]


def set_prices(linnworks, *rows: tuple[str, Any, str]) -> list[str | None]:
    products = [{"SKU": sku, "Reference": "", "Price": price, "Tag": tag} for sku, price, tag in rows]
    return [row["Error"] for row in linnworks("PriceUpdateEndpoint", Products=products)["Products"]]


@pytest.fixture(params=[{}, OLD], ids=["11.0", "7.9"])
def shop(request):
    """A shop with a simple product, one with variations, and one whose variations share its stock."""
    with WooShop(**request.param) as shop:
        shop.add_product("MUG", stock=5, price="8.00")
        shop.add_variable("TEE", {"TEE-S": "S", "TEE-M": "M"}, stock=3)
        shop.add_variable("CAP", {"CAP-1": "One", "CAP-2": "Two"}, stock=None, manage_stock=True, stock_quantity=40)
        shop.add_product("UNCOUNTED", stock=None)
        yield shop


def level(shop: WooShop, sku: str) -> Any:
    return shop.catalogue.find(sku).stock


def test_references_need_no_search(connected, shop):
    """
    A product is found by its Reference, whatever its SKU is now.
    """
    linnworks = connected(shop)
    references = {sku: row["Reference"] for sku, row in linnworks.products().items()}
    shop.edit_product("MUG", sku="NEW-MUG")
    before = len(shop.server.calls)
    answer = set_stock(linnworks, ("MUG", references["MUG"], 7), ("TEE-M", references["TEE-M"], 9))
    searches = [path for _, path in shop.server.calls[before:] if "sku=" in path]

    assert [None, None] == answer
    assert (7, 9) == (level(shop, "NEW-MUG"), level(shop, "TEE-M"))
    assert [] == searches


def test_the_last_of_two_values_for_one_product_counts(connected, shop):
    """
    Two SKUs of Linnworks may be mapped to one product.
    """
    linnworks = connected(shop)
    mug = linnworks.products()["MUG"]["Reference"]

    assert [None, None] == set_stock(linnworks, ("OLD-MUG", mug, 7), ("MUG", mug, 9))
    assert 9 == level(shop, "MUG")


def test_a_variation_is_never_moved_to_another_product(connected, shop):
    """
    A variation of another product is refused, because old versions would move it.
    """
    linnworks = connected(shop)
    references = {sku: row["Reference"] for sku, row in linnworks.products().items()}
    cap, tee = references["CAP-1"].split("-"), references["TEE-S"].split("-")
    answer = set_stock(linnworks, ("TEE-S", "-".join([*cap[:2], tee[2]]), 1), ("TEE-M", references["TEE-M"], 2))

    assert ["has no variation" in (words or "") for words in answer] == [True, False]
    assert (3, 2) == (level(shop, "TEE-S"), level(shop, "TEE-M"))
    assert shop.catalogue.find("TEE-S").parent_id == int(tee[1])


@pytest.mark.parametrize(("choice", "refused"), [("MANAGE", False), ("REFUSE", True)])
def test_unmanaged_stock_follows_the_sellers_choice(connected, shop, choice, refused):
    """
    A level switches stock management on, or is refused with a message; other variations keep their stock.
    """
    linnworks = connected(shop, unmanaged_stock=choice)
    answer = set_stock(linnworks, ("UNCOUNTED", "", 4), ("CAP-1", "", 6))
    found = {sku: row["Quantity"] for sku, row in linnworks.products().items()}

    assert [refused, refused] == ["switch on stock management" in (words or "") for words in answer]
    assert ((0, 40) if refused else (4, 6)) == (found["UNCOUNTED"], found["CAP-1"])
    assert found["CAP-2"] == 40


def test_tags_decide_which_price_is_set(connected, shop):
    """
    Regular and sale price in one batch; a sale price of zero ends the sale.
    """
    linnworks = connected(shop, sale_price_tag="OFFER")
    both = set_prices(linnworks, ("MUG", "9.5", ""), ("MUG", "7", "OFFER"), ("TEE-S", 6, "OFFER"))
    mug = shop.catalogue.find("MUG")
    during = (mug.regular_price, mug.sale_price)
    over = set_prices(linnworks, ("MUG", 0, "OFFER"), ("MUG", 1, "OTHER"))

    assert [None, "with the regular price" in both[2]] == [both[0], True]
    assert ("9.50", "7.00") == during
    assert (None, "") == (over[0], shop.catalogue.find("MUG").sale_price)
    assert "No price of the shop is set by the tag OTHER" in over[1]


def test_a_product_with_variations_takes_no_values(connected, shop):
    """
    WooCommerce would ignore its price and share its level among the variations; a group has no stock at all.
    """
    shop.add_product("BOX", type="grouped")
    linnworks = connected(shop)
    parent = shop.catalogue.find("TEE").id
    answers = set_stock(linnworks, ("TEE", "", 1), ("whatever", f"wc-{parent}", 1), ("BOX", "", 1))

    assert "It has variations" in set_prices(linnworks, ("TEE", 5, ""))[0]
    assert ["It has variations"] * 2 == [words[:17] for words in answers[:2]]
    assert "keeps no stock of grouped products" in answers[2]
    assert (3, 3) == (level(shop, "TEE-S"), level(shop, "TEE-M"))


def test_each_price_has_its_own_outcome(connected, shop):
    """
    An impossible sale price does not make the regular price fail.
    """
    regular, sale = set_prices(connected(shop), ("MUG", "9.99", ""), ("MUG", "11", "SALE"))

    assert (None, "9.99") == (regular, shop.catalogue.find("MUG").regular_price)
    assert "no sale price of 11" in sale


def test_a_sku_with_a_comma_needs_its_reference(connected, shop):
    """
    WooCommerce would search for several SKUs, so the seller is asked to map it again; the reference works.
    """
    shop.add_product("A,B", stock=1)
    linnworks = connected(shop)
    reference = linnworks.products()["A,B"]["Reference"]

    assert ["because of its comma" in (words or "") for words in set_stock(linnworks, ("A,B", "", 2))] == [True]
    assert [None] == set_stock(linnworks, ("A,B", reference, 2))


def test_a_sku_that_two_products_have_is_refused(connected, shop):
    """
    The bridge does not guess which one is meant.
    """
    shop.catalogue.products[shop.add_product("OTHER")].sku = "MUG"

    assert "several products MUG" in set_stock(connected(shop), ("MUG", "", 1))[0]


def test_a_lost_answer_is_not_a_success(connected, shop):
    """
    The level is stored for another attempt, and does not count as set.
    """
    linnworks = connected(shop)
    shop.faults.add(Fault.TRUNCATED, "/products/batch")

    assert "goes on trying" in set_stock(linnworks, ("MUG", "", 3))[0]


@pytest.mark.parametrize(
    ("field", "value", "text"),
    [
        ("regular_price", "10", "10.00"),
        ("regular_price", "10.1", "10.10"),
        ("regular_price", "0.005", "0.005"),
        ("regular_price", "1E+3", "1000.00"),
        ("regular_price", "0", "0.00"),
        ("sale_price", "0.00", ""),
    ],
)
def test_prices_are_written_in_digits(field, value, text):
    """
    WooCommerce misreads any other notation.
    """
    assert text == price_text(field, Decimal(value))
