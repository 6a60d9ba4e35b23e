"""Run a check and collect its results."""

from __future__ import annotations

import random
import re
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime
from urllib.parse import urlsplit

import requests

from bridge.check.causes import Cause, causes
from bridge.check.client import LinnworksClient
from bridge.check.context import CheckContext, now
from bridge.check.endpoint_states import endpoint_states
from bridge.check.latency import Latency, latencies
from bridge.check.manifest import ENDPOINTS
from bridge.check.options import CheckCouldNotRun, CheckOptions
from bridge.check.rule import RuleSeverity
from bridge.check.runner import RuleResult, Verdict, run_rules
from bridge.check.sample_requests import CHANGING_CALLS
from bridge.check.selection import results_to_report, rules_of_mode, rules_to_test

SECRET_NAME = re.compile(r"pass|secret|key|token", re.IGNORECASE)
"""Names of wizard values that reports must not show."""
MIN_SECRET_LENGTH = 6
"""Shorter values occur in ordinary text, so they are not redacted."""

LABELS: dict[Verdict | RuleSeverity, str] = {
    Verdict.PASS: "passed",
    RuleSeverity.MUST: "must failed",
    RuleSeverity.SHOULD: "should failed",
    RuleSeverity.ADVICE: "advice",
    Verdict.SKIP: "skipped",
}
"""What reports call the status of a rule."""


@dataclass
class CheckRun:
    """A finished run; `missing_config` says which values it needed to continue.

    `fail_on` is the mildest severity that makes it fail, `endpoints` are the endpoints in each state.
    """

    target: str
    mode: str
    seed: int
    started: datetime
    results: list[RuleResult] = field(default_factory=list)
    seconds: float = 0.0
    latencies: list[Latency] = field(default_factory=list)
    missing_config: str = ""
    fail_on: RuleSeverity = RuleSeverity.MUST
    endpoints: dict[str, list[str]] = field(default_factory=dict)
    notes: list[str] = field(default_factory=list)

    def count(self, status: Verdict | RuleSeverity, area: str = "") -> int:
        """Return how many rules passed, were skipped, or are broken with this severity, in one area or in all."""
        return sum(
            (result.broken or result.verdict) is status for result in self.results if area in ("", result.rule.area)
        )

    @property
    def areas(self) -> dict[str, list[RuleResult]]:
        """Return the results by area, in the order of the run."""
        found: dict[str, list[RuleResult]] = {}
        for result in self.results:
            found.setdefault(result.rule.area, []).append(result)
        return found

    @property
    def broken(self) -> list[RuleResult]:
        """Return the broken rules, the most severe first."""
        order = list(RuleSeverity)
        broken = [result for result in self.results if result.broken]
        return sorted(broken, key=lambda result: order.index(result.rule.severity))

    @property
    def causes(self) -> list[Cause]:
        """Return the broken rules from which no other follows, each with those that follow, the most harmful first."""
        return causes(self.results)

    def fails(self, result: RuleResult) -> bool:
        """Return whether this result makes the run fail."""
        order = list(RuleSeverity)
        return result.broken is not None and order.index(result.broken) <= order.index(self.fail_on)

    @property
    def exit_status(self) -> int:
        """Return 1 when a rule is broken that makes the run fail, 2 when missing configuration stopped it, else 0."""
        return 1 if any(map(self.fails, self.results)) else 2 if self.missing_config else 0


def run_check(options: CheckOptions, on_start: Callable[[int], None], on_progress: Callable[[str], None]) -> CheckRun:
    """Create integrations, test the rules with them, and return the results; raise CheckCouldNotRun otherwise.

    Some orders of the shop are despatched, cancelled and refunded. Stock, prices, settings and listings are restored
    and the integrations deleted, also when the run is interrupted. `on_start` gets the number of rules, `on_progress`
    a message about a running rule, or "" after each rule.
    """
    target = _reachable_address(options)
    rules = rules_of_mode(options.manifest, options.mode, options.repeat_window is not None)
    tested = rules_to_test(rules, options) if options.mode == "check" else rules
    seed = random.SystemRandom().randrange(10**6) if options.seed is None else options.seed
    run = CheckRun(target, options.mode, seed, now(), fail_on=options.fail_on)
    context = _context(options, seed)
    context.report_progress = on_progress
    on_start(len(tested))
    try:
        results = run_rules(context, tested, lambda result: on_progress(""), options.read_only)
    finally:
        context.tear_down()
        context.client.close()
    run.seconds = (now() - run.started).total_seconds()
    run.results = results_to_report(results, rules, options) if options.mode == "check" else results
    run.latencies = latencies(context.client.timings)
    run.missing_config = context.missing_config
    run.endpoints = endpoint_states(context.client)
    run.notes = [context.client.redact(note) for note in context.notes]
    return run


def _context(options: CheckOptions, seed: int) -> CheckContext:
    client = LinnworksClient(options.manifest, options.oauth, options.timeout, options.open_session)
    client.secrets |= {
        value for name, value in options.config.items() if SECRET_NAME.search(name) and len(value) >= MIN_SECRET_LENGTH
    }
    rng = random.Random(seed)  # noqa: S311 (makes names up, keeps no secrets)
    context = CheckContext(client, options.config, rng, options.patience)
    context.read_only = options.read_only
    context.repeat_window = options.repeat_window
    context.soak_options = options.soak
    context.recorded_calls = [
        (name, body) for name, body in options.recorded_calls if not (options.read_only and name in CHANGING_CALLS)
    ]
    return context


def _reachable_address(options: CheckOptions) -> str:
    """Return the address of the application, or raise CheckCouldNotRun when it does not respond."""
    manifest = options.manifest
    urls = [manifest.text(name) for name in ENDPOINTS if manifest.text(name)]
    if not urls:
        raise CheckCouldNotRun("the manifest names no endpoint")
    if manifest.url("OAuthAuthorization") and not options.oauth:
        raise CheckCouldNotRun("the application requires access tokens: give a client with --oauth-client FILE")
    parts = urlsplit(urls[0])
    address = f"{parts.scheme}://{parts.netloc}"
    try:
        with options.open_session() as session:
            session.get(address, timeout=options.timeout, allow_redirects=False)
    except (requests.RequestException, ValueError) as error:
        raise CheckCouldNotRun(f"nothing responds at {address}: {type(error).__name__}") from None
    return address
