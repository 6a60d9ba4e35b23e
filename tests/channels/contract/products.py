from __future__ import annotations

import itertools
from typing import Any

import pytest

from tests.channels.contract.shop import Suite
from tests.linnworks import Linnworks

MOST_WITH_OTHER_PRICES = 20
"""Of how many products the other prices are compared."""


class ProductsContract(Suite):
    """Linnworks gets the catalogue, to map its products."""

    def test_products_are_valid_for_linnworks(self, linnworks, shop):
        """Every product has a unique SKU and Reference, a title, and a quantity and price of at least zero."""
        products = _run(linnworks)
        skus = [product["SKU"] for product in products]
        references = [product["Reference"] for product in products]

        assert set(shop.skus) <= set(skus)
        assert sorted(set(skus)) == sorted(skus)
        assert sorted(set(references)) == sorted(references)
        assert all(sku.strip() for sku in skus)
        assert all(1 <= len(reference) <= 64 for reference in references)
        assert all(product["Title"] for product in products)
        assert all(type(product["Quantity"]) is int and product["Quantity"] >= 0 for product in products)
        assert all(type(product["Price"]) in (int, float) and product["Price"] >= 0 for product in products)

    def test_an_order_reduces_the_quantity(self, linnworks, shop):
        """The quantity is the shop's and goes down with each order."""
        before = linnworks.products()[shop.skus[0]]["Quantity"]
        shop.place_order({shop.skus[0]: 2})

        assert before - 2 == linnworks.products()[shop.skus[0]]["Quantity"]

    def test_no_product_is_missed_while_the_catalogue_changes(self, linnworks, shop):
        """Products added or removed between two pages shift no other product out of its page."""
        shop.add_product("COMES-LATE-1")
        there = {product["SKU"] for product in _run(linnworks)}
        first = _page(linnworks, 1)
        gone = [product["SKU"] for product in first["Products"] if product["SKU"] not in shop.skus][:3]
        for sku in gone if shop.can_delete_products else ():
            shop.remove_product(sku)
        shop.add_product("COMES-LATE-2")
        second = _page(linnworks, 2)
        came = [product["SKU"] for product in first["Products"] + second["Products"]] + _rest(linnworks, 3)

        assert first["HasMorePages"]
        assert second["HasMorePages"]
        assert there - set(came) == set()
        assert sorted(set(came)) == sorted(came)

    def test_a_page_of_products_asked_twice_is_the_same(self, linnworks):
        """A lost answer can be requested again."""
        first, second = _page(linnworks, 1), _page(linnworks, 2)

        assert second == _page(linnworks, 2)
        assert first == _page(linnworks, 1)

    def test_the_page_after_the_last_product_is_empty(self, linnworks):
        """The page after the last one is empty, without an error."""
        number = 1
        while _page(linnworks, number)["HasMorePages"]:
            number += 1

        assert {"Error": None, "HasMorePages": False, "Products": []} == _page(linnworks, number + 1)

    @pytest.mark.parametrize(
        ("number", "words"), [(0, "Invalid page number"), (-1, "Invalid page number"), (5, "start at page 1")]
    )
    def test_an_impossible_page_of_products_is_an_error(self, linnworks, number, words):
        """Pages below 1, and later pages without a first one, get an error, never an empty success."""
        answer = _page(linnworks, number)

        assert words in answer["Error"]
        assert [] == answer["Products"]
        assert answer["HasMorePages"] is False


class UpdateSuite(Suite):
    """The fixtures that the suites of stock and prices share."""

    @pytest.fixture
    def products(self, linnworks, shop):
        """Products that tests may change, by SKU."""
        products = linnworks.products()
        changeable = [sku for sku in products if sku not in shop.skus] if shop.changeable is None else shop.changeable
        return {sku: products[sku] for sku in changeable}

    @pytest.fixture
    def sku(self, products):
        """A SKU of these products."""
        return next(iter(products))


class StockContract(UpdateSuite):
    """Linnworks sets the shop's stock levels."""

    @pytest.mark.parametrize("quantity", [0, 7, 123_456, "42"])
    def test_a_level_can_be_read_back(self, linnworks, sku, quantity):
        """Products shows the level that was set."""
        answer = _set_stock(linnworks, (sku, quantity))

        assert [{"SKU": sku, "Error": None}] == answer
        assert int(quantity) == linnworks.products()[sku]["Quantity"]

    def test_a_repeated_level_changes_nothing(self, linnworks, sku):
        """Levels are absolute, so an update may be repeated."""
        answers = [_set_stock(linnworks, (sku, 31)) for _ in range(2)]

        assert answers[0] == answers[1]
        assert linnworks.products()[sku]["Quantity"] == 31

    def test_one_bad_level_leaves_the_others_alone(self, linnworks, products):
        """A level below zero and an unknown SKU get their own errors, and the other levels are set."""
        first, second, third = list(products)[:3]
        answer = _set_stock(linnworks, (first, 11), (second, -1), ("no-such-sku", 5), (third, 13))
        after = linnworks.products()

        assert [first, second, "no-such-sku", third] == [row["SKU"] for row in answer]
        assert [False, True, True, False] == [bool(row["Error"]) for row in answer]
        assert [11, products[second]["Quantity"], 13] == [after[sku]["Quantity"] for sku in (first, second, third)]

    def test_levels_are_answered_with_the_skus_sent(self, linnworks, sku):
        """Every row is answered in order with exactly the SKU that was sent, however odd."""
        odd = [f" {sku}", sku, f"{sku} ", sku.swapcase(), sku, " ", "Ünïcödé", "x" * 300]
        answer = _set_stock(linnworks, *((text, 5) for text in odd))

        assert odd == [row["SKU"] for row in answer]
        assert [None, None] == [answer[1]["Error"], answer[4]["Error"]]

    def test_the_last_level_of_a_sku_wins(self, linnworks, sku):
        """If a SKU comes twice, its last level is set."""
        answer = _set_stock(linnworks, (sku, 8), (sku, 3))

        assert [{"SKU": sku, "Error": None}] * 2 == answer
        assert linnworks.products()[sku]["Quantity"] == 3

    def test_a_bad_level_does_not_undo_a_good_one(self, linnworks, sku):
        """Of two rows of a SKU the valid one is set."""
        _set_stock(linnworks, (sku, 8), (sku, -3))

        assert linnworks.products()[sku]["Quantity"] == 8

    def test_a_full_batch_of_levels_is_set(self, linnworks, products, channel_class):
        """Every row of a batch of the declared size is set and answered."""
        rows = list(zip(itertools.cycle(products), range(channel_class.inventory_batch_size)))
        answer = _set_stock(linnworks, *rows)
        after = linnworks.products()

        assert [{"SKU": sku, "Error": None} for sku, _ in rows] == answer
        assert dict(rows) == {sku: after[sku]["Quantity"] for sku, _ in rows}

    def test_a_level_more_than_a_batch_is_answered(self, linnworks, products, channel_class):
        """One row more than the declared batch size is answered too, and what is answered without an error is set."""
        rows = list(zip(itertools.cycle(products), range(channel_class.inventory_batch_size, -1, -1)))
        answer = _set_stock(linnworks, *rows)
        after = linnworks.products()
        accepted = {sku: quantity for (sku, quantity), row in zip(rows, answer, strict=True) if not row["Error"]}

        assert [sku for sku, _ in rows] == [row["SKU"] for row in answer]
        assert accepted == {sku: after[sku]["Quantity"] for sku in accepted}

    @pytest.mark.parametrize("fields", [{"Products": []}, {"Products": None}, {}])
    def test_no_levels_are_no_error(self, linnworks, fields):
        """An empty batch succeeds."""
        assert {"Error": None, "Products": []} == linnworks("InventoryUpdateEndpoint", **fields)


class PriceContract(UpdateSuite):
    """Linnworks sets the shop's prices."""

    @pytest.mark.parametrize("price", [10.10, 0.01, 19.99, 1234567.89, 5, "7.35"])
    def test_a_price_can_be_read_back_to_the_cent(self, linnworks, sku, price):
        """Products shows exactly the price that was set."""
        answer = _set_prices(linnworks, (sku, price))

        assert [{"SKU": sku, "Error": None}] == answer
        assert float(price) == linnworks.products()[sku]["Price"]

    def test_one_bad_price_leaves_the_others_alone(self, linnworks, products):
        """A price below zero and an unknown SKU get their own errors, and the other prices are set."""
        first, second, third = list(products)[:3]
        answer = _set_prices(linnworks, (first, 1.11), (second, -0.01), ("no-such-sku", 5), (third, 3.33))
        after = linnworks.products()

        assert [first, second, "no-such-sku", third] == [row["SKU"] for row in answer]
        assert [False, True, True, False] == [bool(row["Error"]) for row in answer]
        assert [1.11, products[second]["Price"], 3.33] == [after[sku]["Price"] for sku in (first, second, third)]

    def test_prices_are_answered_with_the_skus_sent(self, linnworks, sku):
        """Every row is answered in order with exactly the SKU that was sent, however odd."""
        odd = [f" {sku}", sku, f"{sku} ", sku.swapcase(), sku, " ", "Ünïcödé", "x" * 300]
        answer = _set_prices(linnworks, *((text, 5.55) for text in odd))

        assert odd == [row["SKU"] for row in answer]
        assert [None, None] == [answer[1]["Error"], answer[4]["Error"]]

    def test_the_last_price_of_a_sku_wins(self, linnworks, sku):
        """If a SKU comes twice, its last price is set."""
        answer = _set_prices(linnworks, (sku, 8.80), (sku, 3.30))

        assert [{"SKU": sku, "Error": None}] * 2 == answer
        assert linnworks.products()[sku]["Price"] == 3.3

    def test_a_tagged_price_does_not_change_the_normal_one(self, linnworks, sku):
        """Rows of one SKU with different tags have their own outcomes, and only the one without a tag sets it."""
        rows = [
            {"SKU": sku, "Reference": "", "Price": 4.44, "Tag": ""},
            {"SKU": sku, "Reference": "", "Price": 9.99, "Tag": "RETAILPRICE"},
            {"SKU": sku, "Reference": "", "Price": 8.88, "Tag": "NO-SUCH-TAG"},
        ]
        answer = linnworks("PriceUpdateEndpoint", Products=rows)["Products"]

        assert [sku] * 3 == [row["SKU"] for row in answer]
        assert answer[0]["Error"] is None
        assert linnworks.products()[sku]["Price"] == 4.44

    def test_a_price_leaves_the_other_prices_alone(self, linnworks, shop, products):
        """Setting a price without a tag changes no list price, no sale price and no price in another currency."""
        if not shop.has_other_prices:
            pytest.skip("the shop's products have one price")
        skus = list(products)[:MOST_WITH_OTHER_PRICES]
        before = {sku: shop.other_prices(sku) for sku in skus}
        answer = _set_prices(linnworks, *((sku, 3.45) for sku in skus))

        assert any(before.values())
        assert [{"SKU": sku, "Error": None} for sku in skus] == answer
        assert before == {sku: shop.other_prices(sku) for sku in skus}

    def test_a_full_batch_of_prices_is_set(self, linnworks, products, channel_class):
        """Every row of a batch of the declared size is set and answered."""
        cents = (number / 100 for number in range(1, channel_class.price_batch_size + 1))
        rows = list(zip(itertools.cycle(products), cents))
        answer = _set_prices(linnworks, *rows)
        after = linnworks.products()

        assert [{"SKU": sku, "Error": None} for sku, _ in rows] == answer
        assert dict(rows) == {sku: after[sku]["Price"] for sku, _ in rows}

    def test_a_price_more_than_a_batch_is_answered(self, linnworks, products, channel_class):
        """One row more than the declared batch size is answered too, and what is answered without an error is set."""
        cents = (number / 100 for number in range(channel_class.price_batch_size + 1, 0, -1))
        rows = list(zip(itertools.cycle(products), cents))
        answer = _set_prices(linnworks, *rows)
        after = linnworks.products()
        accepted = {sku: price for (sku, price), row in zip(rows, answer, strict=True) if not row["Error"]}

        assert [sku for sku, _ in rows] == [row["SKU"] for row in answer]
        assert accepted == {sku: after[sku]["Price"] for sku in accepted}

    @pytest.mark.parametrize("fields", [{"Products": []}, {"Products": None}, {}])
    def test_no_prices_are_no_error(self, linnworks, fields):
        """An empty batch succeeds."""
        assert {"Error": None, "Products": []} == linnworks("PriceUpdateEndpoint", **fields)


def _page(linnworks: Linnworks, number: int) -> Any:
    return linnworks("ProductsEndpoint", PageNumber=number)


def _run(linnworks: Linnworks) -> list[Any]:
    return linnworks.pages("ProductsEndpoint", "Products")


def _rest(linnworks: Linnworks, number: int) -> list[str]:
    """Return the SKUs on this page and the pages after it."""
    page = _page(linnworks, number)
    assert page["Error"] is None
    skus = [product["SKU"] for product in page["Products"]]
    return skus + (_rest(linnworks, number + 1) if page["HasMorePages"] else [])


def _set_stock(linnworks: Linnworks, *levels: tuple[str, Any]) -> Any:
    rows = [{"SKU": sku, "Reference": "", "Quantity": quantity} for sku, quantity in levels]
    answer = linnworks("InventoryUpdateEndpoint", Products=rows)
    assert answer["Error"] is None
    return answer["Products"]


def _set_prices(linnworks: Linnworks, *prices: tuple[str, Any]) -> Any:
    rows = [{"SKU": sku, "Reference": "", "Price": price, "Tag": ""} for sku, price in prices]
    answer = linnworks("PriceUpdateEndpoint", Products=rows)
    assert answer["Error"] is None
    return answer["Products"]
