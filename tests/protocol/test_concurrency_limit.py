"""A stalled shop takes some of the threads, never all of them, and an unfinished integration few of those."""

from __future__ import annotations

from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, nullcontext, suppress

import pytest

from bridge.errors import ChannelUnavailable
from bridge.protocol.concurrency_limit import ConcurrencyLimit


def test_one_connection_gets_a_quarter_of_the_threads():
    """
    Further calls of that integration are refused at once; other integrations are served.
    """
    concurrency_limit = ConcurrencyLimit(16)
    with ExitStack() as inside:
        for _ in range(4):
            inside.enter_context(concurrency_limit.slot(1))
        with pytest.raises(ChannelUnavailable, match="please try again"):
            inside.enter_context(concurrency_limit.slot(1))
        inside.enter_context(concurrency_limit.slot(2))


def test_all_connections_together_leave_some_threads():
    """
    An eighth of the threads is reserved for calls that need no shop.
    """
    concurrency_limit = ConcurrencyLimit(16)
    with ExitStack() as inside:
        for connection_id in range(14):
            inside.enter_context(concurrency_limit.slot(connection_id))
        with pytest.raises(ChannelUnavailable):
            inside.enter_context(concurrency_limit.slot(14))


def test_a_finished_call_frees_its_slot():
    """
    The slot is free again after the call, also if it failed.
    """
    concurrency_limit = ConcurrencyLimit(1)
    for _ in range(3):
        with pytest.raises(ZeroDivisionError), concurrency_limit.slot(1):
            raise ZeroDivisionError
    with concurrency_limit.slot(1), pytest.raises(ChannelUnavailable), concurrency_limit.slot(2):
        pass


def test_a_call_may_wait_for_a_slot_of_its_connection():
    """
    It goes on as soon as another call of the connection ends, and is refused if none does.
    """
    concurrency_limit = ConcurrencyLimit(8)
    with ExitStack() as inside, ThreadPoolExecutor(1) as pool:
        first = inside.enter_context(ExitStack())
        first.enter_context(concurrency_limit.slot(1))
        inside.enter_context(concurrency_limit.slot(1))
        with pytest.raises(ChannelUnavailable):
            inside.enter_context(concurrency_limit.slot(1, wait_seconds=0.01))
        waiting = pool.submit(inside.enter_context, concurrency_limit.slot(1, wait_seconds=8))
        while not concurrency_limit.finished._waiting:
            pass
        first.close()

        assert waiting.result()


def test_calls_that_wait_leave_some_threads():
    """
    At most half of the threads wait, and calls that wait count among all that are allowed.
    """
    concurrency_limit = ConcurrencyLimit(8)
    with ThreadPoolExecutor(4) as pool, ExitStack() as inside:
        for _ in range(2):
            inside.enter_context(concurrency_limit.slot(1))
        waiting = [pool.submit(lambda: concurrency_limit.slot(1, wait_seconds=8).__enter__()) for _ in range(4)]
        while concurrency_limit.finished._waiting < 4:
            pass
        with pytest.raises(ChannelUnavailable):
            inside.enter_context(concurrency_limit.slot(1, wait_seconds=8))
        inside.enter_context(concurrency_limit.slot(2))
        with pytest.raises(ChannelUnavailable):
            inside.enter_context(concurrency_limit.slot(3))
        concurrency_limit.finished.each = concurrency_limit.finished._several = 8
        with concurrency_limit.finished._changed:
            concurrency_limit.finished._changed.notify_all()

        assert all(call.result() for call in waiting)


@pytest.mark.parametrize(("fails", "refused"), [(True, True), (False, False)])
def test_a_slow_answer_of_a_shop_costs_its_wizard_nothing(monkeypatch, fails, refused):
    """
    An unfinished integration waits after a call that the shop left unanswered, not after one that took long.
    """
    clock = [1000.0]
    monkeypatch.setattr("bridge.protocol.concurrency_limit.time.monotonic", lambda: clock[0])
    limit = ConcurrencyLimit(16)
    with suppress(TimeoutError), limit.slot(1, finished=False):
        clock[0] += 5
        if fails:
            raise TimeoutError

    with pytest.raises(ChannelUnavailable) if refused else nullcontext(), limit.slot(1, finished=False):
        pass


# -- unfinished integrations -------------------------------------------------------------------------------


def test_unfinished_integrations_share_a_few_slots():
    """
    They have one each of an eighth of the threads, whatever number of them there is.
    """
    limit = ConcurrencyLimit(16)
    with ExitStack() as inside:
        inside.enter_context(limit.slot(1, finished=False))
        with pytest.raises(ChannelUnavailable):
            inside.enter_context(limit.slot(1, finished=False))
        inside.enter_context(limit.slot(2, finished=False))
        for number in range(3, 50):
            with pytest.raises(ChannelUnavailable):
                inside.enter_context(limit.slot(number, finished=False))


def test_a_finished_integration_never_notices_them():
    """
    Every slot that there is without them is there beside them; while few are left they get none.
    """
    limit = ConcurrencyLimit(16)
    with ExitStack() as inside:
        for number in (1, 2):
            inside.enter_context(limit.slot(number, finished=False))
        for number in range(14):
            inside.enter_context(limit.slot(number))
    with ExitStack() as inside:
        for number in range(13):
            inside.enter_context(limit.slot(number))
        with pytest.raises(ChannelUnavailable):
            inside.enter_context(limit.slot(1, finished=False))
        inside.enter_context(limit.slot(13))


@pytest.fixture
def moments(monkeypatch) -> list[float]:
    """Return the clock of the limits, which a test sets."""
    clock = [1000.0]
    monkeypatch.setattr("bridge.protocol.concurrency_limit.time.monotonic", lambda: clock[0])
    return clock


@pytest.mark.parametrize(("seconds", "rest"), [(0.5, 0), (3, 6), (8, 16)])
def test_an_unfinished_integration_with_a_slow_shop_is_slower_to_begin_again(moments, seconds, rest):
    """
    After a failed call of more than a second it waits twice as long; others need not, nor does a finished one.
    """
    limit = ConcurrencyLimit(16)
    with suppress(TimeoutError), limit.slot(1, finished=False), limit.slot(2):
        moments[0] += seconds
        raise TimeoutError
    with limit.slot(2), limit.slot(3, finished=False):
        pass
    if rest:
        moments[0] += rest - 0.1
        with pytest.raises(ChannelUnavailable), limit.slot(1, finished=False):
            pass
        moments[0] += 0.2
    with limit.slot(1, finished=False):
        pass


def test_a_screen_with_an_error_counts_as_failed(moments):
    """
    The wizard answers with the same screen where a shop did not answer, and raises nothing.
    """
    limit = ConcurrencyLimit(16)
    with limit.slot(1, finished=False) as slot:
        moments[0] += 8
        slot.failed = True

    with pytest.raises(ChannelUnavailable), limit.slot(1, finished=False):
        pass


def test_a_screen_of_the_wizard_waits_for_another_one_s_slot():
    """
    It goes on as soon as a call of another unfinished integration ends.
    """
    limit = ConcurrencyLimit(8)
    with ExitStack() as inside, ThreadPoolExecutor(1) as pool:
        first = inside.enter_context(ExitStack())
        first.enter_context(limit.slot(1, finished=False))
        waiting = pool.submit(inside.enter_context, limit.slot(2, 8, finished=False))
        while not limit.unfinished._waiting:
            pass
        first.close()

        assert waiting.result()


# -- fairness between finished integrations ----------------------------------------------------------------


def test_many_busy_integrations_leave_a_slot_for_another():
    """
    Thirteen that send all they can get one each of sixteen threads, and a fourteenth gets one too.
    """
    limit = ConcurrencyLimit(16)
    with ExitStack() as inside:
        for number in range(10):
            for _ in range(4):
                with suppress(ChannelUnavailable):
                    inside.enter_context(limit.slot(number))
        inside.enter_context(limit.slot(10))
    taken = Counter()
    with ExitStack() as inside:
        for number in [*range(13)] * 4:
            with suppress(ChannelUnavailable):
                inside.enter_context(limit.slot(number))
                taken[number] += 1
        inside.enter_context(limit.slot(13))

    assert {1} == set(taken.values())


def test_integrations_with_a_silent_shop_share_a_few_slots(moments):
    """
    From a call that the shop left without an answer to the next success they leave the others three quarters.
    """
    limit = ConcurrencyLimit(16)
    for number in range(14):
        with suppress(TimeoutError), limit.slot(number):
            moments[0] += 8
            raise TimeoutError
    with ExitStack() as inside:
        for number in range(4):
            inside.enter_context(limit.slot(number))
        for number in range(4, 14):
            with pytest.raises(ChannelUnavailable):
                inside.enter_context(limit.slot(number))
        for number in range(20, 34):
            inside.enter_context(limit.slot(number))
    with limit.slot(0):
        pass

    with limit.slot(0), limit.slot(0):
        pass


def test_integrations_with_a_slow_shop_share_a_few_slots(moments):
    """
    For a minute after a slow answer they have three eighths of the threads, and leave the others the rest.
    """
    limit = ConcurrencyLimit(16)
    for number in range(14):
        with limit.slot(number):
            moments[0] += 6
    with limit.slot(13):
        pass
    moments[0] += 1
    with ExitStack() as inside:
        for number in (10, 10, 10, 11, 12, 13):
            inside.enter_context(limit.slot(number))
        for number in range(6, 14):
            with pytest.raises(ChannelUnavailable):
                inside.enter_context(limit.slot(number))
        for number in range(20, 34):
            inside.enter_context(limit.slot(number))
    moments[0] += 60
    with ExitStack() as inside:
        for _ in range(4):
            inside.enter_context(limit.slot(13))


def test_a_silent_shop_stays_silent_until_a_success(moments):
    """
    A call that fails at once, such as after several failures in a row, does not give it the slots of others again.
    """
    limit = ConcurrencyLimit(16)
    for seconds in (8, 0):
        with suppress(TimeoutError), limit.slot(1):
            moments[0] += seconds
            raise TimeoutError
    with limit.slot(1), pytest.raises(ChannelUnavailable), limit.slot(1):
        pass
    with limit.slot(1):
        pass
    with limit.slot(1), limit.slot(1):
        pass


def test_a_call_waits_for_its_connection_s_own_quick_ones():
    """
    Where others keep most slots, a second call of a connection waits for the first, and is not refused.
    """
    limit = ConcurrencyLimit(16, patience=8)
    with ExitStack() as inside, ThreadPoolExecutor(1) as pool:
        for number in (1, 1, 1, 1, 2):
            inside.enter_context(limit.slot(number))
        first = inside.enter_context(ExitStack())
        first.enter_context(limit.slot(3))
        waiting = pool.submit(inside.enter_context, limit.slot(3))
        while not limit.finished._patient:
            pass
        first.close()

        assert waiting.result()


def test_calls_do_not_wait_for_a_connection_that_stands_still(moments):
    """
    Those of a shop that does not answer keep no threads waiting.
    """
    limit = ConcurrencyLimit(4, patience=1)
    with limit.slot(1):
        moments[0] += 2
        with pytest.raises(ChannelUnavailable), limit.slot(1):
            pass
