"""The memory that shops' long answers may take together, shared among those that are being read."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager

from bridge.channels.http.failures import TooLong

ALWAYS = 1_000_000  # bytes that every answer may have
TOGETHER = 32_000_000  # bytes of all longer answers of a process

_lock = threading.Lock()
_long_answers = 0


@contextmanager
def counted() -> Iterator[Callable[[int], None]]:
    """Yield what is told how many bytes an answer takes so far; it raises TooLong for more than the answer's share.

    Every answer may take a megabyte, and the longer ones share the rest evenly: where there are many of them, the
    longest are refused, not those of other shops.
    """
    is_long = False

    def take(size: int) -> None:
        nonlocal is_long
        global _long_answers
        if size <= ALWAYS:
            return
        with _lock:
            _long_answers += not is_long
            is_long = True
            if size > max(ALWAYS, TOGETHER // _long_answers):
                raise TooLong

    try:
        yield take
    finally:
        if is_long:
            _end()


def _end() -> None:
    global _long_answers
    with _lock:
        _long_answers -= 1
