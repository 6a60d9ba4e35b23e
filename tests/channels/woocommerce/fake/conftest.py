from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest

from tests.channels.woocommerce.fake.api_client import ApiClient
from tests.channels.woocommerce.fake.sample import sample_shop
from tests.channels.woocommerce.fake.shop import WooShop


@pytest.fixture
def new_client() -> Iterator[Any]:
    """Make a client of a new shop, or of the sample shop if `sample`."""
    shops = []

    def make(*, sample: bool = False, read_only: bool = False, **wanted: Any) -> ApiClient:
        shops.append(sample_shop(**wanted) if sample else WooShop(**wanted))
        return ApiClient(shops[-1], read_only=read_only)

    yield make
    for shop in shops:
        shop.close()
