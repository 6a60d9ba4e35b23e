"""Integrations begin, are set up step by step, and end."""

from __future__ import annotations

import uuid
from datetime import timedelta

import pytest

from bridge.channels.base import Page
from bridge.channels.demo import DemoChannel
from bridge.clock import now
from bridge.errors import ChannelUnavailable
from tests.conftest import sqlite_only
from tests.linnworks import Linnworks


@pytest.fixture
def fresh(call) -> Linnworks:
    """Return an integration whose wizard has just been opened."""
    return Linnworks(call, "fresh")


@pytest.mark.parametrize(
    ("fields", "words"),
    [
        ({"Email": ""}, "Invalid Email"),
        ({"Email": None}, "Invalid Email"),
        ({"Email": "a@example.com\x1b]0;x\x07"}, "Invalid Email"),
        ({"AccountName": "a\nb"}, "Invalid AccountName"),
        ({"AccountName": "a\u202eb"}, "Invalid AccountName"),
        ({"AccountName": " "}, "Invalid AccountName"),
        ({"LinnworksUniqueIdentifier": "00000000-0000-0000-0000-000000000000"}, "Invalid LinnworksUniqueIdentifier"),
        ({"LinnworksUniqueIdentifier": "me"}, "Invalid LinnworksUniqueIdentifier"),
        ({"LinnworksUniqueIdentifier": None}, "Invalid LinnworksUniqueIdentifier"),
    ],
)
def test_an_integration_needs_an_account_a_name_and_an_email(call, fields, words):
    """
    The missing field is named, and no token is issued.
    """
    good = {"LinnworksUniqueIdentifier": str(uuid.uuid4()), "Email": "a@example.com", "AccountName": "A"}

    assert {"Error": words, "AuthorizationToken": None} == call("AddNewUserEndpoint", {**good, **fields})


def test_two_names_in_one_account_are_two_integrations(call):
    """
    The same account may have several integrations, each with a token of its own.
    """
    account = uuid.uuid4()
    tokens = {
        call("AddNewUserEndpoint", LinnworksUniqueIdentifier=form, Email="a@example.com", AccountName=name)[
            "AuthorizationToken"
        ]
        for form, name in ((str(account), "A"), (account.hex, "B"))
    }

    assert 2 == len(tokens - {None})


def test_a_finished_integration_is_not_begun_again(connect):
    """
    The same account and name get an Error that says so, and the integration still works.
    """
    linnworks = connect()
    again = linnworks.begin()

    assert "exists already" in again["Error"]
    assert again["AuthorizationToken"] is None
    assert linnworks("ConfigTestEndpoint")["Error"] is None


def test_an_unfinished_integration_is_replaced(fresh):
    """
    If the wizard was not finished, its first answer may have been lost: a new token replaces the old one.
    """
    again = fresh.begin()

    assert again["Error"] is None
    assert fresh.token != again["AuthorizationToken"]
    assert "Unknown authorization token" == fresh("UserConfigEndpoint")["Error"]


def test_the_first_step_follows_at_once(fresh):
    """
    UserConfig shows the first step, with every declared part of its items.
    """
    screen = fresh("UserConfigEndpoint")

    assert ("Shop", "Account of fresh", None) == (screen["StepName"], screen["AccountName"], screen["Error"])
    assert [1, 2] == [item["SortOrder"] for item in screen["ConfigItems"]]
    assert ["STRING", "PASSWORD"] == [item["ValueType"] for item in screen["ConfigItems"]]


def test_another_step_than_the_current_is_refused(fresh):
    """
    Another step's name gets an Error that names the current step, which stays.
    """
    answer = fresh.save("Preferences", despatch_days="1")

    assert "Invalid step name expected Shop" == answer["Error"]
    assert "Shop" == answer["StepName"] == fresh("UserConfigEndpoint")["StepName"]


def test_every_invalid_value_of_a_step_is_named(fresh):
    """
    All invalid values are named in one Error, and the step stays.
    """
    answer = fresh.save("Shop", shop_name="No Good", access_key="")

    assert (
        answer["Error"]
        == "Shop name: must be 3 to 40 lower-case letters, digits and hyphens; Access key: must be specified"
    )
    assert "Shop" == answer["StepName"]


def test_values_of_every_type_are_checked(linnworks):
    """
    Invalid INT, BOOLEAN and LIST values are refused, and the saved values stay.
    """
    before = linnworks("UserConfigEndpoint")
    bad = {"despatch_days": ("31", "two", ""), "customer_notes": ("perhaps",), "list_price_tag": ("OTHER",)}
    for item, values in bad.items():
        for value in values:
            assert linnworks.save("UserConfig", **{item: value})["Error"]
    assert before == linnworks("UserConfigEndpoint")


def test_settings_stay_editable(linnworks):
    """
    After the wizard the UserConfig step saves changes, in their canonical form, and ignores unknown items.
    """
    answer = linnworks.save("UserConfig", despatch_days=" 5 ", customer_notes="false", unknown="x")
    values = {item["ConfigItemId"]: item["SelectedValue"] for item in linnworks("UserConfigEndpoint")["ConfigItems"]}

    assert (None, "UserConfig") == (answer["Error"], answer["StepName"])
    assert {"despatch_days": "5", "customer_notes": "False", "list_price_tag": "RETAILPRICE"}.items() <= values.items()
    assert "unknown" not in values


@sqlite_only
def test_passwords_are_sealed_and_never_sent_back(linnworks, settings, app):
    """
    A PASSWORD value is in no answer, and not in clear text in the bridge's database.
    """
    key = f"key of {linnworks.shop_name}".encode()
    files = [path.read_bytes() for path in settings.data_dir.iterdir() if path.name.startswith("bridge.db")]

    assert files
    assert not any(key in content or linnworks.token.encode() in content for content in files)


def test_calls_before_the_wizard_is_finished_get_an_error(fresh):
    """
    The Error asks the seller to complete the wizard.
    """
    answer = fresh("ConfigTestEndpoint")

    assert "The set-up of this integration is not finished: please complete its wizard" == answer["Error"]


def test_a_deleted_integration_is_gone(linnworks):
    """
    After ConfigDeleted every call with the token is refused, also ConfigDeleted itself.
    """
    assert linnworks("ConfigDeletedEndpoint")["Error"] is None
    assert {"Unknown authorization token"} == {
        linnworks(name)["Error"] for name in ("ConfigDeletedEndpoint", "UserConfigEndpoint", "ProductsEndpoint")
    }


@pytest.mark.parametrize(
    ("sent", "error"),
    [
        ({"StepName": ["Shop"]}, "StepName: Not a text."),
        ({"StepName": "Shop", "ConfigItems": "all"}, "ConfigItems: Not a list."),
        (
            {"StepName": "Shop", "ConfigItems": [{"ConfigItemId": "shop_name", "SelectedValue": "a\0"}]},
            "ConfigItems[0].SelectedValue: Contains a NUL character.",
        ),
    ],
)
def test_answers_that_cannot_be_read_leave_the_wizard_on_its_step(fresh, sent, error):
    """
    The Error comes with the step and its items, so that the user can go on from there.
    """
    step = fresh("UserConfigEndpoint")
    answer = fresh("SaveConfigEndpoint", **sent)

    assert step | {"Error": error} == answer
    assert answer["ConfigItems"]


def test_config_test_says_what_the_doctor_says(linnworks, monkeypatch):
    """
    A shop that refuses, and a clock that is minutes off, have the same words in both.
    """
    monkeypatch.setattr(DemoChannel, "orders", lambda self, *_: Page((), as_of=now() - timedelta(minutes=10)))
    wrong_clock = linnworks("ConfigTestEndpoint")["Error"]

    def refuse(self) -> None:
        raise ChannelUnavailable("The shop is closed for maintenance")

    monkeypatch.setattr(DemoChannel, "check", refuse)
    closed = linnworks("ConfigTestEndpoint")["Error"]

    assert "s ahead of the shop's" in wrong_clock
    assert "The shop is closed for maintenance" == closed
