"""Listings that no shop could take, or that are beyond the declared limits, fail before a shop is asked."""

from __future__ import annotations

from decimal import Decimal

import pytest
from msgspec.structs import replace

from bridge.channels import load_channel
from bridge.protocol.schemas.listings import (
    AttributeValue,
    ConfiguratorSettingsResponse,
    CustomerSetting,
    Image,
    ImageCount,
    ListingImage,
    ProductListing,
    ProductSettings,
    ProductVariation,
    SettingAnswer,
    SettingGroup,
)
from bridge.settings import BUILT_IN
from bridge.sync.listing_checks import listing_problems

RED, BLUE = (
    ProductVariation(sku=sku, quantity=1, images=(Image(url="red"), Image(url=sku), Image(url=""))) for sku in "RB"
)
LISTING = ProductListing(
    sku="LAMP",
    title="Lamp",
    description="It is bright.",
    price=Decimal(5),
    images=(Image(url="red"), Image(url="main")),
    categories=("1", "2", ""),
    attributes=(AttributeValue(is_custom_attribute=True, attribute_id="Glow", attribute_value="warm"),),
    variations=(RED, BLUE),
)
FITTING = ConfiguratorSettingsResponse(
    settings=(
        CustomerSetting(
            config_item_id="state",
            friendly_name="State",
            must_be_specified=True,
            value_options=("new", "used"),
            value_from_options_list=True,
        ),
        CustomerSetting(
            group_name=SettingGroup.RETURN,
            config_item_id="days",
            friendly_name="Days",
            is_multi_option=True,
            reg_ex_validation="[0-9]+",
            reg_ex_error="must be a number",
        ),
    ),
    max_description_length=13,
    image_settings=ListingImage(type=ImageCount.CountTogether, max_images=4, max_variant_images=2),
    max_category_count=2,
    max_custom_attribute_length=4,
    is_custom_attributes_allowed=True,
    is_variations_allowed=True,
)
CHOSEN = ProductSettings(
    general_settings=(SettingAnswer(id="state", values=("new", "")),),
    returns_settings=(SettingAnswer(id="days", values=("14", "30")),),
)
MANY = 200_000


def problems(listing=LISTING, settings=CHOSEN, declared=FITTING, new=True) -> list[str]:
    return list(listing_problems(listing, settings, declared, new=new))


def test_a_listing_at_every_limit_is_valid():
    """
    Limits are what is allowed, and a limit of 0 is none.
    """
    unlimited = ConfiguratorSettingsResponse(is_custom_attributes_allowed=True, is_variations_allowed=True)

    assert [] == problems()
    assert [] == problems(declared=unlimited)


@pytest.mark.parametrize(
    ("change", "expected"),
    [
        ({"sku": " "}, "A SKU must be specified"),
        ({"title": "\n"}, "A title must be specified"),
        ({"sku": "R"}, "The SKU R is used already"),
        ({"quantity": -1}, "The quantity is below zero"),
        ({"variations": (replace(RED, quantity=-1),)}, "The quantity is below zero"),
    ],
)
def test_what_no_shop_takes_is_a_problem(change, expected):
    """
    SKU, title and quantities are checked for every channel.
    """
    assert [expected] == problems(replace(LISTING, **change))


@pytest.mark.parametrize(
    ("declared", "expected"),
    [
        ({"max_description_length": 12}, ["The description has 13 characters: 12 are allowed"]),
        ({"max_category_count": 1}, ["The listing has 2 categories: 1 are allowed"]),
        ({"max_custom_attribute_length": 3}, ["The attribute Glow has 4 characters: 3 are allowed"]),
        ({"is_custom_attributes_allowed": False}, ["The attribute Glow is not one of this shop's"]),
        ({"is_variations_allowed": False}, ["This shop has no variations"]),
    ],
)
def test_what_is_beyond_a_declared_limit_is_a_problem(declared, expected):
    """
    Each limit has its own message.
    """
    assert expected == problems(declared=replace(FITTING, **declared))


@pytest.mark.parametrize(
    ("kind", "most", "most_each", "expected"),
    [
        (ImageCount.CountTogether, 3, 2, ["The listing has 4 images: 3 are allowed"]),
        (ImageCount.CountMainVariantsSeparately, 2, 2, []),
        (ImageCount.CountMainVariantsSeparately, 1, 2, ["The listing has 2 images: 1 are allowed"]),
        (ImageCount.SelectVariationFromMain, 1, 2, ["The listing has 2 images: 1 are allowed"]),
        (ImageCount.CountTogether, 4, 1, [f"The variation {sku} has 2 images: 1 are allowed" for sku in "RB"]),
    ],
)
def test_images_are_counted_as_declared(kind, most, most_each, expected):
    """
    Variations' images count with the main ones only where that is declared, and an image that comes twice counts once.
    """
    images = ListingImage(type=kind, max_images=most, max_variant_images=most_each)

    assert expected == problems(declared=replace(FITTING, image_settings=images))


@pytest.mark.parametrize(
    ("group", "values", "expected"),
    [
        ("general_settings", (), ["State must be specified"]),
        ("general_settings", ("old",), ["State must be one of new, used"]),
        ("general_settings", ("new", "used"), ["State must be a single value"]),
        ("returns_settings", ("14", "many"), ["Days must be a number"]),
    ],
)
def test_settings_are_checked_by_their_declaration(group, values, expected):
    """
    The configurator's answers are held to what their questions allow.
    """
    answers = {"general_settings": "state", "returns_settings": "days"}
    settings = replace(CHOSEN, **{group: (SettingAnswer(id=answers[group], values=values),)})

    assert expected == problems(settings=settings)


def test_an_update_may_leave_out_settings():
    """
    What must be specified was specified when the listing was created.
    """
    assert [] == problems(settings=ProductSettings(), new=False)


@pytest.mark.parametrize("name", BUILT_IN)
@pytest.mark.parametrize(
    "change",
    [
        {"description": "x" * MANY},
        {"categories": tuple(map(str, range(MANY)))},
        {"images": tuple(Image(url=str(number)) for number in range(MANY))},
        {"variations": (replace(RED, images=tuple(Image(url=str(number)) for number in range(MANY))),)},
    ],
    ids=lambda change: next(iter(change)),
)
def test_every_channel_declares_limits(name, change):
    """
    A listing without end fails on each of them.
    """
    declared = load_channel(name).configurator_settings()
    listing = ProductListing(sku="LAMP", title="Lamp", price=Decimal(5))

    assert [] == problems(listing, ProductSettings(), declared)
    assert problems(replace(listing, **change), ProductSettings(), declared)
