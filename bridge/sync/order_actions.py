"""Despatch, cancel and refund: what Linnworks asks of orders, each done once."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence

from bridge.channels.base import Channel
from bridge.errors import BridgeError, ChannelUnavailable, RequestRefused
from bridge.protocol.schemas.after_sale import Cancellation, Refund
from bridge.protocol.schemas.base import InvalidRow
from bridge.protocol.schemas.orders import DespatchedOrder, DespatchOrder
from bridge.sync import actions, batch


def despatch(
    connection_id: int, channel: Channel, orders: Sequence[DespatchOrder | InvalidRow]
) -> list[DespatchedOrder]:
    """Mark orders or parts of them as sent and return an outcome for each, in order.

    Equal entries of one request are separate parcels; in a later request they are repeats. Raises
    CredentialsRefused.
    """
    occurrences: Counter[DespatchOrder] = Counter()

    def send(order: DespatchOrder | InvalidRow) -> DespatchedOrder:
        if isinstance(order, InvalidRow):
            raise RequestRefused(order.error)
        occurrences[order] += 1
        if not channel.deadline.left():
            raise ChannelUnavailable("There was no time left for this order")
        actions.perform_once(
            "despatch",
            order,
            lambda key: channel.despatch(order, key) or "",
            connection_id=connection_id,
            channel=channel,
            occurrence=occurrences[order],
        )
        return DespatchedOrder(reference_number=order.reference_number)

    return batch.each(orders, send, _not_despatched)


def _not_despatched(order: DespatchOrder | InvalidRow, error: BridgeError) -> DespatchedOrder:
    reference = order.text("reference_number") if isinstance(order, InvalidRow) else order.reference_number
    return DespatchedOrder(reference_number=reference, error=str(error), retry=isinstance(error, ChannelUnavailable))


def cancel(connection_id: int, channel: Channel, cancellation: Cancellation) -> None:
    """Cancel an order, or lines of it; a repeat does nothing."""
    actions.perform_once(
        "cancel",
        cancellation,
        lambda key: channel.cancel(cancellation, key) or "",
        connection_id=connection_id,
        channel=channel,
    )


def refund(connection_id: int, channel: Channel, wanted: Refund) -> str:
    """Give money back and return the shop's reference of the refund.

    An equal request within BRIDGE_REPEAT_REFUND_SECONDS is a repeat and gets the same reference.
    """
    return actions.perform_once(
        "refund",
        wanted,
        lambda key: channel.refund(wanted, key),
        connection_id=connection_id,
        channel=channel,
        repeat_after=channel.settings.repeat_refund_seconds,
    )
