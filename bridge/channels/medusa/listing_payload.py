"""A listing as Medusa's API takes it, and what is wrong with a listing: pure functions."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

from bridge.channels.medusa.api import Row
from bridge.channels.medusa.configurator import CODES, MEASURES, TEXTS
from bridge.channels.medusa.values import listed, mapping, text
from bridge.protocol.schemas.listings import AttributeValue, ProductListing, ProductSettings, ProductVariation

KEY, SKU, REMOVED = "linnworks_listing", "linnworks_sku", "linnworks_removed"
"""Metadata of a product: the listing's key, its SKU, and whether it is only there because of open orders."""
DEFAULT_OPTION, DEFAULT_VALUE, DEFAULT_TITLE = "Default option", "Default option value", "Default variant"
"""What Medusa's own pages give a product that has one variant."""
OPEN_ORDERS = "reservations"
"""What Medusa says of a product or variant that open orders need."""
LONGEST_NUMBER = 15  # characters of a measure


@dataclass(frozen=True)
class ListingPayload:
    """The bodies of the calls that create or update a listing."""

    listing: ProductListing
    settings: ProductSettings
    key: str

    def product(self) -> dict[str, Any]:
        """Return the content of a product; what the listing does not name stays as it is."""
        listing, answers = self.listing, self._answers()
        body: dict[str, Any] = {
            "title": listing.title,
            "description": listing.description,
            "external_id": self.key,
            "status": answers.get("status", "published"),
            "discountable": answers.get("discountable") != "no",
            "metadata": {**_metadata(listing.attributes), KEY: self.key, SKU: listing.sku, REMOVED: ""},
            **_measures(listing.attributes),
            **_texts(listing.attributes, TEXTS),
        }
        own = (*listing.images, *(image for variation in listing.variations for image in variation.images))
        urls = list(dict.fromkeys(image.url.strip() for image in own if image.url.strip()))
        return {**body, "images": [{"url": url} for url in urls], "thumbnail": urls[0]} if urls else body

    @property
    def shipping_profile(self) -> str:
        """The name of the shipping profile that the seller chose, "" for the shop's default."""
        return self._answers().get("shipping_profile", "")

    def _answers(self) -> dict[str, str]:
        return {one.id: one.values[0].strip() for one in self.settings.general_settings if one.values}

    def handle(self) -> str:
        """Return the product's part of its address: no other listing has the same."""
        letters = (sign if sign.isascii() and sign.isalnum() else " " for sign in self.listing.title.lower())
        words = "-".join("".join(letters).split())[:80].rstrip("-")
        return "-".join(filter(None, (words, hashlib.sha256(self.key.encode()).hexdigest()[:8])))

    def options(self) -> list[dict[str, Any]]:
        """Return the options of a new product with their values."""
        if not self.listing.variations:
            return [{"title": DEFAULT_OPTION, "values": [DEFAULT_VALUE]}]
        values: dict[str, dict[str, None]] = {}
        for variation in self.listing.variations:
            for name, value in chosen_options(variation).items():
                values.setdefault(name, {})[value] = None
        return [{"title": name, "values": list(found)} for name, found in values.items()]

    def variants(self) -> list[dict[str, Any]]:
        """Return the variants of the listing; one without variations has one variant."""
        if self.listing.variations:
            return [self.variant(variation) for variation in self.listing.variations]
        return [
            {
                "title": DEFAULT_TITLE,
                "sku": self.listing.sku.strip(),
                "options": {DEFAULT_OPTION: DEFAULT_VALUE},
                "manage_inventory": True,
                **_texts(self.listing.attributes, CODES),
            }
        ]

    def variant(self, variation: ProductVariation) -> dict[str, Any]:
        """Return one variation, without its price."""
        options = chosen_options(variation)
        return {
            "title": " / ".join(options.values()),
            "sku": variation.sku.strip(),
            "options": options,
            "manage_inventory": True,
            **_measures(variation.attribute_settings),
            **_texts(variation.attribute_settings, {**CODES, "material": "", "hs_code": "", "origin_country": ""}),
            **({"metadata": found} if (found := _metadata(variation.attribute_settings)) else {}),
        }

    def prices(self) -> dict[str, Decimal]:
        """Return the price of each SKU that is sold."""
        listing = self.listing
        return {one.sku.strip(): one.price or listing.price for one in listing.variations} or {
            listing.sku.strip(): listing.price
        }

    def quantities(self) -> dict[str, int]:
        """Return the quantity of each SKU that is sold."""
        listing = self.listing
        return {one.sku.strip(): one.quantity for one in listing.variations} or {listing.sku.strip(): listing.quantity}


def chosen_options(variation: ProductVariation) -> dict[str, str]:
    """Return the values of a variation's options, by their names."""
    found = ((option.name.strip(), option.value.value.strip()) for option in variation.option_values)
    return {name: value for name, value in found if name and value}


def missing_values(options: Sequence[Row], listing: ProductListing) -> list[dict[str, Any]]:
    """Return what adds the values that a product's options do not have yet."""
    missing = []
    for option in options:
        has = {text(value.get("value")) for value in listed(option.get("values"))}
        wanted = dict.fromkeys(
            chosen_options(variation).get(text(option.get("title")), "") for variation in listing.variations
        )
        new = [{"value": value} for value in wanted if value and value not in has]
        if new:
            missing.append({"product_option_id": option["id"], "add": new})
    return missing


def listing_problems(listing: ProductListing, product: Row | None = None) -> Iterator[str]:
    """Yield what Medusa would refuse, of a new listing or of a change of a product."""
    prices = [variation.price or listing.price for variation in listing.variations] or [listing.price]
    many = product is not None and len(listed(product.get("variants"))) > 1
    if min(prices) <= 0 and (listing.variations or not many):
        yield "The price must be above zero"
    yield from _option_problems(listing, product)
    for attributes in (listing.attributes, *(variation.attribute_settings for variation in listing.variations)):
        for name in MEASURES:
            value = attribute(attributes, name)
            if value and not _is_amount(value):
                yield f"The {name} {value} is not a number"
        country = attribute(attributes, "origin_country")
        if country and not (len(country) == 2 and country.isascii() and country.isalpha()):
            yield f"The country of origin {country} is no code of two letters, such as GB"


def _option_problems(listing: ProductListing, product: Row | None) -> Iterator[str]:
    """Yield which variations cannot be told apart, or have other options than the product or each other."""
    if not listing.variations:
        return
    names = list(chosen_options(listing.variations[0]))
    if product is not None:
        names = [text(option.get("title")) for option in listed(product.get("options"))]
        if names == [DEFAULT_OPTION]:
            yield "The product was listed without variations: delete the listing, and list it again with them"
            return
    seen: dict[tuple[str, ...], str] = {}
    for variation in listing.variations:
        options = chosen_options(variation)
        if not options:
            yield f"The variation {variation.sku} has no option with a value"
        elif set(options) != set(names):
            yield f"The variation {variation.sku} must have a value for these options and no others: {', '.join(names)}"
        else:
            other = seen.setdefault(tuple(options[name] for name in names), variation.sku)
            if other != variation.sku:
                yield f"The variations {other} and {variation.sku} have the same options"


def attribute(attributes: Iterable[AttributeValue], name: str) -> str:
    values = (one.attribute_value.strip() for one in attributes if one.attribute_id == name)
    return next(filter(None, values), "")


def _measures(attributes: Iterable[AttributeValue]) -> dict[str, Decimal]:
    found = {name: attribute(attributes, name) for name in MEASURES}
    return {name: Decimal(value) for name, value in found.items() if value}


def _texts(attributes: Iterable[AttributeValue], names: Iterable[str]) -> dict[str, str]:
    found = {name: attribute(attributes, name) for name in names}
    return {name: value.lower() if name == "origin_country" else value for name, value in found.items() if value}


def _metadata(attributes: Iterable[AttributeValue]) -> dict[str, str]:
    """Return the attributes that Medusa has no field for."""
    own = {**MEASURES, **TEXTS, **CODES}
    return {
        one.attribute_id: one.attribute_value
        for one in attributes
        if one.attribute_value and one.attribute_id not in own and not one.attribute_id.startswith("linnworks_")
    }


def _is_amount(value: str) -> bool:
    whole, _, part = value.partition(".")
    return (whole + part).isdecimal() and len(value) <= LONGEST_NUMBER and value.isascii()


def metadata(product: Row, name: str) -> str:
    """Return an entry of a product's metadata, "" if it has none."""
    return text(mapping(product.get("metadata")).get(name))
