"""Test one rule after the other and collect the results."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable
from dataclasses import dataclass, replace
from enum import Enum

from bridge.check import tenants
from bridge.check.causes import ENDPOINTS_RESPOND, leader_of
from bridge.check.context import CheckContext
from bridge.check.rule import ConfigMissing, EndpointMissing, Rule, RuleFailed, RuleSeverity, RuleSkipped


class Verdict(str, Enum):
    """The result of testing a rule."""

    PASS = "pass"  # noqa: S105 (a verdict)
    FAIL = "fail"
    SKIP = "skip"


@dataclass(frozen=True)
class Evidence:
    """A request and its response as text, without secrets."""

    request: str
    response: str


@dataclass(frozen=True)
class RuleResult:
    """A rule's verdict, with the reason when it did not pass and the evidence when it failed.

    `needs` are the rules it waits for, `leader` is the broken rule from which its own failure follows.
    """

    rule: Rule
    verdict: Verdict
    reason: str = ""
    seconds: float = 0.0
    evidence: Evidence | None = None
    needs: tuple[str, ...] = ()
    leader: str = ""

    @property
    def broken(self) -> RuleSeverity | None:
        """Return the severity of the rule when it is broken."""
        return self.rule.severity if self.verdict is Verdict.FAIL else None


def run_rules(
    context: CheckContext, rules: Iterable[Rule], on_result: Callable[[RuleResult], None], read_only: bool = False
) -> list[RuleResult]:
    """Test every rule whose needs are met, and report each result as soon as it is known."""
    results: dict[str, RuleResult] = {}
    failures: dict[str, RuleFailed] = {}
    area = ""
    for rule in rules:
        if rule.area != area:
            area = rule.area
            tenants.probe(context)
        missing = [need for need in rule.needs if results[need].verdict is not Verdict.PASS]
        if read_only and rule.changes_shop:
            result = RuleResult(rule, Verdict.SKIP, "it changes the shop")
        elif missing:
            result = RuleResult(rule, Verdict.SKIP, f"needs {', '.join(missing)}", needs=tuple(missing))
        else:
            result = _test(context, rule, failures)
        results[rule.id] = result
        on_result(result)
    for rule_id, failure in failures.items():
        results[rule_id] = replace(results[rule_id], leader=leader_of(rule_id, failure, context))
    return list(results.values())


def _test(context: CheckContext, rule: Rule, failures: dict[str, RuleFailed]) -> RuleResult:
    client = context.client
    verdict, reason, exchange = Verdict.PASS, "", None
    started = time.monotonic()
    client.last_exchange = None
    violations_before, statuses_before = len(client.violations), len(client.statuses)
    client.counts_unusual = rule.severity is RuleSeverity.MUST
    needs: tuple[str, ...] = ()
    try:
        rule.test(context)
    except RuleFailed as failure:
        verdict, reason, exchange = Verdict.FAIL, str(failure), failure.exchange
        failures[rule.id] = failure
    except RuleSkipped as cause:
        verdict, reason = Verdict.SKIP, str(cause)
        if isinstance(cause, ConfigMissing):
            context.missing_config = reason
        if isinstance(cause, EndpointMissing):
            needs = (ENDPOINTS_RESPOND,)
    except Exception as error:  # a malformed response can raise anything anywhere; the other rules are still tested
        verdict, reason = Verdict.FAIL, f"the response cannot be interpreted: {type(error).__name__}: {error}"
    if rule.severity is RuleSeverity.ADVICE:  # Linnworks may never send these requests: no other rule judges them
        del client.violations[violations_before:]
        del client.statuses[statuses_before:]
    evidence = None
    shown = exchange or client.last_exchange
    if verdict is Verdict.FAIL and shown:
        evidence = Evidence(client.redact(shown.request_text()), client.redact(shown.response_text(reason)))
    seconds = time.monotonic() - started
    return RuleResult(rule, verdict, client.redact(reason), seconds, evidence, needs)
