"""The sample data of a new embedded shop: a catalogue, and orders of every kind."""

from __future__ import annotations

import random
from collections.abc import Iterator, Mapping
from datetime import datetime, timedelta
from decimal import Decimal
from functools import cache
from typing import Any, NamedTuple

from peewee import Model

from bridge.channels.demo.customers import CUSTOMERS, FREQUENCIES, SITES
from bridge.channels.demo.tables import Event, Order, OrderLine, Product, Shop, database
from bridge.clock import EPOCH
from bridge.store.fields import MomentField

CATEGORIES = {
    101: "Kitchen > Mugs and cups",
    102: "Kitchen > Boards and knives",
    103: "Kitchen > Tea and coffee",
    201: "Living > Candles",
    202: "Living > Cushions and throws",
    203: "Living > Lamps",
    301: "Garden > Pots",
    302: "Garden > Tools",
    303: "Garden > Seeds",
    401: "Clothing > Shirts",
    402: "Clothing > Aprons",
    501: "Paper > Notebooks",
}
GOODS = {
    101: ("Stoneware mug", "Espresso cup", "Enamel mug"),
    102: ("Oak board", "Bread knife", "Olive wood spoon"),
    103: ("Assam tea 250 g", "Coffee filter", "Café crème beans 1 kg"),
    201: ("Beeswax candle", "Tealight set", "Candle holder"),
    202: ("Linen cushion", "Wool throw", "Floor cushion"),
    203: ("Reading lamp", "Paper lantern", "Clamp lamp"),
    301: ("Terracotta pot", "Glazed pot", "Hanging basket"),
    302: ("Hand fork", "Pruning shears", "Dibber"),
    303: ("Sweet pea seeds", "Tomato seeds", "Wildflower mix"),
    402: ("Denim apron", "Striped apron", "Child's apron"),
    501: ("Dotted notebook", "Sketchbook", "Pocket diary"),
}
MATERIALS = ("natural", "white", "black", "moss", "sand", "slate", "rust")
BOARDS, SEEDS, SHIRTS_CATEGORY = 102, 303, 401
SHIRTS = ("Work shirt", "Fisherman's shirt", "Grandad shirt", "Oxford shirt", "Flannel shirt")
SIZES = ("S", "M", "L", "XL")
COLOURS = ("Blue", "Ecru", "Charcoal")

SHIPPING = {"STANDARD": "Standard (2 to 4 days)", "EXPRESS": "Express (next day)", "PICKUP": "Collected in the shop"}
SHIPPING_COSTS = {"STANDARD": Decimal("3.95"), "EXPRESS": Decimal("8.50"), "PICKUP": Decimal(0)}
PAYMENT = {"CARD": "Card", "BANK": "Bank transfer", "PAYPAL": "PayPal"}

ORDERS = 60
DAYS = 30
FIRST_NUMBER = 1001


class Good(NamedTuple):
    """What an order needs to know of a product."""

    sku: str
    title: str
    price: Decimal
    category: int


Row = dict[str, Any]
STORED_AS_IT_IS = (str, int, bool, type(None))


def fill(shop: Shop, now: datetime) -> None:
    """Add products and a month of orders to a new shop; every shop gets the same. Needs a transaction."""
    newest = dict(database.execute_sql("SELECT name, seq FROM sqlite_sequence").fetchall())
    moment = MomentField().db_value(now)
    offsets = {
        "shop_id": shop.id,
        "parent_id": newest.get("product", 0),
        "order_id": newest.get("shop_order", 0),
        **dict.fromkeys(("created_at", "paid_at", "modified_at", "happened_at"), moment),
    }
    for table, columns, rows in _prepared_rows():
        offsets["id"] = newest.get(table, 0)
        marks = [f"? + {offsets[column]}" if column in offsets else "?" for column in columns]
        if table == "event":
            marks[columns.index("key")] = f"'by hand {shop.id}-' || ?"
        sql = f"INSERT INTO {table} ({', '.join(columns)}) VALUES ({', '.join(marks)})"  # noqa: S608
        database.connection().executemany(sql, rows)


@cache
def _prepared_rows() -> list[tuple[str, list[str], list[tuple[Any, ...]]]]:
    """Return tables, columns and rows of the sample data; ids count from 1, the shop is 0, and now is the epoch."""
    rng = random.Random("sample data 11")  # noqa: S311 with this one the first and the last order are to be sent
    products = [*_simple_products(rng)]
    for shirt in SHIRTS:
        products += _shirt(shirt, len(products) + 1, rng)
    products = [{"id": number, "shop": 0, **row} for number, row in enumerate(products, 1)]
    goods = [Good(*(row[name] for name in Good._fields)) for row in products if not row.get("variable")]
    age = timedelta(days=DAYS) / ORDERS
    orders = [_past_order(number, goods, EPOCH - age * (ORDERS - number), rng) for number in range(ORDERS)]
    orders = [{"id": number, "shop": 0, **order} for number, order in enumerate(orders, 1)]
    events = [
        {
            "id": number,
            "order": order["id"],
            "kind": "cancel",
            "key": order["number"],
            "note": "Cancelled by the customer",
            "details": {"pieces": {line["number"]: line["quantity"] for line in order["lines"]}},
            "happened_at": order["modified_at"],
        }
        for number, order in enumerate((order for order in orders if order["status"] == "cancelled"), 1)
    ]
    lines = [{"order": order["id"], **line} for order in orders for line in order.pop("lines")]
    return [
        _prepared(Product, products),
        _prepared(Order, orders),
        _prepared(OrderLine, lines),
        _prepared(Event, events),
    ]


def _prepared(table: type[Model], rows: list[Row]) -> tuple[str, list[str], list[tuple[Any, ...]]]:
    """Return a table's name, its columns, and rows as SQLite stores them, with the defaults of what they leave out."""
    meta = table._meta
    defaults = meta.get_default_dict()
    names = {**defaults, **dict.fromkeys(name for row in rows for name in row)}
    columns = {meta.fields[name]: [row.get(name, defaults.get(name)) for row in rows] for name in names}
    stored = [
        [value if type(value) in STORED_AS_IT_IS else field.db_value(value) for value in values]
        for field, values in columns.items()
    ]
    return meta.table_name, [field.column_name for field in columns], list(zip(*stored, strict=True))


def _simple_products(rng: random.Random) -> Iterator[Row]:
    for category, goods in GOODS.items():
        for good in goods:
            for material in MATERIALS:
                price = Decimal(rng.randrange(150, 9000, 5)) / 100
                yield {
                    "sku": f"{category}-{goods.index(good) + 1}{MATERIALS.index(material) + 1}",
                    "title": f"{good}, {material}",
                    "description": f"<p>{good} in {material}.</p>",
                    "category": category,
                    "price": price,
                    "list_price": price + 5 if rng.random() < 0.2 else None,
                    "stock": rng.choice((0, 1, 3, 12, 40, 250)),
                }


def _shirt(title: str, parent: int, rng: random.Random) -> Iterator[Row]:
    """Yield a variable product with the id `parent`, and its variations."""
    sku = f"SHIRT-{SHIRTS.index(title) + 1}"
    price = Decimal(rng.randrange(2900, 7900, 50)) / 100
    shared = {"category": SHIRTS_CATEGORY, "price": price, "description": f"<p>{title}, cotton.</p>"}
    yield {"sku": sku, "title": title, "variable": True, **shared}
    for colour in COLOURS:
        for size in SIZES:
            yield {
                "parent": parent,
                "sku": f"{sku}-{colour[0]}-{size}",
                "title": f"{title}, {colour}, {size}",
                "stock": rng.randrange(0, 30),
                "options": {"Colour": colour, "Size": size},
                **shared,
            }


def _past_order(index: int, goods: list[Good], placed: datetime, rng: random.Random) -> Row:
    status = rng.choices(("paid", "unpaid", "cancelled"), (80, 12, 8))[0]
    tax_inclusive = rng.random() < 0.75
    discounted = rng.random()
    lines = [
        {
            **_line(good, rng.choice((1, 1, 1, 2, 3)), tax_inclusive),
            "discount_percent": Decimal(10) if discounted < 0.15 else Decimal(0),
        }
        for good in rng.sample(goods, rng.choice((1, 1, 2, 3, 5)))
    ]
    if rng.random() < 0.15:
        lines.append(_gift_wrap(tax_inclusive))
    return {
        **_order(str(FIRST_NUMBER + index), lines, placed, rng, status=status),
        "tax_inclusive": tax_inclusive,
        "discount": Decimal("1.00") if 0.15 < discounted < 0.25 else Decimal(0),
        "discount_type": rng.choice(("AllEvenly", "ItemsThenPostage", "PostageThenItems")),
        "customer_note": rng.choice(("", "", "", "Please leave it with the neighbour.", "Ein Geschenk – ohne Preise!")),
    }


def random_order(shop: Shop, number: str, products: Mapping[Product, int], now: datetime, *, paid: bool) -> Order:
    """Create an order for quantities of products."""
    rng = random.Random()  # noqa: S311 sample data
    lines = [
        _line(Good(product.sku, product.title, product.price, product.category), quantity, True)
        for product, quantity in products.items()
    ]
    row = _order(number, lines, now, rng, status="paid" if paid else "unpaid")
    rows = row.pop("lines")
    order: Order = Order.create(shop=shop, **row)
    OrderLine.insert_many([{"order": order, **line} for line in rows]).execute()
    return order


def next_number(shop: Shop) -> str:
    """Return the number after the newest order's."""
    newest = Order.select(Order.number).where(Order.shop == shop).order_by(Order.id.desc()).first()
    return str(int(newest.number) + 1 if newest else FIRST_NUMBER)


def _line(good: Good, quantity: int, tax_inclusive: bool) -> Row:
    rate = Decimal(0) if good.category == SEEDS else Decimal(20)
    price = good.price if tax_inclusive else (good.price / (1 + rate / 100)).quantize(Decimal("0.01"))
    return {
        "sku": good.sku,
        "title": good.title,
        "quantity": quantity,
        "price": price,
        "tax_rate": rate,
        "discount_percent": Decimal(0),
        "is_service": False,
        "options": {"Engraving": "For Ida", "Lettering": "Italic"} if good.category == BOARDS else {},
    }


def _gift_wrap(tax_inclusive: bool) -> Row:
    return {
        "sku": "GIFT-WRAP",
        "title": "Gift wrapping",
        "quantity": 1,
        "price": Decimal("2.40") if tax_inclusive else Decimal("2.00"),
        "tax_rate": Decimal(20),
        "discount_percent": Decimal(0),
        "is_service": True,
        "options": {},
    }


def _order(number: str, lines: list[Row], placed: datetime, rng: random.Random, *, status: str) -> Row:
    """Return an order's row, with its lines' rows under "lines"."""
    customer = rng.choices(CUSTOMERS, FREQUENCIES)[0]
    shipping = rng.choice(list(SHIPPING))
    paid = status == "paid"
    return {
        "number": number,
        "status": status,
        "site": customer.site,
        "currency": SITES[customer.site],
        "tax_inclusive": True,
        "buyer": customer.billing.full_name,
        "tax_number": customer.tax_number,
        "billing": customer.billing,
        "delivery": customer.delivery,
        "payment": rng.choice(list(PAYMENT)),
        "transaction_id": f"TX-{number}" if paid else "",
        "shipping": shipping,
        "shipping_cost": SHIPPING_COSTS[shipping],
        "shipping_tax_rate": Decimal(20),
        "discount": Decimal(0),
        "created_at": placed,
        "paid_at": placed if paid else None,
        "modified_at": placed,
        "lines": [
            {"number": str(position), "cancelled": line["quantity"] if status == "cancelled" else 0, **line}
            for position, line in enumerate(lines, 1)
        ],
    }
