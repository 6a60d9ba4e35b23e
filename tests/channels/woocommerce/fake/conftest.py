from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest

from tests.channels.woocommerce.fake.sample import sample_shop
from tests.channels.woocommerce.fake.shop import WooShop
from tests.channels.woocommerce.fake.visitor import Visitor


@pytest.fixture
def visit() -> Iterator[Any]:
    """A visitor of a new shop; the sample shop where `sample` is asked for."""
    shops = []

    def enter(*, sample: bool = False, read_only: bool = False, **wanted: Any) -> Visitor:
        shops.append(sample_shop(**wanted) if sample else WooShop(**wanted))
        return Visitor(shops[-1], read_only=read_only)

    yield enter
    for shop in shops:
        shop.close()
