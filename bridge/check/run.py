"""One run of the checks: what was asked for, and what came of it."""

from __future__ import annotations

import json
import random
import re
from collections import Counter
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from fnmatch import fnmatchcase
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import requests

from bridge.check.linnworks import Linnworks
from bridge.check.manifest import ENDPOINTS, Manifest
from bridge.check.play import Play, now
from bridge.check.plays import closure, programme
from bridge.check.registry import Check, Outcome, Severity, Verdict, perform
from bridge.check.samples import CHANGES
from bridge.check.shapes import SHAPES
from bridge.check.soak import Latency, Soaking, latencies

SECRET = re.compile(r"pass|secret|key|token", re.IGNORECASE)
"""Names of wizard answers that are nobody else's business."""


class CheckCouldNotRun(Exception):
    """Nothing answers, nothing is asked for, or something is missing that only the caller knows."""


@dataclass(frozen=True)
class Options:
    """What the caller wants: which application, which checks, and how."""

    manifest: Manifest
    answers: Mapping[str, str] = field(default_factory=dict)
    oauth: tuple[str, str] | None = None
    only: tuple[str, ...] = ()
    skip: tuple[str, ...] = ()
    read_only: bool = False
    timeout: float = 10.0
    patience: float = 20.0
    seed: int | None = None
    recorded: tuple[tuple[str, dict[str, Any]], ...] = ()
    soaking: Soaking | None = None

    @property
    def mode(self) -> str:
        """The kind of run: a check, a replay or a soak."""
        return "soak" if self.soaking else "replay" if self.recorded else "check"


@dataclass
class Run:
    """What came of it."""

    target: str
    mode: str
    seed: int
    begun: datetime
    outcomes: list[Outcome]
    seconds: float = 0.0
    latencies: list[Latency] = field(default_factory=list)
    stuck: str = ""

    def count(self, what: Verdict | Severity, area: str = "") -> int:
        """How many checks passed or were skipped, or broke a rule of this severity, in an area or in all."""
        told = Counter(
            outcome.broken or outcome.verdict for outcome in self.outcomes if area in ("", outcome.check.area)
        )
        return told[what]

    @property
    def areas(self) -> dict[str, list[Outcome]]:
        """The outcomes by area, in the order of the play."""
        found: dict[str, list[Outcome]] = {}
        for outcome in self.outcomes:
            found.setdefault(outcome.check.area, []).append(outcome)
        return found

    @property
    def broken(self) -> list[Outcome]:
        """The rules that were broken, the gravest first."""
        gravity = list(Severity)
        return sorted(
            (outcome for outcome in self.outcomes if outcome.broken),
            key=lambda outcome: gravity.index(outcome.check.severity),
        )

    @property
    def status(self) -> int:
        """0 where no must-rule was broken, 1 where one was, 2 where the run got stuck before it could tell."""
        return 1 if self.count(Severity.MUST) else 2 if self.stuck else 0


def run_check(options: Options, begin: Callable[[int], None], watch: Callable[[str], None]) -> Run:
    """Leads integrations of its own through their whole life and tells what held and what did not.

    Orders of the shop are despatched, cancelled and refunded on the way; stock, prices, settings and
    listings are put back, and its integrations deleted, also when the run is interrupted. `begin` hears how
    many checks there are, `watch` what goes on after each.
    """
    target = _target(options)
    all_checks = programme(options.manifest, options.mode)
    checks = all_checks if options.mode != "check" else _chosen(all_checks, options)
    seed = random.SystemRandom().randrange(10**6) if options.seed is None else options.seed
    rng = random.Random(seed)  # noqa: S311 (makes names up, keeps no secrets)
    linnworks = Linnworks(options.manifest, options.oauth, options.timeout, rng)
    linnworks.secrets |= {value for name, value in options.answers.items() if SECRET.search(name) and len(value) > 5}
    play = Play(linnworks, options.answers, rng, options.patience)
    play.soaking, play.read_only, play.tell = options.soaking, options.read_only, watch
    play.recorded = [(name, body) for name, body in options.recorded if not (options.read_only and name in CHANGES)]
    run = Run(target, options.mode, seed, now(), [])
    begin(len(checks))
    try:
        told = perform(play, checks, lambda outcome: watch(""), options.read_only)
    finally:
        play.clear_up()
        linnworks.close()
    run.seconds = (now() - run.begun).total_seconds()
    run.outcomes = _asked_for(told, all_checks, options) if options.mode == "check" else told
    run.latencies = latencies(linnworks.calls)
    run.stuck = play.stuck
    return run


def _target(options: Options) -> str:
    """The address of the application, once somebody answers there."""
    urls = [options.manifest.says(name) for name in ENDPOINTS if options.manifest.says(name)]
    if not urls:
        raise CheckCouldNotRun("the manifest names no endpoint")
    if options.manifest.url("OAuthAuthorization") and not options.oauth:
        raise CheckCouldNotRun("the application wants access tokens: say which client with --oauth-client ID:SECRET")
    parts = urlsplit(urls[0])
    address = f"{parts.scheme}://{parts.netloc}"
    try:
        requests.get(address, timeout=options.timeout, allow_redirects=False)
    except (requests.RequestException, ValueError) as error:
        raise CheckCouldNotRun(f"nothing answers at {address}: {type(error).__name__}") from None
    return address


def _fits(check: Check, patterns: tuple[str, ...]) -> bool:
    """Whether a pattern means this check: the beginning of its id, a glob, or its area."""
    names = (check.id.casefold(), check.area.casefold())
    return any(
        names[0].startswith(pattern.casefold()) or any(fnmatchcase(name, pattern.casefold()) for name in names)
        for pattern in patterns
    )


def _wanted(checks: list[Check], options: Options) -> list[Check]:
    for pattern in (*options.only, *options.skip):
        if not any(_fits(check, (pattern,)) for check in checks):
            raise CheckCouldNotRun(f"no rule or area is called {pattern}; linnworks-bridge check --list shows them all")
    chosen = [check for check in checks if not options.only or _fits(check, options.only)]
    return [check for check in chosen if not _fits(check, options.skip)]


def _chosen(checks: list[Check], options: Options) -> list[Check]:
    """The checks asked for, and those that have to go before them."""
    wanted = _wanted(checks, options)
    refused = {check.id for check in checks if _fits(check, options.skip)}
    needed = closure(wanted, checks)
    by_need = {need for check in needed for need in check.needs}
    return [check for check in needed if check.id not in refused or check.id in by_need]


def _asked_for(outcomes: list[Outcome], checks: list[Check], options: Options) -> list[Outcome]:
    """What was asked for, and whatever stood in its way."""
    chosen = _wanted(checks, options)
    wanted = {check.id for check in chosen}
    needed = {check.id for check in closure(chosen, checks, after=False)}
    return [
        one
        for one in outcomes
        if one.check.id in wanted or (one.check.id in needed and one.verdict is not Verdict.PASS)
    ]


def recorded(path: Path) -> tuple[tuple[str, dict[str, Any]], ...]:
    """The calls in a file of JSON lines, each {"endpoint": "Orders", "body": {...}}."""
    names = {name.casefold(): name for name in SHAPES}
    calls = []
    for number, line in enumerate(path.read_text(encoding="utf-8-sig").splitlines(), 1):
        if not line.strip():
            continue
        try:
            row = json.loads(line)
            name = names[str(row["endpoint"]).rstrip("/").rpartition("/")[2].casefold().removesuffix("endpoint")]
            body = row["body"]
        except (ValueError, KeyError, TypeError):
            body = None
        if not isinstance(body, dict):
            raise CheckCouldNotRun(f'{path} line {number} is not {{"endpoint": an endpoint, "body": an object}}')
        calls.append((name, body))
    if not calls:
        raise CheckCouldNotRun(f"{path} holds no calls")
    return tuple(calls)
