"""A new embedded shop has everything that a channel can send."""

from __future__ import annotations

import json
import re

from msgspec.structs import fields

from bridge.channels.demo.seed import CATEGORIES
from bridge.clock import EPOCH, Deadline
from bridge.protocol.schemas.base import Message
from bridge.protocol.schemas.orders import Address, ExtendedProperty, Note, Option, Order, OrderItem
from bridge.store.connections import Connection

NEVER_FILLED = {
    "Order.fault": "says why a channel could not read an order, which an embedded shop always can",
}


def test_the_orders_of_a_new_shop_fill_every_field(app, connect):
    """Each field of an order, and of what it contains, has another value than its default in some order."""
    connect("fresh-shop")
    bridge, connection = app.extensions["bridge"], Connection.select().order_by(Connection.id.desc()).first()
    channel = bridge.channels.open(bridge.channels.config(connection), Deadline(8))
    filled: dict[type, set[str]] = {Order: set(), OrderItem: set()}

    def visit(message: Message) -> None:
        for field in fields(type(message)):
            value = getattr(message, field.name)
            if value not in (field.default, "", None):
                filled.setdefault(type(message), set()).add(field.name)
            for part in value if isinstance(value, tuple) else [value]:
                if isinstance(part, Message):
                    visit(part)

    for order in channel.orders(EPOCH, None).items:
        visit(order)
    empty = {
        f"{kind.__name__}.{field.name}"
        for kind, names in filled.items()
        for field in fields(kind)
        if field.name not in names
    }

    assert {Order, OrderItem, Address, ExtendedProperty, Note, Option} == filled.keys()
    assert NEVER_FILLED.keys() == empty


def test_a_new_shop_has_orders_of_every_kind(connect):
    """The orders of a new shop include every kind."""
    orders = connect("fresh-shop").orders().values()
    kinds = {
        "paid": lambda order: order["PaymentStatus"] == "PAID",
        "unpaid": lambda order: order["PaymentStatus"] == "UNPAID",
        "cancelled": lambda order: order["PaymentStatus"] == "CANCELLED",
        "several lines": lambda order: len(order["OrderItems"]) > 2,
        "several options": lambda order: any(len(item["Options"]) > 1 for item in order["OrderItems"]),
        "discount": lambda order: order["Discount"] > 0,
        "tax exclusive": lambda order: not any(item["TaxCostInclusive"] for item in order["OrderItems"]),
        "foreign currency": lambda order: order["Currency"] != "GBP",
        "another site": lambda order: order["Site"],
        "sent elsewhere": lambda order: order["DeliveryAddress"] != order["BillingAddress"],
        "free shipping": lambda order: order["PostalServiceCost"] == 0,
    }

    assert [] == [name for name, fits in kinds.items() if not any(fits(order) for order in orders)]


def test_every_new_shop_has_the_same_data(connect):
    """Two new shops have the same products and the same orders, but for their times and references."""
    first, second = connect(), connect()

    assert _without_times(first.orders()) == _without_times(second.orders())
    assert [{**row, "Reference": ""} for row in first.products().values()] == [
        {**row, "Reference": ""} for row in second.products().values()
    ]


def _without_times(orders):
    times = ("ReceivedDate", "DispatchBy", "PaidOn", "NoteEntryDate")
    return re.sub(f'"({"|".join(times)})": "[^"]*"', "", json.dumps(orders))


def test_a_new_shop_has_a_catalogue_of_several_pages(connect):
    """A new shop has hundreds of products, with variations but without their parents."""
    products = connect("fresh-shop").products()

    assert len(products) > 200
    assert "SHIRT-1-B-S" in products
    assert "SHIRT-1" not in products


def test_categories_come_in_several_pages(connect):
    """Every category comes once, over three pages."""
    linnworks = connect("fresh-shop")
    pages = [linnworks("GetCategoriesEndpoint", PageNumber=number) for number in (1, 2, 3)]
    ids = [category["CategoryId"] for page in pages for category in page["Categories"]]

    assert [True, True, False] == [page["HasMorePages"] for page in pages]
    assert sorted(CATEGORIES) == ids
