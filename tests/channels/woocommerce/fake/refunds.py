"""Refunds: through the gateway or by hand, with or without restocking."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from decimal import Decimal
from typing import TYPE_CHECKING, Any

from tests.channels.woocommerce.fake import money
from tests.channels.woocommerce.fake.catalogue import Meta, write_meta
from tests.channels.woocommerce.fake.money import ZERO
from tests.channels.woocommerce.fake.order_views import (
    line_tax,
    show_line,
    show_meta,
    show_service,
    show_tax_lines,
    totals,
)
from tests.channels.woocommerce.fake.orders import Item, Order
from tests.channels.woocommerce.fake.responses import dates, links
from tests.channels.woocommerce.fake.rest import Refusal

if TYPE_CHECKING:
    from tests.channels.woocommerce.fake.shop import WooShop

REFUND = {"amount": "string", "reason": "string", "api_refund": "boolean", "api_restock": "boolean"}


@dataclass
class Refund:
    """A refund; its amount counts, whatever its lines add up to."""

    id: int
    order_id: int
    created: datetime
    amount: Decimal
    reason: str = ""
    paid: bool = False
    unnamed: bool = False
    """Whether neither an amount nor lines were sent; 11.0 shows no amount then."""
    items: list[Item] = field(default_factory=list)
    tax_ids: dict[int, int] = field(default_factory=dict)
    meta: list[Meta] = field(default_factory=list)

    @property
    def modified(self) -> datetime:
        return self.created

    def shown_amount(self, shop: WooShop) -> str:
        return "" if self.unnamed and shop.at_least(11, 0) else money.money(self.amount, shop.decimals)

    def in_order(self, shop: WooShop) -> dict[str, Any]:
        """Return the refund as its order lists it."""
        shown = {"id": self.id, "reason": self.reason, "total": f"-{self.shown_amount(shop)}"}
        if not shop.at_least(11, 0):
            return shown
        order = shop.order_book.orders[self.order_id]
        tax = sum((line_tax(shop, item, order) for item in self.items), ZERO)
        return {**shown, "total_tax": money.money(tax, shop.decimals)}


class RefundService:
    """Makes refunds."""

    def __init__(self, shop: WooShop) -> None:
        self.shop = shop

    def refunded(self, order: Order) -> Decimal:
        return sum((refund.amount for refund in order.refunds), ZERO)

    def left(self, order: Order) -> Decimal:
        return money.rounded(totals(self.shop, order).total, self.shop.decimals) - self.refunded(order)

    def add(self, order: Order, data: Mapping[str, Any]) -> Refund:
        """Make a refund from a body, through the gateway unless it says otherwise.

        The amount is limited by the order's total; the amounts of lines are not checked.
        """
        sent = data.get("line_items") if isinstance(data.get("line_items"), list) else []
        unnamed, amount = self._amount(data.get("amount"), sent)
        if amount < 0:
            words = "Refund amount must be greater than zero."
            raise Refusal(500, "woocommerce_rest_invalid_order_refund", words, bare=400)
        left = self.left(order)
        if amount > left:
            raise _refund_failed("Invalid refund amount.")
        through_gateway = data.get("api_refund") is not False
        if through_gateway:
            self._refund_through_gateway(order, amount)
        refund = Refund(self.shop.next_post(), order.id, self.shop.now(), amount, data.get("reason") or "")
        refund.paid, refund.unnamed = through_gateway, unnamed
        answers = {item.id: entry for entry in sent for item in order.items if item.id == _id(entry)}
        for item in order.of("line_item") + order.of("fee") + order.of("shipping"):
            refund.items += self._items(item, answers[item.id]) if item.id in answers else []
        rates = dict.fromkeys(number for item in refund.items for number in item.taxes)
        refund.tax_ids = {number: self.shop.next_item() for number in rates}
        if data.get("api_restock") is not False:
            for entry in sent:
                item = next((item for item in order.of("line_item") if item.id == _id(entry)), None)
                if item and entry.get("quantity"):
                    self.shop.order_book.restock(order, item, int(entry["quantity"]))
        if self.shop.at_least(10, 3):
            kind = "partial" if left - amount > 0 else "full"
            refund.meta.append(Meta(self.shop.next_meta(), "_refund_type", kind))
        order.refunds.append(refund)
        order.modified = self.shop.now()
        if left - amount <= 0:
            self.shop.order_book.move(order, "refunded")
        write_meta(refund.meta, data.get("meta_data"), self.shop.next_meta)
        return refund

    def _amount(self, text: Any, sent: list[Any]) -> tuple[bool, Decimal]:
        """Return whether neither amount nor lines were sent, and the amount, if necessary the sum of the lines."""
        if text:
            if money.price(text) in ("", "-") or str(text) != money.price(text):
                raise _refund_failed("Invalid refund amount.")
            return False, money.rounded(money.number(text), self.shop.decimals)
        if text is not None and text != "":
            return False, ZERO
        amounts = [entry.get("refund_total", 0) for entry in sent]
        amounts += [tax.get("refund_total", 0) for entry in sent for tax in entry.get("refund_tax") or []]
        if not sent or any(str(amount) != money.price(amount) for amount in amounts):
            return True, ZERO
        return False, money.rounded(sum(map(money.number, amounts), ZERO), self.shop.decimals)

    def _refund_through_gateway(self, order: Order, amount: Decimal) -> None:
        gateway = self.shop.gateways.get(order.payment_method)
        if gateway is None:
            raise _refund_failed("The payment gateway for this order does not exist.")
        if "refunds" not in gateway.supports:
            raise _refund_failed("The payment gateway for this order does not support automatic refunds.")
        if gateway.fails:
            raise _refund_failed(gateway.fails)
        gateway.refunded_payments.append((order.id, amount))

    def _items(self, item: Item, entry: Mapping[str, Any]) -> list[Item]:
        """Return the refund's line for a line of the order, [] if its entry is empty."""
        quantity, total = int(entry.get("quantity") or 0), money.number(entry.get("refund_total", 0))
        taxes = {int(tax["id"]): -money.number(tax.get("refund_total", 0)) for tax in entry.get("refund_tax") or []}
        if not (quantity or total or taxes):
            return []
        given = Item(self.shop.next_item(), item.kind, item.name, -quantity, item.product_id, item.variation_id)
        given.tax_class, given.tax_status = item.tax_class, item.tax_status
        given.method_id, given.instance_id = item.method_id, item.instance_id
        given.subtotal = given.total = -total
        given.taxes = {number: (amount, amount) for number, amount in taxes.items() if amount}
        given.meta = [Meta(self.shop.next_meta(), "_refunded_item_id", str(item.id))]
        return [given]

    def refund_remaining(self, order: Order) -> None:
        """Refund what remains by hand, without lines, as happens when the owner sets an order to refunded."""
        left = self.left(order)
        if left > 0:
            refund = Refund(self.shop.next_post(), order.id, self.shop.now(), left, "Order fully refunded.")
            if self.shop.at_least(10, 3):
                refund.meta.append(Meta(self.shop.next_meta(), "_refund_type", "full"))
            order.refunds.append(refund)


def _id(entry: Mapping[str, Any]) -> int:
    return int(money.number(entry.get("id", 0)))


def _refund_failed(message: str) -> Refusal:
    return Refusal(500, "woocommerce_rest_cannot_create_order_refund", message, bare=500)


def show_refund(shop: WooShop, refund: Refund, *, with_parent: bool = False) -> dict[str, Any]:
    """Return a refund as the API shows it."""
    order = shop.order_book.orders[refund.order_id]
    places = shop.decimals

    def of(kind: str) -> list[Item]:
        return [item for item in refund.items if item.kind == kind]

    return {
        "id": refund.id,
        **({"parent_id": refund.order_id} if with_parent else {}),
        **dates(created=refund.created),
        "amount": refund.shown_amount(shop),
        "reason": refund.reason,
        "refunded_by": 1,
        "refunded_payment": refund.paid,
        "meta_data": show_meta(shop, refund.meta),
        "line_items": [show_line(shop, item, order, places) for item in of("line_item")],
        "shipping_lines": [show_service(shop, item, order, places) for item in of("shipping")],
        "tax_lines": show_tax_lines(shop, refund.items, order, places, refund.tax_ids),
        "fee_lines": [show_service(shop, item, order, places) for item in of("fee")],
        "_links": links(f"orders/{order.id}/refunds", refund.id, up=f"orders/{order.id}"),
    }
