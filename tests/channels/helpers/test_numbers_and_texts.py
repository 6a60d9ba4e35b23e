"""A shop's numbers and texts, however long they are."""

from __future__ import annotations

import time
from decimal import Decimal

import pytest

from bridge.channels.helpers.numbers import number
from bridge.channels.helpers.texts import LONGEST, cut, without_tags
from bridge.channels.woocommerce.values import money, plain_text, unescape, whole_pieces


@pytest.mark.parametrize("value", ["19.90", "-3", "1E+2", "1.1102230246251565E-16", 7, Decimal("2.50"), " 5 ", "0.00"])
def test_a_number_is_read_from_text(value):
    """As shops write them, with the residue of their binary fractions."""
    assert Decimal(str(value)) == number(value)


@pytest.mark.parametrize(
    "value",
    [
        "1e200000", "-1e200000", "1e-200000", "0e200000", "0e-200000", "1e999999999999999999", 10**4000, "9" * 5000,
        "0." + "1" * 5000, Decimal("1e15"), "NaN", "Infinity", "sNaN", "", "one", None, True, [], {"a": 1},
    ],
)  # fmt: skip
def test_a_number_out_of_range_is_refused(value):
    """By its length and its exponent: nothing is computed with it."""
    started = time.thread_time()
    for read in (number, lambda value: money(value or "x"), lambda value: whole_pieces(value or "x")):
        if not isinstance(value, (bool, list)) or read is number:
            with pytest.raises(ArithmeticError):
                read(value)

    assert time.thread_time() - started < 0.05


@pytest.mark.parametrize("unit", ["<", "<a", "</", "&lt;", "&#", "& ", "<!--", "&#" + "9" * 5000 + ";"])
def test_a_long_text_is_read_in_linear_time(unit):
    """Half a megabyte of nearly markup costs nothing, and is cut."""
    text = unit * (500_000 // len(unit))
    started = time.thread_time()

    assert len(plain_text(text)) <= LONGEST
    assert len(unescape(text)) <= LONGEST
    assert time.thread_time() - started < 0.1


def test_tags_are_removed():
    """Only what is a tag."""
    assert "a b < c" == without_tags("<b>a</b> <i class='x'>b</i> < c")
    assert ["abc", "ab…"] == [cut("abc", 3), cut("abcd", 3)]
