from __future__ import annotations

import html
import json
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


newest = pytest.mark.parametrize("shop", [{}], indirect=True, ids=["11.0"])


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


def test_a_sku_with_a_comma_is_found(connected, shop):
    """
    WooCommerce looks for its parts too, which are other products.
    """
    for sku in ("A,B", "A", "B"):
        shop.add_product(sku, stock=1)
    linnworks = connected(shop)

    assert [None, None, None] == set_stock(linnworks, ("A,B", "", 2), ("A", "", 3), ("MUG", "", 4))
    assert [2, 3, 1, 4] == [level(shop, sku) for sku in ("A,B", "A", "B", "MUG")]
    assert "has no product A,C" in set_stock(linnworks, ("A,C", "", 2))[0]


@newest
@pytest.mark.parametrize("stored", ["S&amp;P-1", "S&P-1"])
@pytest.mark.parametrize("rest", ["", " <5>", ' 5"', " 5' x, 6'"])
def test_a_sku_that_is_stored_escaped_is_found(connected, shop, stored, rest):
    """
    Importers store it so; Linnworks has it as customers read it.
    """
    product = shop.catalogue.products[shop.add_product("OTHER", stock=1)]
    product.sku = f"{stored}{html.escape(rest).replace('&#x27;', '&#039;') if ';' in stored else rest}"
    linnworks = connected(shop)

    assert f"S&P-1{rest}" in linnworks.products()
    assert [None] == set_stock(linnworks, (f"S&P-1{rest}", "", 2))
    assert product.stock == 2


@newest
def test_a_search_that_fails_costs_only_its_own_rows(connected, shop):
    """
    What has a reference is set.
    """
    linnworks = connected(shop)
    reference = linnworks.products()["MUG"]["Reference"]
    shop.faults.add(Fault.NOT_FOUND_PAGE, "sku=", times=None)
    by_reference, by_sku = set_stock(linnworks, ("MUG", reference, 9), ("UNCOUNTED", "", 4))

    assert by_reference is None
    assert by_sku
    assert 9 == level(shop, "MUG")


@newest
def test_more_products_than_a_page_shows_are_found(connected, shop):
    """
    Each of 50 SKUs has several products: none is taken for the only one.
    """
    for number in range(50):
        for _ in range(3):
            shop.catalogue.products[shop.add_product("NEW")].sku = f"SKU-{number:02}"
    answers = set_stock(connected(shop), *((f"SKU-{number:02}", "", 1) for number in range(50)))

    assert [True] * 50 == ["several products" in (words or "") for words in answers]


# -- several products with one SKU ----------------------------------------------------------------------


@pytest.fixture
def twins(shop):
    """The shop with translations: each SKU of the mug and the shirt belongs to two products."""
    shop.catalogue.products[shop.add_product("TWIN", stock=1, price="8.00")].sku = "MUG"
    shop.add_variable("FR", {"FR-S": "S", "FR-M": "M"}, stock=3)
    for product in shop.catalogue.products.values():
        product.sku = product.sku.replace("FR", "TEE") if product.type == "variation" else product.sku
    return shop


def levels(shop: WooShop, sku: str) -> list[Any]:
    return [product.stock for product in shop.catalogue.with_sku(sku)]


def test_the_stock_of_twins_is_set_in_all(connected, twins):
    """
    If the seller chose that, by SKU as well as by Reference.
    """
    linnworks = connected(twins, same_sku="AS_ONE")
    references = {sku: row["Reference"] for sku, row in linnworks.products().items()}
    answers = set_stock(linnworks, ("MUG", references["MUG"], 7), ("TEE-S", references["TEE-S"], 8), ("TEE-M", "", 9))

    assert [None, None, None] == answers
    assert [[7, 7], [8, 8], [9, 9]] == [levels(twins, sku) for sku in ("MUG", "TEE-S", "TEE-M")]


@newest
def test_the_price_of_twins_is_set_in_all(connected, twins):
    """
    Where one of them does not take it, the answer says so.
    """
    linnworks = connected(twins, same_sku="AS_ONE")
    good = set_prices(linnworks, ("MUG", "9.50", ""))
    twins.catalogue.with_sku("MUG")[1].regular_price = "5.00"
    bad = set_prices(linnworks, ("MUG", "6", "SALE"))

    assert [None] == good
    assert "no sale price of 6" in bad[0]
    assert "6.00" == twins.catalogue.with_sku("MUG")[0].sale_price


@newest
def test_twins_are_found_by_the_sku_that_they_have_now(connected, twins):
    """
    Linnworks still sends the old one, with the Reference.
    """
    linnworks = connected(twins, same_sku="AS_ONE")
    reference = linnworks.products()["MUG"]["Reference"]
    for product in twins.catalogue.with_sku("MUG"):
        product.sku = "CUP"

    assert [None] == set_stock(linnworks, ("MUG", reference, 7))
    assert [7, 7] == levels(twins, "CUP")


@newest
def test_the_twin_of_a_deleted_product_takes_its_stock(connected, twins):
    """
    Linnworks knows only the one that was deleted, until it reads the products again.
    """
    linnworks = connected(twins, same_sku="AS_ONE")
    reference = linnworks.products()["MUG"]["Reference"]
    twins.catalogue.delete(twins.catalogue.with_sku("MUG")[0])

    assert [None] == set_stock(linnworks, ("MUG", reference, 7))
    assert [7] == levels(twins, "MUG")
    assert "The shop has no product 1" in set_stock(linnworks, ("GONE", "wc-123456", 7))[0]


@newest
def test_twins_are_left_alone_unless_the_seller_chose_otherwise(connected, twins):
    """
    The bridge does not guess.
    """
    assert "several products MUG" in set_stock(connected(twins), ("MUG", "", 7))[0]
    assert [5, 1] == levels(twins, "MUG")


# -- levels that the shop has already -------------------------------------------------------------------


def writes(shop: WooShop) -> int:
    return sum(1 for method, path in shop.server.calls if method == "POST" and path.endswith("/batch"))


@pytest.mark.parametrize("with_reference", [True, False])
def test_a_level_that_the_shop_has_is_not_written(connected, shop, with_reference):
    """
    A product's or a variation's; what is not managed, or managed by a parent, is.
    """
    linnworks = connected(shop)
    references = {sku: row["Reference"] for sku, row in linnworks.products().items()} if with_reference else {}
    wanted = [(sku, references.get(sku, ""), count) for sku, count in (("MUG", 5), ("TEE-S", 3), ("CAP-1", 40))]
    before = writes(shop)
    first = set_stock(linnworks, *wanted[:2])
    unwritten = writes(shop) - before
    second = set_stock(linnworks, *wanted, ("UNCOUNTED", references.get("UNCOUNTED", ""), 0))

    assert [None] * 6 == [*first, *second]
    # variations are not read by a search for SKUs
    assert 0 == unwritten
    assert (40, 0) == (level(shop, "CAP-1"), level(shop, "UNCOUNTED"))


@newest
@pytest.mark.parametrize(("same", "read", "written"), [(160, 200, 40), (0, 10, 200)])
def test_levels_are_read_where_that_pays(connected, shop, same, read, written):
    """
    A few are read first; where nearly all have changed, the others are not.
    """
    for number in range(200):
        shop.add_product(f"SKU-{number}", stock=7)
    ids = {f"SKU-{number}": shop.catalogue.find(f"SKU-{number}").id for number in range(200)}
    linnworks = connected(shop)
    seen: list[int] = []
    sent: list[int] = []
    serve = shop.server.served

    def served(handler: Any, body: bytes) -> bytes:
        if handler.command == "GET" and "include=" in handler.path:
            seen.append(handler.path.partition("include=")[2].partition("&")[0].count("%2C") + 1)
        elif handler.path.endswith("/batch"):
            sent.append(len(json.loads(body)["update"]))
        return serve(handler, body)

    shop.server.served = served
    order = sorted(range(200), key=lambda number: number % 5 == 4)
    rows = [(f"SKU-{n}", f"wc-{ids[f'SKU-{n}']}", 7 if at < same else 8) for at, n in enumerate(order)]
    answers = set_stock(linnworks, *rows)

    assert [None] * 200 == answers
    assert (read, written) == (sum(seen), sum(sent))


@newest
def test_batches_grow_while_they_are_sent(connected, shop):
    """
    A quick shop gets up to 100 at once in the first push.
    """
    for number in range(400):
        shop.add_product(f"SKU-{number}", stock=7)
    references = {f"SKU-{n}": f"wc-{shop.catalogue.find(f'SKU-{n}').id}" for n in range(400)}
    linnworks = connected(shop)
    before = writes(shop)
    answers = set_stock(linnworks, *((sku, reference, 1) for sku, reference in references.items()))

    assert [None] * 400 == answers
    assert writes(shop) - before < 16


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
