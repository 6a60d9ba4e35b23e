"""Metrics and health details for the operator's monitoring only. Outside the envelope."""

from __future__ import annotations

import hmac
from typing import Any

from flask import Blueprint, Response, jsonify, request
from prometheus_client import CONTENT_TYPE_LATEST
from prometheus_client.metrics_core import GaugeMetricFamily, Metric
from werkzeug.exceptions import NotFound

from bridge.clock import now
from bridge.ops import status
from bridge.ops.metrics import exposition
from bridge.protocol.auth import bearer_token
from bridge.protocol.call import current_services
from bridge.protocol.endpoints.public import health_report, problems
from bridge.protocol.rate_limit import is_loopback
from bridge.vault import digest

area = Blueprint("monitoring", __name__)

FORWARDED = ("Forwarded", "X-Forwarded-For", "X-Real-Ip", "Via")


@area.get("/metrics")
def metrics() -> Response:
    """Return the counters of all processes, and the current status as gauges."""
    _require_operator()
    found = problems()
    healthy = GaugeMetricFamily("bridge_healthy", "Whether a thing that the service needs works", labels=["check"])
    for name, problem in found.items():
        healthy.add_metric([name], not problem)
    gauges: list[Metric] = [healthy]
    if not found["database"]:
        gauges += status.gauges(status.current_status(current_services().settings, now()))
    return Response(exposition(gauges), content_type=CONTENT_TYPE_LATEST)


@area.get("/health/details")
def details() -> tuple[Response, int]:
    """Return the health checks and the current status: what waits, since when, and the last poll of each connection."""
    _require_operator()
    found = problems()
    report: dict[str, Any] = health_report(found)
    if not found["database"]:
        report |= status.details(status.current_status(current_services().settings, now()))
    return jsonify(report), 503 if any(found.values()) else 200


def _require_operator() -> None:
    """Raise NotFound unless the call has BRIDGE_METRICS_TOKEN or, if none is set, comes from this machine.

    A proxy on this machine adds a header that names its client.
    """
    token = current_services().settings.metrics_token
    if token:
        allowed = hmac.compare_digest(digest(bearer_token(request)), digest(token))
    else:
        allowed = is_loopback(request.remote_addr or "") and not any(name in request.headers for name in FORWARDED)
    if not allowed:
        raise NotFound
