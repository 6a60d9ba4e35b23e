"""The tables of the embedded shops, in a database of their own."""

from __future__ import annotations

import threading
from contextlib import AbstractContextManager
from decimal import Decimal
from pathlib import Path
from typing import Any

from peewee import (
    BooleanField,
    CharField,
    DatabaseProxy,
    ForeignKeyField,
    IntegerField,
    Model,
    TextField,
)
from playhouse.sqlite_ext import AutoIncrementField

from bridge.store.database import immediate, open_database
from bridge.store.fields import JsonField, MomentField

FILE = "demo-shop.db"
MIGRATIONS = Path(__file__).parent / "migrations"

database = DatabaseProxy()
_opening = threading.Lock()


class MoneyField(CharField):
    """An exact decimal, stored as text."""

    def db_value(self, value: Decimal | None) -> str | None:
        return None if value is None else str(value)

    def python_value(self, value: Any) -> Decimal | None:
        return None if value is None else Decimal(value)


class ShopRow(Model):
    class Meta:
        database = database
        legacy_table_names = False


class Shop(ShopRow):
    """An embedded shop; a connection needs its access key."""

    id = AutoIncrementField()
    name = CharField(unique=True)
    key_digest = CharField()
    created_at = MomentField()


class Product(ShopRow):
    """A simple product, a variable one (which has no stock of its own), or one of its variations."""

    id = AutoIncrementField()
    shop = ForeignKeyField(Shop, on_delete="CASCADE", index=False)
    shop_id: int
    parent = ForeignKeyField("self", null=True, on_delete="CASCADE")
    parent_id: int | None
    variable = BooleanField(default=False)
    sku = CharField()
    title = TextField()
    description = TextField(default="")
    category = IntegerField()
    price = MoneyField()
    list_price = MoneyField(null=True)
    stock = IntegerField(default=0)
    options = JsonField(default=dict)
    attributes = JsonField(default=dict)
    images = JsonField(default=list)
    origin = CharField(null=True)

    class Meta:
        indexes = ((("shop", "sku"), True), (("shop", "origin"), True))


class Order(ShopRow):
    """An order; its status is unpaid, paid, part-shipped, shipped or cancelled."""

    id = AutoIncrementField()
    shop = ForeignKeyField(Shop, on_delete="CASCADE", index=False)
    shop_id: int
    lines: Any
    number = CharField()
    status = CharField()
    site = CharField(default="")
    currency = CharField()
    tax_inclusive = BooleanField()
    buyer = CharField()
    tax_number = CharField(default="")
    billing = JsonField()
    delivery = JsonField(null=True)
    customer_note = TextField(default="")
    payment = CharField()
    transaction_id = CharField(default="")
    shipping = CharField()
    shipping_cost = MoneyField()
    shipping_tax_rate = MoneyField()
    discount = MoneyField()
    discount_type = CharField(default="AllEvenly")
    created_at = MomentField()
    paid_at = MomentField(null=True)
    modified_at = MomentField()

    class Meta:
        table_name = "shop_order"
        indexes = ((("shop", "number"), True), (("shop", "modified_at", "id"), False))


class OrderLine(ShopRow):
    """A line of an order, and how much of it was despatched, cancelled and refunded."""

    id = AutoIncrementField()
    order = ForeignKeyField(Order, on_delete="CASCADE", backref="lines")
    order_id: int
    number = CharField()
    sku = CharField()
    title = TextField()
    quantity = IntegerField()
    price = MoneyField()
    tax_rate = MoneyField()
    discount_percent = MoneyField()
    is_service = BooleanField(default=False)
    options = JsonField(default=dict)
    despatched = IntegerField(default=0)
    cancelled = IntegerField(default=0)
    refunded = MoneyField(default=Decimal(0))

    @property
    def open(self) -> int:
        """How many pieces are neither despatched nor cancelled."""
        return int(self.quantity - self.despatched - self.cancelled)


class Event(ShopRow):
    """A despatch, cancel or refund of an order; `key` is Linnworks' key of the action.

    `details` has the `pieces` or `amounts` by line number, `processed_on`, and the `parcels` of a despatch, each with
    its carrier, number and link.
    """

    id = AutoIncrementField()
    order = ForeignKeyField(Order, on_delete="CASCADE")
    order_id: int
    kind = CharField()
    key = CharField(unique=True)
    result = CharField(default="")
    note = TextField()
    details = JsonField(default=dict)
    shipping_refunded = MoneyField(default=Decimal(0))
    happened_at = MomentField()


TABLES = (Shop, Product, Order, OrderLine, Event)


def open_shops(data_dir: Path) -> None:
    """Open the shops' database in the data folder, once per process; create or upgrade it as needed."""

    path = (data_dir / FILE).absolute()
    with _opening:
        if database.obj is None or database.obj.database != str(path):
            open_database(f"sqlite:///{path}", MIGRATIONS, database, f"The embedded shops' database {path}")


def transaction() -> AbstractContextManager[Any]:
    """Return a context in which all changes of a shop are made together or not at all."""
    return immediate(database.obj)
