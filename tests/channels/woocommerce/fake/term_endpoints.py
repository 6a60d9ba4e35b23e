"""Endpoints of categories, attributes and their terms, and shipping classes."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any

from flask import Blueprint, Flask
from flask.typing import ResponseReturnValue

from tests.channels.woocommerce.fake.catalogue import Attribute, collation_key, escaped, slug_of
from tests.channels.woocommerce.fake.responses import links, page, reply
from tests.channels.woocommerce.fake.rest import COMMON, Refusal, body, checked, query

if TYPE_CHECKING:
    from tests.channels.woocommerce.fake.shop import WooShop

PRODUCTS = "/wp-json/wc/v3/products"


class _Row:
    """A row of a small list, with the attributes that pages sort by."""

    def __init__(self, shown: dict[str, Any]) -> None:
        self.shown, self.id, self.name = shown, shown["id"], shown["name"]


TERMS: Mapping[str, Callable[[Any], Any]] = {
    "id": lambda row: row.id,
    "name": lambda row: collation_key(row.name),
    "slug": lambda row: row.shown.get("slug", ""),
}


TERM_LIST = {
    **{name: COMMON[name] for name in ("page", "per_page", "offset", "order", "include", "exclude")},
    "orderby": ["id", "include", "name", "slug", "term_group", "description", "count"],
    "parent": "integer",
    "hide_empty": "boolean",
}


def add_to(app: Flask, shop: WooShop) -> None:
    """Add the endpoints to the application."""
    calls = Blueprint("terms", __name__)

    def table(rows: list[dict[str, Any]], wanted: dict[str, Any]) -> ResponseReturnValue:
        return page(
            [_Row(row) for row in rows], {"order": "asc", **wanted}, lambda row: row.shown, keys=TERMS, orderby="name"
        )

    def category(number: int) -> dict[str, Any]:
        count = sum(number in product.categories for product in shop.catalogue.products.values())
        values = {"description": "", "display": "default", "image": None, "menu_order": 0, "count": count}
        return {**shop.categories[number], **values, "_links": links("products/categories", number)}

    @calls.get(f"{PRODUCTS}/categories")
    def categories() -> ResponseReturnValue:
        wanted = checked(query(), TERM_LIST)
        rows = [category(number) for number in shop.categories]
        if "parent" in wanted:
            rows = [row for row in rows if row["parent"] == wanted["parent"]]
        return table(rows, wanted)

    @calls.post(f"{PRODUCTS}/categories")
    def add_category() -> ResponseReturnValue:
        data = checked(body(), {"name": "string", "parent": "integer"})
        name, parent = _required(data, "name"), data.get("parent", 0)
        for known in shop.categories.values():
            if (collation_key(known["name"]), known["parent"]) == (collation_key(escaped(name)), parent):
                words = "A term with the name provided already exists with this parent."
                raise Refusal(400, "term_exists", words, resource_id=known["id"])
        return reply(category(shop.add_category(name, parent)), 201)

    @calls.get(f"{PRODUCTS}/categories/<int:number>")
    def one_category(number: int) -> ResponseReturnValue:
        if number not in shop.categories:
            raise Refusal(404, "woocommerce_rest_term_invalid", "Resource does not exist.")
        return reply(category(number))

    def attribute(known: Attribute) -> dict[str, Any]:
        values = {"id": known.id, "name": known.name, "slug": known.slug, "type": "select", "order_by": "menu_order"}
        return {**values, "has_archives": False, "_links": links("products/attributes", known.id)}

    @calls.get(f"{PRODUCTS}/attributes")
    def attributes() -> ResponseReturnValue:
        rows = [attribute(known) for known in shop.attributes.values()]
        return reply(rows, 200, {"X-WP-Total": str(len(rows)), "X-WP-TotalPages": "1"})

    @calls.post(f"{PRODUCTS}/attributes")
    def add_attribute() -> ResponseReturnValue:
        data = checked(body(), {"name": "string", "slug": "string"})
        name = _required(data, "name")
        slug = data.get("slug") or f"pa_{slug_of(name)}"
        slug = slug if slug.startswith("pa_") else f"pa_{slug}"
        if any(known.slug == slug for known in shop.attributes.values()):
            words = f'Slug "{slug.removeprefix("pa_")}" is already in use. Change it, please.'
            raise Refusal(400, "woocommerce_rest_cannot_create", words)
        return reply(attribute(shop.attributes[shop.add_attribute(name, slug=slug)]), 201)

    def attribute_of(number: int, code: str = "woocommerce_rest_attribute_invalid") -> Attribute:
        if number not in shop.attributes:
            words = "Taxonomy does not exist." if "taxonomy" in code else "Resource does not exist."
            raise Refusal(404, code, words)
        return shop.attributes[number]

    @calls.get(f"{PRODUCTS}/attributes/<int:number>")
    def one_attribute(number: int) -> ResponseReturnValue:
        return reply(attribute(attribute_of(number)))

    def term(known: Attribute, name: str) -> dict[str, Any]:
        number = shop.terms[known.id][name]
        values = {"id": number, "name": name, "slug": slug_of(name), "description": "", "menu_order": 0, "count": 0}
        return {**values, "_links": links(f"products/attributes/{known.id}/terms", number)}

    @calls.get(f"{PRODUCTS}/attributes/<int:number>/terms")
    def terms(number: int) -> ResponseReturnValue:
        wanted = checked(query(), TERM_LIST)
        known = attribute_of(number, "woocommerce_rest_taxonomy_invalid")
        return table([term(known, name) for name in shop.terms[number]], wanted)

    @calls.post(f"{PRODUCTS}/attributes/<int:number>/terms")
    def add_term(number: int) -> ResponseReturnValue:
        name = _required(checked(body(), {"name": "string"}), "name")
        known = attribute_of(number, "woocommerce_rest_taxonomy_invalid")
        for there, term_id in shop.terms[number].items():
            if collation_key(there) == collation_key(escaped(name)):
                words = "A term with the name provided already exists in this taxonomy."
                raise Refusal(400, "term_exists", words, resource_id=term_id)
        return reply(term(known, shop.term(known, name)), 201)

    @calls.get(f"{PRODUCTS}/shipping_classes")
    def shipping_classes() -> ResponseReturnValue:
        return table(shop.shipping_classes, checked(query(), TERM_LIST))

    @calls.get(f"{PRODUCTS}/tags")
    def tags() -> ResponseReturnValue:
        return table([], checked(query(), TERM_LIST))

    app.register_blueprint(calls)


def _required(data: Mapping[str, Any], name: str) -> Any:
    if name not in data:
        raise Refusal(400, "rest_missing_callback_param", f"Missing parameter(s): {name}", params=[name])
    return data[name]
