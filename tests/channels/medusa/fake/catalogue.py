"""Products, variants and their prices, categories, and the stock of inventory items at locations."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from decimal import Decimal
from typing import Any

from tests.channels.medusa.fake.metadata import known_fields, merged
from tests.channels.medusa.fake.rows import Row, invalid, not_found
from tests.channels.medusa.fake.stock import Stock

PRODUCT: Row = {
    **dict.fromkeys(("subtitle", "description", "external_id", "thumbnail", "collection_id", "type_id", "weight")),
    **dict.fromkeys(("length", "height", "width", "hs_code", "origin_country", "mid_code", "material", "metadata")),
    "title": "",
    "status": "draft",
    "is_giftcard": False,
    "discountable": True,
    "shipping_profile_id": None,
}
VARIANT: Row = {
    **dict.fromkeys(("title", "sku", "barcode", "ean", "upc", "hs_code", "origin_country", "mid_code", "material")),
    **dict.fromkeys(("weight", "length", "height", "width", "metadata", "thumbnail")),
    "allow_backorder": False,
    "manage_inventory": True,
    "variant_rank": 0,
}


class Catalogue(Stock):
    """What the shop sells; rows are kept as Medusa shows them, and relations by id."""

    def __init__(self, now: Callable[[], str]) -> None:
        super().__init__(now)
        self.products: dict[str, Row] = {}
        self.variants: dict[str, Row] = {}
        self.categories: dict[str, Row] = {}
        self.price_lists: dict[str, Row] = {}
        self.list_prices: dict[str, Row] = {}

    # -- products --------------------------------------------------------------------------------------

    def create_product(self, sent: Mapping[str, Any]) -> Row:
        """Add a product with its options and variants, or none of it."""
        handle = sent.get("handle") or re.sub(r"[^a-z0-9]+", "-", sent["title"].lower()).strip("-")
        if any(row["handle"] == handle for row in self.products.values()):
            raise invalid(f"Product with handle: {handle}, already exists.")
        if not sent.get("options"):
            raise invalid(f"Product options are not provided for: [{sent['title']}].")
        product = self.stamped("prod", **{**PRODUCT, **known_fields(PRODUCT, sent)}, handle=handle)
        product["options"] = [self._option(option) for option in sent["options"]]
        self._set_relations(product, {"images": [], "categories": [], "sales_channels": [], **sent})
        self._check_skus(sent.get("variants", ()))
        for variant in sent.get("variants", ()):
            self._check_options(product, variant.get("options", {}), "")
        self.products[product["id"]] = product
        for variant in sent.get("variants", ()):
            self.create_variant(product["id"], variant)
        return product

    def update_product(self, key: str, sent: Mapping[str, Any]) -> Row:
        product = self.products.get(key)
        if product is None:
            raise not_found(f'Product with id "{key}" not found')
        metadata = merged(product["metadata"], sent.get("metadata"))
        for option in sent.get("options", ()):
            known = next((row for row in product["options"] if row["id"] == option.get("id")), None)
            known = known or next((row for row in product["options"] if row["title"] == option.get("title")), None)
            if known is None:
                product["options"].append(self._option(option))
            else:
                have = {value["value"]: value for value in known["values"]}
                fresh = self._option({"title": known["title"], "values": option.get("values", list(have))})["values"]
                known["values"] = [have.get(value["value"], {**value, "option_id": known["id"]}) for value in fresh]
        product.update(known_fields(PRODUCT, sent), metadata=metadata, updated_at=self.now())
        self._set_relations(product, sent)
        if "variants" in sent:
            kept = {variant["id"] for variant in sent["variants"] if "id" in variant}
            for variant in self.variants_of(key):
                if variant["id"] not in kept:
                    self.delete_variants([variant["id"]])
            for variant in sent["variants"]:
                if "id" in variant:
                    self.update_variant(variant["id"], variant)
                else:
                    self.create_variant(key, variant)
        return product

    def delete_product(self, key: str) -> None:
        self.delete_variants([variant["id"] for variant in self.variants_of(key)])
        self.products.pop(key, None)

    def variants_of(self, product: str) -> list[Row]:
        return [variant for variant in self.variants.values() if variant["product_id"] == product]

    def _option(self, sent: Mapping[str, Any]) -> Row:
        option = self.stamped("opt", title=sent["title"], is_exclusive=True, metadata=None)
        option["values"] = [
            self.stamped("optval", value=value, rank=None, metadata=None, option_id=option["id"])
            for value in sent.get("values", ())
        ]
        return option

    def add_values(self, product: str, option: str, values: Sequence[str]) -> None:
        """Add values to an option."""
        found = next((row for row in self.products[product]["options"] if row["id"] == option), None)
        if found is None:
            raise not_found(f"ProductOption with id: {option} was not found")
        fresh = self._option({"title": found["title"], "values": values})["values"]
        found["values"] += [{**value, "option_id": option} for value in fresh]

    def _set_relations(self, product: Row, sent: Mapping[str, Any]) -> None:
        if "images" in sent:
            product["images"] = [
                self.stamped("img", url=image["url"], metadata=None, rank=rank, product_id=product["id"])
                for rank, image in enumerate(sent["images"])
            ]
        for name in ("categories", "sales_channels"):
            if name in sent:
                product[name] = [row["id"] for row in sent[name]]
        unknown = [key for key in product["categories"] if key not in self.categories]
        if unknown:
            raise not_found(f"ProductCategory with id: {', '.join(unknown)} was not found")

    def add_category(self, sent: Mapping[str, Any]) -> Row:
        handle = sent.get("handle") or re.sub(r"[^a-z0-9]+", "-", sent["name"].lower()).strip("-")
        fields = {"description": "", "is_active": False, "is_internal": False, "rank": 0, "parent_category_id": None}
        known = {name: sent[name] for name in fields if sent.get(name) is not None}
        row = self.stamped("pcat", name=sent["name"], handle=handle, **{**fields, **known}, external_id=None)
        self.categories[row["id"]] = {**row, "metadata": None}
        return row

    def add_list_price(self, price_list: str, sent: Mapping[str, Any]) -> Row:
        """Add a price of a variant to a price list."""
        price = {
            "amount": Decimal(str(sent["amount"])),
            "currency_code": sent["currency_code"],
            "min_quantity": sent.get("min_quantity"),
            "max_quantity": sent.get("max_quantity"),
            "variant_id": sent["variant_id"],
            "price_list_id": price_list,
            "price_set_id": f"pset_{sent['variant_id'].partition('_')[2]}",
            "rules": dict(sent.get("rules") or {}),
        }
        row = self.stamped("price", **price)
        self.list_prices[row["id"]] = row
        return row

    # -- variants --------------------------------------------------------------------------------------

    def create_variant(self, product: str, sent: Mapping[str, Any]) -> Row:
        if product not in self.products:
            raise not_found(f"Product with id: {product} was not found")
        self._check_skus([sent])
        self._check_options(self.products[product], sent.get("options", {}), "")
        variant = self.stamped("variant", **{**VARIANT, **known_fields(VARIANT, sent)}, product_id=product)
        variant |= {"options": dict(sent.get("options", {})), "inventory_items": [], "prices": []}
        self.variants[variant["id"]] = variant
        self.set_prices(variant, sent.get("prices") or [])
        if variant["manage_inventory"]:
            item = self.create_item({"sku": variant["sku"], "title": variant["title"], "description": variant["title"]})
            variant["inventory_items"].append(item["id"])
        return variant

    def update_variant(self, key: str, sent: Mapping[str, Any]) -> Row:
        variant = self.variants.get(key)
        if variant is None:
            raise invalid(f"Cannot update non-existing variants with ids: {key}")
        if sent.get("sku") not in (None, variant["sku"]):
            self._check_skus([sent])
        if "options" in sent:
            self._check_options(self.products[variant["product_id"]], sent["options"], key)
            variant["options"] = {**variant["options"], **sent["options"]}
        metadata = merged(variant["metadata"], sent.get("metadata"))
        variant.update(known_fields(VARIANT, sent), metadata=metadata, updated_at=self.now())
        if "prices" in sent:
            self.set_prices(variant, sent["prices"])
        return variant

    def delete_variants(self, keys: Sequence[str]) -> None:
        """Delete variants with their inventory items, or none of them if pieces are reserved."""
        items = [item for key in keys if key in self.variants for item in self.variants[key]["inventory_items"]]
        reserved = [item for item in items if self.quantities(item)["reserved_quantity"]]
        if reserved:
            words = f"Cannot remove following inventory item(s) since they have reservations: [{', '.join(reserved)}]."
            raise invalid(words)
        for key in keys:
            self.variants.pop(key, None)
        for item in items:
            self.items.pop(item, None)

    def set_prices(self, variant: Row, sent: Sequence[Mapping[str, Any]]) -> None:
        """Replace all prices of a variant, except those of price lists; a price keeps its id if it is named."""
        known = {price["id"]: price for price in variant["prices"]}
        variant["prices"] = []
        for price in sent:
            fields = {
                "amount": Decimal(str(price["amount"])),
                "currency_code": str(price["currency_code"]).lower(),
                "min_quantity": price.get("min_quantity"),
                "max_quantity": price.get("max_quantity"),
                "variant_id": variant["id"],
                "rules": dict(price.get("rules") or {}),
            }
            old = known.get(price.get("id", ""))
            row = {**old, **fields, "updated_at": self.now()} if old else self.stamped("price", **fields)
            row.pop("deleted_at", None)
            variant["prices"].append(row)

    def _check_skus(self, variants: Sequence[Mapping[str, Any]]) -> None:
        taken = {variant["sku"] for variant in self.variants.values()}
        for sent in variants:
            if sent.get("sku") and sent["sku"] in taken:
                raise invalid(f"Product variant with sku: {sent['sku']}, already exists.")
            taken.add(sent.get("sku"))

    def _check_options(self, product: Row, options: Mapping[str, str], variant: str) -> None:
        values = {option["title"]: [value["value"] for value in option["values"]] for option in product["options"]}
        for title, value in options.items():
            if value not in values.get(title, ()):
                raise invalid(f"Option value {value} does not exist for option {title}")
        for other in self.variants_of(product["id"]):
            if other["id"] != variant and options and other["options"] == dict(options):
                words = f"Variant ({other['title']}) with provided options already exists."
                raise invalid(words)
