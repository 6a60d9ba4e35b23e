"""Retry: how long failed work waits, how long a lease lasts, and how a request waits for another process's lease."""

from __future__ import annotations

import secrets
from collections.abc import Iterator
from datetime import datetime, timedelta

from bridge.clock import Deadline, now, sleep

GRACE_SECONDS = 5
"""How long a lease outlasts the budget of its holder, who has to record the result."""
POLL_SECONDS = 0.05

_random = secrets.SystemRandom()


def lease_end(deadline: Deadline) -> datetime:
    """Return when a lease ends whose holder works until this deadline."""
    return now() + timedelta(seconds=deadline.left() + GRACE_SECONDS)


def random_jitter() -> float:
    """Return a random number from 0 to 1 for `backoff`."""
    return _random.random()


def backoff(failures: int, longest_seconds: float, jitter: float) -> timedelta:
    """Return how long to wait after this many failures in a row before the first retry: 1 s, doubled each time.

    The wait is capped, and reduced by up to a half by the jitter, so that what failed together spreads.
    """
    seconds = min(2.0 ** min(failures - 1, 30), longest_seconds)
    return timedelta(seconds=seconds * (1 - jitter / 2))


def polls(deadline: Deadline, least_seconds: float = 0) -> Iterator[int]:
    """Yield 0 at once, then 1, 2, ... after a pause each, while more than `least_seconds` are left."""
    number = 0
    yield number
    while (left := deadline.left()) > least_seconds:
        sleep(min(POLL_SECONDS, left))
        number += 1
        yield number
