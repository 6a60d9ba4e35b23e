"""Listings of the embedded shop: what they can have, and how they come, change and go."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from decimal import Decimal
from typing import Any

from bridge.channels.base import ListingResult
from bridge.channels.demo.mapping import reference
from bridge.channels.demo.seed import CATEGORIES, COLOURS, SIZES
from bridge.channels.demo.shop import changing
from bridge.channels.demo.tables import Product, Shop
from bridge.errors import ChannelRefused
from bridge.protocol.schemas.listings import (
    Attribute,
    AttributeValue,
    ChannelReference,
    ConfiguratorSettingsResponse,
    CustomerSetting,
    ExpectedType,
    FeedMessage,
    Image,
    ImageCount,
    ListingImage,
    ListingRemoval,
    Need,
    NeededVariation,
    ProductListing,
    ProductSettings,
    ProductVariation,
    ReadFrom,
    SettingGroup,
    Severity,
    VariationsResponse,
)

SETTINGS = ConfiguratorSettingsResponse(
    settings=(
        CustomerSetting(
            group_name=SettingGroup.GENERAL,
            config_item_id="brand",
            subtitle="General",
            friendly_name="Brand",
            description="Shown with every listing of this configurator",
            expected_type=ExpectedType.STRING,
        ),
    ),
    max_description_length=20_000,
    image_settings=ListingImage(type=ImageCount.CountTogether, max_images=12, max_variant_images=1),
    max_category_count=1,
    is_custom_html_supported=True,
    is_custom_attributes_allowed=True,
    is_variations_allowed=True,
    is_title_in_variation=True,
    is_price_in_variation=True,
)

SEEDS, SHIRTS = 303, 401


def category(ids: Sequence[str]) -> int:
    """The category meant by ids as Linnworks sends them back; raises ChannelRefused when there is none."""
    known = {str(number): number for number in CATEGORIES}
    if not ids or ids[0].strip() not in known:
        raise ChannelRefused(f"The shop has no category {ids[0]}" if ids else "A category must be chosen")
    return known[ids[0].strip()]


def attributes(number: int) -> list[Attribute]:
    """What a listing in a category says of itself."""
    if number == SEEDS:
        return [
            Attribute(
                id="sowing",
                friendly_name="Sowing time",
                description="The season to sow in",
                must_be_specified=Need.Required,
                expected_type=ExpectedType.LIST,
                value_options=("Spring", "Summer", "Autumn"),
                value_from_options_list=True,
                attribute_read_from=ReadFrom.Parent,
            )
        ]
    return [
        Attribute(
            id="material",
            friendly_name="Material",
            description="What it is mostly made of",
            must_be_specified=Need.Required,
            expected_type=ExpectedType.STRING,
            attribute_read_from=ReadFrom.Parent,
        ),
        Attribute(id="care", friendly_name="Care", description="How to clean it"),
    ]


def variations(number: int) -> VariationsResponse:
    """How a listing in a category may vary."""
    colour = NeededVariation(variation_name="Colour", description="Such as " + ", ".join(COLOURS))
    size = NeededVariation(variation_name="Size", description="Such as " + ", ".join(SIZES))
    return VariationsResponse(
        max_variation_attributes=2, needed_variations=(colour, size) if number == SHIRTS else (colour,)
    )


def create(shop: Shop, listing: ProductListing, settings: ProductSettings, key: str) -> ListingResult:
    """Sell what is listed from now on; the same key again finds what it made before."""
    with changing():
        made = Product.get_or_none((Product.shop == shop) & (Product.origin == key))
        if made is not None:
            return _result(made)
        errors = [*_taken(shop, listing), *_faults(listing, category(listing.categories))]
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
    remarks = (
        ()
        if listing.images
        else (FeedMessage(type=Severity.Recommendation, message="Listings with images sell better"),)
    )
    return _result(product, remarks)


def update(shop: Shop, listing: ProductListing) -> ListingResult:
    """Sell it as it is listed now, with the variations that are new; others stay."""
    with changing():
        product = _find(shop, listing.external_listing_id, listing.sku)
        if product is None:
            return ListingResult.failed([f"The shop has no listing of {listing.sku}"])
        errors = [*_taken(shop, listing, product), *_faults(listing, product.category, product.attributes)]
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
    """Stop selling it and all its variations; what is gone already is fine."""
    with changing():
        product = _find(shop, removal.external_listing_id, removal.channel_sku)
        if product is not None:
            Product.delete().where((Product.id == product.id) | (Product.parent == product.id)).execute()
    return ListingResult()


def _find(shop: Shop, external_id: str, sku: str) -> Product | None:
    """By the listing's id, which is never used again; without one by its SKU."""
    if external_id.isdecimal() and len(external_id) < 19 and int(external_id):
        mine = Product.id == int(external_id)
    else:
        mine = Product.sku == sku
    found: Product | None = Product.get_or_none((Product.shop == shop) & mine & Product.parent.is_null())
    return found


def _faults(listing: ProductListing, number: int, kept: Mapping[str, str] | None = None) -> Iterable[str]:
    """What is wrong with a listing in this category; `kept` are attributes that it has already."""
    if not listing.title.strip():
        yield "A title must be specified"
    if any(_price(variation, listing) <= 0 for variation in listing.variations or (None,)):
        yield "The price must be above zero"
    if min([listing.quantity, *(variation.quantity for variation in listing.variations)]) < 0:
        yield "The quantity is below zero"
    given = {**(kept or {}), **_values(listing.attributes)}
    for attribute in attributes(number):
        value = given.get(attribute.id, "")
        if attribute.must_be_specified is Need.Required and not value:
            yield f"{attribute.friendly_name} must be specified"
        elif value and attribute.value_from_options_list and value not in attribute.value_options:
            yield f"{attribute.friendly_name} must be one of {', '.join(attribute.value_options)}"


def _taken(shop: Shop, listing: ProductListing, own: Product | None = None) -> Iterable[str]:
    """The SKUs of a listing that come twice in it, or that another product of the shop has."""
    skus = [listing.sku, *(variation.sku for variation in listing.variations)]
    same = (Product.shop == shop) & Product.sku.in_(skus)
    if own is not None:
        same &= (Product.id != own.id) & ((Product.parent != own.id) | Product.parent.is_null())
    others = {row.sku for row in Product.select(Product.sku).where(same)}
    for sku in sorted({sku for sku in skus if skus.count(sku) > 1} | others):
        yield f"The SKU {sku} is used already"


def _price(variation: ProductVariation | None, listing: ProductListing) -> Decimal:
    return (variation.price if variation else Decimal(0)) or listing.price


def _changes(listing: ProductListing, attributes: dict[str, str]) -> dict[str, Any]:
    return {
        "title": listing.title,
        "description": listing.description,
        "price": listing.price,
        "stock": 0 if listing.variations else max(0, listing.quantity),
        "attributes": {**attributes, **_values(listing.attributes)},
        "images": _urls(listing.images),
    }


def _variation_changes(variation: ProductVariation, listing: ProductListing) -> dict[str, Any]:
    options = {option.name: option.value.value for option in variation.option_values}
    return {
        "title": variation.title or ", ".join([listing.title, *options.values()]),
        "price": _price(variation, listing),
        "stock": max(0, variation.quantity),
        "options": options,
        "attributes": _values(variation.attribute_settings),
        "images": _urls(variation.images),
    }


def _add_variation(parent: Product, variation: ProductVariation, listing: ProductListing) -> None:
    changes = _variation_changes(variation, listing)
    Product.create(shop=parent.shop_id, parent=parent, category=parent.category, sku=variation.sku, **changes)


def _values(given: Iterable[AttributeValue]) -> dict[str, str]:
    return {attribute.attribute_id: attribute.attribute_value for attribute in given}


def _urls(images: Iterable[Image]) -> list[str]:
    return [image.url for image in images if image.url]


def _result(product: Product, remarks: tuple[FeedMessage, ...] = ()) -> ListingResult:
    """Where a listing is now; the shop has no public pages, so there is no URL."""
    sold = list(Product.select().where(Product.parent == product.id).order_by(Product.id)) or [product]
    return ListingResult(
        external_listing_id=str(product.id),
        references=tuple(ChannelReference(sku=row.sku, reference=reference(row)) for row in sold),
        messages=remarks,
    )
