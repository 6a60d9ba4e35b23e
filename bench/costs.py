"""What calls cost in this process, without a server: processor time against the floor, and what each item adds."""

from __future__ import annotations

import itertools
import json
import statistics
import tempfile
import time
from collections.abc import Callable, Sequence
from dataclasses import replace
from decimal import Decimal
from functools import partial
from pathlib import Path
from typing import Any

from bench.figures import Figure, of_target, ratios
from bench.installation import (
    DESPATCH,
    INVENTORY,
    Installation,
    calls,
    despatch_call,
    environ_of,
    fresh_database,
    new_feed,
)
from bench.shops import CHANNEL, PRODUCTS
from bridge.protocol.call import Services
from bridge.store.database import close_store
from bridge.sync.call_journal import CallFacts, CallJournal

POLLS = 5
"""How many polls are stored in one batch."""

Job = Callable[[], Any]

RECORDED = Path(__file__).parent.parent / "tests/channels/woocommerce/orders-11.0.1-hpos.json"
SAMPLE_SECONDS = 0.02
"""Least processor time of a sample in seconds, far above the resolution of the clock."""


def in_turn(jobs: Sequence[Job], rounds: int) -> list[list[float]]:
    """Return the processor time of each job in microseconds by round, after two rounds to warm up; jobs take turns."""
    samples: list[list[float]] = [[] for _ in jobs]
    times = [max(1, round(SAMPLE_SECONDS / max(_seconds(job, 1), 1e-6))) for job in jobs]
    for round_number in range(rounds + 2):
        for job, often, taken in zip(jobs, times, samples, strict=True):
            seconds = _seconds(job, often)
            if round_number >= 2:
                taken.append(1e6 * seconds)
    return samples


def _seconds(job: Job, often: int) -> float:
    started = time.thread_time()
    for _ in range(often):
        job()
    return (time.thread_time() - started) / often


def measure(shop: str, database_url: str, rounds: int) -> list[Figure]:
    """Measure each call through the whole stack; on the instant shop also the figures with targets, and growth."""
    with tempfile.TemporaryDirectory(prefix="bench-") as folder, fresh_database(database_url) as database:
        here = Installation(environ_of(Path(folder), database, CHANNEL if shop == "instant" else shop))
        token = here.connect()
        skus = here.skus(token, PRODUCTS)
        feed = new_feed(here, token)
        where = f"{shop}, {'PostgreSQL' if database_url else 'SQLite'}"
        figures = _calls(here, calls(token, skus, feed), where, rounds)
        if shop == "instant" and not database_url:
            figures += [
                *_targets(here, token, skus, rounds),
                *_pages(rounds),
                _record(here, token, rounds),
                *_growth(here, token, rounds),
            ]
        here.close()
        close_store()
    return figures


def _calls(here: Installation, asked: dict[str, tuple[str, bytes]], where: str, rounds: int) -> list[Figure]:
    figures = []
    for name, (path, raw) in asked.items():
        floor, call = in_turn([_floor(here, path, raw), partial(here.call, path, raw)], rounds)
        figures += [
            Figure(f"{name} ({where}): processor", tuple(call), "us"),
            Figure(f"{name} ({where}): / floor", ratios(call, floor), "x"),
        ]
    return figures


def _floor(here: Installation, path: str, raw: bytes) -> Job:
    """Return a job that parses the request and writes the answer as JSON, and nothing else."""
    answer = json.loads(here.call(path, raw))
    assert answer["Error"] is None, answer
    return lambda: (json.loads(raw), json.dumps(answer))


def _targets(here: Installation, token: str, skus: list[str], rounds: int) -> list[Figure]:
    asked = calls(token, skus, "")
    stock, prices = asked["InventoryUpdate"], asked["PriceUpdate"]
    invalid = json.loads(stock[1])
    invalid["Products"][500]["Quantity"] = "some"
    malformed = json.dumps(invalid).encode()
    assert "Quantity: Not a whole number." == json.loads(here.call(INVENTORY, malformed))["Products"][500]["Error"]
    for row in invalid["Products"]:
        row["Quantity"] = "some"
    all_malformed = json.dumps(invalid).encode()
    despatch_floor, despatch = _despatch(here, token)
    stock_floor, stock_call, price_floor, price_call, one_refused, all_refused, despatch_least, despatched = in_turn(
        [
            _floor(here, *stock),
            partial(here.call, *stock),
            _floor(here, *prices),
            partial(here.call, *prices),
            partial(here.call, INVENTORY, malformed),
            partial(here.call, INVENTORY, all_malformed),
            despatch_floor,
            despatch,
        ],
        rounds,
    )
    return [
        of_target("1", ratios(stock_call, stock_floor)),
        of_target("2", ratios(price_call, price_floor)),
        of_target("7a", ratios(one_refused, stock_call)),
        of_target("7b", ratios(all_refused, stock_call)),
        of_target("18", ratios(despatched, despatch_least)),
    ]


def _despatch(here: Installation, token: str) -> tuple[Job, Job]:
    """Return the floor, and a job that despatches 100 orders that were never despatched before."""
    raw = despatch_call(token)
    numbers = itertools.count()

    def despatch() -> bytes:
        return here.call(DESPATCH, raw.replace(b"R-", b"R%d-" % next(numbers)))

    answer = json.loads(despatch())
    assert not any(order["Error"] for order in answer["Orders"]), answer
    return lambda: (json.loads(raw), json.dumps(answer)), despatch


def _pages(rounds: int) -> list[Figure]:
    """Measure the writing of pages from objects, and the mapping of WooCommerce's orders to such objects."""
    from bench import shops
    from bridge.channels.woocommerce.orders import order as mapped
    from bridge.channels.woocommerce.preferences import preferences
    from bridge.protocol.schemas.base import to_json
    from bridge.protocol.schemas.orders import OrdersResponse
    from bridge.protocol.schemas.products import ProductsResponse

    orders = OrdersResponse(orders=tuple(map(shops.order, range(shops.ORDERS))))
    shop = shops.InstantShop({"seconds": "0"}, None, None)  # type: ignore[arg-type]
    products = ProductsResponse(products=tuple(shop.products(None).items))
    figures = []
    for number, page in (("3", orders), ("4", products)):
        ready = json.loads(to_json(page))
        floor, written = in_turn([partial(json.dumps, ready), partial(to_json, page)], rounds)
        figures.append(of_target(number, ratios(written, floor)))

    recorded = [row for name, row in json.loads(RECORDED.read_text("utf-8")).items() if name.startswith("order-")]
    raw = json.dumps([recorded[number % len(recorded)] for number in range(shops.ORDERS)]).encode()
    settings = preferences({})

    def bridge() -> bytes:
        rows = json.loads(raw, parse_float=Decimal)
        found = [order for row in rows if (order := mapped(row, (), settings))]
        return to_json(OrdersResponse(orders=tuple(found)))

    ready = json.loads(bridge())
    floor, taken = in_turn([lambda: (json.loads(raw), json.dumps(ready)), bridge], rounds)
    return [*figures, of_target("15", ratios(taken, floor))]


class NoRecord(CallJournal):
    """Records nothing."""

    def add(self, facts: CallFacts) -> None:
        pass


def _record(here: Installation, token: str, rounds: int) -> Figure:
    """Measure what the record of calls adds to polls for orders, of which one batch is stored."""
    services = here.app.extensions["bridge"]
    services.journal.stop()
    without = replace(services, journal=NoRecord(services.settings))
    path, raw = calls(token, [], "")["Orders"]

    def polls(services: Services) -> None:
        here.app.extensions["bridge"] = services
        for _ in range(POLLS):
            here.call(path, raw)
        services.journal.flush()

    recorded, unrecorded = in_turn([partial(polls, services), partial(polls, without)], rounds)
    here.app.extensions["bridge"] = services
    return of_target("17", ratios(recorded, unrecorded))


def _growth(here: Installation, token: str, rounds: int) -> list[Figure]:
    """Measure what one more item costs, in calls of one to ten thousand items."""
    sizes = (1, 10, 100, 1_000, 10_000)
    asked = [calls(token, here.skus(token, size), "") for size in sizes]
    figures = []
    for name in ("InventoryUpdate", "PriceUpdate"):
        samples = in_turn([partial(here.call, *of_size[name]) for of_size in asked], max(3, rounds // 3))
        least = statistics.median(samples[0])
        figures += [
            Figure(f"{name}: processor for each of {size:,} items", _each(taken, least, size), "us")
            for size, taken in zip(sizes[1:], samples[1:], strict=True)
        ]
    return figures


def _each(taken: Sequence[float], least: float, size: int) -> tuple[float, ...]:
    return tuple((microseconds - least) / (size - 1) for microseconds in taken)
