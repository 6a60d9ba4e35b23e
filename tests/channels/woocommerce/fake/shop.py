"""A scripted WooCommerce: a shop in memory whose REST API answers as real ones were observed to.

It imitates 11.0.1, 10.3.6 and 7.9.0, with orders in HPOS or in posts, and reproduces what a bridge needs of:

- keys (Basic and query where PHP sees HTTPS, OAuth 1.0a elsewhere), permalinks, a web server that removes the header;
- orders: lists with their filters, paging, ties and drift, what changes date_modified in which storage, statuses with
  the stock they take and release, notes, refunds by hand and through a gateway (`fakepay`), the bin;
- fulfilments of orders, where they are switched on;
- products and variations: lists, search by SKU, single writes and unchecked batches, stock on a parent, the bin;
- taxes exclusive and inclusive, coupons, settings, zones, gateways, categories, attributes, countries.

Not included: webhooks, customers, coupons by REST, reviews, downloads, prices on schedule.

    shop = WooShop(version="7.9.0", hpos=False)
    shop.add_product("MUG", stock=10, price="7.99")
    number = shop.place_order({"MUG": 2})
    shop.order(number)["status"]  # processing
"""

from __future__ import annotations

import itertools
import threading
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from decimal import Decimal
from typing import Any
from urllib.parse import urlsplit

from bridge.clock import now
from tests.channels.hostile.server import Faults, HostileServer
from tests.channels.woocommerce.fake.api import api
from tests.channels.woocommerce.fake.authenticator import Authenticator, Key
from tests.channels.woocommerce.fake.catalogue import (
    UNCATEGORIZED,
    Attribute,
    Catalogue,
    Product,
    collation_key,
    escaped,
    slug_of,
)
from tests.channels.woocommerce.fake.checkout import Checkout
from tests.channels.woocommerce.fake.money import Coupon, Rate, rounded
from tests.channels.woocommerce.fake.order_views import show_order
from tests.channels.woocommerce.fake.orders import STATUSES, Order, OrderBook
from tests.channels.woocommerce.fake.product_views import show_product
from tests.channels.woocommerce.fake.refunds import RefundService, show_refund

ADDRESS = {
    "first_name": "Ann",
    "last_name": "Sample",
    "address_1": "1 High Street",
    "city": "Leeds",
    "postcode": "LS1 1AA",
    "country": "GB",
}
TRACKING = ("_wc_shipment_tracking_items", "_tracking_number", "_tracking_provider")


@dataclass
class Gateway:
    """A payment gateway; `refunded` is what was refunded through it, `fails` the message if it refuses."""

    id: str
    title: str
    supports: Sequence[str] = ("products",)
    enabled: bool = True
    fails: str = ""
    refunded_payments: list[tuple[int, Decimal]] = field(default_factory=list)


class WooShop:
    """The shop at `url`; `faults` are the failures of its server, `skew` is how far its clock is ahead.

    With `https_flag` PHP believes that the connection uses HTTPS, so that Basic and query keys work; without it only
    OAuth does. `clock` gives its time.
    """

    def __init__(
        self,
        *,
        version: str = "11.0.1",
        hpos: bool = True,
        prices_include_tax: bool = False,
        currency: str = "GBP",
        decimals: int = 2,
        clock: Callable[[], datetime] = now,
        https_flag: bool = True,
        strip_authorization: bool = False,
        permalinks: bool = True,
        woocommerce_active: bool = True,
        manage_stock: bool = True,
        calc_taxes: bool = True,
        round_at_subtotal: bool = False,
        has_fulfilments: bool = False,
    ) -> None:
        self.version, self.hpos = version, hpos
        self.prices_include_tax, self.currency, self.decimals = prices_include_tax, currency, decimals
        self.clock, self.skew = clock, timedelta(0)
        self.https_flag, self.permalinks, self.woocommerce_active = https_flag, permalinks, woocommerce_active
        self.manage_stock, self.calc_taxes, self.round_at_subtotal = manage_stock, calc_taxes, round_at_subtotal
        self.plugin_statuses: dict[str, str] = {}
        self.hidden_statuses: set[str] = set()  # those registered with exclude_from_search
        self.edit_row: Callable[[dict[str, Any]], Any] = lambda row: row  # what a plugin does to each order shown
        self.has_fulfilments, self.keeps_fulfilments = has_fulfilments, True
        self.fulfilments: dict[int, list[dict[str, Any]]] = {}  # by the order's id
        self.name, self.country, self.weight_unit = "ScriptedShop shop", "GB", "kg"
        self.index: dict[str, Any] = {}  # replaces values of the REST API's index
        self.blocked: dict[str, tuple[int, Any]] = {}  # status and JSON or page by a part of the path
        self.printed = ""  # what plugins print before each answer
        self.lock = threading.RLock()
        self._release = tuple(int(part) for part in version.split("."))
        self.next_post, self.next_item = (itertools.count(first).__next__ for first in (100, 1))
        self.next_meta, self.next_note, self.next_fulfilment = (itertools.count(1).__next__ for _ in range(3))
        self.next_term = itertools.count(UNCATEGORIZED).__next__
        self._set_up()
        self.catalogue, self.checkout = Catalogue(self), Checkout(self)
        self.order_book, self.refund_service = OrderBook(self), RefundService(self)
        self.key, self.secret = f"ck_{id(self):040x}", f"cs_{id(self):040x}"
        self.read_only_key, self.read_only_secret = f"ck_f{id(self):039x}", f"cs_f{id(self):039x}"
        self.server = HostileServer(api(self))
        self.url = self.server.url
        keys = [Key(self.key, self.secret, True), Key(self.read_only_key, self.read_only_secret, False)]
        self.authenticator = Authenticator(keys, self.url, https_flag, strip_authorization)

    def _set_up(self) -> None:
        """Set the defaults of a new shop."""
        self.rates = [
            Rate(1, "GB", Decimal(20), "VAT"),
            Rate(2, "GB", Decimal(5), "VAT 5%", "reduced-rate", shipping=False),
            Rate(3, "DE", Decimal(19), "MwSt"),
        ]
        self.tax_classes = {"": "Standard rate", "reduced-rate": "Reduced rate", "zero-rate": "Zero rate"}
        self.coupons: dict[str, Coupon] = {}
        self.gateways = {
            gateway.id: gateway
            for gateway in (
                Gateway("bacs", "Direct bank transfer"),
                Gateway("cod", "Cash on delivery", enabled=False),
                Gateway("fakepay", "Fakepay", ("products", "refunds")),
            )
        }
        self.categories: dict[int, dict[str, Any]] = {}
        self.attributes: dict[int, Attribute] = {}
        self.terms: dict[int, dict[str, int]] = {}
        self.shipping_classes: list[dict[str, Any]] = []
        self.zones: dict[int, dict[str, Any]] = {
            0: {"name": "Locations not covered by your other zones", "methods": [], "locations": []},
            1: {"name": "UK", "methods": [("flat_rate", "Standard")], "locations": [{"code": "GB", "type": "country"}]},
        }
        self.media: dict[int, dict[str, Any]] = {}  # the media library
        self.bad_images: dict[str, str] = {}  # why images cannot be downloaded, by a part of their address
        self.unreachable_hosts = {"127.0.0.1", "localhost", "unreachable.example"}
        self.add_category("Uncategorized")

    def __enter__(self) -> WooShop:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    @property
    def faults(self) -> Faults:
        return self.server.faults

    def close(self) -> None:
        self.server.close()

    @property
    def netloc(self) -> str:
        return urlsplit(self.url).netloc

    @property
    def home(self) -> str:
        """The shop's URL as it writes it itself."""
        return f"{'https' if self.https_flag else 'http'}://{self.netloc}"

    def now(self) -> datetime:
        """Return the time of the shop's clock in whole seconds, as it stores them."""
        return (self.clock() + self.skew).replace(microsecond=0)

    def at_least(self, *release: int) -> bool:
        return self._release >= release

    @property
    def statuses(self) -> dict[str, str]:
        """The statuses that WooCommerce and the active plugins register, with their names."""
        return {**STATUSES, **self.plugin_statuses}

    def rates_for(self, country: str, tax_class: str) -> list[Rate]:
        if not self.calc_taxes:
            return []
        return [rate for rate in self.rates if (rate.country, rate.tax_class) == (country, tax_class)][:1]

    # -- the owner and the catalogue -------------------------------------------------------------------

    def add_product(self, sku: str, stock: int | None = 1, price: Any = "5.00", **fields: Any) -> int:
        """Add a product with fields of the REST API, and return its id; stock None is not managed."""
        managed = {} if stock is None else {"manage_stock": True, "stock_quantity": stock}
        body = {"name": f"Thing {sku}", "sku": sku, "regular_price": str(price), **managed, **fields}
        with self.lock:
            return self.catalogue.add(body).id

    def add_variable(self, sku: str, variations: Mapping[str, str], stock: int | None = 1, **fields: Any) -> int:
        """Add a product with a variation for each SKU and size, and return the parent's id.

        Each variation has this stock; with stock None `manage_stock` among the fields applies to the parent.
        """
        size = {"name": "Size", "visible": True, "variation": True, "options": list(variations.values())}
        price = str(fields.pop("price", "5.00"))
        with self.lock:
            parent = self.catalogue.add(
                {"name": f"Thing {sku}", "sku": sku, "type": "variable", "attributes": [size], **fields}
            )
            for own_sku, option in variations.items():
                managed = {} if stock is None else {"manage_stock": True, "stock_quantity": stock}
                chosen = [{"name": "Size", "option": option}]
                self.catalogue.add({"sku": own_sku, "regular_price": price, "attributes": chosen, **managed}, parent.id)
            return parent.id

    def remove_product(self, sku: str, *, for_good: bool = True) -> None:
        """Delete a product, or move it to the bin."""
        with self.lock:
            (self.catalogue.delete if for_good else self.catalogue.bin)(self.catalogue.find(sku))

    def restore_product(self, sku: str) -> None:
        with self.lock:
            for product in self.catalogue.with_sku(sku):
                self.catalogue.restore(product)

    def edit_product(self, sku: str, /, **fields: Any) -> None:
        """Change a product or a variation with fields of the REST API."""
        with self.lock:
            self.catalogue.write(self.catalogue.find(sku), fields)

    def add_category(self, name: str, parent: int = 0) -> int:
        number = self.next_term()
        self.categories[number] = {"id": number, "name": escaped(name), "slug": slug_of(name), "parent": parent}
        return number

    def category(self, number: int) -> dict[str, Any]:
        """Return a category as products show it."""
        return {name: self.categories[number][name] for name in ("id", "name", "slug")}

    def add_attribute(self, name: str, *terms: str, slug: str = "") -> int:
        """Add an attribute with its terms to the shop, and return its id."""
        number = len(self.attributes) + 1
        attribute = Attribute(number, escaped(name), [], slug or f"pa_{slug_of(name)}")
        self.attributes[number], self.terms[number] = attribute, {}
        for term in terms:
            self.term(attribute, term)
        return number

    def term(self, attribute: Attribute, name: str) -> str:
        """Return the name of a term as its attribute has it; a new term is added."""
        terms = self.terms[attribute.id]
        known = next((term for term in terms if collation_key(term) == collation_key(escaped(name))), None)
        if known is None:
            known = escaped(name)
            terms[known] = self.next_term()
        return known

    def add_coupon(self, code: str, kind: str, amount: Any) -> None:
        """Add a coupon, `percent` or `fixed_cart`."""
        self.coupons[code.lower()] = Coupon(self.next_post(), code.lower(), kind, Decimal(str(amount)))

    # -- customers and their orders --------------------------------------------------------------------

    def place_order(
        self,
        lines: Mapping[str, int] | Sequence[tuple[str, int]],
        *,
        paid: bool = True,
        status: str = "",
        shipping: Any = "3.95",
        method: str = "flat_rate",
        gateway: str = "bacs",
        coupons: Sequence[str] = (),
        fees: Mapping[str, Any] | None = None,
        meta: Mapping[str, Any] | None = None,
        line_meta: Mapping[str, Any] | None = None,
        currency: str = "",
        note: str = "",
        country: str = "GB",
        address: Mapping[str, str] | None = None,
        number: str = "",
    ) -> str:
        """Place an order for quantities by SKU, and return its number, which is its id unless one is given.

        `shipping` is net, None if nothing is sent. Unpaid orders are `pending` and take no stock.
        """
        pairs = lines.items() if isinstance(lines, Mapping) else lines
        where = {**ADDRESS, "country": country, **(address or {})}
        extra = [{"key": key, "value": value} for key, value in (line_meta or {}).items()]
        body: dict[str, Any] = {
            "line_items": [
                {"product_id": self.catalogue.find(sku).id, "quantity": quantity, "meta_data": extra}
                for sku, quantity in pairs
            ],
            "shipping_lines": [{"method_id": method, "method_title": "Standard", "total": str(shipping)}]
            if shipping is not None
            else [],
            "fee_lines": [{"name": name, "total": str(total)} for name, total in (fees or {}).items()],
            "coupon_lines": [{"code": code} for code in coupons],
            "meta_data": [{"key": key, "value": value} for key, value in (meta or {}).items()],
            "billing": {**where, "email": "ann@example.test", "phone": "+44 20 7946 0000"},
            "shipping": where,
            "payment_method": gateway,
            "payment_method_title": self.gateways[gateway].title if gateway in self.gateways else gateway,
            "customer_note": note,
            "currency": currency or self.currency,
            "set_paid": paid,
            "status": status or None,
        }
        with self.lock:
            order = self.checkout.add(body, via="checkout")
            order.number = number or order.number
            return order.number

    def row(self, number: str | int) -> Order:
        """Return the order with this number or id, also from the bin, to read or change it without the API."""
        found = self.order_book.orders.get(int(number)) if str(number).isdigit() else None
        if found is None:
            found = next(order for order in self.order_book.orders.values() if order.number == str(number))
        return found

    def pay(self, number: str | int) -> None:
        with self.lock:
            self.order_book.pay(self.row(number), "TX-1")

    def set_status(self, number: str | int, status: str) -> None:
        with self.lock:
            self.order_book.move(self.row(number), status)

    def cancel(self, number: str | int) -> None:
        """Cancel an order and release its stock."""
        self.set_status(number, "cancelled")

    def touch(self, number: str | int, note: str = "") -> None:
        """Edit the customer's note as the owner, which changes the order's date of change."""
        with self.lock:
            order = self.row(number)
            order.customer_note = note or order.customer_note
            order.modified = self.now()

    def age(self, number: str | int, days: float) -> None:
        """Make an order this many days older."""
        with self.lock:
            order = self.row(number)
            order.created -= timedelta(days=days)
            order.modified -= timedelta(days=days)
            order.paid = order.paid - timedelta(days=days) if order.paid else None

    def bin(self, number: str | int) -> None:
        with self.lock:
            self.order_book.bin(self.row(number))

    def restore(self, number: str | int) -> None:
        with self.lock:
            self.order_book.restore(self.row(number))

    def delete_for_good(self, number: str | int) -> None:
        with self.lock:
            del self.order_book.orders[self.row(number).id]

    def add_note(self, number: str | int, text: str, *, for_customer: bool = False) -> None:
        with self.lock:
            self.order_book.note(self.row(number), text, for_customer=for_customer, author="owner")

    def refund(
        self,
        number: str | int,
        amount: Any = None,
        quantities: Mapping[str, int] | None = None,
        *,
        reason: str = "",
        restock: bool = True,
        api_refund: bool = False,
    ) -> int:
        """Refund an amount, or pieces by SKU with their price and tax, as the owner; return the refund's id."""
        with self.lock:
            order = self.row(number)
            lines = []
            for item in order.of("line_item"):
                product = self.order_book.product_of(item)
                quantity = (quantities or {}).get(product.sku if product else "", 0)
                if quantity:
                    share = Decimal(quantity) / item.quantity
                    taxes = [
                        {"id": rate, "refund_total": str(rounded(total * share, self.decimals))}
                        for rate, (total, _) in item.taxes.items()
                    ]
                    total = str(rounded(item.total * share, self.decimals))
                    lines.append({"id": item.id, "quantity": quantity, "refund_total": total, "refund_tax": taxes})
            body = {"reason": reason, "api_refund": api_refund, "api_restock": restock, "line_items": lines}
            body |= {} if amount is None else {"amount": str(amount)}
            return self.refund_service.add(order, body).id

    # -- inspection ------------------------------------------------------------------------------------

    def numbers(self, *, binned: bool = False) -> set[str]:
        """Return the numbers of all orders, with those in the bin if `binned`."""
        with self.lock:
            return {order.number for order in self.order_book.orders.values() if binned or order.status != "trash"}

    def order(self, number: str | int) -> dict[str, Any]:
        """Return an order as the API shows it."""
        with self.lock:
            return show_order(self, self.row(number))

    def notes(self, number: str | int) -> list[str]:
        """Return the texts of an order's notes, the oldest first."""
        with self.lock:
            return [note.text for note in self.row(number).notes]

    def refunds(self, number: str | int) -> list[dict[str, Any]]:
        """Return the refunds of an order with their meta data, the oldest first."""
        with self.lock:
            return [show_refund(self, refund) for refund in self.row(number).refunds]

    def refunded(self, number: str | int) -> Decimal:
        """Return how much was refunded."""
        with self.lock:
            return self.refund_service.refunded(self.row(number))

    def meta(self, number: str | int) -> dict[str, Any]:
        """Return an order's meta data by key."""
        with self.lock:
            return {meta.key: meta.value for meta in self.row(number).meta}

    def tracking(self, number: str | int) -> dict[str, Any]:
        """Return an order's meta data about its parcels."""
        return {key: value for key, value in self.meta(number).items() if key in TRACKING}

    def stock(self, sku: str) -> int | None:
        """Return the stock of a SKU, its parent's if that manages it; None if stock is not managed."""
        with self.lock:
            stock_owner = self.catalogue.stock_owner(self.catalogue.find(sku))
            return stock_owner.stock if stock_owner else None

    def product(self, sku: str) -> dict[str, Any]:
        """Return a product as the list of products shows it."""
        with self.lock:
            return show_product(self.catalogue, self.catalogue.find(sku))

    def skus(self) -> set[str]:
        """Return all SKUs that can be bought."""
        with self.lock:
            return {product.sku for product in self._for_sale() if product.sku}

    def _for_sale(self) -> list[Product]:
        known = self.catalogue.products.values()
        return [product for product in known if product.status != "trash" and product.type != "variable"]
