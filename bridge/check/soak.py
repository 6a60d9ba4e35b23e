"""Linnworks' rhythm compressed: quarter hours of several integrations at once, resent and cut off now and then."""

from __future__ import annotations

import math
import random
import threading
import time
import zlib
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from bridge.check import wizard
from bridge.check.answer import spaced
from bridge.check.judge import repeated
from bridge.check.play import LONG_AGO, Play, now, parcel
from bridge.check.records import Order, Product
from bridge.check.registry import Failed, Skipped
from bridge.check.shapes import SHAPES

PRODUCTS_EVERY = 48
"""Quarter hours between two looks at the products: twelve hours of them."""
TEST_EVERY = 16
SKUS_AT_ONCE = 20
MOST_TRIES = 10
"""How often Linnworks sends a despatch again that answers Retry."""


@dataclass(frozen=True)
class Soaking:
    """How long and by how many: `rounds` quarter hours, each begun `tempo` seconds after the one before."""

    rounds: int = 60
    tempo: float = 1.0
    integrations: int = 3


@dataclass(frozen=True)
class Latency:
    """How long an endpoint's answers took, in seconds."""

    endpoint: str
    calls: int
    p50: float
    p99: float
    most: float


@dataclass
class Soak:
    """One run of it, and what went wrong: `errors`, orders seen `twice`, `resends` and `differences`."""

    play: Play
    soaking: Soaking
    errors: list[str] = field(default_factory=list)
    twice: list[str] = field(default_factory=list)
    resends: list[str] = field(default_factory=list)
    differences: list[str] = field(default_factory=list)
    finished: bool = False
    stopped: threading.Event = field(default_factory=threading.Event)

    def run(self) -> None:
        """Connects the integrations, plays their quarter hours, and looks what the shop holds in the end."""
        sellers = [Seller(self, number) for number in range(self.soaking.integrations)]
        try:
            for seller in sellers:
                seller.connect()
            self.play.linnworks.calls.clear()
            with ThreadPoolExecutor(len(sellers)) as pool:
                try:
                    list(pool.map(Seller.work, sellers))
                except BaseException:  # the others would go on to their last quarter hour
                    self.stopped.set()
                    raise
            for seller in sellers:
                seller.compare()
            self.finished = True
        finally:
            for seller in sellers:
                seller.play.clear_up()
                seller.play.linnworks.close()


class Seller:
    """One integration in a thread of its own. Where two share a shop, each keeps to its share of SKUs and orders."""

    def __init__(self, soak: Soak, number: int) -> None:
        self.soak = soak
        self.number = number
        self.rng = random.Random(soak.play.rng.getrandbits(64))  # noqa: S311 (chooses, keeps no secrets)
        linnworks = soak.play.linnworks.beside(number)
        self.play = Play(linnworks, soak.play.answers, self.rng, soak.play.patience)
        self.play.left_out = soak.play.left_out
        self.since: datetime | None = None
        self.products: dict[str, Product] = {}
        self.sent: dict[str, dict[str, Any]] = {"Quantity": {}, "Price": {}}
        self.waiting: dict[str, dict[str, Any]] = {}
        self.tries: dict[str, int] = {}
        self.despatched: set[str] = set()

    def connect(self) -> None:
        """Makes the integration and walks its wizard."""
        first = self.play.first
        first.token = self.play.add(first).accepted().says("AuthorizationToken")
        wizard.show(self.play, first).accepted()
        wizard.finish(self.play, first)

    def work(self) -> None:
        """Plays one quarter hour after the other, each at its time or as soon as the one before is over."""
        begun = time.monotonic()
        for number in range(self.soak.soaking.rounds):
            if self.soak.stopped.wait(max(0.0, begun + number * self.soak.soaking.tempo - time.monotonic())):
                return
            for action in self.actions(number):
                try:
                    action()
                except Skipped:
                    pass  # the manifest names no such endpoint
                except Failed as failure:
                    self.soak.errors.append(str(failure))
            if self.number == 0:
                self.soak.play.tell(f"Quarter hour {number + 1} of {self.soak.soaking.rounds}")

    def actions(self, number: int) -> list[Any]:
        """What Linnworks does in this quarter hour."""
        actions = [self.look_for_orders]
        if number % PRODUCTS_EVERY == 0:
            actions.append(self.look_for_products)
        if number % TEST_EVERY == 0:
            actions.append(self.test)
        if not self.soak.play.read_only:
            actions += [self.send_stock, self.despatch]
            actions += [self.send_prices] if number % 4 == 0 else []
        return actions

    def test(self) -> None:
        """Presses the Test button."""
        self.play.call("ConfigTest").accepted()

    def look_for_orders(self) -> None:
        """Downloads what changed since the last look; open orders of its share wait to be despatched."""
        since, begun = spaced(self.since) if self.since else LONG_AGO, now()
        pages = self.play.pages("Orders", "Orders", UTCTimeFrom=since)
        self.since = begun
        orders = [Order.read(row) for page in pages for row in page.rows("Orders")]
        self.soak.twice += [f"order {name} came twice in one look" for name in repeated(o.reference for o in orders)]
        for order in orders:
            if order.open and self._mine(order.reference) and order.reference not in self.despatched:
                self.waiting.setdefault(order.reference, _whole(order))

    def look_for_products(self) -> None:
        """Downloads the catalogue."""
        self.products = self.play.catalogue()

    def send_stock(self) -> None:
        """Sends new levels of some SKUs of its share."""
        self._send("InventoryUpdate", "Quantity", lambda: self.rng.randrange(1, 500))

    def send_prices(self) -> None:
        """Sends new prices of some SKUs of its share."""
        self._send("PriceUpdate", "Price", lambda: round(self.rng.uniform(1, 200), 2))

    def _send(self, name: str, value: str, chosen: Callable[[], float]) -> None:
        mine = [p for p in self.products.values() if self._mine(p.sku) and (value != "Price" or p.price is not None)]
        some = self.rng.sample(mine, min(SKUS_AT_ONCE, len(mine)))
        if not some:
            return
        rows = [p.row(value, chosen()) for p in some]
        # What a cut connection leaves behind, the same values overwrite.
        self.sent[value].update({row["SKU"]: row[value] for row in rows})
        self._perhaps_cut(name, {"Products": rows})
        answered = self.play.update(name, rows)
        self.soak.errors += [f"{sku}: {row['Error']}" for sku, row in answered.items() if row.get("Error")]
        if self.rng.random() < 0.2:
            self._compare_resend(name, answered, self.play.update(name, rows))

    def despatch(self) -> None:
        """Sends the oldest order that waits; one that answers Retry waits again, as often as Linnworks tries."""
        if not self.waiting:
            return
        reference = next(iter(self.waiting))
        parcel = self.waiting.pop(reference)
        self._perhaps_cut("Despatch", {"Orders": [parcel]})
        answered = self.play.despatch([parcel])
        row, tries = answered[reference], self.tries.get(reference, 0) + 1
        self.tries[reference] = tries
        if row.get("Error") and row.get("Retry") is True and tries < MOST_TRIES:
            self.waiting[reference] = parcel
            return
        self.despatched.add(reference)
        if row.get("Error"):
            self.soak.errors.append(f"order {reference}: {row['Error']}")
        elif self.rng.random() < 0.2:
            self._compare_resend("Despatch", answered, self.play.despatch([parcel]))

    def compare(self) -> None:
        """Holds what was sent last against the products."""
        wanted = self.sent

        def wrong() -> str:
            shown = self.play.catalogue()
            words = [
                f"{sku} shows the {value} {_value(shown.get(sku), value)}, {sent} was sent last"
                for value in wanted
                for sku, sent in wanted[value].items()
                if abs(float(_value(shown.get(sku), value) or 0) - sent) > 0.005
            ]
            return "\n".join(words)

        try:
            self.play.eventually(wrong)
        except Skipped:
            pass
        except Failed as failure:
            self.soak.differences += str(failure).splitlines()

    def _mine(self, name: str) -> bool:
        return zlib.crc32(name.encode()) % self.soak.soaking.integrations == self.number

    def _perhaps_cut(self, name: str, fields: dict[str, Any]) -> None:
        if self.rng.random() < 0.1:
            body = {"AuthorizationToken": self.play.first.token, **fields}
            self.play.linnworks.cut(name, body, whole=self.rng.random() < 0.5)

    def _compare_resend(self, name: str, first: dict[str, Any], second: dict[str, Any]) -> None:
        for key, row in first.items():
            before, after = row.get("Error") or "no Error", second.get(key, {}).get("Error") or "no Error"
            if (before == "no Error") != (after == "no Error"):
                self.soak.resends.append(f"{name} answered {key} with {before}, and sent again with {after}")


def _whole(order: Order) -> dict[str, Any]:
    return parcel(order, [line.part(line.quantity) for line in order.goods])


def _value(product: Product | None, value: str) -> Any:
    return None if product is None else {"Quantity": product.quantity, "Price": product.price}[value]


def latencies(calls: list[tuple[str, float]]) -> list[Latency]:
    """The spread of the seconds that each endpoint took, busiest first."""
    by_endpoint: dict[str, list[float]] = {}
    for endpoint, seconds in calls:
        if endpoint in SHAPES:
            by_endpoint.setdefault(endpoint, []).append(seconds)
    found = [
        Latency(endpoint, len(taken), _percentile(taken, 0.5), _percentile(taken, 0.99), max(taken))
        for endpoint, taken in by_endpoint.items()
    ]
    return sorted(found, key=lambda latency: -latency.calls)


def _percentile(taken: list[float], part: float) -> float:
    return sorted(taken)[math.ceil(part * len(taken)) - 1]
