"""The corner shop passes the suites of all that it supports, and `linnworks-bridge check`."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator, Mapping
from contextlib import AbstractContextManager
from decimal import Decimal
from pathlib import Path

import pytest
from click.testing import CliRunner
from scripted_shop import ScriptedShop

from bridge.cli import main
from bridge.settings import Settings
from tests.channels.contract import (
    DespatchContract,
    OrdersContract,
    OrderStateContract,
    PostSaleContract,
    PriceContract,
    ProductsContract,
    SetUpContract,
    ShopUnderTest,
    StockContract,
)

pytestmark = pytest.mark.service


class CornerShopUnderTest(ShopUnderTest):
    """The scripted shop, with several pages of orders and products."""

    skus = ("ALWAYS-1", "ALWAYS-2")

    def __init__(self, shop: ScriptedShop) -> None:
        self.shop = shop
        self.answers = {"shop_url": shop.url, "api_key": shop.key}
        self.wrong_answers = {**self.answers, "api_key": "the key of another shop"}
        for sku in self.skus:
            shop.add_product(sku, stock=10_000)
        for number in range(103):
            shop.add_product(f"SKU-{number}")
            shop.place_order({"ALWAYS-1": 2, "ALWAYS-2": 1}, paid=number > 0, days_ago=2)

    def references(self) -> set[str]:
        return set(self.shop.orders)

    def place_order(self, lines: Mapping[str, int], *, paid: bool = True, days_ago: int = 0) -> str:
        return self.shop.place_order(lines, paid=paid, days_ago=days_ago)

    def pay(self, reference: str) -> None:
        self.shop.pay(reference)

    def cancel(self, reference: str) -> None:
        self.shop.cancel(reference)

    def touch(self, reference: str) -> None:
        self.shop.note(reference, "Please ring twice.")

    def refund(self, reference: str, amount: Decimal) -> None:
        self.shop.refund(reference, amount)

    def sent(self, reference: str) -> dict[str, int]:
        return self.shop.sent(reference)

    def refunded(self, reference: str) -> Decimal:
        return self.shop.orders[reference]["refunded"]

    def add_product(self, sku: str) -> None:
        self.shop.add_product(sku)

    def remove_product(self, sku: str) -> None:
        del self.shop.products[sku]

    def lose_answer(self, number: int) -> AbstractContextManager[Callable[[], bool]]:
        return self.shop.server.faults.answer_lost(number)


@pytest.fixture(scope="module")
def settings(tmp_path_factory) -> Settings:
    """Settings with this channel, for a shop on this machine."""
    return Settings(data_dir=tmp_path_factory.mktemp("data"), channel="corner_shop", allow_private_shops=True)


@pytest.fixture(scope="module")
def shop() -> Iterator[CornerShopUnderTest]:
    """The shop that all tests share."""
    shop = ScriptedShop()
    yield CornerShopUnderTest(shop)
    shop.server.close()


class TestSetUp(SetUpContract):
    """The wizard, its settings and the tags."""


class TestProducts(ProductsContract):
    """The catalogue."""


class TestStock(StockContract):
    """Stock levels."""


class TestPrices(PriceContract):
    """Prices."""


class TestOrders(OrdersContract):
    """Orders, and what changed of them."""


class TestOrderState(OrderStateContract):
    """What the shop knows of an order."""


class TestDespatch(DespatchContract):
    """Despatches, also after a lost answer."""


class TestPostSale(PostSaleContract):
    """Cancels and refunds are not offered, and refused."""


@pytest.mark.full
def test_linnworks_finds_no_fault(tmp_path, monkeypatch, shop):
    """`linnworks-bridge check` plays Linnworks against the channel, and no rule is broken."""
    answers = tmp_path / "answers.env"
    answers.write_text("".join(f"{name}={value}\n" for name, value in shop.answers.items()))
    monkeypatch.setenv("PYTHONPATH", str(Path(__file__).parent), prepend=os.pathsep)
    monkeypatch.setenv("BRIDGE_CHANNEL", "corner_shop")
    monkeypatch.setenv("BRIDGE_ALLOW_PRIVATE_SHOPS", "true")
    result = CliRunner().invoke(main, ["check", "--config-file", str(answers), "--strict"])

    assert 0 == result.exit_code, result.output
