"""Messages of the listing endpoints."""

from __future__ import annotations

from decimal import Decimal
from enum import IntEnum

from bridge.protocol.schemas.base import (
    Answer,
    Message,
    Text,
    enum_code,
    enum_name,
    flag,
    many,
    number,
    one,
    plain,
    text,
    whole,
)


class SettingGroup(IntEnum):
    GENERAL = 1
    RETURN = 2
    SHIPPING = 3
    PAYMENT = 4
    VARIATION = 5


class ExpectedType(IntEnum):
    STRING = 1
    INT = 2
    DECIMAL = 3
    BOOL = 4
    DATETIME = 5
    LIST = 6


class ImageCount(IntEnum):
    """Whether variations' images count with the main ones."""

    CountTogether = 1
    CountMainVariantsSeparately = 2
    SelectVariationFromMain = 3


class ImageTagType(IntEnum):
    SingleTag = 1
    MultiTag = 2


class Need(IntEnum):
    """Required attributes are added to a configurator by Linnworks and may not be empty."""

    Required = 1
    Desired = 2


class ReadFrom(IntEnum):
    """Where an attribute's value is taken from."""

    Child = 0
    Parent = 1
    Optional = 2


class ListingAction(IntEnum):
    CREATE = 0
    UPDATE = 1


class Severity(IntEnum):
    """An Error says that the listing failed."""

    Error = 1
    Warning = 2
    Recommendation = 3


class ImageTag(Message):
    name: str = text()
    image_tag_type: ImageTagType = enum_code(ImageTagType, default=ImageTagType.SingleTag)


class ListingImage(Message):
    type: ImageCount = enum_code(ImageCount, default=ImageCount.CountTogether)
    max_images: int = whole()
    max_variant_images: int = whole()
    image_tags: tuple[ImageTag, ...] = many(ImageTag)


class CustomerSetting(Message):
    """A question that a configurator asks the seller; the answer comes back under its ConfigItemId."""

    group_name: SettingGroup = enum_name(SettingGroup, default=SettingGroup.GENERAL)
    config_item_id: str = text()
    subtitle: str = text()
    sub_title_sort_order: int = whole()
    item_sort_order: int = whole()
    description: str = text()
    friendly_name: str = text()
    must_be_specified: bool = flag()
    expected_type: ExpectedType = enum_name(ExpectedType, default=ExpectedType.STRING)
    value_options: tuple[str, ...] = plain(Text())
    initial_values: tuple[str, ...] = plain(Text())
    is_multi_option: bool = flag()
    value_from_options_list: bool = flag()
    reg_ex_validation: str | None = text("RegExValidation", default=None)
    reg_ex_error: str | None = text("RegExError", default=None)
    is_wizard_only: bool = flag()


class ConfiguratorSettingsRequest(Message):
    pass


class ConfiguratorSettingsResponse(Answer):
    """What listings on this channel can have; the same for all connections."""

    settings: tuple[CustomerSetting, ...] = many(CustomerSetting)
    max_description_length: int = whole()
    image_settings: ListingImage = one(ListingImage, default=ListingImage())
    max_category_count: int = whole()
    max_custom_attribute_length: int = whole()
    is_custom_html_supported: bool = flag()
    is_custom_attributes_allowed: bool = flag()
    is_variations_allowed: bool = flag()
    has_main_variation_price: bool = flag()
    is_title_in_variation: bool = flag()
    has_variation_attribute_display_name: bool = flag()
    is_price_in_variation: bool = flag()
    is_shipping_listing_specific: bool = flag()
    is_payment_listing_specific: bool = flag()


class Category(Message):
    category_id: int = whole()
    category_name: str = text()


class CategoriesRequest(Message):
    page_number: int = whole(default=1)


class CategoriesResponse(Answer):
    has_more_pages: bool = flag()
    categories: tuple[Category, ...] = many(Category)


class SettingAnswer(Message):
    """The seller's answer to a CustomerSetting; pages name the values `Values` or `Value`."""

    id: str = text("ID")
    values: tuple[str, ...] = plain(Text(), also=("Value",), lenient=True)


class CategoryQuestion(Message):
    """Which attributes, or which variations, the chosen categories have."""

    category_ids: tuple[str, ...] = plain(Text(), lenient=True)
    general_settings: tuple[SettingAnswer, ...] = many(SettingAnswer)
    variation_settings: tuple[SettingAnswer, ...] = many(SettingAnswer)


class Attribute(Message):
    """Something a listing says of itself; AttribueReadFrom is misspelt on the wire."""

    id: str = text("ID")
    friendly_name: str = text()
    description: str = text()
    must_be_specified: Need = enum_name(Need, default=Need.Desired)
    expected_type: ExpectedType = enum_name(ExpectedType, default=ExpectedType.STRING)
    value_options: tuple[str, ...] = plain(Text())
    value_from_options_list: bool = flag()
    max_attribute_use: int = whole(default=1)
    attribute_read_from: ReadFrom = enum_name(ReadFrom, "AttribueReadFrom", default=ReadFrom.Optional)
    reg_ex_validation: str | None = text("RegExValidation", default=None)
    reg_ex_error: str | None = text("RegExError", default=None)


class AttributesResponse(Answer):
    attributes: tuple[Attribute, ...] = many(Attribute)


class NeededVariation(Message):
    variation_name: str = text()
    description: str = text()


class VariationsResponse(Answer):
    max_variation_attributes: int = whole()
    needed_variations: tuple[NeededVariation, ...] = many(NeededVariation)


class Image(Message):
    url: str = text()
    tags: tuple[str, ...] = plain(Text(), lenient=True)


class ShippingMethod(Message):
    shipping_method_id: str = text("ShippingMethodID")
    price: Decimal = number()


class AttributeValue(Message):
    is_custom_attribute: bool = flag()
    attribute_id: str = text("AttributeID")
    attribute_value: str = text()


class OptionValue(Message):
    position: int = whole()
    value: str = text()


class VariationOption(Message):
    """A way in which variations differ, such as Size, with all its values."""

    name: str = text()
    position: int = whole()
    values: tuple[OptionValue, ...] = many(OptionValue, lenient=True)


class ChosenOption(Message):
    name: str = text()
    position: int = whole()
    value: OptionValue = one(OptionValue, default=OptionValue())


class ProductVariation(Message):
    sku: str = text("SKU", required=True)
    title: str = text()
    quantity: int = whole()
    price: Decimal = number()
    images: tuple[Image, ...] = many(Image)
    option_values: tuple[ChosenOption, ...] = many(ChosenOption)
    attribute_settings: tuple[AttributeValue, ...] = many(AttributeValue)


class ProductListing(Message):
    """A listing to create or to change; TemplateId is Linnworks' name for it and comes back in CheckFeed."""

    configurator_id: int = whole()
    template_id: int = whole()
    external_listing_id: str = text()
    sku: str = text("SKU", required=True)
    title: str = text()
    description: str = text()
    quantity: int = whole()
    price: Decimal = number()
    images: tuple[Image, ...] = many(Image)
    categories: tuple[str, ...] = plain(Text(), lenient=True)
    shipping_methods: tuple[ShippingMethod, ...] = many(ShippingMethod)
    attributes: tuple[AttributeValue, ...] = many(AttributeValue)
    variations: tuple[ProductVariation, ...] = many(ProductVariation)
    variation_options: tuple[VariationOption, ...] = many(VariationOption)


class ProductSettings(Message):
    """The answers to a configurator's questions; any of the groups may be missing."""

    payment_methods: tuple[str, ...] = plain(Text(), lenient=True)
    general_settings: tuple[SettingAnswer, ...] = many(SettingAnswer)
    returns_settings: tuple[SettingAnswer, ...] = many(SettingAnswer)
    shipping_settings: tuple[SettingAnswer, ...] = many(SettingAnswer)
    payment_settings: tuple[SettingAnswer, ...] = many(SettingAnswer)
    variation_settings: tuple[SettingAnswer, ...] = many(SettingAnswer)
    attribute_settings: tuple[SettingAnswer, ...] = many(SettingAnswer)


class Configurator(Message):
    configurator_id: int = whole()
    product_settings: ProductSettings = one(ProductSettings, default=ProductSettings())


class ListingUpdateRequest(Message):
    type: ListingAction = enum_name(ListingAction, required=True)
    listings: tuple[ProductListing, ...] = many(ProductListing)
    settings: tuple[Configurator, ...] = many(Configurator)


class ListingRemoval(Message):
    channel_sku: str = text("ChannelSKU")
    external_listing_id: str = text()
    template_id: int = whole()


class ListingDeleteRequest(Message):
    external_listing_ids: tuple[ListingRemoval, ...] = many(ListingRemoval)


class FeedResponse(Answer):
    channel_feed_id: str | None = text(default=None)


class FeedMessage(Message):
    """A word about a listing; the page calls its key ProductFeedMessageType, implementations Type: we send both."""

    type: Severity = enum_code(Severity, required=True, also=("ProductFeedMessageType",), twice=True)
    message: str = text()


class ChannelReference(Message):
    """The Reference under which Products returns a SKU of the listing."""

    sku: str = text("SKU")
    reference: str = text(limit=64)


class ProductFeed(Message):
    """How one listing of a feed went; no messages: it went well."""

    sku: str = text("SKU")
    template_id: int = whole()
    external_listing_id: str = text()
    url: str = text("URL")
    messages: tuple[FeedMessage, ...] = many(FeedMessage)
    channel_references: tuple[ChannelReference, ...] = many(ChannelReference)


class CheckFeedRequest(Message):
    channel_feed_id: str = text(limit=100, required=True)


class CheckFeedResponse(Answer):
    is_feed_ready: bool = flag()
    product_feeds: tuple[ProductFeed, ...] = many(ProductFeed)
