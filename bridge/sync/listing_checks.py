"""What is wrong with a listing in any shop, and what is beyond the limits that GetConfiguratorSettings declares."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping

from bridge.protocol.schemas.listings import (
    ConfiguratorSettingsResponse,
    CustomerSetting,
    Image,
    ImageCount,
    ListingImage,
    ProductListing,
    ProductSettings,
    SettingAnswer,
    SettingGroup,
)


def listing_problems(
    listing: ProductListing, settings: ProductSettings, declared: ConfiguratorSettingsResponse, *, new: bool
) -> Iterator[str]:
    """Yield what the seller must correct before the shop is asked; a declared limit of 0 is no limit.

    Settings that must be specified are required for new listings only.
    """
    if not listing.sku.strip():
        yield "A SKU must be specified"
    if not listing.title.strip():
        yield "A title must be specified"
    skus = [listing.sku, *(variation.sku for variation in listing.variations)]
    for sku in sorted({sku for sku in skus if skus.count(sku) > 1}):
        yield f"The SKU {sku} is used already"
    if min([listing.quantity, *(variation.quantity for variation in listing.variations)]) < 0:
        yield "The quantity is below zero"
    if listing.variations and not declared.is_variations_allowed:
        yield "This shop has no variations"
    categories = {text.strip() for text in listing.categories} - {""}
    counts = (
        ("description", len(listing.description), declared.max_description_length, "characters"),
        ("listing", len(categories), declared.max_category_count, "categories"),
        *_image_counts(listing, declared.image_settings),
    )
    for what, count, limit, unit in counts:
        if count > limit > 0:
            yield f"The {what} has {count} {unit}: {limit} are allowed"
    yield from _attribute_problems(listing, declared)
    answers = _answers(settings)
    for setting in declared.settings:
        yield from _setting_problems(setting, answers[setting.group_name], new)


def _image_counts(listing: ProductListing, declared: ListingImage) -> Iterator[tuple[str, int, int, str]]:
    """Yield whose images are counted, how many they are, and the limit; the same image twice is one."""
    main = _urls(listing.images)
    if declared.type is ImageCount.CountTogether:
        main |= {url for variation in listing.variations for url in _urls(variation.images)}
    yield "listing", len(main), declared.max_images, "images"
    for variation in listing.variations:
        yield f"variation {variation.sku}", len(_urls(variation.images)), declared.max_variant_images, "images"


def _urls(images: Iterable[Image]) -> set[str]:
    return {image.url for image in images} - {""}


def _attribute_problems(listing: ProductListing, declared: ConfiguratorSettingsResponse) -> Iterator[str]:
    attributes = [*listing.attributes, *(one for item in listing.variations for one in item.attribute_settings)]
    for attribute in attributes:
        if not attribute.is_custom_attribute:
            continue
        if not declared.is_custom_attributes_allowed:
            yield f"The attribute {attribute.attribute_id} is not one of this shop's"
        elif len(attribute.attribute_value) > declared.max_custom_attribute_length > 0:
            yield (
                f"The attribute {attribute.attribute_id} has {len(attribute.attribute_value)} characters: "
                f"{declared.max_custom_attribute_length} are allowed"
            )


def _answers(settings: ProductSettings) -> Mapping[SettingGroup, Mapping[str, list[str]]]:
    """Return the values that were chosen, by group and ConfigItemId."""

    def by_id(answers: Iterable[SettingAnswer]) -> dict[str, list[str]]:
        return {answer.id: [value for value in answer.values if value] for answer in answers}

    return {
        SettingGroup.GENERAL: by_id(settings.general_settings),
        SettingGroup.RETURN: by_id(settings.returns_settings),
        SettingGroup.SHIPPING: by_id(settings.shipping_settings),
        SettingGroup.PAYMENT: by_id(settings.payment_settings),
        SettingGroup.VARIATION: by_id(settings.variation_settings),
    }


def _setting_problems(setting: CustomerSetting, answers: Mapping[str, list[str]], new: bool) -> Iterator[str]:
    values = answers.get(setting.config_item_id, [])
    if new and setting.must_be_specified and not values:
        yield f"{setting.friendly_name} must be specified"
    if len(values) > 1 and not setting.is_multi_option:
        yield f"{setting.friendly_name} must be a single value"
    for value in values:
        if setting.value_from_options_list and value not in setting.value_options:
            yield f"{setting.friendly_name} must be one of {', '.join(setting.value_options)}"
        elif setting.reg_ex_validation and not re.fullmatch(setting.reg_ex_validation, value):
            yield f"{setting.friendly_name} {setting.reg_ex_error or 'does not have the expected format'}"
