"""A leased row has one holder at a time, and a holder that has lost it can change nothing."""

from __future__ import annotations

from datetime import timedelta

import pytest

from bridge.clock import now
from bridge.store.database import writing
from bridge.store.feeds import FeedItem, add_feed

NOW = now()
LATER = NOW + timedelta(seconds=60)


@pytest.fixture
def row(linnworks) -> FeedItem:
    """Return a leased row without a holder."""
    add_feed(1, [("DELETE", {}, None)], NOW)
    return FeedItem.get()


def acquire(row: FeedItem) -> FeedItem:
    """Acquire the row and return it as its holder sees it."""
    with writing():
        held = FeedItem.get_by_id(row.id)
        held.acquire(LATER)
    return held


def is_free(moment) -> bool:
    """Return what the SQL condition says, after a check that objects say the same."""
    free = FeedItem.select().where(FeedItem.free(moment)).exists()
    assert free != FeedItem.get().is_held(moment)
    return free


def test_a_row_is_held_until_its_claim_is_over(row):
    """
    A claim further ahead than any can be was made before the clock was set back, and counts as over.
    """
    before = is_free(NOW)
    acquire(row)

    assert before
    assert [False, True, True] == [is_free(moment) for moment in (NOW, LATER, NOW - timedelta(days=1))]


def test_a_released_row_is_free_at_once(row):
    """
    It is free by every clock, and has the changes of its holder.
    """
    released = acquire(row).release(LATER, attempts=3)

    assert released
    assert is_free(NOW)
    assert 3 == FeedItem.get().attempts


def test_a_holder_that_has_lost_its_claim_changes_nothing(row):
    """
    Its release fails, and the row stays with the new holder.
    """
    first, second = acquire(row), acquire(row)
    lost = first.release(NOW, attempts=1)

    assert not lost
    assert (0, second.claim) == (FeedItem.get().attempts, FeedItem.get().claim)
    assert second.release(NOW)
    assert not first.release(NOW)
