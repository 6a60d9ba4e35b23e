"""Findings of the doctor: a name, a state, a message, and advice on what to do."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from enum import Enum

from bridge.errors import BridgeError


class State(str, Enum):
    """A warning can wait; an error keeps something from working."""

    OK = "ok"
    WARNING = "warning"
    ERROR = "error"

    @property
    def status(self) -> int:
        """The exit status for this state."""
        return list(State).index(self)


@dataclass(frozen=True)
class Finding:
    """One row of the doctor's report; `advice` is empty if there is nothing to do."""

    name: str
    state: State
    message: str
    advice: str = ""


def ok(name: str, message: str) -> Finding:
    return Finding(name, State.OK, message)


def warning(name: str, message: str, advice: str) -> Finding:
    return Finding(name, State.WARNING, message, advice)


def error(name: str, message: str, advice: str) -> Finding:
    return Finding(name, State.ERROR, message, advice)


def finding(name: str, message: str, state: State, advice: str) -> Finding:
    """Return a finding that has its advice only if its state is not ok."""
    return Finding(name, state, message, "" if state is State.OK else advice)


def worst(findings: Iterable[Finding]) -> State:
    """Return the worst state of all."""
    return max((one.state for one in findings), key=lambda state: state.status, default=State.OK)


def findings_of(name: str, check: Callable[[], Iterable[Finding]]) -> Iterator[Finding]:
    """Yield the findings of a check; if it raises an exception, that is one more finding."""
    try:
        yield from check()
    except Exception as exception:  # whatever it is, the other checks still run
        message = str(exception) if isinstance(exception, BridgeError | OSError) else type(exception).__name__
        yield error(name, f"could not be checked: {message}", "fix what the message names, or see the service's log")
