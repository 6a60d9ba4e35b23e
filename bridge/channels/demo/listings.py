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
    """Create a listing; with the same key again change the one that exists, but not its prices and stock levels."""
    with transaction():
        existing = Product.get_or_none((Product.shop == shop) & (Product.origin == key))
        if existing is not None:
            return _change(existing, listing, settings, key, with_price_and_stock=False)
        number = category(listing.categories)
        errors = [*_taken_skus(shop, listing), *_problems(listing, number)]
        if errors:
            return ListingResult.failed(errors)
        product = Product.create(
            shop=shop,
            variable=bool(listing.variations),
            category=number,
            origin=key,
            **_changes(listing, _setting_attributes(settings)),
            **_price_and_stock(listing),
        )
        for variation in listing.variations:
            _add_variation(product, variation, listing)
    advice = FeedMessage(type=Severity.Recommendation, message="Listings with images sell better")
    return _result(product, () if listing.images else (advice,))


def update(shop: Shop, listing: ProductListing, settings: ProductSettings, key: str) -> ListingResult:
    """Change a listing, add its new variations, and delete those that it does not name any more."""
    with transaction():
        product = _find(shop, listing.external_listing_id, listing.sku)
        if product is None:
            return ListingResult.failed([f"The shop has no listing of {listing.sku}"])
        return _change(product, listing, settings, key)


def _change(
    product: Product, listing: ProductListing, settings: ProductSettings, key: str, *, with_price_and_stock: bool = True
) -> ListingResult:
    """Change a product and its variations; these keep their prices and stock unless `with_price_and_stock`."""
    number = category(listing.categories) if any(text.strip() for text in listing.categories) else product.category
    attributes = {**product.attributes, **_setting_attributes(settings)}
    errors = [*_taken_skus(product.shop, listing, product), *_problems(listing, number, attributes)]
    if errors:
        return ListingResult.failed(errors)
    known = {row.sku: row for row in Product.select().where(Product.parent == product.id)}
    messages = []
    if known and not listing.variations:
        messages.append("The product's variations were left as they are: the listing has none")
    if not with_price_and_stock and _prices_differ(known or {product.sku: product}, listing):
        messages.append("The listing existed already: its prices and stock levels were left as they are")
    if listing.variations:
        named = [variation.sku for variation in listing.variations]
        Product.delete().where((Product.parent == product.id) & Product.sku.not_in(named)).execute()
    variable = product.variable or bool(listing.variations)
    amounts = {**(_price_and_stock(listing) if with_price_and_stock else {}), **({"stock": 0} if variable else {})}
    same = {"origin": key, "category": number, "variable": variable}
    Product.update(**_changes(listing, attributes), **same, **amounts).where(Product.id == product.id).execute()
    Product.update(category=number).where(Product.parent == product.id).execute()
    product = Product.get_by_id(product.id)
    for variation in listing.variations:
        if variation.sku in known:
            amounts = _variation_price_and_stock(variation, listing) if with_price_and_stock else {}
            changes = {**_variation_changes(variation, listing), **amounts}
            Product.update(**changes).where(Product.id == known[variation.sku].id).execute()
        else:
            _add_variation(product, variation, listing)
    warnings = tuple(FeedMessage(type=Severity.Warning, message=message) for message in messages)
    return _result(product, warnings)


def delete(shop: Shop, removal: ListingRemoval) -> ListingResult:
    """Delete a listing with all its variations; one that does not exist is no error.

    Nothing is deleted if its id and its SKU do not lead to the same listing.
    """
    external_id, sku = removal.external_listing_id, removal.channel_sku
    with transaction():
        product = _by_id(shop, external_id)
        same_sku = Product.get_or_none((Product.shop == shop) & (Product.sku == sku)) if sku.strip() else None
        if same_sku is None:
            agrees = product is None or product.origin is not None or not sku.strip()
        else:
            agrees = product is not None and product.id in (same_sku.id, same_sku.parent_id)
        if not agrees:
            return ListingResult.failed([f"No listing has the id {external_id} and the SKU {sku}: nothing was deleted"])
        if product is not None:
            Product.delete().where((Product.id == product.id) | (Product.parent == product.id)).execute()
    return ListingResult()


def _find(shop: Shop, external_id: str, sku: str) -> Product | None:
    """Return the product with this id or, if that is no id of this shop, the one with this SKU."""
    if _is_id(external_id):
        return _by_id(shop, external_id)
    found: Product | None = Product.get_or_none(
        (Product.shop == shop) & (Product.sku == sku) & Product.parent.is_null()
    )
    return found


def _by_id(shop: Shop, external_id: str) -> Product | None:
    """Return the product with this id, which is never used again."""
    if not _is_id(external_id):
        return None
    same = (Product.shop == shop) & (Product.id == int(external_id)) & Product.parent.is_null()
    found: Product | None = Product.get_or_none(same)
    return found


def _is_id(external_id: str) -> bool:
    return external_id.isdecimal() and len(external_id) < ID_DIGITS and int(external_id) > 0


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


def _prices_differ(known: Mapping[str, Product], listing: ProductListing) -> bool:
    """Return whether the listing has another price than one of these products, which are by SKU."""
    wanted = {variation.sku: _price(variation, listing) for variation in listing.variations}
    wanted = wanted or {listing.sku: listing.price}
    return any(known[sku].price != price for sku, price in wanted.items() if sku in known)


def _setting_attributes(settings: ProductSettings) -> dict[str, str]:
    """Return the attributes that the configurator's settings decide."""
    return {answer.id: ", ".join(answer.values) for answer in settings.general_settings if answer.id and answer.values}


def _changes(listing: ProductListing, attributes: Mapping[str, str]) -> dict[str, Any]:
    """Return what a listing says of its product, with attributes that it has besides the listing's own."""
    return {
        "sku": listing.sku,
        "title": listing.title,
        "description": listing.description,
        "attributes": {**attributes, **_values(listing.attributes)},
        "images": _images(listing.images),
    }


def _price_and_stock(listing: ProductListing) -> dict[str, Any]:
    return {"price": listing.price, "stock": 0 if listing.variations else listing.quantity}


def _variation_changes(variation: ProductVariation, listing: ProductListing) -> dict[str, Any]:
    options = {option.name: option.value.value for option in variation.option_values}
    return {
        "title": variation.title or ", ".join([listing.title, *options.values()]),
        "options": options,
        "attributes": _values(variation.attribute_settings),
        "images": _images(variation.images),
    }


def _variation_price_and_stock(variation: ProductVariation, listing: ProductListing) -> dict[str, Any]:
    return {"price": _price(variation, listing), "stock": variation.quantity}


def _add_variation(parent: Product, variation: ProductVariation, listing: ProductListing) -> None:
    values = {**_variation_changes(variation, listing), **_variation_price_and_stock(variation, listing)}
    Product.create(shop=parent.shop_id, parent=parent, category=parent.category, sku=variation.sku, **values)


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
