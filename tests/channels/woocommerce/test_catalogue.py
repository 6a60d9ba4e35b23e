from __future__ import annotations

import json

import pytest

from bridge.channels.woocommerce import catalogue
from tests.channels.woocommerce.fake.shop import WooShop
from tests.linnworks import Linnworks

pytestmark = pytest.mark.service

OLD = {"version": "7.9.0", "hpos": False}


def products(linnworks) -> dict[str, tuple[str, int, float]]:
    return {sku: (row["Title"], row["Quantity"], row["Price"]) for sku, row in linnworks.products().items()}


# -- what comes --------------------------------------------------------------------------------------------


@pytest.mark.parametrize("options", [{}, OLD], ids=["11.0", "7.9"])
def test_each_variation_is_a_product_with_its_options_in_the_title(connected, options):
    """
    The parent is not a product; shared stock counts for each variation, and unmanaged stock is 0.
    """
    with WooShop(**options) as shop:
        shop.add_variable("TEE", {"TEE-S": "S", "TEE-M": "M"}, stock=3, name="T-shirt &amp; more")
        shop.add_variable("CAP", {"CAP-1": "One"}, stock=None, manage_stock=True, stock_quantity=40, name="Cap")
        shop.add_product("SOLD-OVER", stock=-2, backorders="yes", name="Teapot", sale_price="1.00", price="2.50")
        shop.add_product("UNCOUNTED", stock=None, name="Gift card")
        shop.add_product("BOX", type="grouped", name="Box")
        found = products(connected(shop))

    assert {
        "TEE-S": ("T-shirt & more - S", 3, 5.0),
        "TEE-M": ("T-shirt & more - M", 3, 5.0),
        "CAP-1": ("Cap - One", 40, 5.0),
        "SOLD-OVER": ("Teapot", 0, 2.5),
        "UNCOUNTED": ("Gift card", 0, 5.0),
    } == found


def test_unpublished_products_come_only_if_the_seller_chose_it(connected):
    """
    Drafts and private products are left out by default, products in the bin always.
    """
    with WooShop() as shop:
        for sku, status in {"OPEN": "publish", "DRAFT": "draft", "PRIVATE": "private", "GONE": "publish"}.items():
            shop.add_product(sku, status=status)
        shop.remove_product("GONE", for_good=False)
        few, all_of_them = connected(shop), connected(shop, hidden_products="True")

        assert {"OPEN"} == set(few.products())
        assert {"OPEN", "DRAFT", "PRIVATE"} == set(all_of_them.products())


@pytest.mark.parametrize("options", [{}, OLD], ids=["11.0", "7.9"])
def test_of_several_products_with_one_sku_one_is_offered(connected, options, monkeypatch):
    """
    If the seller chose so: the oldest one that is for sale, also where the others are on another page.
    """
    monkeypatch.setattr(catalogue, "PAGE_SIZE", 2)
    with WooShop(**options) as shop:
        draft = shop.add_variable("DRAFT", {"D-S": "S"}, status="draft")
        numbers = [shop.add_product(f"MUG-{lang}", name=lang) for lang in ("de", "en", "fr")]
        shirts = [shop.add_variable(lang, {f"{lang}-S": "S"}, name=f"Shirt {lang}") for lang in ("de", "en")]
        shop.add_product("ALONE", name="Alone")
        for product in shop.catalogue.products.values():
            if product.id in numbers:
                product.sku = "MUG"
            elif product.parent_id in (*shirts, draft):
                product.sku = "TEE-S"
        shop.catalogue.products[numbers[0]].status = "draft"
        one = connected(shop, same_sku="AS_ONE").products()
        none = connected(shop).products()

    assert {
        "MUG": ("en", f"wc-{numbers[1]}"),
        "TEE-S": ("Shirt de - S", f"wc-{shirts[0]}"),
        "ALONE": ("Alone", ""),
    } == {sku: (row["Title"], row["Reference"][: 0 if sku == "ALONE" else 6]) for sku, row in one.items()}
    assert {"ALONE"} == set(none)


def test_products_without_their_own_sku_are_left_out_and_listed_by_the_doctor(connected, run, monkeypatch):
    """
    No SKU, a parent's SKU and a SKU of two products are listed for the owner.
    """
    monkeypatch.setenv("BRIDGE_CHANNEL", "woocommerce")
    monkeypatch.setenv("BRIDGE_ALLOW_PRIVATE_SHOPS", "true")
    with WooShop() as shop:
        shop.add_product("FINE")
        shop.add_product("", name="Nameless")
        heir = shop.add_variable("HEIR", {"HEIR-1": "One"})
        shop.edit_product("HEIR-1", sku="")
        twins = [shop.add_product("TWIN-A"), shop.add_product("TWIN-B")]
        shop.catalogue.products[twins[1]].sku = "TWIN-A"
        shop.add_product("UNCOUNTED", stock=None)
        linnworks = connected(shop)
        found = set(linnworks.products())
        report = json.loads(run("woocommerce", "doctor", linnworks.account_name, "--json", status=1).partition("\n")[2])
        table = run("woocommerce", "doctor", linnworks.account_name, status=1)

    messages = {(finding["product"], finding["left_out"]): finding["message"] for finding in report["findings"]}
    assert {"FINE", "UNCOUNTED"} == found
    assert "shows its parent's, HEIR" in messages[heir, True]
    assert all("has this SKU too" in messages[twin, True] for twin in twins)
    assert "no SKU" in " ".join(messages.values())
    assert "is not managed" in " ".join(text for (_, left_out), text in messages.items() if not left_out)
    assert "6 products and variations, 4 of them left out." in table


def test_the_doctor_needs_a_finished_wizard(call, run, monkeypatch):
    """
    Before that there is no shop to check.
    """
    monkeypatch.setenv("BRIDGE_CHANNEL", "woocommerce")
    Linnworks(call, account_name="Unfinished")

    assert "Unfinished has not finished its wizard yet" in run("woocommerce", "doctor", "Unfinished", status=1)


# -- page by page ------------------------------------------------------------------------------------------


@pytest.mark.parametrize("options", [{}, OLD], ids=["11.0", "7.9"])
def test_many_variations_come_in_pages_that_fit_in_time(connected, options, monkeypatch):
    """
    A product with more variations than a page takes continues on the next; none is lost or comes twice.
    """
    monkeypatch.setattr(catalogue, "MOST_VARIATIONS", 20)
    with WooShop(**options) as shop:
        for number in range(4):
            shop.add_variable(f"V{number}", {f"V{number}-{size}": str(size) for size in range(9 + 15 * number)})
            shop.add_product(f"S{number}")
        linnworks = connected(shop)
        pages = []
        while not pages or pages[-1]["HasMorePages"]:
            pages.append(linnworks("ProductsEndpoint", PageNumber=len(pages) + 1))
        skus = [row["SKU"] for page in pages for row in page["Products"]]

    assert 4 + 9 + 24 + 39 + 54 == len(skus) == len(set(skus))
    assert max(len(page["Products"]) for page in pages) <= 24


def test_deleting_a_product_between_its_pages_loses_no_other(connected, monkeypatch):
    """
    The rest of the catalogue comes although a page ended within a product that was deleted.
    """
    monkeypatch.setattr(catalogue, "MOST_VARIATIONS", 5)
    with WooShop() as shop:
        shop.add_variable("BIG", {f"BIG-{size}": str(size) for size in range(9)})
        shop.add_product("AFTER")
        linnworks = connected(shop)
        first = linnworks("ProductsEndpoint", PageNumber=1)
        shop.remove_product("BIG")
        second = linnworks("ProductsEndpoint", PageNumber=2)

    assert [5, ["AFTER"]] == [len(first["Products"]), [row["SKU"] for row in second["Products"]]]


def test_a_whole_catalogue_is_read_in_few_calls(linnworks, woo):
    """
    A page of products is one call for its rows, and one that looks for others with the same SKUs.
    """
    for number in range(250):
        woo.add_product(f"MANY-{number:03}", stock=1, price="1.00")
    linnworks.products()  # by then the bridge knows that this shop is quick
    woo.server.calls.clear()

    found = linnworks.products()

    assert 252 == len(found)
    assert 6 >= len(woo.server.calls)
