"""Test one rule after the other and collect the results."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from enum import Enum

from bridge.check.context import CheckContext
from bridge.check.rule import ConfigMissing, Rule, RuleFailed, RuleSeverity, RuleSkipped


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
    """A rule's verdict, with the reason when it did not pass and the evidence when it failed."""

    rule: Rule
    verdict: Verdict
    reason: str = ""
    seconds: float = 0.0
    evidence: Evidence | None = None

    @property
    def broken(self) -> RuleSeverity | None:
        """Return the severity of the rule when it is broken."""
        return self.rule.severity if self.verdict is Verdict.FAIL else None


def run_rules(
    context: CheckContext, rules: Iterable[Rule], on_result: Callable[[RuleResult], None], read_only: bool = False
) -> list[RuleResult]:
    """Test every rule whose needs are met, and report each result as soon as it is known."""
    results: dict[str, RuleResult] = {}
    for rule in rules:
        missing = [need for need in rule.needs if results[need].verdict is not Verdict.PASS]
        if read_only and rule.changes_shop:
            result = RuleResult(rule, Verdict.SKIP, "it changes the shop")
        elif missing:
            result = RuleResult(rule, Verdict.SKIP, f"needs {', '.join(missing)}")
        else:
            result = _test(context, rule)
        results[rule.id] = result
        on_result(result)
    return list(results.values())


def _test(context: CheckContext, rule: Rule) -> RuleResult:
    client = context.client
    verdict, reason, exchange = Verdict.PASS, "", None
    started = time.monotonic()
    client.last_exchange = None
    violations_before = len(client.violations)
    try:
        rule.test(context)
    except RuleFailed as failure:
        verdict, reason, exchange = Verdict.FAIL, str(failure), failure.exchange
    except RuleSkipped as cause:
        verdict, reason = Verdict.SKIP, str(cause)
        if isinstance(cause, ConfigMissing):
            context.missing_config = reason
    except Exception as error:  # a malformed response can raise anything anywhere; the other rules are still tested
        verdict, reason = Verdict.FAIL, f"the response cannot be interpreted: {type(error).__name__}: {error}"
    if rule.severity is RuleSeverity.ADVICE:  # Linnworks may never send these requests: no other rule judges them
        del client.violations[violations_before:]
    evidence = None
    shown = exchange or client.last_exchange
    if verdict is Verdict.FAIL and shown:
        evidence = Evidence(client.redact(shown.request_text()), client.redact(shown.response_text(reason)))
    return RuleResult(rule, verdict, client.redact(reason), time.monotonic() - started, evidence)
