"""A running Medusa at BRIDGE_TEST_MEDUSA_URL, with a secret API key in BRIDGE_TEST_MEDUSA_KEY.

The shop may be empty: what the tests need is made by its own APIs, once. The tests place orders and delete products, so
it must not be used for anything else.
"""

from __future__ import annotations

import os
from collections.abc import Iterable, Mapping
from concurrent.futures import ThreadPoolExecutor
from decimal import Decimal
from typing import Any

import pytest
import requests

from bridge.channels.medusa.configurator import numbers
from tests.channels.contract import ShopUnderTest

URL = os.environ.get("BRIDGE_TEST_MEDUSA_URL", "").rstrip("/")
NAME = "Bridge tests"
MIN_ORDERS, MIN_PRODUCTS = 230, 240
BATCH_SIZE = 60
PARALLEL_ORDERS = 3
PROVIDER = "pp_system_default"
CENT = Decimal("0.01")
PRICES = {"BRIDGE-ALWAYS-1": 7.99, "BRIDGE-ALWAYS-2": 7.35}
"""With 20 % tax the first costs 9.588, which Medusa does not round."""

ADDRESS = {
    "first_name": "Ann",
    "last_name": "Other",
    "address_1": "1 High Street",
    "city": "Leeds",
    "postal_code": "LS1 1AA",
    "country_code": "gb",
}


class LiveShop(ShopUnderTest):
    """The shop, with enough orders and products for several pages, in a sales channel and at a location of its own.

    Each product has a price in a second currency; those that orders are for have stock at a second location.
    """

    skus = tuple(PRICES)
    has_other_prices = True

    def __init__(self) -> None:
        key = os.environ["BRIDGE_TEST_MEDUSA_KEY"]
        self._session = requests.Session()
        self._session.auth = (key, "")
        self._session.headers["Connection"] = "close"  # Node ends unused connections while a test does something else
        self._channel = self._found_or_made("sales-channels", {"name": NAME})["id"]
        self._location, other_location = self._locations()
        self._profile = self._found_or_made("shipping-profiles", {"name": NAME, "type": "default"})["id"]
        self._region = self._gb_region()
        self._shipping = self._shipping_option()
        self._categories = [
            self._found_or_made("product-categories", {"name": f"{NAME} {letter}", "is_active": True})["id"]
            for letter in "AB"
        ]
        self._store_key = self._publishable_key()
        self.answers = {
            "store_url": URL,
            "api_key": key,
            f"sales_channel_{self._channel}": "True",
            "stock_location": self._location,
            "currency": "gbp",
        }
        self.wrong_answers = {**self.answers, "api_key": f"sk_{'f' * 64}"}
        self._add_products(other_location)
        self._add_orders()

    def references(self) -> set[str]:
        return {row["id"] for row in self._rows("orders", fields="id", sales_channel_id=[self._channel])}

    def place_order(self, lines: Mapping[str, int], *, paid: bool = True, days_ago: int = 0) -> str:
        if days_ago:
            pytest.skip("Medusa does not allow a date of change to be set")
        cart = self._store("carts", self._bought(lines))["cart"]["id"]
        self._store(f"carts/{cart}/shipping-methods", {"option_id": self._shipping})
        payment = self._store("payment-collections", {"cart_id": cart})["payment_collection"]["id"]
        self._store(f"payment-collections/{payment}/payment-sessions", {"provider_id": PROVIDER})
        reference = str(self._store(f"carts/{cart}/complete", {})["order"]["id"])
        if paid:
            self.pay(reference)
        return reference

    def pay(self, reference: str) -> None:
        """Capture the payment, which moves no date of the order."""
        for payment in self._payments(reference):
            self._call("POST", f"payments/{payment['id']}/capture", {}, fields="id")

    def cancel(self, reference: str) -> None:
        self._call("POST", f"orders/{reference}/cancel", {}, fields="id")

    def touch(self, reference: str) -> None:
        note = {"doorbell": f"Ring twice, {os.urandom(4).hex()}."}
        self._call("POST", f"orders/{reference}", {"metadata": note}, fields="id")

    def sent(self, reference: str) -> dict[str, int]:
        return sent_of(self._order(reference, "items.*,items.detail.*"))

    def refunded(self, reference: str) -> Decimal:
        return refunded_of(self._payments(reference))

    def add_product(self, sku: str) -> None:
        if not self._variants([sku]):
            self._call("POST", "products", self._product(sku))
            self._set_stock({sku: 1}, self._location)

    def remove_product(self, sku: str) -> None:
        self._call("DELETE", f"products/{self._variants([sku])[sku]['product_id']}")

    def refund(self, reference: str, amount: Decimal) -> None:
        (payment,) = self._payments(reference)
        self._call("POST", f"payments/{payment['id']}/refund", {"amount": float(amount)}, fields="id")

    def other_prices(self, sku: str) -> Mapping[str, Decimal]:
        (variant,) = self._rows("product-variants", sku=sku, fields="id,prices.*")
        return {
            price["currency_code"]: Decimal(str(price["amount"]))
            for price in variant["prices"]
            if price["currency_code"] != "gbp"
        }

    def done(self, reference: str) -> Any:
        """Return the states and tracking numbers too."""
        order = self._order(reference, "status,payment_status,fulfillment_status,fulfillments.labels.*")
        return states_of(order), self.sent(reference), self.refunded(reference)

    def category(self, sku: str) -> str:
        """Return the number under which Linnworks knows a product's category."""
        ids = numbers(row["id"] for row in self._rows("product-categories", fields="id"))
        product = self._variants([sku])[sku]["product_id"]
        (category,) = self._call("GET", f"products/{product}", fields="id,categories.id")["product"]["categories"]
        return next(str(number) for number, known in ids.items() if known == category["id"])

    # -- setting up ------------------------------------------------------------------------------------

    def _locations(self) -> tuple[str, str]:
        """Return the location that orders are sent from, and another one."""
        first, second = (
            self._found_or_made("stock-locations", {"name": name, "address": {"address_1": "1", "country_code": "gb"}})
            for name in (NAME, f"{NAME}, other place")
        )
        self._call("POST", f"stock-locations/{first['id']}/sales-channels", {"add": [self._channel]})
        self._call("POST", f"stock-locations/{first['id']}/fulfillment-providers", {"add": ["manual_manual"]})
        return first["id"], second["id"]

    def _gb_region(self) -> str:
        """Return the region that has Great Britain, which has a tax of 20 %; prices are in pounds and euros."""
        (store, *_) = self._rows("stores", fields="id,supported_currencies.*")
        known = {currency["currency_code"] for currency in store["supported_currencies"] or []}
        if not {"gbp", "eur"} <= known:
            currencies = [
                {"currency_code": code, "is_default": code == "gbp"} for code in sorted(known | {"gbp", "eur"})
            ]
            self._call("POST", f"stores/{store['id']}", {"supported_currencies": currencies})
        if not self._rows("tax-regions", country_code="gb"):
            rate = {"name": "VAT", "code": "VAT", "rate": 20}
            tax = {"country_code": "gb", "provider_id": "tp_system", "default_tax_rate": rate}
            self._call("POST", "tax-regions", tax)
        for region in self._rows("regions", fields="id,countries.*"):
            if any(country["iso_2"] == "gb" for country in region["countries"]):
                return str(region["id"])
        region = {"name": NAME, "currency_code": "gbp", "countries": ["gb"], "payment_providers": [PROVIDER]}
        return str(self._call("POST", "regions", region)["region"]["id"])

    def _shipping_option(self) -> str:
        for option in self._rows("shipping-options", fields="id,name"):
            if option["name"] == NAME:
                return str(option["id"])
        query = {"fields": "*fulfillment_sets"}
        path = f"stock-locations/{self._location}/fulfillment-sets"
        answer = self._call("POST", path, {"name": f"{NAME} {os.urandom(4).hex()}", "type": "shipping"}, **query)
        places = answer["stock_location"]["fulfillment_sets"][-1]["id"]
        zone = {"name": f"{NAME} {os.urandom(4).hex()}", "geo_zones": [{"type": "country", "country_code": "gb"}]}
        zones = self._call("POST", f"fulfillment-sets/{places}/service-zones", zone)["fulfillment_set"]["service_zones"]
        option = {
            "name": NAME,
            "service_zone_id": zones[-1]["id"],
            "shipping_profile_id": self._profile,
            "provider_id": "manual_manual",
            "price_type": "flat",
            "type": {"label": NAME, "description": "2 days", "code": "bridge-tests"},
            "prices": [{"currency_code": "gbp", "amount": 4.5}],
            "rules": [
                {"attribute": "enabled_in_store", "value": "true", "operator": "eq"},
                {"attribute": "is_return", "value": "false", "operator": "eq"},
            ],
        }
        return str(self._call("POST", "shipping-options", option)["shipping_option"]["id"])

    def _publishable_key(self) -> str:
        """Return the key of the store API for the tests' sales channel."""
        key = self._found_or_made("api-keys", {"title": NAME, "type": "publishable"})
        self._call("POST", f"api-keys/{key['id']}/sales-channels", {"add": [self._channel]})
        return str(key["token"])

    def _add_products(self, other_location: str) -> None:
        rows = self._rows("product-variants", fields="id,sku,product_id")
        new = {row["product_id"] for row in rows if (row["sku"] or "").startswith("NEW-")}  # of an earlier run
        for product in new:
            self._call("DELETE", f"products/{product}")
        known = {row["sku"] for row in rows if row["product_id"] not in new}
        missing = [sku for sku in self.skus if sku not in known]
        missing += [f"FILL-{os.urandom(4).hex()}" for _ in range(MIN_PRODUCTS - len(known) - len(missing))]
        for batch in _batches(missing):
            self._call("POST", "products/batch", {"create": [self._product(sku) for sku in batch]})
            self._set_stock({sku: 100_000 if sku in self.skus else 9 for sku in batch}, self._location)
        self._set_stock(dict.fromkeys(self.skus, 100_000), self._location)
        self._set_stock(dict.fromkeys(self.skus, 50), other_location)

    def _add_orders(self) -> None:
        """Add unpaid orders that the owner drafted, which is faster than buying."""
        missing = MIN_ORDERS - len(self.references())
        with ThreadPoolExecutor(PARALLEL_ORDERS) as threads:
            list(threads.map(lambda _: self._drafted(), range(missing)))

    def _drafted(self) -> None:
        shipping = {"name": NAME, "shipping_option_id": self._shipping, "amount": 4.5}
        body = {**self._bought({self.skus[0]: 1}), "shipping_methods": [shipping]}
        draft = self._call("POST", "draft-orders", body, fields="id")["draft_order"]["id"]
        self._call("POST", f"draft-orders/{draft}/convert-to-order", {}, fields="id")

    def _bought(self, lines: Mapping[str, int]) -> dict[str, Any]:
        variants = self._variants(lines)
        return {
            "region_id": self._region,
            "sales_channel_id": self._channel,
            "email": "ann@example.test",
            "shipping_address": ADDRESS,
            "billing_address": ADDRESS,
            "items": [{"variant_id": variants[sku]["id"], "quantity": count} for sku, count in lines.items()],
        }

    def _product(self, sku: str) -> dict[str, Any]:
        amount = PRICES.get(sku, 3.5)
        prices = [{"currency_code": "gbp", "amount": amount}, {"currency_code": "eur", "amount": amount + 1}]
        variant = {"title": "One", "sku": sku, "manage_inventory": True, "options": {"Kind": "One"}, "prices": prices}
        return {
            "title": f"Thing {sku}",
            "status": "published",
            "options": [{"title": "Kind", "values": ["One"]}],
            "variants": [variant],
            "shipping_profile_id": self._profile,
            "sales_channels": [{"id": self._channel}],
            "categories": [{"id": self._categories[0]}],
        }

    def _set_stock(self, quantities: Mapping[str, int], location: str) -> None:
        """Set stocked quantities by SKU at a location."""
        fields = "id,sku,location_levels.location_id"
        items = self._rows("inventory-items", fields=fields, sku=list(quantities))
        new, known = [], []
        for item in items:
            is_known = any(level["location_id"] == location for level in item["location_levels"])
            level = {"inventory_item_id": item["id"], "location_id": location}
            (known if is_known else new).append({**level, "stocked_quantity": quantities[item["sku"]]})
        self._call("POST", "inventory-items/location-levels/batch", {"create": new, "update": known})

    def _found_or_made(self, path: str, body: Mapping[str, Any]) -> dict[str, Any]:
        """Return the row with this name or title, which is made if there is none."""
        name = next(field for field in ("name", "title") if field in body)
        for row in self._rows(path):
            if row[name] == body[name] and row.get("type") == body.get("type", row.get("type")):
                return row
        answer: dict[str, Any] = next(iter(self._call("POST", path, body).values()))
        return answer

    # -- calls -----------------------------------------------------------------------------------------

    def _order(self, reference: str, fields: str) -> Any:
        return self._call("GET", f"orders/{reference}", fields=fields)["order"]

    def _payments(self, reference: str) -> list[Any]:
        fields = "payment_collections.payments.*,payment_collections.payments.refunds.*"
        collections = self._order(reference, fields)["payment_collections"]
        return [payment for collection in collections for payment in collection["payments"]]

    def _variants(self, skus: Iterable[str]) -> dict[str, Any]:
        rows = self._rows("product-variants", sku=list(skus), fields="id,sku,product_id")
        return {row["sku"]: row for row in rows}

    def _rows(self, path: str, **query: Any) -> list[dict[str, Any]]:
        answer = self._call("GET", path, **query, limit=100_000)
        rows: list[dict[str, Any]] = answer[path.replace("-", "_").replace("product_variants", "variants")]
        return rows

    def _store(self, path: str, body: Any) -> Any:
        url = f"{URL}/store/{path}?fields=id"  # what is not asked for need not be computed
        headers = {"x-publishable-api-key": self._store_key}
        answer = requests.post(url, json=body, headers=headers, timeout=60)
        assert answer.ok, answer.text[:500]
        return answer.json()

    def _call(self, method: str, path: str, body: Any = None, **query: Any) -> Any:
        params = {f"{name}[]" if isinstance(value, list) else name: value for name, value in query.items()}
        answer = self._session.request(method, f"{URL}/admin/{path}", params=params, json=body, timeout=60)
        assert answer.ok, f"{method} {path}: {answer.text[:500]}"
        return answer.json()


def _batches(rows: list[str]) -> Iterable[list[str]]:
    return (rows[first : first + BATCH_SIZE] for first in range(0, len(rows), BATCH_SIZE))


def sent_of(order: Mapping[str, Any]) -> dict[str, int]:
    """Return the pieces of an order by SKU that were shipped, which comes after they were fulfilled."""
    return {line["variant_sku"]: int(line["detail"]["shipped_quantity"]) for line in order["items"]}


def refunded_of(payments: Iterable[Mapping[str, Any]]) -> Decimal:
    """Return the sum of all refunds, in pence as the buyer gets it."""
    amounts = (Decimal(str(refund["amount"])) for payment in payments for refund in payment["refunds"])
    return sum(amounts, Decimal(0)).quantize(CENT)


def states_of(order: Mapping[str, Any]) -> Any:
    """Return an order's three states, and its tracking numbers."""
    tracking = sorted(label["tracking_number"] for parcel in order["fulfillments"] for label in parcel["labels"])
    return order["status"], order["payment_status"], order["fulfillment_status"], tracking
