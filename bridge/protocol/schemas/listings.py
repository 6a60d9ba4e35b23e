"""Messages of the listing endpoints."""

from __future__ import annotations

from decimal import Decimal
from enum import IntEnum
from typing import Annotated

from marshmallow.validate import Length

from bridge.protocol.schemas import fields
from bridge.protocol.schemas.base import Answer, InvalidRow, Message, field, schema_of

Texts = Annotated[tuple[str, ...], fields.List(fields.String(), lenient=True)]


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
    name: str = ""
    image_tag_type: Annotated[ImageTagType, fields.Enum(ImageTagType, by_value=True)] = ImageTagType.SingleTag


class ListingImage(Message):
    type: Annotated[ImageCount, fields.Enum(ImageCount, by_value=True)] = ImageCount.CountTogether
    max_images: int = 0
    max_variant_images: int = 0
    image_tags: tuple[ImageTag, ...] = ()


class CustomerSetting(Message):
    """A question that a configurator asks the seller; the answer comes back under its ConfigItemId."""

    group_name: SettingGroup = SettingGroup.GENERAL
    config_item_id: str = ""
    subtitle: str = ""
    sub_title_sort_order: int = 0
    item_sort_order: int = 0
    description: str = ""
    friendly_name: str = ""
    must_be_specified: bool = False
    expected_type: ExpectedType = ExpectedType.STRING
    value_options: tuple[str, ...] = ()
    initial_values: tuple[str, ...] = ()
    is_multi_option: bool = False
    value_from_options_list: bool = False
    reg_ex_validation: str | None = None
    reg_ex_error: str | None = None
    is_wizard_only: bool = False


class ConfiguratorSettingsRequest(Message):
    pass


class ConfiguratorSettingsResponse(Answer):
    """What listings on this channel can have; the same for all connections."""

    settings: tuple[CustomerSetting, ...] = ()
    max_description_length: int = 0
    image_settings: ListingImage = ListingImage()
    max_category_count: int = 0
    max_custom_attribute_length: int = 0
    is_custom_html_supported: bool = False
    is_custom_attributes_allowed: bool = False
    is_variations_allowed: bool = False
    has_main_variation_price: bool = False
    is_title_in_variation: bool = False
    has_variation_attribute_display_name: bool = False
    is_price_in_variation: bool = False
    is_shipping_listing_specific: bool = False
    is_payment_listing_specific: bool = False


class Category(Message):
    category_id: int = 0
    category_name: str = ""


class CategoriesRequest(Message):
    page_number: int = 1


class CategoriesResponse(Answer):
    has_more_pages: bool = False
    categories: tuple[Category, ...] = ()


class SettingAnswer(Message):
    """The seller's answer to a CustomerSetting; pages name the values `Values` or `Value`."""

    id: str = field(default="", name="ID")
    values: Annotated[tuple[str, ...], fields.List(fields.String(), also=("Value",), lenient=True)] = ()


class CategoryQuestion(Message):
    """Which attributes, or which variations, the chosen categories have."""

    category_ids: Texts = ()
    general_settings: tuple[SettingAnswer, ...] = ()
    variation_settings: tuple[SettingAnswer, ...] = ()


class Attribute(Message):
    """Something a listing says of itself; AttribueReadFrom is misspelt on the wire."""

    id: str = field(default="", name="ID")
    friendly_name: str = ""
    description: str = ""
    must_be_specified: Need = Need.Desired
    expected_type: ExpectedType = ExpectedType.STRING
    value_options: tuple[str, ...] = ()
    value_from_options_list: bool = False
    max_attribute_use: int = 1
    attribute_read_from: ReadFrom = field(default=ReadFrom.Optional, name="AttribueReadFrom")
    reg_ex_validation: str | None = None
    reg_ex_error: str | None = None


class AttributesResponse(Answer):
    attributes: tuple[Attribute, ...] = ()


class NeededVariation(Message):
    variation_name: str = ""
    description: str = ""


class VariationsResponse(Answer):
    max_variation_attributes: int = 0
    needed_variations: tuple[NeededVariation, ...] = ()


class Image(Message):
    url: str = ""
    tags: Texts = ()


class ShippingMethod(Message):
    shipping_method_id: str = field(default="", name="ShippingMethodID")
    price: Decimal = Decimal(0)


class AttributeValue(Message):
    is_custom_attribute: bool = False
    attribute_id: str = field(default="", name="AttributeID")
    attribute_value: str = ""


class OptionValue(Message):
    position: int = 0
    value: str = ""


class VariationOption(Message):
    """A way in which variations differ, such as Size, with all its values."""

    name: str = ""
    position: int = 0
    values: Annotated[tuple[OptionValue, ...], fields.List(fields.Nested(schema_of(OptionValue)), lenient=True)] = ()


class ChosenOption(Message):
    name: str = ""
    position: int = 0
    value: OptionValue = OptionValue()


class ProductVariation(Message):
    sku: str
    title: str = ""
    quantity: int = 0
    price: Decimal = Decimal(0)
    images: tuple[Image, ...] = ()
    option_values: tuple[ChosenOption, ...] = ()
    attribute_settings: tuple[AttributeValue, ...] = ()


class ProductListing(Message, kw_only=True):
    """A listing to create or to change; TemplateId is Linnworks' name for it and comes back in CheckFeed."""

    configurator_id: int = 0
    template_id: int = 0
    external_listing_id: str = ""
    sku: str
    title: str = ""
    description: str = ""
    quantity: int = 0
    price: Decimal = Decimal(0)
    images: tuple[Image, ...] = ()
    categories: Texts = ()
    shipping_methods: tuple[ShippingMethod, ...] = ()
    attributes: tuple[AttributeValue, ...] = ()
    variations: tuple[ProductVariation, ...] = ()
    variation_options: tuple[VariationOption, ...] = ()


class ProductSettings(Message):
    """The answers to a configurator's questions; any of the groups may be missing."""

    payment_methods: Texts = ()
    general_settings: tuple[SettingAnswer, ...] = ()
    returns_settings: tuple[SettingAnswer, ...] = ()
    shipping_settings: tuple[SettingAnswer, ...] = ()
    payment_settings: tuple[SettingAnswer, ...] = ()
    variation_settings: tuple[SettingAnswer, ...] = ()
    attribute_settings: tuple[SettingAnswer, ...] = ()


class Configurator(Message):
    configurator_id: int = 0
    product_settings: ProductSettings = ProductSettings()


class ListingUpdateRequest(Message):
    type: ListingAction
    listings: tuple[ProductListing | InvalidRow, ...] = ()
    settings: tuple[Configurator | InvalidRow, ...] = ()


class ListingRemoval(Message):
    channel_sku: str = ""
    external_listing_id: str = ""
    template_id: int = 0


class ListingDeleteRequest(Message):
    external_listing_ids: tuple[ListingRemoval | InvalidRow, ...] = ()


class FeedResponse(Answer):
    channel_feed_id: str | None = None


class FeedMessage(Message):
    """A word about a listing; the page calls its key ProductFeedMessageType, implementations Type: we send both."""

    type: Annotated[Severity, fields.Enum(Severity, by_value=True, also=("ProductFeedMessageType",), twice=True)]
    message: str = ""


class ChannelReference(Message):
    """The Reference under which Products returns a SKU of the listing."""

    sku: str = ""
    reference: Annotated[str, fields.String(validate=Length(max=64))] = ""


class ProductFeed(Message):
    """How one listing of a feed went; no messages: it went well."""

    sku: str = ""
    template_id: int = 0
    external_listing_id: str = ""
    url: str = field(default="", name="URL")
    messages: tuple[FeedMessage, ...] = ()
    channel_references: tuple[ChannelReference, ...] = ()


class CheckFeedRequest(Message):
    channel_feed_id: Annotated[str, fields.String(validate=Length(max=100))]


class CheckFeedResponse(Answer):
    is_feed_ready: bool = False
    product_feeds: tuple[ProductFeed, ...] = ()
