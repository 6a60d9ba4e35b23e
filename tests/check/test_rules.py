"""Every rule of `linnworks-bridge check` fails for an application that breaks it, and passes for a correct one."""

from __future__ import annotations

import re

import pytest

from bridge.check import CheckRun, SoakOptions
from bridge.check.rules import AREAS, RULES
from bridge.check.runner import Verdict
from tests.check.conftest import check_server
from tests.check.mutants.application import CLIENT
from tests.check.mutants.builders import MUTANTS

pytestmark = pytest.mark.broad

RECORDED = (("Orders", {"AuthorizationToken": "theirs", "UTCTimeFrom": "2026-11-01 00:00:00Z", "PageNumber": 1}),)
RECORDED_TWO = (*RECORDED, ("Products", {"AuthorizationToken": "theirs", "PageNumber": 7}))
SOAK = SoakOptions(rounds=24, seconds_per_round=0.0, integrations=2)
ABOUT_HTTP = ("ANS-02", "ANS-03", "ANS-06", "REQ-08", "SOK-01", "SOK-02", "SOK-03", "SOK-04")
"""The rules that only an application served over HTTP can break."""


def check_mutant(server, rule: str) -> CheckRun:
    """Check the mutant of a rule, for this rule alone."""
    server.serve(MUTANTS[rule], oauth=rule.startswith("OAU"))
    if rule.startswith("REP"):
        return check_server(server, recorded_calls=RECORDED_TWO)
    if rule.startswith("SOK"):
        return check_server(server, soak=SOAK)
    options = {"oauth": CLIENT} if rule.startswith("OAU") else {}
    if rule == "PSO-17":
        options["repeat_window"] = 0.0
    if rule == "ANS-06":  # the mutant responds too late
        options["timeout"] = 0.2
    return check_server(server, only=(rule,), **options)


def is_broken(run: CheckRun, rule: str) -> bool:
    return any(result.broken for result in run.results if result.rule.id == rule)


def not_passed(run: CheckRun) -> list[tuple[str, str]]:
    return [(result.rule.id, result.reason) for result in run.results if result.verdict is not Verdict.PASS]


@pytest.mark.parametrize(
    ("options", "not_applicable"),
    [
        ({"oauth": CLIENT, "repeat_window": 0.0}, ["PSO-12"]),
        ({"recorded_calls": RECORDED}, ["ANS-09", "ANS-10", "ANS-11"]),
        ({"soak": SOAK}, ["ANS-09", "ANS-11"]),
    ],
    ids=["check", "replay", "soak"],
)
def test_the_correct_application_breaks_no_rule(over_http, options, not_applicable):
    """
    Over HTTP every rule passes, except those about what the application does not do or is not asked.
    """
    over_http.serve(oauth="oauth" in options)
    run = check_server(over_http, **options)

    assert not_applicable == [rule_id for rule_id, _ in not_passed(run)]
    assert 0 == run.exit_status


def test_every_rule_has_a_mutant():
    """
    Every rule has been seen to fail.
    """
    assert RULES.keys() == MUTANTS.keys()


@pytest.mark.parametrize("area", AREAS, ids=lambda area: area.title)
def test_every_rule_fails_for_its_mutant(in_process, over_http, area):
    """
    An application that breaks a rule is reported under that rule.
    """
    passed = []
    for rule in area.rules:
        run = check_mutant(over_http if rule.id in ABOUT_HTTP else in_process, rule.id)
        if not is_broken(run, rule.id):
            passed.append((rule.id, not_passed(run)))

    assert [] == passed


@pytest.mark.full
@pytest.mark.parametrize("area", AREAS, ids=lambda area: area.title)
def test_every_rule_fails_for_its_mutant_over_http(over_http, area):
    """
    The same holds for an application that is served over HTTP.
    """
    runs = {rule.id: check_mutant(over_http, rule.id) for rule in area.rules}

    assert [] == [(rule_id, not_passed(run)) for rule_id, run in runs.items() if not is_broken(run, rule_id)]


def test_every_rule_is_complete():
    """
    It has an id, a sentence, a consequence and a source, and what it needs comes before it.
    """
    seen: set[str] = set()
    for rule in RULES.values():
        assert re.fullmatch(r"[A-Z]{3}-\d\d", rule.id)
        assert rule.sentence.endswith("."), rule.id
        assert rule.consequence.endswith("."), rule.id
        assert rule.source
        assert seen.issuperset(rule.needs), rule.id
        assert RULES.keys() >= set(rule.after)
        seen.add(rule.id)
