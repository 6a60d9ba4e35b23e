"""The life of an order, in order of time: what the shop, the bridge and Linnworks did with it."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from contextlib import suppress
from dataclasses import dataclass, replace
from datetime import datetime, timedelta

from bridge.channels import Channels
from bridge.channels.base import Channel
from bridge.clock import Deadline
from bridge.errors import ChannelError
from bridge.masking import masked
from bridge.protocol.schemas.orders import Order
from bridge.store.actions import actions_of_order
from bridge.store.calls import ORDERS, find_calls, numbers_of_order
from bridge.store.connections import Connection
from bridge.store.orders import SeenOrder, seen_order
from bridge.store.paging import last_paging_run

MOST_CALLS = 1000
RECENT = timedelta(days=1)
"""How far back failed polls are told of an order that nothing is known about."""
BEFORE = timedelta(minutes=1)
DATABASE_FAILED = ("OperationalError", "InterfaceError")
"""Outcomes of calls whose integration is not known, as their tokens could not be looked up."""
_TIME = re.compile(r"\b\d\d:\d\d:\d\d\b")


@dataclass(frozen=True)
class Event:
    """Something that happened to an order, or to its shop; `request` is the id of the call, if it was one.

    Equal ones in a row are one event, that was repeated `times` until `last_at`.
    """

    at: datetime
    text: str
    request: str = ""
    times: int = 1
    last_at: datetime | None = None


@dataclass(frozen=True)
class OrderHistory:
    """An order of one integration: its reference and the number that its customer sees, its life, and how it is now."""

    connection: Connection
    reference: str
    number: str
    events: tuple[Event, ...]
    now: tuple[str, ...]


def order_history(
    connection: Connection, text: str, moment: datetime, channels: Channels | None = None
) -> list[OrderHistory]:
    """Return the history of each order that somebody calls by this number; at least one.

    With `channels` the shop is asked for the order too.
    """
    seen = [
        row
        for number in sorted(numbers_of_order(text, connection.id))
        if (row := seen_order(connection.id, number)) is not None
    ]
    if seen:
        return [_history(connection, row.reference, row, moment, channels) for row in seen]
    reference = "".join(text.replace("#", "").split())
    ask = channels if connection.complete else None
    with suppress(ChannelError):  # which the question for the order itself says
        reference = (ask and _channel(connection, ask).reference_of(reference)) or reference
    return [_history(connection, reference, None, moment, channels)]


def _channel(connection: Connection, channels: Channels) -> Channel:
    return channels.open_for(connection, Deadline(channels.settings.budget_seconds))


def _history(
    connection: Connection, reference: str, seen: SeenOrder | None, moment: datetime, channels: Channels | None
) -> OrderHistory:
    status, order = _ask_shop(connection, reference, channels) if channels else ("", None)
    events = [
        *_in_shop(order),
        *_seen(seen),
        *_actions(connection.id, reference),
        *_calls(connection, reference),
    ]
    begin = min((event.at for event in events), default=moment - RECENT)
    events += _failed_polls(connection, begin - BEFORE)
    number = seen.number if seen else (order and order.secondary_reference_number) or ""
    return OrderHistory(connection, reference, number, tuple(_collapsed(events)), tuple(_now(connection, seen, status)))


def _ask_shop(connection: Connection, reference: str, channels: Channels) -> tuple[str, Order | None]:
    """Return whether the shop has the order, as a sentence, and the order."""
    if not connection.complete:
        return "Its wizard is not finished, so the shop was not asked.", None
    try:
        order = _channel(connection, channels).order(reference)
    except ChannelError as error:
        return f"The shop cannot be asked: {masked(str(error))}.", None
    if order is None:
        return "The shop has no such order.", None
    return f"The shop has it, {order.payment_status.name}.", order


def _in_shop(order: Order | None) -> Iterator[Event]:
    """Return what the shop tells; not what the buyer wrote."""
    if order is None:
        return
    if order.received_date:
        yield Event(order.received_date, "placed in the shop")
    if order.paid_on:
        yield Event(order.paid_on, "paid")
    for note in order.notes:
        if note.is_internal and note.note_entry_date:
            yield Event(note.note_entry_date, f"note in the shop: {masked(note.note)}")


def _seen(seen: SeenOrder | None) -> Iterator[Event]:
    if seen is None:
        return
    yield Event(seen.first_seen_at, "first seen in the shop")
    if seen.held_since and seen.hold_reason:
        yield Event(seen.held_since, f"held: {seen.hold_reason}")
    elif seen.held_since:
        yield Event(seen.held_since, "held; it can be sent by now")
    elif seen.hold_reason:
        yield Event(seen.checked_at, f"not sent: {seen.hold_reason}")
    if seen.offers and seen.offered_at:
        times = "once" if seen.offers == 1 else f"{seen.offers} times in all"
        yield Event(seen.offered_at, f"last sent to Linnworks, {times}")


def _actions(connection_id: int, reference: str) -> Iterator[Event]:
    for action in actions_of_order(connection_id, reference):
        name = f"{action.kind} (action {action.id})"
        attempt = f", attempt {action.attempts}" if action.attempts > 1 else ""
        yield Event(action.planned_at, f"{name} planned{attempt}", action.request)
        if action.finished_at:
            result = masked(action.result or action.error)
            yield Event(action.finished_at, f"{name} {action.state}{f': {result}' if result else ''}", action.request)
        if action.answered_at:
            yield Event(action.answered_at, f"{name}: Linnworks was told")


def _calls(connection: Connection, reference: str) -> Iterator[Event]:
    for call in find_calls(connection=connection.id, order=reference, limit=MOST_CALLS):
        if call.generation != connection.generation:
            continue
        if call.endpoint == ORDERS:
            for row in call.rows_about([reference]):
                yield Event(call.at, row.error or "in an answer to Orders", call.request)
            continue
        for row in call.rows_about([reference]):
            error = row.error or call.error
            retry = ", to be sent again" if row.value == "Retry" else ""
            answered = call.at + timedelta(milliseconds=call.ms)
            yield Event(answered, f"{call.endpoint} was answered{retry}: {error or 'ok'}", call.request)


def _failed_polls(connection: Connection, since: datetime) -> Iterator[Event]:
    found = find_calls(connection=connection.id, endpoint=ORDERS, since=since, failed=True, limit=MOST_CALLS)
    for call in found:
        if call.generation == connection.generation and call.endpoint == ORDERS:
            yield Event(call.at, f"a poll for orders failed: {call.error}", call.request)
    for call in find_calls(endpoint=ORDERS, since=since, failed=True, limit=MOST_CALLS):
        if call.connection_id is None and call.outcome in DATABASE_FAILED:
            yield Event(call.at, f"a poll for orders of any integration failed: {call.error}", call.request)


def _collapsed(events: Iterable[Event]) -> list[Event]:
    """Return events by time, with equal ones in a row as one, whatever times of day they name."""
    found: list[Event] = []
    for event in sorted(events, key=lambda event: event.at):
        if found and _TIME.sub("", found[-1].text) == _TIME.sub("", event.text):
            found[-1] = replace(found[-1], times=found[-1].times + 1, last_at=event.at, request=event.request)
        else:
            found.append(event)
    return found


def _now(connection: Connection, seen: SeenOrder | None, status: str) -> Iterator[str]:
    """Return sentences about how things are at the moment."""
    run = last_paging_run(connection.id, "orders")
    poll = (
        f"Linnworks last asked for orders at {run.asked_at:%Y-%m-%d %H:%M:%S} UTC." if run else "Linnworks never asked."
    )
    yield poll if seen else f"The shop has not listed it on any page yet. {poll}"
    if seen and seen.hold_reason and seen.held_since:
        yield "It is held: Linnworks would refuse it. It is sent once this is corrected in the shop."
    if status:
        yield status
