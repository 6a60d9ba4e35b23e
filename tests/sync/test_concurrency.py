"""Every promise holds while several processes work on the same rows at once."""

from __future__ import annotations

import multiprocessing
import time
from collections import Counter
from collections.abc import Callable, Iterator
from datetime import datetime, timedelta, timezone
from typing import Any

import pytest

from bridge.clock import EPOCH
from bridge.store import database as store
from bridge.store.actions import lease_order
from bridge.store.connections import Connection, add_connection, find_connection, list_connections, save_step
from bridge.store.feeds import FeedItem, add_feed, claim_item, finish_item
from bridge.store.installation_facts import save_fact_once
from bridge.store.paging import PageCursor, PagingRun, begin_run, finish_page, forget_paging_runs, resume_run
from tests.conftest import database_url

PROCESSES = 4
ROUNDS = 12
NOON = datetime(2026, 1, 1, 12, tzinfo=timezone.utc)
OVERTAKEN = "The same page was asked for again meanwhile: please start at page 1"

pytestmark = [pytest.mark.service, pytest.mark.usefixtures("app")]


@pytest.fixture(scope="module")
def processes() -> Iterator[Any]:
    """Yield processes that wait for each other before each call."""
    spawn = multiprocessing.get_context("spawn")
    with spawn.Pool(PROCESSES, _meet_at, (spawn.Barrier(PROCESSES),)) as pool:
        yield pool
        pool.close()
        pool.join()


@pytest.fixture
def at_once(processes, settings) -> Callable[..., list[Any]]:
    """Call `act(number of the process, argument)` in all processes at once, for one argument after the other."""

    def run(act: Callable[..., Any], arguments: list[Any]) -> list[Any]:
        jobs = [processes.apply_async(_each, (settings.database, act, n, arguments)) for n in range(PROCESSES)]
        return [result for job in jobs for result in job.get(60)]

    return run


def _meet_at(barrier: Any) -> None:
    global _barrier
    _barrier = barrier


def _each(url: str, act: Callable[..., Any], number: int, arguments: list[Any]) -> list[Any]:
    _barrier.wait(30)
    failure = _tried(store.open_store, url)
    results = []
    for argument in arguments:
        _barrier.wait(30)
        results.append(failure or _tried(act, number, argument))
    store.close_store()
    return results


def _tried(act: Callable[..., Any], *arguments: Any) -> Any:
    """Return the result, or the exception, because the other processes wait for this one."""
    try:
        return act(*arguments)
    except Exception as error:
        return error


def connection(name: str = "shop", token: str = "") -> Connection | None:
    return add_connection(account="a", account_name=name, email="a", token_digest=token or name, step="one", now=NOON)


def begin(number: int, name: str) -> bool:
    return connection(name, f"{name}-{number}") is not None


def test_simultaneous_equal_integrations_become_one_connection(at_once):
    """
    Every process gets a token, and one connection of that account and name remains.
    """
    names = [f"name {round}" for round in range(ROUNDS)]

    assert all(at_once(begin, names))
    assert Counter(names) == Counter(one.account_name for one in list_connections())


def begin_or_finish(number: int, name: str) -> bool:
    if number:
        return begin(number, name)
    found = find_connection(name)
    return found is not None and save_step(found, "UserConfig", config={}, sealed="", completed_at=NOON)


def test_a_connection_that_finishes_meanwhile_is_not_replaced(at_once):
    """
    Either it finished first and stays, or it was replaced first and cannot finish.
    """
    names = [f"name {round}" for round in range(ROUNDS)]
    for name in names:
        connection(name)
    finished = at_once(begin_or_finish, names)[:ROUNDS]
    stored = {one.account_name: one.completed_at is not None for one in list_connections()}

    assert dict(zip(names, finished, strict=True)) == stored


def step_on(number: int, connection_id: int) -> bool:
    seen = Connection(id=connection_id, token_digest=f"name {connection_id}", step="one")
    return save_step(seen, "two", config={"by": number}, sealed="", completed_at=None)


def test_a_wizard_step_is_saved_once(at_once):
    """
    Of several simultaneous saves of one step, one succeeds.
    """
    made = [connection(f"name {number}").id for number in range(1, ROUNDS + 1)]
    taken = at_once(step_on, made)

    assert ROUNDS == sum(taken)
    assert {"two"} == {one.step for one in list_connections()}


def hold_order(number: int, text: str, moment: datetime = NOON) -> bool:
    """Claim an order, given as the connection's id and its reference, and keep it."""
    owner, _, reference = text.partition("-")
    return lease_order(int(owner), reference, now=moment, until=moment + timedelta(seconds=60)) is not None


def test_one_request_at_a_time_acts_on_an_order(at_once):
    """
    Of several processes one holds the order; the others have to wait.
    """
    owner = connection()

    assert ROUNDS == sum(at_once(hold_order, [f"{owner.id}-{round}" for round in range(ROUNDS)]))


def test_the_order_of_a_dead_process_is_taken_over_once(at_once):
    """
    Once its lease is over, one process holds it.
    """
    owner = connection()
    orders = [f"{owner.id}-{round}" for round in range(ROUNDS)]
    for order in orders:
        assert hold_order(0, order, moment=EPOCH)

    assert ROUNDS == sum(at_once(hold_order, orders))


def test_a_lease_from_before_the_clock_was_set_back_blocks_no_order():
    """
    It is further ahead than any lease since could be.
    """
    order = f"{connection().id}-1"

    assert hold_order(0, order)
    assert hold_order(0, order, moment=NOON - timedelta(days=1))


def feed(number: int, owner: int) -> list[int]:
    """Add a feed, then claim items until none of any process is left."""
    add_feed(owner, [("DELETE", {}, None) for _ in range(5)], NOON)
    done, end = [], time.monotonic() + 30
    while FeedItem.select().where(~FeedItem.done).exists() and time.monotonic() < end:
        item = claim_item(NOON, NOON + timedelta(seconds=60))
        if item:
            finish_item(item, {"by": number}, NOON)
            done.append(item.id)
    return done


def test_each_item_is_claimed_once(at_once):
    """
    Processes that add feeds and do their items at once do every item, and none twice.
    """
    owners = [connection(f"name {round}").id for round in range(3)]
    done = [item for items in at_once(feed, owners) for item in items]

    assert 3 * 5 * PROCESSES == len(done)
    assert sorted(done) == [item.id for item in FeedItem.select().order_by(FeedItem.id)]


def read_page_2(number: int, owner: int) -> Any:
    """Ask for page 2, wait until all processes have, and record where page 3 starts."""
    read = resume_run(owner, "orders", NOON, 2)
    _barrier.wait(30)
    return _tried(finish_page, read, f"by {number}", NOON, NOON)


def test_the_last_request_for_a_page_records_the_next_one(at_once):
    """
    All processes have asked for the same page before any finishes: one succeeds, the others get an error.
    """
    owners = [connection(f"name {round}").id for round in range(ROUNDS)]
    for owner in owners:
        finish_page(begin_run(owner, "orders", NOON, NOON, NOON), "two", NOON, NOON)
    results = at_once(read_page_2, owners)
    overtaken = [str(result) for result in results if result is not None]
    last = PageCursor.select().where(PageCursor.number == 3)

    assert [OVERTAKEN] * (ROUNDS * (PROCESSES - 1)) == overtaken
    assert ROUNDS == len({page.run_id for page in last}) == last.count()
    assert {PROCESSES} == {page.reads for page in PageCursor.select().where(PageCursor.number == 2)}


def run_anew(number: int, owner: int) -> None:
    read = begin_run(owner, "orders", NOON, NOON, NOON)
    forget_paging_runs(NOON - timedelta(days=1), 500)
    return finish_page(read, None, NOON, NOON)


def test_simultaneous_runs_do_not_disturb_each_other(at_once):
    """
    Every process finishes the run it has started, while old runs are deleted.
    """
    owner = connection().id
    for _ in range(20):
        begin_run(owner, "orders", EPOCH, EPOCH, EPOCH)

    assert {None} == set(at_once(run_anew, [owner] * ROUNDS))
    assert PROCESSES * ROUNDS == PagingRun.select().count()


def save(number: int, name: str) -> str:
    return save_fact_once(name, str(number))


def test_processes_that_start_at_once_agree_on_a_fact(at_once):
    """
    All processes get the value that one of them has stored.
    """
    names = [f"fact {round}" for round in range(ROUNDS)]
    answers = at_once(save, names)

    assert ROUNDS == len(set(zip(names * PROCESSES, answers, strict=True)))


def nothing(number: int, argument: None) -> None:
    pass


def test_an_empty_database_is_created_once(processes, tmp_path):
    """
    Processes that start at once on an empty database all succeed.
    """
    url = database_url(tmp_path / "fresh") or f"sqlite:///{tmp_path / 'fresh' / 'bridge.db'}"
    jobs = [processes.apply_async(_each, (url, nothing, number, [None])) for number in range(PROCESSES)]

    assert [None] * PROCESSES == [result for job in jobs for result in job.get(60)]
