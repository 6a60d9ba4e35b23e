"""The command line says what was asked and answered."""

from __future__ import annotations

import json

import pytest

from bridge.channels.demo import DemoChannel
from bridge.errors import ChannelUnavailable
from tests.linnworks import LONG_AGO


@pytest.fixture
def shown(app, run):
    """Return a function that stores what waits to be recorded, and runs a command."""

    def show(*words: str, **options) -> str:
        app.extensions["bridge"].journal.flush()
        return run(*words, **options)

    return show


def test_an_empty_record_is_said_in_a_sentence(shown):
    """
    `calls list` prints no empty table.
    """
    assert "No call is recorded yet." in shown("calls", "list")


def test_calls_about_a_sku_are_listed_with_what_was_said_of_it(linnworks, shown):
    """
    `calls list --sku` shows the level that was asked for, and the answer.
    """
    linnworks("InventoryUpdateEndpoint", Products=[{"SKU": "none", "Quantity": 3}, {"SKU": "101-11", "Quantity": 4}])

    assert "none (3): The shop has no product none" in shown("calls", "list", "--sku", "NONE", "--since", "1h")
    assert "101-11 (4): ok" in shown("calls", "list", "--sku", "101-11")
    assert "No such call is recorded; the record begins at" in shown("calls", "list", "--sku", "other")
    assert "(3)" not in shown("calls", "list", "--until", "yesterday")


def test_calls_are_printed_for_programs(linnworks, shown):
    """
    `--json` has every row with its Error, and the time in UTC.
    """
    linnworks.orders()
    linnworks("InventoryUpdateEndpoint", Products=[{"SKU": "none", "Quantity": 3}])
    (update,) = json.loads(shown("calls", "list", "--connection", "1", "--errors", "--json"))
    (page,) = json.loads(shown("calls", "list", "--order", "1001", "--json"))

    assert [{"number": "none", "value": 3, "error": "The shop has no product none"}] == update["skus"]
    assert (1, 1, "failed") == (update["rows"], update["failed_rows"], update["outcome"])
    assert {"number": "1001", "value": "WEB-1001", "error": None} in page["orders"]
    assert page["at"].endswith("+00:00")


def test_a_call_is_shown_with_its_calls_to_the_shop_and_its_actions(app, linnworks, shown):
    """
    `calls show` tells all about the call whose id was in the answer's header.
    """
    body = {"AuthorizationToken": linnworks.token, "Orders": [{"ReferenceNumber": "1001"}]}
    request = app.test_client().post("/api/Order/Despatch", json=body).headers["X-Request-Id"]
    text = shown("calls", "show", request)

    assert "1 order, none with an Error" in text
    assert "1001: ok" in text
    assert "Action 1: despatch of order 1001 done" in text
    assert "0 calls to the shop" in text
    assert request == json.loads(shown("calls", "show", request, "--json"))[0]["id"]
    assert "No call nothing is recorded" in shown("calls", "show", "nothing", status=1)


def test_a_wrong_time_is_explained(run):
    """
    What is no time is refused with examples.
    """
    assert "soon is no time such as 14:00" in run("calls", "list", "--since", "soon", status=2)


def test_nothing_is_cut_off_in_a_narrow_terminal(linnworks, shown, monkeypatch):
    """
    At 80 columns a long Error is folded, and id and time stay whole.
    """
    monkeypatch.setattr("bridge.cli.output.NOT_A_TERMINAL", 80)
    sku = "a-sku-that-is-much-longer-than-its-column-" + "x" * 40
    linnworks("InventoryUpdateEndpoint", Products=[{"SKU": sku, "Quantity": 3}])
    text = shown("calls", "list", "--sku", sku)
    folded = "".join(line.split("│")[-2].strip() for line in text.splitlines() if "│" in line)

    assert f"{sku}(3):Theshophasnoproduct{sku}" == folded.replace(" ", "")
    assert max(map(len, text.splitlines())) <= 80


def test_the_life_of_an_order_is_told_in_order_of_time(app, linnworks, shown, monkeypatch):
    """
    `orders why` takes the customer's number, and has what the shop, the bridge and Linnworks did, and failed polls.
    """
    linnworks.orders()
    linnworks("DespatchEndpoint", Orders=[{"ReferenceNumber": "1001", "TrackingNumber": "AB1"}])

    def down(*_):
        raise ChannelUnavailable("The shop did not answer in time")

    working = DemoChannel.orders
    monkeypatch.setattr(DemoChannel, "orders", down)
    for _ in range(3):
        linnworks("OrdersEndpoint", UTCTimeFrom=LONG_AGO, PageNumber=1)
    monkeypatch.setattr(DemoChannel, "orders", working)
    linnworks("DespatchEndpoint", Orders=[{"ReferenceNumber": "1001", "TrackingNumber": "AB1"}])
    text = shown("orders", "why", " # web-1001")
    told = [
        "order 1001, which the customer knows as WEB-1001",
        "placed in the shop",
        "first seen in the shop",
        "in an answer to Orders [",
        "despatch (action 1) done [",
        "Despatch was answered: ok [",
        "a poll for orders failed: The shop did not answer in time, 3 times until",
        "The shop has it",
    ]
    places = [text.find(part) for part in told]

    assert -1 not in places
    assert sorted(places) == places
    (history,) = json.loads(shown("orders", "why", "WEB-1001", "--json"))
    assert ("1001", "WEB-1001") == (history["reference"], history["customer_number"])
    assert sorted(event["at"] for event in history["events"]) == [event["at"] for event in history["events"]]
