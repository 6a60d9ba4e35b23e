"""What a shop is asked for a job of the bridge, beside a plain client that does the same in the largest batches.

A scripted shop tells how many calls a job takes; a running one, which must be there for nothing else, also for how many
seconds it was busy with them. It gets products and orders of the bench's own.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from decimal import Decimal
from typing import Any, Protocol, TypeVar

from bench.figures import Figure, of_target
from bench.plain import PlainMedusa, PlainWooCommerce
from bridge.channels import load_channel
from bridge.channels.base import Channel, Page
from bridge.clock import Deadline, now
from bridge.protocol.schemas.products import Price, Product, StockLevel
from bridge.settings import Settings
from bridge.trace import Trace

T = TypeVar("T")

SKUS, ORDERS = 1000, 100
PREFIX = "BENCH-"
BUDGET = 60  # seconds for a batch or a page; a request would leave the rest of a batch to the worker


class Client(Protocol):
    """What does the jobs; `calls` and `seconds` say what the shop was asked for all of them."""

    @property
    def calls(self) -> int: ...

    @property
    def seconds(self) -> float: ...

    def orders(self, since: datetime) -> int: ...

    def products(self) -> int: ...

    def set_levels(self, levels: Mapping[Product, int]) -> None: ...

    def set_prices(self, prices: Mapping[Product, Decimal]) -> None: ...


class Bridge:
    """Does the jobs by a channel of the bridge, in batches of the size that the manifest names."""

    def __init__(self, channel: str, config: Mapping[str, str]) -> None:
        self.channel_class = load_channel(channel)
        defaults = {
            item.config_item_id: item.selected_value for step in self.channel_class.steps for item in step.items
        }
        self.config = {**defaults, **config}
        self.settings = replace(Settings(), allow_private_shops=True)
        self.traces: list[Trace] = []

    @property
    def calls(self) -> int:
        return sum(trace.calls_counted for trace in self.traces)

    @property
    def seconds(self) -> float:
        """How long the shop was busy; with calls in parallel only once."""
        calls = sorted(
            (call.began, call.began + (call.ms or 0) / 1000) for trace in self.traces for call in trace.shop_calls
        )
        busy, until = 0.0, 0.0
        for began, ended in calls:
            busy += max(0.0, ended - max(began, until))
            until = max(until, ended)
        return busy

    def open(self) -> Channel:
        """Return the channel as a request of Linnworks gets it."""
        deadline = Deadline(BUDGET)
        self.traces.append(deadline.trace)
        return self.channel_class(self.config, deadline, self.settings)

    def orders(self, since: datetime) -> int:
        return len(_all_pages(lambda cursor: self.open().orders(since, cursor)))

    def products(self) -> int:
        return len(self.read_products())

    def read_products(self) -> list[Product]:
        """Return all products with the references that stock levels and prices name."""
        return _all_pages(lambda cursor: self.open().products(cursor))

    def set_levels(self, levels: Mapping[Product, int]) -> None:
        rows = [StockLevel(sku=one.sku, reference=one.reference, quantity=level) for one, level in levels.items()]
        for batch in _batches(rows, self.channel_class.inventory_batch_size):
            assert not any(failed := self.open().set_stock(batch)), failed

    def set_prices(self, prices: Mapping[Product, Decimal]) -> None:
        rows = [Price(sku=one.sku, reference=one.reference, price=price, tag="") for one, price in prices.items()]
        for batch in _batches(rows, self.channel_class.price_batch_size):
            assert not any(failed := self.open().set_prices(batch)), failed


def _all_pages(read: Callable[[str | None], Page[T]]) -> list[T]:
    page = read(None)
    items = list(page.items)
    while page.next_cursor is not None:
        page = read(page.next_cursor)
        items += page.items
    return items


def _batches(rows: Sequence[T], size: int) -> list[Sequence[T]]:
    return [rows[first : first + size] for first in range(0, len(rows), size)]


@dataclass(frozen=True)
class Shop:
    """A shop for both clients, and the time since when its orders are read."""

    name: str
    bridge: Callable[[], Bridge]
    plain: Callable[[], Client]
    since: datetime


def measure(shop: Shop, rounds: int, *, is_running: bool) -> list[Figure]:
    """Return what the shop is asked for each job by both clients, which take turns; seconds only of a running one."""
    products = [one for one in shop.bridge().read_products() if one.sku.startswith(PREFIX)][:SKUS]
    assert len(products) == SKUS, f"the shop has {len(products)} of the bench's products"
    makers: dict[str, Callable[[], Client]] = {"bridge": shop.bridge, "plain client": shop.plain}
    asked: dict[tuple[str, str], list[Client]] = {}
    for number in range(1, rounds + 1):
        for place, (who, make) in enumerate(makers.items()):
            for what, job in _jobs(products, shop.since, 2 * number + place).items():
                client = make()
                job(client)
                asked.setdefault((what, who), []).append(client)
    figures = []
    for what in dict.fromkeys(what for what, _ in asked):
        ours, plain = asked[what, "bridge"], asked[what, "plain client"]
        label = f"{shop.name}, {what}"
        for who, clients in (("bridge", ours), ("plain client", plain)):
            figures.append(Figure(f"{label}: calls of the {who}", tuple(float(one.calls) for one in clients), ""))
            if is_running:
                figures.append(Figure(f"{label}: seconds for the {who}", tuple(one.seconds for one in clients), "s"))
        if is_running:
            values = [one.seconds / other.seconds for one, other in zip(ours, plain, strict=True)]
            figures.append(replace(of_target(TARGET_OF[what], values), what=f"{label}: bridge / plain client"))
    return figures


EMPTY_POLL, SOME_ORDERS, ALL_PRODUCTS = "an empty poll", f"{ORDERS} orders", f"{SKUS:,} products"
LEVELS, PRICES = f"{SKUS:,} levels", f"{SKUS:,} prices"
TARGET_OF = {EMPTY_POLL: "20a", SOME_ORDERS: "20b", ALL_PRODUCTS: "20c", LEVELS: "20d", PRICES: "20d"}


def _jobs(products: Sequence[Product], since: datetime, number: int) -> dict[str, Callable[[Client], object]]:
    """Return the jobs; all levels and prices are others than those of any other number."""
    return {
        EMPTY_POLL: lambda client: client.orders(now()),
        SOME_ORDERS: lambda client: client.orders(since),
        ALL_PRODUCTS: lambda client: client.products(),
        LEVELS: lambda client: client.set_levels(dict.fromkeys(products, 1000 + number)),
        PRICES: lambda client: client.set_prices({one: Decimal(100 + number) for one in products}),
    }


# -- the shops ---------------------------------------------------------------------------------------------


@contextmanager
def scripted_woocommerce() -> Iterator[Shop]:
    """Start a scripted WooCommerce."""
    from tests.channels.woocommerce.fake.shop import WooShop

    with WooShop() as shop:
        for number in range(SKUS):
            shop.add_product(f"{PREFIX}{number}", stock=1000, price="7.35")
        for _ in range(ORDERS):
            shop.place_order({f"{PREFIX}1": 1})
        answers = {"store_url": shop.url, "consumer_key": shop.key, "consumer_secret": shop.secret}
        yield Shop(
            "WooCommerce (scripted)",
            lambda: Bridge("woocommerce", answers),
            lambda: PlainWooCommerce(shop.url, (shop.key, shop.secret)),
            now() - timedelta(hours=1),
        )


@contextmanager
def scripted_medusa() -> Iterator[Shop]:
    """Start a scripted Medusa."""
    from tests.channels.medusa.fake.shop import MedusaShop

    with MedusaShop() as shop:
        for number in range(SKUS):
            shop.add_product(f"{PREFIX}{number}", stock=1000, price="7.35")
        for _ in range(ORDERS):
            shop.place_order({f"{PREFIX}1": 1})
        answers = {
            "store_url": shop.url,
            "api_key": shop.key,
            f"sales_channel_{shop.channel}": "True",
            "stock_location": shop.location,
            "currency": next(iter(shop.currencies)),
        }
        yield Shop(
            "Medusa (scripted)",
            lambda: Bridge("medusa", answers),
            lambda: PlainMedusa(shop.url, (shop.key, "")),
            now() - timedelta(hours=1),
        )


@contextmanager
def running_woocommerce() -> Iterator[Shop]:
    """Fill the WooCommerce at BRIDGE_TEST_WOOCOMMERCE_URL."""
    from tests.channels.woocommerce.live import URL, LiveShop

    shop = LiveShop()
    _fill(shop)
    since = now()
    for _ in range(ORDERS):
        shop.place_order({f"{PREFIX}1": 1})
    auth = shop.answers["consumer_key"], shop.answers["consumer_secret"]
    yield Shop("WooCommerce", lambda: Bridge("woocommerce", shop.answers), lambda: PlainWooCommerce(URL, auth), since)


@contextmanager
def running_medusa() -> Iterator[Shop]:
    """Fill the Medusa at BRIDGE_TEST_MEDUSA_URL."""
    from tests.channels.medusa.live import URL, LiveShop

    shop = LiveShop()
    _fill(shop)
    since = now()
    for _ in range(ORDERS):
        shop.place_order({shop.skus[0]: 1}, paid=False)
    auth = shop.answers["api_key"], ""
    yield Shop("Medusa", lambda: Bridge("medusa", shop.answers), lambda: PlainMedusa(URL, auth), since)


def _fill(shop: Any) -> None:
    """Add those of the bench's products that a running shop does not have yet."""
    for number in range(SKUS):
        shop.add_product(f"{PREFIX}{number}")


SHOPS: Mapping[str, Callable[[], AbstractContextManager[Shop]]] = {
    "shop-woocommerce": scripted_woocommerce,
    "shop-medusa": scripted_medusa,
}
RUNNING_SHOPS: Mapping[str, tuple[str, Callable[[], AbstractContextManager[Shop]]]] = {
    "running-woocommerce": ("BRIDGE_TEST_WOOCOMMERCE_URL", running_woocommerce),
    "running-medusa": ("BRIDGE_TEST_MEDUSA_URL", running_medusa),
}


def parts(rounds: int) -> dict[str, Callable[[], list[Figure]]]:
    """Return the parts of the bench by name: the scripted shops, and the running ones that the environment names."""

    def part(start: Callable[[], AbstractContextManager[Shop]], is_running: bool) -> Callable[[], list[Figure]]:
        def run() -> list[Figure]:
            with start() as shop:
                return measure(shop, rounds, is_running=is_running)

        return run

    named = {name: start for name, (variable, start) in RUNNING_SHOPS.items() if os.environ.get(variable)}
    scripted = {name: part(start, False) for name, start in SHOPS.items()}
    return scripted | {name: part(start, True) for name, start in named.items()}
