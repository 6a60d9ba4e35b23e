"""What listings of the embedded shop can have: settings, categories, attributes and variations."""

from __future__ import annotations

from collections.abc import Sequence

from bridge.channels.demo.seed import CATEGORIES, COLOURS, SEEDS, SHIRTS_CATEGORY, SIZES
from bridge.errors import ChannelRefused
from bridge.protocol.schemas.listings import (
    Attribute,
    ConfiguratorSettingsResponse,
    CustomerSetting,
    ExpectedType,
    ImageCount,
    ImageTag,
    ImageTagType,
    ListingImage,
    Need,
    NeededVariation,
    ReadFrom,
    SettingGroup,
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
    image_settings=ListingImage(
        type=ImageCount.CountTogether,
        max_images=12,
        max_variant_images=1,
        image_tags=(
            ImageTag(name="Cover"),
            ImageTag(name="Detail", image_tag_type=ImageTagType.MultiTag),
        ),
    ),
    max_category_count=1,
    is_custom_html_supported=True,
    is_custom_attributes_allowed=True,
    is_variations_allowed=True,
    is_title_in_variation=True,
    is_price_in_variation=True,
)


def category(ids: Sequence[str]) -> int:
    """Return the first of these category ids as a number; raises ChannelRefused if the shop does not have it."""
    known = {str(number): number for number in CATEGORIES}
    if not ids or ids[0].strip() not in known:
        raise ChannelRefused(f"The shop has no category {ids[0]}" if ids else "A category must be chosen")
    return known[ids[0].strip()]


def attributes(number: int) -> list[Attribute]:
    """Return the attributes of listings in a category."""
    if number == SEEDS:
        return [
            Attribute(
                id="sowing",
                friendly_name="Sowing time",
                description="The season for sowing",
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
            description="The main material",
            must_be_specified=Need.Required,
            expected_type=ExpectedType.STRING,
            attribute_read_from=ReadFrom.Parent,
        ),
        Attribute(id="care", friendly_name="Care", description="How to clean it"),
    ]


def variations(number: int) -> VariationsResponse:
    """Return how listings in a category may vary."""
    colour = NeededVariation(variation_name="Colour", description="Such as " + ", ".join(COLOURS))
    size = NeededVariation(variation_name="Size", description="Such as " + ", ".join(SIZES))
    return VariationsResponse(
        max_variation_attributes=2, needed_variations=(colour, size) if number == SHIRTS_CATEGORY else (colour,)
    )
