"""Which failure follows from which: one missing endpoint or one unchecked token breaks many rules."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING

from bridge.check.context import CheckContext
from bridge.check.rule import RuleFailed, RuleSeverity
from bridge.check.schema import Aspect

if TYPE_CHECKING:
    from bridge.check.runner import RuleResult

ENDPOINTS_RESPOND = "MAN-07"
UNKNOWN_TOKEN = "REF-03"  # noqa: S105 (a rule)
MAX_CAUSES = 7
"""How many causes a report lists at its beginning."""
LEADERS = {Aspect.STATUS: "ANS-01", Aspect.JSON: "ANS-04", Aspect.TIME: "ANS-06"}
"""The rule about every response that explains a failure for which an unusable response is the only reason."""
SAME_CHECK = ("REF-01", "REF-02", "REF-04", "REF-12")
"""The rules that an endpoint breaks when it accepts an unknown token."""
NO_CHECK = (*SAME_CHECK, "REF-11", "INT-03", "INT-04", "INT-05", "INT-07", "LST-12", "END-03", "END-05")
"""The rules that an application breaks when it never looks at the token."""


@dataclass(frozen=True)
class Cause:
    """A broken rule, the broken rules that follow from it, and those that could not be tested because of it."""

    result: RuleResult
    followers: tuple[RuleResult, ...]
    waiting: tuple[RuleResult, ...]

    @property
    def severity(self) -> RuleSeverity:
        """Return the most serious severity of its rules."""
        severities = {result.rule.severity for result in (self.result, *self.followers)}
        return next(severity for severity in RuleSeverity if severity in severities)

    @property
    def extent(self) -> str:
        """Return how many rules the cause concerns, "" when it is only its own."""
        broken = f"{len(self.followers) + 1} rules" if self.followers else ""
        waiting = f"{len(self.waiting)} {'rule waits' if len(self.waiting) == 1 else 'rules wait'}"
        return ", ".join(filter(None, (broken, waiting if self.waiting else "")))


def leader_of(rule_id: str, failure: RuleFailed, context: CheckContext) -> str:
    """Return the rule from which this failure follows, "" when it stands alone; to be asked when the run is over."""
    leader, missing = "", context.client.missing.keys()
    if failure.endpoints and (failure.endpoints <= missing or (rule_id == ENDPOINTS_RESPOND and missing)):
        leader = ENDPOINTS_RESPOND
    elif failure.aspect in LEADERS:
        leader = LEADERS[failure.aspect]
    elif rule_id in (NO_CHECK if context.token_is_never_checked else SAME_CHECK):
        leader = UNKNOWN_TOKEN
    return "" if leader == rule_id else leader


def causes(results: list[RuleResult]) -> list[Cause]:
    """Return what to fix, the most harmful first: by severity, then by how many rules it concerns."""
    broken = {result.rule.id: result for result in results if result.broken}
    by_id = {result.rule.id: result for result in results}
    leaders = {rule_id: _final_leader(rule_id, broken) for rule_id in broken}
    waiting: dict[str, list[RuleResult]] = {}
    for result in results:
        for rule_id in {leaders[root] for root in _broken_needs(result, by_id)}:
            waiting.setdefault(rule_id, []).append(result)
    found = [
        Cause(
            broken[rule_id],
            tuple(broken[other] for other, leader in leaders.items() if leader == rule_id and other != rule_id),
            tuple(waiting.get(rule_id, ())),
        )
        for rule_id, leader in leaders.items()
        if leader == rule_id
    ]
    order = list(RuleSeverity)
    return sorted(found, key=lambda cause: (order.index(cause.severity), -len(cause.waiting) - len(cause.followers)))


def _final_leader(rule_id: str, broken: Mapping[str, RuleResult]) -> str:
    """Return the last of the broken leaders that lead to each other, the rule itself when it has none."""
    seen = set()
    while broken[rule_id].leader in broken and rule_id not in seen:
        seen.add(rule_id)
        rule_id = broken[rule_id].leader
    return rule_id


def _broken_needs(result: RuleResult, by_id: Mapping[str, RuleResult]) -> set[str]:
    """Return the broken rules for which a rule waits, directly or through others that wait."""
    found: set[str] = set()
    pending = list(result.needs)
    while pending:
        need = by_id.get(pending.pop())
        if need is not None and need.broken:
            found.add(need.rule.id)
        elif need is not None:
            pending += need.needs
    return found
