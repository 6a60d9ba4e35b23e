"""Listings of the embedded shop: created, updated and deleted."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from decimal import Decimal
from typing import Any

from bridge.channels.base import ListingResult
from bridge.channels.demo.configurator import attributes, category
from bridge.channels.demo.mapping import reference
from bridge.channels.demo.tables import Product, Shop, transaction
from bridge.protocol.schemas.listings import (
    AttributeValue,
    ChannelReference,
    FeedMessage,
    Image,
    ListingRemoval,
    Need,
    ProductListing,
    ProductSettings,
    ProductVariation,
    Severity,
)

ID_DIGITS = 19  # an id of SQLite has fewer digits


def create(shop: Shop, listing: ProductListing, settings: ProductSettings, key: str) -> ListingResult:
    """Create a listing; with the same key again return the one that exists."""
    with transaction():
        existing = Product.get_or_none((Product.shop == shop) & (Product.origin == key))
        if existing is not None:
            return _result(existing)
        errors = [*_taken_skus(shop, listing), *_problems(listing, category(listing.categories))]
        if errors:
            return ListingResult.failed(errors)
        brand = {
            answer.id: ", ".join(answer.values) for answer in settings.general_settings if answer.id and answer.values
        }
        product = Product.create(
            shop=shop,
            variable=bool(listing.variations),
            category=category(listing.categories),
            sku=listing.sku,
            origin=key,
            **_changes(listing, brand),
        )
        for variation in listing.variations:
            _add_variation(product, variation, listing)
    advice = FeedMessage(type=Severity.Recommendation, message="Listings with images sell better")
    return _result(product, () if listing.images else (advice,))


def update(shop: Shop, listing: ProductListing) -> ListingResult:
    """Change a listing and add its new variations; variations that it does not name stay."""
    with transaction():
        product = _find(shop, listing.external_listing_id, listing.sku)
        if product is None:
            return ListingResult.failed([f"The shop has no listing of {listing.sku}"])
        errors = [*_taken_skus(shop, listing, product), *_problems(listing, product.category, product.attributes)]
        if errors:
            return ListingResult.failed(errors)
        changes = {**_changes(listing, product.attributes), "variable": product.variable or bool(listing.variations)}
        Product.update(**changes).where(Product.id == product.id).execute()
        for variation in listing.variations:
            known = Product.get_or_none((Product.shop == shop) & (Product.sku == variation.sku))
            if known is None:
                _add_variation(product, variation, listing)
            else:
                Product.update(**_variation_changes(variation, listing)).where(Product.id == known.id).execute()
    return _result(product)


def delete(shop: Shop, removal: ListingRemoval) -> ListingResult:
    """Delete a listing with all its variations; one that does not exist is no error."""
    with transaction():
        product = _find(shop, removal.external_listing_id, removal.channel_sku)
        if product is not None:
            Product.delete().where((Product.id == product.id) | (Product.parent == product.id)).execute()
    return ListingResult()


def _find(shop: Shop, external_id: str, sku: str) -> Product | None:
    """Return the product with this id, which is never used again, or without an id the one with this SKU."""
    if external_id.isdecimal() and len(external_id) < ID_DIGITS and int(external_id):
        same = Product.id == int(external_id)
    else:
        same = Product.sku == sku
    found: Product | None = Product.get_or_none((Product.shop == shop) & same & Product.parent.is_null())
    return found


def _problems(listing: ProductListing, number: int, existing: Mapping[str, str] | None = None) -> Iterable[str]:
    """Yield what is wrong with a listing in this category; `existing` are the attributes that it has already."""
    if any(_price(variation, listing) <= 0 for variation in listing.variations or (None,)):
        yield "The price must be above zero"
    values = {**(existing or {}), **_values(listing.attributes)}
    for attribute in attributes(number):
        value = values.get(attribute.id, "")
        if attribute.must_be_specified is Need.Required and not value:
            yield f"{attribute.friendly_name} must be specified"
        elif value and attribute.value_from_options_list and value not in attribute.value_options:
            yield f"{attribute.friendly_name} must be one of {', '.join(attribute.value_options)}"


def _taken_skus(shop: Shop, listing: ProductListing, own: Product | None = None) -> Iterable[str]:
    """Yield an error for each SKU of the listing that another product of the shop has."""
    skus = [listing.sku, *(variation.sku for variation in listing.variations)]
    same = (Product.shop == shop) & Product.sku.in_(skus)
    if own is not None:
        same &= (Product.id != own.id) & ((Product.parent != own.id) | Product.parent.is_null())
    for sku in sorted(row.sku for row in Product.select(Product.sku).where(same)):
        yield f"The SKU {sku} is used already"


def _price(variation: ProductVariation | None, listing: ProductListing) -> Decimal:
    return (variation.price if variation else Decimal(0)) or listing.price


def _changes(listing: ProductListing, attributes: dict[str, str]) -> dict[str, Any]:
    return {
        "title": listing.title,
        "description": listing.description,
        "price": listing.price,
        "stock": 0 if listing.variations else listing.quantity,
        "attributes": {**attributes, **_values(listing.attributes)},
        "images": _images(listing.images),
    }


def _variation_changes(variation: ProductVariation, listing: ProductListing) -> dict[str, Any]:
    options = {option.name: option.value.value for option in variation.option_values}
    return {
        "title": variation.title or ", ".join([listing.title, *options.values()]),
        "price": _price(variation, listing),
        "stock": variation.quantity,
        "options": options,
        "attributes": _values(variation.attribute_settings),
        "images": _images(variation.images),
    }


def _add_variation(parent: Product, variation: ProductVariation, listing: ProductListing) -> None:
    changes = _variation_changes(variation, listing)
    Product.create(shop=parent.shop_id, parent=parent, category=parent.category, sku=variation.sku, **changes)


def _values(attributes: Iterable[AttributeValue]) -> dict[str, str]:
    return {attribute.attribute_id: attribute.attribute_value for attribute in attributes}


def _images(images: Iterable[Image]) -> list[Image]:
    return [image for image in images if image.url]


def _result(product: Product, messages: tuple[FeedMessage, ...] = ()) -> ListingResult:
    """Return the result for a listing; the shop has no public pages, so there is no URL."""
    sold = list(Product.select().where(Product.parent == product.id).order_by(Product.id)) or [product]
    return ListingResult(
        external_listing_id=str(product.id),
        references=tuple(ChannelReference(sku=row.sku, reference=reference(row)) for row in sold),
        messages=messages,
    )
