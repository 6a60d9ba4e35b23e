"""What a WooCommerce order says about each of its lines and about the actions on it."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from decimal import Decimal
from typing import Any

from bridge.channels.base import LineState, OrderState, ShopAction
from bridge.channels.helpers.totals import ROUNDING
from bridge.channels.woocommerce.order_items import SHIPPING
from bridge.channels.woocommerce.order_state import CANCEL, DESPATCH, REFUND, WooOrder, is_plan, parse_pieces, sku_of
from bridge.channels.woocommerce.parcels import stored_parcels, tracking_field, tracking_id
from bridge.channels.woocommerce.refund_totals import refund_totals
from bridge.channels.woocommerce.values import listed, money, unescape, utc_time

Pieces = Mapping[int, int]


def order_state(order: WooOrder, *, completed: bool, cancelled: bool) -> OrderState:
    """Return the state of an order; a completed one was sent whole, by hand where no record says how."""
    open_pieces = {line: order.despatchable(line) for line in order.lines if order.despatchable(line) > 0}
    by_hand = open_pieces if completed else {}
    done_by_linnworks = list(_recorded(order))
    actions = [*done_by_linnworks, *_refunds(order)]
    if by_hand:
        numbers = _other_numbers(order, [action.key for action in done_by_linnworks])
        actions.append(_action(order, "despatch", by_hand, at="date_completed_gmt", tracking_numbers=numbers))
    elif cancelled and open_pieces and not any(action.kind == "cancel" for action in done_by_linnworks):
        actions.append(_action(order, "cancel", open_pieces, at="date_modified_gmt"))
    return OrderState(
        reference=str(order.id),
        lines=[*_lines(order, by_hand, open_pieces if cancelled else {}), *_services(order)],
        actions=sorted(actions, key=lambda action: action.at or order.as_of),
        cancelled=cancelled,
        refunded=-sum((money(refund["total"]) for refund in order.row["refunds"]), Decimal(0)),
        as_of=order.as_of,
    )


def _lines(order: WooOrder, by_hand: Pieces, cancelled: Pieces) -> Iterator[LineState]:
    for number, line in order.lines.items():
        yield LineState(
            number=str(number),
            sku=sku_of(line),
            ordered=order.ordered(number),
            shipped=order.despatched.get(number, 0) + by_hand.get(number, 0),
            cancelled=order.cancelled.get(number, 0) + cancelled.get(number, 0),
            refunded=order.refunded.amounts.get(number, Decimal(0)),
            restocked=order.refunded.pieces.get(number, 0) + cancelled.get(number, 0),
        )


def _services(order: WooOrder) -> Iterator[LineState]:
    """Yield fees, and the two lines that only Linnworks' order may have."""
    for fee in order.row["fee_lines"]:
        amount = order.refunded.amounts.get(fee["id"], Decimal(0))
        yield LineState(str(fee["id"]), "FEE", ordered=1, refunded=amount, is_service=True)
    for number in (ROUNDING, SHIPPING):
        yield LineState(number, number.upper(), ordered=1, is_service=True)


def _recorded(order: WooOrder) -> Iterator[ShopAction]:
    """Yield the despatches, and the cancels of whole orders, that are recorded in custom fields."""
    for name, value in order.fields.items():
        kind, prefix = ("despatch", DESPATCH) if name.startswith(DESPATCH) else ("cancel", CANCEL)
        if not name.startswith(prefix) or is_plan(value):
            continue
        record = value if isinstance(value, dict) else {"items": value}  # as it was written before there were times
        key = name.removeprefix(prefix)
        yield ShopAction(
            kind,
            key=key,
            at=utc_time(record.get("at")),
            pieces=_by_number(dict(parse_pieces(record.get("items", "")))),
            tracking_numbers=_texts(record.get("numbers")),
            processed_on=utc_time(record.get("processed_on")),
            replaces=_texts(record.get("replaces")),
            earlier=_texts(record.get("earlier")),
        )


def _refunds(order: WooOrder) -> Iterator[ShopAction]:
    """Yield the refunds, also those of no money that cancel pieces."""
    planned = {}
    for name in order.fields:
        for kind, prefix in (("cancel", CANCEL), ("refund", REFUND)):
            key = name.removeprefix(prefix)
            if name.startswith(prefix) and (row := order.refund_of(name, key)):
                planned[row["id"]] = (kind, key)
    shipping = {line["id"] for line in order.row["shipping_lines"]}
    for refund in order.refunds:
        kind, key = planned.get(refund["id"], ("refund", ""))
        totals = refund_totals([refund])
        yield ShopAction(
            kind,
            key=key,
            at=utc_time(refund["date_created_gmt"]),
            pieces=_by_number(totals.pieces),
            amounts={str(line): money for line, money in totals.amounts.items() if money and line in order.lines},
            shipping_amount=sum((totals.amounts.get(line, Decimal(0)) for line in shipping), Decimal(0)),
            amount=money(refund["amount"]),
            result=str(refund["id"]) if kind == "refund" else "",
        )


def _action(order: WooOrder, kind: str, pieces: Pieces, *, at: str, **more: Any) -> ShopAction:
    """Return what was done by hand."""
    return ShopAction(kind, pieces=_by_number(pieces), at=utc_time(order.row.get(at)), **more)


def _texts(value: Any) -> tuple[str, ...]:
    return tuple(text for text in listed(value) if isinstance(text, str))


def _by_number(pieces: Pieces) -> dict[str, int]:
    return {str(line): count for line, count in pieces.items()}


def _other_numbers(order: WooOrder, keys: Sequence[str]) -> tuple[str, ...]:
    """Return the tracking numbers that plugins show and that were not despatched under these keys."""
    parcels = [
        entry for entry in stored_parcels(tracking_field(order.row).get("value")) or () if isinstance(entry, dict)
    ]
    ids = {tracking_id(key, position) for key in keys for position in range(len(parcels))}
    others = (parcel for parcel in parcels if parcel.get("tracking_id") not in ids)
    return tuple(filter(None, (unescape(parcel.get("tracking_number")) for parcel in others)))
