from __future__ import annotations

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
from tests.channels.medusa import live

pytestmark = pytest.mark.service

LIVE = "running shop"


@pytest.fixture(
    scope="module",
    params=[
        pytest.param(
            LIVE,
            marks=[pytest.mark.full, pytest.mark.skipif(not live.URL, reason="there is no running shop to test")],
        ),
    ],
)
def variant(request) -> str:
    """The running shop."""
    return request.param


@pytest.fixture(scope="module")
def settings(variant, tmp_path_factory) -> Settings:
    """An installation for each variant, because one would get too many integrations from this address."""
    return Settings(data_dir=tmp_path_factory.mktemp("data"), channel="medusa", allow_private_shops=True)


@pytest.fixture(scope="module")
def shop(variant) -> ShopUnderTest:
    """The shop that all suites share."""
    return live.LiveShop()


class TestMedusa(
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
    """Medusa keeps every promise."""
