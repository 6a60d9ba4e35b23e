"""A scripted Medusa: a shop in memory whose Admin API answers as Medusa 2.21 was observed to.

It reproduces what a bridge needs of it: secret keys, lists with their fields, filters and pages; orders with unrounded
amounts, payments, captures that leave the order's time of change alone, refunds with credit lines, fulfilments,
shipments, cancels; products, variants whose prices are replaced as a whole, price lists, stock at locations with
reservations, categories.

Not included: carts, draft orders, promotions, claims, exchanges, customers, users.

    shop = MedusaShop()
    shop.add_product("MUG", stock=10, price="7.99")
    order = shop.place_order({"MUG": 2})
    shop.order(order)["payment_status"]  # captured
"""

from __future__ import annotations

import threading
from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from decimal import Decimal
from typing import Any

from bridge.clock import now
from tests.channels.hostile.server import Faults, HostileServer
from tests.channels.medusa.fake.api import api
from tests.channels.medusa.fake.catalogue import Catalogue
from tests.channels.medusa.fake.checkout import Checkout
from tests.channels.medusa.fake.order_views import left_to_capture, show_order
from tests.channels.medusa.fake.orders import OrderBook
from tests.channels.medusa.fake.rows import Row, new_id, shown, time_text

CURRENCIES = {"gbp": ("£", "British Pound Sterling", 2), "eur": ("€", "Euro", 2), "jpy": ("¥", "Japanese Yen", 0)}
TABLES = {
    "sales_channels": "sc",
    "stock_locations": "sloc",
    "regions": "reg",
    "shipping_options": "so",
    "shipping_profiles": "sp",
    "refund_reasons": "refr",
    "api_keys": "apk",
}


class MedusaShop:
    """A Medusa with a region without tax in its prices (`gbp`) and one with tax in them (`eur`), served until closed.

    Its methods are what customers and the owner do; `calls` are the requests, `faults` make them fail.
    """

    def __init__(self, currencies: Sequence[str] = ("gbp", "eur")) -> None:
        self.key = "sk_" + "5" * 64
        self.lock = threading.RLock()
        self.offset = timedelta(0)
        self.currencies = {code: CURRENCIES[code] for code in currencies}
        self.catalogue = Catalogue(self.now)
        self.tables: dict[str, dict[str, Row]] = {name: {} for name in TABLES}
        self.orders = OrderBook(self)
        self.checkout = Checkout(self)
        self.key_id = self.add("api_keys", title="bridge", type="secret", token="", redacted="sk_555***555")
        self.channel = self.add("sales_channels", name="Default Sales Channel", description=None, is_disabled=False)
        self.location = self.add_location("Warehouse")
        self.regions = {
            code: self.add_region(f"Region {code.upper()}", code, inclusive=code == "eur") for code in currencies
        }
        self.add("shipping_profiles", name="Default Shipping Profile", type="default")
        self.shipping = self.add("shipping_options", name="Standard", price_type="flat", provider_id="manual_manual")
        for code in ("shipping_issue", "customer_care_adjustment", "pricing_error"):
            self.add("refund_reasons", label=code.replace("_", " ").title(), code=code, description=None)
        self.store = self.catalogue.stamped("store", name="Medusa Store", default_location_id=None, metadata=None)
        self.store["default_sales_channel_id"] = self.channel
        self.server = HostileServer(api(self))

    def __enter__(self) -> MedusaShop:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        self.server.close()

    @property
    def url(self) -> str:
        return self.server.url

    @property
    def faults(self) -> Faults:
        return self.server.faults

    @property
    def calls(self) -> list[tuple[str, str]]:
        return self.server.calls

    def now(self) -> str:
        """Return the time of the shop's clock as Medusa writes it."""
        return time_text(now() + self.offset)

    # -- set-up ----------------------------------------------------------------------------------------

    def add(self, table: str, **fields: Any) -> str:
        """Add a row to a table and return its id."""
        row = self.catalogue.stamped(TABLES[table], **fields, metadata=None)
        self.tables[table][row["id"]] = row
        return str(row["id"])

    def add_location(self, name: str) -> str:
        address = {"id": new_id("laddr"), "address_1": "1 Test Street", "address_2": None, "city": "London"}
        return self.add("stock_locations", name=name, address={**address, "country_code": "gb", "metadata": None})

    def add_region(self, name: str, currency: str, *, inclusive: bool = False, rate: str = "20") -> str:
        """Add a region whose orders have this tax rate."""
        key = self.add("regions", name=name, currency_code=currency, automatic_taxes=True, countries=[])
        self.checkout.taxes[key] = (Decimal(rate), inclusive)
        return key

    def add_channel(self, name: str) -> str:
        return self.add("sales_channels", name=name, description=None, is_disabled=False)

    def add_category(self, name: str, parent: str | None = None) -> str:
        return str(self.catalogue.add_category({"name": name, "parent_category_id": parent})["id"])

    # -- products --------------------------------------------------------------------------------------

    def add_product(self, sku: str, *, stock: int | None = 50, price: str = "5.00", **fields: Any) -> str:
        """Add a product of one variant, with a price in every currency; without `stock` it is not counted."""
        return self.add_variants(sku, {sku: "One"}, option="Default", stock=stock, price=price, **fields)

    def add_variants(
        self,
        title: str,
        variants: Mapping[str, str],
        *,
        option: str = "Size",
        stock: int | None = 50,
        price: str = "5.00",
        prices: Sequence[Mapping[str, Any]] = (),
        **fields: Any,
    ) -> str:
        """Add a product with a variant for each SKU and option value, and return its id."""
        base = [{"currency_code": code, "amount": price} for code in self.currencies]
        sent = {
            "title": f"Thing {title}",
            "status": "published",
            "options": [{"title": option, "values": list(dict.fromkeys(variants.values()))}],
            "sales_channels": [{"id": self.channel}],
            "variants": [
                {
                    "title": value,
                    "sku": sku,
                    "options": {option: value},
                    "manage_inventory": stock is not None,
                    "prices": list(prices) or base,
                }
                for sku, value in variants.items()
            ],
            **fields,
        }
        with self.lock:
            product = self.catalogue.create_product(sent)
            for sku in variants if stock is not None else ():
                self.set_stock(sku, stock or 0)
        return str(product["id"])

    def variant(self, sku: str) -> Row:
        return next(row for row in self.catalogue.variants.values() if row["sku"] == sku)

    def remove_product(self, sku: str) -> None:
        """Delete the product of this SKU, whatever is reserved of it."""
        with self.lock:
            product = self.variant(sku)["product_id"]
            for variant in self.catalogue.variants_of(product):
                del self.catalogue.variants[variant["id"]]
            del self.catalogue.products[product]

    def set_stock(self, sku: str, quantity: int, location: str = "") -> None:
        """Count a variant's pieces at a location, the warehouse unless given."""
        item = self.variant(sku)["inventory_items"][0]
        place = location or self.location
        if place not in self.catalogue.levels.get(item, ()):
            self.catalogue.create_level(item, place, 0)
        self.catalogue.level(item, place)["stocked_quantity"] = Decimal(quantity)

    def stock(self, sku: str, location: str = "") -> tuple[int, int]:
        """Return how many pieces of a variant are at a location, and how many of them are reserved."""
        level = self.catalogue.level(self.variant(sku)["inventory_items"][0], location or self.location)
        return int(level["stocked_quantity"]), int(level["reserved_quantity"])

    def set_prices(self, sku: str, *prices: Mapping[str, Any]) -> None:
        self.catalogue.set_prices(self.variant(sku), prices)

    def prices(self, sku: str) -> dict[str, Decimal]:
        """Return the prices of a variant by currency, with ` <region>` or ` <price list>` after it."""
        variant = self.variant(sku)
        found = {
            " ".join([price["currency_code"], *price["rules"].values()]): price["amount"] for price in variant["prices"]
        }
        listed = [price for price in self.catalogue.list_prices.values() if price["variant_id"] == variant["id"]]
        return found | {f"{price['currency_code']} {price['price_list_id']}": price["amount"] for price in listed}

    def add_price_list(self, title: str, prices: Mapping[str, str] | None = None, currency: str = "gbp") -> str:
        """Add a price list with prices by SKU."""
        row = self.catalogue.stamped("plist", title=title, description=title, type="override", status="active")
        self.catalogue.price_lists[row["id"]] = {**row, "starts_at": None, "ends_at": None, "metadata": None}
        for sku, amount in (prices or {}).items():
            sent = {"variant_id": self.variant(sku)["id"], "currency_code": currency, "amount": amount}
            self.catalogue.add_list_price(row["id"], sent)
        return str(row["id"])

    # -- orders ----------------------------------------------------------------------------------------

    def place_order(self, lines: Mapping[str, int], *, paid: bool = True, **wanted: Any) -> str:
        """Order, and pay with a payment that is captured at once; see Checkout for what may be `wanted`."""
        with self.lock:
            key = self.checkout.place_order(lines, **wanted)
            if paid:
                self.pay(key)
        return key

    def pay(self, key: str) -> None:
        """Capture what is left of an order's payments, which does not move its time of change."""
        with self.lock:
            for payment in self.payments(key):
                self.orders.capture(payment["id"], None)

    def capture(self, key: str, amount: str) -> None:
        """Capture an amount, from one payment after another."""
        left = Decimal(amount)
        with self.lock:
            for payment in self.payments(key):
                part = min(left, left_to_capture(payment))
                if part:
                    self.orders.capture(payment["id"], part)
                    left -= part

    def refund(self, key: str, amount: Decimal | str) -> None:
        """Refund an amount of the first payment, as the owner in the admin."""
        with self.lock:
            self.orders.refund(self.payments(key)[0]["id"], Decimal(amount))

    def payments(self, key: str) -> list[Row]:
        return [row for one in self.orders.find(key)["payment_collections"] for row in one["payments"]]

    def refunds(self, key: str) -> list[Row]:
        return [refund for payment in self.payments(key) for refund in payment["refunds"]]

    def cancel(self, key: str) -> None:
        with self.lock:
            self.orders.cancel(key)

    def touch(self, key: str, **metadata: str) -> None:
        """Write something into an order's metadata."""
        with self.lock:
            self.orders.update(key, {"metadata": metadata or {"note": self.now()}})

    def edit(self, key: str, quantities: Mapping[str, int]) -> None:
        """Confirm an edit of an order: quantities by SKU, of which 0 removes the line."""
        with self.lock:
            self.checkout.edit(self.orders.open(key), quantities)

    def begin_edit(self, key: str) -> None:
        """Leave an edit of an order open, so that nothing else can be done to it."""
        self.orders.find(key)["change"] = self.catalogue.stamped("ordch", order_id=key, status="pending")

    def give_back(self, key: str, quantities: Mapping[str, int]) -> None:
        """Receive a return of pieces by SKU."""
        with self.lock:
            self.checkout.give_back(self.orders.open(key), quantities)

    def age(self, key: str, days: int) -> None:
        """Let an order have been made, changed and paid days ago."""
        order = self.orders.find(key)
        for row in (order, *order["payment_collections"], *self.payments(key)):
            for name in ("created_at", "updated_at"):
                moment = datetime.fromisoformat(row[name].replace("Z", "+00:00"))
                row[name] = time_text(moment - timedelta(days=days))

    def delete_order(self, key: str) -> None:
        """Delete an order, which Medusa itself offers for draft orders only."""
        del self.orders.orders[key]

    def order(self, key: str) -> Row:
        """Return an order with everything, as the API would show it."""
        with self.lock:
            row: Row = shown(show_order(self, self.orders.find(key)))
            return row

    def sent(self, key: str) -> dict[str, int]:
        """Return the shipped pieces of an order by SKU."""
        return {line["variant_sku"]: line["detail"]["shipped_quantity"] for line in self.order(key)["items"]}
