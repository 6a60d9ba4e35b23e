"""Times are typed as people say them."""

from __future__ import annotations

from datetime import datetime, timezone

import pytest

from bridge.cli.moments import parse_moment

NOW = datetime(2026, 3, 10, 3, 30, tzinfo=timezone.utc)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("03:10", "2026-03-10T03:10:00"),
        ("3:10", "2026-03-10T03:10:00"),
        ("14:00", "2026-03-09T14:00:00"),
        ("14:00:30 UTC", "2026-03-09T14:00:30"),
        ("today 03:00", "2026-03-10T03:00:00"),
        ("yesterday 03:00", "2026-03-09T03:00:00"),
        ("yesterday", "2026-03-09T00:00:00"),
        ("2026-03-01", "2026-03-01T00:00:00"),
        ("2026-03-01 14:00", "2026-03-01T14:00:00"),
        ("2026-03-01T14:00:05Z", "2026-03-01T14:00:05"),
        ("30m", "2026-03-10T03:00:00"),
        ("2h ago", "2026-03-10T01:30:00"),
        ("3d", "2026-03-07T03:30:00"),
    ],
)
def test_a_time_is_understood(text, expected):
    """
    A time of day is the last one that has passed; everything is in UTC.
    """
    assert f"{expected}+00:00" == parse_moment(text, NOW).isoformat()


@pytest.mark.parametrize("text", ["", "25:00", "soon", "14", "2026-13-01", "99999d 14:00"])
def test_anything_else_is_no_time(text):
    """
    What is no time is refused, not guessed.
    """
    assert parse_moment(text, NOW) is None
