"""The sample data of a new embedded shop: a catalogue, and orders of every kind."""

from __future__ import annotations

import random
from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from decimal import Decimal
from typing import Any

from peewee import Model

from bridge.channels.demo.tables import Order, OrderLine, Product, Shop, database

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
SEEDS, SHIRTS_CATEGORY = 303, 401
SHIRTS = ("Work shirt", "Fisherman's shirt", "Grandad shirt", "Oxford shirt", "Flannel shirt")
SIZES = ("S", "M", "L", "XL")
COLOURS = ("Blue", "Ecru", "Charcoal")

SHIPPING = {"STANDARD": "Standard (2 to 4 days)", "EXPRESS": "Express (next day)", "PICKUP": "Collected in the shop"}
SHIPPING_COSTS = {"STANDARD": Decimal("3.95"), "EXPRESS": Decimal("8.50"), "PICKUP": Decimal(0)}
PAYMENT = {"CARD": "Card", "BANK": "Bank transfer", "PAYPAL": "PayPal"}

ORDERS = 230
DAYS = 30


BUYERS = (
    ("Anna Whitfield", "12 Mill Lane", "Bath", "Somerset", "BA1 5TQ", "United Kingdom", "GB"),
    ("Tom Okafor", "Flat 3, 80 Canal Street", "Leeds", "West Yorkshire", "LS1 4BR", "United Kingdom", "GB"),
    ("Siân Prydderch", "Tŷ Gwyn, Heol y Bryn", "Cardiff", "", "CF10 3AT", "United Kingdom", "GB"),
    ("Jürgen Großmann", "Lindenstraße 7", "Köln", "NRW", "50674", "Germany", "DE"),
    ("Zoë Lefèvre", "4 rue des Épinettes", "Paris", "", "75017", "France", "FR"),
    ("Eoin Ó Súilbháin", "19 Quay Street", "Galway", "", "H91 N5C2", "Ireland", "IE"),
    ("Νίκος Παπαδόπουλος", "Ερμού 15", "Athens", "Attica", "105 63", "Greece", "GR"),
)


def fill(shop: Shop, now: datetime) -> None:
    """Add products and a month of orders to a new shop; the same name always gets the same data."""
    rng = random.Random(f"catalogue of {shop.name}")  # noqa: S311 sample data
    _insert(Product, _simple_products(shop, rng))
    for shirt in SHIRTS:
        _add_shirt(shop, shirt, rng)
    products = list(Product.select().where((Product.shop == shop) & ~Product.variable))
    age = timedelta(days=DAYS) / ORDERS
    _add_orders(
        [_past_order(shop, str(1001 + index), products, now - age * (ORDERS - index), rng) for index in range(ORDERS)]
    )


def _insert(table: type[Model], rows: list[dict[str, Any]]) -> None:
    """Insert rows of the same columns by one statement, which peewee would compile anew for each of them."""
    meta = table._meta
    defaults = meta.get_default_dict()
    fields = [meta.fields[name] for name in {**defaults, **rows[0]}]
    columns, marks = ", ".join(field.column_name for field in fields), ", ".join("?" * len(fields))
    values = [[field.db_value({**defaults, **row}[field.name]) for field in fields] for row in rows]
    database.connection().executemany(f"INSERT INTO {meta.table_name} ({columns}) VALUES ({marks})", values)  # noqa: S608


def _simple_products(shop: Shop, rng: random.Random) -> list[dict[str, Any]]:
    rows = []
    for category, goods in GOODS.items():
        for good in goods:
            for material in MATERIALS:
                price = Decimal(rng.randrange(150, 9000, 5)) / 100
                rows.append(
                    {
                        "shop": shop,
                        "sku": f"{category}-{goods.index(good) + 1}{MATERIALS.index(material) + 1}",
                        "title": f"{good}, {material}",
                        "description": f"<p>{good} in {material}.</p>",
                        "category": category,
                        "price": price,
                        "list_price": price + 5 if rng.random() < 0.2 else None,
                        "stock": rng.choice((0, 1, 3, 12, 40, 250)),
                    }
                )
    return rows


def _add_shirt(shop: Shop, title: str, rng: random.Random) -> None:
    number = SHIRTS.index(title) + 1
    price = Decimal(rng.randrange(2900, 7900, 50)) / 100
    shared = {"shop": shop, "category": SHIRTS_CATEGORY, "price": price, "description": f"<p>{title}, cotton.</p>"}
    parent = Product.create(sku=f"SHIRT-{number}", title=title, variable=True, **shared)
    variations = [
        {
            "parent": parent,
            "sku": f"SHIRT-{number}-{colour[0]}-{size}",
            "title": f"{title}, {colour}, {size}",
            "stock": rng.randrange(0, 30),
            "options": {"Colour": colour, "Size": size},
            **shared,
        }
        for colour in COLOURS
        for size in SIZES
    ]
    _insert(Product, variations)


def _past_order(
    shop: Shop, number: str, products: list[Product], placed: datetime, rng: random.Random
) -> dict[str, Any]:
    status = rng.choices(("paid", "unpaid", "cancelled"), (80, 12, 8))[0]
    tax_inclusive = rng.random() < 0.75
    discounted = rng.random()
    lines = [
        {
            **_line(product, rng.choice((1, 1, 1, 2, 3)), tax_inclusive),
            "discount_percent": Decimal(10) if discounted < 0.15 else Decimal(0),
        }
        for product in rng.sample(products, rng.choice((1, 1, 2, 3, 5)))
    ]
    if rng.random() < 0.15:
        lines.append(_gift_wrap(tax_inclusive))
    return _order(
        shop,
        number,
        lines,
        placed,
        rng,
        status=status,
        tax_inclusive=tax_inclusive,
        currency="GBP" if rng.random() < 0.85 else "EUR",
        discount=Decimal("1.00") if 0.15 < discounted < 0.25 else Decimal(0),
        discount_type=rng.choice(("AllEvenly", "ItemsThenPostage", "PostageThenItems")),
        customer_note=rng.choice(("", "", "", "Please leave it with the neighbour.", "Ein Geschenk – ohne Preise!")),
    )


def random_order(
    shop: Shop, number: str, products: Sequence[Product], wanted: Mapping[str, int], now: datetime, *, paid: bool
) -> Order:
    """Create an order for quantities by SKU, or for one or two random products if none are named."""
    rng = random.Random()  # noqa: S311 sample data
    chosen = wanted or {product.sku: 1 for product in rng.sample(list(products), min(len(products), 2))}
    by_sku = {product.sku: product for product in products}
    lines = [_line(by_sku[sku], quantity, True) for sku, quantity in chosen.items()]
    _add_orders([_order(shop, number, lines, now, rng, status="paid" if paid else "unpaid")])
    order: Order = Order.get((Order.shop == shop) & (Order.number == number))
    return order


def next_number(shop: Shop) -> str:
    """Return the number after the newest order's."""
    newest = Order.select(Order.number).where(Order.shop == shop).order_by(Order.id.desc()).first()
    return str(int(newest.number) + 1 if newest else 1001)


def _line(product: Product, quantity: int, tax_inclusive: bool) -> dict[str, Any]:
    rate = Decimal(0) if product.category == SEEDS else Decimal(20)
    price = product.price if tax_inclusive else (product.price / (1 + rate / 100)).quantize(Decimal("0.01"))
    return {
        "sku": product.sku,
        "title": product.title,
        "quantity": quantity,
        "price": price,
        "tax_rate": rate,
        "discount_percent": Decimal(0),
        "is_service": False,
        "options": {"Engraving": "For Ida"} if product.category == 102 else {},
    }


def _gift_wrap(tax_inclusive: bool) -> dict[str, Any]:
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


def _order(
    shop: Shop,
    number: str,
    lines: list[dict[str, Any]],
    placed: datetime,
    rng: random.Random,
    *,
    status: str,
    **more: Any,
) -> dict[str, Any]:
    """Return an order's row, with its lines' rows under "lines"."""
    buyer, *address = rng.choice(BUYERS)
    shipping = rng.choice(list(SHIPPING))
    paid = status == "paid"
    cancelled = status == "cancelled"
    return {
        "shop": shop,
        "number": number,
        "status": status,
        "buyer": buyer,
        "address": dict(
            zip(("street", "town", "region", "post_code", "country", "country_code"), address, strict=True)
        ),
        "payment": rng.choice(list(PAYMENT)),
        "transaction_id": f"TX-{number}" if paid else "",
        "shipping": shipping,
        "shipping_cost": SHIPPING_COSTS[shipping],
        "shipping_tax_rate": Decimal(20),
        "created_at": placed,
        "paid_at": placed if paid else None,
        "modified_at": placed,
        "currency": "GBP",
        "tax_inclusive": True,
        "discount": Decimal(0),
        "discount_type": "AllEvenly",
        "customer_note": "",
        "lines": [
            {"number": str(position), "cancelled": line["quantity"] if cancelled else 0, **line}
            for position, line in enumerate(lines, 1)
        ],
        **more,
    }


def _add_orders(orders: list[dict[str, Any]]) -> None:
    """Insert orders and their lines in few statements."""
    _insert(Order, [{name: value for name, value in order.items() if name != "lines"} for order in orders])
    numbers = [order["number"] for order in orders]
    query: Any = Order.select(Order.number, Order.id).where(
        (Order.shop == orders[0]["shop"]) & Order.number.between(numbers[0], numbers[-1])
    )
    ids = dict(query.tuples())
    _insert(OrderLine, [{"order": ids[order["number"]], **line} for order in orders for line in order["lines"]])
