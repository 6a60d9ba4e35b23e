"""Stock ends at the newest value while real processes compete and are killed."""

from __future__ import annotations

import time
from concurrent.futures import ThreadPoolExecutor
from random import Random

import pytest

from bridge.channels.demo import DemoChannel
from bridge.errors import ChannelUnavailable, OutcomeUnknown
from bridge.ops.temporary_server import temporary_server
from tests.linnworks import Linnworks
from tests.processes import ROOT, Service, at, poster, until

pytestmark = pytest.mark.service


class HangingShop(DemoChannel):
    """A shop that does not answer while there is a file named `hang`."""

    def set_stock(self, levels):
        (self.settings.data_dir / "called").touch()
        while (self.settings.data_dir / "hang").exists():
            time.sleep(0.01)
        return super().set_stock(levels)


class FaultySlowShop(DemoChannel):
    """A slow shop that fails before or after it sets the stock, until there is a file named `reliable`."""

    def set_stock(self, levels):
        rng = Random(f"{levels} {time.monotonic_ns()}")
        behaviour = rng.choice(["reliable", "down", "lost"])
        if (self.settings.data_dir / "reliable").exists():
            behaviour = "reliable"
        time.sleep(rng.uniform(0, 0.03))
        if behaviour == "down":
            raise ChannelUnavailable("The shop is down")
        outcomes = super().set_stock(levels)
        time.sleep(rng.uniform(0, 0.03))
        if behaviour == "lost":
            raise OutcomeUnknown("The shop gave no answer")
        return outcomes


def test_the_newest_of_many_simultaneous_updates_stays(tmp_path):
    """
    Two processes and their workers set one SKU in an unreliable shop: no later value is overwritten.
    """
    spans = {}
    environ = {**at(tmp_path), "BRIDGE_CHANNEL": f"{__name__}:FaultySlowShop", "PYTHONPATH": str(ROOT)}
    with temporary_server(tmp_path, **environ) as base_url:
        linnworks = Linnworks(poster(base_url), "race")
        linnworks.finish_wizard(shop_name="race", access_key="a key for the race")
        sku = next(iter(linnworks.products()))

        def ask(level):
            start = time.monotonic()
            answer = linnworks("InventoryUpdateEndpoint", Products=[{"SKU": sku, "Quantity": level}])
            spans[level] = (start, time.monotonic())
            assert answer["Error"] is None
            return answer["Products"]

        with ThreadPoolExecutor(4) as pool:  # as many requests as one process lets into a shop at once
            answers = list(pool.map(ask, range(1000, 1060)))
        (tmp_path / "reliable").touch()
        last_start = max(start for start, _ in spans.values())
        newest = {level for level, (_, end) in spans.items() if end >= last_start}
        reached = until(lambda: linnworks.products()[sku]["Quantity"] in newest, 40)

    assert reached
    assert [[sku]] * 60 == [[row["SKU"] for row in rows] for rows in answers]
    assert any(rows[0]["Error"] for rows in answers)


def test_a_killed_service_keeps_its_stock_updates(tmp_path):
    """
    After SIGKILL during the shop call the next process pushes the values.
    """
    service = Service(tmp_path, BRIDGE_CHANNEL=f"{__name__}:HangingShop")
    service.start()
    linnworks = Linnworks(service.post, "killed")
    linnworks.finish_wizard(shop_name="killed", access_key="a key for the killed")
    skus = list(linnworks.products())[:3]
    levels = [{"SKU": sku, "Quantity": 700 + number} for number, sku in enumerate(skus)]
    (tmp_path / "hang").touch()
    with ThreadPoolExecutor(1) as pool:
        lost = pool.submit(linnworks, "InventoryUpdateEndpoint", Products=levels)
        assert until((tmp_path / "called").exists)
        service.kill()
    service.start()
    before = linnworks.products()
    (tmp_path / "hang").unlink()
    pushed = until(lambda: [700, 701, 702] == [linnworks.products()[sku]["Quantity"] for sku in skus])
    service.stop()

    assert lost.exception() is not None
    assert {700, 701, 702}.isdisjoint(before[sku]["Quantity"] for sku in skus)
    assert pushed
