"""The rule about requests that were recorded elsewhere and are sent again."""

from __future__ import annotations

from collections import Counter
from typing import Any

from bridge.check.context import CheckContext, try_each
from bridge.check.rule import RuleArea

area = RuleArea("Replay", "channel-integration", needs=("CFG-08",))
LAST_CALL = "ConfigDeleted"


@area.rule("REP-01")
def recorded_calls(context: CheckContext) -> None:
    """Every recorded request gets a response that Linnworks can read.

    Linnworks will send such requests again, and may disable the integration because of an unreadable response.
    """

    errors: Counter[str] = Counter()
    calls = [(endpoint, body) for endpoint, body in context.recorded_calls if endpoint != LAST_CALL]
    left_out = len(context.recorded_calls) - len(calls)

    def send(call: tuple[str, dict[str, Any]]) -> None:
        endpoint, body = call
        if "AuthorizationToken" in body:
            body = {**body, "AuthorizationToken": context.first.token}
        if context.remember_token(context.client.post(endpoint, body)).error:
            errors[endpoint] += 1

    try:
        try_each(calls, send)
    finally:
        by_endpoint = ", ".join(f"{name} {count}" for name, count in errors.most_common())
        note = f"{sum(errors.values())} of {len(calls)} recorded calls were answered with an Error"
        context.notes.append(f"{note}: {by_endpoint}" if by_endpoint else note)
        if left_out:
            context.notes.append(
                f"{left_out} recorded {LAST_CALL} not sent: it would end the integration of the replay"
            )
