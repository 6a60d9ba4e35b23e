"""ConnectionPools to shops: what a process keeps of each, and whether it may be called just now."""

from __future__ import annotations

import threading
from collections import OrderedDict
from concurrent.futures import ThreadPoolExecutor
from datetime import datetime, timedelta

import requests

from bridge.channels.http.response import LONGEST_WAIT
from bridge.channels.http.transport import new_session
from bridge.clock import EPOCH, is_future
from bridge.errors import ChannelUnavailable

KEPT = 64


class ConnectionPool:
    """One shop's kept connections, how it fared lately, and the few threads that batches of calls are done in.

    They are as many as the shop is to bear at once, over all requests, so that none is flooded or takes all.
    """

    def __init__(self, public_only: bool, connections: int, at_once: int) -> None:
        self.session: requests.Session = new_session(public_only, connections)
        self.threads = ThreadPoolExecutor(at_once, thread_name_prefix="shop")
        self.cache: dict[str, str] = {}
        self._lock = threading.Lock()
        self._asked_to_wait_until = EPOCH
        self._left_alone_until = EPOCH
        self._failures = 0
        self._last_words = ""

    def admit(self, now: datetime, failures: int, rest: float) -> None:
        """Raise ChannelUnavailable while the shop is to be left in peace; after that one call tries it out."""
        with self._lock:
            if is_future(self._asked_to_wait_until, now, timedelta(seconds=LONGEST_WAIT)):
                raise ChannelUnavailable(
                    "The shop asked to be called less often: "
                    f"it is called again from {self._asked_to_wait_until:%H:%M:%S} UTC on"
                )
            if self._failures >= failures:
                if is_future(self._left_alone_until, now):
                    raise ChannelUnavailable(
                        f"{self._last_words}, {self._failures} times in a row: "
                        f"it is called again from {self._left_alone_until:%H:%M:%S} UTC on"
                    )
                self._left_alone_until = now + timedelta(seconds=rest)

    def wait_until(self, moment: datetime) -> None:
        """The shop asked for quiet until this moment."""
        with self._lock:
            self._asked_to_wait_until = max(self._asked_to_wait_until, moment)

    def failed(self, words: str, until: datetime) -> None:
        """A call came to nothing; if that happens often, the shop is left alone until this moment."""
        with self._lock:
            self._failures += 1
            self._last_words = words
            self._left_alone_until = until

    def answered(self) -> None:
        """The shop is well: it answered something sensible, be it a refusal."""
        with self._lock:
            self._failures = 0


class ConnectionPools:
    """The lines of a process, the least used of which are given up."""

    def __init__(self, kept: int = KEPT) -> None:
        self._kept = kept
        self._lock = threading.Lock()
        self._lines: OrderedDict[str, ConnectionPool] = OrderedDict()

    def __len__(self) -> int:
        return len(self._lines)

    def line(self, key: str, public_only: bool, connections: int, at_once: int) -> ConnectionPool:
        """The line that is kept under this key, or a new one."""
        with self._lock:
            line = self._lines.get(key) or ConnectionPool(public_only, connections, at_once)
            self._lines[key] = line
            self._lines.move_to_end(key)
            given_up = self._lines.popitem(last=False)[1] if len(self._lines) > self._kept else None
        if given_up:
            given_up.session.close()  # whoever still calls over it is not disturbed: only idle connections end
        return line
