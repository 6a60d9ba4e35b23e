"""What listings in WooCommerce can have: settings, categories, attributes and variations."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from functools import partial
from typing import Any

from bridge.channels.helpers.questions import category_paths, listing_setting
from bridge.channels.helpers.rows import readable
from bridge.channels.woocommerce.api import PAGE_SIZE, WooClient
from bridge.channels.woocommerce.values import key_text, row_id, unescape
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

MOST_VARIATION_ATTRIBUTES = 10
ID_DIGITS = 19  # an id of WordPress has fewer digits
SALE_PRICE = "sale_price"

MEASURES = {"weight": "Weight", "length": "Length", "width": "Width", "height": "Height"}
TEXTS = {"short_description": "Short description", "tags": "Tags, separated by commas"}


SETTINGS = ConfiguratorSettingsResponse(
    settings=(
        listing_setting("status", "Status", "Whether the products are for sale", "publish", "draft", "private"),
        listing_setting(
            "catalog_visibility", "Shown in", "Where shoppers see it", "visible", "catalog", "search", "hidden"
        ),
        listing_setting("backorders", "Backorders", "Whether more may be ordered than there is", "no", "notify", "yes"),
        listing_setting("tax_class", "Tax class", "Such as reduced-rate; empty for the standard rate"),
        listing_setting(
            "shipping_class", "Shipping class", "Its slug in WooCommerce; a listing's own value comes first"
        ),
    ),
    max_description_length=100_000,
    image_settings=ListingImage(type=ImageCount.CountMainVariantsSeparately, max_images=20, max_variant_images=1),
    max_category_count=10,
    is_custom_html_supported=True,
    is_custom_attributes_allowed=True,
    is_variations_allowed=True,
    is_price_in_variation=True,
)
SETTING_IDS = tuple(setting.config_item_id for setting in SETTINGS.settings)


def categories(shop: WooClient) -> list[Category]:
    """Return all categories; a category's name includes its parents' names."""
    found = shop.read_all("products/categories", {"_fields": "id,name,parent"})
    rows = {number: row for row in found if (number := row_id(row))}

    names = {number: unescape(row.get("name")) or str(number) for number, row in rows.items()}
    paths = category_paths(names, {number: row_id({"id": row.get("parent")}) for number, row in rows.items()})
    return [Category(category_id=number, category_name=path) for number, path in paths.items()]


def attributes(shop: WooClient, category_ids: Sequence[str]) -> list[Attribute]:
    """Return the attributes of listings, which are the same in all categories of WooCommerce."""
    category_numbers(shop, category_ids)
    classes = shop.read_all("products/shipping_classes", {"_fields": "id,slug"})
    known = global_attributes(shop)
    fields = {"_fields": "id,name"}
    terms = shop.read_parallel(
        [partial(shop.read_all, f"products/attributes/{row['id']}/terms", fields) for row in known]
    )
    return [
        Attribute(
            id=SALE_PRICE,
            friendly_name="Sale price",
            description="The price while it is on sale",
            expected_type=ExpectedType.DECIMAL,
            attribute_read_from=ReadFrom.Optional,
        ),
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
        Attribute(
            id="shipping_class",
            friendly_name="Shipping class",
            description="One of the shop's shipping classes",
            expected_type=ExpectedType.LIST,
            value_options=tuple(slug for row in classes if (slug := unescape(row.get("slug")))),
            value_from_options_list=True,
        ),
        *(
            Attribute(
                id=row["slug"],
                friendly_name=unescape(row.get("name")) or row["slug"],
                description="An attribute of the shop; several values are separated by |",
                expected_type=ExpectedType.LIST if names else ExpectedType.STRING,
                value_options=tuple(name for term in names if (name := unescape(term.get("name")))),
                attribute_read_from=ReadFrom.Parent,
            )
            for row, names in zip(known, terms, strict=True)
        ),
    ]


def variations(shop: WooClient, category_ids: Sequence[str]) -> VariationsResponse:
    """Return that listings may vary by any attributes, also by ones that the shop does not have yet."""
    category_numbers(shop, category_ids)
    return VariationsResponse(max_variation_attributes=MOST_VARIATION_ATTRIBUTES)


def category_numbers(shop: WooClient, ids: Iterable[str]) -> list[int]:
    """Return categories' numbers from their ids as Linnworks sends them; raises ChannelRefused for an unknown one."""
    wanted = [text.strip() for text in ids if text.strip()]
    if not wanted:
        raise ChannelRefused("A category must be chosen")
    invalid = [text for text in wanted if not (text.isdecimal() and len(text) < ID_DIGITS)]
    if not invalid:
        query = {"include": ",".join({*wanted}), "per_page": PAGE_SIZE, "_fields": "id"}
        known = {str(row.get("id")) for row in shop.read_list("products/categories", query)}
        invalid = [text for text in wanted if text not in known]
    if invalid:
        raise ChannelRefused(f"The shop has no category {invalid[0]}")
    return [int(text) for text in wanted]


def global_attributes(shop: WooClient) -> list[dict[str, Any]]:
    """Return the attributes that all products of the shop can share."""
    rows = shop.read_list("products/attributes", {"_fields": "id,name,slug"})
    return readable(rows, lambda row: {**row, "id": int(row["id"]), "slug": key_text(row["slug"])}, _name_of)


def _name_of(row: Mapping[str, Any]) -> str:
    return f"Attribute {row.get('id')}"
