"""What the operator's monitor asks, and nobody else: metrics, and the details of the health. Outside the envelope."""

from __future__ import annotations

from typing import Any

from flask import Blueprint, Response, jsonify
from prometheus_client import CONTENT_TYPE_LATEST
from prometheus_client.metrics_core import GaugeMetricFamily, Metric

from bridge import watch
from bridge.areas.front import checks
from bridge.clock import now
from bridge.contract import admit_operator
from bridge.metrics import exposition

area = Blueprint("operator", __name__)


@area.get("/metrics")
def metrics() -> Response:
    """Everything that is counted, over all processes, and how things stand."""
    admit_operator()
    found = checks()
    well = GaugeMetricFamily("bridge_healthy", "Whether what the service needs works", labels=["check"])
    for name, works in found.items():
        well.add_metric([name], works)
    stands: list[Metric] = [well]
    if found["database"]:
        stands += watch.gauges(watch.look(now()))
    return Response(exposition(stands), content_type=CONTENT_TYPE_LATEST)


@area.get("/health/details")
def details() -> tuple[Response, int]:
    """The health with what waits, how long, and when each connection was last asked for its orders."""
    admit_operator()
    found: dict[str, Any] = dict(checks())
    well = all(found.values())
    if found["database"]:
        found |= watch.details(watch.look(now()))
    return jsonify(status="ok" if well else "failing", **found), 200 if well else 503
