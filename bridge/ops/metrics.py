"""Metrics: what the processes of the service count, told to Prometheus as one service's.

Under `bridge.ops.serving` each process counts in a file of its own, in a folder that all of them read. A process that
takes the place of another goes on with its file, so that nothing is counted down and the files are no more than the
processes.
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
ELSEWHERE = "other"
"""The endpoint of calls to addresses where there is none: strangers choose those."""

_slot = 0

if VARIABLE in os.environ:
    values.ValueClass = values.MultiProcessValue(lambda: _slot)  # type: ignore[no-untyped-call]

_counted = CollectorRegistry()
_calls = Counter("bridge_calls", "Calls that were answered", ["endpoint", "outcome"], registry=_counted)
_call_seconds = Histogram(
    "bridge_call_seconds", "Until a call was answered", ["endpoint"], registry=_counted, buckets=CALL_SECONDS
)
_shop_calls = Histogram(
    "bridge_shop_call_seconds",
    "Until a shop began its answer, by the hundred of its status",
    ["outcome"],
    registry=_counted,
    buckets=SHOP_SECONDS,
)


def use_slot(number: int) -> None:
    """Count as the process of this number; of those that run at the same time each has its own."""
    global _slot
    _slot = number


@cache
def _of_calls(endpoint: str, outcome: str) -> tuple[Counter, Histogram]:
    """What counts the calls of an endpoint that came to this, and their duration; found once, because it takes long."""
    return _calls.labels(endpoint, outcome), _call_seconds.labels(endpoint)


def count_call(endpoint: str | None, outcome: str, seconds: float) -> None:
    """Count a call of Linnworks, or of whoever else called."""
    with suppress(OSError):  # whatever becomes of the folder, no call fails for it
        count, duration = _of_calls(endpoint or ELSEWHERE, outcome)
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
    """Count a call to a shop; no status where it gave no answer."""
    with suppress(OSError):
        _shop_calls.labels(f"{status // 100}xx" if status else "lost").observe(seconds)


class _Given(Collector):
    def __init__(self, metrics: Iterable[Metric]) -> None:
        self._metrics = metrics

    def collect(self) -> Iterable[Metric]:
        return self._metrics


def exposition(more: Iterable[Metric]) -> bytes:
    """All that was counted, and `more`, in Prometheus' text format."""
    registry = CollectorRegistry()
    if VARIABLE in os.environ:
        MultiProcessCollector(registry)  # type: ignore[no-untyped-call]
    else:
        registry.register(_counted)
    registry.register(_Given(more))
    return generate_latest(registry)
