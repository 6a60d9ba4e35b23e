from __future__ import annotations

from collections.abc import Callable
from decimal import Decimal
from typing import Any

import pytest

from bridge.channels.medusa.api import MedusaClient
from bridge.channels.medusa.preferences import PriceTarget
from bridge.channels.medusa.prices import PriceChange, whole_prices
from tests.channels.hostile.server import Fault

pytestmark = pytest.mark.service

LEVELS = "/admin/inventory-items/location-levels/batch"


def set_stock(linnworks, *rows: tuple[str, int], reference: str = "") -> list[str | None]:
    products = [{"SKU": sku, "Reference": reference, "Quantity": level} for sku, level in rows]
    return [row["Error"] for row in linnworks("InventoryUpdateEndpoint", Products=products)["Products"]]


def set_prices(linnworks, *rows: tuple[str, Any, str]) -> list[str | None]:
    products = [{"SKU": sku, "Reference": "", "Price": price, "Tag": tag} for sku, price, tag in rows]
    return [row["Error"] for row in linnworks("PriceUpdateEndpoint", Products=products)["Products"]]


def writes(medusa) -> list[str]:
    return [path.partition("?")[0] for method, path in medusa.calls if method == "POST"]


# -- stock ---------------------------------------------------------------------------------------------


def test_what_is_reserved_is_added_to_what_is_available(linnworks, medusa):
    """
    Other locations stay as they are.
    """
    other = medusa.add_location("Other place")
    medusa.set_stock("MUG", 9, other)
    medusa.place_order({"MUG": 3})

    assert [None] == set_stock(linnworks, ("MUG", 20))
    assert (23, 3) == medusa.stock("MUG")
    assert (9, 0) == medusa.stock("MUG", other)


def test_a_product_that_was_renamed_is_found_by_its_reference(linnworks, medusa):
    """
    Its old SKU is that of no other product.
    """
    reference = linnworks.products()["MUG"]["Reference"]
    medusa.variant("MUG")["sku"] = "CUP"

    assert [None] == set_stock(linnworks, ("MUG", 4), reference=reference)
    assert medusa.stock("CUP")[0] == 4


def test_a_level_that_the_location_lacks_is_created(connected, medusa):
    """
    Medusa has none for a product that was never at the location.
    """
    place = medusa.add_location("New place")
    linnworks = connected(medusa, stock_location=place)

    assert [None, None] == set_stock(linnworks, ("MUG", 4), ("BOOK", 0))
    assert (4, 0) == medusa.stock("MUG", place)
    assert (50, 0) == medusa.stock("MUG")


def test_levels_that_the_shop_has_are_not_written(linnworks, medusa):
    """
    Only what differs is sent.
    """
    assert [None, None] == set_stock(linnworks, ("MUG", 50), ("BOOK", 50))
    assert LEVELS not in writes(medusa)


def test_a_location_that_is_gone_is_refused(linnworks, medusa):
    """
    Medusa itself would create levels at it.
    """
    medusa.tables["stock_locations"].clear()
    (error,) = set_stock(linnworks, ("MUG", 4))

    assert "location of this integration is gone" in error
    assert LEVELS not in writes(medusa)


def test_stock_is_counted_if_the_seller_chose_that(connected, medusa):
    """
    Otherwise the level is refused with words; others of the batch are set.
    """
    medusa.add_product("GIFT", stock=None)
    refused, done = set_stock(connected(medusa), ("GIFT", 3), ("MUG", 4))

    assert "does not count its stock" in refused
    assert done is None
    assert [None] == set_stock(connected(medusa, unmanaged_stock="MANAGE"), ("GIFT", 3))
    assert (3, 0) == medusa.stock("GIFT")


def test_the_level_of_a_kit_is_refused(linnworks, medusa):
    """
    Its stock is that of its parts.
    """
    medusa.variant("MUG")["inventory_items"] += medusa.variant("BOOK")["inventory_items"]
    kit, book = set_stock(linnworks, ("MUG", 3), ("BOOK", 4))

    assert "kit" in kit
    assert book is None


def test_a_level_that_medusa_refuses_costs_no_other(linnworks, medusa):
    """
    A batch of levels is all or nothing, so its halves are sent, down to the one that is refused.
    """
    for number in range(6):
        medusa.add_product(f"P{number}")
    medusa.catalogue.items.pop(medusa.variant("P3")["inventory_items"][0])
    outcomes = set_stock(linnworks, *((f"P{number}", number + 1) for number in range(6)))

    assert [False, False, False, True, False, False] == [bool(outcome) for outcome in outcomes]
    assert [1, 2, 3, 5, 6] == [medusa.stock(f"P{number}")[0] for number in (0, 1, 2, 4, 5)]


def test_a_level_whose_answer_is_lost_is_not_sent_again_at_once(linnworks, medusa):
    """
    It might overwrite a newer one.
    """
    medusa.faults.add(Fault.DROP_AFTER, path="location-levels/batch")
    (error,) = set_stock(linnworks, ("MUG", 4))

    assert error
    assert medusa.stock("MUG")[0] == 4
    assert writes(medusa).count(LEVELS) == 1


# -- prices --------------------------------------------------------------------------------------------


def test_each_tag_sets_its_price_and_leaves_the_others_alone(connected, medusa):
    """
    A currency, a region and a price list in one request; amounts are rounded to the currency's decimals.
    """
    region = medusa.regions["gbp"]
    sale = medusa.add_price_list("Sale", {"BOOK": "1.00"})
    medusa.set_prices(
        "MUG",
        {"currency_code": "gbp", "amount": 5},
        {"currency_code": "eur", "amount": 6},
        {"currency_code": "gbp", "amount": 4, "min_quantity": 10},
        {"currency_code": "gbp", "amount": 3, "rules": {"region_id": region}},
    )
    tags = {"price_tag_base_gbp": "UNTAGGED", f"price_tag_region_{region}.gbp": "UK", "price_tag_base_eur": "EUR"}
    linnworks = connected(medusa, **tags, **{f"price_tag_list_{sale}.gbp": "SALE"})
    first = set_prices(linnworks, ("MUG", 7.777, ""), ("MUG", 8.5, "UK"), ("MUG", 2, "SALE"), ("BOOK", 3, "SALE"))
    prices = {(row["currency_code"], row["min_quantity"], bool(row["rules"])): row["amount"] for row in base(medusa)}

    assert [None] * 4 == first
    assert {
        ("gbp", None, False): Decimal("7.78"),
        ("eur", None, False): 6,
        ("gbp", 10, False): 4,
        ("gbp", None, True): Decimal("8.5"),
    } == prices
    assert [(2, "MUG"), (3, "BOOK")] == sorted(
        (row["amount"], sku) for sku in ("MUG", "BOOK") for row in of_lists(medusa, sku)
    )


def base(medusa) -> list[Any]:
    return list(medusa.variant("MUG")["prices"])


def of_lists(medusa, sku: str) -> list[Any]:
    key = medusa.variant(sku)["id"]
    return [row for row in medusa.catalogue.list_prices.values() if row["variant_id"] == key]


def test_a_price_asked_again_makes_no_second_one(connected, medusa):
    """
    Neither among the base prices nor in a price list, which would take several of the same.
    """
    sale = medusa.add_price_list("Sale")
    linnworks = connected(medusa, **{f"price_tag_list_{sale}.gbp": "SALE", "price_tag_base_eur": "EUR"})
    for amount in (3, 3, 4):
        assert [None, None] == set_prices(linnworks, ("MUG", amount, "SALE"), ("MUG", amount, "EUR"))

    assert [4] == [row["amount"] for row in of_lists(medusa, "MUG")]
    assert [4] == [row["amount"] for row in base(medusa) if row["currency_code"] == "eur"]


def test_a_currency_that_the_shop_does_not_support_is_refused(connected, medusa):
    """
    Medusa itself would take it.
    """
    linnworks = connected(medusa, price_tag_base_eur="EUR")
    del medusa.currencies["eur"]
    (error, done) = set_prices(linnworks, ("MUG", 3, "EUR"), ("BOOK", 4, ""))

    assert "does not support the currency EUR" in error
    assert done is None


def test_prices_of_many_products_are_set_in_one_call(linnworks, medusa):
    """
    They are read in one call too.
    """
    for number in range(20):
        medusa.add_product(f"P{number}")
    linnworks.products()
    medusa.calls.clear()

    assert [None] * 20 == set_prices(linnworks, *((f"P{number}", number + 1, "") for number in range(20)))
    assert len(writes(medusa)) == 1


def test_all_prices_are_sent_back_whole():
    """
    Medusa would take two without their rules for one, and delete the other.
    """
    present = [
        {"id": "p1", "currency_code": "gbp", "amount": 5, "min_quantity": None, "max_quantity": None, "rules": {}},
        {"id": "p2", "currency_code": "gbp", "amount": Decimal("4.5"), "min_quantity": 10, "rules": {}},
        {"id": "p3", "currency_code": "gbp", "amount": 3, "rules": {"region_id": "reg_1"}, "created_at": "now"},
    ]
    change = PriceChange({"id": "v"}, PriceTarget("gbp"), Decimal("9.99"))
    whole = whole_prices(present, [change])

    assert whole is not None
    assert [("p1", Decimal("9.99")), ("p2", Decimal("4.5")), ("p3", 3)] == [(row["id"], row["amount"]) for row in whole]
    assert [{}, {}, {"region_id": "reg_1"}] == [row["rules"] for row in whole]
    assert "created_at" not in whole[2]
    assert whole_prices(present, [PriceChange({"id": "v"}, PriceTarget("gbp"), Decimal(5))]) is None


# -- what happens in between ---------------------------------------------------------------------------


@pytest.fixture
def before_writing(medusa, monkeypatch):
    """Let something happen in the shop after what is there was read, and before the first write."""

    def happens(what: Callable[[], object]) -> None:
        real, waiting = MedusaClient.post, [what]

        def post(shop: MedusaClient, path: str, body: Any, **options: Any) -> Any:
            if waiting:
                waiting.pop()()
            return real(shop, path, body, **options)

        monkeypatch.setattr(MedusaClient, "post", post)

    return happens


def test_an_order_placed_in_between_stays_subtracted(linnworks, medusa, before_writing):
    """
    Linnworks did not know of it when it sent the level.
    """
    before_writing(lambda: medusa.place_order({"MUG": 3}))

    assert [None] == set_stock(linnworks, ("MUG", 20))
    assert (20, 3) == medusa.stock("MUG")


def test_an_order_despatched_in_between_does_not_raise_the_level(linnworks, medusa, before_writing):
    """
    What was reserved for it was added, and is reserved no more.
    """
    order = medusa.place_order({"MUG": 3})
    (line,) = medusa.order(order)["items"]
    fulfilment = {"items": [{"id": line["id"], "quantity": 3}], "location_id": medusa.location}
    before_writing(lambda: medusa.orders.fulfil(order, fulfilment))

    assert [None] == set_stock(linnworks, ("MUG", 20))
    assert (20, 0) == medusa.stock("MUG")


def test_a_variant_deleted_in_between_costs_no_other(linnworks, medusa, before_writing):
    """
    Medusa refuses a batch with one that it does not have.
    """
    medusa.add_product("GONE")
    before_writing(lambda: medusa.remove_product("GONE"))
    outcomes = set_prices(linnworks, ("MUG", 3, ""), ("GONE", 4, ""), ("BOOK", 5, ""))

    assert [False, True, False] == [bool(outcome) for outcome in outcomes]
    assert [3, 5] == [medusa.prices(sku)["gbp"] for sku in ("MUG", "BOOK")]
