"""What was done in a running Medusa while its answers were recorded, done again in the scripted one."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

import requests

from tests.channels.medusa.fake.shop import MedusaShop

ADDRESS = {"company": "Sample Ltd", "address_2": "Flat 2", "province": "Kent"}
ORDER_FIELDS = (
    "id,display_id,status,version,email,currency_code,region_id,sales_channel_id,customer_id,metadata,created_at,"
    "updated_at,canceled_at,total,subtotal,tax_total,discount_total,shipping_total,credit_line_total,item_total,"
    "original_total,is_draft_order,no_notification,*items,*items.tax_lines,*items.adjustments,*items.detail,"
    "*items.variant,*items.variant.product,*credit_lines,*summary,*shipping_address,*billing_address,"
    "*shipping_methods,*shipping_methods.tax_lines,*shipping_methods.adjustments,*payment_collections,"
    "*payment_collections.payments,*payment_collections.payments.refunds,*payment_collections.payments.captures,"
    "*fulfillments,*fulfillments.items,*fulfillments.labels,*transactions,*customer,*sales_channel,*region,*returns"
)
TOTALS = ",".join(
    f"{kind}{part}{name}"
    for kind in ("", "original_")
    for part in ("", "item_", "shipping_")
    for name in ("total", "subtotal", "tax_total")
)
TOTAL_FIELDS = (
    "*items,*items.tax_lines,*items.adjustments,*items.detail,*shipping_methods,*shipping_methods.tax_lines,"
    f"*shipping_methods.adjustments,{TOTALS},discount_total,discount_tax_total,item_discount_total,"
    "shipping_discount_total,currency_code,summary"
)


class Sample:
    """The shop of the recordings, with its orders; `answers` has what it answered, by the recordings' names."""

    def __init__(self, shop: MedusaShop) -> None:
        self.shop = shop
        self.inclusive = shop.add_region("Inclusive", "eur", inclusive=True, rate="19")
        self._product("M5A", "7.99", "8.99")
        self._product("M5B", "3.33", "4.44")
        self._product("M5G", "10", "12", stock=None)
        self._product("M5I", "11.9", "11.9", {"region_id": self.inclusive})
        here = {"region": self.inclusive, "shipping": "5.95", "paid": False, "address": ADDRESS}
        self.first = shop.place_order({"M5A": 3, "M5B": 1}, paid=False, address=ADDRESS)
        self.second = shop.place_order({"M5A": 1, "M5B": 2}, paid=False, discount="10", address=ADDRESS)
        self.third = shop.place_order({"M5A": 2, "M5G": 1}, **here)
        self.sixth = shop.place_order({"M5I": 3}, **here)
        self.seventh = shop.place_order({"M5I": 2}, discount="25", **here)
        self.fulfilment = ""

    def call(self, method: str, path: str, body: Any = None, **params: Any) -> tuple[int, Any]:
        """Return status and JSON of an answer."""
        url = f"{self.shop.url}/admin/{path}"
        answer = requests.request(method, url, params=params, json=body, auth=(self.shop.key, ""), timeout=10)
        return answer.status_code, answer.json()

    def answers(self) -> dict[str, Any]:
        """Do everything, and return the answers by the recordings' names."""
        first, second, third = self.first, self.second, self.third
        line = self.shop.orders.find(first)["items"][0]["id"]
        pay, other = (self.shop.payments(key)[0]["id"] for key in (first, third))
        found = {
            "exclusive": self._order(first),
            "discounted": self._order(second),
            "two currencies": self._order(third),
            "inclusive": self._order(self.sixth, TOTAL_FIELDS),
            "inclusive discounted": self._order(self.seventh, TOTAL_FIELDS),
        }
        self.call(
            "POST", f"orders/{first}/fulfillments", {"items": [{"id": line, "quantity": 2}], "metadata": {"k": "v"}}
        )
        found["fulfilled"] = self._order(first)
        self.fulfilment = found["fulfilled"]["order"]["fulfillments"][0]["id"]
        label = {"tracking_number": "T1", "tracking_url": "https://x.test/T1", "label_url": "#"}
        self.call("POST", f"orders/{first}/fulfillments/{self.fulfilment}/shipments", {"labels": [label]})
        found["capture"] = self.call("POST", f"payments/{pay}/capture", {})[1]
        found["captured"] = self._order(first)
        found["refund"] = self.call("POST", f"payments/{pay}/refund", {"amount": 1.5, "note": "key1"})[1]
        found["refunded"] = self._order(first)
        self.call("POST", f"orders/{first}/fulfillments/{self.fulfilment}/mark-as-delivered", {})
        found["delivered"] = self._order(first)
        self.call("POST", f"payments/{other}/capture", {"amount": 10})
        found["captured in part"] = self._order(third)
        self.call("POST", f"orders/{third}/cancel", {})
        found["cancelled with money"] = self._order(third)
        self.call("POST", f"orders/{second}/cancel", {})
        found["cancelled"] = self._order(second)
        return found

    def _order(self, key: str, fields: str = ORDER_FIELDS) -> Any:
        return self.call("GET", f"orders/{key}", fields=fields)[1]

    def _product(self, sku: str, gbp: str, eur: str, rules: Any = None, stock: int | None = 100) -> None:
        prices = [{"currency_code": "gbp", "amount": gbp}, {"currency_code": "eur", "amount": eur}]
        prices += [{"currency_code": "eur", "amount": Decimal(eur), "rules": rules}] if rules else []
        self.shop.add_variants(sku, {sku: "One"}, option="Default", stock=stock, prices=prices)
