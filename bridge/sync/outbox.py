"""The outbox: stock levels and prices end at the newest value, whatever happens on the way to the shop.

What was asked is stored before the shop is called. The process that holds a connection's lease pushes everything that
waits there, the newest value of each SKU and tag, so that no value is pushed after a newer one. What the shop could
not take stays pending: the worker pushes it until the shop takes it or refuses it for good, or a newer value is asked.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Hashable, Mapping, Sequence, Set
from dataclasses import dataclass
from datetime import datetime, timedelta
from operator import attrgetter
from typing import Any

import msgspec

from bridge.channels import Channels
from bridge.channels.base import Channel, Outcome
from bridge.clock import Deadline, is_future, now
from bridge.errors import (
    BridgeError,
    ChannelError,
    ChannelRefused,
    ChannelUnavailable,
    CredentialsRefused,
    OutcomeUnknown,
)
from bridge.protocol.schemas.base import InvalidRow, from_plain_data
from bridge.protocol.schemas.products import Price, StockLevel, UpdatedProduct
from bridge.store.connections import Connection
from bridge.store.fields import as_json
from bridge.store.outbox import (
    SETTLES_IN,
    OutboxBatch,
    PendingUpdate,
    PushJob,
    Results,
    collect_results,
    enqueue,
    find_pending_updates,
    finish_push,
    lease_due_outbox,
    lease_outbox,
    stop_awaiting,
    update_key,
    update_tag,
)
from bridge.sync import pauses, retry
from bridge.sync.call_journal import CallJournal, push_facts
from bridge.sync.quota import require_room
from bridge.trace import Push, Trace

log = logging.getLogger(__name__)

LONGEST_WAIT_SECONDS = 30

MOST_CALLS = 50
"""How often rows are pushed in two halves because a call for all of them failed in an unforeseen way."""
UNREADABLE = "The bridge cannot read this any more: please send it again"
ONE_AT_A_TIME = ChannelUnavailable("the bridge pushes one update at a time for now")

OpenChannel = Callable[[], Channel]
"""Returns the connection's shop, or raises ChannelError."""


@dataclass(frozen=True)
class UpdateKind:
    """A kind of value: its message, what pauses it, its key, its field, and how a channel sets values."""

    message: type
    pausable: str
    key: Callable[[Any], Hashable]
    value: str
    push: Callable[[Channel, Sequence[Any]], Sequence[Outcome]]


STOCK, PRICE = "stock", "price"
UPDATE_KINDS = {
    STOCK: UpdateKind(
        StockLevel, pauses.STOCK, attrgetter("sku"), "quantity", lambda channel, levels: channel.set_stock(levels)
    ),
    PRICE: UpdateKind(
        Price, pauses.PRICES, attrgetter("sku", "tag"), "price", lambda channel, prices: channel.set_prices(prices)
    ),
}


def push_stock(
    connection: Connection, open_channel: OpenChannel, deadline: Deadline, levels: Sequence[StockLevel | InvalidRow]
) -> tuple[UpdatedProduct, ...]:
    """Set stock levels, now or as soon as the shop takes them; return an outcome for each, in order."""
    return _push(STOCK, connection, open_channel, deadline, levels)


def push_prices(
    connection: Connection, open_channel: OpenChannel, deadline: Deadline, prices: Sequence[Price | InvalidRow]
) -> tuple[UpdatedProduct, ...]:
    """Set prices, now or as soon as the shop takes them; return an outcome for each, in order."""
    return _push(PRICE, connection, open_channel, deadline, prices)


def work_one(channels: Channels, journal: CallJournal | None = None) -> bool:
    """Push for the connection that has waited longest; False if nothing is due."""
    deadline = Deadline(channels.settings.budget_seconds)
    job = lease_due_outbox(now(), retry.lease_end(deadline))
    if job is None:
        return False
    try:
        _run(job, lambda: _open_channel(job, channels, deadline), deadline.trace)
    except CredentialsRefused as refusal:
        log.warning("Connection %s: %s", job.lease.connection_id, refusal)
    if journal:
        whose = {"connection": job.lease.connection_id, "generation": job.lease.generation}
        for push in deadline.trace.pushes:
            journal.add(push_facts(push, deadline.trace, **whose, seconds=deadline.spent(), own=True))
    return True


def _open_channel(job: PushJob, channels: Channels, deadline: Deadline) -> Channel:
    connection = job.lease.connection
    if connection.generation != job.lease.generation:  # and the lease is lost
        raise ChannelUnavailable("The integration leads to another shop now")
    pauses.require_running(connection, UPDATE_KINDS[job.kind].pausable)
    return channels.open_for(connection, deadline)


def _push(
    kind_name: str,
    connection: Connection,
    open_channel: OpenChannel,
    deadline: Deadline,
    asked: Sequence[StockLevel | Price | InvalidRow],
) -> tuple[UpdatedProduct, ...]:
    kind = UPDATE_KINDS[kind_name]

    def open_unless_paused() -> Channel:
        pauses.require_running(connection, kind.pausable)
        return open_channel()

    rows: Sequence[Any] = asked
    if InvalidRow not in set(map(type, rows)):  # the usual case
        results = _store_and_push(kind_name, connection, open_unless_paused, deadline, rows)
        return tuple(map(UpdatedProduct, map(attrgetter("sku"), rows), results))
    valid = [row for row in rows if type(row) is not InvalidRow]
    of_valid = iter(_store_and_push(kind_name, connection, open_unless_paused, deadline, valid))
    skus = [row.text("sku") if type(row) is InvalidRow else row.sku for row in rows]
    errors = [row.error if type(row) is InvalidRow else next(of_valid) for row in rows]
    return tuple(map(UpdatedProduct, skus, errors))


def _store_and_push(
    kind_name: str,
    connection: Connection,
    open_channel: OpenChannel,
    deadline: Deadline,
    rows: Sequence[StockLevel | Price],
) -> Results:
    """Store a request's rows and return their results, from a push of its own or another process's.

    The rows are stored whether or not the channel can be opened. A request that waits for another process's push has
    opened it too, so that it is counted.
    """
    if not rows:
        return []
    json = as_json(rows)
    require_room(connection.id, [json])
    batch, job = enqueue(connection, kind_name, rows, now=now(), until=retry.lease_end(deadline), json=json)
    if job is None:
        try:
            open_channel()
        except CredentialsRefused:
            stop_awaiting(batch, now())
            raise
        except ChannelError as error:
            return stop_awaiting(batch, now()) or [_waits(error)] * len(rows)
    for poll in retry.polls(deadline):
        if poll > 0:
            job = lease_outbox(connection, kind_name, now=now(), until=retry.lease_end(deadline))
        results = (_run(job, open_channel, deadline.trace, batch) if job else None) or collect_results(batch, now())
        if results:
            return results
    return stop_awaiting(batch, now()) or [_not_yet("earlier updates are still under way")] * len(rows)


def _run(job: PushJob, open_channel: OpenChannel, trace: Trace, own: OutboxBatch | None = None) -> Results | None:
    """Push a job and record the outcome; return the results of the batch `own` if the job holds it.

    Returns None if the lease was lost. Raises CredentialsRefused after everything is recorded.
    """
    kind = UPDATE_KINDS[job.kind]
    pending_rows = _messages(kind, [update.row for update in job.pending_updates])
    stored = {batch.id: _as_rows(batch.content) for batch in job.batches if batch is not own}
    rows_by_batch = {
        batch.id: batch.content if batch is own else _messages(kind, stored[batch.id]) for batch in job.batches
    }
    newest = _newest(kind, pending_rows, *rows_by_batch.values())
    rows = list(newest.values())
    set_values = [ONE_AT_A_TIME] * len(rows) if job.alone and job.batches else _set_in_shop(kind, rows, open_channel)
    distinct = set(set_values)
    outcomes = dict.fromkeys(newest) if distinct == {None} else dict(zip(newest, set_values, strict=True))
    results = _results(kind, rows_by_batch, outcomes, distinct)
    pending = {
        update.id if row is None else kind.key(row): update
        for row, update in zip(pending_rows, job.pending_updates, strict=True)
    }
    unreadable = [
        content
        for contents, messages in [
            ([update.row for update in job.pending_updates], pending_rows),
            *((stored[number], rows_by_batch[number]) for number in stored),
        ]
        for content, message in zip(contents, messages, strict=True)
        if message is None
    ]
    ours = next((batch for batch in job.batches if own and batch.identity == own.identity), None)
    if not _record(job, newest, outcomes, distinct, pending, unreadable, results, ours):
        return None
    for content in unreadable:
        log.error(
            "Connection %s: a stored %s update cannot be read: %.200r", job.lease.connection_id, job.kind, content
        )
    _report(job, newest, outcomes, trace, own)
    for outcome in distinct:
        if isinstance(outcome, CredentialsRefused):
            raise outcome
    return results[ours.id] if ours else None


def _report(
    job: PushJob,
    newest: Mapping[Hashable, Any],
    outcomes: Mapping[Hashable, Outcome],
    trace: Trace,
    own: OutboxBatch | None,
) -> None:
    """Log in one line what the shop refused for good, and add to the trace what is pushed, unless an answer says it."""
    refused = [outcome for outcome in outcomes.values() if outcome is not None and _is_final(outcome)]
    if refused and own is None:
        log.info(
            "Connection %s: the shop refused %d of %d updates for good, such as: %s",
            job.lease.connection_id,
            len(refused),
            len(outcomes),
            refused[0],
        )
    if not job.pending_updates and all(batch is own for batch in job.batches):
        return
    asked = {UPDATE_KINDS[job.kind].key(row) for row in own.content} if own else set()
    waited = [key for key in newest if key not in asked]
    if waited:
        settled = [key for key in waited if _is_final(outcomes[key])]
        postponed = [outcomes[key] for key in waited if not _is_final(outcomes[key])]
        value = attrgetter(UPDATE_KINDS[job.kind].value)
        trace.pushes.append(
            Push(
                job.kind,
                [newest[key].sku for key in settled],
                [value(newest[key]) for key in settled],
                [_result(outcomes[key]) for key in settled],
                len(postponed),
                str(postponed[0]) if postponed else "",
            )
        )


def _as_rows(content: Any) -> Sequence[Any]:
    """Return the stored rows of a batch; what is no list of rows is one that cannot be read."""
    return content if isinstance(content, list) else [content]


def _messages(kind: UpdateKind, content: Sequence[Any]) -> Sequence[Any]:
    """Return stored rows as messages, None for each that cannot be read."""
    try:
        return from_plain_data(list[kind.message], content)  # type: ignore[name-defined, no-any-return]
    except msgspec.ValidationError:
        return [_message(kind, row) for row in content]


def _message(kind: UpdateKind, row: Any) -> Any:
    try:
        return from_plain_data(kind.message, row)
    except msgspec.ValidationError:
        return None


def _newest(kind: UpdateKind, *oldest_first: Sequence[Any]) -> dict[Hashable, Any]:
    """Return the newest row of each SKU and tag by its key, in the order of the newest rows.

    The order matters: a shop may have one product for two of our keys.
    """
    rows = [row for some in oldest_first for row in some if row is not None]
    newest: dict[Hashable, Any] = dict(zip(map(kind.key, rows), rows, strict=True))
    if len(newest) < len(rows):
        newest = {}
        for row in rows:
            newest.pop(kind.key(row), None)
            newest[kind.key(row)] = row
    return newest


def _set_in_shop(kind: UpdateKind, rows: Sequence[Any], open_channel: OpenChannel) -> Sequence[Outcome]:
    """Set the values of these rows in the shop and return an outcome for each."""
    attempts = iter(range(MOST_CALLS))

    def push(rows: Sequence[Any]) -> Sequence[Outcome]:
        try:
            outcomes = kind.push(open_channel(), rows)
            if len(outcomes) != len(rows):
                raise ValueError(f"{len(outcomes)} outcomes of {len(rows)} rows")
            return outcomes
        except ChannelError as error:
            return [error] * len(rows)
        except BridgeError as error:
            return [OutcomeUnknown(str(error))] * len(rows)
        except Exception:
            if len(rows) == 1 or next(attempts, None) is None:
                log.exception("Setting the %s of %s failed", kind.value, ", ".join(row.sku for row in rows[:10]))
                return [OutcomeUnknown("the bridge failed; its log has the details")] * len(rows)
            half = len(rows) // 2  # so that the row that cannot be set does not keep the others from the shop
            return [*push(rows[:half]), *push(rows[half:])]

    return push(rows) if rows else ()


def _results(
    kind: UpdateKind,
    rows_by_batch: Mapping[int, Sequence[Any]],
    outcomes: Mapping[Hashable, Outcome],
    distinct: Set[Outcome],
) -> dict[int, Results]:
    """Return the results of each batch, by its id."""
    results = {outcome: _result(outcome) for outcome in distinct}
    if len(results) == 1:  # the usual case, without a look at every key
        (same,) = results.values()
        return {number: [UNREADABLE if row is None else same for row in rows] for number, rows in rows_by_batch.items()}
    return {
        number: [UNREADABLE if row is None else results[outcomes[kind.key(row)]] for row in rows]
        for number, rows in rows_by_batch.items()
    }


def _result(outcome: Outcome) -> str | None:
    if outcome is None:
        return None
    return str(outcome) if _is_final(outcome) else _waits(outcome)


def _waits(error: ChannelError) -> str:
    if isinstance(error, pauses.Paused):
        return f"{error}; the bridge keeps this and pushes it afterwards"
    return _not_yet(str(error))


def _not_yet(reason: str) -> str:
    return f"The shop has not taken this yet ({reason.rstrip('.')}); the bridge goes on trying"


def _is_final(outcome: Outcome) -> bool:
    """Return whether the shop has taken a value, or refused it for good."""
    return outcome is None or (isinstance(outcome, ChannelRefused) and not isinstance(outcome, CredentialsRefused))


def _record(
    job: PushJob,
    newest: Mapping[Hashable, Any],
    outcomes: Mapping[Hashable, Outcome],
    distinct: Set[Outcome],
    pending: Mapping[Hashable, PendingUpdate],
    unreadable: Sequence[Any],
    results: Mapping[int, Results],
    ours: OutboxBatch | None,
) -> bool:
    """Record the outcome of a job and release its lease; False if the lease was lost."""
    replaced = {**pending, **find_pending_updates(job, newest)}
    moment = now()
    jitter = retry.random_jitter()  # one for all, so that what failed together is retried together
    attempts, next_at = _next_attempt(job, distinct, moment, jitter)
    return finish_push(
        job,
        results=results,
        own=ours,
        replaced=replaced.values(),
        unreadable=unreadable,
        pending=_still_pending(job, newest, outcomes, distinct, replaced, moment, jitter),
        attempts=attempts,
        next_at=next_at,
        now=moment,
    )


def _next_attempt(job: PushJob, outcomes: Set[Outcome], moment: datetime, jitter: float) -> tuple[int, datetime]:
    """Return how often the shop has failed in a row, and when the worker may push again."""
    lease = job.lease
    if job.alone and job.batches:  # the shop was not asked
        return lease.attempts, moment
    if not outcomes or any(map(_is_final, outcomes)):
        return 0, moment
    if all(isinstance(outcome, pauses.Paused) for outcome in outcomes):  # what is not paused does not wait for it
        return lease.attempts, moment
    if is_future(lease.next_at, job.started):  # a request failed meanwhile: that does not postpone the worker
        return lease.attempts, lease.next_at
    return lease.attempts + 1, moment + retry.backoff(lease.attempts + 1, LONGEST_WAIT_SECONDS, jitter)


def _still_pending(
    job: PushJob,
    newest: Mapping[Hashable, Any],
    outcomes: Mapping[Hashable, Outcome],
    distinct: Set[Outcome],
    replaced: Mapping[Hashable, PendingUpdate],
    moment: datetime,
    jitter: float,
) -> list[dict[str, Any]]:
    """Return the pending updates that a job leaves behind."""
    may_arrive_late = bool(replaced) or is_future(job.lease.unsure_until, job.started)
    if not may_arrive_late and distinct <= {None}:
        return []  # the usual case, without a look at every row
    updates = (
        _pending_update(job, row, outcomes[key], replaced.get(key), moment, jitter) for key, row in newest.items()
    )
    return [update for update in updates if update is not None]


def _pending_update(
    job: PushJob,
    row: StockLevel | Price,
    outcome: Outcome,
    before: PendingUpdate | None,
    moment: datetime,
    jitter: float,
) -> dict[str, Any] | None:
    """Return what has to be pushed once more, and when; None if the shop has the last word.

    A value that was taken while an older one may still arrive is pushed again once that is over.
    """
    unsure_until = max(job.lease.unsure_until, before.unsure_until) if before else job.lease.unsure_until
    if isinstance(outcome, pauses.Paused):
        attempts = before.attempts if before else 0
        next_at = moment + timedelta(seconds=pauses.LOOKED_AT_SECONDS)
    elif not _is_final(outcome):
        attempts = before.attempts + 1 if before else 1
        next_at = moment + retry.backoff(attempts, LONGEST_WAIT_SECONDS, jitter)
        if isinstance(outcome, OutcomeUnknown):
            unsure_until = moment + SETTLES_IN
    elif outcome is not None:
        return None
    elif is_future(unsure_until, job.started):
        attempts, next_at = 0, unsure_until
    else:
        return None
    return {
        "key": update_key(row),
        "sku": row.sku,
        "tag": update_tag(row),
        "row": row,
        "attempts": attempts,
        "error": str(outcome or ""),
        "since": before.since if before else job.batches[0].created_at if job.alone and job.batches else moment,
        "next_at": next_at,
        "unsure_until": unsure_until,
    }
