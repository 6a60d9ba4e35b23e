"""Orders of an embedded shop: placed, paid, despatched, cancelled and refunded."""

from __future__ import annotations

import secrets
from collections.abc import Callable, Iterable, Mapping, Sequence
from datetime import datetime
from decimal import ROUND_HALF_UP, Decimal
from typing import Any

from peewee import fn

from bridge.channels.base import LineState, OrderState, Parcel, ShopAction
from bridge.channels.demo.seed import next_number, random_order
from bridge.channels.demo.tables import Event, Order, OrderLine, Product, Shop, transaction
from bridge.channels.helpers.order_lines import Line, Wanted, choose_pieces, find_line
from bridge.channels.helpers.refund_amounts import rounded
from bridge.clock import now
from bridge.errors import ChannelRefused
from bridge.protocol.schemas.after_sale import Refund

CENT = Decimal("0.01")
BY_HAND = "by hand "
"""How the key of an event begins that is not Linnworks'."""

Change = Callable[[list[OrderLine]], tuple[str, str, dict[str, Any]]]
"""Changes the lines of an order; returns the result for Linnworks, a note for the seller, and the event's details."""


# -- customers -------------------------------------------------------------------------------------


def place_order(shop: Shop, wanted: Mapping[str, int], *, paid: bool) -> Order:
    """Place an order for quantities by SKU, or for random products if none are named, and reduce the stock."""
    with transaction():
        sold = Product.select().where((Product.shop == shop) & ~Product.variable)
        chosen = sold.where(Product.sku.in_(list(wanted))) if wanted else sold.order_by(fn.RANDOM()).limit(2)
        products = {product.sku: product for product in chosen}
        unknown = sorted(wanted.keys() - products.keys())
        if unknown:
            raise ChannelRefused(f"The shop does not sell {', '.join(unknown)}")
        quantities = {products[sku]: quantity for sku, quantity in (wanted or dict.fromkeys(products, 1)).items()}
        order = random_order(shop, next_number(shop), quantities, now(), paid=paid)
        for line in order.lines:
            _add_stock(shop, line.sku, -line.quantity)
    return order


def pay(order: Order) -> None:
    """Pay an unpaid order."""
    with transaction():
        if _refresh(order).status != "unpaid":
            raise ChannelRefused(f"Order {order.number} is {order.status}")
        _update(order, status="paid", paid_at=now(), transaction_id=f"TX-{order.number}")


# -- what Linnworks does ---------------------------------------------------------------------------


def find_order(shop: Shop, number: str) -> Order:
    """Return the order with this number; raises ChannelRefused if there is none."""
    found: Order | None = Order.get_or_none((Order.shop == shop) & (Order.number == number))
    if found is None:
        raise ChannelRefused(f"The shop has no order {number}")
    return found


def find_result(shop: Shop, number: str, key: str) -> str | None:
    """Return the result of the action on an order with this key, or None if there is none."""
    event = (
        Event.select().join(Order).where((Order.shop == shop) & (Order.number == number) & (Event.key == key)).first()
    )
    return event.result if event else None


def order_state(order: Order) -> OrderState:
    """Return what the shop knows of an order's lines and of the actions on it."""
    lines, events = list(order.lines.order_by(OrderLine.id)), list(Event.select().where(Event.order == order))
    return OrderState(
        reference=order.number,
        lines=[
            LineState(
                number=line.number,
                sku=line.sku,
                ordered=line.quantity,
                shipped=line.despatched,
                cancelled=line.cancelled,
                refunded=line.refunded,
                restocked=line.cancelled,
                is_service=line.is_service,
            )
            for line in lines
        ],
        actions=[_action(event) for event in sorted(events, key=lambda event: event.id)],
        cancelled=order.status == "cancelled",
        refunded=sum((line.refunded for line in lines), _shipping_refunded(events)),
        as_of=now(),
    )


def _action(event: Event) -> ShopAction:
    details = event.details
    amounts = {line: Decimal(amount) for line, amount in details.get("amounts", {}).items()}
    processed_on = details.get("processed_on")
    return ShopAction(
        event.kind,
        key="" if event.key.startswith(BY_HAND) else event.key,
        at=event.happened_at,
        pieces=details.get("pieces", {}),
        tracking_numbers=tuple(parcel["number"] for parcel in details.get("parcels", ()) if parcel["number"]),
        processed_on=datetime.fromisoformat(processed_on) if processed_on else None,
        replaces=tuple(details.get("replaces", ())),
        earlier=tuple(details.get("earlier", ())),
        amounts=amounts,
        shipping_amount=event.shipping_refunded,
        amount=sum(amounts.values(), event.shipping_refunded),
        result=event.result,
    )


def despatch(
    order: Order,
    parcel: Parcel,
    note: str,
    key: str,
) -> None:
    """Despatch pieces of an order, or add or correct tracking numbers."""

    def change(lines: list[OrderLine]) -> tuple[str, str, dict[str, Any]]:
        if order.status == "cancelled":
            raise ChannelRefused(f"Order {order.number} is cancelled")
        for line in lines:
            count = parcel.pieces.get(line.number, 0)
            if count > line.open:
                raise ChannelRefused(f"Line {line.number} of order {order.number} has only {line.open} left")
            line.despatched += count
        return (
            "",
            note,
            {
                "pieces": dict(parcel.pieces),
                "parcels": [
                    {"carrier": one.carrier, "number": one.number, "link": one.link} for one in parcel.tracking
                ],
                "processed_on": parcel.processed_on and parcel.processed_on.isoformat(),
                "replaces": parcel.replaces,
                "earlier": parcel.earlier,
            },
        )

    _run_once(order, "despatch", key, change)


def cancel(order: Order, wanted: Sequence[Wanted], note: str, key: str) -> None:
    """Cancel some lines of an order or, if none are named, all that is open, and restock them."""

    def change(lines: list[OrderLine]) -> tuple[str, str, dict[str, Any]]:
        pieces = _chosen(order, lines, wanted)
        if not pieces and order.status != "cancelled":
            raise ChannelRefused(f"Order {order.number} has nothing left to cancel")
        for line in lines:
            line.cancelled += pieces.get(line.number, 0)
            _add_stock(order.shop_id, line.sku, pieces.get(line.number, 0))
        return "", note, {"pieces": pieces}

    _run_once(order, "cancel", key, change)


def cancel_by_hand(order: Order, note: str) -> None:
    """Cancel all that is open, as the customer or the owner."""
    cancel(order, (), note, BY_HAND + secrets.token_hex(16))


def refund(order: Order, wanted: Refund, reason: str, key: str) -> str:
    """Refund lines and shipping, and return the refund's reference."""

    def change(lines: list[OrderLine]) -> tuple[str, str, dict[str, Any]]:
        if order.paid_at is None:
            raise ChannelRefused(f"Order {order.number} was not paid")
        earlier = list(Event.select().where((Event.order == order) & (Event.kind == "refund")))
        already = sum((line.refunded for line in lines), _shipping_refunded(earlier))
        new = rounded(wanted, unit=CENT, left=total_paid(order, lines) - already)
        total = sum((item.refund_amount for item in new.items), new.refund_shipping_amount)
        by_line: dict[str, Decimal] = {}
        for item in new.items:
            found = find_line(order.number, _named(lines), item.order_line_number, item.sku)
            by_line[found] = by_line.get(found, Decimal(0)) + item.refund_amount
        for line in lines:
            line.refunded += by_line.get(line.number, Decimal(0))
            if line.refunded > gross(order, line):
                raise ChannelRefused(f"Order {order.number}, line {line.number}: more to refund than was paid for it")
        shipping_refunded = new.refund_shipping_amount + _shipping_refunded(earlier)
        if shipping_refunded > order.shipping_cost:
            raise ChannelRefused(f"Order {order.number}: more shipping to refund than was paid for it")
        if shipping_refunded + sum((line.refunded for line in lines), Decimal(0)) > total_paid(order, lines):
            raise ChannelRefused(f"Order {order.number}: more to refund than was paid")
        reference = f"R-{order.number}-{len(earlier) + 1}"
        return (
            reference,
            f"Refunded {total:.2f} {order.currency} ({reference}){reason}",
            {
                "amounts": by_line,
                "shipping": new.refund_shipping_amount,
            },
        )

    return _run_once(order, "refund", key, change)


# -- amounts ---------------------------------------------------------------------------------------


def gross(order: Order, line: OrderLine) -> Decimal:
    """Return what was paid for a line, tax included, before any discount on the whole order."""
    net = line.price * line.quantity * (1 - line.discount_percent / 100)
    return (net if order.tax_inclusive else net * (1 + line.tax_rate / 100)).quantize(CENT, ROUND_HALF_UP)


def total_paid(order: Order, lines: Iterable[OrderLine]) -> Decimal:
    """Return what was paid for the whole order."""
    return sum((gross(order, line) for line in lines), Decimal(0)) + order.shipping_cost - order.discount


# -- changes ---------------------------------------------------------------------------------------


def _run_once(order: Order, kind: str, key: str, change: Change) -> str:
    """Change an order under a key, unless this key was used before; return the result of the first time."""
    with transaction():
        event = Event.get_or_none(Event.key == key)
        if event is None:
            lines = list(_refresh(order).lines.order_by(OrderLine.id))
            result, note, details = change(lines)
            for line in lines:
                line.save(only=[OrderLine.despatched, OrderLine.cancelled, OrderLine.refunded])
            event = Event.create(
                order=order,
                kind=kind,
                key=key,
                result=result,
                note=note,
                details=details,
                shipping_refunded=details.get("shipping", Decimal(0)),
                happened_at=now(),
            )
            _update(order, status=_status(order, lines))
    return str(event.result)


def _refresh(order: Order) -> Order:
    """Return the order as it is inside the current transaction."""
    fresh: Order = Order.get_by_id(order.id)
    order.status, order.paid_at = fresh.status, fresh.paid_at
    return fresh


def _update(order: Order, **changes: Any) -> None:
    Order.update(modified_at=now(), **changes).where(Order.id == order.id).execute()


def _add_stock(shop: Shop | int, sku: str, quantity: int) -> None:
    Product.update(stock=Product.stock + quantity).where((Product.shop == shop) & (Product.sku == sku)).execute()


def _status(order: Order, lines: list[OrderLine]) -> str:
    if all(line.cancelled == line.quantity for line in lines):
        return "cancelled"
    if not any(line.despatched for line in lines):
        return str(order.status)
    return "part-shipped" if any(line.open for line in lines) else "shipped"


def _shipping_refunded(events: Iterable[Event]) -> Decimal:
    return sum((event.shipping_refunded for event in events), Decimal(0))


def _named(lines: Iterable[OrderLine]) -> list[Line[str]]:
    return [Line(line.number, line.number, line.sku) for line in lines]


def _chosen(order: Order, lines: Sequence[OrderLine], wanted: Sequence[Wanted]) -> Mapping[str, int]:
    """Return the wanted pieces by line number, or all open pieces if no line is named."""
    still_open = {line.number: line.open for line in lines}
    return choose_pieces(order.number, _named(lines), wanted, still_open.__getitem__)
