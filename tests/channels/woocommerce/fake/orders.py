"""Orders, and what their changes of status do."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from decimal import Decimal
from typing import TYPE_CHECKING, Any

from tests.channels.woocommerce.fake import money
from tests.channels.woocommerce.fake.catalogue import Meta, Product, escaped, stripped, write_meta
from tests.channels.woocommerce.fake.money import ZERO, Coupon

if TYPE_CHECKING:
    from tests.channels.woocommerce.fake.refunds import Refund
    from tests.channels.woocommerce.fake.shop import WooShop

STATUSES = {
    "pending": "Pending payment",
    "processing": "Processing",
    "on-hold": "On hold",
    "completed": "Completed",
    "cancelled": "Cancelled",
    "refunded": "Refunded",
    "failed": "Failed",
    "checkout-draft": "Draft",
}
WRITABLE = ["auto-draft", *STATUSES]
PAID = ("processing", "completed")
REDUCE_STOCK, RELEASE_STOCK = ("processing", "completed", "on-hold"), ("cancelled", "pending")
NAMES = ("first_name", "last_name", "company", "address_1", "address_2", "city", "state", "postcode", "country")
SYMBOLS = {"GBP": "&pound;", "EUR": "&euro;", "USD": "&#36;", "JPY": "&yen;", "SEK": "kr"}

ORDER = {
    "status": WRITABLE,
    "currency": "string",
    "customer_id": "integer",
    "customer_note": "string",
    "billing": "object",
    "shipping": "object",
    "payment_method": "string",
    "payment_method_title": "string",
    "transaction_id": "string",
    "set_paid": "boolean",
    "line_items": "array",
    "shipping_lines": "array",
    "fee_lines": "array",
    "coupon_lines": "array",
    "meta_data": "array",
}
"""The fields of an order's body; only single writes are checked, batches are not."""


@dataclass
class Item:
    """A line of an order or of a refund, of any kind; `taxes` are (total, subtotal) by rate."""

    id: int
    kind: str
    name: str = ""
    quantity: int = 1
    product_id: int = 0
    variation_id: int = 0
    tax_class: str = ""
    tax_status: str = "taxable"
    subtotal: Decimal = ZERO
    total: Decimal = ZERO
    taxes: dict[int, tuple[Decimal, Decimal]] = field(default_factory=dict)
    meta: list[Meta] = field(default_factory=list)
    method_id: str = ""
    instance_id: str = ""
    labels: dict[str, tuple[str, str]] = field(default_factory=dict)
    """The displayed names and values of meta data with a variation's options."""

    def value(self, key: str) -> Any:
        return next((meta.value for meta in self.meta if meta.key == key), None)


@dataclass
class Note:
    id: int
    text: str
    created: datetime
    for_customer: bool = False
    author: str = "WooCommerce"
    binned: bool = False


@dataclass
class CouponLine:
    id: int
    coupon: Coupon
    pence: int = 0
    tax: Decimal = ZERO


@dataclass
class Order:
    id: int
    created: datetime
    modified: datetime
    number: str = ""
    status: str = "pending"
    currency: str = "GBP"
    inclusive: bool = False
    billing: dict[str, str] = field(default_factory=lambda: {**dict.fromkeys(NAMES, ""), "email": "", "phone": ""})
    shipping: dict[str, str] = field(default_factory=lambda: {**dict.fromkeys(NAMES, ""), "phone": ""})
    customer_id: int = 0
    customer_note: str = ""
    payment_method: str = ""
    payment_method_title: str = ""
    transaction_id: str = ""
    created_via: str = "checkout"
    paid: datetime | None = None
    completed: datetime | None = None
    items: list[Item] = field(default_factory=list)
    coupons: list[CouponLine] = field(default_factory=list)
    tax_ids: dict[int, int] = field(default_factory=dict)
    meta: list[Meta] = field(default_factory=list)
    notes: list[Note] = field(default_factory=list)
    refunds: list[Refund] = field(default_factory=list)
    binned_from: str = ""

    def of(self, *kinds: str) -> list[Item]:
        return [item for item in self.items if item.kind in kinds]


class OrderBook:
    """The orders of a shop by id, and their changes."""

    def __init__(self, shop: WooShop) -> None:
        self.shop = shop
        self.orders: dict[int, Order] = {}

    def write_fields(self, order: Order, data: Mapping[str, Any]) -> bool:
        """Write the fields without calculations; return whether the order's date of change moves in posts storage."""
        before = order.customer_note
        for name in ("billing", "shipping"):
            for key, value in (data.get(name) or {}).items():
                if key in getattr(order, name):
                    getattr(order, name)[key] = str(value or "")
        for name in ("currency", "customer_id", "customer_note", "payment_method", "transaction_id"):
            if data.get(name) is not None:
                setattr(order, name, data[name])
        if data.get("payment_method_title") is not None:
            order.payment_method_title = stripped(data["payment_method_title"])
        return before != order.customer_note

    # -- changes ---------------------------------------------------------------------------------------

    def write(self, order: Order, data: Mapping[str, Any]) -> None:
        """Change the fields in a body. With HPOS the date of change always moves, even with an empty body."""
        changed = self.write_fields(order, data) or self.shop.hpos
        write_meta(order.meta, data.get("meta_data"), self.shop.next_meta)
        for sent in data.get("line_items") or []:
            self._write_line(order, sent)
        if data.get("status") is not None:
            status = data["status"] if data["status"] in WRITABLE else "pending"  # as batches take it
            self.move(order, status)
        if data.get("set_paid") is True:
            self.pay(order)
        if changed:
            order.modified = self.shop.now()

    def _write_line(self, order: Order, sent: Mapping[str, Any]) -> None:
        """Change a line, its totals only if the body has them; from 10.3 on the stock follows."""
        for item in order.of("line_item"):
            if item.id != sent.get("id"):
                continue
            if sent.get("quantity") is not None:
                item.quantity = int(sent["quantity"])
                reduced = int(item.value("_reduced_stock") or 0)
                if reduced and self.shop.at_least(10, 3):
                    self._put_back(item, reduced - item.quantity)
            for name in ("total", "subtotal"):
                if name in sent:
                    setattr(item, name, money.number(sent[name]))
            write_meta(item.meta, sent.get("meta_data"), self.shop.next_meta)

    def note(self, order: Order, text: str, *, for_customer: bool = False, author: str = "WooCommerce") -> Note:
        text = escaped(text) if self.shop.at_least(11, 0) else text
        note = Note(self.shop.next_note(), text, self.shop.now(), for_customer, author)
        order.notes.append(note)
        return note

    def pay(self, order: Order, transaction: str = "") -> None:
        """Complete the payment: a waiting order becomes processing, or completed if nothing must be sent."""
        if order.status not in ("pending", "on-hold", "failed", "cancelled", "checkout-draft"):
            return
        order.transaction_id = transaction or order.transaction_id
        words = "Payment complete." if self.shop.at_least(11, 0) else ""
        self.move(order, "processing" if needs_processing(self.shop, order) else "completed", words)

    def move(self, order: Order, status: str, words: str = "") -> None:
        """Change an order's status with everything that follows from it; the same status changes nothing."""
        before, order.status = order.status, status
        if before == status:
            return
        moment = order.modified = self.shop.now()
        if status in PAID:
            order.paid = order.paid or moment
        if status == "completed":
            order.completed = moment
        if status in REDUCE_STOCK:
            self._reduce_stock(order)
        elif status in RELEASE_STOCK or (status == "failed" and self.shop.at_least(11, 0)):
            self._release_stock(order)
        if status == "refunded":
            self.shop.refund_service.refund_remaining(order)
        names = (STATUSES.get(before, before), STATUSES.get(status, status))
        self.note(order, words or "Order status changed from {} to {}.".format(*names))

    def product_of(self, item: Item) -> Product | None:
        return self.shop.catalogue.products.get(item.variation_id or item.product_id)

    def _reduce_stock(self, order: Order) -> None:
        for item in order.of("line_item"):
            product = self.product_of(item)
            if not product or item.value("_reduced_stock") is not None:
                continue
            product.sold += item.quantity
            moved = self.shop.catalogue.move_stock(product, -item.quantity)
            if moved:
                item.meta.append(Meta(self.shop.next_meta(), "_reduced_stock", str(item.quantity)))
                self.note(order, self._stock_words("reduced", product, moved))

    def _release_stock(self, order: Order) -> None:
        for item in order.of("line_item"):
            reduced = item.value("_reduced_stock")
            product = self.product_of(item)
            if reduced is None or not product:
                continue
            moved = self.shop.catalogue.move_stock(product, int(reduced))
            item.meta = [meta for meta in item.meta if meta.key != "_reduced_stock"]
            if moved:
                self.note(order, self._stock_words("increased", product, moved))

    def _put_back(self, item: Item, quantity: int) -> tuple[int, int] | None:
        """Add pieces of a line to the stock, and record how many are still taken from it."""
        product = self.product_of(item)
        moved = self.shop.catalogue.move_stock(product, quantity) if product and quantity else None
        if moved:
            for meta in item.meta:
                if meta.key == "_reduced_stock":
                    meta.value = str(int(meta.value) - quantity)
        return moved

    def restock(self, order: Order, item: Item, quantity: int) -> None:
        """Restock refunded pieces of a line."""
        if item.value("_reduced_stock") is None:
            return
        moved = self._put_back(item, quantity)
        if moved:
            again = next((meta for meta in item.meta if meta.key == "_restock_refunded_items"), None)
            if again is None:
                again = Meta(self.shop.next_meta(), "_restock_refunded_items", "0")
                item.meta.append(again)
            again.value = str(int(again.value) + quantity)
            words = "Item #{} stock increased from {} to {}."
            self.note(order, words.format(item.variation_id or item.product_id, *moved))

    def _stock_words(self, how: str, product: Product, moved: tuple[int, int]) -> str:
        sku = f" ({product.sku})" if product.sku else f" (#{product.id})"
        name, counts = product.name or product.option_names, f"{moved[0]}&rarr;{moved[1]}"
        text = f"{name} ({counts})" if self.shop.at_least(11, 0) else f"{name}{sku} {counts}"
        return f"Stock levels {how}: {text}"

    # -- the bin ---------------------------------------------------------------------------------------

    def bin(self, order: Order) -> None:
        """Move an order to the bin. In posts storage its notes go too, because they are comments."""
        order.binned_from, order.status, order.modified = order.status, "trash", self.shop.now()
        order.meta.append(Meta(self.shop.next_meta(), "_wp_trash_meta_status", f"wc-{order.binned_from}"))
        stamp = str(int(self.shop.now().timestamp()))
        order.meta.append(Meta(self.shop.next_meta(), "_wp_trash_meta_time", stamp))
        for note in order.notes:
            note.binned = not self.shop.hpos

    def restore(self, order: Order) -> None:
        """Take an order out of the bin as the owner does: it has its old status and a new date of change."""
        order.status, order.modified = order.binned_from, self.shop.now()
        order.meta = [meta for meta in order.meta if not meta.key.startswith("_wp_trash_meta_")]
        for note in order.notes:
            note.binned = False


def needs_processing(shop: WooShop, order: Order) -> bool:
    products = [shop.order_book.product_of(item) for item in order.of("line_item")]
    return any(product is None or not (product.virtual and product.downloadable) for product in products)
