from __future__ import annotations

from collections.abc import Callable, Iterator

import pytest

from bridge.settings import Settings
from tests.channels.woocommerce.fake.shop import WooShop
from tests.linnworks import Linnworks


@pytest.fixture(scope="module")
def settings(tmp_path_factory) -> Settings:
    """Settings of an installation for WooCommerce shops on this machine."""
    return Settings(
        data_dir=tmp_path_factory.mktemp("data"),
        channel="woocommerce",
        allow_private_shops=True,
        action_settles_seconds=0,
    )


@pytest.fixture
def woo() -> Iterator[WooShop]:
    """A shop of the newest version with two products."""
    with WooShop() as shop:
        shop.add_product("MUG", stock=50, price="7.99")
        shop.add_product("BOOK", stock=50, price="5.00", tax_class="reduced-rate")
        yield shop


@pytest.fixture
def connected(call) -> Callable[..., Linnworks]:
    """Make an integration with a shop that has finished its wizard."""

    def connect(shop: WooShop, **answers: str) -> Linnworks:
        linnworks = Linnworks(call, account_name=f"Shop at {shop.url}")
        credentials = {"store_url": shop.url, "consumer_key": shop.key, "consumer_secret": shop.secret}
        linnworks.finish_wizard(**{**credentials, **answers})
        return linnworks

    return connect


@pytest.fixture
def linnworks(connected, woo) -> Linnworks:
    """An integration with the shop that has finished its wizard."""
    return connected(woo)
