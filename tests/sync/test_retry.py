"""Failed work waits longer and longer, and waiting for another process ends with the deadline."""

from __future__ import annotations

from random import Random

import pytest

from bridge.clock import Deadline
from bridge.sync import retry


def test_waits_double_up_to_the_longest():
    """
    Without jitter the first retry comes after a second.
    """
    waits = [retry.backoff(failures, 30, jitter=0).total_seconds() for failures in (1, 2, 3, 4, 5, 6, 7, 10_000)]

    assert [1, 2, 4, 8, 16, 30, 30, 30] == waits


def test_jitter_spreads_what_failed_together():
    """
    It takes away up to a half of the wait.
    """
    rng = Random(7)
    waits = {retry.backoff(10_000, 30, rng.random()).total_seconds() for _ in range(50)}

    assert 50 == len(waits)
    assert all(15 <= wait <= 30 for wait in waits)


@pytest.mark.parametrize(("least_seconds", "ends"), [(0, 1.0), (0.7, 0.3)])
def test_polls_end_when_too_little_time_is_left(monkeypatch, least_seconds, ends):
    """
    The last pause never passes the deadline.
    """
    moment = [0.0]
    monkeypatch.setattr(retry, "sleep", lambda seconds: moment.__setitem__(0, moment[0] + seconds))
    deadline = Deadline(1, clock=lambda: moment[0])
    polls = list(retry.polls(deadline, least_seconds))

    assert list(range(len(polls))) == polls
    assert ends == pytest.approx(moment[0], abs=retry.POLL_SECONDS)
    assert moment[0] <= 1.0


def test_a_request_without_time_polls_once():
    """
    It does not wait for another process.
    """
    assert [0] == list(retry.polls(Deadline(0)))
