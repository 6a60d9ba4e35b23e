"""A running WooCommerce at BRIDGE_TEST_WOOCOMMERCE_URL.

The tests add and delete orders and products, so the shop must not be used for anything else. Its key and secret are
BRIDGE_TEST_WOOCOMMERCE_KEY and BRIDGE_TEST_WOOCOMMERCE_SECRET; the tests themselves send them by HTTP Basic.
"""

from __future__ import annotations

import os
from collections.abc import Mapping
from decimal import Decimal
from typing import Any

import pytest
import requests

from tests.channels.contract import ShopUnderTest

URL = os.environ.get("BRIDGE_TEST_WOOCOMMERCE_URL", "").rstrip("/")
MIN_ORDERS, MIN_PRODUCTS = 230, 240
BATCH_SIZE = 50

ADDRESS = {
    "first_name": "Ann",
    "last_name": "Other",
    "address_1": "1 High Street",
    "city": "Leeds",
    "postcode": "LS1 1AA",
    "country": "GB",
}


class LiveShop(ShopUnderTest):
    """The shop, with enough orders and products for several pages."""

    skus = ("BRIDGE-ALWAYS-1", "BRIDGE-ALWAYS-2")
    can_delete_orders = True

    def __init__(self) -> None:
        key = os.environ["BRIDGE_TEST_WOOCOMMERCE_KEY"]
        secret = os.environ["BRIDGE_TEST_WOOCOMMERCE_SECRET"]
        self._session = requests.Session()
        self._session.auth = (key, secret)
        self.picture = f"{URL}/wp-includes/images/media/default.png"
        self.answers = {"store_url": URL, "consumer_key": key, "consumer_secret": secret}
        self.wrong_answers = {**self.answers, "consumer_secret": f"cs_{'f' * 40}"}
        self._delete_products("NEW-")  # from the listings of an earlier run
        for sku in self.skus:
            self._set_product(sku, 100_000)
        missing = MIN_PRODUCTS - len(self._ids("products"))
        for first in range(0, missing, BATCH_SIZE):
            bodies = [_product(f"FILL-{os.urandom(4).hex()}", 9) for _ in range(min(BATCH_SIZE, missing - first))]
            self._call("POST", "products/batch", {"create": bodies})
        missing = MIN_ORDERS - len(self._ids("orders"))
        for first in range(0, missing, BATCH_SIZE):
            orders = [self._order({self.skus[0]: 1}, paid=True) for _ in range(min(BATCH_SIZE, missing - first))]
            self._call("POST", "orders/batch", {"create": orders})

    def references(self) -> set[str]:
        return {str(number) for number in self._ids("orders")}

    def place_order(self, lines: Mapping[str, int], *, paid: bool = True, days_ago: int = 0) -> str:
        if days_ago:
            pytest.skip("WooCommerce does not allow a date of change to be set")
        return str(self._call("POST", "orders", self._order(lines, paid))["id"])

    def pay(self, reference: str) -> None:
        self._call("PUT", f"orders/{reference}", {"set_paid": True})

    def cancel(self, reference: str) -> None:
        self._call("PUT", f"orders/{reference}", {"status": "cancelled"})

    def touch(self, reference: str) -> None:
        self._call("PUT", f"orders/{reference}", {"customer_note": f"Ring twice, {os.urandom(4).hex()}."})

    def sent(self, reference: str) -> dict[str, int]:
        return sent_of(self._call("GET", f"orders/{reference}"))

    def refunded(self, reference: str) -> Decimal:
        refunds = self._call("GET", f"orders/{reference}/refunds")
        return sum((Decimal(refund["amount"]) for refund in refunds), Decimal(0))

    def add_product(self, sku: str) -> None:
        self._set_product(sku, 1)

    def remove_product(self, sku: str) -> None:
        for row in self._call("GET", "products", sku=sku):
            path = (
                f"products/{row['parent_id']}/variations/{row['id']}" if row["parent_id"] else f"products/{row['id']}"
            )
            self._call("DELETE", path, force="true")

    def delete_order(self, reference: str) -> None:
        self._call("DELETE", f"orders/{reference}", force="true")

    def refund(self, reference: str, amount: Decimal) -> None:
        self._call("POST", f"orders/{reference}/refunds", {"amount": str(amount), "api_refund": False})

    def category(self, sku: str) -> str:
        (row,) = self._call("GET", "products", sku=sku)
        return str(row["categories"][0]["id"])

    def _delete_products(self, beginning: str) -> None:
        found = self._rows("products", "id,sku")
        gone = [row["id"] for row in found if row["sku"].startswith(beginning)]
        for first in range(0, len(gone), BATCH_SIZE):
            self._call("POST", "products/batch", {"delete": gone[first : first + BATCH_SIZE]})

    def _set_product(self, sku: str, stock: int) -> None:
        known = self._call("GET", "products", sku=sku)
        body = _product(sku, stock)
        self._call("PUT", f"products/{known[0]['id']}", body) if known else self._call("POST", "products", body)

    def _order(self, lines: Mapping[str, int], paid: bool) -> dict[str, Any]:
        ids = {row["sku"]: row["id"] for row in self._call("GET", "products", sku=",".join(lines))}
        return {
            "set_paid": paid,
            "payment_method": "bacs",
            "billing": {**ADDRESS, "email": "ann@example.test"},
            "shipping": ADDRESS,
            "line_items": [{"product_id": ids[sku], "quantity": count} for sku, count in lines.items()],
            "shipping_lines": [{"method_id": "flat_rate", "method_title": "Standard", "total": "3.95"}],
        }

    def _ids(self, path: str) -> list[int]:
        return [row["id"] for row in self._rows(path, "id")]

    def _rows(self, path: str, fields: str) -> list[dict[str, Any]]:
        rows: list[dict[str, Any]] = []
        number = 1
        while len(rows) == 100 * (number - 1):
            rows += self._call("GET", path, per_page=100, page=number, _fields=fields)
            number += 1
        return rows

    def _call(self, method: str, path: str, body: Any = None, **params: Any) -> Any:
        answer = self._session.request(method, f"{URL}/wp-json/wc/v3/{path}", params=params, json=body, timeout=60)
        assert answer.ok, answer.text[:500]
        return answer.json()


def _product(sku: str, stock: int) -> dict[str, Any]:
    return {"name": f"Thing {sku}", "sku": sku, "regular_price": "7.35", "manage_stock": True, "stock_quantity": stock}


def sent_of(order: Mapping[str, Any]) -> dict[str, int]:
    """Return the despatched pieces of an order by SKU, as the bridge has recorded them."""
    lines = {str(line["id"]): line["sku"] for line in order["line_items"]}
    sent = dict.fromkeys(lines.values(), 0)
    for field in order["meta_data"]:
        if field["key"].startswith("_linnworks_despatch_"):
            for word in field["value"]["items"].split():
                line, _, count = word.partition(":")
                sent[lines[line]] += int(count)
    return sent
