"""What a shop was asked for, cached for a while: its screens and lists are needed again and again."""

from __future__ import annotations

import json
import threading
from collections.abc import Callable, MutableMapping
from concurrent.futures import Future, wait
from typing import TypeVar

from bridge.clock import Deadline, monotonic
from bridge.errors import ChannelUnavailable

T = TypeVar("T")

_lock = threading.Lock()
_asking: dict[tuple[int, str], Future[str]] = {}
"""The questions that shops are being asked, by the cache's identity and key; an entry ends with its answer."""


def cached(
    ask: Callable[[], T],
    *,
    seconds: float,
    deadline: Deadline,
    cache: MutableMapping[str, str],
    key: str,
    clock: Callable[[], float] = monotonic,
) -> T:
    """Return the plain data that `ask` returns, from the cache if it was asked within these seconds.

    Of several callers at once one asks. The others wait for its answer or its error, and raise ChannelUnavailable
    when their deadline ends first. Errors are not cached.
    """
    known: T
    with _lock:
        asked_at, known = json.loads(cache.get(key, "[0, null]"))
        if known is not None and clock() < asked_at + seconds:
            return known
        asking = (id(cache), key)
        others = _asking.get(asking)
        if others is None:
            mine = _asking[asking] = Future()
    if others is not None:
        known = json.loads(_answer_of(others, deadline))
        return known
    try:
        found = ask()
        answer = json.dumps(found)
        cache[key] = f"[{clock()}, {answer}]"
        mine.set_result(answer)
        known = json.loads(answer)  # as the others get it
        return known
    except BaseException as error:
        mine.set_exception(error)
        raise
    finally:
        with _lock:
            del _asking[asking]


def _answer_of(others: Future[str], deadline: Deadline) -> str:
    if not wait([others], deadline.left()).done:
        raise ChannelUnavailable("The shop did not answer in time")
    return others.result()
