"""The bench judges its figures as its table of targets says."""

from __future__ import annotations

import pytest

from bench.figures import TARGETS, Figure, Target, of_target, ratios


@pytest.mark.parametrize(
    ("target", "value", "met", "passes"),
    [
        (Target("at most", 2, gate=4), 2.0, True, True),
        (Target("at most", 2, gate=4), 2.1, False, True),
        (Target("at most", 2, gate=4), 4.1, False, False),
        (Target("at least", 0.75, least=True, gate=0.3), 0.75, True, True),
        (Target("at least", 0.75, least=True, gate=0.3), 0.5, False, True),
        (Target("at least", 0.75, least=True, gate=0.3), 0.2, False, False),
        (Target("no gate", 1), 99, False, True),
    ],
)
def test_a_value_is_held_against_its_target_and_its_gate(target, value, met, passes):
    """
    The target is what is aimed at; only beyond the gate a change may not land.
    """
    assert [met, passes] == [target.met(value), target.passes(value)]


def test_ratios_are_taken_round_by_round():
    """
    A round that was slow for both is no slower as a ratio.
    """
    figure = of_target("1", ratios([2, 20, 4], [1, 10, 1]))

    assert (2, 2, 4) == figure.values
    assert 2 == figure.median
    assert {"low": 2, "high": 4, "median": 2} == {name: figure.as_dict()[name] for name in ("low", "high", "median")}


def test_what_must_never_happen_is_gated_at_nothing():
    """
    A lost Content-Length, a locked database or a shop connection too many never lands.
    """
    for number in ("length", "10a", "11"):
        assert TARGETS[number].passes(0)
        assert not TARGETS[number].passes(1)


def test_a_figure_alone_is_its_own_median():
    """
    What is measured once is told as it is.
    """
    assert 3.5 == Figure("memory", (3.5,), "MB").median
