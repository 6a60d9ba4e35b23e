"""Despatch, cancel and refund: what Linnworks asks of orders, each done once."""

from __future__ import annotations

import logging
from collections.abc import Sequence
from datetime import datetime
from decimal import Decimal
from functools import partial
from typing import TypeVar

import msgspec
from msgspec.structs import replace

from bridge.channels.base import Channel, Parcel, Tracking
from bridge.errors import BridgeError, ChannelRefused, ChannelUnavailable, CredentialsRefused, RequestRefused
from bridge.protocol.schemas.after_sale import Cancellation, CancellationItem, Refund, RefundItem
from bridge.protocol.schemas.base import InvalidRow, plain_data
from bridge.protocol.schemas.orders import DespatchedOrder, DespatchOrder
from bridge.store.actions import FAILED, UNKNOWN, Action
from bridge.store.connections import Connection
from bridge.sync import actions, batch, parcels, pauses
from bridge.sync.actions import OrderActions
from bridge.sync.parcels import Decision

log = logging.getLogger(__name__)

Group = tuple[str, Sequence[DespatchOrder]]
"""The reference of an order, and the entries of a request about it."""

Number = TypeVar("Number", int, Decimal)

# -- despatch --------------------------------------------------------------------------------------------


def despatch(
    connection: Connection, channel: Channel, orders: Sequence[DespatchOrder | InvalidRow]
) -> list[DespatchedOrder]:
    """Mark orders or parts of them as sent and return an outcome for each entry, in order.

    What went out before is not sent again, and entries about one order are compared with it together. Raises
    CredentialsRefused.
    """
    told: list[tuple[Action, datetime | None]] = []
    entries: dict[str, list[DespatchOrder]] = {}
    for order in orders:
        if isinstance(order, DespatchOrder):
            entries.setdefault(order.reference_number, []).append(order)

    def act(group: Group) -> list[BridgeError | None]:
        pauses.require_running(connection, pauses.DESPATCH)
        if not channel.deadline.left():
            raise ChannelUnavailable("There was no time left for this order")
        return _despatch_order(connection, channel, *group, told)

    def failed(group: Group, error: BridgeError) -> list[BridgeError | None]:
        return [error] * len(group[1])

    try:
        by_order = batch.each(entries.items(), act, failed, _name)
    finally:
        try:
            actions.answer(channel, told)
        except Exception:  # they are done all the same, and each has its outcome
            log.exception("It could not be stored that Linnworks is told of despatches")
    outcomes = {reference: iter(errors) for reference, errors in zip(entries, by_order, strict=True)}
    return [
        _answer(order.text("reference_number"), RequestRefused(order.error))
        if isinstance(order, InvalidRow)
        else _answer(order.reference_number, next(outcomes[order.reference_number]))
        for order in orders
    ]


def _name(group: Group) -> str:
    return f"The despatch of order {group[0]}"


def _answer(reference: str, error: BridgeError | None) -> DespatchedOrder:
    if error is None:
        return DespatchedOrder(reference_number=reference)
    return DespatchedOrder(reference_number=reference, error=str(error), retry=isinstance(error, ChannelUnavailable))


def _despatch_order(
    connection: Connection,
    channel: Channel,
    reference: str,
    entries: Sequence[DespatchOrder],
    told: list[tuple[Action, datetime | None]],
) -> list[BridgeError | None]:
    """Return the error of each entry about one order, None where it is done; add to `told` what is done now."""
    with actions.open_order(connection, channel, reference) as order:
        order.resolve_unknown()
        _complete_begun(order)

        def act(decision: Decision) -> None:
            if decision.refusal:
                raise ChannelRefused(decision.refusal)
            if decision.parcel is None:
                log.info("A despatch of order %s is taken for a repeat", reference)
            elif any(action.state == UNKNOWN for action in order.actions):
                raise ChannelUnavailable("It is not known yet what became of another despatch of this order")
            else:
                told.append((_send_parcel(order, decision.parcel), order.state.as_of))

        def failed(_: Decision, error: BridgeError) -> BridgeError:
            return error

        def name(_: Decision) -> str:
            return _name((reference, entries))

        sent = parcels.sent_parcels(_sent_before(order))
        decisions = parcels.decide(order.state, sent, entries, _not_sent(order))
        errors: list[BridgeError | None] = [None] * len(entries)
        for decision, error in zip(decisions, batch.each(decisions, act, failed, name), strict=True):
            for position in decision.positions:
                errors[position] = errors[position] or error
        return errors


def _complete_begun(order: OrderActions) -> None:
    """Complete the despatches that the shop has begun: pieces are recorded there, and something of them is missing.

    One that the shop refuses to complete does not keep others from going out.
    """
    begun = {known.key for known in order.state.actions_of("despatch")}
    for action in order.actions:
        if action.kind == "despatch" and action.state == FAILED and action.key in begun:
            try:
                order.resume(action, partial(_send, order.channel, _parcel_of(action)))
            except CredentialsRefused:
                raise
            except ChannelRefused as error:
                log.warning("Despatch %d of order %s cannot be completed: %s", action.id, order.reference, error)


def _parcel_of(action: Action) -> Parcel:
    parcel: Parcel = msgspec.convert(action.content, Parcel, strict=False)
    return parcel


def _send_parcel(order: OrderActions, parcel: Parcel) -> Action:
    numbers = sorted(map(parcels.normalised, parcel.tracking_numbers))
    identity = {
        "pieces": dict(parcel.pieces),
        "numbers": numbers,
        "replaces": sorted(map(parcels.normalised, parcel.replaces)),
        "processed_on": "" if numbers or not parcel.processed_on else parcel.processed_on.isoformat(),
    }
    in_shop = [known.key for known in order.state.actions_of("despatch")]
    return order.perform("despatch", identity, parcel, partial(_send, order.channel, parcel), in_shop)


def _send(channel: Channel, parcel: Parcel, key: str) -> str:
    if not channel.deadline.left():
        raise ChannelUnavailable("There was no time left for this parcel")
    channel.despatch(parcel, key)
    return ""


def _sent_before(order: OrderActions) -> dict[str, Parcel]:
    """Return what was sent by its key, in the order of the shop: recorded here, or known to the shop alone."""
    recorded = {action.key: _parcel_of(action) for action in order.done("despatch")}
    in_shop = {
        known.key or f"by hand {' '.join(known.tracking_numbers)}": Parcel(
            order.reference,
            known.pieces,
            tuple(map(Tracking, known.tracking_numbers)),
            known.processed_on,
            known.replaces,
            known.earlier,
        )
        for known in order.state.actions_of("despatch")
    }
    return in_shop | recorded


def _not_sent(order: OrderActions) -> list[Parcel]:
    """Return the parcels that were to go out and did not."""
    return [_parcel_of(one) for one in order.actions if one.kind == "despatch" and one.state == FAILED]


# -- cancel and refund -----------------------------------------------------------------------------------


def cancel(connection: Connection, channel: Channel, cancellation: Cancellation) -> None:
    """Cancel an order, or pieces of its lines; a repeat does nothing."""
    pauses.require_running(connection, pauses.CANCEL)
    pieces: dict[str, int] = {}
    for item in cancellation.items:
        if item.cancellation_quantity is None:
            raise RequestRefused(f"How many of line {item.order_line_number or item.sku} are cancelled is not said")
        _add(pieces, item, item.cancellation_quantity)
    if cancellation.items and not any(pieces.values()):
        raise RequestRefused("Nothing is to be cancelled: every CancellationQuantity is 0")
    wanted = replace(cancellation, items=tuple(item for item in cancellation.items if item.cancellation_quantity))

    def act(key: str) -> str:
        channel.cancel(wanted, key)
        return ""

    identity = {"pieces": pieces, "external": cancellation.external_reference}
    actions.perform_once(
        connection,
        channel,
        "cancel",
        cancellation.reference_number,
        identity,
        plain_data(wanted),
        act,
    )


def refund(connection: Connection, channel: Channel, wanted: Refund) -> str:
    """Give money back and return the shop's reference of the refund; a repeat gets the same reference."""
    pauses.require_running(connection, pauses.REFUND)
    amounts: dict[str, Decimal] = {}
    for item in wanted.items:
        _add(amounts, item, item.refund_amount)
    identity = {
        "amounts": {line: _text(amount) for line, amount in amounts.items()},
        "shipping": _text(wanted.refund_shipping_amount),
        "external": wanted.external_reference,
    }
    return actions.perform_once(
        connection,
        channel,
        "refund",
        wanted.reference_number,
        identity,
        plain_data(wanted),
        lambda key: channel.refund(wanted, key),
    )


def _add(values: dict[str, Number], item: CancellationItem | RefundItem, value: Number) -> None:
    """Add a value to that of the item's line, which its number names or else its SKU."""
    line = item.order_line_number or f"SKU {item.sku}"
    values[line] = values[line] + value if line in values else value


def _text(amount: Decimal) -> str:
    """Return the same text for 1, 1.0 and 1.00."""
    return format(amount.normalize() + 0, "f")
