"""The rate limit: unauthenticated clients are limited by address, over all processes of the service."""

from __future__ import annotations

import hashlib
import math
import mmap
import os
import threading
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import lru_cache
from ipaddress import IPv4Address, IPv6Address, IPv6Network, ip_address

from bridge.errors import TooManyRequests
from bridge.settings import Network

BUCKETS = 65536
DELAY_SECONDS = 1.0
DELAYS_AT_ONCE = 2


@dataclass(frozen=True)
class Limit:
    """A burst, and after it one event in so many seconds; `message` says what there were too many of."""

    message: str
    burst: int
    seconds: float


WRONG_SECRETS = Limit("Too many wrong client secrets come from this address", 20, 5)
UNKNOWN_TOKENS = Limit("Unknown authorization token, and too many of them come from this address", 1000, 0.1)
NEW_CONNECTIONS = Limit("Too many new integrations come from this address", 300, 10)
RECORDS = Limit("Too many calls without a token are recorded", 60, 60)
UNFINISHED_RECORDS = Limit("Too many calls of unfinished integrations are recorded", 600, 1)


class RateLimiter:
    """Counts events by address; made before the service forks, it counts for all processes.

    Memory is fixed: an address falls into one of BUCKETS buckets, by a secret salt that keeps the choice
    unpredictable. A bucket holds the time until which it is used up. Two updates at the same moment may count as one,
    which does no harm.
    """

    def __init__(
        self,
        clock: Callable[[], float] = time.monotonic,
        salt: bytes = b"",
        sleep: Callable[[float], None] = time.sleep,
    ) -> None:
        self._clock = clock
        self._sleep = sleep
        self._delayed = threading.BoundedSemaphore(DELAYS_AT_ONCE)
        self._salt = salt or os.urandom(16)
        self._lock = threading.Lock()
        self._used_until = memoryview(mmap.mmap(-1, 8 * BUCKETS)).cast("d")

    def take(self, limit: Limit, address: str) -> None:
        """Count an event of this address; raises TooManyRequests, and counts nothing, while it is over the limit."""
        bucket = self._bucket(limit, address)
        with self._lock:
            self._check(limit, bucket)
            self._used_until[bucket] = max(self._used_until[bucket], self._clock()) + limit.seconds

    def delay(self) -> None:
        """Wait a second before a client over its limit is answered; only two at once, so that threads stay free."""
        if self._delayed.acquire(blocking=False):
            try:
                self._sleep(DELAY_SECONDS)
            finally:
                self._delayed.release()

    def _check(self, limit: Limit, bucket: int) -> None:
        wait = self._used_until[bucket] - self._clock() - (limit.burst - 1) * limit.seconds
        if wait > 0:
            raise TooManyRequests(limit.message, math.ceil(wait))

    def _bucket(self, limit: Limit, address: str) -> int:
        named = f"{limit.message}\n{network_of(address)}".encode()
        return int.from_bytes(hashlib.blake2b(named, digest_size=2, key=self._salt).digest(), "big")


def network_of(address: str) -> str:
    """Return the network that counts as one address: for IPv6 the /64, which every customer has for himself."""
    ip = _ip(address)
    return str(IPv6Network((int(ip) >> 64 << 64, 64)) if isinstance(ip, IPv6Address) else ip)


def caller_address(peer: str, forwarded: str, proxies: Sequence[Network]) -> str:
    """Return the client's address: the nearest one that is not a trusted proxy.

    `forwarded` is X-Forwarded-For, in which only what trusted proxies added is believed.
    """
    hops = forwarded.split(",")
    caller = _ip(peer)
    while hops and any(caller in network for network in proxies if caller):
        nearer = _ip(hops.pop().strip())
        if nearer is None:
            break
        caller = nearer
    return str(caller or "")


def is_loopback(address: str) -> bool:
    """Return whether the address is of this machine."""
    ip = _ip(address)
    return ip is not None and ip.is_loopback


@lru_cache(maxsize=1024)
def _ip(text: str) -> IPv4Address | IPv6Address | None:
    """Return the address a text names, without scope, IPv4 where it is IPv4 mapped into IPv6; None if it is none."""
    try:
        ip = ip_address(text.partition("%")[0])
    except ValueError:
        return None
    return ip.ipv4_mapped or ip if isinstance(ip, IPv6Address) else ip
