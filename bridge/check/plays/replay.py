"""Requests that were recorded elsewhere, sent again."""

from __future__ import annotations

from typing import Any

from bridge.check.play import Play, try_each
from bridge.check.registry import Area

area = Area("Replay", "channel-integration", needs=("CFG-08",))


@area.check("REP-01")
def recorded(play: Play) -> None:
    """Every recorded request is answered in a form that Linnworks can read.

    What Linnworks sent once it sends again; an answer that cannot be read may get the integration disabled.
    """

    def send(call: tuple[str, dict[str, Any]]) -> None:
        endpoint, body = call
        if "AuthorizationToken" in body:
            body = {**body, "AuthorizationToken": play.first.token}
        play.keep(play.linnworks.post(endpoint, body))

    try_each(play.recorded, send)
