"""Checks: what each promises, what it rests on, and how its verdict is found."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from enum import Enum
from typing import Any

Action = Callable[[Any], None]
"""What a check does with the play: the run that all checks share."""


class Failed(Exception):
    """The application breaks a promise; the words say which, the exchange shows it where it is not the last one."""

    def __init__(self, words: str, exchange: Any = None) -> None:
        super().__init__(words)
        self.exchange = exchange


class Skipped(Exception):
    """The application or its shop offers nothing this check could look at."""


class Stuck(Skipped):
    """Without answers that only the seller knows, the run cannot go on."""


class Severity(str, Enum):
    """MUST: a page of the protocol says so. SHOULD: it follows from one. ADVICE: sources disagree, or it is wise."""

    MUST = "must"
    SHOULD = "should"
    ADVICE = "advice"


class Verdict(str, Enum):
    """What came of a check."""

    PASS = "pass"  # noqa: S105 (a verdict)
    FAIL = "fail"
    SKIP = "skip"


@dataclass(frozen=True)
class Check:
    """A rule: `consequence` is what Linnworks does where it is broken, `source` the page it rests on."""

    id: str
    area: str
    sentence: str
    consequence: str
    source: str
    severity: Severity
    run: Action
    needs: tuple[str, ...] = ()
    after: tuple[str, ...] = ()
    changes: bool = False


@dataclass(frozen=True)
class Evidence:
    """A request and its answer as they went over the wire, without secrets."""

    request: str
    answer: str


@dataclass(frozen=True)
class Outcome:
    """A check's verdict, with the reason where it did not pass and the evidence where it failed."""

    check: Check
    verdict: Verdict
    reason: str = ""
    seconds: float = 0.0
    evidence: Evidence | None = None

    @property
    def broken(self) -> Severity | None:
        """The severity of the rule where it is broken."""
        return self.check.severity if self.verdict is Verdict.FAIL else None


class Area:
    """A titled group of checks, performed in the order they are written."""

    def __init__(self, title: str, source: str, needs: tuple[str, ...] = (), changes: bool = False) -> None:
        self.title = title
        self.source = source
        self.needs = needs
        self.changes = changes
        self.checks: list[Check] = []

    def check(
        self,
        id: str,
        severity: Severity = Severity.MUST,
        source: str = "",
        *,
        needs: tuple[str, ...] = (),
        after: tuple[str, ...] = (),
        changes: bool = False,
    ) -> Callable[[Action], Action]:
        """Enters a function as a check: its docstring is the sentence, then what Linnworks does otherwise.

        It is performed where the checks it `needs` have passed, and `after` others whatever came of them.
        """

        def enter(action: Action) -> Action:
            sentence, _, consequence = (action.__doc__ or id).strip().partition("\n\n")
            self.checks.append(
                Check(
                    id,
                    self.title,
                    " ".join(sentence.split()),
                    " ".join(consequence.split()),
                    source or self.source,
                    severity,
                    action,
                    self.needs + needs,
                    after,
                    self.changes or changes,
                )
            )
            return action

        return enter


def perform(
    play: Any, checks: Iterable[Check], watch: Callable[[Outcome], None], read_only: bool = False
) -> list[Outcome]:
    """Performs every check whose needs are met and tells each outcome as it comes."""
    outcomes: dict[str, Outcome] = {}
    for check in checks:
        missing = [need for need in check.needs if outcomes[need].verdict is not Verdict.PASS]
        if read_only and check.changes:
            outcome = Outcome(check, Verdict.SKIP, "it changes the shop")
        elif missing:
            outcome = Outcome(check, Verdict.SKIP, f"needs {', '.join(missing)}")
        else:
            outcome = _attempt(play, check)
        outcomes[check.id] = outcome
        watch(outcome)
    return list(outcomes.values())


def _attempt(play: Any, check: Check) -> Outcome:
    started = time.monotonic()
    verdict, reason, exchange = Verdict.PASS, "", None
    play.linnworks.last = None
    seen = len(play.linnworks.faults)
    try:
        check.run(play)
    except Failed as failure:
        verdict, reason, exchange = Verdict.FAIL, str(failure), failure.exchange
    except Skipped as cause:
        verdict, reason = Verdict.SKIP, str(cause)
        if isinstance(cause, Stuck):
            play.stuck = reason
    except Exception as error:  # a malformed answer may surprise a check anywhere; the others go on
        verdict, reason = Verdict.FAIL, f"the answer makes no sense here: {type(error).__name__}: {error}"
    if check.severity is Severity.ADVICE:  # what Linnworks may never send breaks no rule of every answer
        del play.linnworks.faults[seen:]
    evidence = play.linnworks.evidence(exchange, reason) if verdict is Verdict.FAIL else None
    return Outcome(check, verdict, play.linnworks.redact(reason), time.monotonic() - started, evidence)
