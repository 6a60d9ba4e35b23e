from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from contextlib import AbstractContextManager
from decimal import Decimal
from typing import Any

import pytest

from bridge.settings import Settings
from tests.channels.contract import (
    DespatchContract,
    ListingsContract,
    OrdersContract,
    OrderStateContract,
    PostSaleContract,
    PriceContract,
    ProductsContract,
    SetUpContract,
    ShopUnderTest,
    StockContract,
)
from tests.channels.woocommerce import live
from tests.channels.woocommerce.fake.shop import TRACKING, WooShop
from tests.channels.woocommerce.live import sent_of

pytestmark = pytest.mark.service


class ScriptedShop(ShopUnderTest):
    """The scripted WooCommerce, with enough orders and products for several pages."""

    skus = ("ALWAYS-1", "ALWAYS-2")
    can_delete_orders = has_other_prices = True

    def __init__(self, shop: WooShop) -> None:
        self.shop = shop
        self.answers = {"store_url": shop.url, "consumer_key": shop.key, "consumer_secret": shop.secret}
        self.wrong_answers = {**self.answers, "consumer_secret": f"cs_{'0' * 40}"}
        shop.add_category("Garden")
        for sku in self.skus:
            shop.add_product(sku, stock=100_000, price="7.35")
        for number in range(230):
            shop.add_product(f"SIMPLE-{number}", stock=number, price="3.50")
        for number in range(5, 10):
            shop.edit_product(f"SIMPLE-{number}", sale_price="0.01")
        for number in range(6):
            shop.add_variable(f"TEE-{number}", {f"TEE-{number}-{size}": size for size in "SML"}, stock=5)
        shop.add_variable("CAP", {"CAP-1": "One", "CAP-2": "Two"}, stock=None, manage_stock=True, stock_quantity=40)
        shop.add_product("UNCOUNTED", stock=None)
        for _ in range(230):
            shop.age(shop.place_order({"ALWAYS-1": 1}), days=10)  # so that recent orders are read quickly
        shop.place_order({"TEE-1-S": 2, "ALWAYS-2": 1}, fees={"Gift wrap": "2.00"}, note="Ring twice")

    def references(self) -> set[str]:
        return self.shop.numbers()

    def place_order(self, lines: Mapping[str, int], *, paid: bool = True, days_ago: int = 0) -> str:
        number = self.shop.place_order(lines, paid=paid)
        self.shop.age(number, days_ago)
        return number

    def pay(self, reference: str) -> None:
        self.shop.pay(reference)

    def cancel(self, reference: str) -> None:
        self.shop.cancel(reference)

    def touch(self, reference: str) -> None:
        self.shop.touch(reference, "Please ring twice.")

    def sent(self, reference: str) -> dict[str, int]:
        return sent_of(self.shop.order(reference))

    def refunded(self, reference: str) -> Decimal:
        return sum((Decimal(refund["amount"]) for refund in self.shop.refunds(reference)), Decimal(0))

    def add_product(self, sku: str) -> None:
        self.shop.add_product(sku)

    def remove_product(self, sku: str) -> None:
        self.shop.remove_product(sku)

    def other_prices(self, sku: str) -> Mapping[str, Decimal]:
        reduced = self.shop.product(sku)["sale_price"]
        return {"sale price": Decimal(reduced)} if reduced else {}

    def done(self, reference: str) -> Any:
        """Return the status, customer notes and tracking numbers too."""
        order = self.shop.order(reference)
        notes = [note.text for note in self.shop.row(reference).notes if note.for_customer]
        tracking = [item["tracking_number"] for item in self.shop.tracking(reference).get(TRACKING[0], ())]
        return order["status"], notes, tracking, self.sent(reference), self.refunded(reference)

    def lose_answer(self, number: int) -> AbstractContextManager[Callable[[], bool]]:
        return self.shop.faults.answer_lost(number)

    def delete_order(self, reference: str) -> None:
        self.shop.delete_for_good(reference)

    def refund(self, reference: str, amount: Decimal) -> None:
        self.shop.refund(reference, amount)

    def category(self, sku: str) -> str:
        return str(self.shop.catalogue.find(sku).categories[0])


VARIANTS = {
    "11.0-hpos": {},
    "7.9-posts-inclusive-signed": {"version": "7.9.0", "hpos": False, "prices_include_tax": True, "https_flag": False},
    "11.0-posts-signed": {"hpos": False, "https_flag": False},
    "10.3-hpos-inclusive": {"version": "10.3.6", "prices_include_tax": True},
}
USUAL, *OTHERS = VARIANTS
LIVE = "running shop"


@pytest.fixture(
    scope="module",
    params=[
        USUAL,
        *(pytest.param(name, marks=pytest.mark.full) for name in OTHERS),
        pytest.param(
            LIVE,
            marks=[pytest.mark.full, pytest.mark.skipif(not live.URL, reason="there is no running shop to test")],
        ),
    ],
)
def variant(request) -> str:
    """Each version with its storage, taxes and authentication, and the running shop."""
    return request.param


@pytest.fixture(scope="module")
def settings(variant, tmp_path_factory) -> Settings:
    """An installation for each variant, because one would get too many integrations from this address."""
    return Settings(data_dir=tmp_path_factory.mktemp("data"), channel="woocommerce", allow_private_shops=True)


@pytest.fixture(scope="module")
def shop(variant) -> Iterator[ShopUnderTest]:
    """The shop that all suites share."""
    if variant == LIVE:
        yield live.LiveShop()
    else:
        with WooShop(**VARIANTS[variant]) as shop:
            yield ScriptedShop(shop)


class TestWooCommerce(
    SetUpContract,
    OrdersContract,
    OrderStateContract,
    DespatchContract,
    PostSaleContract,
    ProductsContract,
    StockContract,
    PriceContract,
    ListingsContract,
):
    """WooCommerce keeps every promise, in every variant."""
