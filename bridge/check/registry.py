"""Checks: what each promises, what it needs, and how its verdict is found."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from enum import Enum
from typing import Any

Deed = Callable[[Any], None]
"""What a check does with the play: the run that all checks share."""


class Failed(Exception):
    """The service breaks a promise; the words say which and what follows from it."""


class Skipped(Exception):
    """The service offers nothing this check could look at."""


class Verdict(str, Enum):
    PASS = "pass"  # noqa: S105 (a verdict)
    FAIL = "fail"
    SKIP = "skip"


@dataclass(frozen=True)
class Check:
    id: str
    area: str
    sentence: str
    run: Deed
    needs: tuple[str, ...] = ()


@dataclass(frozen=True)
class Outcome:
    check: Check
    verdict: Verdict
    reason: str = ""
    seconds: float = 0.0


class Area:
    """A titled group of checks, performed in the order they are written."""

    def __init__(self, title: str, needs: tuple[str, ...] = ()) -> None:
        self.title = title
        self.needs = needs
        self.checks: list[Check] = []

    def check(self, id: str, needs: tuple[str, ...] = ()) -> Callable[[Deed], Deed]:
        """Enters a function as a check whose sentence is its docstring."""

        def enter(deed: Deed) -> Deed:
            sentence = " ".join((deed.__doc__ or id).split())
            self.checks.append(Check(id, self.title, sentence, deed, self.needs + needs))
            return deed

        return enter


def perform(play: Any, checks: Iterable[Check], watch: Callable[[Outcome], None]) -> list[Outcome]:
    """Performs every check whose needs are met and tells each outcome as it comes."""
    outcomes: dict[str, Outcome] = {}
    for check in checks:
        missing = [need for need in check.needs if outcomes[need].verdict is not Verdict.PASS]
        skipped = Outcome(check, Verdict.SKIP, f"needs {', '.join(missing)}")
        outcomes[check.id] = skipped if missing else _attempt(play, check)
        watch(outcomes[check.id])
    return list(outcomes.values())


def _attempt(play: Any, check: Check) -> Outcome:
    started = time.monotonic()
    verdict, reason = Verdict.PASS, ""
    try:
        check.run(play)
    except Failed as failure:
        verdict, reason = Verdict.FAIL, str(failure)
    except Skipped as cause:
        verdict, reason = Verdict.SKIP, str(cause)
    except Exception as error:  # a malformed answer may surprise a check anywhere; the others go on
        verdict, reason = Verdict.FAIL, f"the answer makes no sense here: {type(error).__name__}: {error}"
    return Outcome(check, verdict, play.linnworks.redact(reason), time.monotonic() - started)
