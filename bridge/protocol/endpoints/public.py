"""What anyone may see: a page, the health, the channel's logo. Outside the envelope."""

from __future__ import annotations

import hashlib
from base64 import b64encode
from collections.abc import Mapping
from importlib import resources
from typing import Any

from flask import Blueprint, Response, jsonify, render_template_string

from bridge.protocol.call import current_services

area = Blueprint("front", __name__)

LOGO = "/logo.png"
NOTHING_MORE = "base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
"""What no page may do, in the words of a Content-Security-Policy."""


def source_hash(content: str) -> str:
    """Return how a Content-Security-Policy allows this inline style or script, and no other."""
    return f"sha256-{b64encode(hashlib.sha256(content.encode()).digest()).decode()}"


STYLE = """
  body { font: 18px/1.6 system-ui, sans-serif; max-width: 34rem; margin: 15vh auto; padding: 0 1.5rem; color: #1d2733 }
  img { vertical-align: middle; margin-right: .8rem } h1 { font-size: 1.5rem }
  .ok { color: #18794e } .failing { color: #b42318 }
"""
PAGE = """<!doctype html>
<html lang="en">
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>{{ name }} for Linnworks</title>
<style>{{ style|safe }}</style>
<h1><img src="{{ logo }}" alt="" width="57" height="57">{{ name }} for Linnworks</h1>
<p>This is a Linnworks channel application. It passes orders, stock and prices between Linnworks and a shop.</p>
<p><b class="{{ "ok" if ok else "failing" }}">{{ "It is running." if ok else "It cannot work at the moment." }}</b></p>
</html>
"""


PAGE_POLICY = f"default-src 'none'; img-src 'self'; style-src '{source_hash(STYLE)}'; {NOTHING_MORE}"


@area.get("/")
def page() -> tuple[str, int, dict[str, str]]:
    """Return a page that says what this is and whether it works."""
    bridge = current_services()
    ok = not any(problems().values())
    name = bridge.settings.channel_friendly_name or bridge.channels.channel_class.friendly_name
    # the logo is named relative to the page, which a proxy may serve below a prefix
    shown = render_template_string(PAGE, name=name, ok=ok, logo=LOGO.removeprefix("/"), style=STYLE)
    return shown, 200 if ok else 503, {"Content-Security-Policy": PAGE_POLICY}


@area.get("/health")
def health() -> tuple[Response, int]:
    """Return 200 if the service can work, else 503 with the reasons."""
    found = problems()
    return jsonify(health_report(found)), 503 if any(found.values()) else 200


@area.get(LOGO)
def logo() -> Response:
    """Return the channel's logo, 57 x 57 px."""
    chosen = current_services().settings.logo
    picture = (
        chosen.read_bytes()
        if chosen
        else resources.files("bridge.protocol.endpoints").joinpath("logo.png").read_bytes()
    )
    return Response(picture, mimetype="image/png", headers={"Cache-Control": "max-age=3600"})


def problems() -> dict[str, str]:
    """Return what is wrong with each thing that the service needs, "" if it works."""
    services = current_services()
    return services.health.problems(services.settings, services.worker)


def health_report(found: Mapping[str, str]) -> dict[str, Any]:
    """Return the status, whether each thing works that the service needs, and the reasons where one does not."""
    reasons = [reason for reason in found.values() if reason]
    report: dict[str, Any] = {"status": "failing" if reasons else "ok"}
    report |= {name: not reason for name, reason in found.items()}
    return {**report, "reasons": reasons} if reasons else report
