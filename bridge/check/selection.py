"""Which rules a run tests: those of its mode, those the caller asked for, and those they depend on."""

from __future__ import annotations

from collections.abc import Iterable
from fnmatch import fnmatchcase

from bridge.check.manifest import Manifest
from bridge.check.options import CheckCouldNotRun, CheckOptions
from bridge.check.rule import Rule
from bridge.check.rules import AREAS, RULES, listings, oauth, replay, responses, soak
from bridge.check.runner import RuleResult, Verdict

MODES = {"replay": (replay.area, responses.ALWAYS), "soak": (soak.area, (*responses.ALWAYS, responses.MISSING_ROWS))}
"""The area of each other mode, and the rules about every response that apply in it."""
REPEAT_WINDOW_RULE = "PSO-17"
"""The rule that waits for the time of --repeat-window."""


def rules_of_mode(manifest: Manifest, mode: str = "check", with_repeat_window: bool = False) -> list[Rule]:
    """Return the rules of a mode that apply to an application with this manifest."""
    if mode != "check":
        area, response_rules = MODES[mode]
        wanted = [*area.rules, *(RULES[rule_id] for rule_id in response_rules)]
        return with_dependencies(wanted, list(RULES.values()), include_after=False)
    excluded = [replay.area, soak.area]
    if not manifest.url("OAuthAuthorization"):
        excluded.append(oauth.area)
    if not manifest.supports_listings:
        excluded.append(listings.area)
    rules = [rule for area in AREAS if area not in excluded for rule in area.rules]
    return [rule for rule in rules if with_repeat_window or rule.id != REPEAT_WINDOW_RULE]


def with_dependencies(wanted: Iterable[Rule], rules: list[Rule], include_after: bool = True) -> list[Rule]:
    """Return the wanted rules and all that have to be tested before them, in the order of `rules`."""
    by_id = {rule.id: rule for rule in rules}
    found: set[str] = set()
    pending = [rule.id for rule in wanted]
    while pending:
        rule_id = pending.pop()
        if rule_id in by_id and rule_id not in found:
            found.add(rule_id)
            pending += [*by_id[rule_id].needs, *(by_id[rule_id].after if include_after else ())]
    return [rule for rule in rules if rule.id in found]


def selected_rules(rules: list[Rule], options: CheckOptions) -> list[Rule]:
    """Return the rules that --only and --skip leave, or raise CheckCouldNotRun for a pattern that fits none."""
    for pattern in (*options.only, *options.skip):
        if not any(_fits(rule, (pattern,)) for rule in rules):
            raise CheckCouldNotRun(f"no rule or area is called {pattern}; linnworks-bridge check --list shows them all")
    return [rule for rule in rules if (not options.only or _fits(rule, options.only)) and not _fits(rule, options.skip)]


def rules_to_test(rules: list[Rule], options: CheckOptions) -> list[Rule]:
    """Return the selected rules and those that have to be tested before them.

    A skipped rule is still tested when another one needs it.
    """
    needed = with_dependencies(selected_rules(rules, options), rules)
    needed_by_others = {need for rule in needed for need in rule.needs}
    return [rule for rule in needed if rule.id in needed_by_others or not _fits(rule, options.skip)]


def results_to_report(results: list[RuleResult], rules: list[Rule], options: CheckOptions) -> list[RuleResult]:
    """Return the results of the selected rules, and of those they need that did not pass."""
    selected = selected_rules(rules, options)
    selected_ids = {rule.id for rule in selected}
    needed_ids = {rule.id for rule in with_dependencies(selected, rules, include_after=False)}
    return [
        result
        for result in results
        if result.rule.id in selected_ids or (result.rule.id in needed_ids and result.verdict is not Verdict.PASS)
    ]


def _fits(rule: Rule, patterns: tuple[str, ...]) -> bool:
    """Return whether a pattern is the beginning of the rule's id, a glob of it, or its area."""
    rule_id, area = rule.id.casefold(), rule.area.casefold()
    return any(
        rule_id.startswith(pattern) or fnmatchcase(rule_id, pattern) or fnmatchcase(area, pattern)
        for pattern in map(str.casefold, patterns)
    )
