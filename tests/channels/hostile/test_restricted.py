"""The suites suit a shop that keeps its orders and products and lets few of them be changed."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from bridge.settings import Settings
from tests.channels.contract import (
    DespatchContract,
    OrdersContract,
    PostSaleContract,
    PriceContract,
    ProductsContract,
    SetUpContract,
    ShopUnderTest,
    StockContract,
)
from tests.channels.hostile.adapter import ShopOverHttp
from tests.channels.hostile.restricted import CHANGEABLE
from tests.channels.hostile.shop import HostileShop

pytestmark = [pytest.mark.service, pytest.mark.full]  # the suites once more, on a shop that allows little


class RestrictedShop(ShopOverHttp):
    """The hostile shop with what every shop must be able to do, and nothing more."""

    changeable = CHANGEABLE
    can_delete_orders = can_delete_products = has_other_prices = False
    delete_order = ShopUnderTest.delete_order
    remove_product = ShopUnderTest.remove_product
    other_prices = ShopUnderTest.other_prices
    refund = ShopUnderTest.refund


@pytest.fixture(scope="module")
def settings(tmp_path_factory) -> Settings:
    """Settings of an installation for shops on this machine."""
    return Settings(
        data_dir=tmp_path_factory.mktemp("data"),
        channel="tests.channels.hostile.restricted:RestrictedChannel",
        allow_private_shops=True,
    )


@pytest.fixture(scope="module")
def shop() -> Iterator[RestrictedShop]:
    """A shop with several pages of orders and products."""
    shop = HostileShop(products=160, orders=35)
    yield RestrictedShop(shop)
    shop.close()


class TestRestricted(
    SetUpContract,
    OrdersContract,
    DespatchContract,
    PostSaleContract,
    ProductsContract,
    StockContract,
    PriceContract,
):
    """A shop that allows little keeps every promise."""
