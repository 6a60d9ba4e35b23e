"""Products, variants, categories and price lists."""

from __future__ import annotations

from decimal import Decimal
from typing import TYPE_CHECKING, Any

from flask import Blueprint, Response, request
from werkzeug.local import LocalProxy

from tests.channels.medusa.fake.catalogue_views import (
    CATEGORY_FIELDS,
    PRODUCT_FIELDS,
    VARIANT_FIELDS,
    show_category,
    show_product,
    show_variant,
)
from tests.channels.medusa.fake.rows import Row, body, invalid, not_found, page, reply, select, wanted_fields

if TYPE_CHECKING:
    from tests.channels.medusa.fake.shop import MedusaShop

PRODUCT_FILTERS = ("id", "handle", "title", "status", "external_id", "created_at", "updated_at")
VARIANT_FILTERS = ("id", "sku", "barcode", "product_id", "manage_inventory", "created_at", "updated_at")
OWN_VARIANT_FIELDS = tuple(field for field in VARIANT_FIELDS if field != "*product")
LIST_FIELDS = (
    *("id", "type", "description", "title", "status", "starts_at", "ends_at", "created_at", "updated_at"),
    *("deleted_at", "metadata", "rules"),
)
LIST_PRICE_FIELDS = (
    *("id", "currency_code", "amount", "min_quantity", "max_quantity", "created_at", "deleted_at", "updated_at"),
    *("price_set_id", "price_set.variant.id", "*price_rules"),
)


def add_to(app: Blueprint, shop: MedusaShop) -> None:
    catalogue: Any = LocalProxy(lambda: shop.catalogue)

    def answer(product: Row) -> Response:
        fields = wanted_fields(request.args.get("fields"), PRODUCT_FIELDS)
        return reply({"product": select(show_product(shop, product), fields)})

    def of_product(product: Row, variant: Row) -> Row:
        return select(show_variant(shop, variant), wanted_fields(request.args.get("fields"), OWN_VARIANT_FIELDS))

    @app.get("/products")
    def products() -> Response:
        wanted = set(request.args.getlist("category_id[]") + request.args.getlist("category_id"))
        rows = [row for row in catalogue.products.values() if not wanted or wanted & set(row["categories"])]
        return page("products", rows, lambda row: show_product(shop, row), PRODUCT_FIELDS, filters=PRODUCT_FILTERS)

    @app.post("/products")
    def create() -> Response:
        return answer(catalogue.create_product(body()))

    @app.get("/products/<key>")
    def product(key: str) -> Response:
        if key not in catalogue.products:
            raise not_found("Product not found")
        return answer(catalogue.products[key])

    @app.post("/products/<key>")
    def update(key: str) -> Response:
        return answer(catalogue.update_product(key, body()))

    @app.delete("/products/<key>")
    def delete(key: str) -> Response:
        catalogue.delete_product(key)
        return reply({"id": key, "object": "product", "deleted": True})

    @app.post("/products/batch")
    def batch() -> Response:
        sent = body()
        created = [catalogue.create_product(entry) for entry in sent.get("create", ())]
        updated = [catalogue.update_product(entry["id"], entry) for entry in sent.get("update", ())]
        for key in sent.get("delete", ()):
            catalogue.delete_product(key)
        fields = wanted_fields(request.args.get("fields"), PRODUCT_FIELDS)
        shown = [[select(show_product(shop, row), fields) for row in rows] for rows in (created, updated)]
        deleted = {"ids": sent.get("delete", []), "object": "product", "deleted": True}
        return reply({"created": shown[0], "updated": shown[1], "deleted": deleted})

    # -- variants --------------------------------------------------------------------------------------

    @app.get("/product-variants")
    def variants() -> Response:
        rows = catalogue.variants.values()
        return page("variants", rows, lambda row: show_variant(shop, row), VARIANT_FIELDS, filters=VARIANT_FILTERS)

    @app.get("/products/<key>/variants")
    def own_variants(key: str) -> Response:
        rows = catalogue.variants_of(key)
        return page("variants", rows, lambda row: show_variant(shop, row), OWN_VARIANT_FIELDS, filters=VARIANT_FILTERS)

    @app.post("/products/<key>/variants")
    def create_variant(key: str) -> Response:
        catalogue.create_variant(key, body())
        return answer(catalogue.products[key])

    @app.post("/products/<key>/variants/<variant>")
    def update_variant(key: str, variant: str) -> Response:
        if variant not in catalogue.variants:
            raise not_found(f"Variant with id: {variant} was not found")
        catalogue.update_variant(variant, body())
        return answer(catalogue.products[key])

    @app.delete("/products/<key>/variants/<variant>")
    def delete_variant(key: str, variant: str) -> Response:
        catalogue.delete_variants([variant])
        return reply({"id": variant, "object": "variant", "deleted": True})

    @app.post("/products/<key>/variants/batch")
    def batch_variants(key: str) -> Response:
        sent = body()
        unknown = [entry["id"] for entry in sent.get("update", ()) if entry["id"] not in catalogue.variants]
        if unknown:
            raise invalid(f"Cannot update non-existing variants with ids: {', '.join(unknown)}")
        created = [catalogue.create_variant(key, entry) for entry in sent.get("create", ())]
        updated = [catalogue.update_variant(entry["id"], entry) for entry in sent.get("update", ())]
        catalogue.delete_variants(sent.get("delete", []))
        product = catalogue.products.get(key, {})
        shown = [[of_product(product, row) for row in rows] for rows in (created, updated)]
        deleted = {"ids": sent.get("delete", []), "object": "variant", "deleted": True}
        return reply({"created": shown[0], "updated": shown[1], "deleted": deleted})

    @app.post("/products/<key>/options/batch")
    def batch_options(key: str) -> Response:
        """Add values to options."""
        for entry in body().get("update", ()):
            catalogue.add_values(key, entry["product_option_id"], [value["value"] for value in entry.get("add", ())])
        return reply({"created": [], "updated": [], "deleted": {"ids": [], "object": "product_option"}})

    @app.post("/products/<key>/variants/inventory-items/batch")
    def link_items(key: str) -> Response:
        links = body().get("create", [])
        for link in links:
            catalogue.variants[link["variant_id"]]["inventory_items"].append(link["inventory_item_id"])
        return reply({"created": links, "updated": [], "deleted": []})

    # -- categories ------------------------------------------------------------------------------------

    @app.get("/product-categories")
    def categories() -> Response:
        rows = catalogue.categories.values()
        filters = ("id", "handle", "is_active", "is_internal", "parent_category_id")
        show = _category_view(shop)
        return page("product_categories", rows, show, CATEGORY_FIELDS, filters=filters)

    @app.get("/product-categories/<key>")
    def category(key: str) -> Response:
        if key not in catalogue.categories:
            raise not_found(f"Category with id: {key} was not found")
        fields = wanted_fields(request.args.get("fields"), CATEGORY_FIELDS)
        return reply({"product_category": select(show_category(shop, catalogue.categories[key]), fields)})

    # -- price lists -----------------------------------------------------------------------------------

    @app.get("/price-lists")
    def price_lists() -> Response:
        rows = [{**row, "rules": {}, "price_set_id": None} for row in catalogue.price_lists.values()]
        return page("price_lists", rows, dict, LIST_FIELDS, filters=("id", "title", "status"))

    @app.get("/price-lists/<key>")
    def price_list(key: str) -> Response:
        row = {**_price_list(shop, key), "rules": {}, "price_set_id": None}
        return reply({"price_list": select(row, wanted_fields(request.args.get("fields"), LIST_FIELDS))})

    @app.get("/price-lists/<key>/prices")
    def list_prices(key: str) -> Response:
        _price_list(shop, key)
        rows = [row for row in catalogue.list_prices.values() if row["price_list_id"] == key]
        return page("prices", rows, _list_price, LIST_PRICE_FIELDS, filters=("id", "variant_id"))

    @app.post("/price-lists/<key>/prices/batch")
    def batch_prices(key: str) -> Response:
        _price_list(shop, key)
        sent = body()
        unknown = [entry["id"] for entry in sent.get("update", ()) if entry["id"] not in catalogue.list_prices]
        if unknown:
            raise invalid(f"Price with id: {', '.join(unknown)} was not found")
        created = [catalogue.add_list_price(key, entry) for entry in sent.get("create", ())]
        updated = []
        for entry in sent.get("update", ()):
            row = catalogue.list_prices[entry["id"]]
            row.update(
                {name: entry[name] for name in ("currency_code", "min_quantity", "max_quantity") if name in entry}
            )
            row.update(amount=Decimal(str(entry.get("amount", row["amount"]))), updated_at=shop.now())
            updated.append(row)
        for price in sent.get("delete", ()):
            catalogue.list_prices.pop(price, None)
        fields = wanted_fields(request.args.get("fields"), LIST_PRICE_FIELDS)
        shown = [[select(_list_price(row), fields) for row in rows] for rows in (created, updated)]
        deleted = {"ids": sent.get("delete", []), "object": "price", "deleted": True}
        return reply({"created": shown[0], "updated": shown[1], "deleted": deleted})


def _category_view(shop: MedusaShop):  # type: ignore[no-untyped-def]
    return lambda row: show_category(shop, row)


def _price_list(shop: MedusaShop, key: str) -> Row:
    if key not in shop.catalogue.price_lists:
        raise not_found(f"Price list with id: {key} was not found")
    return shop.catalogue.price_lists[key]


def _list_price(row: Row) -> Row:
    rules = [{"id": f"prule_{name}", "attribute": name, "value": value} for name, value in row["rules"].items()]
    price_set = {"id": row["price_set_id"], "variant": {"id": row["variant_id"]}}
    return {**{name: value for name, value in row.items() if name != "rules"}, "price_set": price_set} | {
        "price_rules": rules
    }
