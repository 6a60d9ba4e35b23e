"""What is read is read tolerantly; what is written is written one way."""

from __future__ import annotations

import json
from datetime import datetime, timedelta, timezone
from decimal import Decimal

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st
from marshmallow import ValidationError

from bridge.protocol.schemas import after_sale, config, listings, orders, products
from bridge.protocol.schemas.base import (
    Flag,
    Many,
    Message,
    Moment,
    Number,
    One,
    Text,
    Whole,
    plain_data,
    schema_of,
    shape_of,
    text,
    to_json,
)

UTC = timezone.utc
MORNING = datetime(2025, 7, 5, 3, 48, 51, tzinfo=UTC)


@pytest.mark.parametrize(
    ("written", "moment"),
    [
        ("2025-07-05 03:48:51Z", MORNING),
        ("2025-07-05T03:48:51Z", MORNING),
        ("2025-07-05T03:48:51", MORNING),
        ("2025-07-05T05:48:51+02:00", MORNING),
        ("2025-07-04T22:48:51.0-0500", MORNING),
        ("2025-07-05T03:48:51.1234567Z", MORNING + timedelta(microseconds=123456)),
        ("2025-07-05T03:48:51.5Z", MORNING + timedelta(milliseconds=500)),
        ("/Date(1751687331000)/", MORNING),
        ("/Date(1751687331000+0100)/", MORNING),
        ("2025-07-05", datetime(2025, 7, 5, tzinfo=UTC)),
        ("0001-01-01T00:00:00", datetime(1, 1, 1, tzinfo=UTC)),
    ],
)
def test_every_date_form_that_linnworks_sends_is_understood(written, moment):
    """
    A space or a T, any fraction, offsets and ticks mean the same moment.
    """
    assert moment == Moment().read(written)


@pytest.mark.parametrize(
    "written", ["", "now", "2025-13-01", "2025-02-30", "25:00", 1751687331, None, [], "0001-01-01T00:00:00+10:00"]
)
def test_what_is_no_date_is_refused(written):
    """
    Anything else is a validation error, not another failure.
    """
    with pytest.raises(ValidationError):
        Moment().read(written)


def test_dates_are_written_one_way():
    """
    A moment of any zone is written in UTC, to the second.
    """
    local = MORNING.astimezone(timezone(timedelta(hours=2))) + timedelta(milliseconds=7)

    assert "2025-07-05T03:48:51Z" == Moment().write(local)


@pytest.mark.parametrize(
    ("wire", "written", "value"),
    [
        (Whole(), "2", 2),
        (Whole(), Decimal("2.0"), 2),
        (Whole(), "-7", -7),
        (Number(), "19.99", Decimal("19.99")),
        (Number(), 3, Decimal(3)),
        (Flag(), "True", True),
        (Flag(), "FALSE", False),
        (Flag(), 1, True),
        (Text(), 12, "12"),
        (shape_of(orders.OrderItem).wires["cancel_status"], "canceled", orders.CancelStatus.CANCELLED),
        (shape_of(listings.ListingUpdateRequest).wires["type"], 1, listings.ListingAction.UPDATE),
        (shape_of(listings.ListingUpdateRequest).wires["type"], "create", listings.ListingAction.CREATE),
    ],
)
def test_values_are_read_in_the_forms_they_come_in(wire, written, value):
    """
    Numeric strings, words for booleans, names or numbers of enums are all understood.
    """
    assert value == wire.read(written)


@pytest.mark.parametrize("wire", [Whole(), Number(), Flag(), Moment(), Text(limit=2)])
@pytest.mark.parametrize("written", [[], {}, "many words", Decimal("NaN"), Decimal("1e999999999"), "1e400"])
def test_values_that_mean_nothing_are_refused(wire, written):
    """
    Lists, objects, words and numbers without bounds are validation errors.
    """
    with pytest.raises(ValidationError):
        wire.read(written)


@given(st.decimals(allow_nan=False, allow_infinity=False, min_value=-(10**12), max_value=10**12, places=4))
def test_money_stays_exact_on_its_way(amount):
    """
    A decimal is written as a JSON number that reads as the same decimal.
    """
    product = products.Price(sku="a", price=amount)
    wire = to_json(product)
    row = msgspec.json.Decoder(float_hook=Decimal).decode(wire)

    assert b'"Price":"' not in wire
    assert amount == shape_of(products.Price).read(row).price


def test_null_means_absent():
    """
    A null leaves a field at its default, in the envelope and in rows.
    """
    request = schema_of(orders.DespatchRequest).load(
        {"Orders": [{"ReferenceNumber": "1", "SecondaryTrackingNumbers": None, "Items": None}]}
    )

    assert orders.DespatchRequest(orders=(orders.DespatchOrder(reference_number="1"),)) == request
    assert orders.DespatchRequest() == schema_of(orders.DespatchRequest).load({"Orders": None})


def test_rows_with_other_keys_are_read_each_by_its_own():
    """
    What is worked out for one row's keys is not taken for a row with other keys, or with nulls.
    """
    rows = [
        {"SKU": "a", "Quantity": None, "quantity": 1},
        {"SKU": "b", "Quantity": 2, "quantity": 9},
        {"sku": "c", "QUANTITY": "3", "New": {}},
    ]
    request = schema_of(products.InventoryUpdateRequest).load({"products": rows})

    assert [("a", 1), ("b", 2), ("c", 3)] == [(level.sku, level.quantity) for level in request.products]


some_values = st.one_of(
    st.none(),
    st.booleans(),
    st.integers(-(2**33), 2**33),
    st.decimals(allow_nan=False, allow_infinity=False, places=12),
    st.sampled_from(
        [
            Decimal("1E+5"),
            Decimal("-0"),
            Decimal("1e-30"),
            "1",
            "2.5",
            "Infinity",
            "a",
            "a\0b",
            "x" * 70,
            "NONE",
            [],
            {},
        ]
    ),
)


@given(
    st.lists(st.sampled_from(["SKU", "Quantity", "quantity", "Price", "Reference", "Tag", "New"]), unique=True),
    st.data(),
)
def test_rows_alike_are_read_as_each_is_by_itself(keys, data):
    """
    Reading a column at a time gives the objects that reading row by row gives, and finds the same faults.
    """
    for kind in (products.StockLevel, products.Price, products.Product):
        rows = data.draw(st.lists(st.fixed_dictionaries(dict.fromkeys(keys, some_values)), max_size=4))
        together, singly = read_together(kind, rows), read_singly(kind, rows)

        assert singly == together
        assert repr(singly) == repr(together)


def read_together(kind, rows):
    try:
        return list(Many(One(kind)).read(rows))
    except ValidationError as error:
        return error.messages


def read_singly(kind, rows):
    found, faults = [], {}
    for number, row in enumerate(rows):
        try:
            found.append(shape_of(kind).read(row))
        except ValidationError as error:
            faults[number] = error.messages
    return faults or found


def test_a_key_with_a_value_goes_before_its_twin_without():
    """
    Of two keys for one field the one that is not null counts, whatever rows came before.
    """
    rows = [{"ID": "a", "Values": ["1"], "Value": ["2"]}, {"ID": "a", "Values": None, "Value": ["2"]}]

    assert [("1",), ("2",)] == [shape_of(listings.SettingAnswer).read(row).values for row in rows]


def test_what_strangers_call_their_keys_is_not_kept():
    """
    Rows with ever other keys do not make the process grow.
    """
    shape = shape_of(products.StockLevel)
    for number in range(1000):
        shape.read({"SKU": "a", "Quantity": 1, f"Key{number}": 1})
    shape.read({"SKU": "a", "Quantity": 1, "k" * 100_000: 1})

    assert 64 >= len(shape._plans)
    assert 4000 >= max(len("".join(keys)) for keys in shape._plans)


def test_thousands_of_faults_are_not_all_told():
    """
    The first faults of a list are enough to mend it by.
    """
    with pytest.raises(ValidationError) as caught:
        schema_of(products.InventoryUpdateRequest).load({"Products": [0] * 100_000})

    assert 20 == len(caught.value.messages["Products"])


def test_every_fault_of_a_list_is_named_by_its_index():
    """
    All faulty rows are reported at once, each under its index and field.
    """
    with pytest.raises(ValidationError) as caught:
        schema_of(products.InventoryUpdateRequest).load(
            {"Products": [{"SKU": "a", "Quantity": "x"}, {"SKU": "b", "Quantity": 1}, {"Quantity": 1}]}
        )

    assert caught.value.messages == {"Products": {0: {"Quantity": ["Not a whole number."]}, 2: {"SKU": ["Missing."]}}}


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
    assert (1,) == plain_data(reason)["Types"] == plain_data(reason)["Type"]


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
    assert [wire.data_key for wire in shape_of(kind).wires.values()] == names.split()


def test_a_message_inherits_the_fields_of_its_base():
    """
    Fields of a base come first, and both sides of the object know them.
    """

    class Base(Message):
        first: str = text(required=True)

    class Derived(Base):
        second_one: str = text()

    assert {"First": "1", "SecondOne": "2"} == plain_data(Derived(first="1", second_one="2"))
