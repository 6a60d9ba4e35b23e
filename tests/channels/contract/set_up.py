from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from typing import Any

import pytest

from bridge.store.connections import Connection, find_connection
from bridge.vault import digest
from tests.channels.contract.shop import Suite, hours_ago, tags
from tests.linnworks import Linnworks

REFUSED_BY_TYPE = {"INT": "many", "DOUBLE": "much", "BOOLEAN": "perhaps", "LIST": "none of these"}


class SetUpContract(Suite):
    """The wizard, the settings, the tags and the test of an integration."""

    def test_the_wizard_ends_at_user_config(self, linnworks):
        """Correct answers to every step lead to UserConfig."""
        screen = linnworks("UserConfigEndpoint")

        assert screen["Error"] is None
        assert screen["StepName"] == "UserConfig"

    def test_every_step_is_complete(self, call, shop):
        """Each step has a title and a description, and its items have unique ids and names."""
        for step in _steps(call, shop):
            ids = [item["ConfigItemId"] for item in step["ConfigItems"]]

            assert step["WizardStepTitle"]
            assert step["WizardStepDescription"]
            assert sorted(set(ids)) == sorted(ids)
            assert all(item["Name"] for item in step["ConfigItems"])

    def test_a_bad_value_does_not_leave_the_step(self, call, shop):
        """A value that its item forbids is refused with the item's name, and the wizard stays at the step."""
        for step in _steps(call, shop):
            linnworks = _at(call, shop, step["StepName"])
            for item, value in _bad_values(step):
                bad = {**shop.answers, item["ConfigItemId"]: value}
                answer = linnworks.save(step["StepName"], **bad)

                assert item["Name"] in answer["Error"]
                assert step["StepName"] == answer["StepName"]
                assert step["StepName"] == linnworks("UserConfigEndpoint")["StepName"]

    def test_refused_credentials_do_not_leave_the_step(self, call, shop):
        """The shop checks the credentials, and its refusal is the error."""
        linnworks = Linnworks(call)
        step = linnworks("UserConfigEndpoint")
        while step["Error"] is None and step["StepName"] != "UserConfig":
            name = step["StepName"]
            step = linnworks.save(name, **shop.wrong_answers)

        assert step["Error"]
        assert name == step["StepName"]
        assert name == linnworks("UserConfigEndpoint")["StepName"]

    def test_answers_to_another_step_are_refused(self, call, shop):
        """Answers to another step than the current one change nothing, and the error names the current step."""
        linnworks = Linnworks(call)
        current = linnworks("UserConfigEndpoint")["StepName"]
        answer = linnworks.save("AnotherStep", **shop.answers)

        assert f"Invalid step name expected {current}" == answer["Error"]
        assert current == linnworks("UserConfigEndpoint")["StepName"]

    def test_secrets_are_never_sent_back(self, call, shop, linnworks):
        """No step and no later screen shows a PASSWORD."""
        items = [item for step in _steps(call, shop) for item in step["ConfigItems"]]
        secrets = {item["ConfigItemId"] for item in items if item["ValueType"] == "PASSWORD"}
        screens = [*_steps(call, shop), linnworks("UserConfigEndpoint"), linnworks.save("UserConfig")]

        assert all(shop.answers[secret] not in str(screen) for secret in secrets for screen in screens)

    def test_settings_can_be_edited(self, linnworks):
        """A setting saved in the last step is shown again."""
        items = linnworks("UserConfigEndpoint")["ConfigItems"]
        wanted = {
            item["ConfigItemId"]: "False" if item["SelectedValue"] == "True" else "True"
            for item in items
            if item["ValueType"] == "BOOLEAN" and not item["ReadOnly"]
        }
        saved = linnworks.save("UserConfig", **wanted)
        shown = _selected(linnworks("UserConfigEndpoint"))

        assert saved["Error"] is None
        assert saved["StepName"] == "UserConfig"
        assert {**_selected({"ConfigItems": items}), **wanted} == shown

    def test_every_answer_but_the_credentials_may_be_missing(self, app, linnworks, call, shop):
        """If a later version asks a further question, existing integrations get its default until it is answered."""
        since = hours_ago(0)
        shop.place_order({shop.skus[0]: 1})
        credentials = app.extensions["bridge"].channels.credentials_step.name
        steps = [step for step in _steps(call, shop) if step["StepName"] != credentials]
        questions = _questions_with_default(steps)
        if not questions:
            pytest.skip("the wizard asks for credentials only")
        connection = find_connection(digest(linnworks.token))
        problems = {}
        for question in questions:
            others = {name: value for name, value in connection.config.items() if name != question}
            Connection.update(config=others).where(Connection.id == connection.id).execute()
            page = linnworks("OrdersEndpoint", UTCTimeFrom=since, PageNumber=1)
            problems[question] = linnworks("UserConfigEndpoint")["Error"] or page["Error"]

        assert dict.fromkeys(questions) == problems

    def test_nothing_works_before_the_wizard_is_finished(self, call, shop):
        """Before the wizard is finished, the shop's endpoints return an error and no rows."""
        answer = Linnworks(call)("OrdersEndpoint", UTCTimeFrom="2024-01-01 00:00:00Z", PageNumber=1)

        assert answer["Error"]
        assert [] == answer["Orders"]

    def test_a_finished_integration_passes_its_test(self, linnworks):
        """ConfigTest returns no error for a shop that works."""
        assert {"Error": None} == linnworks("ConfigTestEndpoint")

    def test_a_deleted_integration_is_gone(self, linnworks):
        """After ConfigDeleted the token is unknown."""
        deleted = linnworks("ConfigDeletedEndpoint")

        assert deleted["Error"] is None
        assert linnworks("ConfigTestEndpoint")["Error"]

    def test_tags_keep_their_limits(self, linnworks):
        """Tags are unique, not empty, and short enough for Linnworks."""
        for listed in tags(linnworks):
            assert len({(tag["Tag"], tag["Site"]) for tag in listed}) == len(listed)
            assert all(1 <= len(tag["Tag"]) <= 64 for tag in listed)
            assert all(1 <= len(tag["FriendlyName"]) <= 255 for tag in listed)
            assert all(len(tag["Site"]) <= 25 for tag in listed)


def _steps(call: Any, shop: Any) -> Iterator[Any]:
    """Yield every step of the wizard as it is shown first, also the last one."""
    linnworks = Linnworks(call)
    step = linnworks("UserConfigEndpoint")
    while step["StepName"] != "UserConfig":
        yield step
        step = linnworks.save(step["StepName"], **shop.answers)
        assert step["Error"] is None
    yield step


def _at(call: Any, shop: Any, name: str) -> Linnworks:
    """Return an integration whose wizard is at this step."""
    linnworks = Linnworks(call)
    step = linnworks("UserConfigEndpoint")
    while step["StepName"] != name:
        step = linnworks.save(step["StepName"], **shop.answers)
    return linnworks


def _questions_with_default(steps: Iterable[Any]) -> list[str]:
    """Return the questions of these steps that an integration need not have answered; the first time counts."""
    items: dict[str, Any] = {}
    for item in (item for step in steps for item in step["ConfigItems"]):
        items.setdefault(item["ConfigItemId"], item)
    return [
        name
        for name, item in items.items()
        if (item["SelectedValue"] or not item["MustBeSpecified"])
        and item["ValueType"] not in ("PASSWORD", "URL", "BUTTON")
    ]


def _bad_values(step: Any) -> Iterator[tuple[Any, str]]:
    """Yield values that the items of a step forbid by their declarations."""
    for item in step["ConfigItems"]:
        has_preset = item["ValueType"] in ("LIST", "BOOLEAN") and item["SelectedValue"]
        if item["MustBeSpecified"] and not has_preset:  # an empty one would mean the preset
            yield item, ""
        if item["ValueType"] in REFUSED_BY_TYPE:
            yield item, REFUSED_BY_TYPE[item["ValueType"]]
        elif item["RegExValidation"]:
            invalid = ("?", "!! ??", "999999999")
            yield item, next(value for value in invalid if not re.fullmatch(item["RegExValidation"], value))


def _selected(screen: Any) -> dict[str, str]:
    return {item["ConfigItemId"]: item["SelectedValue"] for item in screen["ConfigItems"]}
