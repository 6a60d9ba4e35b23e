"""The rate limit: unauthenticated callers are limited by address, over all processes of the service."""

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
DELAYED_AT_ONCE = 2


@dataclass(frozen=True)
class Limit:
    """So many at once, and after that one in so many seconds; `words` say what there were too many of."""

    words: str
    at_once: int
    seconds: float


WRONG_SECRETS = Limit("Too many wrong client secrets come from this address", 20, 5)
UNKNOWN_TOKENS = Limit("Unknown authorization token, and too many of them come from this address", 1000, 0.1)
NEW_CONNECTIONS = Limit("Too many new integrations come from this address", 300, 10)


class RateLimiter:
    """Counts by address; made before the processes of the service are forked, it counts for all of them.

    What is kept has a fixed size: each address falls into one of so many buckets, which of them nobody outside can
    know. A bucket holds until when it is used up; one that is used up is not filled further. An update that two
    processes make at the same moment may count once, which does no harm.
    """

    def __init__(
        self,
        clock: Callable[[], float] = time.monotonic,
        salt: bytes = b"",
        sleep: Callable[[float], None] = time.sleep,
    ) -> None:
        self._clock = clock
        self._sleep = sleep
        self._delayed = threading.BoundedSemaphore(DELAYED_AT_ONCE)
        self._salt = salt or os.urandom(16)
        self._lock = threading.Lock()
        self._used_until = memoryview(mmap.mmap(-1, 8 * BUCKETS)).cast("d")

    def check(self, limit: Limit, address: str) -> None:
        """Raise TooManyRequests while this address has used up its share."""
        self._check(limit, self._bucket(limit, address))

    def take(self, limit: Limit, address: str) -> None:
        """Count one from this address; raises TooManyRequests where it has used up its share, and then counts none."""
        bucket = self._bucket(limit, address)
        with self._lock:
            self._check(limit, bucket)
            self._used_until[bucket] = max(self._used_until[bucket], self._clock()) + limit.seconds

    def delay(self) -> None:
        """Let whoever comes too often wait a second; a few at a time in each process, or they hold its threads."""
        if self._delayed.acquire(blocking=False):
            try:
                self._sleep(DELAY_SECONDS)
            finally:
                self._delayed.release()

    def _check(self, limit: Limit, bucket: int) -> None:
        wait = self._used_until[bucket] - self._clock() - (limit.at_once - 1) * limit.seconds
        if wait > 0:
            raise TooManyRequests(limit.words, math.ceil(wait))

    def _bucket(self, limit: Limit, address: str) -> int:
        named = f"{limit.words}\n{network_of(address)}".encode()
        return int.from_bytes(hashlib.blake2b(named, digest_size=2, key=self._salt).digest(), "big")


def network_of(address: str) -> str:
    """What counts as one address: of IPv6 a /64, which any customer has all of."""
    ip = _ip(address)
    return str(IPv6Network((int(ip) >> 64 << 64, 64)) if isinstance(ip, IPv6Address) else ip)


def caller_address(peer: str, forwarded: str, proxies: Sequence[Network]) -> str:
    """Where a call comes from: the nearest address that is no proxy of ours.

    `forwarded` is X-Forwarded-For, of which only what proxies of ours added is believed.
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
    """Whether whoever calls from there is on this machine."""
    ip = _ip(address)
    return ip is not None and ip.is_loopback


@lru_cache(maxsize=1024)
def _ip(text: str) -> IPv4Address | IPv6Address | None:
    """The address that a text names, without its scope, and as IPv4 where it is that in IPv6 clothes."""
    try:
        ip = ip_address(text.partition("%")[0])
    except ValueError:
        return None
    return ip.ipv4_mapped or ip if isinstance(ip, IPv6Address) else ip
