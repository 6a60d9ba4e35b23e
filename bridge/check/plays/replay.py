"""Requests that were recorded elsewhere, sent again."""

from __future__ import annotations

from bridge.check.judge import summary
from bridge.check.play import Play
from bridge.check.registry import Area, Failed

area = Area("Replay", "channel-integration", needs=("CFG-08",))


@area.check("REP-01")
def recorded(play: Play) -> None:
    """Every recorded request is answered in a form that Linnworks can read.

    What Linnworks sent once it sends again; an answer that cannot be read may get the integration disabled.
    """
    failures = []
    for endpoint, body in play.recorded:
        if "AuthorizationToken" in body:
            body = {**body, "AuthorizationToken": play.first.token}
        try:
            token = play.linnworks.post(endpoint, body).says("AuthorizationToken")
        except Failed as failure:
            failures.append(failure)
            continue
        if token:
            play.linnworks.secrets.add(token)
            play.open.add(token)
    if failures:
        raise Failed(summary(map(str, failures)), failures[0].exchange)
