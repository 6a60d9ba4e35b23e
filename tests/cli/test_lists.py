"""Every list can be narrowed down, and read by programs."""

from __future__ import annotations

import json

import click
import pytest

from bridge.channels.demo import DemoChannel
from bridge.cli import main
from bridge.errors import ChannelUnavailable
from bridge.ops.wording import counted
from tests.linnworks import Linnworks

REMOVALS = [{"ChannelSKU": sku, "TemplateId": 1} for sku in ("A-1", "A-10")]


def lists(group: click.Group, path: tuple[str, ...] = ()) -> list[tuple[tuple[str, ...], click.Command]]:
    found: list[tuple[tuple[str, ...], click.Command]] = []
    for name, command in group.commands.items():
        if isinstance(command, click.Group):
            found += lists(command, (*path, name))
        elif name == "list" or (command.help or "").startswith("List"):
            found.append(((*path, name), command))
    return found


def test_every_list_has_json():
    """
    Whatever is listed, a program can read it.
    """
    found = lists(main)

    assert len(found) >= 10
    assert [] == [path for path, command in found if "as_json" not in {option.name for option in command.params}]


@pytest.fixture
def used(linnworks, monkeypatch):
    """An integration with an action that failed, updates that wait, and two listings."""
    linnworks("ListingDeleteEndpoint", ExternalListingIds=REMOVALS)

    def down(self, levels):
        return [ChannelUnavailable("The shop is down")] * len(levels)

    monkeypatch.setattr(DemoChannel, "set_stock", down)
    rows = [{"SKU": sku, "Quantity": 3} for sku in ("101-11", "101-12")]
    linnworks("InventoryUpdateEndpoint", Products=rows)
    linnworks.orders()
    linnworks(
        "RefundEndpoint", Refund={"ReferenceNumber": "1001", "Items": [{"OrderLineNumber": "1", "RefundAmount": 9999}]}
    )


@pytest.mark.usefixtures("used")
def test_lists_are_narrowed_down(run):
    """
    Options leave one integration, one order or one SKU.
    """
    (action,) = json.loads(run("actions", "list", "--order", "#WEB-1001", "--connection", "1", "--json"))
    listings = json.loads(run("feeds", "list", "--sku", "a-1", "--json"))
    outbox = json.loads(run("outbox", "list", "--sku", "101-12", "--json"))

    assert ("1001", "refund", "failed") == (action["order"], action["action"], action["state"])
    assert ["A-1"] == [listing["sku"] for listing in listings]
    assert [("101-12", 3)] == [(update["sku"], update["value"]) for update in outbox["pending"]]
    assert "No such action." in run("actions", "list", "--order", "1002")
    assert [] == json.loads(run("orders", "held", "--connection", "1", "--json"))
    assert "2 pending updates, and 0 requests not started yet" in run("outbox", "list")


def test_integrations_are_found_by_name_and_state(run, linnworks, call):
    """
    An unfinished wizard, a name, an e-mail address.
    """
    Linnworks(call, "later", "Unfinished")

    def found(*options: str) -> list[str]:
        return [one["account_name"] for one in json.loads(run("connections", "list", "--json", *options))]

    assert [linnworks.account_name, "Unfinished"] == found() == found("--search", "SELLER@")
    assert ["Unfinished"] == found("--state", "wizard") == found("--search", "unfin")
    assert [linnworks.account_name] == found("--state", "ready")
    assert [] == found("--state", "credentials")
    assert "No such integration" in run("connections", "list", "--search", "nobody")


def test_revoked_clients_are_left_out(run):
    """
    `oauth list --active` has those that may call.
    """
    run("oauth", "create", "one")
    run("oauth", "create", "two")
    first = json.loads(run("oauth", "list", "--json"))[0]
    run("oauth", "revoke", first["client_id"])

    assert 2 == len(json.loads(run("oauth", "list", "--json")))
    assert 1 == len(json.loads(run("oauth", "list", "--active", "--json")))


def test_one_is_one_time():
    """
    A noun is in the plural for none and for several.
    """
    assert ["0 times", "1 time", "2 times"] == [counted(number, "time") for number in range(3)]
    assert "1 entry, 2 entries" == f"{counted(1, 'entry', 'entries')}, {counted(2, 'entry', 'entries')}"
