"""A listing as WooCommerce's API takes it, and what is wrong with a listing: pure functions."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from decimal import Decimal
from typing import Any

from bridge.channels.woocommerce.configurator import MEASURES, SALE_PRICE, SETTING_IDS
from bridge.channels.woocommerce.updates import price_text
from bridge.channels.woocommerce.values import money, unescape
from bridge.protocol.schemas.listings import AttributeValue, ProductListing, ProductSettings, ProductVariation


@dataclass(frozen=True)
class ListingPayload:
    """The bodies of the calls that create or update a listing."""

    listing: ProductListing
    settings: ProductSettings
    shop_attributes: Sequence[Mapping[str, Any]]
    existing_attributes: Sequence[Mapping[str, Any]] = field(default_factory=tuple)
    """The attributes that the product in the shop has already."""
    has_variations: bool = False
    """Whether the product in the shop has variations already."""
    with_price_and_stock: bool = True
    """Whether what exists in the shop gets the listing's prices and stock levels."""

    @property
    def varies(self) -> bool:
        return bool(self.listing.variations) or self.has_variations

    def product(self) -> dict[str, Any]:
        """Return the product, or the parent of the variations."""
        listing = self.listing
        body = {
            "name": listing.title,
            "description": listing.description,
            "attributes": self._attributes(),
            **_product_fields(listing.attributes),
        }
        tags = _value(listing.attributes, "tags")
        if tags:
            body["tags"] = [{"name": tag.strip()} for tag in tags.split(",") if tag.strip()]
        if self.varies:
            return {**body, **({"type": "variable"} if listing.variations else {})}
        if not self.with_price_and_stock:
            return body
        return {**body, **_price_and_stock(listing.quantity, listing.price, listing.attributes)}

    def setting_fields(self) -> dict[str, Any]:
        """Return the fields of a product that the configurator's settings decide."""
        answers = {answer.id: answer.values[0] for answer in self.settings.general_settings if answer.values}
        own = _product_fields(self.listing.attributes)
        return {name: answers[name] for name in SETTING_IDS if answers.get(name) and name not in own}

    def variation(self, variation: ProductVariation, *, exists: bool = False) -> dict[str, Any]:
        """Return one variation, which is for sale if its product is."""
        options = [
            {**self._attribute_ref(option.name), "option": option.value.value}
            for option in variation.option_values
            if option.name
        ]
        attributes = (*variation.attribute_settings, *self.listing.attributes)
        price = variation.price or self.listing.price
        backorders = {name: text for name, text in self.setting_fields().items() if name == "backorders"}
        return {
            "status": "publish",
            "attributes": options,
            **_product_fields(variation.attribute_settings),
            **backorders,
            **(
                _price_and_stock(variation.quantity, price, attributes)
                if self.with_price_and_stock or not exists
                else {}
            ),
        }

    def prices_differ(self, rows: Mapping[str, Mapping[str, Any]]) -> bool:
        """Return whether the listing has another price than one of these rows, which are by SKU in lower case."""
        listing = self.listing
        wanted = {variation.sku.casefold(): variation.price or listing.price for variation in listing.variations}
        wanted = wanted or {listing.sku.strip().casefold(): listing.price}
        return any(money(rows[sku]["regular_price"]) != price for sku, price in wanted.items() if sku in rows)

    def _attribute_ref(self, name: str) -> dict[str, Any]:
        """Return the id of one of the shop's attributes, or the name of any other."""
        same = (
            row["id"]
            for row in self.shop_attributes
            if name.casefold() in (unescape(row["name"]).casefold(), row["slug"])
        )
        return next(({"id": number} for number in same), {"name": name})

    def _attributes(self) -> list[dict[str, Any]]:
        """Return all attributes: the existing ones with new options, those of variations, and descriptive ones."""
        merged: dict[str, dict[str, Any]] = {}

        def add(name: str, values: Iterable[str], vary: bool) -> None:
            ref = self._attribute_ref(name)
            entry = merged.setdefault(str(ref), {**ref, "visible": True, "variation": vary, "options": []})
            entry["variation"] = entry["variation"] or vary
            entry["options"] = list(dict.fromkeys([*entry["options"], *filter(None, values)]))

        slugs = {row["slug"] for row in self.shop_attributes}
        descriptive = [
            attribute
            for attribute in self.listing.attributes
            if attribute.attribute_value and (attribute.is_custom_attribute or attribute.attribute_id in slugs)
        ]
        replaced = {str(self._attribute_ref(attribute.attribute_id)) for attribute in descriptive}
        for row in self.existing_attributes:
            if not row["variation"] and str(self._attribute_ref(unescape(row["name"]))) in replaced:
                continue
            add(unescape(row["name"]), map(unescape, row["options"]), row["variation"])
        for variation in self.listing.variations:
            for option in variation.option_values:
                if option.name:
                    add(option.name, [option.value.value], vary=True)
        for attribute in descriptive:
            values = [value.strip() for value in attribute.attribute_value.split("|")]
            add(attribute.attribute_id, values, vary=False)
        return list(merged.values())


def _price_and_stock(quantity: int, price: Decimal, attributes: Iterable[AttributeValue]) -> dict[str, Any]:
    sale_price = _value(attributes, SALE_PRICE)
    return {
        "regular_price": price_text("regular_price", price),
        "sale_price": price_text("sale_price", Decimal(sale_price or 0)),
        "manage_stock": True,
        "stock_quantity": quantity,
    }


def _product_fields(attributes: Iterable[AttributeValue]) -> dict[str, Any]:
    """Return the attributes that are fields of a product in WooCommerce."""
    values = {one.attribute_id: one.attribute_value for one in attributes if one.attribute_value}
    fields: dict[str, Any] = {
        name: values[name] for name in ("weight", "short_description", "shipping_class") if name in values
    }
    sizes = {name: values[name] for name in ("length", "width", "height") if name in values}
    return {**fields, **({"dimensions": sizes} if sizes else {})}


def _value(attributes: Iterable[AttributeValue], name: str) -> str:
    values = (one.attribute_value.strip() for one in attributes if one.attribute_id == name)
    return next(filter(None, values), "")


def listing_problems(listing: ProductListing, has_variations: bool = False) -> Iterator[str]:
    """Yield what WooCommerce would refuse; `has_variations`: the product in the shop has some already."""
    skus = {listing.sku, *(variation.sku for variation in listing.variations)}
    for sku in sorted(sku for sku in skus if "," in sku):
        yield f"The SKU {sku} has a comma: WooCommerce could not find it again"
    if listing.variations or not has_variations:
        prices = [variation.price or listing.price for variation in listing.variations] or [listing.price]
        sale_price = _value(listing.attributes, SALE_PRICE)
        if min(prices) <= 0:
            yield "The price must be above zero"
        elif _is_amount(sale_price) and Decimal(sale_price) >= min(prices):
            yield f"The sale price {sale_price} is not below the price"
    for variation in listing.variations:
        if not any(option.name and option.value.value for option in variation.option_values):
            yield f"The variation {variation.sku} has no option with a value"
    for attributes in (listing.attributes, *(variation.attribute_settings for variation in listing.variations)):
        for name in (SALE_PRICE, *MEASURES):
            value = _value(attributes, name)
            if value and not _is_amount(value):
                yield f"The {name.replace('_', ' ')} {value} is not a number"


def _is_amount(text: str) -> bool:
    whole, _, part = text.partition(".")
    return (whole + part).isdecimal() and len(text) < 16 and text.isascii()
