"""What can be done in an embedded shop, by its customers, its owner and its channel."""

from __future__ import annotations

import hashlib
import hmac
import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from contextlib import AbstractContextManager
from decimal import ROUND_HALF_UP, Decimal
from typing import Any

from peewee import chunked

from bridge.channels.demo.seed import fill, next_number, random_order
from bridge.channels.demo.tables import Event, Order, OrderLine, Product, Shop, database
from bridge.clock import now
from bridge.errors import ChannelRefused, CredentialsRefused
from bridge.store.database import immediate

CENT = Decimal("0.01")
NAME, NAME_WORDS = "^[a-z0-9-]{3,40}$", "must be 3 to 40 lower-case letters, digits and hyphens"
KEY, KEY_WORDS = "^[ -~]{8,200}$", "must be 8 to 200 characters of plain ASCII"

Wanted = tuple[str, str, int | None]
"""A line's number, its SKU, and how many of it; None for all that is open."""


def changing() -> AbstractContextManager[Any]:
    """A change of the shop that happens as a whole or not at all."""
    return immediate(database.obj)


def open_shop(name: str, key: str) -> None:
    """Open and fill a shop that this access key enters, unless there is one of that name."""
    for what, text, pattern, words in (("name", name, NAME, NAME_WORDS), ("access key", key, KEY, KEY_WORDS)):
        if not re.fullmatch(pattern, text):
            raise ChannelRefused(f"A shop's {what} {words}")
    with changing():
        shop, created = Shop.get_or_create(name=name, defaults={"key_digest": _digest(key), "created_at": now()})
        if created:
            fill(shop, now())


def enter(name: str, key: str) -> Shop:
    """The shop of that name; raises CredentialsRefused where there is none or this is not its access key."""
    shop = find_shop(name)
    if shop is None or not hmac.compare_digest(shop.key_digest, _digest(key)):
        raise CredentialsRefused("The shop does not accept this access key: enter the one it was opened with")
    return shop


def find_shop(name: str) -> Shop | None:
    """The shop of that name."""
    found: Shop | None = Shop.get_or_none(Shop.name == name)
    return found


def change_key(shop: Shop, key: str) -> None:
    """From now on only this access key opens the shop."""
    with changing():
        Shop.update(key_digest=_digest(key)).where(Shop.id == shop.id).execute()


def _digest(key: str) -> str:
    return hashlib.sha256(key.encode()).hexdigest()


# -- customers and owner ---------------------------------------------------------------------------


def place_order(shop: Shop, wanted: Mapping[str, int], *, paid: bool) -> Order:
    """Place an order for quantities by SKU, or for a few things at random; stock goes down."""
    with changing():
        products = {
            product.sku: product for product in Product.select().where((Product.shop == shop) & ~Product.variable)
        }
        unknown = sorted(set(wanted) - set(products))
        if unknown:
            raise ChannelRefused(f"The shop sells no {', '.join(unknown)}")
        order = random_order(shop, next_number(shop), list(products.values()), wanted, now(), paid=paid)
        for line in order.lines:
            Product.update(stock=Product.stock - line.quantity).where(
                (Product.shop == shop) & (Product.sku == line.sku)
            ).execute()
    return order


def pay(order: Order) -> None:
    """The customer pays."""
    with changing():
        if _fresh(order).status != "unpaid":
            raise ChannelRefused(f"Order {order.number} is {order.status}")
        _touch(order, status="paid", paid_at=now(), transaction_id=f"TX-{order.number}")


# -- stock and prices ------------------------------------------------------------------------------


def sellable_ids(shop: Shop, skus: Iterable[str]) -> dict[str, int]:
    """The ids of products that can be sold, by SKU."""
    found: dict[str, int] = {}
    for some in chunked(set(skus), 500):
        query: Any = Product.select(Product.sku, Product.id).where(
            (Product.shop == shop) & ~Product.variable & Product.sku.in_(some)
        )
        found.update(dict(query.tuples()))
    return found


def write_stock(levels: Sequence[tuple[int, int]]) -> None:
    """Set (stock, product id), all at once."""
    with changing():
        database.connection().executemany("UPDATE product SET stock = ? WHERE id = ?", levels)


def write_prices(prices: Sequence[tuple[str, Decimal, int]]) -> None:
    """Set (price or list_price, amount, product id), all at once and in order."""
    with changing():
        for column in ("price", "list_price"):
            rows = [(str(amount), product_id) for changed, amount, product_id in prices if changed == column]
            database.connection().executemany(f"UPDATE product SET {column} = ? WHERE id = ?", rows)  # noqa: S608


# -- orders as the channel changes them ------------------------------------------------------------


def find_order(shop: Shop, number: str) -> Order:
    """The order of that number; raises ChannelRefused when there is none."""
    found: Order | None = Order.get_or_none((Order.shop == shop) & (Order.number == number))
    if found is None:
        raise ChannelRefused(f"The shop has no order {number}")
    return found


def done(shop: Shop, number: str, key: str) -> str | None:
    """The answer to what was done to an order under this key; None if nothing was."""
    event = (
        Event.select().join(Order).where((Order.shop == shop) & (Order.number == number) & (Event.key == key)).first()
    )
    return event.answer if event else None


def despatch(order: Order, sent: Sequence[Wanted], words: str, key: str) -> None:
    """Send some of an order, or with nothing named all that is open."""

    def act(lines: list[OrderLine]) -> tuple[str, str]:
        if order.status == "cancelled":
            raise ChannelRefused(f"Order {order.number} is cancelled")
        for line, quantity in _chosen(order, lines, sent):
            if quantity > line.open:
                raise ChannelRefused(
                    f"Order {order.number}, line {line.number}: {quantity} to despatch but {line.open} left"
                )
            line.despatched += quantity
        return "", words

    _once(order, "despatch", key, act)


def cancel(order: Order, wanted: Sequence[Wanted], words: str, key: str) -> None:
    """Cancel some of an order, or with nothing named all that is open; stock comes back."""

    def act(lines: list[OrderLine]) -> tuple[str, str]:
        chosen = _chosen(order, lines, wanted)
        if not any(quantity for _, quantity in chosen) and order.status != "cancelled":
            raise ChannelRefused(f"Order {order.number} has nothing left to cancel")
        for line, quantity in chosen:
            if quantity > line.open:
                raise ChannelRefused(
                    f"Order {order.number}, line {line.number}: {quantity} to cancel but {line.open} left"
                )
            line.cancelled += quantity
            Product.update(stock=Product.stock + quantity).where(
                (Product.shop == order.shop_id) & (Product.sku == line.sku)
            ).execute()
        return "", words

    _once(order, "cancel", key, act)


def refund(order: Order, amounts: Sequence[tuple[str, str, Decimal]], shipping: Decimal, words: str, key: str) -> str:
    """Give back money for (line number, SKU, amount) and for shipping; the refund's reference."""

    def act(lines: list[OrderLine]) -> tuple[str, str]:
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
        return reference, f"Refunded {total:.2f} {order.currency} ({reference}){words}"

    return _once(order, "refund", key, act, shipping_refunded=shipping)


def gross(order: Order, line: OrderLine) -> Decimal:
    """What was paid for a line, tax included, before any discount on the whole order."""
    net = line.price * line.quantity * (1 - line.discount_percent / 100)
    return (net if order.tax_inclusive else net * (1 + line.tax_rate / 100)).quantize(CENT, ROUND_HALF_UP)


def total_paid(order: Order, lines: Iterable[OrderLine]) -> Decimal:
    """What was paid for the whole order."""
    return sum((gross(order, line) for line in lines), Decimal(0)) + order.shipping_cost - order.discount


def _once(
    order: Order,
    kind: str,
    key: str,
    act: Callable[[list[OrderLine]], tuple[str, str]],
    shipping_refunded: Decimal = Decimal(0),
) -> str:
    """Change an order's lines under a key, unless that key was used; the answer given then or now."""
    with changing():
        event = Event.get_or_none(Event.key == key)
        if event is None:
            lines = list(_fresh(order).lines.order_by(OrderLine.id))
            answer, words = act(lines)
            for line in lines:
                line.save(only=[OrderLine.despatched, OrderLine.cancelled, OrderLine.refunded])
            event = Event.create(
                order=order,
                kind=kind,
                key=key,
                answer=answer,
                words=words,
                shipping_refunded=shipping_refunded,
                happened_at=now(),
            )
            _touch(order, status=_status(order, lines))
    return str(event.answer)


def _fresh(order: Order) -> Order:
    """The order as it is inside the present transaction."""
    fresh: Order = Order.get_by_id(order.id)
    order.status, order.paid_at = fresh.status, fresh.paid_at
    return fresh


def _touch(order: Order, **changes: Any) -> None:
    Order.update(modified_at=now(), **changes).where(Order.id == order.id).execute()


def _status(order: Order, lines: list[OrderLine]) -> str:
    if all(line.cancelled == line.quantity for line in lines):
        return "cancelled"
    if not any(line.despatched for line in lines):
        return str(order.status)
    return "part-shipped" if any(line.open for line in lines) else "shipped"


def _chosen(order: Order, lines: list[OrderLine], wanted: Sequence[Wanted]) -> list[tuple[OrderLine, int]]:
    """Each wanted line with its quantity; without any wanted, all lines."""
    if not wanted:
        return [(line, line.open) for line in lines]
    chosen = [(_line(order, lines, number, sku), quantity) for number, sku, quantity in wanted]
    return [(line, line.open if quantity is None else quantity) for line, quantity in chosen]


def _line(order: Order, lines: list[OrderLine], number: str, sku: str) -> OrderLine:
    """The line of that number; without a number, the one line of that SKU."""
    found = [line for line in lines if (line.number == number if number else line.sku == sku)]
    if len(found) != 1:
        raise ChannelRefused(f"Order {order.number} has no line {number or sku}")
    return found[0]
