"""The command line says why an order is not in Linnworks."""

from __future__ import annotations

import sys

import pytest

from bridge.channels.demo.tables import Order, OrderLine
from bridge.clock import now
from bridge.sync.call_journal import CallFacts
from tests.linnworks import Linnworks

pytestmark = pytest.mark.usefixtures("linnworks")


def test_no_held_order_is_said_in_a_sentence(run):
    """
    `orders held` does not print an empty table.
    """
    assert "No order is held." in run("orders", "held")


def test_a_held_order_is_listed_with_its_reason(app, run, linnworks):
    """
    `orders held` shows the problem, and `orders why` shows it in the order's history.
    """
    OrderLine.update(sku="").where(OrderLine.order == Order.get(Order.number == "1001")).execute()
    linnworks.orders()

    app.extensions["bridge"].journal.flush()

    assert "1001" in run("orders", "held")
    history = run("orders", "why", "1001")
    assert "has no SKU: give the product one in the shop" in history
    assert "first seen" in history
    assert "last sent" not in history
    assert "in an answer" not in history
    assert "1 of 25 held" in run("calls", "list", "--endpoint", "Orders")


def test_others_cannot_make_the_search_endless(run, call, connect, monkeypatch):
    """
    `orders why` passes over unfinished integrations, and asks shops for a limited time.
    """
    Linnworks(call, account_name="a stranger's")
    connect()
    assert "a stranger's" not in run("orders", "why", "1001")
    monkeypatch.setattr(sys.modules["bridge.cli.orders"], "SHOPS_SECONDS", 0)
    history = run("orders", "why", "1001")

    assert 2 == history.count("was not asked, as others took too long: add --connection")
    assert "The shop has it" not in history


def test_the_history_of_an_order_is_shown(run, refund):
    """
    `orders why` shows when an order was seen and sent, and its actions.
    """
    reference, answer = refund
    history = run("orders", "why", reference)

    assert "last sent to Linnworks, once" in history
    assert f"done: {answer['RefundReference']}" in history
    assert "The shop has it, PAID." in history


def test_an_order_that_never_came_is_explained(run):
    """
    An order that was neither seen nor is in the shop has a line for both.
    """
    history = run("orders", "why", "nothing")

    assert "The shop has not listed it on any page yet. Linnworks never asked." in history
    assert "The shop has no such order." in history


def test_polls_that_failed_for_one_reason_are_one_line(app, run):
    """
    The time of the next call, which some Errors name, makes no difference.
    """
    journal = app.extensions["bridge"].journal
    for second in range(10):
        error = f"The shop does not answer: the next call is possible from 14:03:0{second} UTC"
        journal.add(CallFacts(now(), f"id-{second}", "Orders", "ChannelUnavailable", 5, 1, 1, error))
    journal.flush()
    (line,) = [line for line in run("orders", "why", "nothing").splitlines() if "a poll for orders failed" in line]

    assert "possible from 14:03:00 UTC, 10 times until" in line


def test_polls_that_failed_without_the_database_are_told(app, run):
    """
    Which integration they were for is not known; those with a wrong token are left out.
    """
    journal = app.extensions["bridge"].journal
    for outcome in ("OperationalError", "UnknownToken"):
        journal.add(CallFacts(now(), outcome[:12], "Orders", outcome, 5, error=f"failed by {outcome}"))
    journal.flush()
    history = run("orders", "why", "nothing")

    assert "a poll for orders of any integration failed: failed by OperationalError" in history
    assert "UnknownToken" not in history
