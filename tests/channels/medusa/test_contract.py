from __future__ import annotations

from collections.abc import Iterator

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
from tests.channels.medusa.fake.shop import MedusaShop
from tests.channels.medusa.scripted import ScriptedShop

pytestmark = pytest.mark.service

SCRIPTED, LIVE = "scripted", "running shop"


@pytest.fixture(
    scope="module",
    params=[
        SCRIPTED,
        pytest.param(
            LIVE,
            marks=[pytest.mark.full, pytest.mark.skipif(not live.URL, reason="there is no running shop to test")],
        ),
    ],
)
def variant(request) -> str:
    """The scripted shop, and the running one."""
    return request.param


@pytest.fixture(scope="module")
def settings(variant, tmp_path_factory) -> Settings:
    """An installation for each variant, because one would get too many integrations from this address."""
    return Settings(data_dir=tmp_path_factory.mktemp("data"), channel="medusa", allow_private_shops=True)


@pytest.fixture(scope="module")
def shop(variant) -> Iterator[ShopUnderTest]:
    """The shop that all suites share."""
    if variant == LIVE:
        yield live.LiveShop()
    else:
        with MedusaShop() as shop:
            yield ScriptedShop(shop)


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
