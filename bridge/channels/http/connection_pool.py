"""The connections that a process keeps to each shop, and whether a shop may be called now."""

from __future__ import annotations

import threading
from collections import OrderedDict
from concurrent.futures import ThreadPoolExecutor
from datetime import datetime, timedelta

import requests

from bridge.channels.http.login import Login
from bridge.channels.http.response import LONGEST_WAIT
from bridge.channels.http.transport import new_session
from bridge.clock import EPOCH, is_future
from bridge.errors import ChannelUnavailable

MAX_POOLS = 64


class ConnectionPool:
    """One shop's connections, its circuit breaker, and the threads that make its parallel calls.

    All requests share these threads, so their number limits how many parallel calls the shop gets at once.
    """

    def __init__(self, public_only: bool, connections: int, at_once: int) -> None:
        self.session: requests.Session = new_session(public_only, connections)
        self.threads = ThreadPoolExecutor(at_once, thread_name_prefix="shop")
        self.cache: dict[str, str] = {}
        self.login = Login()
        self._lock = threading.Lock()
        self._rate_limited_until = EPOCH
        self._paused_until = EPOCH
        self._failures = 0
        self._last_failure = ""

    def admit(self, now: datetime, failure_limit: int, pause: float) -> None:
        """Raise ChannelUnavailable if the shop must not be called now; after a pause admit one call to test it."""
        with self._lock:
            if is_future(self._rate_limited_until, now, timedelta(seconds=LONGEST_WAIT)):
                raise ChannelUnavailable(
                    "The shop asked for fewer calls: "
                    f"the next call is possible from {self._rate_limited_until:%H:%M:%S} UTC"
                )
            if self._failures >= failure_limit:
                if is_future(self._paused_until, now):
                    raise ChannelUnavailable(
                        f"{self._last_failure}, {self._failures} times in a row: "
                        f"the next call is possible from {self._paused_until:%H:%M:%S} UTC"
                    )
                self._paused_until = now + timedelta(seconds=pause)

    def limit_rate(self, until: datetime) -> None:
        """Admit no call until this time, because the shop asked for that."""
        with self._lock:
            self._rate_limited_until = max(self._rate_limited_until, until)

    def failed(self, message: str, pause_until: datetime) -> None:
        """Count a failed call; once there are too many in a row, no call is admitted until this time."""
        with self._lock:
            self._failures += 1
            self._last_failure = message
            self._paused_until = pause_until

    def answered(self) -> None:
        """Forget earlier failures: the shop gave a proper answer, which may be a refusal."""
        with self._lock:
            self._failures = 0


class ConnectionPools:
    """The connection pools of a process; the least recently used one is dropped when there are too many."""

    def __init__(self, limit: int = MAX_POOLS) -> None:
        self._limit = limit
        self._lock = threading.Lock()
        self._pools: OrderedDict[str, ConnectionPool] = OrderedDict()

    def __len__(self) -> int:
        return len(self._pools)

    def get(self, key: str, public_only: bool, connections: int, at_once: int) -> ConnectionPool:
        """Return the pool with this key, or a new one."""
        with self._lock:
            pool = self._pools.get(key) or ConnectionPool(public_only, connections, at_once)
            self._pools[key] = pool
            self._pools.move_to_end(key)
            dropped = self._pools.popitem(last=False)[1] if len(self._pools) > self._limit else None
        if dropped:
            dropped.session.close()  # closes idle connections only: calls under way are not disturbed
        return pool
