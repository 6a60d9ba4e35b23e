"""Every rule of `linnworks-bridge check` catches an application that breaks it, and passes one that does not."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from bridge.check import Manifest, Options, Run, Soaking, run_check
from bridge.check.plays import RULES
from bridge.check.registry import Verdict
from tests.check.mutants import after, front, goods, wire  # noqa: F401 (they enter their mutants)
from tests.check.mutants.application import CLIENT
from tests.check.mutants.joints import MUTANTS
from tests.check.mutants.serving import Server, served

RECORDED = (("Orders", {"AuthorizationToken": "theirs", "UTCTimeFrom": "2026-11-01 00:00:00Z", "PageNumber": 1}),)
REPLAYED = (*RECORDED, ("Products", {"AuthorizationToken": "theirs", "PageNumber": 7}))
SOAKING = Soaking(rounds=24, tempo=0.0, integrations=2)


@pytest.fixture(scope="module")
def server() -> Iterator[Server]:
    """A port on which one application after the other answers."""
    with served() as server:
        yield server


@pytest.fixture
def checked(server):
    """Serve an application bent by these mutants and check it; the run."""

    def run(*mutants, oauth: bool = False, **wanted) -> Run:
        app = server.serve(*mutants, oauth=oauth)
        options = {"seed": 1, "patience": 0.15, "oauth": CLIENT if oauth else None, **wanted}
        return run_check(Options(Manifest(app.parameters), **options), lambda total: None, lambda words: None)

    return run


@pytest.fixture
def hunted(checked):
    """Check a rule's mutant for that rule alone."""

    def hunt(rule: str) -> Run:
        if rule.startswith("REP"):
            return checked(MUTANTS[rule], recorded=REPLAYED)
        if rule.startswith("SOK"):
            return checked(MUTANTS[rule], soaking=SOAKING)
        # a rule about time has to see an answer that does not come
        limits = {"timeout": 0.2} if rule == "ANS-06" else {}
        return checked(MUTANTS[rule], oauth=rule.startswith("OAU"), only=(rule,), **limits)

    return hunt


def caught(run: Run, rule: str) -> bool:
    return any(outcome.broken for outcome in run.outcomes if outcome.check.id == rule)


def test_the_right_application_breaks_no_rule(checked):
    """
    Nothing is wrong with it, and nothing has to be skipped.
    """
    for wanted in ({"oauth": True}, {"recorded": RECORDED}, {"soaking": SOAKING}):
        run = checked(**wanted)

        assert [] == [(one.check.id, one.reason) for one in run.outcomes if one.verdict is not Verdict.PASS]
        assert 0 == run.status


def test_every_rule_has_a_mutant():
    """
    No rule is there that was never seen to fail.
    """
    assert RULES.keys() == MUTANTS.keys()


def test_every_rule_catches_its_mutant(hunted, capsys):
    """
    Whatever an application gets wrong, the rule that is about it says so.
    """
    free = []
    for rule in MUTANTS:
        run = hunted(rule)
        if not caught(run, rule):
            free.append((rule, [(one.check.id, one.verdict.value, one.reason) for one in run.outcomes]))
    with capsys.disabled():
        print(f" {len(MUTANTS) - len(free)} of {len(RULES)} mutants caught ", end="")  # noqa: T201

    assert [] == free, free
