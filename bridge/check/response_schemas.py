"""The schema of every endpoint's response."""

from __future__ import annotations

from bridge.check.schema import Aspect, ValueSchema
from bridge.check.schema_types import (
    any_value,
    array,
    boolean,
    date_time,
    enum,
    integer,
    json_object,
    matching,
    mismatch_as,
    missing_as,
    number,
    number_or_text,
    optional,
    pattern,
    text,
    whole_number_in_any_form,
)

MAX_TAG_LENGTH = 64
MAX_FRIENDLY_NAME_LENGTH = 255
MAX_SITE_LENGTH = 25
MAX_REFERENCE_LENGTH = 64

_error = optional(text())
_optional_text = optional(text())
_label = text(1, if_too_short=Aspect.TYPE)
_optional_integer = optional(integer)
_optional_boolean = optional(boolean)
_optional_texts = optional(array(text()))
# One source writes the numbers of an order's lines as text.
_amount = mismatch_as(Aspect.FORM, number)

_address = json_object(
    FullName=_optional_text,
    Company=_optional_text,
    Address1=_optional_text,
    Address2=_optional_text,
    Address3=_optional_text,
    Town=_optional_text,
    Region=_optional_text,
    PostCode=_optional_text,
    Country=_optional_text,
    CountryCode=optional(matching(r"[A-Z]{2}", "a two-letter country code")),
    PhoneNumber=_optional_text,
    EmailAddress=_optional_text,
)

_config_item = json_object(
    ConfigItemId=text(1),
    Name=_optional_text,
    Description=_optional_text,
    GroupName=_optional_text,
    SortOrder=_optional_integer,
    SelectedValue=_optional_text,
    RegExValidation=optional(pattern),
    RegExError=_optional_text,
    MustBeSpecified=_optional_boolean,
    ReadOnly=_optional_boolean,
    ListValues=optional(array(json_object(Display=missing_as(Aspect.TYPE, text()), Value=text()))),
    ValueType=enum({"STRING": 0, "INT": 1, "DOUBLE": 2, "BOOLEAN": 3, "PASSWORD": 4, "LIST": 5, "URL": 6, "BUTTON": 7}),
    HidesHeaderAttribute=_optional_boolean,
)

_user_config = json_object(
    Error=_error,
    StepName=text(1),
    AccountName=text(1),
    WizardStepDescription=text(),
    WizardStepTitle=_label,
    ConfigItems=array(_config_item),
    GlobalConfigSettings=optional(any_value),
)

_shipping_tags = array(
    json_object(
        Tag=text(1, max_length=MAX_TAG_LENGTH),
        FriendlyName=text(1, MAX_FRIENDLY_NAME_LENGTH, Aspect.TYPE),
        Site=optional(text(max_length=MAX_SITE_LENGTH)),
    )
)
# The payment page states no limits; those of the shipping page are safe.
_payment_tags = array(
    json_object(
        Tag=text(1),
        FriendlyName=mismatch_as(Aspect.FORM, text(1, MAX_FRIENDLY_NAME_LENGTH, Aspect.TYPE)),
        Site=optional(mismatch_as(Aspect.FORM, text(max_length=MAX_SITE_LENGTH))),
    )
)

_order_item = json_object(
    TaxCostInclusive=_optional_boolean,
    UseChannelTax=_optional_boolean,
    IsService=_optional_boolean,
    OrderLineNumber=text(1),
    SKU=_optional_text,
    PricePerUnit=_amount,  # a reader that accepts the missing price sells for nothing
    Qty=mismatch_as(Aspect.FORM, integer),
    TaxRate=optional(_amount),
    LinePercentDiscount=optional(_amount),
    ItemTitle=_optional_text,
    Options=optional(array(json_object(Name=text(), Value=_optional_text))),
    CancelStatus=optional(enum({"NONE": 0, "CANCELLED": 1, "CANCELED": 1})),
)

_note = json_object(
    Note=_optional_text, NoteEntryDate=optional(date_time), NoteUserName=_optional_text, IsInternal=_optional_boolean
)

_order = json_object(
    {"ExtendedProperty": "ExtendedProperties"},
    BillingAddress=optional(_address),
    DeliveryAddress=optional(_address),
    OrderItems=array(_order_item),
    ExtendedProperties=optional(array(json_object(Name=text(1), Value=_optional_text, Type=_optional_text))),
    Notes=optional(array(_note)),
    Site=_optional_text,
    MatchPostalServiceTag=_optional_text,
    MatchPaymentMethodTag=_optional_text,
    # A reader that accepts the missing status takes the first one: the order is sent unpaid.
    PaymentStatus=enum({"PAID": 0, "UNPAID": 1, "CANCELLED": 2}),
    ChannelBuyerName=_optional_text,
    ReferenceNumber=text(1),
    ExternalReference=_optional_text,
    SecondaryReferenceNumber=_optional_text,
    Currency=optional(matching(r"[A-Z]{3}", "a three-letter currency")),
    ReceivedDate=optional(date_time),
    DispatchBy=optional(date_time),
    PaidOn=optional(date_time),
    PostalServiceCost=optional(number),
    PostalServiceTaxRate=optional(number),
    UseChannelTax=_optional_boolean,
    DiscountType=optional(enum({"AllEvenly": 0, "ItemsThenPostage": 1, "PostageThenItems": 2})),
    Discount=optional(number),
    MarketplaceTaxId=_optional_text,
    MarketplaceIoss=_optional_text,
    BuyerTaxNumber=_optional_text,
)

_product = json_object(
    SKU=text(1),
    Title=_label,
    Quantity=integer,
    Price=optional(number),
    Reference=text(1, max_length=MAX_REFERENCE_LENGTH),
)
_update = json_object(Error=_error, Products=array(json_object(SKU=text(), Error=_error)))

_actions = {"Cancellation": 0, "ItemRefund": 1, "ShippingRefund": 2, "ServiceRefund": 3, "AdditionalRefund": 4}

_reason = json_object(
    {"Type": "Types"},
    Tag=text(1),
    DisplayName=_label,
    Types=array(enum(_actions, int)),
    SubReasons=optional(array(json_object(Tag=text(1), DisplayName=_label))),
)

_expected_type = enum({"STRING": 1, "INT": 2, "DECIMAL": 3, "BOOL": 4, "DATETIME": 5, "LIST": 6})

_setting = json_object(
    GroupName=enum({"GENERAL": 1, "RETURN": 2, "SHIPPING": 3, "PAYMENT": 4, "VARIATION": 5}),
    ConfigItemId=text(1),
    Subtitle=_optional_text,
    SubTitleSortOrder=_optional_integer,
    ItemSortOrder=_optional_integer,
    Description=_optional_text,
    FriendlyName=_optional_text,
    MustBeSpecified=_optional_boolean,
    ExpectedType=_expected_type,
    ValueOptions=_optional_texts,
    InitialValues=_optional_texts,
    IsMultiOption=_optional_boolean,
    ValueFromOptionsList=_optional_boolean,
    RegExValidation=optional(pattern),
    RegExError=_optional_text,
    IsWizardOnly=_optional_boolean,
)

_images = json_object(
    Type=enum({"CountTogether": 1, "CountMainVariantsSeparately": 2, "SelectVariationFromMain": 3}, int),
    MaxImages=_optional_integer,
    MaxVariantImages=_optional_integer,
    ImageTags=optional(array(json_object(Name=text(), ImageTagType=enum({"SingleTag": 1, "MultiTag": 2}, int)))),
)

_attribute = json_object(
    {"AttributeReadFrom": "AttribueReadFrom"},
    misspelt=("AttributeReadFrom",),
    ID=text(1),
    FriendlyName=_optional_text,
    Description=_optional_text,
    MustBeSpecified=enum({"Required": 1, "Desired": 2}),
    ExpectedType=_expected_type,
    ValueOptions=_optional_texts,
    ValueFromOptionsList=_optional_boolean,
    MaxAttributeUse=_optional_integer,
    AttribueReadFrom=optional(enum({"Child": 0, "Parent": 1, "Optional": 2})),
    RegExValidation=optional(pattern),
    RegExError=_optional_text,
)

# One other application sends a text as id; whether Linnworks accepts it is not confirmed.
_category = json_object(CategoryId=mismatch_as(Aspect.FORM, number_or_text), CategoryName=_label)

_message = json_object(
    # The page uses the long key, other sources the short one.
    {"ProductFeedMessageType": "Type"},
    Type=enum({"Error": 1, "Warning": 2, "Recommendation": 3}, int),
    Message=_label,
)

_feed = json_object(
    SKU=text(),
    TemplateId=whole_number_in_any_form,  # as it was sent: a number, or text
    ExternalListingId=_optional_text,
    URL=_optional_text,
    Messages=optional(array(_message)),
    ChannelReferences=optional(array(json_object(SKU=text(1), Reference=text(1, max_length=MAX_REFERENCE_LENGTH)))),
)

RESPONSE_SCHEMAS: dict[str, ValueSchema] = {
    # An older page of this endpoint has IsError and ErrorMessage.
    "AddNewUser": json_object(
        Error=_error, AuthorizationToken=text(1), IsError=_optional_boolean, ErrorMessage=_optional_text
    ),
    "UserConfig": _user_config,
    "SaveConfig": _user_config,
    "ShippingTags": json_object(Error=_error, ShippingTags=_shipping_tags),
    "PaymentTags": json_object(Error=_error, PaymentTags=_payment_tags),
    "ConfigTest": json_object(Error=_error),
    "ConfigDeleted": json_object(Error=_error),
    "Orders": json_object(Error=_error, HasMorePages=boolean, Orders=array(_order)),
    "Despatch": json_object(
        Error=_error,
        Orders=array(json_object(ReferenceNumber=text(), Error=_error, Retry=missing_as(Aspect.FORM, boolean))),
    ),
    "Cancel": json_object(Error=_error),
    "Refund": json_object(Error=_error, RefundReference=text(1)),
    "PostSaleOptions": json_object(
        Error=_error,
        CanCancel=_optional_boolean,
        CanCancelOrderLines=_optional_boolean,
        CanCancelOrderLinesPartially=_optional_boolean,
        AutomaticRefundOnCancel=_optional_boolean,
        CanRefund=_optional_boolean,
        CanAttachRefundToItem=_optional_boolean,
        CanAttachRefundToService=_optional_boolean,
        RefundShippingTypes=enum({"NotSupported": 0, "TiedToItem": 1, "Independent": 2}, int, flags=True),
        CanRefundAdditionally=_optional_boolean,
        CanReturn=_optional_boolean,
        PostSaleReasons=array(_reason),
    ),
    "Products": json_object(Error=_error, HasMorePages=boolean, Products=array(_product)),
    "InventoryUpdate": _update,
    "PriceUpdate": _update,
    "GetConfiguratorSettings": json_object(
        Error=_error,
        Settings=optional(array(_setting)),
        MaxDescriptionLength=_optional_integer,
        ImageSettings=optional(_images),
        MaxCategoryCount=_optional_integer,
        MaxCustomAttributeLength=_optional_integer,
        IsCustomHtmlSupported=_optional_boolean,
        IsCustomAttributesAllowed=_optional_boolean,
        IsVariationsAllowed=_optional_boolean,
        HasMainVariationPrice=_optional_boolean,
        IsTitleInVariation=_optional_boolean,
        HasVariationAttributeDisplayName=_optional_boolean,
        IsPriceInVariation=_optional_boolean,
        IsShippingListingSpecific=_optional_boolean,
        IsPaymentListingSpecific=_optional_boolean,
    ),
    "GetCategories": json_object(Error=_error, HasMorePages=boolean, Categories=array(_category)),
    "GetAttributesByCategory": json_object(Error=_error, Attributes=optional(array(_attribute))),
    "GetVariationsByCategory": json_object(
        Error=_error,
        MaxVariationAttributes=_optional_integer,
        NeededVariations=optional(array(json_object(VariationName=text(1), Description=_optional_text))),
    ),
    "ListingUpdate": json_object(Error=_error, ChannelFeedId=text(1)),
    "ListingDelete": json_object(Error=_error, ChannelFeedId=text(1)),
    "CheckFeed": json_object(Error=_error, IsFeedReady=boolean, ProductFeeds=array(_feed)),
}
