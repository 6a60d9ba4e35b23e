"""Orders as the API shows them, and their totals."""

from __future__ import annotations

import html
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from decimal import Decimal
from typing import TYPE_CHECKING, Any

from tests.channels.woocommerce.fake import money
from tests.channels.woocommerce.fake.catalogue import Meta, collation_key
from tests.channels.woocommerce.fake.money import ZERO
from tests.channels.woocommerce.fake.orders import SYMBOLS, CouponLine, Item, Order, needs_processing
from tests.channels.woocommerce.fake.responses import dates, links

if TYPE_CHECKING:
    from tests.channels.woocommerce.fake.shop import WooShop


def line_tax(shop: WooShop, item: Item, order: Order, *, of_subtotal: bool = False) -> Decimal:
    """Return the tax of a line, rounded by rate unless the shop rounds it at subtotal."""
    amounts = (pair[1 if of_subtotal else 0] for pair in item.taxes.values())
    if shop.round_at_subtotal:
        return sum(amounts, ZERO)
    return sum((money.rounded(amount, shop.decimals, down=order.inclusive) for amount in amounts), ZERO)


@dataclass
class Totals:
    discount: Decimal
    discount_tax: Decimal
    shipping: Decimal
    shipping_tax: Decimal
    cart_tax: Decimal
    total: Decimal


def totals(shop: WooShop, order: Order) -> Totals:
    """Return the totals of an order; each line is rounded separately."""
    lines, fees, shipping = order.of("line_item"), order.of("fee"), order.of("shipping")

    def added(items: list[Item], name: str) -> Decimal:
        if shop.round_at_subtotal:
            return sum((getattr(item, name) for item in items), ZERO)
        return sum((money.rounded(getattr(item, name), shop.decimals) for item in items), ZERO)

    before, after = added(lines, "subtotal"), added(lines, "total")
    tax_before = sum((line_tax(shop, item, order, of_subtotal=True) for item in lines), ZERO)
    tax_after = sum((line_tax(shop, item, order) for item in lines), ZERO)
    cart_tax = tax_after + sum((line_tax(shop, item, order) for item in fees), ZERO)
    posted = added(shipping, "total")
    shipping_tax = sum((line_tax(shop, item, order) for item in shipping), ZERO)
    total = after + added(fees, "total") + posted + cart_tax + shipping_tax
    total = money.rounded(total, shop.decimals)
    return Totals(before - after, tax_before - tax_after, posted, shipping_tax, cart_tax, max(ZERO, total))


def show_order(shop: WooShop, order: Order, places: int | None = None) -> dict[str, Any]:
    """Return an order as the API shows it, its amounts with this number of decimals."""
    places = shop.decimals if places is None else places
    sums = totals(shop, order)

    def cash(amount: Decimal) -> str:
        return money.money(amount, places)

    when = dates(created=order.created, modified=order.modified, completed=order.completed, paid=order.paid)
    scheme = "https" if shop.https_flag else "http"
    key = f"wc_order_{order.id:013d}"
    waits = order.status in ("pending", "failed")
    return {
        "id": order.id,
        "parent_id": 0,
        "status": order.status,
        "currency": order.currency,
        "version": shop.version,
        "prices_include_tax": order.inclusive,
        "date_created": when["date_created"],
        "date_modified": when["date_modified"],
        "discount_total": cash(sums.discount),
        "discount_tax": cash(sums.discount_tax),
        "shipping_total": cash(sums.shipping),
        "shipping_tax": cash(sums.shipping_tax),
        "cart_tax": cash(sums.cart_tax),
        "total": cash(sums.total),
        "total_tax": cash(sums.cart_tax + sums.shipping_tax),
        "customer_id": order.customer_id,
        "order_key": key,
        "billing": dict(order.billing),
        "shipping": dict(order.shipping),
        "payment_method": order.payment_method,
        "payment_method_title": order.payment_method_title,
        "transaction_id": order.transaction_id,
        "customer_ip_address": "",
        "customer_user_agent": "",
        "created_via": order.created_via,
        "customer_note": order.customer_note,
        "date_completed": when["date_completed"],
        "date_paid": when["date_paid"],
        "cart_hash": "",
        "number": order.number,
        "meta_data": show_meta(shop, order.meta),
        "line_items": [show_line(shop, item, order, places) for item in order.of("line_item")],
        "tax_lines": show_tax_lines(shop, order.items, order, places, order.tax_ids),
        "shipping_lines": [show_service(shop, item, order, places) for item in order.of("shipping")],
        "fee_lines": [show_service(shop, item, order, places) for item in order.of("fee")],
        "coupon_lines": [_show_coupon(shop, row) for row in order.coupons],
        "refunds": [refund.in_order(shop) for refund in reversed(order.refunds)],
        "payment_url": f"{scheme}://{shop.netloc}/checkout/order-pay/{order.id}/?pay_for_order=true&key={key}",
        "is_editable": order.status in ("pending", "on-hold", "auto-draft"),
        "needs_payment": waits and sums.total > 0,
        "needs_processing": needs_processing(shop, order),
        "date_created_gmt": when["date_created_gmt"],
        "date_modified_gmt": when["date_modified_gmt"],
        "date_completed_gmt": when["date_completed_gmt"],
        "date_paid_gmt": when["date_paid_gmt"],
        "currency_symbol": html.unescape(SYMBOLS.get(order.currency, order.currency)),
        "_links": links("orders", order.id),
    }


def show_meta(shop: WooShop, rows: Iterable[Meta]) -> list[dict[str, Any]]:
    """Meta data in the order of the storage: HPOS sorts it by key."""
    return [row.shown() for row in (sorted(rows, key=lambda row: collation_key(row.key)) if shop.hpos else rows)]


def show_line(shop: WooShop, item: Item, order: Order, places: int) -> dict[str, Any]:
    """A line; its SKU is the product's of now, and none where the product is gone."""
    product = shop.order_book.product_of(item)
    parent = shop.catalogue.parent(product) if product else None
    price = float(item.total) / item.quantity if item.quantity else 0
    return {
        "id": item.id,
        "name": item.name,
        "product_id": item.product_id,
        "variation_id": item.variation_id,
        "quantity": item.quantity,
        "tax_class": item.tax_class,
        "subtotal": money.money(item.subtotal, places),
        "subtotal_tax": money.money(line_tax(shop, item, order, of_subtotal=True), places),
        "total": money.money(item.total, places),
        "total_tax": money.money(line_tax(shop, item, order), places),
        "taxes": _show_taxes(shop, item, places),
        "meta_data": _show_meta_of(item),
        "sku": shop.catalogue.shown(product, "sku") if product else None,
        **({"global_unique_id": "" if product else None} if shop.at_least(10, 3) else {}),
        "price": int(price) if price == int(price) else price,
        "image": {"id": "" if product and not parent else 0, "src": ""},
        "parent_name": parent.name if parent else None,
    }


def _show_meta_of(item: Item) -> list[dict[str, Any]]:
    """Return a line's meta data with the displayed names."""
    rows = [(meta, item.labels.get(meta.key, (meta.key, meta.value))) for meta in item.meta]
    return [{**meta.shown(), "display_key": key, "display_value": value} for meta, (key, value) in rows]


def _show_taxes(shop: WooShop, item: Item, places: int) -> list[dict[str, Any]]:
    """Return the taxes of a line by rate; before 10.3 with all decimals."""

    def shown(amount: Decimal) -> str:
        return money.money(amount, places) if shop.at_least(10, 3) else money.shortest(amount)

    with_subtotal = item.kind == "line_item"
    return [
        {"id": number, "total": shown(total), "subtotal": shown(subtotal) if with_subtotal else ""}
        for number, (total, subtotal) in item.taxes.items()
    ]


def show_service(shop: WooShop, item: Item, order: Order, places: int) -> dict[str, Any]:
    """Return a line for shipping or a fee."""
    amounts = {
        "total": money.money(item.total, places),
        "total_tax": money.money(line_tax(shop, item, order), places),
        "taxes": _show_taxes(shop, item, places),
    }
    meta = _show_meta_of(item)
    if item.kind == "fee":
        about = {"id": item.id, "name": item.name, "tax_class": item.tax_class, "tax_status": item.tax_status}
        return {**about, "amount": "", **amounts, "meta_data": meta}
    about = {"id": item.id, "method_title": item.name, "method_id": item.method_id, "instance_id": item.instance_id}
    status = {"tax_status": item.tax_status} if shop.at_least(10, 3) else {}
    return {**about, **amounts, **status, "meta_data": meta}


def show_tax_lines(
    shop: WooShop, items: Iterable[Item], order: Order, places: int, ids: Mapping[int, int]
) -> list[dict[str, Any]]:
    """Return the total of each tax rate."""
    rates = {rate.id: rate for rate in shop.rates}
    sums = {number: [ZERO, ZERO] for number in ids}
    for item in items:
        for number, (total, _) in item.taxes.items():
            place = 1 if item.kind == "shipping" else 0
            sums.setdefault(number, [ZERO, ZERO])[place] += money.rounded(total, shop.decimals, down=order.inclusive)
    return [
        {
            "id": ids.get(number, 0),
            "rate_code": rates[number].code,
            "rate_id": number,
            "label": rates[number].name,
            "compound": False,
            "tax_total": money.money(cart, places),
            "shipping_tax_total": money.money(posted, places),
            "rate_percent": _number(rates[number].percent),
            "meta_data": [],
        }
        for number, (cart, posted) in sums.items()
    ]


def _show_coupon(shop: WooShop, row: CouponLine) -> dict[str, Any]:
    coupon, amount = row.coupon, _number(row.coupon.amount)
    newer = shop.at_least(10, 3)
    kind = "null" if coupon.kind == "fixed_cart" else f'"{coupon.kind}"'
    info: Any = f'[{coupon.id},"{coupon.code}",{kind},{amount}]'
    if not newer:
        info = {"id": coupon.id, "code": coupon.code, "amount": str(amount), "discount_type": coupon.kind}
    key = "coupon_info" if newer else "coupon_data"
    return {
        "id": row.id,
        "code": coupon.code,
        "discount": money.shortest(Decimal(row.pence) / 10**shop.decimals),
        "discount_tax": money.shortest(row.tax),
        "meta_data": [{"id": row.id, "key": key, "value": info, "display_key": key, "display_value": info}],
        **({"discount_type": coupon.kind, "nominal_amount": amount, "free_shipping": False} if newer else {}),
    }


def _number(value: Decimal) -> int | float:
    return int(value) if value == int(value) else float(value)
