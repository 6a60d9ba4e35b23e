"""The command line: its help, its output, and its errors."""

from __future__ import annotations

import json
from pathlib import Path

import click
import pytest

from bridge.channels.demo.tables import FILE
from bridge.cli import main
from bridge.settings import Settings

COMMANDS = Path(__file__).parent.parent.parent / "docs/commands.md"


def commands(group: click.Group, *path: str):
    for name, command in group.commands.items():
        yield (*path, name)
        if isinstance(command, click.Group):
            yield from commands(command, *path, name)


@pytest.mark.parametrize("path", list(commands(main)), ids=" ".join)
def test_every_command_has_help_worth_reading(run, path):
    """
    --help describes each command in a sentence.
    """
    _, _, text = run(*path, "--help").partition("\n")

    assert len(text.strip().splitlines()[0].split()) >= 3


def test_every_command_is_documented():
    """
    The table in docs/commands.md names each command, and each command of a group.
    """
    rows = COMMANDS.read_text(encoding="utf-8").splitlines()
    missing = [
        path
        for path in commands(main)
        if not any(f"`linnworks-bridge {path[0]}" in row and path[-1] in row for row in rows)
    ]

    assert [] == missing


def test_the_manifest_takes_its_address_from_the_option(run, tmp_path):
    """
    `linnworks-bridge manifest --base-url` writes URLs that Linnworks can reach.
    """
    out = tmp_path / "own.json"
    run("manifest", "--base-url", "https://bridge.example.com/", "--out", str(out))
    (module,) = json.loads(out.read_text())["modules"]
    values = {parameter["name"]: parameter["value"] for parameter in module["parameters"]}

    assert "https://bridge.example.com/api/Order/Orders" == values["OrdersEndpoint"]


def test_a_wrong_address_is_refused(run):
    """
    A base URL that is not a URL stops the command with a sentence and exit status 2.
    """
    assert "BRIDGE_BASE_URL must be an address" in run("manifest", "--base-url", "bridge", status=2)


def test_the_settings_accept_a_new_key(run):
    """
    `linnworks-bridge keys new` prints a value for BRIDGE_SECRET_KEY.
    """
    from bridge.vault import open_vault

    assert open_vault(Settings(secret_key=run("keys", "new").strip())).open("x") is None


def test_connections_are_listed_shown_and_erased(run, linnworks):
    """
    An integration is found by number or name; after it is erased, its token is unknown.
    """
    name = linnworks.account_name
    listed = json.loads(run("connections", "list", "--json"))
    shown = run("connections", "show", name)

    assert [(name, "ready")] == [(one["account_name"], one["state"]) for one in listed]
    assert "shop_name" in shown
    assert "key of" not in shown
    assert "ready" in run("connections", "list")
    assert f"Erased {name}." in run("connections", "erase", "1", answer="y\n")
    assert "Unknown authorization token" == linnworks("ConfigTestEndpoint")["Error"]
    assert "No integration yet" in run("connections", "list")


def test_erasing_asks_first(run, linnworks):
    """
    Nothing is erased without confirmation.
    """
    run("connections", "erase", "1", answer="n\n", status=1)

    assert linnworks("ConfigTestEndpoint")["Error"] is None


def test_an_unknown_connection_is_an_error(run):
    """
    An unknown number or name gets a sentence and exit status 1.
    """
    assert "linnworks-bridge: No integration 7" in run("connections", "show", "7", status=1)


def test_reconnecting_asks_the_seller_for_credentials(run, linnworks):
    """
    The wizard reopens at the credentials; once they are saved it is complete, with the same token.
    """
    run("connections", "reconnect", "1")
    asked = linnworks("UserConfigEndpoint")
    password = next(item for item in asked["ConfigItems"] if item["ValueType"] == "PASSWORD")
    state = json.loads(run("connections", "list", "--json"))[0]["state"]
    saved = linnworks.save("Shop", shop_name=linnworks.shop_name, access_key="")

    assert ("Shop", "", False) == (asked["StepName"], password["SelectedValue"], password["MustBeSpecified"])
    assert "credentials needed" == state
    assert (None, "UserConfig") == (saved["Error"], saved["StepName"])


def test_changes_in_the_shop_reach_linnworks(run, linnworks):
    """
    Orders placed, paid and cancelled by hand are on the next Orders page.
    """
    placed = run("demo", "order", "101-11=2", "--unpaid")
    number = placed.split()[2].rstrip(":")
    unpaid = linnworks.orders()[number]
    run("demo", "pay", number)
    paid = linnworks.orders()[number]
    run("demo", "cancel", number)
    cancelled = linnworks.orders()[number]

    assert [("101-11", 2)] == [(line["SKU"], line["Qty"]) for line in unpaid["OrderItems"]]
    assert ["UNPAID", "PAID", "CANCELLED"] == [order["PaymentStatus"] for order in (unpaid, paid, cancelled)]
    assert "cancelled" in run("demo", "show", number)
    assert number in run("demo", "orders", "--status", "cancelled")


def test_an_order_is_shown_with_its_parcels(run, linnworks):
    """
    Carriers, tracking numbers and links of all packages are in the shop's view of the order.
    """
    links = ["https://r.example/1", "https://d.example/2"]
    packages = [
        {"ShippingVendor": "Royal Mail", "TrackingNumber": "R1", "TrackingUrl": links[0]},
        {"ShippingVendor": "DPD", "TrackingNumber": "D2", "TrackingUrl": links[1]},
    ]
    linnworks("DespatchEndpoint", Orders=[{"ReferenceNumber": "1060", "Packages": packages}])
    shown = run("demo", "show", "1060")

    assert [] == [text for text in ("Royal Mail", "R1", "DPD", "D2", *links) if text not in shown]


def test_shops_can_be_opened_and_listed(run, settings):
    """
    A shop is opened by hand, and its products and orders are listed.
    """
    (settings.data_dir / FILE).unlink()
    assert "No shop yet" in run("demo", "orders", status=1)
    assert "its access key is" in run("demo", "open", "by-hand")
    assert "The shop by-hand exists already" in run("demo", "open", "by-hand", status=1)
    assert "can see a command's arguments" in run("demo", "open", "other", "--access-key", "secret key", status=1)
    assert "is now secret key" in run("demo", "rekey", "--shop", "by-hand", "--access-key", "-", answer="secret key\n")
    assert "291" in run("demo", "shops")
    assert "SHIRT-1-B-S" in run("demo", "products", "--search", "SHIRT-1-B")
    run("demo", "open", "another")
    assert "Name the shop with --shop: by-hand, another" in run("demo", "orders", status=1)
    assert "1060" in run("demo", "orders", "--shop", "another")


@pytest.mark.parametrize(
    ("arguments", "status", "message"),
    [
        (("order", "101-11=0"), 2, "expected SKU or SKU=QUANTITY"),
        (("order", "nothing"), 1, "The shop does not sell nothing"),
        (("pay", "1"), 1, "The shop has no order 1"),
        (("show", "1"), 1, "The shop has no order 1"),
        (("orders", "--shop", "other"), 1, "There is no shop other"),
    ],
)
def test_mistakes_get_a_sentence(run, linnworks, arguments, status, message):
    """
    A command that the shop cannot do says so, and changes nothing.
    """
    assert message in run("demo", *arguments, status=status)
