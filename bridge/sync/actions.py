"""The ledger of order actions: every despatch, cancel and refund is done once, however often it is asked for."""

from __future__ import annotations

import hashlib
import json
import logging
import threading
from collections.abc import Callable, Collection, Iterator, Sequence
from contextlib import contextmanager
from datetime import datetime, timedelta
from typing import Any

from bridge import clock
from bridge.channels.base import Channel, OrderState
from bridge.clock import now
from bridge.errors import ChannelRefused, ChannelUnavailable, OutcomeUnknown, in_words
from bridge.lazy import lazy_property
from bridge.store.actions import (
    DONE,
    FAILED,
    PLANNED,
    UNKNOWN,
    Action,
    actions_of_order,
    finish_action,
    lease_order,
    plan_action,
    record_answers,
    release_order,
)
from bridge.store.connections import Connection
from bridge.sync import retry
from bridge.sync.keys import shop_key

log = logging.getLogger(__name__)

LEAST_SECONDS = 3
"""With less left, an order whose lease had to be waited for is not worked on."""
MOST_REMEMBERED = 10_000
"""Of how many actions a process remembers when it sent them, or told Linnworks of them."""
KEY_VERSION = 1
"""Part of every key: a change of what keys are made of must not make one that the shop knows for something else."""


def perform_once(
    connection: Connection,
    channel: Channel,
    kind: str,
    reference: str,
    identity: Any,
    content: Any,
    send: Callable[[str], str],
) -> str:
    """Do an action by `send(key)` and return its result, or the recorded result of an equal one done just before.

    An equal `identity` within BRIDGE_REPEAT_SECONDS after it was last answered in time is a repeat; later it is a new
    action. Raises what the channel raises, ChannelRefused if the shop does not have the order, and ChannelUnavailable
    while it is not known what became of an earlier action of the order.
    """
    with open_order(connection, channel, reference) as order:
        order.resolve_unknown()
        action = order.repeated(kind, identity, content) or order.perform(kind, identity, content, send)
        answer(channel, [(action, order.state.as_of)])
        return str(action.result)


def answer(channel: Channel, told: Sequence[tuple[Action, datetime | None]]) -> None:
    """Record that Linnworks is told that actions are done, if it is told in time; each with the shop's time."""
    if told and channel.deadline.left():
        record_answers(told, now())
        for action, _ in told:
            _answered.start(action)


def resolve_unknown(action: Action, connection: Connection, channel: Channel) -> str:
    """Ask the shop for the result of an action with an unknown outcome, record it, and return the action's new state.

    Raises what the channel raises, and ChannelUnavailable while a request, or the shop, may be working on it.
    """
    with open_order(connection, channel, action.reference) as order:
        order.resolve_unknown(action.id)
        return next((one.state for one in order.actions if one.id == action.id), FAILED)


class OrderActions:
    """The actions of one order in the shop that its connection leads to now; only while its lease is held."""

    def __init__(self, connection: Connection, channel: Channel, reference: str) -> None:
        self.connection = connection
        self.channel = channel
        self.reference = reference
        actions = actions_of_order(connection.id, reference)
        self.actions = [action for action in actions if action.generation == connection.generation]

    @lazy_property
    def state(self) -> OrderState:
        """What the shop knows of the order; raises ChannelRefused if it does not have it."""
        state = self.channel.order_state(self.reference)
        if state is None:
            raise ChannelRefused(f"The shop has no order {self.reference}")
        return state

    def done(self, kind: str) -> list[Action]:
        """Return the actions of a kind that are done, oldest first."""
        return [action for action in self.actions if action.kind == kind and action.state == DONE]

    # -- what became of earlier ones -------------------------------------------------------------------

    def resolve_unknown(self, number: int | None = None) -> None:
        """Ask the shop what became of the actions with an unknown outcome, or of the one with this number.

        Raises ChannelUnavailable while the shop may still be working on one.
        """
        for action in self.actions:
            if action.state in (PLANNED, UNKNOWN) and number in (None, action.id):
                self._resolve(action, by_operator=number is not None)

    def _resolve(self, action: Action, *, by_operator: bool) -> None:
        try:
            shop_time = self.state.as_of
            result = self.channel.find_result(action.kind, self.reference, action.key)
            if result is None and not (
                self.channel.is_settled(action.kind, self.reference, action.key)
                or self._is_settled(action, shop_time, by_operator)
            ):
                raise ChannelUnavailable(f"It is not known yet whether the shop has done this {action.kind}")
        except Exception as error:
            finish_action(action, UNKNOWN, error=in_words(error), now=now())
            raise
        if result is None:
            finish_action(action, FAILED, error="The shop has not done it", now=now())
        else:
            finish_action(action, DONE, result=result, now=now())
        _elapsed.forget(action)

    def _is_settled(self, action: Action, shop_time: datetime | None, by_operator: bool) -> bool:
        """Return whether the shop cannot be working on an action any more.

        Time is what passed in this process since it first knew of it, or what passed by the shop's own clock: this
        machine's clock may jump. An operator, whose command is a process of its own, knows the time.
        """
        settles = self.channel.settings.action_settles_seconds
        if _elapsed.seconds(action) >= settles:
            return True
        longest = timedelta(seconds=settles + self.channel.settings.budget_seconds + retry.GRACE_SECONDS)
        if action.planned_at_shop and shop_time and shop_time - action.planned_at_shop > longest:
            return True
        return by_operator and now() - action.planned_at > longest

    # -- what is done now ------------------------------------------------------------------------------

    def repeated(self, kind: str, identity: Any, content: Any) -> Action | None:
        """Return the action of this identity that is repeated, None if a new one is wanted.

        What the shop has done and our record does not know, after a restore, is recorded.
        """
        digest = _digest(kind, identity)
        repeats_for = timedelta(seconds=self.channel.settings.repeat_seconds)
        known = {action.key: action for action in self.state.actions_of(kind)}
        equal = [action for action in self.done(kind) if action.digest == digest]
        occurrence = max((action.occurrence for action in equal), default=0) + 1
        while (in_shop := known.get(self._key(kind, digest, occurrence))) is not None:
            result = self.channel.find_result(kind, self.reference, in_shop.key)
            if result is None:
                break  # begun and not completed: it is gone on with
            action = self._plan(kind, digest, occurrence, content)
            finish_action(action, DONE, result=result, now=now())
            if in_shop.at:
                record_answers([(action, in_shop.at)], in_shop.at)
            equal.append(action)
            occurrence += 1
        last = equal[-1] if equal else None
        if last is None or (last.answered_at and self._since_answer(last) >= repeats_for):
            return None
        log.info("A %s of order %s is taken for a repeat of action %d", kind, self.reference, last.id)
        return last

    def _since_answer(self, action: Action) -> timedelta:
        """Return how long ago Linnworks was last told of an action.

        By what passed in this process since it did so, else by the shop's clock, else by ours; if that was set back,
        since this process first met the action.
        """
        known, told, shop_time = _answered.since(action), action.answered_at_shop, self.state.as_of
        if known is not None:
            return timedelta(seconds=known)
        if told is not None and shop_time is not None and shop_time >= told:
            found: timedelta = shop_time - told
            return found
        found = now() - action.answered_at
        return max(found, timedelta(seconds=_elapsed.seconds(action)))

    def perform(
        self, kind: str, identity: Any, content: Any, send: Callable[[str], str], taken: Collection[str] = ()
    ) -> Action:
        """Do a new action by `send(key)`, not one of the keys `taken`, and return it.

        On an error its outcome is recorded.
        """
        digest = _digest(kind, identity)
        done = {action.key for action in self.done(kind)}
        occurrence = 1
        while self._key(kind, digest, occurrence) in done.union(taken):
            occurrence += 1
        return self._send(self._plan(kind, digest, occurrence, content), send)

    def resume(self, action: Action, send: Callable[[str], str]) -> Action:
        """Do an action that the shop has begun and not completed."""
        return self._send(self._plan(action.kind, action.digest, action.occurrence, action.content), send)

    def _plan(self, kind: str, digest: str, occurrence: int, content: Any) -> Action:
        action = plan_action(
            self.connection,
            kind,
            self.reference,
            digest=digest,
            occurrence=occurrence,
            key=self._key(kind, digest, occurrence),
            content=content,
            request=self.channel.deadline.trace.request,
            now=now(),
            shop_time=self.state.as_of,
        )
        self.actions = [one for one in self.actions if one.id != action.id] + [action]
        return action

    def _send(self, action: Action, send: Callable[[str], str]) -> Action:
        try:
            result = send(action.key)
        except Exception as error:
            not_done = isinstance(error, (ChannelRefused, ChannelUnavailable)) and not isinstance(error, OutcomeUnknown)
            finish_action(action, FAILED if not_done else UNKNOWN, error=in_words(error), now=now())
            _elapsed.start(action)
            raise
        finish_action(action, DONE, result=result, now=now())
        return action

    def _key(self, kind: str, digest: str, occurrence: int) -> str:
        """Return the key by which the shop recognises an action; a restored database makes the same one again."""
        whose = self.connection.uid, self.connection.generation
        return shop_key(KEY_VERSION, *whose, self.reference, kind, digest, occurrence)


@contextmanager
def open_order(connection: Connection, channel: Channel, reference: str) -> Iterator[OrderActions]:
    """Hold an order's lease and give its actions; raises ChannelUnavailable if another request holds it too long."""
    for _ in retry.polls(channel.deadline, LEAST_SECONDS):
        with _HELD_HERE.holding((connection.id, reference)) as first:
            lease = None
            if first:
                until = retry.lease_end(channel.deadline)
                lease = lease_order(connection.id, reference, now=now(), until=until)
            if lease is not None:
                try:
                    yield OrderActions(connection, channel, reference)
                finally:
                    release_order(lease, now())
                return
    raise ChannelUnavailable(f"Another action of order {reference} is under way")


class _Held:
    """Orders held in this process: a lease alone ends early where the clock jumps ahead."""

    def __init__(self) -> None:
        self._orders: set[tuple[int, str]] = set()
        self._changing = threading.Lock()

    @contextmanager
    def holding(self, order: tuple[int, str]) -> Iterator[bool]:
        """Hold an order during the block if no other thread does; give whether that is so."""
        with self._changing:
            first = order not in self._orders
            self._orders.add(order)
        try:
            yield first
        finally:
            if first:
                with self._changing:
                    self._orders.discard(order)


def _forget_oldest(remembered: dict[Any, Any]) -> None:
    """Forget the oldest tenth of more than MOST_REMEMBERED; the shop's clock and ours tell how long ago they were."""
    if len(remembered) > MOST_REMEMBERED:
        for key in list(remembered)[: len(remembered) // 10 + 1]:
            remembered.pop(key, None)


class _Elapsed:
    """How long ago this process sent an action, or first met it, by a clock that only grows."""

    def __init__(self) -> None:
        self._began: dict[tuple[str, int], float] = {}

    def start(self, action: Action) -> None:
        self._began[action.key, action.attempts] = clock.monotonic()
        _forget_oldest(self._began)

    def seconds(self, action: Action) -> float:
        began = self._began.setdefault((action.key, action.attempts), clock.monotonic())
        _forget_oldest(self._began)
        return clock.monotonic() - began

    def forget(self, action: Action) -> None:
        self._began.pop((action.key, action.attempts), None)


class _Answered:
    """How long ago this process told Linnworks of an action, unless another process has told it since."""

    def __init__(self) -> None:
        self._told: dict[str, tuple[datetime, float]] = {}

    def start(self, action: Action) -> None:
        self._told[action.key] = action.answered_at, clock.monotonic()
        _forget_oldest(self._told)

    def since(self, action: Action) -> float | None:
        answered_at, began = self._told.get(action.key, (None, 0.0))
        return clock.monotonic() - began if answered_at == action.answered_at else None


_HELD_HERE, _elapsed, _answered = _Held(), _Elapsed(), _Answered()


def _digest(kind: str, identity: Any) -> str:
    return hashlib.sha256(json.dumps([kind, identity], sort_keys=True).encode()).hexdigest()
