"""Concurrency limits: calls that wait for shops, or send large bodies, may not take every thread of a process."""

from __future__ import annotations

import threading
import time
from collections import Counter
from collections.abc import Callable, Hashable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass

from bridge.errors import BridgeError, ChannelUnavailable, TooBusy


@dataclass(frozen=True)
class Rest:
    """After a call that took longer than `after` seconds its key is free again `times` as long later."""

    after: float
    times: float
    only_failed: bool = False


NO_REST = Rest(0, 0)
WIZARD_REST = Rest(after=1, times=2, only_failed=True)  # a slow shop that answers is no reason to wait
SILENT_SECONDS = 3  # a call that failed after a longer time waited for a shop that did not answer
SLOW_SECONDS, SLOW_FOR = 5, 60
"""A finished connection whose call took longer than the first counts as slow for the second, whatever it answered."""
PATIENCE_SECONDS, MOST_PATIENT = 3, 2
"""How long a call waits for another one of its connection, if those do not stand still, and how many do so beyond the
limit; one for each connection."""
PARSE_REST = Rest(after=0.01, times=3)  # parsing keeps all other threads waiting


@dataclass
class Slot:
    """A call's slot; `failed` says that the call did, without an exception too."""

    failed: bool = False


class Slots:
    """Limits how many calls of this process do something at once: in all, and for each key."""

    def __init__(
        self,
        limit: int,
        each: int,
        waiting: int,
        refusal: Callable[[], BridgeError],
        *,
        queue: bool = False,
        rest: Rest = NO_REST,
        patience: float = 0,
        several: float = 1 / 2,
    ) -> None:
        """Allow `limit` calls in all and `each` for one key, and `waiting` to wait for another call of their key.

        With `queue` they wait for calls of other keys too. `refusal` makes the error for those who may not wait. A call
        of a key of which another one began or ended within `patience` seconds waits that long. Keys get a
        second slot while less than the share `several` is taken.
        """
        self.limit, self.each, self.limit_waiting, self._refusal = limit, each, waiting, refusal
        self._queue, self._rest, self._patience, self._several = queue, rest, patience, several * limit
        self._changed = threading.Condition()
        self._inside: Counter[Hashable] = Counter()
        self._waiting = 0
        self._patient: set[Hashable] = set()
        self._resting: dict[Hashable, float] = {}
        self._moved: dict[Hashable, float] = {}  # when a call began or ended, of keys that have one inside

    @contextmanager
    def slot(self, key: Hashable, wait_seconds: float = 0) -> Iterator[Slot]:
        """Count a call while the block lasts; raises the refusal where a limit is reached, also after these seconds."""
        with self._changed:
            if (self.taken >= self.limit and not self._queue) or not self._wait(key, wait_seconds):
                raise self._refusal()
            self._inside[key] += 1
            self._moved[key] = time.monotonic()
        began, slot = time.monotonic(), Slot()
        try:
            yield slot
        except BaseException:
            slot.failed = True
            raise
        finally:
            with self._changed:
                self._inside[key] -= 1
                self._moved[key] = time.monotonic()
                if not self._inside[key]:
                    del self._inside[key], self._moved[key]
                if slot.failed or not self._rest.only_failed:
                    self._begin_rest(key, began)
                self._changed.notify_all()

    @property
    def taken(self) -> int:
        """How many calls have a slot or wait for one."""
        return self._inside.total() + self._waiting

    def _begin_rest(self, key: Hashable, began: float) -> None:
        now = time.monotonic()
        if self._rest.times and now - began > self._rest.after:
            self._resting = {other: until for other, until in self._resting.items() if until > now}
            self._resting[key] = now + self._rest.times * (now - began)

    def _wait(self, key: Hashable, seconds: float) -> bool:
        """Return whether the key has a free slot, at the latest after these seconds."""
        if not self._delay(key):
            return True
        now = time.monotonic()
        if self._waiting < self.limit_waiting and seconds:
            self._waiting += 1
            try:
                return self._wait_until(key, now + seconds)
            finally:
                self._waiting -= 1
        if self._may_be_patient(key, now):
            self._patient.add(key)
            try:
                return self._wait_until(key, now + self._patience)
            finally:
                self._patient.remove(key)
        return False

    def _may_be_patient(self, key: Hashable, now: float) -> bool:
        moves = self._inside[key] and now - self._moved[key] < self._patience
        return bool(moves) and key not in self._patient and self.taken + len(self._patient) < self.limit + MOST_PATIENT

    def _wait_until(self, key: Hashable, end: float) -> bool:
        while (delay := self._delay(key)) and (left := end - time.monotonic()) > 0:
            self._changed.wait(min(delay, left))
        return not delay

    def _delay(self, key: Hashable) -> float:
        """Return how long the key has to wait at most before it may be tried again; 0 if it has a free slot.

        Of most slots each key gets one at most, so that many busy keys leave some for others.
        """
        own, taken = self._inside[key], self._inside.total()
        if own >= self.each or taken >= self.limit or (own and taken >= self._several):
            return threading.TIMEOUT_MAX
        return max(0.0, self._resting[key] - time.monotonic()) if key in self._resting else 0.0


class ConcurrencyLimit:
    """Limits how many calls of this process wait for shops at once: in all, and for each connection.

    Connections whose wizard was never finished share a few slots, and so do those whose shop left the last call
    without an answer, and those whose shop answered slowly in the last minute; none takes one that another connection
    needs.
    """

    def __init__(self, threads: int, patience: float = 0) -> None:
        """Allow all threads but an eighth, at least one, in all, and a quarter of them for one connection.

        Of those allowed in all, half may wait for a slot of their connection. Unfinished connections get an eighth
        and those with a silent shop a quarter, one each, while that many are free; those with a slow
        shop three eighths.
        """
        few = max(1, threads // 8)
        self.finished = Slots(
            max(1, threads - few), max(1, threads // 4), threads // 2, _busy_shop, patience=patience, several=1 / 4
        )
        self.unfinished = Slots(few, 1, max(1, few // 2), _busy_shop, queue=True, rest=WIZARD_REST)
        self.silent = Slots(max(1, threads // 4), 1, few, _busy_shop, queue=True)
        self.slow = Slots(max(1, 3 * threads // 8), max(1, threads // 4), few, _busy_shop, queue=True)
        self._silent_ids: set[int] = set()
        self._slow_until: dict[int, float] = {}

    @contextmanager
    def slot(self, connection_id: int, wait_seconds: float = 0, *, finished: bool = True) -> Iterator[Slot]:
        """Count a call while the block lasts; raises ChannelUnavailable where a limit is reached.

        Where only the connection's limit is reached, it first waits these seconds for one of its other calls to end.
        """
        with self._slots(connection_id, finished).slot(connection_id, wait_seconds) as slot:
            began = time.monotonic()
            try:
                yield slot
            except BaseException:
                slot.failed = True
                raise
            finally:
                self._learn(connection_id, time.monotonic() - began, slot.failed)

    def _learn(self, connection_id: int, seconds: float, failed: bool) -> None:
        if failed and seconds > SILENT_SECONDS:
            self._silent_ids.add(connection_id)
        elif not failed:  # one that failed at once, such as after several failures in a row, says nothing
            self._silent_ids.discard(connection_id)
        if seconds > SLOW_SECONDS:
            now = time.monotonic()
            slow = {other: until for other, until in self._slow_until.items() if until > now}
            self._slow_until = {**slow, connection_id: now + SLOW_FOR}

    def _slots(self, connection_id: int, finished: bool) -> Slots:
        if not finished:
            slots = self.unfinished
        elif connection_id in self._silent_ids:
            slots = self.silent
        elif time.monotonic() < self._slow_until.get(connection_id, 0):
            slots = self.slow
        else:
            return self.finished
        if self.finished.taken > max(0, self.finished.limit - slots.limit):
            raise _busy_shop()
        return slots


class LargeBodies:
    """Limits how many large bodies this process holds and parses at once."""

    def __init__(self, threads: int) -> None:
        """Allow few for connections, fewer for clients without a known token, and one to be parsed."""
        few = max(1, min(6, threads // 3))
        self.known = Slots(few, max(1, few // 2), few, _busy_bridge, queue=True)
        self.unknown = Slots(max(1, few // 3), max(1, few // 3), 1, _busy_bridge, queue=True)
        self.parse = Slots(1, 1, threads, _busy_bridge, queue=True, rest=PARSE_REST)


def _busy_shop() -> BridgeError:
    return ChannelUnavailable("Too many calls are waiting for the shop, please try again")


def _busy_bridge() -> BridgeError:
    return TooBusy()
