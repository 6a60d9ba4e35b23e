"""A small shop in memory with a JSON API; a test acts as its customers and its owner."""

from __future__ import annotations

import itertools
import threading
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from decimal import Decimal
from email.utils import format_datetime
from typing import Any

from flask import Flask, abort, request
from flask.typing import ResponseReturnValue

from bridge.clock import now
from tests.channels.hostile.server import Faults, HostileServer

CENT = Decimal("0.01")


@dataclass
class Product:
    id: int
    sku: str
    title: str
    price: Decimal
    stock: int
    list_price: Decimal = Decimal(9)


@dataclass
class OrderLine:
    number: str
    sku: str
    title: str
    price: Decimal
    quantity: int
    despatched: int = 0
    cancelled: int = 0
    refunded: Decimal = Decimal(0)

    @property
    def open(self) -> int:
        return self.quantity - self.despatched - self.cancelled


@dataclass
class Action:
    """A despatch, cancel or refund with the caller's key; the shop repeats an action whose key comes again."""

    kind: str
    key: str
    reference: str
    amount: Decimal = Decimal(0)
    at: datetime | None = None
    wanted: dict[str, Any] = field(default_factory=dict)
    """What was done, as it was asked for, with the number of each line and its pieces."""


@dataclass
class Order:
    id: int
    number: str
    created_at: datetime
    modified_at: datetime
    lines: list[OrderLine]
    paid_at: datetime | None
    shipping: Decimal = Decimal("3.95")
    shipping_refunded: Decimal = Decimal(0)
    note: str = ""
    version: int = 1
    binned: bool = False
    actions: list[Action] = field(default_factory=list)

    @property
    def status(self) -> str:
        if all(line.cancelled == line.quantity for line in self.lines):
            return "cancelled"
        return "paid" if self.paid_at else "unpaid"


class HostileShop:
    """The shop at `url`; `faults` are the failures of its server, `skew` is how far its clock is ahead.

    `clock` gives its time, for example one that stands still, so that orders have equal timestamps.
    """

    def __init__(self, products: int = 0, orders: int = 0, clock: Callable[[], datetime] = now) -> None:
        self.key = f"key of shop {id(self)}"
        self.clock = clock
        self.skew = timedelta(0)
        self.page_size = 100
        self.lock = threading.RLock()
        self._ids = itertools.count(1)
        self.products: dict[str, Product] = {}
        self.orders: dict[str, Order] = {}
        for number in range(products):
            self.add_product(f"SKU-{number}", stock=100)
        skus = itertools.cycle(self.products)
        for _ in range(orders):
            self.place_order({next(skus): 1})
        self.server = HostileServer(api(self))
        self.url = self.server.url

    @property
    def faults(self) -> Faults:
        return self.server.faults

    def close(self) -> None:
        self.server.close()

    def now(self) -> datetime:
        """Return the time of the shop's clock in whole seconds, as shops store them."""
        return (self.clock() + self.skew).replace(microsecond=0)

    # -- customers and owner ---------------------------------------------------------------------------

    def add_product(self, sku: str, stock: int = 1, price: Decimal = Decimal(5)) -> None:
        with self.lock:
            self.products[sku] = Product(next(self._ids), sku, f"Thing {sku}", price, stock)

    def remove_product(self, sku: str) -> None:
        with self.lock:
            del self.products[sku]

    def place_order(self, quantities: Mapping[str, int], *, paid: bool = True) -> str:
        """Place an order and return its number."""
        with self.lock:
            lines = []
            for number, (sku, quantity) in enumerate(quantities.items(), 1):
                product = self.products[sku]
                product.stock -= quantity
                lines.append(OrderLine(f"L{number}", sku, product.title, product.price, quantity))
            order_id, moment = next(self._ids), self.now()
            number = f"H-{order_id}"
            self.orders[number] = Order(order_id, number, moment, moment, lines, moment if paid else None)
            return number

    def pay(self, number: str) -> None:
        with self.lock:
            self.orders[number].paid_at = self.now()
            self.touch(number)

    def touch(self, number: str, note: str = "") -> None:
        """Change the order, which gives it a new version."""
        with self.lock:
            order = self.orders[number]
            order.version += 1
            order.note = note or order.note
            order.modified_at = self.now()

    def cancel(self, number: str) -> None:
        """Cancel all open lines of the order."""
        with self.lock:
            self._cancel(self.orders[number], [(line, line.open) for line in self.orders[number].lines])
            self.touch(number)

    def refund(self, number: str, amount: Decimal) -> None:
        """Refund an amount of the order's first line."""
        items = [{"line": self.orders[number].lines[0].number, "sku": "", "amount": str(amount)}]
        self.act("refund", self.orders[number], {"key": "by hand", "items": items, "shipping": "0"})

    def bin(self, number: str) -> None:
        """Move the order to the bin, where the API does not find it."""
        with self.lock:
            self.orders[number].binned = True

    def restore(self, number: str) -> None:
        """Take the order out of the bin, which changes it."""
        with self.lock:
            self.orders[number].binned = False
            self.touch(number)

    def merge(self, number: str, into: str) -> None:
        """Move the lines of an order into another one, and move the empty order to the bin."""
        with self.lock:
            target = self.orders[into]
            for line in self.orders[number].lines:
                line.number = f"{line.number}-{number}"
                target.lines.append(line)
            self.orders[number].lines = []
            self.bin(number)
            self.touch(into)

    def done(self, kind: str, number: str) -> list[Action]:
        """Return the actions of a kind on an order, repeated ones several times."""
        with self.lock:
            return [action for action in self.orders[number].actions if action.kind == kind]

    # -- actions of the API ----------------------------------------------------------------------------

    def act(self, kind: str, order: Order, wanted: dict[str, Any]) -> Action:
        """Do a complete action, or raise ValueError with the reason."""
        acts: dict[str, Callable[[Order, dict[str, Any]], Decimal]] = {
            "despatch": self._despatched,
            "cancel": self._cancelled,
            "refund": self._refunded,
        }
        with self.lock:
            amount = acts[kind](order, wanted)
            reference = f"{kind}-{order.number}-{len(order.actions) + 1}"
            order.actions.append(Action(kind, wanted["key"], reference, amount, self.now(), wanted))
            self.touch(order.number)
            return order.actions[-1]

    def _despatched(self, order: Order, wanted: dict[str, Any]) -> Decimal:
        if order.status == "cancelled":
            raise ValueError("The order is cancelled")
        chosen = _open_lines(order, wanted) if wanted["items"] else []
        for line, quantity in chosen:
            line.despatched += quantity
        wanted["pieces"] = {line.number: quantity for line, quantity in chosen}
        return Decimal(0)

    def _cancelled(self, order: Order, wanted: dict[str, Any]) -> Decimal:
        chosen = _open_lines(order, wanted)
        if not any(quantity for _, quantity in chosen):
            raise ValueError("Nothing is left to cancel")
        self._cancel(order, chosen)
        wanted["pieces"] = {line.number: quantity for line, quantity in chosen}
        return Decimal(0)

    def _cancel(self, order: Order, chosen: Iterable[tuple[OrderLine, int]]) -> None:
        for line, quantity in chosen:
            line.cancelled += quantity
            self.products[line.sku].stock += quantity

    def _refunded(self, order: Order, wanted: dict[str, Any]) -> Decimal:
        shipping = Decimal(wanted["shipping"])
        amounts = [(_line(order, item), Decimal(item["amount"])) for item in wanted["items"]]
        given = [shipping, *(amount for _, amount in amounts)]
        if not order.paid_at:
            raise ValueError("The order was not paid")
        if min(given) < 0 or not any(given) or any(amount != amount.quantize(CENT) for amount in given):
            raise ValueError("That is no amount of money to refund")
        if order.shipping_refunded + shipping > order.shipping:
            raise ValueError("That is more shipping than was paid")
        if any(line.refunded + amount > line.price * line.quantity for line, amount in amounts):
            raise ValueError("That is more than was paid")
        for line, amount in amounts:
            line.refunded += amount
        order.shipping_refunded += shipping
        wanted["amounts"] = {line.number: str(amount) for line, amount in amounts}
        return sum(given, Decimal(0))


def _line(order: Order, item: dict[str, Any]) -> OrderLine:
    """Return the line with this number or, without a number, the only line with this SKU."""
    number, sku = item["line"], item["sku"]
    found = [line for line in order.lines if (line.number == number if number else line.sku == sku)]
    if len(found) != 1:
        raise ValueError(f"There is no line {number or sku}")
    return found[0]


def _open_lines(order: Order, wanted: dict[str, Any]) -> list[tuple[OrderLine, int]]:
    """Return the named lines with their quantities, or all open quantities if none is named."""
    quantities: dict[str, int] = {}
    lines = {line.number: line for line in order.lines}
    for item in wanted["items"] or [{"line": number, "sku": "", "quantity": None} for number in lines]:
        line = _line(order, item)
        quantity = line.open if item["quantity"] is None else item["quantity"]
        quantities[line.number] = quantities.get(line.number, 0) + quantity
        if quantities[line.number] > line.open:
            raise ValueError(f"Line {line.number} has only {line.open} left")
    return [(lines[number], quantity) for number, quantity in quantities.items()]


def api(shop: HostileShop) -> Flask:
    """Return the shop's API; every call needs its key, and every answer has the time of its clock."""
    app = Flask(__name__)

    @app.before_request
    def authenticate() -> ResponseReturnValue | None:
        right = request.headers.get("Authorization") == f"Bearer {shop.key}"
        return None if right else ({"error": "Wrong key"}, 401)

    @app.after_request
    def add_date(response: Any) -> Any:
        response.headers["Date"] = format_datetime(shop.now(), usegmt=True)
        return response

    @app.errorhandler(404)
    def not_found(error: Exception) -> ResponseReturnValue:
        return {"error": "Not found"}, 404

    @app.errorhandler(ValueError)
    def refused(error: Exception) -> ResponseReturnValue:
        return {"error": str(error)}, 422

    @app.get("/ping")
    def ping() -> ResponseReturnValue:
        return {"shop": "open"}

    def page(rows: Iterable[Any], show: Callable[[Any], Any]) -> ResponseReturnValue:
        after, limit = int(request.args["after"]), min(int(request.args["limit"]), shop.page_size)
        found = sorted((row for row in rows if row.id > after), key=lambda row: row.id)
        return {"rows": [show(row) for row in found[:limit]], "more": len(found) > limit}

    def order_of(number: str) -> Order:
        order = shop.orders.get(number)
        if order is None or order.binned:
            abort(404)
        return order

    @app.get("/orders")
    def orders() -> ResponseReturnValue:
        since = datetime.fromisoformat(request.args["since"])
        with shop.lock:
            changed = [row for row in shop.orders.values() if row.modified_at >= since and not row.binned]
            return page(changed, show_order)

    @app.get("/orders/<number>")
    def order(number: str) -> ResponseReturnValue:
        with shop.lock:
            return show_order(order_of(number))

    @app.get("/orders/<number>/actions")
    def actions(number: str) -> Any:
        with shop.lock:
            return [
                {**vars(action), "amount": str(action.amount), "at": action.at.isoformat()}
                for action in order_of(number).actions
            ]

    @app.post("/orders/<number>/<any(despatch, cancel, refund):kind>")
    def act(number: str, kind: str) -> ResponseReturnValue:
        with shop.lock:
            return {"reference": shop.act(kind, order_of(number), request.get_json()).reference}, 201

    @app.get("/products")
    def products() -> ResponseReturnValue:
        with shop.lock:
            return page(shop.products.values(), lambda row: {**vars(row), "price": float(row.price)})

    @app.put("/products/<any(stock, price):what>")
    def update(what: str) -> ResponseReturnValue:
        rows = request.get_json()
        if len(rows) > 100:
            raise ValueError("No more than 100 at a time")
        with shop.lock:
            return {"errors": [update_product(what, row) for row in rows]}

    def update_product(what: str, row: dict[str, Any]) -> str | None:
        product = shop.products.get(row["sku"])
        if product is None:
            return f"The shop has no product {row['sku']}"
        if what == "stock":
            product.stock = row["value"]
        else:
            product.price = Decimal(str(row["value"]))
        return None

    return app


def show_order(order: Order) -> dict[str, Any]:
    """Return an order as the API shows it."""
    return {
        "id": order.id,
        "number": order.number,
        "status": order.status,
        "created_at": order.created_at.isoformat(),
        "modified_at": order.modified_at.isoformat(),
        "paid_at": order.paid_at.isoformat() if order.paid_at else None,
        "shipping": float(order.shipping),
        "note": order.note,
        "version": order.version,
        "lines": [{**vars(line), "price": float(line.price), "refunded": str(line.refunded)} for line in order.lines],
    }
