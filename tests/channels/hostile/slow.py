"""A server that takes its time for each row, on a clock of its own, so that no test waits."""

from __future__ import annotations

import json
import threading
from collections.abc import Callable, Sequence
from typing import Any

from bridge.channels.base import Channel
from bridge.clock import Deadline
from bridge.protocol.schemas.products import StockLevel
from tests.channels.hostile.server import HostileServer

BUDGET = 8.0

Count = Callable[[str, str, Any, Any], int]
"""Returns the rows that a call is about, of its method, path, body and answer."""


class SlowShop:
    """Makes a shop's server take so many seconds a row, one call after the other; late answers are not sent."""

    def __init__(self, server: HostileServer, seconds_each: float, count: Count) -> None:
        self.seconds_each = seconds_each
        self.rows = 0
        self.deadline = Deadline(BUDGET)
        self._count = count
        self._time = 0.0
        self._lock = threading.Lock()
        self._serve = server.served
        server.served = self._served  # type: ignore[method-assign]

    def request(self) -> Deadline:
        """Begin a request of Linnworks; return its budget."""
        self.deadline = Deadline(BUDGET, clock=lambda: self._time)
        return self.deadline

    def _served(self, handler: Any, body: bytes) -> bytes:
        raw = self._serve(handler, body)
        with self._lock:
            answer = json.loads(raw.partition(b"\r\n\r\n")[2])
            rows = self._count(handler.command, handler.path, json.loads(body or b"null"), answer)
            self.rows += rows
            takes, left = rows * self.seconds_each, self.deadline.left()
            self._time += min(takes, left)
            if takes <= left:
                return raw
        handler.close_connection = True
        return b""


def push_until_set(slow: SlowShop, open_channel: Callable[[], Channel], levels: Sequence[StockLevel]) -> None:
    """Push levels until all are set: every push makes progress within the budget, and little is done twice."""
    left, pushes = levels, 0
    while left:
        outcomes = open_channel().set_stock(left)
        undone = [level for level, outcome in zip(left, outcomes, strict=True) if outcome]
        pushes += 1

        assert len(undone) < len(left) or pushes == 1
        assert slow.deadline.spent() <= BUDGET

        left = undone

    assert slow.rows <= 2 * len(levels)
    assert pushes <= 2 + len(levels) * slow.seconds_each / (BUDGET / 2)
