"""Rows of the catalogue with all their relations, from which the query selects."""

from __future__ import annotations

from decimal import Decimal
from typing import TYPE_CHECKING

from tests.channels.medusa.fake.rows import Row, number

if TYPE_CHECKING:
    from tests.channels.medusa.fake.shop import MedusaShop

VARIANT_FIELDS = (
    *("id", "title", "sku", "thumbnail", "barcode", "ean", "upc", "allow_backorder", "manage_inventory", "hs_code"),
    *("origin_country", "mid_code", "material", "weight", "length", "height", "width", "metadata", "variant_rank"),
    *("product_id", "created_at", "updated_at", "deleted_at", "*product", "*prices", "*options", "options.option.id"),
)
PRODUCT_FIELDS = (
    *("id", "title", "subtitle", "status", "external_id", "description", "handle", "is_giftcard", "discountable"),
    *("thumbnail", "collection_id", "type_id", "weight", "length", "height", "width", "hs_code", "origin_country"),
    *("mid_code", "material", "created_at", "updated_at", "deleted_at", "metadata", "type", "collection"),
    *("*options", "*options.values", "*tags", "*images", "*variants", "*variants.prices", "*variants.options"),
    *("*variants.options.option", "*variants.images", "*sales_channels"),
)
ITEM_FIELDS = (
    *("id", "sku", "title", "description", "thumbnail", "origin_country", "hs_code", "requires_shipping", "mid_code"),
    *("material", "unit_of_measure", "weight", "length", "height", "width", "metadata", "reserved_quantity"),
    *("stocked_quantity", "created_at", "updated_at", "*location_levels"),
)
NOT_SUMMED = dict.fromkeys(("reserved_quantity", "stocked_quantity"))
RELATIONS = ("options", "images", "categories", "sales_channels", "shipping_profile_id")
LEVEL_FIELDS = (
    *("id", "inventory_item_id", "location_id", "stocked_quantity", "reserved_quantity", "incoming_quantity"),
    *("available_quantity", "metadata", "created_at", "updated_at"),
)
CATEGORY_FIELDS = (
    *("id", "name", "description", "handle", "is_active", "is_internal", "rank", "external_id"),
    *("parent_category_id", "created_at", "updated_at", "metadata", "*parent_category", "*category_children"),
)


def show_level(level: Row) -> Row:
    available = level["stocked_quantity"] - level["reserved_quantity"]
    return {**level, "available_quantity": available, "incoming_quantity": Decimal(0)}


def show_item(shop: MedusaShop, item: Row) -> Row:
    levels = shop.catalogue.levels_of(item["id"])
    sums = {name: int(value) for name, value in shop.catalogue.quantities(item["id"]).items()}
    return {**item, **sums, "location_levels": [show_level(level) for level in levels]}


def plain_product(product: Row) -> Row:
    return {
        **{name: value for name, value in product.items() if name not in RELATIONS},
        "type": None,
        "collection": None,
    }


def show_variant(shop: MedusaShop, variant: Row, *, with_product: bool = True) -> Row:
    product = shop.catalogue.products[variant["product_id"]]
    values = {
        (option["title"], value["value"]): {**value, "option": {**option, "values": []}}
        for option in product["options"]
        for value in option["values"]
    }
    links = [
        {
            "variant_id": variant["id"],
            "inventory_item_id": key,
            "id": f"pvitem_{key.partition('_')[2]}",
            "required_quantity": 1,
            "created_at": variant["created_at"],
            "updated_at": variant["created_at"],
            "deleted_at": None,
            "inventory": {**show_item(shop, shop.catalogue.items[key]), **NOT_SUMMED},
        }
        for key in variant["inventory_items"]
        if key in shop.catalogue.items
    ]
    available = [int(level["available_quantity"]) for link in links for level in link["inventory"]["location_levels"]]
    row = {
        **variant,
        "options": [values[pair] for pair in variant["options"].items() if pair in values],
        "prices": [{**price, "amount": number(price["amount"])} for price in variant["prices"]],
        "images": product["images"],
        "inventory_items": links,
        "inventory_quantity": sum(available) if variant["manage_inventory"] else None,
    }
    return {**row, "product": {**show_product(shop, product, with_variants=False)}} if with_product else row


def show_product(shop: MedusaShop, product: Row, *, with_variants: bool = True) -> Row:
    variants = shop.catalogue.variants_of(product["id"]) if with_variants else []
    return {
        **plain_product(product),
        "options": product["options"],
        "tags": [],
        "images": product["images"],
        "variants": [show_variant(shop, variant, with_product=False) for variant in variants],
        "categories": [shop.catalogue.categories[key] for key in product["categories"]],
        "sales_channels": [shop.tables["sales_channels"][key] for key in product["sales_channels"]],
    }


def show_category(shop: MedusaShop, category: Row) -> Row:
    categories = shop.catalogue.categories
    parent = categories.get(category["parent_category_id"] or "")
    children = [row for row in categories.values() if row["parent_category_id"] == category["id"]]
    return {**category, "parent_category": parent, "category_children": children}
