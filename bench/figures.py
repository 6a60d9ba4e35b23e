"""Figures: what was measured, and its target."""

from __future__ import annotations

import statistics
from collections.abc import Iterable
from dataclasses import asdict, dataclass
from typing import Any


@dataclass(frozen=True)
class Target:
    """The limit that a figure should keep, and the generous one (`gate`) that every change must keep.

    Only ratios and counts of errors have a gate, because absolute times depend on the machine.
    """

    what: str
    limit: float
    unit: str = "x"
    least: bool = False
    gate: float | None = None

    def met(self, value: float) -> bool:
        """Return whether a value meets the target."""
        return value >= self.limit if self.least else value <= self.limit

    def passes(self, value: float) -> bool:
        """Return whether a value is within the gate."""
        return self.gate is None or (value >= self.gate if self.least else value <= self.gate)


TARGETS = {
    "1": Target("InventoryUpdate of 1,000, whole stack in process / floor", 2.0, gate=6),
    "2": Target("PriceUpdate of 1,000, whole stack in process / floor", 2.5, gate=7),
    "3": Target("Orders page of 100 x 5 from order objects / dumps of the page", 1.1, gate=3),
    "4": Target("Products page of 1,000 from product objects / dumps of the page", 0.2, gate=1),
    "5": Target("small call, throughput / Flask's JSON echo on the same server", 0.75, least=True, gate=0.3),
    "6": Target("small call, instructions / Flask answering fixed bytes", 1.5),
    "7a": Target("1 of 1,000 rows invalid / all valid", 2, gate=4),
    "7b": Target("all of 1,000 rows invalid / all valid", 1, gate=3),
    "8a": Target("small call's p99 with 16 calls to stalled shops in flight / idle", 3),
    "8b": Target("small call's p99 with 16 calls to stalled shops in flight", 50, "ms"),
    "9": Target("1,000 SKUs, 300 ms a call of 100, 4 at once / one call", 3.5, gate=4.5),
    "10a": Target("connections that a second job opens to a shop", 0, "", gate=0),
    "10b": Target("CPU of a warm HTTPS call to a shop", 0.8, "ms"),
    "11": Target("answers that the database was locked, 4 processes writing", 0, "", gate=0),
    "12a": Target("memory of the service after load, 2 processes x 16 threads (PSS)", 130, "MB"),
    "12b": Target("largest process of it (RSS)", 75, "MB"),
    "13a": Target("start of the service until its first answer", 0.6, "s"),
    "13b": Target("linnworks-bridge --help", 0.15, "s"),
    "13c": Target("linnworks-bridge check --help", 0.15, "s"),
    "14a": Target("integrations in Linnworks' rhythm: answers after more than 8 s", 0, ""),
    "14b": Target("the same: p99", 4, "s"),
    "14c": Target("the same: CPU of the service", 20, "% of a core"),
    "15": Target("WooCommerce: reading, mapping and writing a recorded page of orders / floor", 4, gate=10),
    "16a": Target("poll with 200,000 seen orders and 1,000 connections / with none", 1.5, gate=1.5),
    "16b": Target("idle second of the worker, the same", 1.5, gate=1.5),
    "17": Target("poll for 100 orders with the record of calls / without", 1.1, gate=1.25),
    "18": Target("despatch of 100 orders of 2 lines, whole stack in process / floor", 3),
    "19a": Target("memory after 200,000 calls / after 10,000: largest process (RSS)", 1.1),
    "19b": Target("the same: all processes (PSS)", 1.1),
    "20a": Target("empty poll: seconds that a running shop is busy / for a plain client", 1),
    "20b": Target("100 orders: the same", 0.55),
    "20c": Target("1,000 products: the same", 1.0),
    "20d": Target("1,000 levels or prices: the same", 0.8),
    "length": Target("answers without their exact Content-Length", 0, "", gate=0),
}


@dataclass(frozen=True)
class Figure:
    """A quantity and its value in each round."""

    what: str
    values: tuple[float, ...]
    unit: str
    target: str = ""

    @property
    def median(self) -> float:
        return statistics.median(self.values)

    def as_dict(self) -> dict[str, Any]:
        """Return the figure as it is in the JSON report."""
        return {**asdict(self), "median": self.median, "low": min(self.values), "high": max(self.values)}


def of_target(number: str, values: Iterable[float]) -> Figure:
    """Return a figure that has a target."""
    return Figure(TARGETS[number].what, tuple(values), TARGETS[number].unit, number)


def ratios(numerators: Iterable[float], denominators: Iterable[float]) -> tuple[float, ...]:
    """Return the ratio of each round, in which both are slowed down by the same load."""
    return tuple(one / other for one, other in zip(numerators, denominators, strict=True))
