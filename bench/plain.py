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


class PlainMedusa(PlainClient):
    """A plain client of Medusa's Admin API, which has no limit to a page but to the length of an address."""

    FIELDS = "*items,*shipping_address,*billing_address,*shipping_methods,*payment_collections.payments,total,email"

    def orders(self, since: datetime) -> int:
        """Read the orders that changed since then; return how many there are."""
        query = {"updated_at[$gte]": since.strftime("%Y-%m-%dT%H:%M:%S.%fZ"), "limit": 1000, "fields": self.FIELDS}
        return len(self._call("GET", "orders", **query)["orders"])

    def products(self) -> int:
        """Read all variants with their prices and stock; return how many there are."""
        fields = "id,sku,title,*product,*prices,*inventory_items.inventory.location_levels"
        return len(self._call("GET", "product-variants", limit=1000, fields=fields)["variants"])

    def set_levels(self, levels: Mapping[Product, int]) -> None:
        """Set stocked quantities at the first location of each item."""
        wanted = {one.sku: level for one, level in levels.items()}
        update = [
            {
                "inventory_item_id": item["id"],
                "location_id": item["location_levels"][0]["location_id"],
                "stocked_quantity": wanted[item["sku"]],
            }
            for item in self._found("inventory-items", "inventory_items", wanted, "id,sku,location_levels.location_id")
        ]
        self._call("POST", "inventory-items/location-levels/batch", {"update": update})

    def set_prices(self, prices: Mapping[Product, Decimal]) -> None:
        """Set the first price of each variant, and keep the others."""
        wanted = {one.sku: float(price) for one, price in prices.items()}
        rows = self._found("product-variants", "variants", wanted, "id,sku,product_id,*prices")
        update = []
        for row in rows:
            kept = [{"currency_code": one["currency_code"], "amount": one["amount"]} for one in row["prices"]]
            kept[0]["amount"] = wanted[row["sku"]]
            update.append({"id": row["id"], "prices": kept})
        self._call("POST", f"products/{rows[0]['product_id']}/variants/batch", {"update": update}, fields="id")

    def _found(self, path: str, name: str, skus: Mapping[str, Any], fields: str) -> list[Any]:
        names = list(skus)
        answers = (
            self._call("GET", path, limit=PAGE, fields=fields, **{"sku[]": names[first : first + PAGE]})
            for first in range(0, len(names), PAGE)
        )
        return [row for answer in answers for row in answer[name]]

    def _call(self, method: str, path: str, body: Any = None, **params: Any) -> Any:
        return self.call(method, f"admin/{path}", body, **params)
