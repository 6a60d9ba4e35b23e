"""New orders: their lines, taxes and coupons."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from decimal import Decimal
from typing import TYPE_CHECKING, Any

from tests.channels.woocommerce.fake import money
from tests.channels.woocommerce.fake.catalogue import Meta, Product, escaped, key_of, stripped, value_of, write_meta
from tests.channels.woocommerce.fake.money import ZERO, Coupon, Rate
from tests.channels.woocommerce.fake.orders import CouponLine, Item, Order
from tests.channels.woocommerce.fake.rest import Refusal

if TYPE_CHECKING:
    from tests.channels.woocommerce.fake.shop import WooShop


@dataclass
class _Priced:
    """A line with its amount in pence, for coupons."""

    pence: int
    quantity: int
    off: int = 0


class Checkout:
    """Makes orders from the bodies of the API."""

    def __init__(self, shop: WooShop) -> None:
        self.shop = shop

    def add(self, data: Mapping[str, Any], via: str = "rest-api") -> Order:
        """Make an order from a body; prices are calculated unless the body has them."""
        shop, moment = self.shop, self.shop.now()
        order = Order(shop.next_post(), moment, moment, created_via=via)
        order.number, order.inclusive, order.currency = str(order.id), shop.prices_include_tax, shop.currency
        self.shop.order_book.write_fields(order, data)
        for sent in data.get("line_items") or []:
            order.items.append(self._line(order, sent))
        self._add_services(order, data)
        coupons = [self._coupon(order, sent) for sent in data.get("coupon_lines") or []]
        self._set_taxes(order)
        if coupons:
            self._apply(order, sorted(coupons, key=lambda coupon: coupon.kind != "percent"))
            self._set_taxes(order)
        self._set_ids(order, coupons)
        shop.order_book.orders[order.id] = order
        write_meta(order.meta, data.get("meta_data"), shop.next_meta)
        status = data.get("status") or "pending"
        order.status = "pending"
        if data.get("set_paid"):
            shop.order_book.pay(order)
        if status not in ("pending", order.status) and not (data.get("set_paid") and status == "processing"):
            shop.order_book.move(order, status)
        return order

    def _line(self, order: Order, sent: Mapping[str, Any]) -> Item:
        products, quantity = self.shop.catalogue.products, int(sent.get("quantity", 1) or 0)
        product = products.get(sent.get("variation_id") or sent.get("product_id") or 0)
        if not product and sent.get("sku"):
            product = next(iter(self.shop.catalogue.with_sku(sent["sku"])), None)
        item = Item(self.shop.next_item(), "line_item", quantity=quantity)
        if product:
            parent = self.shop.catalogue.parent(product)
            item.product_id, item.variation_id = (parent.id, product.id) if parent else (product.id, 0)
            item.name = f"{parent.name} - {product.option_names}" if parent else product.name
            item.tax_class = self.shop.catalogue.shown(product, "tax_class")
            item.tax_status = product.tax_status
            item.subtotal = item.total = self._without_tax(order, product, quantity)
            for attribute, option in product.chosen:
                item.labels[key_of(attribute)] = attribute.name, option
                item.meta.append(Meta(self.shop.next_meta(), key_of(attribute), value_of(attribute, option)))
        item.name = escaped(sent["name"]) if sent.get("name") else item.name
        if "total" in sent:
            item.subtotal = item.total = money.number(sent["total"])
        if "subtotal" in sent:
            item.subtotal = money.number(sent["subtotal"])
        write_meta(item.meta, sent.get("meta_data"), self.shop.next_meta)
        return item

    def _without_tax(self, order: Order, product: Product, quantity: int) -> Decimal:
        """Return the net price of some pieces, not rounded, so that the gross price is the advertised one."""
        amount = money.number(product.price) * quantity
        if not order.inclusive or product.tax_status != "taxable":
            return amount
        rates = self.shop.rates_for(self.shop.country, self.shop.catalogue.shown(product, "tax_class"))
        return amount - sum(money.tax(amount, rates, inside=True).values(), ZERO)

    def _add_services(self, order: Order, data: Mapping[str, Any]) -> None:
        for sent in data.get("shipping_lines") or []:
            item = Item(self.shop.next_item(), "shipping", stripped(sent.get("method_title", "")))
            item.method_id, item.instance_id = sent.get("method_id", ""), str(sent.get("instance_id", ""))
            item.total = money.number(sent.get("total", 0))
            write_meta(item.meta, sent.get("meta_data"), self.shop.next_meta)
            order.items.append(item)
        for sent in data.get("fee_lines") or []:
            item = Item(self.shop.next_item(), "fee", stripped(sent.get("name", "")))
            item.tax_class, item.tax_status = sent.get("tax_class", ""), sent.get("tax_status", "taxable")
            item.total = money.number(sent.get("total", 0))
            order.items.append(item)

    def _coupon(self, order: Order, sent: Mapping[str, Any]) -> Coupon:
        code = str(sent.get("code", "")).lower()
        if code not in self.shop.coupons:
            newer = f"Coupon &quot;{code}&quot; cannot be applied because it does not exist."
            words = newer if self.shop.at_least(10, 3) else f'Coupon "{code}" does not exist!'
            about = {"new_draft_order_id": order.id} if self.shop.at_least(10, 3) else {}
            raise Refusal(400, "woocommerce_rest_invalid_coupon", words, **about)
        return self.shop.coupons[code]

    def _apply(self, order: Order, coupons: Iterable[Coupon]) -> None:
        """Apply the coupons to the lines, each to what the one before left."""
        scale, places = 10**self.shop.decimals, self.shop.decimals
        lines = order.of("line_item")
        priced = []
        for item in lines:
            amount = item.subtotal
            if order.inclusive:
                amount += sum((subtotal for _, subtotal in item.taxes.values()), ZERO)
            priced.append(_Priced(int(money.rounded(amount * scale, 0)), item.quantity))
        for coupon in coupons:
            row = CouponLine(0, coupon)
            taken = money.discount_by_line(coupon, priced, scale, by_piece=self.shop.at_least(10, 3))
            for item, line, pence in zip(lines, priced, taken, strict=True):
                line.off += pence
                amount = Decimal(pence) / scale
                rates = self._rates(order, item.tax_class) if item.tax_status == "taxable" else []
                inside = sum(money.tax(amount, rates, inside=order.inclusive).values(), ZERO)
                row.pence, row.tax = row.pence + pence, row.tax + inside
                item.total -= amount - inside if order.inclusive else amount
            row.tax = money.rounded(row.tax, places)
            order.coupons.append(row)

    def _rates(self, order: Order, tax_class: str) -> list[Rate]:
        country = order.shipping["country"] or order.billing["country"] or self.shop.country
        return self.shop.rates_for(country, tax_class)

    def _set_taxes(self, order: Order) -> None:
        """Calculate the taxes of every line; shipping has the first tax class in the cart."""
        classes = {item.tax_class for item in order.of("line_item") if item.tax_status == "taxable"}
        for_shipping = next((known for known in self.shop.tax_classes if known in classes), "")
        for item in order.items:
            tax_class = for_shipping if item.kind == "shipping" else item.tax_class
            rates = self._rates(order, tax_class) if item.tax_status == "taxable" else []
            if item.kind == "shipping":
                rates = [rate for rate in rates if rate.shipping and item.total]
            totals, subtotals = money.tax(item.total, rates), money.tax(item.subtotal, rates)
            item.taxes = {number: (total, subtotals[number]) for number, total in totals.items()}

    def _set_ids(self, order: Order, coupons: Iterable[Coupon]) -> None:
        """Give tax and coupon lines their ids, which follow those of the other lines."""
        for item in order.items:
            for number in item.taxes:
                order.tax_ids.setdefault(number, 0)
        order.tax_ids = {number: self.shop.next_item() for number in order.tax_ids}
        for row in order.coupons:
            row.id = self.shop.next_item()
