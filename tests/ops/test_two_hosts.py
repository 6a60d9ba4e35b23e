"""Two services on one PostgreSQL database, one of them killed at times: every promise holds over both."""

from __future__ import annotations

import itertools
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from typing import Any

import pytest
import requests

from bridge.store.database import connect as database_at
from bridge.vault import new_key
from tests.channels.hostile.server import Fault
from tests.channels.hostile.shop import HostileShop
from tests.conftest import postgres_only
from tests.linnworks import Linnworks
from tests.processes import Service, at, until
from tests.sync.test_promises import CHANNEL, refund_of, settled

pytestmark = [postgres_only, pytest.mark.service]


@pytest.fixture
def hosts(tmp_path) -> Iterator[Callable[..., list[Service]]]:
    """Start two services with their own data folders and a shared database and key."""
    with ExitStack() as running:

        def start(**environ: str) -> list[Service]:
            shared = {
                "BRIDGE_DATABASE_URL": at(tmp_path)["BRIDGE_DATABASE_URL"],
                "BRIDGE_SECRET_KEY": new_key(),
                **environ,
            }
            return [running.enter_context(Service(tmp_path / name, **shared)) for name in ("one", "two")]

        yield start


def alternating(services: list[Service]) -> Callable[..., Any]:
    """Return a function that posts to the services in turn, and skips one that was killed."""
    order = itertools.cycle(services)

    def post(name: str, **fields: Any) -> Any:
        for service in (next(order), next(order)):
            try:
                return service.post(name, **fields)
            except requests.ConnectionError:
                continue
        raise AssertionError("No service answers")

    return post


def test_actions_are_done_once_by_two_hosts(hosts):
    """
    Both get the same refund repeatedly, and one is killed before it can record it: the shop makes each refund once.
    """
    shop = HostileShop(products=5, orders=4)
    one, two = hosts(**CHANNEL)
    linnworks = Linnworks(alternating([one, two]), "hosts")
    linnworks.finish_wizard(shop_url=shop.url, api_key=shop.key)
    (first, at_once), (second, lost) = list(linnworks.orders().items())[:2]
    with ThreadPoolExecutor(8) as pool:
        list(pool.map(lambda _: linnworks("RefundEndpoint", Refund=refund_of(at_once)), range(24)))
    agreed = settled(lambda: linnworks("RefundEndpoint", Refund=refund_of(at_once)))["RefundReference"]

    shop.faults.add(Fault.TIME_OUT_AFTER, "/refund", method="POST", seconds=30)
    with ThreadPoolExecutor(1) as pool:
        cut = pool.submit(one.post, "RefundEndpoint", AuthorizationToken=linnworks.token, Refund=refund_of(lost))
        assert until(lambda: shop.done("refund", second))
        one.kill()
        assert isinstance(cut.exception(), requests.ConnectionError)
    found = settled(lambda: linnworks("RefundEndpoint", Refund=refund_of(lost)))["RefundReference"]
    one.start()
    again = linnworks("RefundEndpoint", Refund=refund_of(lost))["RefundReference"]
    shop.close()

    assert [agreed] == [action.reference for action in shop.done("refund", first)]
    assert [found] == [again] == [action.reference for action in shop.done("refund", second)]


def test_stock_ends_at_the_newest_value_of_two_hosts(hosts):
    """
    Levels go to both in turn, through a faulty shop, while one is killed twice: the last level stays.
    """
    shop = HostileShop(products=3, orders=1)
    one, two = hosts(**CHANNEL)
    linnworks = Linnworks(alternating([one, two]), "hosts")
    linnworks.finish_wizard(shop_url=shop.url, api_key=shop.key)
    skus = sorted(shop.products)
    quiet = (Fault.SLOW, Fault.DROP_BEFORE, Fault.DROP_AFTER, Fault.BAD_GATEWAY)
    shop.faults.at_random(3, share=0.3, kinds=quiet, seconds=0.02)
    for level in range(100, 124):
        linnworks("InventoryUpdateEndpoint", Products=[{"SKU": sku, "Quantity": level} for sku in skus])
        if level in (107, 115):
            one.kill()
        if level in (110, 118):
            one.start()
    shop.faults.clear()
    reached = until(lambda: {shop.products[sku].stock for sku in skus} == {123}, 60)
    seen = linnworks.products()
    shop.close()

    assert reached
    assert {123} == {seen[sku]["Quantity"] for sku in skus}


def test_a_feed_is_done_once_by_two_hosts(hosts, tmp_path):
    """
    Both do listings of one feed and one is killed: each listing is made once, and either service reports all of them.
    """
    environ = {"BRIDGE_DATA_DIR": str(tmp_path / "shared")}  # the embedded shop is a file there
    one, two = hosts(**environ)
    linnworks = Linnworks(alternating([one, two]), "hosts")
    linnworks.finish_wizard(shop_name="hosts", access_key="a key for the hosts")
    attributes = [{"AttributeID": "material", "AttributeValue": "paper"}]
    listings = [
        {"TemplateId": n, "SKU": f"NEW-{n}", "Title": "x", "Price": 1, "Categories": ["501"], "Attributes": attributes}
        for n in range(60)
    ]
    feed_id = linnworks("ListingUpdateEndpoint", Type="CREATE", Listings=listings)["ChannelFeedId"]

    def report(service: Service) -> Any:
        return service.post("CheckFeedEndpoint", AuthorizationToken=linnworks.token, ChannelFeedId=feed_id)

    assert until(lambda: report(two)["ProductFeeds"])
    one.kill()
    ready = until(lambda: report(two)["IsFeedReady"] and report(two), 40)
    one.start()
    same = report(one)
    made = [sku for sku in linnworks.products() if sku.startswith("NEW-")]

    assert list(range(60)) == [row["TemplateId"] for row in ready["ProductFeeds"]]
    assert ready == same
    assert sorted(made) == sorted(listing["SKU"] for listing in listings)
    assert not [row for row in ready["ProductFeeds"] if any(word["Type"] == 1 for word in row["Messages"])]


def test_each_thread_has_one_connection_to_the_server(tmp_path):
    """
    However many clients call at once, a process keeps one for each thread, its worker, its rounds and its journal.
    """
    url = at(tmp_path)["BRIDGE_DATABASE_URL"]
    environ = {"BRIDGE_DATABASE_URL": f"{url}&application_name=counted", "BRIDGE_THREADS": "3", "BRIDGE_WORKERS": "2"}
    with Service(tmp_path, **environ) as service:
        for _ in range(3):
            with ThreadPoolExecutor(16) as pool:
                list(pool.map(lambda _: service.post("UserConfigEndpoint", AuthorizationToken="x"), range(64)))
        server = database_at(url)
        counted = "SELECT COUNT(*) FROM pg_stat_activity WHERE application_name = 'counted'"
        count = server.execute_sql(counted).fetchone()[0]
        server.close()

    assert 4 <= count <= 2 * (3 + 3)
