"""How long calls wait for others: small ones beside stalled shops and big batches, and many integrations at once."""

from __future__ import annotations

import json
import random
import tempfile
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import partial
from pathlib import Path
from typing import Any

from bench.client import percentiles
from bench.figures import Figure, of_target
from bench.installation import CONFIG_TEST, INVENTORY, ORDERS, environ_of
from bench.load import load
from bench.processes import Server, child
from bench.served import NO_ERROR, prepared
from bench.shops import STALLED

STALLED_CALLS = 16
SMALL_RATE = 40
MINUTES = 10
LATE, SLOW = 10_000, 8_000
"""Milliseconds after which Linnworks closes the connection, and that a call may take."""

Call = tuple[float, str, str, str]


def measure(seconds: float, rounds: int, integrations: int) -> list[Figure]:
    """Measure small calls alone, beside stalled shops, and beside big batches; then many integrations at once."""
    with tempfile.TemporaryDirectory(prefix="bench-") as folder:
        # a round ends when the stalled calls do, with their budget
        budget = min(8, round(2 * seconds))
        environ = {**environ_of(Path(folder)), "BRIDGE_BUDGET_SECONDS": str(budget)}
        quick, big = prepared(environ, 2)
        stalled = prepared(environ, STALLED_CALLS, STALLED)
        steady = prepared(environ, integrations, "0.3")
        with Server(environ) as server:
            return [*_beside(server, quick, big, stalled, seconds, rounds), *_rhythm(server, steady, 2 * seconds)]


def _beside(
    server: Server,
    quick: dict[str, Any],
    big: dict[str, Any],
    stalled: list[dict[str, Any]],
    seconds: float,
    rounds: int,
) -> list[Figure]:
    idle, beside, batches = [], [], []
    path, raw = big["InventoryUpdate"][0], big["InventoryUpdate"][1].encode()
    tests = [asked["ConfigTest"] for asked in stalled]
    hanging = [partial(server.ask, test_path, body.encode()) for test_path, body in tests]
    for _ in range(rounds):
        idle.append(_small(server, quick, seconds))
        with _meanwhile(*hanging):
            beside.append(_small(server, quick, seconds))
        with _meanwhile(lambda: load(server, path, raw, seconds, NO_ERROR)):
            batches.append(_small(server, quick, seconds))
    return [
        Figure("small call's p99, idle", tuple(idle), "ms"),
        of_target("8a", [one / other for one, other in zip(beside, idle, strict=True)]),
        of_target("8b", beside),
        Figure("small call's p99 while updates of 1,000 come as fast as they are answered", tuple(batches), "ms"),
    ]


@contextmanager
def _meanwhile(*jobs: Callable[[], Any]) -> Iterator[None]:
    """Repeat each job in a thread until the block ends."""
    over = threading.Event()

    def repeat(job: Callable[[], Any]) -> None:
        while not over.is_set():
            job()

    threads = [threading.Thread(target=repeat, args=(job,)) for job in jobs]
    for thread in threads:
        thread.start()
    try:
        over.wait(0.3)  # until they have begun
        yield
    finally:
        over.set()
        for thread in threads:
            thread.join()


def _small(server: Server, asked: dict[str, Any], seconds: float) -> float:
    """Return the p99 of small calls at a constant rate."""
    calls: list[Call] = [(n / SMALL_RATE, "small", *asked["ConfigTest"]) for n in range(round(SMALL_RATE * seconds))]
    taken = _latencies(server, calls)["small"]
    return percentiles([LATE if one is None else one for one in taken])["p99"]


def _latencies(server: Server, schedule: list[Call]) -> dict[str, list[float | None]]:
    plan = {"url": server.url, "schedule": schedule, "sign": NO_ERROR}
    latencies: dict[str, list[float | None]] = json.loads(child("bench.client", given=json.dumps(plan).encode()))
    return latencies


def _rhythm(server: Server, integrations: list[dict[str, Any]], seconds: float) -> list[Figure]:
    """Make the calls of ten minutes: each integration reads its orders, tests, and sends two full updates at random."""
    chance = random.Random(1)
    schedule: list[Call] = []
    for asked in integrations:
        for name in ("InventoryUpdate", "InventoryUpdate", "Orders", "ConfigTest"):
            at = chance.uniform(0, 60 * MINUTES)
            if at < seconds:
                schedule.append((at, asked[name][0], *asked[name]))
    before = server.processor_seconds()
    latencies = _latencies(server, sorted(schedule))
    used = server.processor_seconds() - before
    taken = [one for path in (INVENTORY, ORDERS, CONFIG_TEST) for one in latencies.get(path, [])]
    answered = [one for one in taken if one is not None]
    return [
        Figure("integrations in Linnworks' rhythm", (len(integrations),), ""),
        Figure("their calls", (len(taken),), ""),
        Figure("of these refused or failed", (len(taken) - len(answered),), ""),
        of_target("14a", [float(sum(one > SLOW for one in answered))]),
        of_target("14b", [percentiles(answered)["p99"] / 1000]),
        of_target("14c", [100 * used / seconds]),
    ]
