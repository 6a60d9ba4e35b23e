"""Messages: one declaration makes the object and its schema."""

from __future__ import annotations

import json
from decimal import Decimal

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from bridge.protocol.schemas import after_sale, config, listings, orders, products
from bridge.protocol.schemas.base import Message, plain_data, schema_of, to_json


@given(st.decimals(allow_nan=False, allow_infinity=False, min_value=-(10**12), max_value=10**12, places=4))
def test_money_stays_exact_on_its_way(amount):
    """
    A decimal is written as a JSON number that reads as the same decimal.
    """
    product = products.Product(sku="a", price=amount)
    wire = to_json(product)
    row = msgspec.json.Decoder(float_hook=Decimal).decode(wire)

    assert b'"Price":"' not in wire
    assert amount == schema_of(products.Product).load(row).price


def test_null_means_absent():
    """
    A null leaves a field at its default, in the envelope and in rows.
    """
    request = schema_of(orders.DespatchRequest).load(
        {"Orders": [{"ReferenceNumber": "1", "SecondaryTrackingNumbers": None, "Items": None}]}
    )

    assert orders.DespatchRequest(orders=(orders.DespatchOrder(reference_number="1"),)) == request
    assert orders.DespatchRequest() == schema_of(orders.DespatchRequest).load({"Orders": None})


def test_a_key_with_a_value_goes_before_its_twin_without():
    """
    Of two keys for one field the one that is not null counts, whatever rows came before.
    """
    rows = [{"ID": "a", "Values": ["1"], "Value": ["2"]}, {"ID": "a", "Values": None, "Value": ["2"]}]

    assert [("1",), ("2",)] == [schema_of(listings.SettingAnswer).load(row).values for row in rows]


def test_empty_lists_are_written_as_lists():
    """
    An answer without rows has [], never null, and always has Error.
    """
    assert {
        "Error": None,
        "HasMorePages": False,
        "Orders": [],
    } == json.loads(to_json(orders.OrdersResponse()))


def test_keys_on_which_sources_disagree_are_written_both_ways():
    """
    Feed messages and reasons carry the same value under both names.
    """
    feed_message = listings.FeedMessage(type=listings.Severity.Warning, message="w")
    reason = after_sale.Reason(tag="r", types=(after_sale.ReasonType.ItemRefund,))

    assert {
        "Type": 2,
        "ProductFeedMessageType": 2,
        "Message": "w",
    } == plain_data(feed_message)
    assert [1] == plain_data(reason)["Types"] == plain_data(reason)["Type"]


@pytest.mark.parametrize(
    ("kind", "names"),
    [
        (
            config.ConfigItem,
            "ConfigItemId Name Description GroupName SortOrder SelectedValue RegExValidation RegExError "
            "MustBeSpecified ReadOnly ListValues ValueType HidesHeaderAttribute",
        ),
        (config.UserConfigResponse, "Error StepName AccountName WizardStepTitle WizardStepDescription ConfigItems"),
        (config.Tag, "Tag FriendlyName Site"),
        (orders.OrdersRequest, "UTCTimeFrom PageNumber"),
        (
            orders.Address,
            "FullName Company Address1 Address2 Address3 Town Region PostCode Country CountryCode "
            "PhoneNumber EmailAddress",
        ),
        (
            orders.OrderItem,
            "TaxCostInclusive UseChannelTax IsService OrderLineNumber SKU PricePerUnit Qty TaxRate "
            "LinePercentDiscount ItemTitle Options CancelStatus",
        ),
        (
            orders.Order,
            "ReferenceNumber ExternalReference SecondaryReferenceNumber Site PaymentStatus ChannelBuyerName "
            "Currency ReceivedDate DispatchBy PaidOn MatchPostalServiceTag MatchPaymentMethodTag PostalServiceCost "
            "PostalServiceTaxRate UseChannelTax Discount DiscountType MarketplaceTaxId MarketplaceIoss BuyerTaxNumber "
            "BillingAddress DeliveryAddress OrderItems ExtendedProperties Notes",
        ),
        (orders.Note, "Note NoteEntryDate NoteUserName IsInternal"),
        (orders.DespatchedOrder, "ReferenceNumber Error Retry"),
        (
            after_sale.PostSaleOptionsResponse,
            "Error CanCancel CanCancelOrderLines CanCancelOrderLinesPartially "
            "AutomaticRefundOnCancel CanRefund CanAttachRefundToItem CanAttachRefundToService RefundShippingTypes "
            "CanRefundAdditionally CanReturn PostSaleReasons",
        ),
        (products.Product, "SKU Title Quantity Price Reference"),
        (products.UpdatedProduct, "SKU Error"),
        (
            listings.ConfiguratorSettingsResponse,
            "Error Settings MaxDescriptionLength ImageSettings MaxCategoryCount "
            "MaxCustomAttributeLength IsCustomHtmlSupported IsCustomAttributesAllowed IsVariationsAllowed "
            "HasMainVariationPrice IsTitleInVariation HasVariationAttributeDisplayName IsPriceInVariation "
            "IsShippingListingSpecific IsPaymentListingSpecific",
        ),
        (
            listings.CustomerSetting,
            "GroupName ConfigItemId Subtitle SubTitleSortOrder ItemSortOrder Description "
            "FriendlyName MustBeSpecified ExpectedType ValueOptions InitialValues IsMultiOption ValueFromOptionsList "
            "RegExValidation RegExError IsWizardOnly",
        ),
        (
            listings.Attribute,
            "ID FriendlyName Description MustBeSpecified ExpectedType ValueOptions "
            "ValueFromOptionsList MaxAttributeUse AttribueReadFrom RegExValidation RegExError",
        ),
        (listings.ProductFeed, "SKU TemplateId ExternalListingId URL Messages ChannelReferences"),
    ],
)
def test_names_on_the_wire_are_the_protocol_s(kind, names):
    """
    The keys of a message are exactly Linnworks', in PascalCase.
    """
    assert [field.data_key for field in schema_of(kind).fields.values()] == names.split()


def test_a_message_inherits_the_fields_of_its_base():
    """
    Fields of a base come first, and both sides of the object know them.
    """

    class Base(Message):
        first: str

    class Derived(Base):
        second_one: str = ""

    assert {"First": "1", "SecondOne": "2"} == plain_data(Derived(first="1", second_one="2"))
