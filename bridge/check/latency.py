"""How long the endpoints took to respond."""

from __future__ import annotations

import math
from dataclasses import dataclass

from bridge.check.response_schemas import RESPONSE_SCHEMAS


@dataclass(frozen=True)
class Latency:
    """The response times of one endpoint, in seconds."""

    endpoint: str
    calls: int
    p50: float
    p99: float
    maximum: float


def latencies(timings: list[tuple[str, float]]) -> list[Latency]:
    """Return the latency of each endpoint from pairs of endpoint and seconds, the busiest first."""
    by_endpoint: dict[str, list[float]] = {}
    for endpoint, seconds in timings:
        if endpoint in RESPONSE_SCHEMAS:
            by_endpoint.setdefault(endpoint, []).append(seconds)
    found = [
        Latency(endpoint, len(seconds), _percentile(seconds, 0.5), _percentile(seconds, 0.99), max(seconds))
        for endpoint, seconds in by_endpoint.items()
    ]
    return sorted(found, key=lambda latency: -latency.calls)


def _percentile(seconds: list[float], share: float) -> float:
    return sorted(seconds)[math.ceil(share * len(seconds)) - 1]
