"""What the doctor finds: a thing that was looked at, how it is, and what to do about it."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from enum import Enum

from bridge.errors import BridgeError


class State(str, Enum):
    """How a thing is; a warning can wait, a fault keeps something from working."""

    OK = "ok"
    WARNING = "warning"
    FAULT = "fault"

    @property
    def status(self) -> int:
        """The exit status that says so."""
        return list(State).index(self)


@dataclass(frozen=True)
class Finding:
    """One line of the doctor's report; `advice` is empty where there is nothing to do."""

    name: str
    state: State
    words: str
    advice: str = ""


def well(name: str, words: str) -> Finding:
    return Finding(name, State.OK, words)


def warning(name: str, words: str, advice: str) -> Finding:
    return Finding(name, State.WARNING, words, advice)


def fault(name: str, words: str, advice: str) -> Finding:
    return Finding(name, State.FAULT, words, advice)


def judged(name: str, words: str, state: State, advice: str) -> Finding:
    """A finding whose advice is given only where it is needed."""
    return Finding(name, state, words, "" if state is State.OK else advice)


def worst(findings: Iterable[Finding]) -> State:
    """The gravest state of all."""
    return max((finding.state for finding in findings), key=lambda state: state.status, default=State.OK)


def asked(name: str, question: Callable[[], Iterable[Finding]]) -> Iterator[Finding]:
    """The answers to a question, the last of which may be that it could not be asked."""
    try:
        yield from question()
    except Exception as error:  # whatever it is, the other questions are still asked
        words = str(error) if isinstance(error, BridgeError | OSError) else type(error).__name__
        yield fault(name, f"could not be looked at: {words}", "mend what the words name; else see the service's log")
