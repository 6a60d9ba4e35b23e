"""No order, despatch, refund or value is lost or done twice, in hundreds of schedules drawn from seeds."""

from __future__ import annotations

import pytest

from tests.simulation.bridge import SERVER
from tests.simulation.play import Schedule, play, schedule, shrink
from tests.simulation.shop import Shop

pytestmark = pytest.mark.broad

AT_ONCE = 10
SCHEDULES = 40 if SERVER else 200


@pytest.mark.parametrize("first", range(0, SCHEDULES, AT_ONCE))
def test_the_books_agree_after_every_schedule(first):
    """
    Whatever fails, is lost, killed or asked twice, what Linnworks believes is what the shop holds, or it was told.

    `python -m tests.simulation --seed N` plays one seed again and shrinks it.
    """
    wrong = {seed: play(schedule(seed))[0] for seed in range(first, first + AT_ONCE)}

    assert {} == {seed: words for seed, words in wrong.items() if words}


ONCE_LOST = {
    "a restore to a backup without a run": Schedule(
        126,
        frozenset({"holds", "restore"}),
        (
            ("back_up", 2359354423),
            ("place", 3760828657),
            ("time", 3696189247),
            ("walk", 29850878),
            ("restore", 2131272938),
        ),
    ),
    "the clocks of the shop and of the bridge set back together": Schedule(
        33, frozenset({"jumps"}), (("walk", 1221660935), ("jump", 4274393843), ("place", 1381567036))
    ),
    "the oldest of two runs asked alike served": Schedule(
        29,
        frozenset({"alike", "bins", "sizes"}),
        (
            ("begin", 3040691558),
            ("ask", 2024654572),
            ("place", 3526003298),
            ("walk", 3821027774),
            ("place", 1577272777),
        ),
    ),
    "the same clocks after two runs asked alike": Schedule(
        187,
        frozenset({"jumps"}),
        (("walk", 2554653201), ("walk", 785649568), ("jump", 3065964336), ("place", 3041604148)),
    ),
}


@pytest.mark.parametrize("plan", ONCE_LOST.values(), ids=ONCE_LOST)
def test_a_schedule_that_once_lost_an_order_loses_none(plan):
    """
    Each was found by the simulation, and shrunk.
    """
    assert "" == play(plan)[0]


def test_a_seed_plays_alike_each_time():
    """
    The whole course of a schedule comes from its seed, so that a failure can be played again.
    """
    seeds = range(5)

    assert [play(schedule(seed)) for seed in seeds] == [play(schedule(seed)) for seed in seeds]


def test_a_lost_order_is_noticed_and_shrunk_to_what_loses_it(monkeypatch):
    """
    A shop that leaves new orders out of its pages disagrees, and some event that places one is enough to show it.
    """
    touch = Shop.touch
    monkeypatch.setattr(Shop, "touch", lambda shop, order: (touch(shop, order), setattr(order, "stamp", -100_000)))
    plan = Schedule(1, frozenset(), (("place", 1), ("time", 2), ("walk", 3), ("place", 4), ("time", 5)))
    monkeypatch.setattr("tests.simulation.play.schedule", lambda seed, only, features: replace_events(plan, only))
    kept = shrink(plan, lambda fewer: bool(play(fewer)[0]))

    assert ["place"] == [plan.events[index][0] for index in kept]


def replace_events(plan: Schedule, only: tuple[int, ...]) -> Schedule:
    return Schedule(plan.seed, plan.features, tuple(plan.events[index] for index in only))
