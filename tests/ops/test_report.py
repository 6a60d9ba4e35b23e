"""A stranger can find out from the support bundle what is wrong, and finds no secret and no name in it."""

from __future__ import annotations

import json
import zipfile
from typing import Any

import pytest

from bridge.channels.demo import DemoChannel
from bridge.channels.demo.tables import Order
from bridge.errors import ChannelRefused, ChannelUnavailable
from bridge.ops.report import Redaction
from bridge.store.connections import Connection
from tests.conftest import access_key

METRICS_TOKEN = "planted-metrics-token-123"
BUYER = "planted.buyer@example.com"


@pytest.fixture
def bundle(app, run, monkeypatch, tmp_path):
    """Return a function that writes the bundle and returns its files as text."""
    monkeypatch.setenv("BRIDGE_METRICS_TOKEN", METRICS_TOKEN)

    def write(*options: str) -> dict[str, str]:
        app.extensions["bridge"].journal.flush()
        file = tmp_path / f"report-{len(list(tmp_path.glob('*.zip')))}.zip"
        run("report", str(file), *options)
        assert 0o600 == file.stat().st_mode & 0o777
        with zipfile.ZipFile(file) as found:
            return {name: found.read(name).decode() for name in found.namelist()}

    return write


def test_planted_secrets_and_names_are_found_nowhere(bundle, linnworks, settings, monkeypatch, tmp_path):
    """
    Keys, tokens, names of accounts and buyers, and addresses are in no file, whatever the shop and the log say.
    """

    def refuse(*_: Any) -> None:
        raise ChannelRefused(f"The shop refused {BUYER}, tel. +44 20 7946 0958, key {access_key(linnworks.shop_name)}")

    Order.update(buyer="Planted Buyer").execute()
    linnworks.orders()
    monkeypatch.setattr(DemoChannel, "refund", refuse)
    item = {"OrderLineNumber": "1", "RefundAmount": 1}
    linnworks("RefundEndpoint", Refund={"ReferenceNumber": "1001", "Items": [item]})
    log = tmp_path / "log"
    log.write_text(f"{linnworks.account_name} {BUYER} Bearer {linnworks.token} {METRICS_TOKEN}\n" * 2000)
    files = bundle("--log", str(log))
    connection = Connection.get()
    planted = [
        *(METRICS_TOKEN, BUYER, "Planted Buyer", "7946", access_key(linnworks.shop_name), linnworks.account_name),
        *(linnworks.token, linnworks.account, connection.token_digest, connection.sealed, connection.email),
        (settings.data_dir / "secret.key").read_text().strip(),
    ]

    assert [] == [(name, secret) for name, text in files.items() for secret in planted if secret in text]
    assert 1000 == len(files["log.txt"].splitlines())


def test_what_helps_is_in_it(bundle, linnworks, monkeypatch):
    """
    The bundle has the doctor's findings, versions, settings, recent calls with their Errors, and what is not done.
    """

    def down(*_: Any) -> None:
        raise ChannelUnavailable("The shop did not answer in time")

    linnworks("InventoryUpdateEndpoint", Products=[{"SKU": "none", "Quantity": 3}])
    monkeypatch.setattr(DemoChannel, "orders", down)
    linnworks("OrdersEndpoint", UTCTimeFrom="2000-01-01 00:00:00Z", PageNumber=1)
    files = bundle()
    read = {name: json.loads(text) for name, text in files.items() if name.endswith(".json")}

    assert "The shop did not answer in time" == read["errors.json"][0]["error"]
    assert "The shop has no product none" == read["errors.json"][1]["skus"][0]["error"]
    assert {"database", "outbox", "key"} <= {one["name"] for one in read["doctor.json"]["findings"]}
    assert ("set", "demo") == (read["settings.json"]["BRIDGE_METRICS_TOKEN"], read["settings.json"]["BRIDGE_CHANNEL"])
    assert 1 == read["schema.json"]["tables"]["connection"]["rows"]
    assert {"flask", "peewee"} <= set(read["versions.json"]["libraries"])
    assert 1 == len(read["connections.json"])
    assert [] == read["status.json"]["held_orders"]
    assert all(name in files["README.txt"] for name in files if name != "README.txt")
    assert not any('"failed":' in text for text in files.values())


def test_a_broken_installation_has_a_report_too(bundle, linnworks, settings, monkeypatch):
    """
    What cannot be read is said to be so, and the other parts are there.
    """
    (settings.data_dir / "secret.key").write_text("no key")
    files = bundle()

    assert "error" == json.loads(files["doctor.json"])["state"]
    assert "cannot be opened" in files["versions.json"]
    assert linnworks.account_name not in "".join(files.values())


def test_no_file_is_replaced(run, tmp_path):
    """
    A file that exists stays as it is.
    """
    file = tmp_path / "report.zip"
    file.write_text("mine")

    assert "exists already" in run("report", str(file), status=1)
    assert "mine" == file.read_text()


@pytest.mark.parametrize(
    "written",
    [
        'Käse "Müller" & Söhne',
        'K\\u00e4se \\"M\\u00fcller\\" & S\\u00f6hne',
        'KÄSE "MÜLLER" & SÖHNE',
        "K%C3%A4se%20%22M%C3%BCller%22%20%26%20S%C3%B6hne",
        "K%C3%A4se+%22M%C3%BCller%22+%26+S%C3%B6hne",
    ],
)
def test_a_name_is_hidden_however_it_is_written(written):
    """
    JSON logs and addresses write letters as escapes, and shops may write capitals.
    """
    assert "by ***." == Redaction(['Käse "Müller" & Söhne']).redacted(f"by {written}.")


def test_short_or_common_words_stay_readable():
    """
    A name is hidden where it is a word of its own, in keys too; numbers and SKUs are never taken for telephone numbers.
    """
    hide = Redaction(["first", "abc", "0123456789abcdef"])

    assert {"first_seen": "*** of abc", "sku": "+44 20 7946 0958"} == hide.redacted(
        {"first_seen": "first of abc", "sku": "+44 20 7946 0958"}
    )
    assert "x***x" == hide.redacted("x0123456789abcdefx")
