"""A slow shop is asked for less at a time, so that every request makes progress."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest

from bridge.clock import EPOCH
from bridge.protocol.schemas.products import StockLevel
from bridge.settings import Settings
from tests.channels.hostile.channel import NO_WAITING, HostileChannel
from tests.channels.hostile.shop import HostileShop
from tests.channels.hostile.slow import BUDGET, SlowShop, push_until_set

pytestmark = [pytest.mark.service, pytest.mark.parametrize("seconds_each", [0.09, 0.2, 0.5])]
SETTINGS = Settings(allow_private_shops=True)
ORDERS, PRODUCTS = 45, 130


@pytest.fixture
def shop() -> Iterator[HostileShop]:
    shop = HostileShop(products=PRODUCTS, orders=ORDERS)
    yield shop
    shop.close()


@pytest.fixture(autouse=True)
def large_pages(monkeypatch) -> None:
    monkeypatch.setattr(HostileChannel, "policy", NO_WAITING)
    monkeypatch.setattr(HostileChannel, "orders_page_size", 100)


def count(method: str, path: str, body: Any, answer: Any) -> int:
    return len(body or ()) if method == "PUT" else len(answer.get("rows", ()))


def a_channel(shop: HostileShop, slow: SlowShop) -> HostileChannel:
    return HostileChannel({"shop_url": shop.url, "api_key": shop.key}, slow.request(), SETTINGS)


def test_every_poll_brings_orders_until_all_have_come(shop, seconds_each):
    """Each page has orders and is within the budget."""
    slow = SlowShop(shop.server, seconds_each, count)
    found, cursor, polls = [], None, 0
    while cursor or not polls:
        page = a_channel(shop, slow).orders(EPOCH, cursor)
        found += [order.reference_number for order in page.items]
        cursor, polls = page.next_cursor, polls + 1

        assert page.items
        assert slow.deadline.spent() <= BUDGET

    assert list(shop.orders) == found
    assert polls <= 2 + ORDERS * seconds_each / (BUDGET / 4)


def test_every_push_sets_levels_until_all_are_set(shop, seconds_each):
    """What was cut off is asked for in smaller batches, and little is done twice."""
    slow = SlowShop(shop.server, seconds_each, count)
    levels = [StockLevel(sku=f"SKU-{number}", reference="", quantity=7) for number in range(PRODUCTS)]
    push_until_set(slow, lambda: a_channel(shop, slow), levels)

    assert {7} == {product.stock for product in shop.products.values()}
