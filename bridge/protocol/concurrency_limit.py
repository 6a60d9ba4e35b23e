"""The concurrency_limit to the shops: a stalled one must not take all threads with it."""

from __future__ import annotations

import threading
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager

from bridge.errors import ChannelUnavailable


class ConcurrencyLimit:
    """Lets so many calls of this process into shops at a time, and so many of them into one connection's."""

    def __init__(self, threads: int) -> None:
        """Keep an eighth of the threads, at least one, out of all shops, and most out of any single one."""
        self.most = max(1, threads - max(1, threads // 8))
        self.most_each = max(1, threads // 4)
        self._lock = threading.Lock()
        self._inside: Counter[int] = Counter()

    @contextmanager
    def slot(self, connection_id: int) -> Iterator[None]:
        """Be inside for a while; raises ChannelUnavailable at once where there is no room."""
        with self._lock:
            if self._inside[connection_id] >= self.most_each or self._inside.total() >= self.most:
                raise ChannelUnavailable("Too many calls are waiting for the shop just now, please try again")
            self._inside[connection_id] += 1
        try:
            yield
        finally:
            with self._lock:
                self._inside[connection_id] -= 1
                if not self._inside[connection_id]:
                    del self._inside[connection_id]
