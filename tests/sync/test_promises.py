"""Promises that hold in real processes, with a real shop over HTTP that fails on purpose."""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor

import pytest
import requests

from tests.channels.hostile.server import Fault
from tests.channels.hostile.shop import HostileShop
from tests.linnworks import Linnworks
from tests.processes import Service, until

pytestmark = pytest.mark.service

CHANNEL = {"BRIDGE_CHANNEL": "tests.channels.hostile.channel", "BRIDGE_ALLOW_PRIVATE_SHOPS": "true"}


@pytest.fixture
def shop() -> Iterator[HostileShop]:
    """Yield a shop of a thousand products, with some orders."""
    shop = HostileShop(products=1000, orders=12)
    yield shop
    shop.close()


@pytest.fixture
def connect(shop):
    """Return a function that makes an integration of a service with that shop."""

    def begin(service: Service, name: str = "promises") -> Linnworks:
        linnworks = Linnworks(service.post, name)
        linnworks.finish_wizard(shop_url=shop.url, api_key=shop.key)
        return linnworks

    return begin


def refund_of(order: dict) -> dict:
    """Return a small refund for an order's first line."""
    item = {"OrderLineNumber": order["OrderItems"][0]["OrderLineNumber"], "RefundAmount": 1.5}
    return {"ReferenceNumber": order["ReferenceNumber"], "Items": [item]}


def settled(ask):
    """Repeat a request until it succeeds and return that answer."""
    return until(lambda: (answer := ask())["Error"] is None and answer, 30)


def test_an_action_is_done_once_whatever_becomes_of_its_answer(shop, connect, tmp_path):
    """
    The shop refunds and the answer is lost or unreadable: ten repeats, one refund, always the same reference.
    """
    faults = (Fault.DROP_AFTER, Fault.CUT_OFF, Fault.BROKEN_AFTER, Fault.TRUNCATED, Fault.BAD_GATEWAY_AFTER)
    with Service(tmp_path, **CHANNEL) as service:
        linnworks = connect(service)
        for fault, (reference, order) in zip(faults, linnworks.orders().items(), strict=False):
            refund = refund_of(order)
            shop.faults.add(fault, "/refund", method="POST")
            first = linnworks("RefundEndpoint", Refund=refund)
            answers = [settled(lambda: linnworks("RefundEndpoint", Refund=refund)) for _ in range(10)]  # noqa: B023

            assert first["Error"]
            assert [shop.done("refund", reference)[0].reference] == list({one["RefundReference"] for one in answers})
            assert 1 == len(shop.done("refund", reference))


def test_an_action_is_done_once_though_the_shop_does_it_late(shop, connect, tmp_path, monkeypatch):
    """
    The shop refunds long after the call has timed out: repeats wait until it has settled, and find the one refund.
    """
    may_refund = threading.Event()
    monkeypatch.setattr(shop.server, "wait", lambda seconds: may_refund.wait(60))
    with Service(tmp_path, **CHANNEL, BRIDGE_ACTION_SETTLES_SECONDS="60") as service:
        linnworks = connect(service)
        reference, order = linnworks.orders().popitem()
        refund = refund_of(order)
        shop.faults.add(Fault.SLOW, "/refund", method="POST")
        first = linnworks("RefundEndpoint", Refund=refund)
        second = linnworks("RefundEndpoint", Refund=refund)
        may_refund.set()
        last = settled(lambda: linnworks("RefundEndpoint", Refund=refund))

    assert first["Error"]
    assert "not known yet" in second["Error"]
    assert [last["RefundReference"]] == [action.reference for action in shop.done("refund", reference)]


def test_an_action_is_done_once_though_the_service_is_killed(shop, connect, tmp_path):
    """
    After SIGKILL between the refund and its record, the next process finds the refund in the shop.
    """
    with Service(tmp_path, **CHANNEL) as service:
        linnworks = connect(service)
        reference, order = linnworks.orders().popitem()
        refund = refund_of(order)
        shop.faults.add(Fault.TIME_OUT_AFTER, "/refund", method="POST", seconds=30)
        with ThreadPoolExecutor(1) as pool:
            lost = pool.submit(linnworks, "RefundEndpoint", Refund=refund)
            assert until(lambda: shop.done("refund", reference))
            service.kill()
            assert isinstance(lost.exception(), requests.ConnectionError)
        service.start()
        answers = [settled(lambda: linnworks("RefundEndpoint", Refund=refund)) for _ in range(3)]

    assert {shop.done("refund", reference)[0].reference} == {answer["RefundReference"] for answer in answers}
    assert 1 == len(shop.done("refund", reference))


def test_equal_requests_at_once_are_one_action_in_the_shop(shop, connect, tmp_path):
    """
    Two processes get the same despatch many times at once: the shop is asked once.
    """
    with Service(tmp_path, **CHANNEL) as service:
        linnworks = connect(service)
        reference = min(linnworks.orders())
        parcel = {"ReferenceNumber": reference, "TrackingNumber": "AB1", "Items": []}
        with ThreadPoolExecutor(8) as pool:
            answers = list(pool.map(lambda _: linnworks("DespatchEndpoint", Orders=[parcel]), range(24)))
        last = linnworks("DespatchEndpoint", Orders=[parcel])["Orders"]

    entries = [entry for answer in answers for entry in answer["Orders"]]
    assert [{"ReferenceNumber": reference, "Error": None, "Retry": False}] == last
    assert all(entry["Error"] is None or entry["Retry"] for entry in entries)
    assert 1 == len(shop.done("despatch", reference))


def test_requests_to_a_slow_shop_are_answered_in_time(shop, connect, tmp_path):
    """
    A thousand SKUs are set in parallel within the budget; those that do not fit into it are reported as not taken yet.
    """
    levels = [{"SKU": sku, "Quantity": 7} for sku in sorted(shop.products)]
    with Service(tmp_path, **CHANNEL, BRIDGE_BUDGET_SECONDS="2") as service:
        linnworks = connect(service)
        shop.faults.add(Fault.SLOW, "/products/stock", times=10, seconds=0.3)
        started = time.monotonic()
        quick = linnworks("InventoryUpdateEndpoint", Products=levels)["Products"]
        took = time.monotonic() - started
        shop.faults.add(Fault.SLOW, "/products/stock", times=10, seconds=1.2)
        started = time.monotonic()
        slow = linnworks("InventoryUpdateEndpoint", Products=[{**level, "Quantity": 8} for level in levels])["Products"]
        took_slow = time.monotonic() - started
        shop.faults.clear()
        assert until(lambda: {product.stock for product in shop.products.values()} == {8}, 60)

    assert [level["SKU"] for level in levels] == [row["SKU"] for row in quick] == [row["SKU"] for row in slow]
    assert {None} == {row["Error"] for row in quick}
    assert 10 * 0.3 > took
    assert any("the bridge goes on trying" in (row["Error"] or "") for row in slow)
    assert 3 > took_slow


def test_a_stalled_shop_does_not_starve_the_others(shop, connect, tmp_path):
    """
    While every call to one shop hangs, health and another integration are answered.
    """
    other = HostileShop(products=3, orders=3)
    environ = {**CHANNEL, "BRIDGE_BUDGET_SECONDS": "5", "BRIDGE_WORKERS": "1", "BRIDGE_THREADS": "8"}
    with Service(tmp_path, **environ) as service:
        stalled = connect(service, "stalled")
        quick = Linnworks(service.post, "quick")
        quick.finish_wizard(shop_url=other.url, api_key=other.key)
        shop.faults.add(Fault.SLOW, "/orders", times=None, seconds=4)
        with ThreadPoolExecutor(16) as pool:
            hanging = [pool.submit(stalled, "OrdersEndpoint", UTCTimeFrom="2000-01-01") for _ in range(16)]
            assert until(lambda: sum(one.done() for one in hanging) >= 14)
            started = time.monotonic()
            health = requests.get(f"http://127.0.0.1:{service.port}/health", timeout=10).status_code
            orders = quick.orders()
            took = time.monotonic() - started
        errors = [one.result()["Error"] for one in hanging]
    other.close()

    assert (200, 3) == (health, len(orders))
    assert 2 > took
    assert any("please try again" in (error or "") for error in errors)


def test_after_many_failures_linnworks_and_the_shop_agree(shop, connect, tmp_path):
    """
    Polls, edits, despatches and stock updates through a shop that fails four times in ten end with equal data.
    """
    with Service(tmp_path, **CHANNEL, BRIDGE_ORDERS_OVERLAP_SECONDS="2") as service:
        linnworks = connect(service)
        known: dict[str, dict] = {}
        since, skus = "2000-01-01 00:00:00Z", sorted(shop.products)[:5]
        quiet = (Fault.SLOW, Fault.DROP_BEFORE, Fault.DROP_AFTER, Fault.BROKEN, Fault.BAD_GATEWAY, Fault.TRUNCATED)
        for hour in range(12):
            shop.faults.at_random(hour, share=0.4 if hour < 10 else 0, kinds=quiet, seconds=0.01)
            number = shop.place_order({skus[hour % 5]: 2})
            shop.touch(min(shop.orders))
            began = time.gmtime()
            found = _poll(linnworks, since)
            if found is not None:
                known.update(found)
                since = time.strftime("%Y-%m-%d %H:%M:%SZ", began)
            linnworks("DespatchEndpoint", Orders=[{"ReferenceNumber": number, "TrackingNumber": f"T{hour}"}])
            linnworks("InventoryUpdateEndpoint", Products=[{"SKU": sku, "Quantity": 50 + hour} for sku in skus])
        shop.faults.clear()
        known.update(until(lambda: _poll(linnworks, since), 60))
        settled_stock = until(lambda: {shop.products[sku].stock for sku in skus} == {61}, 60)

    versions = {
        number: next(one["Value"] for one in order["ExtendedProperties"] if one["Name"] == "version")
        for number, order in known.items()
    }
    assert {number: str(order.version) for number, order in shop.orders.items()} == versions
    assert settled_stock
    assert all(len(shop.done("despatch", number)) <= 1 for number in shop.orders)


def _poll(linnworks: Linnworks, since: str) -> dict | None:
    """Return the orders of all pages, or None if one of them fails."""
    found, number, more = {}, 1, True
    while more:
        page = linnworks("OrdersEndpoint", UTCTimeFrom=since, PageNumber=number)
        if page["Error"]:
            return None
        found.update({order["ReferenceNumber"]: order for order in page["Orders"]})
        number, more = number + 1, page["HasMorePages"]
    return found
