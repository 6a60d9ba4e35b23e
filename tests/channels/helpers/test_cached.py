"""A shop is asked once for what several screens show within a minute."""

from __future__ import annotations

import threading
from concurrent.futures import ThreadPoolExecutor

import pytest

from bridge.channels.helpers.cached import cached
from bridge.clock import Deadline
from bridge.errors import ChannelUnavailable

MINUTE = 60.0


class Shop:
    """A shop that counts how often it is asked, on a clock of its own."""

    def __init__(self) -> None:
        self.time = 1000.0
        self.cache: dict[str, str] = {}
        self.asked = 0
        self.failures: list[Exception] = []
        self.called, self.may_answer = threading.Event(), threading.Event()
        self.may_answer.set()

    def read(self, key: str = "statuses", seconds: float = 8, waiting: threading.Event | None = None) -> object:
        """Ask what may be cached; `waiting` is set when the call is about to wait for another."""

        class WatchedDeadline(Deadline):
            def left(self) -> float:
                if waiting:
                    waiting.set()
                return super().left()

        return cached(
            self._ask,
            seconds=MINUTE,
            deadline=WatchedDeadline(seconds),
            cache=self.cache,
            key=key,
            clock=lambda: self.time,
        )

    def _ask(self) -> list[int]:
        self.asked += 1
        self.called.set()
        self.may_answer.wait()
        if self.failures:
            raise self.failures.pop()
        return [self.asked]


@pytest.fixture
def shop() -> Shop:
    return Shop()


def test_an_answer_is_cached_for_its_time(shop):
    """
    Within a minute the same answer is returned, and after it the shop is asked again.
    """
    first = shop.read()
    shop.time += MINUTE - 1
    second = shop.read()
    shop.time += 1

    assert [[1], [1], [2]] == [first, second, shop.read()]


def test_each_key_has_its_own_answer(shop):
    """
    The answer to one question is not returned for another, nor for another shop.
    """
    other = Shop()

    assert [[1], [2], [1]] == [shop.read("statuses"), shop.read("countries"), other.read("statuses")]


def test_an_error_is_not_cached(shop):
    """
    After an error the next caller asks again.
    """
    shop.failures.append(ChannelUnavailable("down"))
    with pytest.raises(ChannelUnavailable, match="down"):
        shop.read()

    assert [2] == shop.read()


def test_several_callers_at_once_ask_once(shop):
    """
    All of them get the answer of the one that asks.
    """
    shop.may_answer.clear()
    with ThreadPoolExecutor(10) as pool:
        calls = [pool.submit(shop.read) for _ in range(10)]
        shop.called.wait()
        shop.may_answer.set()

        assert [[1]] * 10 == [call.result() for call in calls]


def test_who_waits_gets_the_error_too(shop):
    """
    A shop that fails is not asked by one caller after the other.
    """
    shop.failures.append(ChannelUnavailable("down"))
    shop.may_answer.clear()
    waiting = threading.Event()
    with ThreadPoolExecutor(2) as pool:
        calls = [pool.submit(shop.read)]
        shop.called.wait()
        calls.append(pool.submit(shop.read, waiting=waiting))
        waiting.wait()
        shop.may_answer.set()

        assert ["down", "down"] == [str(call.exception()) for call in calls]
    assert shop.asked == 1


def test_a_caller_waits_no_longer_than_its_deadline(shop):
    """
    A shop that does not answer another caller is an error in time.
    """
    shop.may_answer.clear()
    with ThreadPoolExecutor(1) as pool:
        first = pool.submit(shop.read)
        shop.called.wait()
        with pytest.raises(ChannelUnavailable, match="in time"):
            shop.read(seconds=0.01)
        shop.may_answer.set()

        assert [1] == first.result()
