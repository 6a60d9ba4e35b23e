"""A slow WooCommerce is asked for less at a time, so that every request makes progress."""

from __future__ import annotations

from typing import Any

import pytest

from bridge.channels.woocommerce import WooCommerceChannel
from bridge.clock import EPOCH
from bridge.protocol.schemas.products import StockLevel
from bridge.settings import Settings
from tests.channels.hostile.slow import BUDGET, SlowShop, push_until_set

pytestmark = [pytest.mark.service, pytest.mark.parametrize("seconds_each", [0.09, 0.2, 0.5])]
SETTINGS = Settings(allow_private_shops=True)
ORDERS, PRODUCTS = 45, 130


def count(method: str, path: str, body: Any, answer: Any) -> int:
    if path.endswith("products/batch"):
        return len(body["update"])
    is_list = isinstance(answer, list) and path.partition("?")[0].endswith(("v3/orders", "v3/products"))
    return len(answer) if is_list else 0


def a_channel(woo, slow: SlowShop) -> WooCommerceChannel:
    answers = {"store_url": woo.url, "consumer_key": woo.key, "consumer_secret": woo.secret}
    return WooCommerceChannel(answers, slow.request(), SETTINGS)


def test_every_poll_brings_orders_until_all_have_come(woo, seconds_each):
    """
    Each page has orders, is within the budget, and begins behind the last order of the one before.
    """
    numbers = [woo.place_order({"MUG": 1}) for _ in range(ORDERS)]
    slow = SlowShop(woo.server, seconds_each, count)
    found, cursor, polls = [], None, 0
    while cursor or not polls:
        page = a_channel(woo, slow).orders(EPOCH, cursor)
        found += [order.reference_number for order in page.items]
        polls += 1

        assert page.items or not page.next_cursor
        assert slow.deadline.spent() <= BUDGET

        cursor = page.next_cursor

    assert numbers == found
    assert polls <= 3 + 2 * ORDERS * seconds_each / (BUDGET / 4)  # a short page shows half of its rows again


def test_every_push_sets_levels_until_all_are_set(woo, seconds_each):
    """
    What was cut off is sent in smaller batches, and little is done twice.
    """
    for number in range(PRODUCTS):
        woo.add_product(f"SKU-{number}", stock=1)
    references = {f"SKU-{n}": f"wc-{woo.catalogue.find(f'SKU-{n}').id}" for n in range(PRODUCTS)}
    slow = SlowShop(woo.server, seconds_each, count)
    levels = [StockLevel(sku=sku, reference=reference, quantity=7) for sku, reference in references.items()]
    push_until_set(slow, lambda: a_channel(woo, slow), levels)

    assert {7} == {woo.stock(sku) for sku in references}


def test_every_page_of_the_catalogue_brings_products(woo, seconds_each):
    """
    The catalogue comes as completely as from a quick shop.
    """
    for number in range(PRODUCTS):
        woo.add_product(f"SKU-{number}", stock=1)
    slow = SlowShop(woo.server, seconds_each, lambda *call: count(*call) if "offset" in call[1] else 0)
    found, cursor, polls = [], None, 0
    while cursor or not polls:
        page = a_channel(woo, slow).products(cursor)
        found += [product.sku for product in page.items]
        cursor, polls = page.next_cursor, polls + 1

        assert page.items
        assert slow.deadline.spent() <= BUDGET

    assert woo.skus() == set(found)
    assert len(found) == len(set(found))
