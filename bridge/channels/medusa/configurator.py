"""What listings in Medusa can have: settings, categories, attributes and variations."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from bridge.channels.base import Page
from bridge.channels.helpers.offsets import read_all
from bridge.channels.helpers.questions import category_paths, listing_setting
from bridge.channels.helpers.rows import readable
from bridge.channels.medusa.api import MedusaClient, rows_of
from bridge.channels.medusa.values import key_text, text
from bridge.errors import ChannelRefused
from bridge.protocol.schemas.listings import (
    Attribute,
    Category,
    ConfiguratorSettingsResponse,
    ExpectedType,
    ImageCount,
    ListingImage,
    ReadFrom,
    VariationsResponse,
)

MOST_VARIATION_ATTRIBUTES = 5
CATEGORY_PAGE = 1000
LARGEST_NUMBER = 2**31 - 1  # of a category: Linnworks takes whole numbers

MEASURES = {"weight": "Weight", "length": "Length", "width": "Width", "height": "Height"}
TEXTS = {"subtitle": "Subtitle", "material": "Material", "hs_code": "HS code", "origin_country": "Country of origin"}
CODES = {"ean": "EAN", "upc": "UPC", "barcode": "Barcode"}
"""What each variant has of its own."""


SETTINGS = ConfiguratorSettingsResponse(
    settings=(
        listing_setting("status", "Status", "Whether the products are for sale", "published", "draft"),
        listing_setting("discountable", "Discounts", "Whether promotions may lower the prices", "yes", "no"),
        listing_setting("shipping_profile", "Shipping profile", "Its name in Medusa; empty for the shop's default"),
    ),
    max_description_length=100_000,
    image_settings=ListingImage(type=ImageCount.CountTogether, max_images=20),
    max_category_count=10,
    is_custom_attributes_allowed=True,
    is_variations_allowed=True,
    is_price_in_variation=True,
)


def categories(shop: MedusaClient) -> list[Category]:
    """Return all categories; a category's name includes its parents' names."""
    rows = _rows(shop)

    names = {key: text(row.get("name")) or key for key, row in rows.items()}
    paths = category_paths(names, {key: text(row.get("parent_category_id")) for key, row in rows.items()})
    return [Category(category_id=number, category_name=paths[key]) for number, key in numbers(rows).items()]


def _rows(shop: MedusaClient) -> dict[str, Mapping[str, Any]]:
    """Return the categories by their ids."""

    def read(offset: int, limit: int) -> Page[dict[str, Any]]:
        query = {"order": "id", "offset": offset, "limit": limit, "fields": "id,name,parent_category_id"}
        return Page(rows_of(shop.get("product-categories", query), "product_categories"))

    found = read_all(read, lambda row: text(row.get("id")) or None, limit=CATEGORY_PAGE)
    return dict(readable(found, lambda row: (key_text(row.get("id")), row), lambda _: "A category"))


def numbers(ids: Iterable[str]) -> dict[int, str]:
    """Return the ids of categories by the numbers under which Linnworks knows them.

    A number is made from the id; where two are the same, that of the newer category is the next one.
    """
    found: dict[int, str] = {}
    for key in sorted(ids):
        number = int.from_bytes(hashlib.sha256(key.encode()).digest()[:8], "big") % LARGEST_NUMBER or 1
        while number in found:
            number = number % LARGEST_NUMBER + 1
        found[number] = key
    return found


def category_ids(shop: MedusaClient, wanted: Iterable[str]) -> list[str]:
    """Return Medusa's ids of categories by their numbers; raises ChannelRefused for an unknown one."""
    named = [word for word in map(str.strip, wanted) if word]
    if not named:
        return []
    known = {str(number): key for number, key in numbers(_rows(shop)).items()}
    for word in named:
        if word not in known:
            raise ChannelRefused(f"The shop has no category {word}")
    return [known[word] for word in named]


def attributes(shop: MedusaClient, category_ids_: Sequence[str]) -> list[Attribute]:
    """Return the attributes of listings, which are the same in all categories of Medusa."""
    category_ids(shop, category_ids_)
    return [
        *(
            Attribute(
                id=name, friendly_name=label, description="In the shop's own unit", expected_type=ExpectedType.DECIMAL
            )
            for name, label in MEASURES.items()
        ),
        *(
            Attribute(id=name, friendly_name=label, attribute_read_from=ReadFrom.Parent)
            for name, label in TEXTS.items()
        ),
        *(Attribute(id=name, friendly_name=label) for name, label in CODES.items()),
    ]


def variations(shop: MedusaClient, category_ids_: Sequence[str]) -> VariationsResponse:
    """Return that listings may vary by any options."""
    category_ids(shop, category_ids_)
    return VariationsResponse(max_variation_attributes=MOST_VARIATION_ATTRIBUTES)
