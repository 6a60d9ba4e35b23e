"""What the mutants are made of: ways to bend a request, an answer or a response."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from tests.check.mutants.application import Application, Body, Response

Mutant = Callable[[Application], None]
MUTANTS: dict[str, Mutant] = {}
"""The mutant that each rule has to catch."""


def mutant(rule: str) -> Callable[[Mutant], Mutant]:
    """Enters a way to make the application wrong, under the rule that it breaks."""

    def enter(bend: Mutant) -> Mutant:
        assert rule not in MUTANTS
        MUTANTS[rule] = bend
        return bend

    return enter


def parameters(rule: str, **changes: Any) -> None:
    """A manifest with these values, or without what is None."""

    def bend(app: Application) -> None:
        changed = {**app.parameters, **changes}
        app.parameters = {name: value for name, value in changed.items() if value is not None}

    mutant(rule)(bend)


def answers(
    rule: str, name: str, *, when: Callable[[Body, Body], Any] = lambda answer, body: True, **fields: Any
) -> None:
    """An endpoint that answers with these fields instead, unless it refuses the call."""

    def bend(app: Application) -> None:
        app.answering[name].append(
            lambda answer, body: {**answer, **fields} if not answer["Error"] and when(answer, body) else None
        )

    mutant(rule)(bend)


def rows(rule: str, name: str, array: str, change: Callable[[Body], Any], only_first: bool = True) -> None:
    """An endpoint whose rows are changed so: the first one, or every one."""

    def alter(answer: Body, body: Body) -> None:
        for row in answer[array][: 1 if only_first else None]:
            change(row)

    mutant(rule)(lambda app: app.answering[name].append(alter))


def refuses(rule: str, name: str, when: Callable[[Body], Any]) -> None:
    """An endpoint that refuses such requests."""

    def bend(app: Application) -> None:
        def look(body: Body) -> None:
            if when(body):
                raise ValueError("I do not like that")

        app.asked[name].append(look)

    mutant(rule)(bend)


def hears(rule: str, name: str, change: Callable[[Body], Body | None]) -> None:
    """An endpoint that takes a request for another one."""
    mutant(rule)(lambda app: app.asked[name].append(change))


def sends(rule: str, when: Callable[[str, Body], Any], change: Callable[[Response], Any]) -> None:
    """A response that is changed on its way out."""

    def send(name: str, seen: Body, response: Response) -> None:
        if when(name, seen):
            change(response)

    mutant(rule)(lambda app: app.sending.append(send))


def status(code: int) -> Callable[[Response], None]:
    """A response with this status."""

    def change(response: Response) -> None:
        response.status = code

    return change
