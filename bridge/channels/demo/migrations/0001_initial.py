"""The tables of the first version."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

from peewee import BooleanField, CharField, ForeignKeyField, IntegerField, Model, TextField
from playhouse.sqlite_ext import AutoIncrementField

from bridge.channels.demo.tables import MoneyField
from bridge.store.fields import JsonField, MomentField


def up(migrator: Any, db: Any) -> None:
    class Shop(Model):
        id = AutoIncrementField()
        name = CharField(unique=True)
        key_digest = CharField()
        created_at = MomentField()

        class Meta:
            database = db
            table_name = "shop"

    class Order(Model):
        id = AutoIncrementField()
        shop = ForeignKeyField(Shop, on_delete="CASCADE", index=False)
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
            database = db
            table_name = "shop_order"
            indexes = ((("shop", "number"), True), (("shop", "modified_at", "id"), False))

    class Event(Model):
        id = AutoIncrementField()
        order = ForeignKeyField(Order, on_delete="CASCADE")
        kind = CharField()
        key = CharField(unique=True)
        result = CharField(default="")
        note = TextField()
        details = JsonField(default=dict)
        shipping_refunded = MoneyField(default=Decimal(0))
        happened_at = MomentField()

        class Meta:
            database = db
            table_name = "event"

    class OrderLine(Model):
        id = AutoIncrementField()
        order = ForeignKeyField(Order, on_delete="CASCADE")
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

        class Meta:
            database = db
            table_name = "order_line"

    class Product(Model):
        id = AutoIncrementField()
        shop = ForeignKeyField(Shop, on_delete="CASCADE", index=False)
        parent = ForeignKeyField("self", null=True, on_delete="CASCADE")
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
            database = db
            table_name = "product"
            indexes = ((("shop", "sku"), True), (("shop", "origin"), True))

    db.create_tables([Shop, Order, Event, OrderLine, Product])
