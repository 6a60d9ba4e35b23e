"""The concurrency limit: calls that wait for shops may not take every thread of a process."""

from __future__ import annotations

import threading
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager

from bridge.errors import ChannelUnavailable


class ConcurrencyLimit:
    """Limits how many calls of this process wait for shops at once: in all, and for each connection."""

    def __init__(self, threads: int) -> None:
        """Allow all threads but an eighth, at least one, in all, and a quarter of them for one connection.

        Of those allowed in all, half may wait for a slot of their connection.
        """
        self.limit = max(1, threads - max(1, threads // 8))
        self.limit_each = max(1, threads // 4)
        self.limit_waiting = threads // 2
        self._changed = threading.Condition()
        self._inside: Counter[int] = Counter()
        self._waiting = 0

    @contextmanager
    def slot(self, connection_id: int, wait_seconds: float = 0) -> Iterator[None]:
        """Count a call while the block lasts; raises ChannelUnavailable where the limit is reached.

        Where only the connection's limit is reached, first wait these seconds for one of its other calls to end.
        """
        with self._changed:
            if self._inside.total() + self._waiting >= self.limit or not self._wait(connection_id, wait_seconds):
                raise ChannelUnavailable("Too many calls are waiting for the shop, please try again")
            self._inside[connection_id] += 1
        try:
            yield
        finally:
            with self._changed:
                self._inside[connection_id] -= 1
                if not self._inside[connection_id]:
                    del self._inside[connection_id]
                self._changed.notify_all()

    def _wait(self, connection_id: int, seconds: float) -> bool:
        """Return whether the connection has a slot, at the latest after these seconds."""

        def is_free() -> bool:
            return self._inside[connection_id] < self.limit_each

        if is_free() or not seconds or self._waiting >= self.limit_waiting:
            return is_free()
        self._waiting += 1
        try:
            return self._changed.wait_for(is_free, seconds)
        finally:
            self._waiting -= 1
