"""Endpoints of products and variations."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any

from flask import Blueprint, Flask
from flask.typing import ResponseReturnValue

from tests.channels.woocommerce.fake.catalogue import (
    PRODUCT,
    STATUSES,
    TYPES,
    VARIATION,
    Product,
    collation_key,
)
from tests.channels.woocommerce.fake.product_views import show_product, show_variation
from tests.channels.woocommerce.fake.responses import batch, entry_fields, page, reply
from tests.channels.woocommerce.fake.rest import (
    COMMON,
    NO_ROUTE,
    TRUE,
    Refusal,
    body,
    checked,
    query,
)

if TYPE_CHECKING:
    from tests.channels.woocommerce.fake.shop import WooShop

V3 = "/wp-json/wc/v3"
PRODUCTS = f"{V3}/products"
ORDERBY = ["date", "id", "include", "title", "slug", "modified", "menu_order", "price", "popularity", "rating"]
KEYS: Mapping[str, Callable[[Any], Any]] = {
    "date": lambda row: row.created,
    "modified": lambda row: row.modified,
    "id": lambda row: row.id,
    "title": lambda row: row.name,
    "slug": lambda row: row.slug,
    "menu_order": lambda row: row.menu_order,
    "price": lambda row: float(row.price or 0),
    "popularity": lambda row: row.sold,
    "rating": lambda row: 0,
}
LIST = {**COMMON, "orderby": ORDERBY, "status": ["any", *STATUSES], "type": TYPES, "parent": "ids"}
VARIATIONS = {name: kind for name, kind in LIST.items() if name != "type"}
ELSEWHERE = (
    "To manipulate product variations you should use the /products/&lt;product_id&gt;/variations/&lt;id&gt; endpoint."
)


def add_to(app: Flask, shop: WooShop) -> None:
    """Add the endpoints to the application."""
    for name, add in (("products", _products), ("variations", _variations)):
        calls = Blueprint(name, __name__)
        add(calls, shop)
        app.register_blueprint(calls)


def _products(calls: Blueprint, shop: WooShop) -> None:
    def show(product: Product) -> dict[str, Any]:
        return show_product(shop.catalogue, product)

    def product_of(number: Any, status: int = 404) -> Product:
        product = shop.catalogue.products.get(number) if isinstance(number, int) else None
        if product is None:
            raise Refusal(status, "woocommerce_rest_product_invalid_id", "Invalid ID.")
        return product

    def to_change(number: Any) -> Product:
        product = product_of(number, 400)
        if product.type == "variation":
            raise Refusal(404, "woocommerce_rest_invalid_product_id", ELSEWHERE)
        return product

    @calls.get(PRODUCTS)
    def products() -> ResponseReturnValue:
        wanted = checked(query(), LIST)
        rows = [product for product in shop.catalogue.products.values() if product.type != "variation"]
        if wanted.get("sku"):
            rows = _with_skus(shop, str(wanted["sku"]))
        rows = _of_status(rows, wanted)
        if wanted.get("parent"):
            rows = [product for product in rows if product.parent_id in wanted["parent"]]
        if wanted.get("category"):
            rows = [product for product in rows if int(wanted["category"]) in product.categories]
        if wanted.get("search"):
            rows = [product for product in rows if collation_key(wanted["search"]) in collation_key(product.name)]
        if wanted.get("type"):
            rows = [product for product in rows if product.type == wanted["type"]]
        return page(rows, wanted, show, keys=KEYS, stable=shop.at_least(10, 4))

    @calls.post(PRODUCTS)
    def create() -> ResponseReturnValue:
        return reply(show(shop.catalogue.add(checked(body(), PRODUCT))), 201)

    @calls.get(f"{PRODUCTS}/<int:number>")
    def product(number: int) -> ResponseReturnValue:
        return reply(show(product_of(number)))

    @calls.route(f"{PRODUCTS}/<int:number>", methods=["PUT", "PATCH", "POST"])
    def change(number: int) -> ResponseReturnValue:
        data = checked(body(), PRODUCT)
        product = to_change(number)
        shop.catalogue.write(product, data)
        return reply(show(product))

    def delete_product(number: Any, *, for_good: bool) -> dict[str, Any]:
        product = product_of(number)
        if product.type == "variation":
            raise Refusal(404, "woocommerce_rest_invalid_product_id", ELSEWHERE)
        return _deleted(shop, product, for_good, show, "product")

    @calls.delete(f"{PRODUCTS}/<int:number>")
    def delete(number: int) -> ResponseReturnValue:
        return reply(delete_product(number, for_good=body().get("force") in TRUE))

    @calls.post(f"{PRODUCTS}/batch")
    def several() -> ResponseReturnValue:
        def update(entry: dict[str, Any]) -> dict[str, Any]:
            product = to_change(_number(entry.get("id")))
            shop.catalogue.write(product, entry)
            return entry_fields(show(product), entry)

        return batch(
            body(),
            lambda entry: entry_fields(show(shop.catalogue.add(entry)), entry),
            update,
            lambda number: delete_product(number, for_good=True),
        )


def _variations(calls: Blueprint, shop: WooShop) -> None:
    def show(product: Product) -> dict[str, Any]:
        return show_variation(shop.catalogue, product)

    def variation_of(parent: int, number: Any, status: int = 404) -> Product:
        """Return a variation of this product; before 10.3 any product or variation is accepted."""
        product = shop.catalogue.products.get(number) if isinstance(number, int) else None
        other = product is not None and (product.type != "variation" or product.parent_id != parent)
        if product is None or (other and shop.at_least(10, 3)):
            status = 404 if shop.at_least(10, 3) else status
            raise Refusal(status, "woocommerce_rest_product_variation_invalid_id", "Invalid ID.")
        return product

    def rows_of(wanted: Mapping[str, Any], parent: int | None = None) -> list[Product]:
        rows = [product for product in shop.catalogue.products.values() if product.type == "variation"]
        if wanted.get("sku"):
            rows = [product for product in _with_skus(shop, str(wanted["sku"])) if product.type == "variation"]
        rows = rows if parent is None else [product for product in rows if product.parent_id == parent]
        return _of_status(rows, wanted)

    @calls.get(f"{V3}/variations")
    def all_variations() -> ResponseReturnValue:
        if not shop.at_least(10, 3):
            raise Refusal(404, *NO_ROUTE)
        wanted = checked(query(), VARIATIONS)
        rows = rows_of(wanted)
        if wanted.get("parent"):
            rows = [product for product in rows if product.parent_id in wanted["parent"]]
        return page(rows, wanted, show, keys=KEYS, stable=shop.at_least(10, 4))

    @calls.get(f"{PRODUCTS}/<int:parent>/variations")
    def variations(parent: int) -> ResponseReturnValue:
        wanted = checked(query(), VARIATIONS)
        return page(rows_of(wanted, parent), wanted, show, keys=KEYS, stable=shop.at_least(10, 4))

    def create_variation(parent: int, data: Mapping[str, Any]) -> dict[str, Any]:
        if parent not in shop.catalogue.products and shop.at_least(10, 3):
            words = "<p>There has been a critical error on this website.</p>"
            raise Refusal(500, "internal_server_error", words)
        return show(shop.catalogue.add(data, parent))

    def as_sent(data: dict[str, Any]) -> dict[str, Any]:
        """Return a body with checked types; from 10.3 on a variation's stock may be its parent's."""
        by_parent = shop.at_least(10, 3) and data.get("manage_stock") == "parent"
        return checked({**data, "manage_stock": False} if by_parent else data, VARIATION)

    @calls.post(f"{PRODUCTS}/<int:parent>/variations")
    def create(parent: int) -> ResponseReturnValue:
        return reply(create_variation(parent, as_sent(body())), 201)

    @calls.get(f"{PRODUCTS}/<int:parent>/variations/<int:number>")
    def variation(parent: int, number: int) -> ResponseReturnValue:
        return reply(show(variation_of(parent, number)))

    def change_variation(parent: int, number: Any, data: Mapping[str, Any]) -> dict[str, Any]:
        product = variation_of(parent, number, 400)
        product.parent_id = parent
        shop.catalogue.write(product, data)
        return show(product)

    @calls.route(f"{PRODUCTS}/<int:parent>/variations/<int:number>", methods=["PUT", "PATCH", "POST"])
    def change(parent: int, number: int) -> ResponseReturnValue:
        return reply(change_variation(parent, number, as_sent(body())))

    def delete_variation(parent: int, number: Any, *, for_good: bool) -> dict[str, Any]:
        return _deleted(shop, variation_of(parent, number), for_good, show, "product_variation")

    @calls.delete(f"{PRODUCTS}/<int:parent>/variations/<int:number>")
    def delete(parent: int, number: int) -> ResponseReturnValue:
        return reply(delete_variation(parent, number, for_good=body().get("force") in TRUE))

    @calls.post(f"{PRODUCTS}/<int:parent>/variations/batch")
    def several(parent: int) -> ResponseReturnValue:
        return batch(
            body(),
            lambda entry: create_variation(parent, entry),
            lambda entry: change_variation(parent, _number(entry.get("id")), entry),
            lambda number: delete_variation(parent, number, for_good=True),
        )


def _with_skus(shop: WooShop, text: str) -> list[Product]:
    """Return products with one of the SKUs, or with the whole text as SKU; leading spaces are significant."""
    skus = {*text.strip().split(","), text.strip()}
    return [
        product
        for sku in {collation_key(sku): sku for sku in skus if sku}.values()
        for product in shop.catalogue.with_sku(sku)
    ]


def _of_status(rows: list[Product], wanted: Mapping[str, Any]) -> list[Product]:
    status = wanted.get("status", "any")
    return [
        row for row in rows if row.status == status or (status == "any" and row.status not in ("trash", "auto-draft"))
    ]


def _number(value: Any) -> int:
    """Return an id as batches accept it, also as a string."""
    return int(value) if str(value or "").isdigit() else 0


def _deleted(
    shop: WooShop, product: Product, for_good: bool, show: Callable[[Product], dict[str, Any]], kind: str
) -> dict[str, Any]:
    """Bin or delete a product, and return it as it was before."""
    if not for_good and product.status == "trash":
        words = f"The {kind} has already been deleted."
        raise Refusal(410, "woocommerce_rest_already_trashed", words)
    before = show(product)
    (shop.catalogue.delete if for_good else shop.catalogue.bin)(product)
    return before
