"""The outbox: stock and prices end at the newest value, whatever happens on the way to the shop.

What was asked is kept before the shop is called. Who has a connection's lease pushes all that waits there, the
newest value of each SKU and tag, so that none is pushed after a newer one. What the shop could not take is left
over, and pushed by the worker until the shop takes it, refuses it for good, or something newer is asked.
"""

from __future__ import annotations

import logging
import secrets
import time
from collections.abc import Callable, Hashable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from operator import attrgetter
from typing import Any

from bridge.channels import Channels
from bridge.channels.base import Channel, Outcome
from bridge.clock import Deadline, is_future, now
from bridge.errors import BridgeError, ChannelError, ChannelRefused, CredentialsRefused, OutcomeUnknown
from bridge.protocol.schemas.base import One, shape_of
from bridge.protocol.schemas.products import Price, StockLevel, UpdatedProduct
from bridge.store.outbox import (
    SETTLES_IN,
    Answers,
    OutboxBatch,
    PendingUpdate,
    Push,
    collect_answers,
    enqueue,
    find_pending_updates,
    finish_push,
    lease_due_outbox,
    lease_outbox,
    update_key,
    update_tag,
)

log = logging.getLogger(__name__)

GRACE_SECONDS = 4
POLL_SECONDS = 0.05
LONGEST_WAIT_SECONDS = 30

_random = secrets.SystemRandom()


@dataclass(frozen=True)
class Kind:
    """What can be set: its message, the fields that say of what it is set, and to what, and how a channel sets it."""

    message: type
    key: Callable[[Any], Hashable]
    value: str
    push: Callable[[Channel, Sequence[Any]], Sequence[Outcome]]


KINDS = {
    "stock": Kind(StockLevel, attrgetter("sku"), "quantity", lambda channel, levels: channel.set_stock(levels)),
    "price": Kind(Price, attrgetter("sku", "tag"), "price", lambda channel, prices: channel.set_prices(prices)),
}


def push_stock(connection_id: int, channel: Channel, levels: Sequence[StockLevel]) -> tuple[UpdatedProduct, ...]:
    """Have stock levels set, now or as soon as the shop can; what has come of each, in order."""
    return _push("stock", connection_id, channel, levels)


def push_prices(connection_id: int, channel: Channel, prices: Sequence[Price]) -> tuple[UpdatedProduct, ...]:
    """Have prices set, now or as soon as the shop can; what has come of each, in order."""
    return _push("price", connection_id, channel, prices)


def work_one(channels: Channels) -> bool:
    """Push what has waited longest for its turn; False when nothing is due."""
    budget = channels.settings.budget_seconds
    turn = lease_due_outbox(now(), now() + timedelta(seconds=budget + GRACE_SECONDS))
    if turn is None:
        return False
    deadline = Deadline(budget)
    try:
        _use(turn, lambda: channels.open(channels.config(turn.lease.connection), deadline))
    except CredentialsRefused as refusal:
        log.warning("Connection %s: %s", turn.lease.connection_id, refusal)
    return True


def wait_seconds(attempts: int, jitter: float) -> float:
    """How long to wait after so many failures in a row; `jitter`, from 0 to 1, spreads those that failed together."""
    longest: int = min(2 ** min(attempts, 10), LONGEST_WAIT_SECONDS)
    return longest * (1 - jitter / 2)


def _push(
    name: str, connection_id: int, channel: Channel, asked: Sequence[StockLevel | Price]
) -> tuple[UpdatedProduct, ...]:
    kind = KINDS[name]
    value = attrgetter(kind.value)
    good = [row for row in asked if value(row) >= 0]
    answers = _kept_and_pushed(name, connection_id, channel, good)
    if len(good) < len(asked):
        of_good = iter(answers)
        answers = [
            next(of_good) if value(row) >= 0 else f"The {kind.value} of {row.sku} is below zero" for row in asked
        ]
    columns: dict[str, Sequence[Any]] = {"sku": [row.sku for row in asked], "error": answers}
    return tuple(shape_of(UpdatedProduct).of_columns(len(asked), columns))


def _kept_and_pushed(name: str, connection_id: int, channel: Channel, rows: Sequence[StockLevel | Price]) -> Answers:
    """The answers to a request's rows, from a turn of its own or from another's that pushed them too."""
    if not rows:
        return []

    def until() -> datetime:
        return now() + timedelta(seconds=channel.deadline.left() + GRACE_SECONDS)

    batch, turn = enqueue(connection_id, name, rows, now=now(), until=until())
    while True:
        answers = _use(turn, lambda: channel, batch) if turn else None
        left = channel.deadline.left()
        answers = answers or collect_answers(batch, now(), leave=not left)
        if answers:
            return answers
        if not left:
            return [_not_yet("earlier updates are still under way")] * len(rows)
        time.sleep(min(POLL_SECONDS, left))
        turn = lease_outbox(connection_id, name, now=now(), until=until())


def _use(turn: Push, channel: Callable[[], Channel], own: OutboxBatch | None = None) -> Answers | None:
    """Push what a turn holds and record what came of it; the answers to our own batch, where it was among it.

    Raises CredentialsRefused once everything is kept.
    """
    kind = KINDS[turn.kind]
    left_over = _rows(kind, [item.row for item in turn.pending_updates])
    rows_of = {batch.id: batch.content if batch is own else _rows(kind, batch.content) for batch in turn.batches}
    newest = _newest(kind, left_over, *rows_of.values())
    outcomes = _outcomes(kind, list(newest.values()), channel)
    outcome_of = dict(zip(newest, outcomes, strict=True))
    different = set(outcomes)
    before = dict(zip(map(kind.key, left_over), turn.pending_updates, strict=True)) | find_pending_updates(turn, newest)
    mine = next((batch for batch in turn.batches if own and batch.identity == own.identity), None)
    moment, jitter = now(), _random.random()
    all_well = different == {None} and not before and not is_future(turn.lease.unsure_until, turn.started)
    left = [
        later
        for key in (() if all_well else newest)
        if (later := _left_over(turn, newest[key], outcome_of[key], before.get(key), moment, jitter))
    ]
    attempts, next_at = turn.lease.attempts, turn.lease.next_at
    if not outcomes or any(map(_settled, different)):
        attempts, next_at = 0, moment
    elif next_at <= turn.started:  # a failure between two tries does not put the next one off
        attempts, next_at = attempts + 1, moment + timedelta(seconds=wait_seconds(attempts, jitter))
    said = {outcome: _answer(outcome) for outcome in different}
    answers = {number: [said[outcome_of[key]] for key in map(kind.key, rows)] for number, rows in rows_of.items()}
    ended = finish_push(
        turn,
        answers=answers,
        answered=mine,
        replaced=before.values(),
        left=left,
        attempts=attempts,
        next_at=next_at,
        now=moment,
    )
    if not ended:
        return None
    for outcome in different:
        if isinstance(outcome, CredentialsRefused):
            raise outcome
    return answers[mine.id] if mine else None


def _newest(kind: Kind, *oldest_first: Sequence[Any]) -> dict[Hashable, Any]:
    """The newest row of each SKU and tag, in the order of these: a shop may take two of our keys for one product."""
    newest: dict[Hashable, Any] = {}
    for rows in oldest_first:
        for key, row in zip(map(kind.key, rows), rows, strict=True):
            newest.pop(key, None)
            newest[key] = row
    return newest


def _rows(kind: Kind, content: Sequence[Any]) -> Sequence[Any]:
    """What was kept, as messages."""
    return One(kind.message).read_all(content)


def _outcomes(kind: Kind, rows: Sequence[Any], channel: Callable[[], Channel]) -> Sequence[Outcome]:
    """What the shop makes of each row."""
    if not rows:
        return ()
    try:
        outcomes = kind.push(channel(), rows)
        if len(outcomes) != len(rows):
            raise ValueError(f"{len(outcomes)} outcomes of {len(rows)} rows")
        return outcomes
    except ChannelError as error:
        return [error] * len(rows)
    except BridgeError as error:
        return [OutcomeUnknown(str(error))] * len(rows)
    except Exception:
        log.exception("Setting a %s failed", kind.value)
        return [OutcomeUnknown("the bridge failed; its log has the details")] * len(rows)


def _settled(outcome: Outcome) -> bool:
    """Whether the shop has taken a value, or refused it for good."""
    return outcome is None or (isinstance(outcome, ChannelRefused) and not isinstance(outcome, CredentialsRefused))


def _left_over(
    turn: Push,
    row: StockLevel | Price,
    outcome: Outcome,
    before: PendingUpdate | None,
    moment: datetime,
    jitter: float,
) -> dict[str, Any] | None:
    """What has to be pushed once more, and when; None where the shop has the last word.

    A value taken while an older one may still be on its way is pushed again once that must have arrived.
    """
    unsure_until = max(turn.lease.unsure_until, before.unsure_until if before else turn.lease.unsure_until)
    attempts, next_at = 0, unsure_until
    if not _settled(outcome):
        attempts = before.attempts + 1 if before else 1
        next_at = moment + timedelta(seconds=wait_seconds(attempts - 1, jitter))
        if isinstance(outcome, OutcomeUnknown):
            unsure_until = moment + SETTLES_IN
    elif outcome is not None:
        log.info("Connection %s: the shop refused for good: %s", turn.lease.connection_id, outcome)
        return None
    elif not is_future(unsure_until, turn.started):
        return None
    return {
        "key": update_key(row),
        "sku": row.sku,
        "tag": update_tag(row),
        "row": row,
        "attempts": attempts,
        "error": str(outcome or ""),
        "since": before.since if before else moment,
        "next_at": next_at,
        "unsure_until": unsure_until,
    }


def _answer(outcome: Outcome) -> str | None:
    if outcome is None:
        return None
    return str(outcome) if _settled(outcome) else _not_yet(str(outcome))


def _not_yet(reason: str) -> str:
    return f"The shop has not taken this yet ({reason.rstrip('.')}); the bridge goes on trying"
