"""The configuration wizard as Linnworks drives it."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

from bridge.check.answer import Answer, Fault, objects, string
from bridge.check.filling import fitting, known_answer, matches
from bridge.check.judge import repeated
from bridge.check.play import Integration, Play
from bridge.check.registry import Failed, Stuck

LAST = "UserConfig"
MOST_STEPS = 20
STRANGER = {"ConfigItemId": "NoSuchItem", "Name": "No such item", "SelectedValue": "1", "ValueType": "STRING"}


def show(play: Play, integration: Integration) -> Answer:
    """Opens the configuration where it stands."""
    return _take_in(play, integration, play.linnworks.call("UserConfig", integration.token))


def save(
    play: Play, integration: Integration, values: dict[str, str], step: str | None = None, *more: dict[str, Any]
) -> Answer:
    """Sends the step's own items back with these values, and more items beside them."""
    items = list(more)
    for item in integration.items:
        name = string(item.get("ConfigItemId"))
        value = values.get(name, item.get("SelectedValue"))
        if item.get("ValueType") == "PASSWORD" and value and value != item.get("SelectedValue"):
            play.typed_secrets.add(str(value))
            play.linnworks.secrets.add(str(value))
        items.append({**item, "SelectedValue": value})
    answer = play.linnworks.call(
        "SaveConfig",
        integration.token,
        StepName=integration.step if step is None else step,
        ConfigItems=items,
    )
    return _take_in(play, integration, answer)


def advance(play: Play, integration: Integration) -> None:
    """Fills the current step in and moves on to the next."""
    known = {string(item.get("ConfigItemId")): known_answer(item, play.answers) for item in integration.items}
    values = {
        string(item.get("ConfigItemId")): fitting(item, play.rng)
        for item in integration.items
        if known[string(item.get("ConfigItemId"))] is None
    }
    step = integration.step
    answer = save(play, integration, {**{name: value for name, value in known.items() if value is not None}, **values})
    if answer.error and values:  # it is right to refuse credentials that were made up
        raise Stuck(
            f'the step {step} answered "{answer.error[:300]}" to made-up values: '
            f"say what to type with --config NAME=VALUE for {', '.join(values)}"
        )
    if answer.error:
        raise Failed(f'the step {step} answered "{answer.error[:300]}" to the values given', answer.exchange)


def finish(play: Play, integration: Integration) -> None:
    """Walks the wizard from where it stands to its end."""
    for _ in range(MOST_STEPS):
        if integration.step == LAST:
            return
        advance(play, integration)
    if integration.step != LAST:
        raise Failed(f"after {MOST_STEPS} steps the wizard is at {integration.step}, not at {LAST}")


def selected(integration: Integration, name: str) -> str:
    """The value an item of the current step shows."""
    values = {item.get("ConfigItemId"): string(item.get("SelectedValue")) for item in integration.items}
    return values.get(name, "")


def _odd(items: list[dict[str, Any]]) -> Iterator[tuple[str, str]]:
    for name in repeated(string(item.get("ConfigItemId")) for item in items):
        yield "items", f"has two items with the ConfigItemId {name}"
    for item in items:
        choices = [string(choice.get("Value")) for choice in objects(item.get("ListValues"))]
        if item.get("ValueType") == "LIST" and not choices:
            yield "lists", f"offers no ListValues for {item.get('ConfigItemId')}"
        elif item.get("ValueType") == "LIST" and string(item.get("SelectedValue")) not in ["", *choices]:
            yield "lists", f"has a SelectedValue for {item.get('ConfigItemId')} that is not in its list"


def _take_in(play: Play, integration: Integration, answer: Answer) -> Answer:
    for rule, words in _odd(answer.rows("ConfigItems")):
        play.linnworks.faults.append(Fault(rule, answer.endpoint, words, answer.exchange))
    for secret in play.typed_secrets:
        # A short password occurs in ordinary words, so it only counts as a whole value.
        sought = json.dumps(secret) if len(secret) < 8 else json.dumps(secret)[1:-1]
        if sought in answer.raw or (len(secret) >= 8 and secret in answer.raw):
            play.leaks.append(answer)
    if not answer.error:
        integration.step = answer.says("StepName")
        integration.items = answer.rows("ConfigItems")
    return answer


def changes(integration: Integration) -> Iterator[tuple[str, str, str]]:
    """Settings of the current step that may take another value: name, old value, new value."""
    for wanted in ("BOOLEAN", "INT", "LIST", "STRING"):
        for item in integration.items:
            fixed = item.get("ReadOnly") is True or item.get("HidesHeaderAttribute") is True
            if item.get("ValueType") != wanted or fixed:
                continue
            old = string(item.get("SelectedValue"))
            choices = [string(choice.get("Value")) for choice in objects(item.get("ListValues"))]
            others = {
                "BOOLEAN": ["False" if old.lower() == "true" else "True"],
                "INT": [str(int(old) + 1), str(int(old) - 1)] if old.lstrip("-").isdigit() else [],
                "LIST": [choice for choice in choices if choice != old],
                "STRING": [f"{old}a", f"{old}1"],
            }
            for new in others[wanted]:
                if matches(item, new) and old:
                    yield string(item.get("ConfigItemId")), old, new
