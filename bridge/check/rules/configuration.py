"""Rules about the wizard, the settings of a finished integration, the tags and the Test button."""

from __future__ import annotations

import functools

from bridge.check import wizard
from bridge.check.context import CheckContext
from bridge.check.integration import Integration
from bridge.check.response import string
from bridge.check.rule import RuleArea, RuleFailed, RuleSeverity, RuleSkipped
from bridge.check.wording import duplicates

area = RuleArea("Configuration", "ep:save-config", needs=("CFG-05",))
FINISHED = ("CFG-08",)
TYPES_THAT_CAN_BE_EMPTY = ("STRING", "PASSWORD", "LIST", "INT", "DOUBLE")


@area.rule("CFG-06", RuleSeverity.SHOULD)
def wrong_step(context: CheckContext) -> None:
    """SaveConfig rejects a StepName that is not the current step, and stays at the step.

    A step sent twice would be saved into the next step, with the wrong items.
    """
    step = _spare_integration(context).step
    values, _ = wizard.values_of_step(context, context.spare)  # right ones, so that only the step can be rejected
    wizard.save(context, context.spare, values, step="NoSuchStep").require_error("for the StepName NoSuchStep")
    _require_step(context, step)


def _spare_integration(context: CheckContext) -> Integration:
    """Return the spare integration with its current step, created when it does not exist yet."""
    if not context.spare.token:
        context.create(context.spare).require_success()
    wizard.load(context, context.spare).require_success()
    return context.spare


@area.rule("CFG-07", RuleSeverity.ADVICE)
def required_item(context: CheckContext) -> None:
    """SaveConfig rejects an empty required item, and stays at the step.

    The wizard continues without a value the shop needs, and the customer only notices when no orders arrive.
    """
    spare = _spare_integration(context)
    for _ in range(wizard.MAX_STEPS):
        required = [
            string(item.get("ConfigItemId"))
            for item in spare.items
            if item.get("MustBeSpecified") is True
            and item.get("ReadOnly") is not True
            and item.get("ValueType") in TYPES_THAT_CAN_BE_EMPTY
        ]
        if required:
            step = spare.step
            wizard.save(context, spare, dict.fromkeys(required, "")).require_error(f"for an empty {required[0]}")
            return _require_step(context, step)
        if spare.step == wizard.FINISHED:
            break
        wizard.complete_step(context, spare)
    raise RuleSkipped("no step of the wizard has a required item")


def _require_step(context: CheckContext, step: str) -> None:
    wizard.load(context, context.spare).require_success()
    if context.spare.step != step:
        raise RuleFailed(f"the rejected SaveConfig moved the wizard from {step} to {context.spare.step}")


@area.rule("CFG-08", source="ep:user-config")
def wizard_ends(context: CheckContext) -> None:
    """The wizard, completed step by step, ends with the StepName UserConfig.

    Linnworks shows step after step and never starts to download orders.
    """
    wizard.load(context, context.first).require_success()
    wizard.complete(context, context.first)


@area.rule("CFG-09", source="ep:user-config", needs=FINISHED)
def finished_step(context: CheckContext) -> None:
    """UserConfig of a finished integration stays at UserConfig, with the AccountName it was created with.

    With another StepName Linnworks opens the wizard again; with another name the customer sees another shop.
    """
    response = wizard.load(context, context.first).require_success()
    if context.first.step != wizard.FINISHED:
        raise RuleFailed(f"StepName is {context.first.step}", response.exchange)
    if response.string("AccountName") not in ("", context.first.name):
        raise RuleFailed(
            f"AccountName is {response.string('AccountName')!r}, not {context.first.name!r}", response.exchange
        )


@area.rule("CFG-10", needs=FINISHED)
def settings_saved_unchanged(context: CheckContext) -> None:
    """Saving the settings unchanged keeps the StepName UserConfig.

    A customer who presses Save is sent back into the wizard.
    """
    wizard.load(context, context.first).require_success()
    response = wizard.save(context, context.first, {}).require_success()
    if context.first.step != wizard.FINISHED:
        raise RuleFailed(f"StepName is {context.first.step} after saving the settings", response.exchange)


@area.rule("CFG-11", RuleSeverity.SHOULD, needs=FINISHED)
def changed_setting(context: CheckContext) -> None:
    """A changed setting is saved, and can be changed back.

    The customer changes a setting, sees it saved, and it has no effect.
    """
    wizard.load(context, context.first).require_success()
    for name, old, new in list(wizard.possible_changes(context.first)):
        if wizard.save(context, context.first, {name: new}).error:
            continue
        context.on_teardown(functools.partial(_restore_setting, context, name, old))
        _require_value(context, name, new)
        wizard.save(context, context.first, {name: old}).require_success()
        return _require_value(context, name, old)
    raise RuleSkipped("no setting can get another value")


def _restore_setting(context: CheckContext, name: str, old: str) -> None:
    if wizard.selected_value(context.first, name).lower() != old.lower():
        wizard.save(context, context.first, {name: old})


def _require_value(context: CheckContext, name: str, value: str) -> None:
    wizard.load(context, context.first).require_success()
    shown = wizard.selected_value(context.first, name)
    if shown.lower() != value.lower():
        raise RuleFailed(f"{name} was saved as {value!r} and UserConfig returns {shown!r}")


@area.rule("CFG-12", RuleSeverity.ADVICE, "ep:shipping-tags", needs=FINISHED)
def shipping_tags(context: CheckContext) -> None:
    """ShippingTags returns every postal service once.

    The customer maps one of two equal tags, and orders with the other have no postal service.
    """
    _require_unique_tags(context, "ShippingTags")


@area.rule("CFG-13", RuleSeverity.ADVICE, "ep:payment-tags", needs=FINISHED)
def payment_tags(context: CheckContext) -> None:
    """PaymentTags returns every payment method once.

    The customer maps one of two equal tags, and orders with the other have no payment method.
    """
    _require_unique_tags(context, "PaymentTags")


def _require_unique_tags(context: CheckContext, name: str) -> None:
    response = context.call(name).require_success()
    context.tags[name] = [(string(row.get("Tag")), string(row.get("Site"))) for row in response.rows(name)]
    for tag, site in duplicates(context.tags[name]):
        raise RuleFailed(f"the Tag {tag!r} with the Site {site!r} occurs twice", response.exchange)


@area.rule("CFG-14", source="ep:config-test", needs=FINISHED)
def test_button(context: CheckContext) -> None:
    """The three calls of the Test button succeed: ConfigTest, ShippingTags and PaymentTags.

    The customer sees that the integration does not work.
    """
    for name in ("ConfigTest", "ShippingTags", "PaymentTags"):
        context.call(name).require_success()


@area.rule("CFG-16", RuleSeverity.ADVICE, needs=FINISHED)
def unknown_item(context: CheckContext) -> None:
    """SaveConfig ignores an item that it did not declare.

    After an update of the application Linnworks still sends old items for a while, and nothing could be saved.
    """
    wizard.load(context, context.first).require_success()
    wizard.save(context, context.first, {}, extra_items=(wizard.UNKNOWN_ITEM,)).require_success()


@area.rule("CFG-17", RuleSeverity.SHOULD, needs=FINISHED)
def ids_and_values_only(context: CheckContext) -> None:
    """SaveConfig reads ConfigItemId and SelectedValue, and needs no other field of an item.

    Linnworks sends the items as it stored them; their other fields may have changed since.
    """
    wizard.load(context, context.first).require_success()
    items = [{key: item.get(key) for key in ("ConfigItemId", "SelectedValue")} for item in context.first.items]
    context.call("SaveConfig", StepName=wizard.FINISHED, ConfigItems=items).require_success()
