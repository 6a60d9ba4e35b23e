"""The wizard to its end, the settings afterwards, tags and the Test button."""

from __future__ import annotations

import functools
from collections.abc import Iterator

from bridge.check import wizard
from bridge.check.filling import matches
from bridge.check.judge import repeated
from bridge.check.linnworks import objects, string
from bridge.check.play import Play
from bridge.check.registry import Area, Failed, Skipped

area = Area("Configuration", needs=("CFG-05",))
FINISHED = ("CFG-08",)


@area.check("CFG-06")
def a_wrong_step(play: Play) -> None:
    """SaveConfig refuses a StepName that is not the current one and keeps the step."""
    step = play.first.step
    wizard.save(play, play.first, {}, step="NoSuchStep").refused("to the StepName NoSuchStep")
    _still_at(play, step)


@area.check("CFG-07")
def a_required_item(play: Play) -> None:
    """SaveConfig refuses a required item left empty and keeps the step."""
    for _ in range(wizard.MOST_STEPS):
        required = [
            string(item.get("ConfigItemId"))
            for item in play.first.items
            if item.get("MustBeSpecified") is True
            and item.get("ReadOnly") is not True
            and item.get("ValueType") in ("STRING", "PASSWORD", "LIST", "INT", "DOUBLE")
        ]
        if required:
            step = play.first.step
            wizard.save(play, play.first, dict.fromkeys(required, "")).refused(f"to an empty {required[0]}")
            return _still_at(play, step)
        if play.first.step == wizard.LAST:
            break
        wizard.advance(play, play.first)
    raise Skipped("no step of the wizard requires anything")


def _still_at(play: Play, step: str) -> None:
    wizard.show(play, play.first).accepted()
    if play.first.step != step:
        raise Failed(f"the refused SaveConfig moved the wizard from {step} to {play.first.step}")


@area.check("CFG-08")
def the_end_of_the_wizard(play: Play) -> None:
    """The wizard, filled in step by step, ends with the StepName UserConfig."""
    wizard.finish(play, play.first)


@area.check("CFG-09", needs=FINISHED)
def the_settings(play: Play) -> None:
    """UserConfig of a finished integration stays at the StepName UserConfig."""
    answer = wizard.show(play, play.first).accepted()
    if play.first.step != wizard.LAST:
        raise Failed(f"StepName is {play.first.step}: Linnworks would open the wizard again")
    if answer.says("AccountName") != play.first.name:
        raise Failed(f"AccountName is {answer.says('AccountName')!r}, not {play.first.name!r}")


@area.check("CFG-10", needs=FINISHED)
def the_settings_saved(play: Play) -> None:
    """Saving the settings as they are keeps the StepName UserConfig."""
    wizard.save(play, play.first, {}).accepted()
    if play.first.step != wizard.LAST:
        raise Failed(f"StepName is {play.first.step} after saving the settings")


@area.check("CFG-11", needs=FINISHED)
def a_changed_setting(play: Play) -> None:
    """A changed setting is kept, and can be changed back."""
    for name, old, new in list(_changes(play)):
        if wizard.save(play, play.first, {name: new}).error:
            continue
        play.repair(functools.partial(_change_back, play, name, old))
        _shows(play, name, new)
        wizard.save(play, play.first, {name: old}).accepted()
        return _shows(play, name, old)
    raise Skipped("the settings hold nothing that takes another value")


def _changes(play: Play) -> Iterator[tuple[str, str, str]]:
    for wanted in ("BOOLEAN", "INT", "LIST", "STRING"):
        for item in play.first.items:
            fixed = item.get("ReadOnly") is True or item.get("HidesHeaderAttribute") is True
            if item.get("ValueType") != wanted or fixed:
                continue
            old = string(item.get("SelectedValue"))
            choices = [string(choice.get("Value")) for choice in objects(item.get("ListValues"))]
            flipped = "False" if old.lower() == "true" else "True"
            others = {
                "BOOLEAN": [flipped],
                "INT": [str(int(old) + 1), str(int(old) - 1)] if old.lstrip("-").isdigit() else [],
                "LIST": [choice for choice in choices if choice != old],
                "STRING": [f"{old}a", f"{old}1"],
            }
            for new in others[wanted]:
                if matches(item, new) and old:
                    yield string(item.get("ConfigItemId")), old, new


def _change_back(play: Play, name: str, old: str) -> None:
    if wizard.selected(play.first, name).lower() != old.lower():
        wizard.save(play, play.first, {name: old})


def _shows(play: Play, name: str, value: str) -> None:
    wizard.show(play, play.first).accepted()
    shown = wizard.selected(play.first, name)
    if shown.lower() != value.lower():
        raise Failed(f"{name} was saved as {value!r} and UserConfig shows {shown!r}")


@area.check("CFG-12", needs=FINISHED)
def shipping_tags(play: Play) -> None:
    """ShippingTags names every postal service once."""
    _tags(play, "ShippingTags")


@area.check("CFG-13", needs=FINISHED)
def payment_tags(play: Play) -> None:
    """PaymentTags names every payment method once."""
    _tags(play, "PaymentTags")


def _tags(play: Play, name: str) -> None:
    rows = play.call(name).accepted().rows(name)
    play.tags[name] = [(string(row.get("Tag")), string(row.get("Site"))) for row in rows]
    for tag, site in repeated(play.tags[name]):
        raise Failed(f"the Tag {tag!r} with the Site {site!r} comes twice")


@area.check("CFG-14", needs=FINISHED)
def the_test_button(play: Play) -> None:
    """ConfigTest finds the integration working."""
    play.call("ConfigTest").accepted()
