"""Plain clients of shops: they do the bridge's jobs one call after the other, in the largest batches, and no more."""

from __future__ import annotations

import itertools
import time
from collections.abc import Mapping
from datetime import datetime
from decimal import Decimal
from typing import Any

import requests

from bridge.protocol.schemas.products import Product

PAGE = 100


class PlainClient:
    """Calls a shop by `requests` alone, and counts the calls and the seconds that they took."""

    def __init__(self, url: str, auth: tuple[str, str]) -> None:
        self.url = url
        self.session = requests.Session()
        self.session.auth = auth
        self.calls, self.seconds = 0, 0.0

    def call(self, method: str, path: str, body: Any = None, **params: Any) -> Any:
        """Call the shop and return its answer's JSON."""
        began = time.perf_counter()
        answer = self.session.request(method, f"{self.url}/{path}", params=params, json=body, timeout=60)
        self.seconds += time.perf_counter() - began
        self.calls += 1
        answer.raise_for_status()
        return answer.json()


class PlainWooCommerce(PlainClient):
    """A plain client of WooCommerce's REST API, which allows batches and pages of a hundred."""

    def orders(self, since: datetime) -> int:
        """Read the orders that changed since then, with their refunds; return how many there are."""
        rows = self._pages("orders", modified_after=since.strftime("%Y-%m-%dT%H:%M:%S"), dates_are_gmt="true")
        for row in rows:
            if row["refunds"]:
                self._call("GET", f"orders/{row['id']}/refunds")
        return len(rows)

    def products(self) -> int:
        """Read the published products; return how many there are."""
        return len(self._pages("products", status="publish"))

    def set_levels(self, levels: Mapping[Product, int]) -> None:
        """Set stock levels of simple products."""
        self._write({one.sku: {"stock_quantity": level} for one, level in levels.items()})

    def set_prices(self, prices: Mapping[Product, Decimal]) -> None:
        """Set regular prices of simple products."""
        self._write({one.sku: {"regular_price": str(price)} for one, price in prices.items()})

    def _write(self, fields: Mapping[str, Mapping[str, Any]]) -> None:
        skus = list(fields)
        for first in range(0, len(skus), PAGE):
            rows = self._call("GET", "products", sku=",".join(skus[first : first + PAGE]), per_page=PAGE)
            self._call("POST", "products/batch", {"update": [{"id": row["id"], **fields[row["sku"]]} for row in rows]})

    def _pages(self, path: str, **params: Any) -> list[Any]:
        rows: list[Any] = []
        for number in itertools.count(1):
            page = self._call("GET", path, per_page=PAGE, page=number, **params)
            rows += page
            if len(page) < PAGE:
                break
        return rows

    def _call(self, method: str, path: str, body: Any = None, **params: Any) -> Any:
        return self.call(method, f"wp-json/wc/v3/{path}", body, **params)
