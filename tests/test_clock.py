"""Time that is left, and time that was spent."""

from __future__ import annotations

from bridge.clock import Deadline


def test_nothing_is_left_of_a_budget_that_was_overspent():
    """
    What is left ends at nothing; what was spent goes on.
    """
    moment = [100.0]
    deadline = Deadline(8, clock=lambda: moment[0])
    seen = []
    for moment[0] in (100.0, 103.0, 109.5):
        seen.append((deadline.left(), deadline.spent()))

    assert [(8.0, 0.0), (5.0, 3.0), (0.0, 9.5)] == seen
