"""What is read is read tolerantly; what is written is written one way."""

from __future__ import annotations

from datetime import datetime, timedelta, timezone
from decimal import Decimal

import pytest
from marshmallow import ValidationError
from marshmallow.validate import Length

from bridge.protocol.schemas import fields
from bridge.protocol.schemas.listings import ListingAction

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
    assert moment == fields.DateTime().deserialize(written)


@pytest.mark.parametrize(
    "written", ["", "now", "2025-13-01", "2025-02-30", "25:00", 1751687331, None, [], "0001-01-01T00:00:00+10:00"]
)
def test_what_is_no_date_is_refused(written):
    """
    Anything else is a validation error, not another failure.
    """
    with pytest.raises(ValidationError):
        fields.DateTime().deserialize(written)


def test_dates_are_written_one_way():
    """
    A moment of any zone is written in UTC, to the second.
    """
    local = MORNING.astimezone(timezone(timedelta(hours=2))) + timedelta(milliseconds=7)

    assert "2025-07-05T03:48:51Z" == fields.write_moment(local)


@pytest.mark.parametrize(
    ("field", "written", "value"),
    [
        (fields.Integer(), "2", 2),
        (fields.Integer(), Decimal("2.0"), 2),
        (fields.Integer(), "-7", -7),
        (fields.Decimal(), "19.99", Decimal("19.99")),
        (fields.Decimal(), 3, Decimal(3)),
        (fields.Boolean(), "True", True),
        (fields.Boolean(), "FALSE", False),
        (fields.Boolean(), 1, True),
        (fields.String(), 12, "12"),
        (fields.Enum(ListingAction), 1, ListingAction.UPDATE),
        (fields.Enum(ListingAction), "create", ListingAction.CREATE),
    ],
)
def test_values_are_read_in_the_forms_they_come_in(field, written, value):
    """
    Numeric strings, words for booleans, names or numbers of enums are all understood.
    """
    assert value == field.deserialize(written)


@pytest.mark.parametrize(
    "field",
    [fields.Integer(), fields.Decimal(), fields.Boolean(), fields.DateTime(), fields.String(validate=Length(max=2))],
)
@pytest.mark.parametrize("written", [[], {}, "many words", Decimal("NaN"), Decimal("1e999999999"), "1e400"])
def test_values_that_mean_nothing_are_refused(field, written):
    """
    Lists, objects, words and numbers without bounds are validation errors.
    """
    with pytest.raises(ValidationError):
        field.deserialize(written)


@pytest.mark.parametrize("written", ["a\0b", "\ud800", "a\udc00"])
def test_texts_that_no_shop_stores_are_refused(written):
    """
    A NUL character and half of a surrogate pair are validation errors.
    """
    with pytest.raises(ValidationError):
        fields.String().deserialize(written)


@pytest.mark.parametrize(
    ("number", "value"),
    [(2**31 - 1, 2**31 - 1), (-(2**31), -(2**31)), ("2147483647", 2**31 - 1), (2**31, None), ("-2147483649", None)],
)
def test_whole_numbers_have_32_bits(number, value):
    """
    The largest and the smallest are taken, one further is out of range.
    """
    if value is not None:
        assert value == fields.Integer().deserialize(number)
    else:
        with pytest.raises(ValidationError, match="Out of range"):
            fields.Integer().deserialize(number)


def test_nulls_in_a_list_of_texts_are_left_out():
    """
    A null says nothing, and costs the other texts nothing.
    """
    assert ("a", "b") == fields.List(fields.String()).deserialize(["a", None, "b", None])


def test_a_single_value_counts_as_a_list_where_sources_disagree():
    """
    Only a lenient list takes it.
    """
    assert ("a",) == fields.List(fields.String(), lenient=True).deserialize("a")
    with pytest.raises(ValidationError):
        fields.List(fields.String()).deserialize("a")


def test_a_list_beyond_all_bounds_is_refused_whole():
    """
    Nothing of it is loaded.
    """
    with pytest.raises(ValidationError, match="More than 20000 entries"):
        fields.List(fields.String()).deserialize(["a"] * 20_001)


def test_thousands_of_errors_are_not_all_told():
    """
    The first errors of a list are enough to correct it by.
    """
    with pytest.raises(ValidationError) as caught:
        fields.List(fields.Integer()).deserialize(["x"] * 10_000)

    assert 20 == len(caught.value.messages)
