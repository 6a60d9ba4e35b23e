"""What the operator's monitor asks, and nobody else: metrics, and the details of the health. Outside the envelope."""

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
from bridge.protocol.endpoints.public import checks
from bridge.protocol.rate_limit import is_loopback
from bridge.vault import digest

area = Blueprint("monitoring", __name__)

FORWARDED = ("Forwarded", "X-Forwarded-For", "X-Real-Ip", "Via")


@area.get("/metrics")
def metrics() -> Response:
    """Everything that is counted, over all processes, and how things stand."""
    _require_operator()
    found = checks()
    well = GaugeMetricFamily("bridge_healthy", "Whether what the service needs works", labels=["check"])
    for name, works in found.items():
        well.add_metric([name], works)
    stands: list[Metric] = [well]
    if found["database"]:
        stands += status.gauges(status.look(now()))
    return Response(exposition(stands), content_type=CONTENT_TYPE_LATEST)


@area.get("/health/details")
def details() -> tuple[Response, int]:
    """The health with what waits, how long, and when each connection was last asked for its orders."""
    _require_operator()
    found: dict[str, Any] = dict(checks())
    well = all(found.values())
    if found["database"]:
        found |= status.details(status.look(now()))
    return jsonify(status="ok" if well else "failing", **found), 200 if well else 503


def _require_operator() -> None:
    """Raise NotFound unless the call has BRIDGE_METRICS_TOKEN or, where none is set, comes from this machine.

    A proxy calls from this machine as well, with a header that names its client.
    """
    token = current_services().settings.metrics_token
    if token:
        known = hmac.compare_digest(digest(bearer_token(request)), digest(token))
    else:
        known = is_loopback(request.remote_addr or "") and not any(name in request.headers for name in FORWARDED)
    if not known:
        raise NotFound
