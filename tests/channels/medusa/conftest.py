from __future__ import annotations

from collections.abc import Callable, Iterator

import pytest

from bridge.settings import Settings
from tests.channels.medusa.fake.shop import MedusaShop
from tests.linnworks import Linnworks


@pytest.fixture(scope="module")
def settings(tmp_path_factory) -> Settings:
    """Settings of an installation for Medusa shops on this machine."""
    return Settings(
        data_dir=tmp_path_factory.mktemp("data"),
        channel="medusa",
        allow_private_shops=True,
        action_settles_seconds=0,
    )


@pytest.fixture
def medusa() -> Iterator[MedusaShop]:
    """A shop with two products."""
    with MedusaShop() as shop:
        shop.add_product("MUG", stock=50, price="7.99")
        shop.add_product("BOOK", stock=50, price="5.00")
        yield shop


@pytest.fixture
def connected(call) -> Callable[..., Linnworks]:
    """Make an integration with a shop that has finished its wizard."""

    def connect(shop: MedusaShop, **answers: str) -> Linnworks:
        linnworks = Linnworks(call, account_name=f"Shop at {shop.url}")
        linnworks.finish_wizard(**{"store_url": shop.url, "api_key": shop.key, **answers})
        return linnworks

    return connect


@pytest.fixture
def linnworks(connected, medusa) -> Linnworks:
    """An integration with the shop that has finished its wizard."""
    return connected(medusa)
