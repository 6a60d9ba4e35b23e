"""The wizard to its end, the settings afterwards, tags and the Test button."""

from __future__ import annotations

import functools

from bridge.check import wizard
from bridge.check.answer import string
from bridge.check.judge import repeated
from bridge.check.play import Integration, Play
from bridge.check.registry import Area, Failed, Severity, Skipped

area = Area("Configuration", "ep:save-config", needs=("CFG-05",))
FINISHED = ("CFG-08",)


@area.check("CFG-06", Severity.SHOULD)
def a_wrong_step(play: Play) -> None:
    """SaveConfig refuses a StepName that is not the current one and keeps the step.

    A step sent twice would be saved into the next one, with the wrong items.
    """
    step = _begin(play).step
    wizard.save(play, play.spare, {}, step="NoSuchStep").refused("to the StepName NoSuchStep")
    _still_at(play, step)


def _begin(play: Play) -> Integration:
    """The spare integration, at the step where it stands."""
    if not play.spare.token:
        play.spare.token = play.add(play.spare).accepted().says("AuthorizationToken")
    wizard.show(play, play.spare).accepted()
    return play.spare


@area.check("CFG-07", Severity.ADVICE)
def a_required_item(play: Play) -> None:
    """SaveConfig refuses a required item left empty and keeps the step.

    The wizard goes on without what the shop needs, and the customer learns of it when orders stay away.
    """
    spare = _begin(play)
    for _ in range(wizard.MOST_STEPS):
        required = [
            string(item.get("ConfigItemId"))
            for item in spare.items
            if item.get("MustBeSpecified") is True
            and item.get("ReadOnly") is not True
            and item.get("ValueType") in ("STRING", "PASSWORD", "LIST", "INT", "DOUBLE")
        ]
        if required:
            step = spare.step
            wizard.save(play, spare, dict.fromkeys(required, "")).refused(f"to an empty {required[0]}")
            return _still_at(play, step)
        if spare.step == wizard.LAST:
            break
        wizard.advance(play, spare)
    raise Skipped("no step of the wizard requires anything")


def _still_at(play: Play, step: str) -> None:
    wizard.show(play, play.spare).accepted()
    if play.spare.step != step:
        raise Failed(f"the refused SaveConfig moved the wizard from {step} to {play.spare.step}")


@area.check("CFG-08", source="ep:user-config")
def the_end_of_the_wizard(play: Play) -> None:
    """The wizard, filled in step by step, ends with the StepName UserConfig.

    Linnworks shows step after step and never begins to download orders.
    """
    wizard.show(play, play.first).accepted()
    wizard.finish(play, play.first)


@area.check("CFG-09", source="ep:user-config", needs=FINISHED)
def the_settings(play: Play) -> None:
    """UserConfig of a finished integration stays at UserConfig, under the AccountName it was made with.

    With any other StepName Linnworks opens the wizard again, with any other name the customer sees another shop.
    """
    answer = wizard.show(play, play.first).accepted()
    if play.first.step != wizard.LAST:
        raise Failed(f"StepName is {play.first.step}", answer.exchange)
    if not play.first.answers_as(answer):
        raise Failed(f"AccountName is {answer.says('AccountName')!r}, not {play.first.name!r}", answer.exchange)


@area.check("CFG-10", needs=FINISHED)
def the_settings_saved(play: Play) -> None:
    """Saving the settings as they are keeps the StepName UserConfig.

    A customer who presses Save is thrown back into the wizard.
    """
    wizard.show(play, play.first).accepted()
    answer = wizard.save(play, play.first, {}).accepted()
    if play.first.step != wizard.LAST:
        raise Failed(f"StepName is {play.first.step} after saving the settings", answer.exchange)


@area.check("CFG-11", Severity.SHOULD, needs=FINISHED)
def a_changed_setting(play: Play) -> None:
    """A changed setting is kept, and can be changed back.

    The customer changes a setting, sees it saved, and it does nothing.
    """
    wizard.show(play, play.first).accepted()
    for name, old, new in list(wizard.changes(play.first)):
        if wizard.save(play, play.first, {name: new}).error:
            continue
        play.repair(functools.partial(_change_back, play, name, old))
        _shows(play, name, new)
        wizard.save(play, play.first, {name: old}).accepted()
        return _shows(play, name, old)
    raise Skipped("the settings hold nothing that takes another value")


def _change_back(play: Play, name: str, old: str) -> None:
    if wizard.selected(play.first, name).lower() != old.lower():
        wizard.save(play, play.first, {name: old})


def _shows(play: Play, name: str, value: str) -> None:
    wizard.show(play, play.first).accepted()
    shown = wizard.selected(play.first, name)
    if shown.lower() != value.lower():
        raise Failed(f"{name} was saved as {value!r} and UserConfig shows {shown!r}")


@area.check("CFG-12", Severity.ADVICE, "ep:shipping-tags", needs=FINISHED)
def shipping_tags(play: Play) -> None:
    """ShippingTags names every postal service once.

    The customer maps one of two equal tags, and orders that bear the other stay without a postal service.
    """
    _tags(play, "ShippingTags")


@area.check("CFG-13", Severity.ADVICE, "ep:payment-tags", needs=FINISHED)
def payment_tags(play: Play) -> None:
    """PaymentTags names every payment method once.

    The customer maps one of two equal tags, and orders that bear the other stay without a payment method.
    """
    _tags(play, "PaymentTags")


def _tags(play: Play, name: str) -> None:
    answer = play.call(name).accepted()
    play.tags[name] = [(string(row.get("Tag")), string(row.get("Site"))) for row in answer.rows(name)]
    for tag, site in repeated(play.tags[name]):
        raise Failed(f"the Tag {tag!r} with the Site {site!r} comes twice", answer.exchange)


@area.check("CFG-14", source="ep:config-test", needs=FINISHED)
def the_test_button(play: Play) -> None:
    """The Test button's three calls all succeed: ConfigTest, ShippingTags and PaymentTags.

    The customer is told that the integration does not work.
    """
    for name in ("ConfigTest", "ShippingTags", "PaymentTags"):
        play.call(name).accepted()


@area.check("CFG-16", Severity.ADVICE, needs=FINISHED)
def an_unknown_item(play: Play) -> None:
    """SaveConfig ignores an item that it did not declare.

    After an update of the application old items still come back for a while, and nothing could be saved.
    """
    wizard.show(play, play.first).accepted()
    wizard.save(play, play.first, {}, None, wizard.STRANGER).accepted()


@area.check("CFG-17", Severity.SHOULD, needs=FINISHED)
def values_and_ids_alone(play: Play) -> None:
    """SaveConfig goes by ConfigItemId and SelectedValue and needs nothing else of an item.

    Linnworks sends the items back as it keeps them; whatever else is in them may have changed.
    """
    wizard.show(play, play.first).accepted()
    items = [{key: item.get(key) for key in ("ConfigItemId", "SelectedValue")} for item in play.first.items]
    play.call("SaveConfig", StepName=wizard.LAST, ConfigItems=items).accepted()
