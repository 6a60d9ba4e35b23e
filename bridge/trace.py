"""What one request, or one job of the worker, did on its way: its id, its calls to the shop, and what it pushed."""

from __future__ import annotations

import random
import threading
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

MOST_SHOP_CALLS = 100
"""How many calls to the shop are kept one by one; the others are only counted."""

LONGEST_PATH = 300  # characters; a redirect of a shop may have any length


def new_request_id() -> str:
    """Return the id of a request; no secret, only another than others."""
    return f"{random.getrandbits(48):012x}"


@dataclass(slots=True)
class ShopCall:
    """One call to a shop: where it went, without a query, and its status, None while there is no answer."""

    method: str
    path: str
    status: int | None = None
    ms: int | None = None
    failure: str = ""
    began: float = field(default_factory=time.monotonic)

    def end(self) -> None:
        """Record how long the call took."""
        self.ms = round(1000 * (time.monotonic() - self.began))


@dataclass(slots=True)
class Push:
    """Values that were pushed without being asked for in the same request: those that are settled, with their errors.

    `postponed` counts the others, which wait on for the `reason` of the first.
    """

    kind: str
    skus: Sequence[str]
    values: Sequence[Any]
    errors: Sequence[str | None]
    postponed: int = 0
    reason: str = ""


@dataclass(slots=True)
class Trace:
    """Collects what a request or a job does, from several threads."""

    request: str = field(default_factory=new_request_id)
    shop_calls: list[ShopCall] = field(default_factory=list)
    calls_counted: int = 0
    pushes: list[Push] = field(default_factory=list)
    held: Mapping[str, tuple[str, str]] = field(default_factory=dict)
    """The orders that an answer leaves out: the number that the customer sees, and the reason, by reference."""
    _counting: threading.Lock = field(default_factory=threading.Lock)

    def begin_call(self, method: str, path: str) -> ShopCall:
        """Count a call to the shop, and return its record; `end` it."""
        call = ShopCall(method, path[:LONGEST_PATH])
        with self._counting:
            self.calls_counted += 1
            if len(self.shop_calls) < MOST_SHOP_CALLS:
                self.shop_calls.append(call)
        return call
