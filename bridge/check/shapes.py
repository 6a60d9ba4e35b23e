"""The shape of every endpoint's answer."""

from __future__ import annotations

from bridge.check.judge import FORM, TYPE, Kind
from bridge.check.kinds import (
    anything,
    flag,
    identity,
    integer,
    many,
    matching,
    maybe,
    moment,
    number,
    one_of,
    ought,
    shape,
    softly,
    text,
)

_error = maybe(text())
_line = maybe(text())
_label = text(1, empty=TYPE)
_whole = maybe(integer)
_yes_or_no = maybe(flag)
_texts = maybe(many(text()))
# Of the numbers of an order's lines one source writes texts.
_amount = softly(number, FORM)

_address = shape(
    FullName=_line,
    Company=_line,
    Address1=_line,
    Address2=_line,
    Address3=_line,
    Town=_line,
    Region=_line,
    PostCode=_line,
    Country=_line,
    CountryCode=maybe(matching(r"[A-Z]{2}", "a two-letter country code")),
    PhoneNumber=_line,
    EmailAddress=_line,
)

_config_item = shape(
    ConfigItemId=text(1),
    Name=_line,
    Description=_line,
    GroupName=_line,
    SortOrder=_whole,
    SelectedValue=_line,
    RegExValidation=_line,
    RegExError=_line,
    MustBeSpecified=_yes_or_no,
    ReadOnly=_yes_or_no,
    ListValues=maybe(many(shape(Display=ought(text()), Value=text()))),
    ValueType=one_of(
        {"STRING": 0, "INT": 1, "DOUBLE": 2, "BOOLEAN": 3, "PASSWORD": 4, "LIST": 5, "URL": 6, "BUTTON": 7}
    ),
    HidesHeaderAttribute=_yes_or_no,
)

_user_config = shape(
    Error=_error,
    StepName=text(1),
    AccountName=text(1),
    WizardStepDescription=text(),
    WizardStepTitle=_label,
    ConfigItems=many(_config_item),
    GlobalConfigSettings=maybe(anything),
)

_shipping_tags = many(shape(Tag=text(1, most=64), FriendlyName=text(1, 255, TYPE), Site=maybe(text(most=25))))
# The payment page states no limits; whoever keeps the same is safe.
_payment_tags = many(
    shape(
        Tag=text(1),
        FriendlyName=softly(text(1, 255, TYPE), FORM),
        Site=maybe(softly(text(most=25), FORM)),
    )
)

_order_item = shape(
    TaxCostInclusive=_yes_or_no,
    UseChannelTax=_yes_or_no,
    IsService=_yes_or_no,
    OrderLineNumber=text(1),
    SKU=_line,
    PricePerUnit=ought(_amount),
    Qty=softly(integer, FORM),
    TaxRate=maybe(_amount),
    LinePercentDiscount=maybe(_amount),
    ItemTitle=_line,
    Options=maybe(many(shape(Name=text(), Value=_line))),
    CancelStatus=maybe(one_of({"NONE": 0, "CANCELLED": 1, "CANCELED": 1})),
)

_note = shape(Note=_line, NoteEntryDate=maybe(moment), NoteUserName=_line, IsInternal=_yes_or_no)

_order = shape(
    {"ExtendedProperty": "ExtendedProperties"},
    BillingAddress=maybe(_address),
    DeliveryAddress=maybe(_address),
    OrderItems=many(_order_item),
    ExtendedProperties=maybe(many(shape(Name=text(1), Value=_line, Type=_line))),
    Notes=maybe(many(_note)),
    Site=_line,
    MatchPostalServiceTag=_line,
    MatchPaymentMethodTag=_line,
    PaymentStatus=ought(one_of({"PAID": 0, "UNPAID": 1, "CANCELLED": 2})),
    ChannelBuyerName=_line,
    ReferenceNumber=text(1),
    ExternalReference=_line,
    SecondaryReferenceNumber=_line,
    Currency=maybe(matching(r"[A-Z]{3}", "a three-letter currency")),
    ReceivedDate=maybe(moment),
    DispatchBy=maybe(moment),
    PaidOn=maybe(moment),
    PostalServiceCost=maybe(number),
    PostalServiceTaxRate=maybe(number),
    UseChannelTax=_yes_or_no,
    DiscountType=maybe(one_of({"AllEvenly": 0, "ItemsThenPostage": 1, "PostageThenItems": 2})),
    Discount=maybe(number),
    MarketplaceTaxId=_line,
    MarketplaceIoss=_line,
    BuyerTaxNumber=_line,
)

_product = shape(SKU=text(1), Title=_label, Quantity=integer, Price=maybe(number), Reference=text(1, most=64))
_update = shape(Error=_error, Products=many(shape(SKU=text(), Error=_error)))

_actions = {"Cancellation": 0, "ItemRefund": 1, "ShippingRefund": 2, "ServiceRefund": 3, "AdditionalRefund": 4}

_reason = shape(
    {"Type": "Types"},
    Tag=text(1),
    DisplayName=_label,
    Types=many(one_of(_actions, int)),
    SubReasons=maybe(many(shape(Tag=text(1), DisplayName=_label))),
)

_expected_type = one_of({"STRING": 1, "INT": 2, "DECIMAL": 3, "BOOL": 4, "DATETIME": 5, "LIST": 6})

_setting = shape(
    GroupName=one_of({"GENERAL": 1, "RETURN": 2, "SHIPPING": 3, "PAYMENT": 4, "VARIATION": 5}),
    ConfigItemId=text(1),
    Subtitle=_line,
    SubTitleSortOrder=_whole,
    ItemSortOrder=_whole,
    Description=_line,
    FriendlyName=_line,
    MustBeSpecified=_yes_or_no,
    ExpectedType=_expected_type,
    ValueOptions=_texts,
    InitialValues=_texts,
    IsMultiOption=_yes_or_no,
    ValueFromOptionsList=_yes_or_no,
    RegExValidation=_line,
    RegExError=_line,
    IsWizardOnly=_yes_or_no,
)

_images = shape(
    Type=one_of({"CountTogether": 1, "CountMainVariantsSeparately": 2, "SelectVariationFromMain": 3}, int),
    MaxImages=_whole,
    MaxVariantImages=_whole,
    ImageTags=maybe(many(shape(Name=text(), ImageTagType=one_of({"SingleTag": 1, "MultiTag": 2}, int)))),
)

_attribute = shape(
    {"AttributeReadFrom": "AttribueReadFrom"},
    ID=text(1),
    FriendlyName=_line,
    Description=_line,
    MustBeSpecified=one_of({"Required": 1, "Desired": 2}),
    ExpectedType=_expected_type,
    ValueOptions=_texts,
    ValueFromOptionsList=_yes_or_no,
    MaxAttributeUse=_whole,
    AttribueReadFrom=maybe(one_of({"Child": 0, "Parent": 1, "Optional": 2})),
    RegExValidation=_line,
    RegExError=_line,
)

# A textual id is what one other application sends; whether Linnworks takes it nobody could confirm.
_category = shape(CategoryId=softly(identity, FORM), CategoryName=_label)

_message = shape(
    # Two keys for one number: the page has the long one, others the short one.
    {"ProductFeedMessageType": "Type"},
    Type=one_of({"Error": 1, "Warning": 2, "Recommendation": 3}, int),
    Message=_label,
)

_feed = shape(
    SKU=text(),
    TemplateId=integer,
    ExternalListingId=_line,
    URL=_line,
    Messages=maybe(many(_message)),
    ChannelReferences=maybe(many(shape(SKU=text(1), Reference=text(1, most=64)))),
)

SHAPES: dict[str, Kind] = {
    # An older page of this one endpoint has IsError and ErrorMessage.
    "AddNewUser": shape(Error=_error, AuthorizationToken=text(1), IsError=_yes_or_no, ErrorMessage=_line),
    "UserConfig": _user_config,
    "SaveConfig": _user_config,
    "ShippingTags": shape(Error=_error, ShippingTags=_shipping_tags),
    "PaymentTags": shape(Error=_error, PaymentTags=_payment_tags),
    "ConfigTest": shape(Error=_error),
    "ConfigDeleted": shape(Error=_error),
    "Orders": shape(Error=_error, HasMorePages=flag, Orders=many(_order)),
    "Despatch": shape(Error=_error, Orders=many(shape(ReferenceNumber=text(), Error=_error, Retry=ought(flag, FORM)))),
    "Cancel": shape(Error=_error),
    "Refund": shape(Error=_error, RefundReference=text(1)),
    "PostSaleOptions": shape(
        Error=_error,
        CanCancel=_yes_or_no,
        CanCancelOrderLines=_yes_or_no,
        CanCancelOrderLinesPartially=_yes_or_no,
        AutomaticRefundOnCancel=_yes_or_no,
        CanRefund=_yes_or_no,
        CanAttachRefundToItem=_yes_or_no,
        CanAttachRefundToService=_yes_or_no,
        RefundShippingTypes=one_of({"NotSupported": 0, "TiedToItem": 1, "Independent": 2}, int, flags=True),
        CanRefundAdditionally=_yes_or_no,
        CanReturn=_yes_or_no,
        PostSaleReasons=many(_reason),
    ),
    "Products": shape(Error=_error, HasMorePages=flag, Products=many(_product)),
    "InventoryUpdate": _update,
    "PriceUpdate": _update,
    "GetConfiguratorSettings": shape(
        Error=_error,
        Settings=maybe(many(_setting)),
        MaxDescriptionLength=_whole,
        ImageSettings=maybe(_images),
        MaxCategoryCount=_whole,
        MaxCustomAttributeLength=_whole,
        IsCustomHtmlSupported=_yes_or_no,
        IsCustomAttributesAllowed=_yes_or_no,
        IsVariationsAllowed=_yes_or_no,
        HasMainVariationPrice=_yes_or_no,
        IsTitleInVariation=_yes_or_no,
        HasVariationAttributeDisplayName=_yes_or_no,
        IsPriceInVariation=_yes_or_no,
        IsShippingListingSpecific=_yes_or_no,
        IsPaymentListingSpecific=_yes_or_no,
    ),
    "GetCategories": shape(Error=_error, HasMorePages=flag, Categories=many(_category)),
    "GetAttributesByCategory": shape(Error=_error, Attributes=maybe(many(_attribute))),
    "GetVariationsByCategory": shape(
        Error=_error,
        MaxVariationAttributes=_whole,
        NeededVariations=maybe(many(shape(VariationName=text(1), Description=_line))),
    ),
    "ListingUpdate": shape(Error=_error, ChannelFeedId=text(1)),
    "ListingDelete": shape(Error=_error, ChannelFeedId=text(1)),
    "CheckFeed": shape(Error=_error, IsFeedReady=flag, ProductFeeds=many(_feed)),
}
