"""Functions that register mutants, each under the rule it breaks."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from tests.check.mutants.application import Application, Body, Response

Mutant = Callable[[Application], None]
MUTANTS: dict[str, Mutant] = {}
"""The mutant of every rule: a function that changes the correct application."""


def mutant(rule: str) -> Callable[[Mutant], Mutant]:
    """Register a function as the mutant of a rule."""

    def register(change: Mutant) -> Mutant:
        assert rule not in MUTANTS
        MUTANTS[rule] = change
        return change

    return register


def manifest(rule: str, **changes: Any) -> None:
    """Change parameters of the manifest; None removes one."""

    def change(app: Application) -> None:
        parameters = {**app.parameters, **changes}
        app.parameters = {name: value for name, value in parameters.items() if value is not None}

    mutant(rule)(change)


def returns(
    rule: str, name: str, *, when: Callable[[Body, Body], Any] = lambda result, body: True, **fields: Any
) -> None:
    """Let an endpoint return these fields, unless the call has an Error."""

    def change(app: Application) -> None:
        app.body_hooks[name].append(
            lambda result, body: {**result, **fields} if not result["Error"] and when(result, body) else None
        )

    mutant(rule)(change)


def changes_rows(rule: str, name: str, array: str, change: Callable[[Body], Any], only_first: bool = True) -> None:
    """Change the first row an endpoint returns, or every row."""

    def change_rows(result: Body, body: Body) -> None:
        for row in result[array][: 1 if only_first else None]:
            change(row)

    mutant(rule)(lambda app: app.body_hooks[name].append(change_rows))


def rejects(rule: str, name: str, when: Callable[[Body], Any]) -> None:
    """Let an endpoint reject some requests."""

    def reject(body: Body) -> None:
        if when(body):
            raise ValueError("rejected by the mutant")

    mutant(rule)(lambda app: app.request_hooks[name].append(reject))


def changes_request(rule: str, name: str, change: Callable[[Body], Body | None]) -> None:
    """Change the requests of an endpoint before they are processed."""
    mutant(rule)(lambda app: app.request_hooks[name].append(change))


def changes_response(rule: str, when: Callable[[str, Body], Any], change: Callable[[Response], Any]) -> None:
    """Change some HTTP responses."""

    def change_some(name: str, exchange: Body, response: Response) -> None:
        if when(name, exchange):
            change(response)

    mutant(rule)(lambda app: app.response_hooks.append(change_some))


def status(code: int) -> Callable[[Response], None]:
    """Return a change that sets the HTTP status."""

    def change(response: Response) -> None:
        response.status = code

    return change
