"""Moments that are due, and the budget of a request."""

from __future__ import annotations

from datetime import timedelta

import pytest

from bridge.clock import EPOCH, FARTHEST, Deadline, before, is_future

NOON = EPOCH + timedelta(days=20_000)
SECOND = timedelta(seconds=1)


def test_an_overspent_budget_has_nothing_left():
    """
    The seconds left end at zero, and the seconds spent go on.
    """
    moment = [100.0]
    deadline = Deadline(8, clock=lambda: moment[0])
    seen = []
    for moment[0] in (100.0, 103.0, 109.5):
        seen.append((deadline.left(), deadline.spent()))

    assert [(8.0, 0.0), (5.0, 3.0), (0.0, 9.5)] == seen


@pytest.mark.parametrize(
    ("moment", "future"),
    [(NOON - SECOND, False), (NOON, False), (NOON + SECOND, True), (NOON + FARTHEST + SECOND, False)],
)
def test_a_moment_is_due_when_it_is_reached_or_too_far_ahead(moment, future):
    """
    A moment too far ahead was written before the clock was set back.
    """
    assert future == is_future(moment, NOON)


def test_no_moment_before_the_epoch_is_returned():
    """
    More seconds than there are lead to the epoch.
    """
    assert (NOON - SECOND, EPOCH, EPOCH) == (before(NOON, 1), before(NOON, 10**12), before(EPOCH - SECOND, 1))
