"""Findings of the doctor: a name, a state, a message, and advice on what to do."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, replace
from datetime import datetime
from enum import Enum
from typing import Any

from bridge.errors import in_words


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
    """One answer to a question of the doctor; `advice` is empty if there is nothing to do.

    `cause` and `connection` identify the question, whatever the answer. `since` is when what is wrong began, None if
    that is not known, and `command` is what to type first.
    """

    name: str
    state: State
    message: str
    advice: str = ""
    cause: str = ""
    connection: int | None = None
    since: datetime | None = None
    command: str = ""
    unanswered: bool = False
    """Whether the question could not be answered at all."""

    def as_data(self) -> dict[str, Any]:
        """Return it as plain data, for programs."""
        return {
            "name": self.name,
            "state": self.state.value,
            "message": self.message,
            "advice": self.advice,
            "cause": self.cause,
            "connection": self.connection,
            "since": self.since and self.since.isoformat(timespec="seconds"),
            "command": self.command,
        }


def ok(name: str, message: str) -> Finding:
    return Finding(name, State.OK, message)


def warning(name: str, message: str, advice: str, *, since: datetime | None = None, command: str = "") -> Finding:
    return Finding(name, State.WARNING, message, advice, since=since, command=command)


def error(name: str, message: str, advice: str, *, since: datetime | None = None, command: str = "") -> Finding:
    return Finding(name, State.ERROR, message, advice, since=since, command=command)


def finding(
    name: str, message: str, state: State, advice: str, *, since: datetime | None = None, command: str = ""
) -> Finding:
    """Return a finding that has its advice only if its state is not ok."""
    return (
        ok(name, message) if state is State.OK else Finding(name, state, message, advice, since=since, command=command)
    )


def worst(findings: Iterable[Finding]) -> State:
    """Return the worst state of all."""
    return max((one.state for one in findings), key=lambda state: state.status, default=State.OK)


def findings_of(
    name: str, check: Callable[[], Iterable[Finding]], cause: str = "", connection: int | None = None
) -> Iterator[Finding]:
    """Yield the findings of a check; if it raises an exception, that is one more finding.

    They get this cause and connection unless they have their own; the cause is the name by default.
    """

    def tagged(one: Finding) -> Finding:
        return replace(one, cause=one.cause or cause or name, connection=one.connection or connection)

    try:
        yield from map(tagged, check())
    except Exception as exception:  # whatever it is, the other checks still run
        message = in_words(exception)
        advice = "fix what the message names, or see the service's log"
        yield replace(tagged(error(name, f"could not be checked: {message}", advice)), unanswered=True)
