"""Pending stock and price updates can be listed, retried and dropped from the command line."""

from __future__ import annotations

from datetime import timedelta

import pytest

from bridge.channels.demo.tables import Product
from bridge.clock import now
from bridge.ops.doctor import backlog
from bridge.store.outbox import OutboxLease, PendingUpdate, SetAsideUpdate
from bridge.sync import outbox

pytestmark = pytest.mark.usefixtures("linnworks")


@pytest.fixture
def pending(linnworks) -> PendingUpdate:
    """A stock level that the shop has not accepted."""
    then = now()
    OutboxLease.create(connection=1, claimed_until=then, next_at=then + timedelta(hours=1), unsure_until=then)
    return PendingUpdate.create(
        connection=1,
        kind="stock",
        key="k",
        sku="101-11",
        tag="",
        row={"SKU": "101-11", "Reference": "", "Quantity": 7},
        attempts=3,
        error="The shop is down",
        since=then,
        next_at=then + timedelta(hours=1),
        unsure_until=then,
    )


def test_no_pending_update_is_said_in_a_sentence(run):
    """
    `outbox list` does not print an empty table.
    """
    assert "No update is pending." in run("outbox", "list")


def test_an_update_that_does_not_exist_is_an_error(run):
    """
    An unknown number gets a sentence and exit status 1.
    """
    assert "linnworks-bridge: There is no pending update 77" in run("outbox", "drop", "77", status=1)


def test_a_pending_update_can_be_retried(run, pending, app):
    """
    `outbox retry` makes it due, and the background worker pushes it.
    """
    assert "The shop is down" in run("outbox", "list")
    run("outbox", "retry", str(pending.id))
    while outbox.work_one(app.extensions["bridge"].channels):
        pass

    assert 7 == Product.get(Product.sku == "101-11").stock
    assert 0 == PendingUpdate.select().count()


def test_a_pending_update_can_be_dropped(run, pending):
    """
    `outbox drop` deletes it.
    """
    run("outbox", "drop", str(pending.id))

    assert 0 == PendingUpdate.select().count()


def test_what_was_set_aside_is_shown_and_can_be_dropped(run, pending, app):
    """
    `outbox list` shows a row that cannot be read with the error, `doctor` warns of it, and `outbox drop` deletes it.
    """
    PendingUpdate.update(row="no row", next_at=now()).execute()
    OutboxLease.update(next_at=now()).execute()
    waiting = run("outbox", "list")
    while outbox.work_one(app.extensions["bridge"].channels):
        pass
    number = SetAsideUpdate.get().id
    listed, found = run("outbox", "list"), [finding.message for finding in backlog.outbox(now())]
    dropped = run("outbox", "drop", "--set-aside", str(number))

    assert "no row" in waiting
    assert "no row" in listed
    assert "The stored row cannot be read" in listed
    assert ["1 stored updates cannot be pushed and were set aside", "nothing waits"] == found
    assert f"Dropped set-aside update {number}." in dropped
    assert 0 == SetAsideUpdate.select().count()
    assert f"There is no set-aside update {number}" in run("outbox", "drop", "--set-aside", str(number), status=1)
