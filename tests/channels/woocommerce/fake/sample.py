"""The shop of the recordings as it was at their start: the same products and orders with the same ids."""

from __future__ import annotations

import itertools
import random
from collections.abc import Iterator
from typing import Any

from tests.channels.woocommerce.fake.shop import WooShop

CUSTOMER = 2


def sample_shop(**options: Any) -> WooShop:
    """Return a shop with 40 products, 8 variations and 145 orders."""
    shop = WooShop(**options)
    shop.name = "Local Test Shop"
    shop.next_post = itertools.count(10).__next__
    with shop.lock:
        product_ids = _add_products(shop)
        shop.add_coupon("ten", "percent", 10)
        shop.add_coupon("fiver", "fixed_cart", 5)
        for status, body in _orders(product_ids):
            paid = status in ("processing", "completed")
            order = shop.checkout.add({**body, "set_paid": paid})
            shop.order_book.move(order, status)
    return shop


def _add_products(shop: WooShop) -> dict[str, int]:
    """Add the products and return their ids by SKU."""
    kitchen = shop.add_category("Kitchen")
    colour = shop.add_attribute("Colour", "Red", "Green")
    size = {"name": "Size", "visible": True, "variation": True, "options": ["S", "M", "L"]}
    dimensions = {"length": "12", "width": "9", "height": "10"}
    simple: list[tuple[str, int | None, str, dict[str, Any]]] = [
        ("MUG-BLUE", 100, "7.99", {"name": "Blue mug", "weight": "0.35", "dimensions": dimensions}),
        ("TEAPOT-1", 20, "24.50", {"name": "Teapot", "sale_price": "19.95", "backorders": "notify"}),
        ("BOOK-KID", 50, "5.00", {"name": "Children's book", "tax_class": "reduced-rate"}),
        ("UNI-É-1", 5, "3.335", {"name": "Café crème & “Tasse” – 日本"}),
        ("GIFT-10", None, "10", {"name": "Gift card", "virtual": True, "tax_status": "none"}),
        ("", 3, "1.00", {"name": "No SKU thing"}),
        ("DRAFT-1", None, "2.00", {"name": "Draft thing", "status": "draft"}),
        ("NOSTOCK-1", None, "9.99", {"name": "Not stock managed"}),
    ]
    product_ids = {
        sku: shop.add_product(sku, stock, price, categories=[{"id": kitchen}], **fields)
        for sku, stock, price, fields in simple
    }
    colours = {"id": colour, "visible": True, "variation": True, "options": ["Red", "Green"]}
    shirt = shop.catalogue.add({"type": "variable", "name": "T-shirt", "sku": "TSHIRT", "attributes": [colours, size]})
    product_ids["TSHIRT"] = shirt.id
    for hue, letter in itertools.product(("Red", "Green"), "SML"):
        chosen = [{"id": colour, "option": hue}, {"name": "Size", "option": letter}]
        body = {
            "sku": f"TSHIRT-{hue[0]}-{letter}",
            "regular_price": "15.00",
            "manage_stock": True,
            "stock_quantity": 10,
        }
        product_ids[body["sku"]] = shop.catalogue.add({**body, "attributes": chosen}, shirt.id).id
    fields = {"name": "Cap (stock on the parent)", "price": "8", "manage_stock": True, "stock_quantity": 40}
    shop.add_variable("CAP", {"CAP-ONE": "One", "CAP-TWO": "Two"}, None, **fields)
    for number in range(30):
        price = f"{1 + number / 10:.2f}"
        shop.add_product(f"BULK-{number:02d}", 10 + number, price, name=f"Bulk item {number:02d}")
    return product_ids


def _body(name: str, *lines: dict[str, Any], place: dict[str, str] | None = None, **fields: Any) -> dict[str, Any]:
    address = {"first_name": name, "last_name": "Sample", "address_1": "1 Test Street", "city": "London"}
    address |= {"postcode": "SW1A 1AA", "country": "GB", **(place or {})}
    return {
        "payment_method": "bacs",
        "payment_method_title": "Bank transfer",
        "billing": {**address, "email": f"{name.lower()}@example.test", "phone": "+44 20 7946 0000"},
        "shipping": address,
        "line_items": list(lines),
        "shipping_lines": [{"method_id": "flat_rate", "method_title": "Standard", "total": "4.50"}],
        **fields,
    }


def _orders(product_ids: dict[str, int]) -> Iterator[tuple[str, dict[str, Any]]]:
    """Yield the orders with their statuses."""

    def line(sku: str, quantity: int = 1, **fields: Any) -> dict[str, Any]:
        return {"product_id": product_ids[sku], "quantity": quantity, **fields}

    mug, ten, fiver = line("MUG-BLUE"), {"code": "ten"}, {"code": "fiver"}
    yield "processing", _body("Ann", line("MUG-BLUE", 3), customer_id=CUSTOMER)
    mixed = (mug, line("BOOK-KID", 2), line("TEAPOT-1"))
    yield "processing", _body("Bob", *mixed, coupon_lines=[ten], customer_note="Leave at the door – merci")
    yield "completed", _body("Cat", line("TSHIRT", 2, variation_id=product_ids["TSHIRT-R-M"]))
    wrap = [{"name": "Gift wrap", "total": "2.00", "tax_status": "taxable"}]
    engraved = line("TEAPOT-1", meta_data=[{"key": "engraving", "value": "Für Ø"}])
    reference = [{"key": "_external_ref", "value": "EXT-1"}]
    yield "processing", _body("Dan", engraved, fee_lines=wrap, meta_data=reference)
    yield "processing", _body("Eve", line("TEAPOT-1", 2), coupon_lines=[ten, fiver])
    yield "processing", _body("Fay", line(""), line("UNI-É-1", 3))
    far = {"country": "US", "state": "CA", "city": "Testville", "postcode": "90001"}
    yield "processing", _body("Gil", mug, place=far)
    yield "processing", _body("Hans", mug, place={"country": "DE", "city": "Berlin", "postcode": "10115"})
    yield "processing", _body("Ida", mug, currency="EUR")
    free = [{"method_id": "free_shipping", "method_title": "Free", "total": "0"}]
    yield "processing", _body("Jim", line("BOOK-KID"), shipping_lines=free)
    for name, status in (("Kim", "pending"), ("Lee", "on-hold"), ("Max", "cancelled"), ("Ned", "failed")):
        yield status, _body(name, mug)
    yield "processing", _body("Oli", line("GIFT-10"), shipping_lines=[])
    rnd = random.Random(7)
    for number in range(130):
        sku = rnd.choice(["MUG-BLUE", "TEAPOT-1", "BOOK-KID"])
        lines = line(sku, rnd.randint(1, 2))
        yield rnd.choice(["processing", "processing", "pending"]), _body(f"Bulk{number:03d}", lines)
