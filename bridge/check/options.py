"""What to check and how."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import requests

from bridge.check.manifest import Manifest
from bridge.check.response_schemas import RESPONSE_SCHEMAS
from bridge.check.rule import RuleSeverity


class CheckCouldNotRun(Exception):
    """The application cannot be reached, or the options do not fit it."""


@dataclass(frozen=True)
class SoakOptions:
    """The size of a soak; a round is a quarter of an hour in Linnworks and starts every `seconds_per_round`."""

    rounds: int = 60
    seconds_per_round: float = 1.0
    integrations: int = 3


@dataclass(frozen=True)
class CheckOptions:
    """What to check and how; `config` are the seller's values for the wizard, `oauth` is a client id and secret.

    `repeat_window` are the seconds in which the application takes an equal Cancel for a repeated one, `fail_on` is the
    mildest severity that makes the run fail.
    """

    manifest: Manifest
    config: Mapping[str, str] = field(default_factory=dict)
    oauth: tuple[str, str] | None = None
    only: tuple[str, ...] = ()
    skip: tuple[str, ...] = ()
    read_only: bool = False
    timeout: float = 10.0
    patience: float = 20.0
    seed: int | None = None
    repeat_window: float | None = None
    fail_on: RuleSeverity = RuleSeverity.MUST
    recorded_calls: tuple[tuple[str, dict[str, Any]], ...] = ()
    soak: SoakOptions | None = None
    open_session: Callable[[], requests.Session] = requests.Session

    @property
    def mode(self) -> str:
        """Return the mode of the run: check, replay or soak."""
        return "soak" if self.soak else "replay" if self.recorded_calls else "check"


def read_recorded_calls(path: Path) -> tuple[tuple[str, dict[str, Any]], ...]:
    """Read calls from a file of JSON lines such as {"endpoint": "Orders", "body": {...}}, or raise CheckCouldNotRun."""
    calls = []
    for number, line in enumerate(path.read_text(encoding="utf-8-sig").splitlines(), 1):
        if line.strip():
            call = _read_call(line)
            if call is None:
                raise CheckCouldNotRun(f'{path} line {number} is not {{"endpoint": an endpoint, "body": an object}}')
            calls.append(call)
    if not calls:
        raise CheckCouldNotRun(f"{path} contains no calls")
    return tuple(calls)


def _read_call(line: str) -> tuple[str, dict[str, Any]] | None:
    """Return the endpoint and the body; the endpoint may be given as a URL or a manifest parameter."""
    names = {name.casefold(): name for name in RESPONSE_SCHEMAS}
    try:
        row = json.loads(line)
        last_part = str(row["endpoint"]).rstrip("/").rpartition("/")[2]
        name, body = names[last_part.casefold().removesuffix("endpoint")], row["body"]
    except (ValueError, KeyError, TypeError):
        return None
    return (name, body) if isinstance(body, dict) else None
