"""Orders of an embedded shop: placed, paid, despatched, cancelled and refunded."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import asdict
from decimal import ROUND_HALF_UP, Decimal
from typing import Any

from peewee import fn

from bridge.channels.demo.seed import next_number, random_order
from bridge.channels.demo.tables import Event, Order, OrderLine, Product, Shop, transaction
from bridge.channels.helpers.parcels import Parcel
from bridge.clock import now
from bridge.errors import ChannelRefused

CENT = Decimal("0.01")

Wanted = tuple[str, str, int | None]
"""A line's number, its SKU (used if there is no number), and a quantity; None means all that is open."""

Change = Callable[[list[OrderLine]], tuple[str, str]]
"""Changes the lines of an order; returns the result for Linnworks and a note for the seller."""


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


def despatch(order: Order, wanted: Sequence[Wanted], note: str, key: str, parcels: Sequence[Parcel] = ()) -> None:
    """Despatch the named lines of an order or, if none are named, all that is open; `parcels` are kept with it."""

    def change(lines: list[OrderLine]) -> tuple[str, str]:
        if order.status == "cancelled":
            raise ChannelRefused(f"Order {order.number} is cancelled")
        for line, quantity in _requested(order, lines, wanted):
            if quantity > line.open:
                raise ChannelRefused(
                    f"Order {order.number}, line {line.number}: {quantity} to despatch but {line.open} left"
                )
            line.despatched += quantity
        return "", note

    _run_once(order, "despatch", key, change, details={"parcels": [asdict(parcel) for parcel in parcels]})


def cancel(order: Order, wanted: Sequence[Wanted], note: str, key: str) -> None:
    """Cancel some lines of an order or, if none are named, all that is open, and restock them."""

    def change(lines: list[OrderLine]) -> tuple[str, str]:
        requested = _requested(order, lines, wanted)
        if not any(quantity for _, quantity in requested) and order.status != "cancelled":
            raise ChannelRefused(f"Order {order.number} has nothing left to cancel")
        for line, quantity in requested:
            if quantity > line.open:
                raise ChannelRefused(
                    f"Order {order.number}, line {line.number}: {quantity} to cancel but {line.open} left"
                )
            line.cancelled += quantity
            _add_stock(order.shop_id, line.sku, quantity)
        return "", note

    _run_once(order, "cancel", key, change)


def refund(order: Order, amounts: Sequence[tuple[str, str, Decimal]], shipping: Decimal, reason: str, key: str) -> str:
    """Refund (line number, SKU, amount) and shipping, and return the refund's reference."""

    def change(lines: list[OrderLine]) -> tuple[str, str]:
        if order.paid_at is None:
            raise ChannelRefused(f"Order {order.number} was not paid")
        total = shipping + sum((amount for _, _, amount in amounts), Decimal(0))
        if total <= 0 or shipping < 0 or any(amount < 0 for _, _, amount in amounts):
            raise ChannelRefused("A refund must be for more than nothing")
        if any(amount != amount.quantize(CENT) for amount in (shipping, *(amount for _, _, amount in amounts))):
            raise ChannelRefused("A refund cannot have fractions of a cent")
        earlier = list(Event.select().where((Event.order == order) & (Event.kind == "refund")))
        for number, sku, amount in amounts:
            line = _line(order, lines, number, sku)
            line.refunded += amount
            if line.refunded > gross(order, line):
                raise ChannelRefused(f"Order {order.number}, line {line.number}: more to refund than was paid for it")
        shipping_refunded = shipping + sum((event.shipping_refunded for event in earlier), Decimal(0))
        if shipping_refunded > order.shipping_cost:
            raise ChannelRefused(f"Order {order.number}: more shipping to refund than was paid for it")
        if shipping_refunded + sum((line.refunded for line in lines), Decimal(0)) > total_paid(order, lines):
            raise ChannelRefused(f"Order {order.number}: more to refund than was paid")
        reference = f"R-{order.number}-{len(earlier) + 1}"
        return reference, f"Refunded {total:.2f} {order.currency} ({reference}){reason}"

    return _run_once(order, "refund", key, change, shipping_refunded=shipping)


# -- amounts ---------------------------------------------------------------------------------------


def gross(order: Order, line: OrderLine) -> Decimal:
    """Return what was paid for a line, tax included, before any discount on the whole order."""
    net = line.price * line.quantity * (1 - line.discount_percent / 100)
    return (net if order.tax_inclusive else net * (1 + line.tax_rate / 100)).quantize(CENT, ROUND_HALF_UP)


def total_paid(order: Order, lines: Iterable[OrderLine]) -> Decimal:
    """Return what was paid for the whole order."""
    return sum((gross(order, line) for line in lines), Decimal(0)) + order.shipping_cost - order.discount


# -- changes ---------------------------------------------------------------------------------------


def _run_once(order: Order, kind: str, key: str, change: Change, **more: Any) -> str:
    """Change an order under a key, unless this key was used before; return the result of the first time."""
    with transaction():
        event = Event.get_or_none(Event.key == key)
        if event is None:
            lines = list(_refresh(order).lines.order_by(OrderLine.id))
            result, note = change(lines)
            for line in lines:
                line.save(only=[OrderLine.despatched, OrderLine.cancelled, OrderLine.refunded])
            event = Event.create(
                order=order,
                kind=kind,
                key=key,
                result=result,
                note=note,
                happened_at=now(),
                **more,
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


def _requested(order: Order, lines: list[OrderLine], wanted: Sequence[Wanted]) -> list[tuple[OrderLine, int]]:
    """Return the named lines with their quantities, or all open quantities if no line is named."""
    if not wanted:
        return [(line, line.open) for line in lines]
    named = [(_line(order, lines, number, sku), quantity) for number, sku, quantity in wanted]
    return [(line, line.open if quantity is None else quantity) for line, quantity in named]


def _line(order: Order, lines: list[OrderLine], number: str, sku: str) -> OrderLine:
    """Return the line with this number or, without a number, the only line with this SKU."""
    found = [line for line in lines if (line.number == number if number else line.sku == sku)]
    if len(found) != 1:
        raise ChannelRefused(f"Order {order.number} has no line {number or sku}")
    return found[0]
