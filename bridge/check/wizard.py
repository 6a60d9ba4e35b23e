"""The configuration wizard as Linnworks goes through it."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any

from bridge.check.context import CheckContext
from bridge.check.integration import Integration
from bridge.check.response import EndpointResponse, Violation, objects, string
from bridge.check.rule import ConfigMissing, RuleFailed
from bridge.check.schema import Aspect
from bridge.check.wizard_values import known_value, made_up_value, matches_pattern
from bridge.check.wording import duplicates

FINISHED = "UserConfig"
"""The StepName of an integration whose wizard is finished."""
MAX_STEPS = 20
SECRET_NAME = re.compile("password|secret", re.IGNORECASE)
"""The names of text items that hold a secret."""
UNKNOWN_ITEM = {"ConfigItemId": "NoSuchItem", "Name": "No such item", "SelectedValue": "1", "ValueType": "STRING"}
CHANGED_TYPES = ("BOOLEAN", "INT", "LIST", "STRING")


def load(context: CheckContext, integration: Integration) -> EndpointResponse:
    """Call UserConfig and remember the current step and its items."""
    return _remember(context, integration, context.client.call("UserConfig", integration.token))


def save(
    context: CheckContext,
    integration: Integration,
    values: dict[str, str],
    step: str | None = None,
    extra_items: tuple[dict[str, Any], ...] = (),
) -> EndpointResponse:
    """Call SaveConfig with the items of the current step and these values, and remember the next step."""
    items = list(extra_items)
    for item in integration.items:
        name = string(item.get("ConfigItemId"))
        value = values.get(name, item.get("SelectedValue"))
        secret = item.get("ValueType") == "PASSWORD" or (item.get("ValueType") == "STRING" and SECRET_NAME.search(name))
        if secret and value and value != item.get("SelectedValue"):
            context.client.typed_passwords.add(str(value))
            context.client.secrets.add(str(value))
        items.append({**item, "SelectedValue": value})
    response = context.client.call(
        "SaveConfig",
        integration.token,
        StepName=integration.step if step is None else step,
        ConfigItems=items,
    )
    return _remember(context, integration, response)


def complete_step(context: CheckContext, integration: Integration) -> None:
    """Fill in the current step and move to the next.

    Raise ConfigMissing when made-up values are rejected, RuleFailed when the seller's are.
    """
    values, made_up = values_of_step(context, integration)
    step = integration.step
    response = save(context, integration, values)
    optional = [
        string(item.get("ConfigItemId")) for item in integration.items if item.get("MustBeSpecified") is not True
    ]
    if response.error and set(made_up) & set(optional):  # a made-up value may be wrong where none is needed
        response = save(context, integration, {**values, **{name: "" for name in optional if name in made_up}})
    if response.error and made_up:  # the application is right to reject made-up credentials
        raise ConfigMissing(
            f'the step {step} returned "{response.error[:300]}" for made-up values: '
            f"give the real ones with --config-file, lines of NAME=VALUE, for {', '.join(made_up)}"
        )
    if response.error:
        raise RuleFailed(f'the step {step} returned "{response.error[:300]}" for the given values', response.exchange)


def values_of_step(context: CheckContext, integration: Integration) -> tuple[dict[str, str], list[str]]:
    """Return a value for every item of the current step, and the items whose value is made up."""
    values: dict[str, str] = {}
    made_up: list[str] = []
    for item in integration.items:
        name, value = string(item.get("ConfigItemId")), known_value(item, context.config)
        if value is None:
            value = made_up_value(item, context.rng)
            made_up.append(name)
        values[name] = value
    return values, made_up


def complete(context: CheckContext, integration: Integration) -> None:
    """Go through the wizard from the current step to the end."""
    for _ in range(MAX_STEPS):
        if integration.step == FINISHED:
            return
        complete_step(context, integration)
    if integration.step != FINISHED:
        raise RuleFailed(f"after {MAX_STEPS} steps the wizard is at {integration.step}, not at {FINISHED}")


def selected_value(integration: Integration, name: str) -> str:
    """Return the value of an item of the current step, "" when it is missing."""
    values = {string(item.get("ConfigItemId")): string(item.get("SelectedValue")) for item in integration.items}
    return values.get(name, "")


def possible_changes(integration: Integration) -> Iterator[tuple[str, str, str]]:
    """Yield settings of the current step that can get another value: name, old value, new value."""
    for value_type in CHANGED_TYPES:
        for item in integration.items:
            fixed = item.get("ReadOnly") is True or item.get("HidesHeaderAttribute") is True
            old = string(item.get("SelectedValue"))
            if item.get("ValueType") != value_type or fixed or not old:
                continue
            for new in _other_values(item, value_type, old):
                if matches_pattern(item, new):
                    yield string(item.get("ConfigItemId")), old, new


def _other_values(item: dict[str, Any], value_type: str, old: str) -> list[str]:
    if value_type == "BOOLEAN":
        return ["False" if old.lower() == "true" else "True"]
    if value_type == "INT":
        return [str(int(old) + 1), str(int(old) - 1)] if old.lstrip("-").isdigit() else []
    if value_type == "LIST":
        return [choice for choice in _choices(item) if choice != old]
    return [f"{old}a", f"{old}1"]


def _choices(item: dict[str, Any]) -> list[str]:
    return [string(choice.get("Value")) for choice in objects(item.get("ListValues"))]


def _remember(context: CheckContext, integration: Integration, response: EndpointResponse) -> EndpointResponse:
    for aspect, problem in _item_problems(response.rows("ConfigItems")):
        message = f"{response.endpoint} {problem}"
        context.client.violations.append(Violation(aspect, response.endpoint, message, response.exchange))
    if not response.error:
        integration.step = response.string("StepName")
        integration.items = response.rows("ConfigItems")
    return response


def _item_problems(items: list[dict[str, Any]]) -> Iterator[tuple[Aspect, str]]:
    for name in duplicates(string(item.get("ConfigItemId")) for item in items):
        yield Aspect.ITEM_IDS, f"has two items with the ConfigItemId {name}"
    for item in items:
        if item.get("ValueType") != "LIST":
            continue
        name, choices = item.get("ConfigItemId"), _choices(item)
        if not choices:
            yield Aspect.LIST_VALUES, f"offers no ListValues for {name}"
        elif string(item.get("SelectedValue")) not in ["", *choices]:
            yield Aspect.LIST_VALUES, f"has a SelectedValue for {name} that is not in its list"
