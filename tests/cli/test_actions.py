"""Actions can be listed, resolved and dropped from the command line."""

from __future__ import annotations

from datetime import timedelta

import pytest

from bridge.clock import now
from bridge.store.actions import Action

pytestmark = pytest.mark.usefixtures("linnworks")


def test_no_open_action_is_said_in_a_sentence(run):
    """
    `actions list` does not print an empty table.
    """
    assert "Every action is done." in run("actions", "list")


@pytest.mark.parametrize("command", ["retry", "drop"])
def test_an_action_that_does_not_exist_is_an_error(run, command):
    """
    An unknown number gets a sentence and exit status 1.
    """
    assert "linnworks-bridge: There is no action 77" in run("actions", command, "77", status=1)


def test_an_unknown_action_is_resolved(run, refund):
    """
    `actions retry` records the result that the shop reports, without sending anything again.
    """
    Action.update(state="unknown", result="").execute()

    assert "unknown" in run("actions", "list")
    assert "Action 1 is done." in run("actions", "retry", "1")
    assert refund[1]["RefundReference"] == Action.get().result


def test_an_action_that_the_shop_has_not_done_has_failed(run, refund):
    """
    If the shop has no result long after it was asked, the action counts as failed and may be asked for again.
    """
    Action.update(state="unknown", key="another").execute()

    assert "not known yet" in run("actions", "retry", "1", status=1)
    Action.update(planned_at=now() - timedelta(hours=1), planned_at_shop=None).execute()

    assert "Action 1 is failed." in run("actions", "retry", "1")


def test_a_dropped_action_is_forgotten(run, refund):
    """
    `actions drop` asks before it deletes.
    """
    run("actions", "drop", "1", answer="n\n", status=1)
    assert 1 == Action.select().count()
    run("actions", "drop", "1", "--yes")

    assert 0 == Action.select().count()
