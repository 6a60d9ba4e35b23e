"""The endpoints of the application by what they do: which answer, which are missing, which refuse."""

from __future__ import annotations

from bridge.check.client import LinnworksClient
from bridge.check.response_schemas import RESPONSE_SCHEMAS

ANSWERS, NOT_CALLED, NOT_IN_MANIFEST = "answers", "not called", "not in the manifest"
MAX_ERROR_CHARACTERS = 80


def endpoint_states(client: LinnworksClient) -> dict[str, list[str]]:
    """Return the names of the endpoints in each state, those that answer first and those not in the manifest last."""
    found: dict[str, list[str]] = {}
    for name in RESPONSE_SCHEMAS:
        found.setdefault(_state(client, name), []).append(name)
    last = [NOT_CALLED, NOT_IN_MANIFEST]
    order = sorted(found, key=lambda state: (state != ANSWERS, last.index(state) + 1 if state in last else 0))
    return {state: found[state] for state in order}


def _state(client: LinnworksClient, name: str) -> str:
    if not client.has_endpoint(name):
        return NOT_IN_MANIFEST
    if name in client.succeeded:
        return ANSWERS
    statuses = [one.status for one in client.statuses if one.endpoint == name]
    if 200 in statuses and name in client.errors:
        return f'refuses: "{client.redact(client.errors[name])[:MAX_ERROR_CHARACTERS]}"'
    if not statuses or max(statuses) == 200:
        return NOT_CALLED
    worst = max(statuses)
    return f"status {worst}" if worst else "no response"
