"""The shape of every endpoint's answer."""

from __future__ import annotations

from bridge.check.judge import Kind, anything, flag, integer, many, matching, maybe, moment, number, one_of, shape, text

_error = maybe(text())
_line = maybe(text())

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
    Name=text(),
    Description=_line,
    GroupName=_line,
    SortOrder=maybe(integer),
    SelectedValue=text(),
    RegExValidation=_line,
    RegExError=_line,
    MustBeSpecified=maybe(flag),
    ReadOnly=maybe(flag),
    ListValues=maybe(many(shape(Display=text(), Value=text()))),
    ValueType=one_of("STRING", "INT", "DOUBLE", "BOOLEAN", "PASSWORD", "LIST", "URL", "BUTTON"),
    HidesHeaderAttribute=maybe(flag),
)

_user_config = shape(
    Error=_error,
    StepName=text(1),
    AccountName=text(1),
    WizardStepDescription=text(),
    WizardStepTitle=text(),
    ConfigItems=many(_config_item),
    GlobalConfigSettings=maybe(anything),
)

_tags = many(shape(Tag=text(1, most=64), FriendlyName=text(1, most=255), Site=maybe(text(most=25))))

_order_item = shape(
    TaxCostInclusive=maybe(flag),
    UseChannelTax=maybe(flag),
    IsService=maybe(flag),
    OrderLineNumber=text(1),
    SKU=text(1),
    PricePerUnit=number,
    Qty=integer,
    TaxRate=maybe(number),
    LinePercentDiscount=maybe(number),
    ItemTitle=_line,
    Options=maybe(many(shape(Name=text(), Value=_line))),
    CancelStatus=maybe(one_of("NONE", "CANCELLED", "CANCELED")),
)

_note = shape(Note=text(), NoteEntryDate=maybe(moment), NoteUserName=_line, IsInternal=maybe(flag))

_order = shape(
    BillingAddress=maybe(_address),
    DeliveryAddress=maybe(_address),
    OrderItems=many(_order_item),
    ExtendedProperties=maybe(many(shape(Name=text(1), Value=_line, Type=_line))),
    Notes=maybe(many(_note)),
    Site=maybe(text(most=25)),
    MatchPostalServiceTag=_line,
    MatchPaymentMethodTag=_line,
    PaymentStatus=one_of("PAID", "UNPAID", "CANCELLED"),
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
    UseChannelTax=maybe(flag),
    DiscountType=maybe(one_of("AllEvenly", "ItemsThenPostage", "PostageThenItems", 0, 1, 2)),
    Discount=maybe(number),
    MarketplaceTaxId=_line,
    MarketplaceIoss=_line,
    BuyerTaxNumber=_line,
)

_product = shape(SKU=text(1), Title=text(1), Quantity=integer, Price=maybe(number), Reference=text(1, most=64))
_update = shape(Error=_error, Products=many(shape(SKU=text(), Error=_error)))

_reason = shape(
    Tag=text(1),
    DisplayName=text(1),
    Types=many(one_of(0, 1, 2, 3, 4)),
    Type=maybe(anything),
    SubReasons=maybe(many(shape(Tag=text(1), DisplayName=text(1)))),
)

_expected_type = one_of("STRING", "INT", "DECIMAL", "BOOL", "DATETIME", "LIST", 1, 2, 3, 4, 5, 6)

_setting = shape(
    GroupName=one_of("GENERAL", "RETURN", "SHIPPING", "PAYMENT", "VARIATION", 1, 2, 3, 4, 5),
    ConfigItemId=text(1),
    Subtitle=_line,
    SubTitleSortOrder=maybe(integer),
    ItemSortOrder=maybe(integer),
    Description=_line,
    FriendlyName=_line,
    MustBeSpecified=maybe(flag),
    ExpectedType=_expected_type,
    ValueOptions=maybe(many(text())),
    InitialValues=maybe(many(text())),
    IsMultiOption=maybe(flag),
    ValueFromOptionsList=maybe(flag),
    RegExValidation=_line,
    RegExError=_line,
    IsWizardOnly=maybe(flag),
)

_images = shape(
    Type=one_of(1, 2, 3, "CountTogether", "CountMainVariantsSeparately", "SelectVariationFromMain"),
    MaxImages=maybe(integer),
    MaxVariantImages=maybe(integer),
    ImageTags=maybe(many(shape(Name=text(), ImageTagType=one_of(1, 2, "SingleTag", "MultiTag")))),
)

_attribute = shape(
    ID=text(1),
    FriendlyName=_line,
    Description=_line,
    MustBeSpecified=one_of("Required", "Desired", 1, 2),
    ExpectedType=_expected_type,
    ValueOptions=maybe(many(text())),
    ValueFromOptionsList=maybe(flag),
    MaxAttributeUse=maybe(integer),
    AttribueReadFrom=maybe(one_of("Child", "Parent", "Optional", 0, 1, 2)),
    RegExValidation=_line,
    RegExError=_line,
)

_message = shape(
    Type=maybe(one_of(1, 2, 3)),
    ProductFeedMessageType=maybe(one_of(1, 2, 3)),
    Message=text(1),
)

_feed = shape(
    SKU=text(),
    TemplateId=integer,
    ExternalListingId=_line,
    URL=_line,
    Messages=many(_message),
    ChannelReferences=many(shape(SKU=text(1), Reference=text(1, most=64))),
)

SHAPES: dict[str, Kind] = {
    "AddNewUser": shape(Error=_error, AuthorizationToken=text(1)),
    "UserConfig": _user_config,
    "SaveConfig": _user_config,
    "ShippingTags": shape(Error=_error, ShippingTags=_tags),
    "PaymentTags": shape(Error=_error, PaymentTags=_tags),
    "ConfigTest": shape(Error=_error),
    "ConfigDeleted": shape(Error=_error),
    "Orders": shape(Error=_error, HasMorePages=flag, Orders=many(_order)),
    "Despatch": shape(Error=_error, Orders=many(shape(ReferenceNumber=text(), Error=_error, Retry=flag))),
    "Cancel": shape(Error=_error),
    "Refund": shape(Error=_error, RefundReference=text(1)),
    "PostSaleOptions": shape(
        Error=_error,
        CanCancel=maybe(flag),
        CanCancelOrderLines=maybe(flag),
        CanCancelOrderLinesPartially=maybe(flag),
        AutomaticRefundOnCancel=maybe(flag),
        CanRefund=maybe(flag),
        CanAttachRefundToItem=maybe(flag),
        CanAttachRefundToService=maybe(flag),
        RefundShippingTypes=one_of(0, 1, 2, 3),
        CanRefundAdditionally=maybe(flag),
        CanReturn=maybe(flag),
        PostSaleReasons=many(_reason),
    ),
    "Products": shape(Error=_error, HasMorePages=flag, Products=many(_product)),
    "InventoryUpdate": _update,
    "PriceUpdate": _update,
    "GetConfiguratorSettings": shape(
        Error=_error,
        Settings=many(_setting),
        MaxDescriptionLength=maybe(integer),
        ImageSettings=maybe(_images),
        MaxCategoryCount=maybe(integer),
        MaxCustomAttributeLength=maybe(integer),
        IsCustomHtmlSupported=maybe(flag),
        IsCustomAttributesAllowed=maybe(flag),
        IsVariationsAllowed=maybe(flag),
        HasMainVariationPrice=maybe(flag),
        IsTitleInVariation=maybe(flag),
        HasVariationAttributeDisplayName=maybe(flag),
        IsPriceInVariation=maybe(flag),
        IsShippingListingSpecific=maybe(flag),
        IsPaymentListingSpecific=maybe(flag),
    ),
    "GetCategories": shape(
        Error=_error, HasMorePages=flag, Categories=many(shape(CategoryId=integer, CategoryName=text(1)))
    ),
    "GetAttributesByCategory": shape(Error=_error, Attributes=many(_attribute)),
    "GetVariationsByCategory": shape(
        Error=_error,
        MaxVariationAttributes=maybe(integer),
        NeededVariations=many(shape(VariationName=text(1), Description=_line)),
    ),
    "ListingUpdate": shape(Error=_error, ChannelFeedId=text(1)),
    "ListingDelete": shape(Error=_error, ChannelFeedId=text(1)),
    "CheckFeed": shape(Error=_error, IsFeedReady=flag, ProductFeeds=many(_feed)),
}
