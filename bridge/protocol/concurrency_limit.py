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
        """Allow all threads but an eighth, at least one, in all, and a quarter of them for one connection."""
        self.limit = max(1, threads - max(1, threads // 8))
        self.limit_each = max(1, threads // 4)
        self._lock = threading.Lock()
        self._inside: Counter[int] = Counter()

    @contextmanager
    def slot(self, connection_id: int) -> Iterator[None]:
        """Count a call while the block lasts; raises ChannelUnavailable at once where the limit is reached."""
        with self._lock:
            if self._inside[connection_id] >= self.limit_each or self._inside.total() >= self.limit:
                raise ChannelUnavailable("Too many calls are waiting for the shop, please try again")
            self._inside[connection_id] += 1
        try:
            yield
        finally:
            with self._lock:
                self._inside[connection_id] -= 1
                if not self._inside[connection_id]:
                    del self._inside[connection_id]
