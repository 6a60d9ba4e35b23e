"""The corner shop itself: a JSON API over HTTP with its data in memory, in which a test acts as customer and owner."""

from __future__ import annotations

import itertools
import threading
from collections.abc import Mapping
from datetime import datetime, timedelta
from decimal import Decimal
from typing import Any

from flask import Flask, request
from flask.typing import ResponseReturnValue

from bridge.clock import now
from tests.channels.hostile.server import HostileServer

ADDRESS = {"full_name": "Ann Other", "address1": "1 High Street", "town": "Leeds", "country_code": "GB"}
SHIPPING = Decimal("3.95")

Row = dict[str, Any]


class ScriptedShop:
    """The shop at `url`; rows are as its API shows them, orders by their number and products by their SKU."""

    key = "the key of the corner shop"

    def __init__(self) -> None:
        self.orders: dict[str, Row] = {}
        self.products: dict[str, Row] = {}
        self.lock = threading.RLock()
        self._ids = itertools.count(1)
        self.server = HostileServer(api(self))
        self.url = self.server.url

    def add_product(self, sku: str, stock: int = 100) -> None:
        product = {"id": next(self._ids), "sku": sku, "title": f"Thing {sku}", "price": Decimal("7.35"), "stock": stock}
        self.products[sku] = product

    def place_order(self, lines: Mapping[str, int], *, paid: bool = True, days_ago: int = 0) -> str:
        """Place an order that last changed days ago, and return its number."""
        with self.lock:
            for sku, quantity in lines.items():
                self.products[sku]["stock"] -= quantity
            order_id, at = next(self._ids), _now(days_ago)
            number = f"C-{order_id}"
            self.orders[number] = {
                "id": order_id,
                "number": number,
                "placed_at": at,
                "paid_at": at if paid else None,
                "cancelled_at": None,
                "changed_at": at,
                "currency": "GBP",
                "address": ADDRESS,
                "shipping_method": "post",
                "shipping": SHIPPING,
                "total": SHIPPING + sum(self.products[sku]["price"] * count for sku, count in lines.items()),
                "refunded": Decimal(0),
                "lines": [self._line(f"{number}-{place}", *line) for place, line in enumerate(lines.items(), 1)],
                "fulfilments": [],
                "notes": [],
            }
            return number

    def _line(self, line_id: str, sku: str, quantity: int) -> Row:
        product = self.products[sku]
        line = {"id": line_id, "sku": sku, "title": product["title"], "quantity": quantity, "price": product["price"]}
        return {**line, "tax_rate": 20}

    def change(self, number: str, **fields: Any) -> None:
        """Change an order; its modification date moves with every change."""
        with self.lock:
            self.orders[number].update(fields, changed_at=_now())

    def note(self, number: str, text: str) -> None:
        self.change(number, notes=[*self.orders[number]["notes"], {"text": text, "at": _now()}])

    def pay(self, number: str) -> None:
        self.change(number, paid_at=_now())

    def cancel(self, number: str) -> None:
        """Cancel an order, which gives its pieces back to the stock and no money to the customer."""
        with self.lock:
            for line in self.orders[number]["lines"]:
                self.products[line["sku"]]["stock"] += line["quantity"] - self.sent(number)[line["sku"]]
            self.change(number, cancelled_at=_now())

    def refund(self, number: str, amount: Decimal) -> None:
        self.change(number, refunded=self.orders[number]["refunded"] + amount)
        self.note(number, f"Refunded {amount}")

    def sent(self, number: str) -> dict[str, int]:
        """Return the pieces that were sent by SKU."""
        order = self.orders[number]
        return {
            line["sku"]: sum(fulfilment["lines"].get(line["id"], 0) for fulfilment in order["fulfilments"])
            for line in order["lines"]
        }

    def fulfil(self, number: str, wanted: Row) -> str:
        """Send pieces of an order, and return why that is not possible or an empty text."""
        with self.lock:
            sent = self.sent(number)
            left = {line["id"]: line["quantity"] - sent[line["sku"]] for line in self.orders[number]["lines"]}
            if self.orders[number]["cancelled_at"]:
                return "The order is cancelled"
            if any(count > left.get(line, 0) for line, count in wanted["lines"].items()):
                return "There are not so many left"
            self.change(number, fulfilments=[*self.orders[number]["fulfilments"], {**wanted, "at": _now()}])
            return ""


def _now(days_ago: int = 0) -> str:
    moment: datetime = now() - timedelta(days=days_ago)
    return moment.isoformat(timespec="seconds")


def api(shop: ScriptedShop) -> Flask:
    """Return the API of the shop; every call needs its key."""
    app = Flask(__name__)

    @app.before_request
    def authenticate() -> ResponseReturnValue | None:
        right = request.headers.get("Authorization") == f"Bearer {shop.key}"
        return None if right else ({"message": "This key is unknown"}, 401)

    @app.get("/shop")
    def about() -> ResponseReturnValue:
        return {"name": "Corner shop"}

    @app.get("/shipping-methods")
    def shipping_methods() -> Any:
        return [{"code": "post", "name": "By post"}, {"code": "van", "name": "By our van"}]

    @app.get("/orders")
    def orders() -> Any:
        since = datetime.fromisoformat(request.args["changed_since"])
        return _page([row for row in shop.orders.values() if datetime.fromisoformat(row["changed_at"]) >= since])

    @app.get("/orders/<number>")
    def order(number: str) -> ResponseReturnValue:
        return _shown(shop.orders[number]) if number in shop.orders else _missing()

    @app.post("/orders/<number>/fulfilments")
    def fulfil(number: str) -> ResponseReturnValue:
        if number not in shop.orders:
            return _missing()
        problem = shop.fulfil(number, request.get_json())
        return ({"message": problem}, 422) if problem else ({}, 201)

    @app.get("/products")
    def products() -> Any:
        return _page(list(shop.products.values()))

    @app.patch("/products/<path:sku>")
    def change(sku: str) -> ResponseReturnValue:
        if sku not in shop.products:
            return _missing()
        shop.products[sku] |= {name: Decimal(str(value)) for name, value in request.get_json().items()}
        return _shown(shop.products[sku])

    return app


def _page(rows: list[Row]) -> list[Row]:
    """Return the rows after an id, in the order of their ids, which never change."""
    after, limit = int(request.args["after"]), int(request.args["limit"])
    return [_shown(row) for row in sorted(rows, key=lambda row: row["id"]) if row["id"] > after][:limit]


def _shown(value: Any) -> Any:
    """Return a row with its amounts as numbers."""
    if isinstance(value, dict):
        return {name: _shown(inner) for name, inner in value.items()}
    if isinstance(value, list):
        return [_shown(inner) for inner in value]
    return (int(value) if value == value.to_integral_value() else float(value)) if isinstance(value, Decimal) else value


def _missing() -> ResponseReturnValue:
    return {"message": "There is none"}, 404
