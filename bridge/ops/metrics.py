"""Metrics: each process of the service counts, and Prometheus reads the sum.

Under `bridge.ops.serving` each process counts in files of its own, in a folder that all of them read. A process that
replaces another continues its files, so that no counter goes down and there are no more files than processes.
"""

from __future__ import annotations

import os
from collections.abc import Iterable
from contextlib import suppress
from functools import cache

from flask import Flask, Response
from prometheus_client import CollectorRegistry, Counter, Histogram, generate_latest, values
from prometheus_client.metrics_core import Metric
from prometheus_client.multiprocess import MultiProcessCollector
from prometheus_client.registry import Collector

from bridge.channels.http.signals import shop_called
from bridge.ops.metrics_folder import VARIABLE
from bridge.protocol.call import current_call

CALL_SECONDS = (0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2, 4, 8, 10)
SHOP_SECONDS = (0.05, 0.1, 0.25, 0.5, 1, 2, 4, 8)
OTHER = "other"
"""The endpoint label of calls to unknown addresses, which clients can make up without end."""

_slot = 0

if VARIABLE in os.environ:
    values.ValueClass = values.MultiProcessValue(lambda: _slot)  # type: ignore[no-untyped-call]

_counted = CollectorRegistry()
_calls = Counter("bridge_calls", "Calls answered", ["endpoint", "outcome"], registry=_counted)
_call_seconds = Histogram(
    "bridge_call_seconds", "Time to answer a call", ["endpoint"], registry=_counted, buckets=CALL_SECONDS
)
_shop_calls = Histogram(
    "bridge_shop_call_seconds",
    "Time until a shop starts to answer, by the class of its status",
    ["outcome"],
    registry=_counted,
    buckets=SHOP_SECONDS,
)


def use_slot(number: int) -> None:
    """Count in the files of this number, which no other running process has."""
    global _slot
    _slot = number


@cache
def _metrics_of(endpoint: str, outcome: str) -> tuple[Counter, Histogram]:
    """Return the counter and the histogram for calls of this endpoint and outcome; cached, as finding them is slow."""
    return _calls.labels(endpoint, outcome), _call_seconds.labels(endpoint)


def count_call(endpoint: str | None, outcome: str, seconds: float) -> None:
    """Count a call, from Linnworks or any other client."""
    with suppress(OSError):  # whatever happens to the folder, no call fails for it
        count, duration = _metrics_of(endpoint or OTHER, outcome)
        count.inc()
        duration.observe(seconds)


def count_calls_of(app: Flask) -> None:
    """Count every call that the application answers."""

    def count(response: Response) -> Response:
        call = current_call()
        rule = call.request.url_rule
        count_call(rule.rule if rule else None, call.outcome, call.deadline.spent())
        return response

    app.after_request(count)


@shop_called.connect
def count_shop_call(sender: object, status: int | None, seconds: float) -> None:
    """Count a call to a shop; `status` is None if it did not answer."""
    with suppress(OSError):
        _shop_calls.labels(f"{status // 100}xx" if status else "lost").observe(seconds)


class _Fixed(Collector):
    def __init__(self, metrics: Iterable[Metric]) -> None:
        self._metrics = metrics

    def collect(self) -> Iterable[Metric]:
        return self._metrics


def exposition(gauges: Iterable[Metric]) -> bytes:
    """Return everything counted, and these gauges, in Prometheus' text format."""
    registry = CollectorRegistry()
    if VARIABLE in os.environ:
        MultiProcessCollector(registry)  # type: ignore[no-untyped-call]
    else:
        registry.register(_counted)
    registry.register(_Fixed(gauges))
    return generate_latest(registry)
