"""The rule about requests that were recorded elsewhere and are sent again."""

from __future__ import annotations

from typing import Any

from bridge.check.context import CheckContext, try_each
from bridge.check.rule import RuleArea

area = RuleArea("Replay", "channel-integration", needs=("CFG-08",))


@area.rule("REP-01")
def recorded_calls(context: CheckContext) -> None:
    """Every recorded request gets a response that Linnworks can read.

    Linnworks will send such requests again, and may disable the integration because of an unreadable response.
    """

    def send(call: tuple[str, dict[str, Any]]) -> None:
        endpoint, body = call
        if "AuthorizationToken" in body:
            body = {**body, "AuthorizationToken": context.first.token}
        context.remember_token(context.client.post(endpoint, body))

    try_each(context.recorded_calls, send)
