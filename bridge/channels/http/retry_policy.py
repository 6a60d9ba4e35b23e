"""How often a shop is called again after a failure, and when it is not called at all."""

from __future__ import annotations

import random
import time
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime

from bridge import clock


@dataclass(frozen=True)
class RetryPolicy:
    """The limits for calls to one shop, with the clock and the randomness that tests replace."""

    retries: int = 2
    backoff: float = 0.2
    """Seconds before the first retry, on average; each further retry waits twice as long."""
    failure_limit: int = 5
    """After this many failures in a row the shop is not called for `pause` seconds; then one call tests it."""
    pause: float = 30.0
    fair_timeout: float = 1.0
    """A timeout counts as a failure of the shop only if the call had at least this many seconds."""
    max_answer_bytes: int = 16_000_000
    """Less where the request allows less."""
    now: Callable[[], datetime] = clock.now
    sleep: Callable[[float], None] = time.sleep
    random: Callable[[], float] = random.random

    def delay(self, attempt: int) -> float:
        """Return the seconds to wait after attempt 0, 1, ..., with jitter."""
        return float(self.backoff * 2**attempt * (0.5 + self.random()))


DEFAULT_POLICY = RetryPolicy()
