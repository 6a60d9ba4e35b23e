"""A listing in WooCommerce's words: pure functions."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from decimal import Decimal
from typing import Any

from bridge.channels.woocommerce.configurator import MEASURES, OF_SETTINGS, SALE_PRICE
from bridge.channels.woocommerce.updates import price_text
from bridge.channels.woocommerce.values import plain
from bridge.protocol.schemas.listings import AttributeValue, ProductListing, ProductSettings, ProductVariation


@dataclass(frozen=True)
class ListingPayload:
    """A listing in WooCommerce's words; `had` are attributes that the product has already, `had_variations` whether
    it has those."""

    listing: ProductListing
    settings: ProductSettings
    known: Sequence[Mapping[str, Any]]
    had: Sequence[Mapping[str, Any]] = field(default_factory=tuple)
    had_variations: bool = False

    @property
    def varied(self) -> bool:
        return bool(self.listing.variations) or self.had_variations

    def product(self) -> dict[str, Any]:
        """The product, or the parent of the variations."""
        listing = self.listing
        body = {
            "name": listing.title,
            "description": listing.description,
            "attributes": self._attributes(),
            **_plain_fields(listing.attributes),
        }
        tags = _value(listing.attributes, "tags")
        if tags:
            body["tags"] = [{"name": tag.strip()} for tag in tags.split(",") if tag.strip()]
        if self.varied:
            return {**body, **({"type": "variable"} if listing.variations else {})}
        return {**body, **_offer(listing.quantity, listing.price, listing.attributes)}

    def for_settings(self) -> dict[str, Any]:
        """What the configurator says of new products."""
        answers = {answer.id: answer.values[0] for answer in self.settings.general_settings if answer.values}
        own = _plain_fields(self.listing.attributes)
        return {name: answers[name] for name in OF_SETTINGS if answers.get(name) and name not in own}

    def variation(self, variation: ProductVariation) -> dict[str, Any]:
        """One way in which it comes."""
        options = [
            {**self._named(option.name), "option": option.value.value}
            for option in variation.option_values
            if option.name
        ]
        given = (*variation.attribute_settings, *self.listing.attributes)
        price = variation.price or self.listing.price
        return {
            "attributes": options,
            **_plain_fields(variation.attribute_settings),
            **_offer(variation.quantity, price, given),
        }

    def _named(self, name: str) -> dict[str, Any]:
        """An attribute of the shop by its id, another by its name."""
        same = (row["id"] for row in self.known if name.casefold() in (plain(row["name"]).casefold(), row["slug"]))
        return next(({"id": number} for number in same), {"name": name})

    def _attributes(self) -> list[dict[str, Any]]:
        """All attributes: those it had, with new options added, those that vary, and those that describe it."""
        merged: dict[str, dict[str, Any]] = {}

        def add(name: str, values: Iterable[str], vary: bool) -> None:
            named = self._named(name)
            entry = merged.setdefault(str(named), {**named, "visible": True, "variation": vary, "options": []})
            entry["variation"] = entry["variation"] or vary
            entry["options"] = list(dict.fromkeys([*entry["options"], *filter(None, values)]))

        for row in self.had:
            add(plain(row["name"]), map(plain, row["options"]), row["variation"])
        for variation in self.listing.variations:
            for option in variation.option_values:
                if option.name:
                    add(option.name, [option.value.value], vary=True)
        slugs = {row["slug"] for row in self.known}
        for attribute in self.listing.attributes:
            if attribute.attribute_value and (attribute.is_custom_attribute or attribute.attribute_id in slugs):
                values = [value.strip() for value in attribute.attribute_value.split("|")]
                add(attribute.attribute_id, values, vary=False)
        return list(merged.values())


def _offer(quantity: int, price: Decimal, given: Iterable[AttributeValue]) -> dict[str, Any]:
    """What something costs and how many there are."""
    sale = _value(given, SALE_PRICE)
    return {
        "regular_price": price_text("regular_price", price),
        "sale_price": price_text("sale_price", Decimal(sale or 0)),
        "manage_stock": True,
        "stock_quantity": quantity,
    }


def _plain_fields(given: Iterable[AttributeValue]) -> dict[str, Any]:
    """Attributes that are fields of a product."""
    values = {attribute.attribute_id: attribute.attribute_value for attribute in given if attribute.attribute_value}
    fields: dict[str, Any] = {
        name: values[name] for name in ("weight", "short_description", "shipping_class") if name in values
    }
    sizes = {name: values[name] for name in ("length", "width", "height") if name in values}
    return {**fields, **({"dimensions": sizes} if sizes else {})}


def _value(given: Iterable[AttributeValue], name: str) -> str:
    found = (one.attribute_value.strip() for one in given if one.attribute_id == name and one.attribute_value.strip())
    return next(found, "")


def faults(listing: ProductListing, varied: bool = False) -> Iterator[str]:
    """What is wrong with a listing whatever the shop says."""
    if not listing.sku.strip():
        yield "A SKU must be specified"
    if not listing.title.strip():
        yield "A title must be specified"
    skus = [listing.sku, *(variation.sku for variation in listing.variations)]
    for sku in sorted({sku for sku in skus if skus.count(sku) > 1}):
        yield f"The SKU {sku} is used already"
    for sku in sorted({sku for sku in skus if "," in sku}):
        yield f"The SKU {sku} has a comma, by which WooCommerce could not find it again"
    if not (varied and not listing.variations):
        prices = [variation.price or listing.price for variation in listing.variations] or [listing.price]
        sale = _value(listing.attributes, SALE_PRICE)
        if min(prices) <= 0:
            yield "The price must be above zero"
        elif _is_amount(sale) and Decimal(sale) >= min(prices):
            yield f"The sale price {sale} is not below the price"
    if min([listing.quantity, *(variation.quantity for variation in listing.variations)]) < 0:
        yield "The quantity is below zero"
    for variation in listing.variations:
        if not any(option.name and option.value.value for option in variation.option_values):
            yield f"The variation {variation.sku} says of no option what it is"
    for given in (listing.attributes, *(variation.attribute_settings for variation in listing.variations)):
        for name in (SALE_PRICE, *MEASURES):
            value = _value(given, name)
            if value and not _is_amount(value):
                yield f"The {name.replace('_', ' ')} {value} is no number"


def _is_amount(text: str) -> bool:
    whole, _, part = text.partition(".")
    return (whole + part).isdecimal() and len(text) < 16 and text.isascii()
