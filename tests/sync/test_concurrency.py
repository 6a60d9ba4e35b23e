"""Whatever several processes do to the same rows at once, each promise holds."""

from __future__ import annotations

import multiprocessing
import time
from collections import Counter
from collections.abc import Callable, Iterator
from datetime import datetime, timedelta, timezone
from typing import Any

import pytest

from bridge.clock import EPOCH, now
from bridge.store import database as store
from bridge.store.actions import DONE, Action, finish_action, plan_action, plan_again
from bridge.store.connections import Connection, add_connection, find_connection, list_connections, save_step
from bridge.store.feeds import FeedItem, add_feed, claim_item, finish_item
from bridge.store.paging import PageCursor, PagingRun, begin_run, finish_page, forget_paging_runs, resume_run
from tests.conftest import database_url

PROCESSES = 6
TURNS = 12
NOON = datetime(2026, 1, 1, 12, tzinfo=timezone.utc)

pytestmark = pytest.mark.usefixtures("app")


@pytest.fixture(scope="module")
def processes() -> Iterator[Any]:
    """Processes that wait for each other before they do anything."""
    spawn = multiprocessing.get_context("spawn")
    with spawn.Pool(PROCESSES, _meet_at, (spawn.Barrier(PROCESSES),)) as pool:
        yield pool
        pool.close()
        pool.join()


@pytest.fixture
def at_once(processes, settings) -> Callable[..., list[Any]]:
    """Have every process do `act(number of the process, argument)` with one argument after another, all at a time."""

    def run(act: Callable[..., Any], arguments: list[Any]) -> list[Any]:
        jobs = [processes.apply_async(_each, (settings.database, act, n, arguments)) for n in range(PROCESSES)]
        return [answer for job in jobs for answer in job.get(60)]

    return run


def _meet_at(barrier: Any) -> None:
    global _barrier
    _barrier = barrier


def _each(url: str, act: Callable[..., Any], number: int, arguments: list[Any]) -> list[Any]:
    _barrier.wait(30)
    fault = _tried(store.open_store, url)
    answers = []
    for argument in arguments:
        _barrier.wait(30)
        answers.append(fault or _tried(act, number, argument))
    store.close_store()
    return answers


def _tried(act: Callable[..., Any], *arguments: Any) -> Any:
    """What it gives, an exception too: the other processes wait for this one."""
    try:
        return act(*arguments)
    except Exception as error:
        return error


def connection(name: str = "shop", token: str = "") -> Connection | None:
    return add_connection(account="a", account_name=name, email="a", token_digest=token or name, step="one", now=NOON)


def begin(number: int, name: str) -> bool:
    return connection(name, f"{name}-{number}") is not None


def test_equal_beginnings_leave_one_connection(at_once):
    """
    Each process gets a token, and of the same account and name the last one works.
    """
    names = [f"name {turn}" for turn in range(TURNS)]

    assert all(at_once(begin, names))
    assert Counter(names) == Counter(one.account_name for one in list_connections())


def begin_or_finish(number: int, name: str) -> bool:
    if number:
        return begin(number, name)
    found = find_connection(name)
    return found is not None and save_step(found, "UserConfig", config={}, sealed="", completed_at=NOON)


def test_a_wizard_that_finishes_meanwhile_is_not_replaced(at_once):
    """
    Either it finished, and nobody got a token after that, or it was replaced before, and could not finish.
    """
    names = [f"name {turn}" for turn in range(TURNS)]
    for name in names:
        connection(name)
    finished = at_once(begin_or_finish, names)[:TURNS]
    kept = {one.account_name: one.completed_at is not None for one in list_connections()}

    assert dict(zip(names, finished, strict=True)) == kept


def step_on(number: int, connection_id: int) -> bool:
    seen = Connection(id=connection_id, token_digest=f"name {connection_id}", step="one")
    return save_step(seen, "two", config={"by": number}, sealed="", completed_at=None)


def test_a_step_is_taken_once(at_once):
    """
    Of several answers to the same step of the wizard one is kept.
    """
    made = [connection(f"name {number}").id for number in range(1, TURNS + 1)]
    taken = at_once(step_on, made)

    assert TURNS == sum(taken)
    assert {"two"} == {one.step for one in list_connections()}


def plan(number: int, digest: str) -> tuple[bool, str]:
    moment = now()
    action, claimed = plan_action(
        int(digest.partition("-")[0]), "refund", digest, digest, {}, now=moment, until=moment + timedelta(seconds=60)
    )
    assert action
    if claimed:
        finish_action(action, DONE, answer=action.key, now=now())
    return claimed, action.key


def test_a_action_is_planned_once(at_once):
    """
    One process may do it; the others see the same action.
    """
    owner = connection()
    answers = at_once(plan, [f"{owner.id}-{turn}" for turn in range(TURNS)])

    assert TURNS == sum(claimed for claimed, _ in answers)
    assert TURNS == len({key for _, key in answers}) == Action.select().count()
    assert {DONE} == {action.state for action in Action.select()}


def at_one_order(number: int, text: str) -> bool:
    owner, _, order = text.partition("-")
    moment = now()
    action, claimed = plan_action(
        int(owner), "despatch", order, f"{text} {number}", {}, now=moment, until=moment + timedelta(seconds=60)
    )
    return action is not None and claimed


def test_one_action_at_a_time_is_done_to_an_order(at_once):
    """
    Of several that are planned at once one is claimed; the others wait for it.
    """
    owner = connection()
    claimed = at_once(at_one_order, [f"{owner.id}-{turn}" for turn in range(TURNS)])

    assert TURNS == sum(claimed) == Action.select().count()


def test_a_action_begun_before_the_clock_was_set_back_holds_no_other_up():
    """
    Its claim lies further ahead than any claim that was made since.
    """
    owner, yesterday = connection(), NOON - timedelta(days=1)
    plan_action(owner.id, "despatch", "1", "before", {}, now=NOON, until=NOON + timedelta(seconds=60))
    _, claimed = plan_action(
        owner.id, "refund", "1", "since", {}, now=yesterday, until=yesterday + timedelta(seconds=60)
    )

    assert claimed


def claim_expired(number: int, digest: str) -> bool:
    _, claimed = plan_action(
        int(digest.partition("-")[0]), "refund", digest, digest, {}, now=NOON, until=NOON + timedelta(seconds=60)
    )
    return claimed


def test_a_action_of_a_dead_process_is_taken_over_once(at_once):
    """
    When its claim has run out, one process claims it.
    """
    owner = connection()
    digests = [f"{owner.id}-{turn}" for turn in range(TURNS)]
    for digest in digests:
        plan_action(owner.id, "refund", digest, digest, {}, now=EPOCH, until=EPOCH + timedelta(seconds=60))

    assert TURNS == sum(at_once(claim_expired, digests))


def repeat(number: int, action_id: int) -> bool:
    return plan_again(Action.get_by_id(action_id), now=NOON, until=NOON + timedelta(seconds=60)) is not None


def test_a_action_is_planned_again_once(at_once):
    """
    Of several repeats of an action that is long done one is a new action.
    """
    owner = connection()
    planned = [
        plan_action(owner.id, "refund", str(turn), str(turn), {}, now=EPOCH, until=NOON) for turn in range(TURNS)
    ]
    actions = [action.id for action, _ in planned if action]
    again = at_once(repeat, actions)

    assert TURNS == sum(again)
    assert 2 * TURNS == Action.select().count()


def feed(number: int, owner: int) -> list[int]:
    """Keep a feed, then work with the others until nothing is left."""
    add_feed(owner, [("DELETE", {}) for _ in range(5)], NOON)
    done, end = [], time.monotonic() + 30
    while FeedItem.select().where(~FeedItem.done).exists() and time.monotonic() < end:
        item = claim_item(NOON, NOON + timedelta(seconds=60))
        if item:
            finish_item(item, {"by": number})
            done.append(item.id)
    return done


def test_each_item_is_claimed_once(at_once):
    """
    Processes that add feeds and work them off at once do every item, none twice.
    """
    owners = [connection(f"name {turn}").id for turn in range(3)]
    done = [item for items in at_once(feed, owners) for item in items]

    assert 3 * 5 * PROCESSES == len(done)
    assert sorted(done) == [item.id for item in FeedItem.select().order_by(FeedItem.id)]


def turn_page(number: int, owner: int) -> str | None:
    """Ask for page 2, and say where page 3 begins."""
    turn = resume_run(owner, "orders", NOON, 2)
    time.sleep(0.01 * (number % 3))
    return finish_page(turn, f"by {number}", NOON, NOON)


def test_the_last_who_asked_for_a_page_moves_on(at_once):
    """
    Every process asks for the same page: those that are overtaken are told so, and there is one next page.
    """
    owners = [connection(f"name {turn}").id for turn in range(TURNS)]
    for owner in owners:
        finish_page(begin_run(owner, "orders", NOON, NOON, NOON), "two", NOON, NOON)
    answers = at_once(turn_page, owners)
    last = PageCursor.select().where(PageCursor.number == 3)

    assert {None, "The same page was asked again meanwhile"} >= set(answers)
    assert TURNS == len({page.run_id for page in last}) == last.count()
    assert {PROCESSES} == {page.turn for page in PageCursor.select().where(PageCursor.number == 2)}


def run_anew(number: int, owner: int) -> str | None:
    turn = begin_run(owner, "orders", NOON, NOON, NOON)
    forget_paging_runs(NOON - timedelta(days=1), 500)
    return finish_page(turn, None, NOON, NOON)


def test_runs_that_begin_at_once_do_not_disturb_each_other(at_once):
    """
    Every process begins at page 1 and comes to its end; old runs are forgotten meanwhile.
    """
    owner = connection().id
    for _ in range(20):
        begin_run(owner, "orders", EPOCH, EPOCH, EPOCH)

    assert {None} == set(at_once(run_anew, [owner] * TURNS))
    assert PROCESSES * TURNS == PagingRun.select().count()


def seal(number: int, name: str) -> str:
    return store.remember_first(name, str(number))


def test_processes_that_start_at_once_agree(at_once):
    """
    What is kept once for good is the same for all who keep it.
    """
    names = [f"fact {turn}" for turn in range(TURNS)]
    answers = at_once(seal, names)

    assert TURNS == len(set(zip(names * PROCESSES, answers, strict=True)))


def nothing(number: int, argument: None) -> None:
    pass


def test_an_empty_database_is_made_once(processes, tmp_path):
    """
    Processes that start at once on an empty database all come up.
    """
    url = database_url(tmp_path / "fresh") or f"sqlite:///{tmp_path / 'fresh' / 'bridge.db'}"
    jobs = [processes.apply_async(_each, (url, nothing, number, [None])) for number in range(PROCESSES)]

    assert [None] * PROCESSES == [answer for job in jobs for answer in job.get(60)]
