"""Lists that rarely change: store, currencies, sales channels, locations, regions, providers."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING

from flask import Blueprint, Response, request

from tests.channels.medusa.fake.rows import Row, not_found, page, reply, select, wanted_fields

if TYPE_CHECKING:
    from tests.channels.medusa.fake.shop import MedusaShop

TIMES = ("created_at", "updated_at", "deleted_at", "metadata")
FIELDS: Mapping[str, tuple[str, ...]] = {
    "sales_channels": ("id", "name", "description", "is_disabled", *TIMES),
    "stock_locations": ("id", "name", "metadata", "created_at", "updated_at", "*address"),
    "regions": ("id", "name", "currency_code", "automatic_taxes", "*countries", *TIMES),
    "shipping_options": ("id", "name", "price_type", "provider_id", "metadata", "created_at", "updated_at"),
    "shipping_profiles": ("id", "name", "type", "metadata", "created_at", "updated_at"),
    "refund_reasons": ("id", "label", "code", "description", "created_at", "updated_at", "deleted_at"),
    "api_keys": ("id", "title", "token", "redacted", "type", "created_at", "updated_at"),
}
STORE_FIELDS = (
    "id",
    "name",
    "default_sales_channel_id",
    "default_location_id",
    "metadata",
    "created_at",
    "updated_at",
    "*supported_currencies",
)
CURRENCY_FIELDS = ("code", "name", "symbol", "symbol_native", "decimal_digits", "rounding")
PROVIDERS = ("pp_system_default", "pp_stripe_stripe")


def add_to(app: Blueprint, shop: MedusaShop) -> None:
    for table, fields in FIELDS.items():
        path = f"/{table.replace('_', '-')}"

        def many(table: str = table, fields: tuple[str, ...] = fields) -> Response:
            return page(table, shop.tables[table].values(), _same, fields, filters=("id", "name", "code", "deleted_at"))

        def one(key: str, table: str = table, fields: tuple[str, ...] = fields) -> Response:
            if key not in shop.tables[table]:
                raise not_found(f"{table.title().replace('_', '')[:-1]} with id: {key} was not found")
            name = table.removesuffix("s")
            return reply({name: select(shop.tables[table][key], wanted_fields(request.args.get("fields"), fields))})

        app.add_url_rule(path, f"{table} list", many)
        app.add_url_rule(f"{path}/<key>", f"{table} one", one)

    @app.get("/stores")
    def stores() -> Response:
        supported = [
            {"id": f"stocur_{code}", "currency_code": code, "is_default": number == 0, "currency": currency}
            for number, (code, currency) in enumerate(_currencies(shop).items())
        ]
        store = {**shop.store, "supported_currencies": supported}
        return page("stores", [store], _same, (*STORE_FIELDS, "*supported_currencies.currency"))

    @app.get("/currencies")
    def currencies() -> Response:
        return page("currencies", _currencies(shop).values(), _same, CURRENCY_FIELDS, filters=("code",))

    @app.get("/currencies/<code>")
    def currency(code: str) -> Response:
        if code not in shop.currencies:
            raise not_found(f"Currency with code: {code} was not found")
        fields = wanted_fields(request.args.get("fields"), CURRENCY_FIELDS)
        return reply({"currency": select(_currencies(shop)[code], fields)})

    @app.get("/payments/payment-providers")
    def payment_providers() -> Response:
        rows = [{"id": key, "is_enabled": True} for key in PROVIDERS]
        return page("payment_providers", rows, _same, ("id", "is_enabled"), limit=20)

    @app.get("/fulfillment-providers")
    def fulfilment_providers() -> Response:
        rows = [{"id": "manual_manual", "is_enabled": True}]
        return page("fulfillment_providers", rows, _same, ("id", "is_enabled"), limit=20)


def _currencies(shop: MedusaShop) -> dict[str, Row]:
    return {
        code: {"code": code, "name": name, "symbol": symbol, "symbol_native": symbol, "decimal_digits": digits}
        | {"rounding": 0}
        for code, (symbol, name, digits) in shop.currencies.items()
    }


def _same(row: Row) -> Row:
    return row
