"""Rules about the values in orders: addresses, dates, amounts and payment."""

from __future__ import annotations

import re
from collections.abc import Iterator
from datetime import timedelta
from itertools import groupby
from operator import itemgetter
from typing import Any

from bridge.check.context import CheckContext, now
from bridge.check.countries import COUNTRY_CODES
from bridge.check.response import objects, string
from bridge.check.rule import RuleArea, RuleFailed, RuleSeverity, RuleSkipped
from bridge.check.rules.orders import DOWNLOADED, addresses_of, require_every_order, require_orders

area = RuleArea("Values of orders", "ep:orders", needs=DOWNLOADED)
NO_TIME = "0001"
"""The year in which .NET writes a missing time."""
FIRST_YEAR = 1995
MAX_AHEAD = {"ReceivedDate": timedelta(days=2), "PaidOn": timedelta(days=2), "DispatchBy": timedelta(days=2 * 365)}
"""How far ahead a date of an order may lie."""
PLACE_FIELDS = ("Address1", "Address2", "Address3", "Town", "PostCode")
LINE_DISCOUNT = "LinePercentDiscount"
AMOUNTS = ("PostalServiceCost", "Discount")
ENCODED_TEXT = re.compile(
    r"&(amp|lt|gt|quot|apos|nbsp|#\d{1,6}|#x[0-9a-fA-F]{1,6}|[A-Za-z]{1,2}(acute|grave|uml|cedil|circ|tilde|ring));"
    "|[\u00c2\u00c3][\u0080-\u00bf]|\u00e2\u20ac"
)
"""HTML entities, and what becomes of UTF-8 that is read as Latin-1."""
MAX_TAX = 1.5
"""The share of an order's lines that its Discount may reach, as the prices of the lines may be without tax."""


@area.rule("ORD-17", RuleSeverity.SHOULD, follows=True)
def unpaid_orders(context: CheckContext) -> None:
    """An UNPAID order has no PaidOn.

    Linnworks downloads paid and unpaid orders; one that says both may be sent before it is paid.
    """
    if not any(order.status == "UNPAID" for order in context.orders):
        raise RuleSkipped("the shop has no unpaid order")
    require_every_order(context, _unpaid_problems)


def _unpaid_problems(row: dict[str, Any]) -> Iterator[str]:
    paid = string(row.get("PaidOn"))
    if row.get("PaymentStatus") == "UNPAID" and paid and not paid.startswith(NO_TIME):
        yield f"is UNPAID with a PaidOn of {paid}"


@area.rule("ORD-22", RuleSeverity.ADVICE)
def paid_orders(context: CheckContext) -> None:
    """A PAID order has a PaidOn.

    Linnworks does not know when the order was paid, and reports by payment date leave it out.
    """
    if not any(order.status == "PAID" for order in context.orders):
        raise RuleSkipped("the shop has no paid order")
    require_every_order(context, _paid_problems)


def _paid_problems(row: dict[str, Any]) -> Iterator[str]:
    paid = string(row.get("PaidOn"))
    if row.get("PaymentStatus") == "PAID" and (not paid or paid.startswith(NO_TIME)):
        yield "is PAID without a PaidOn"


@area.rule("ORD-23", RuleSeverity.SHOULD, follows=True)
def place(context: CheckContext) -> None:
    """The address of an order with something to send names a street, a town or a post code.

    The parcel cannot be addressed.
    """
    require_every_order(context, _place_problems)


def _place_problems(row: dict[str, Any]) -> Iterator[str]:
    addresses, lines = addresses_of(row), objects(row.get("OrderItems"))
    has_goods = any(line.get("IsService") is not True for line in lines)
    if has_goods and addresses and not any(string(a.get(name)).strip() for a in addresses for name in PLACE_FIELDS):
        yield "has neither a street nor a town nor a post code in its addresses"


@area.rule("ORD-24", RuleSeverity.SHOULD)
def country_codes(context: CheckContext) -> None:
    """Every address has a two-letter country code of ISO 3166: GB, not UK.

    Linnworks finds the country, and with it postal services and taxes, by this code.
    """
    require_every_order(context, _country_problems)


def _country_problems(row: dict[str, Any]) -> Iterator[str]:
    for address in addresses_of(row):
        code = string(address.get("CountryCode"))
        if code.upper() not in COUNTRY_CODES:
            yield f"has an address with the CountryCode {code!r}" if code else "has an address without a CountryCode"


@area.rule("ORD-25", RuleSeverity.SHOULD, follows=True)
def plausible_dates(context: CheckContext) -> None:
    """The dates of an order lie in the present: none in the year 1, none far ahead.

    Linnworks sorts, filters and reports by these dates; the order seems to be two thousand years late.
    """
    latest = {name: f"{now() + ahead:%Y-%m-%d}" for name, ahead in MAX_AHEAD.items()}

    def problems(row: dict[str, Any]) -> Iterator[str]:
        for name, last in latest.items():
            value = string(row.get(name))
            missing = name == "PaidOn" and value.startswith(NO_TIME)  # other rules look at a missing PaidOn
            if value[:4].isdigit() and not missing and (int(value[:4]) < FIRST_YEAR or value[:10] > last):
                yield f"has the {name} {value!r}"

    require_every_order(context, problems)


@area.rule("ORD-26", follows=True)
def possible_amounts(context: CheckContext) -> None:
    """No price or postage of an order is negative, and no discount is more than the whole.

    The order has another value in Linnworks than the buyer paid.
    """
    require_every_order(context, _amount_problems)


def _amount_problems(row: dict[str, Any]) -> Iterator[str]:
    lines = objects(row.get("OrderItems"))
    for line in lines:
        number, price, discount = (
            line.get("OrderLineNumber"),
            _number(line, "PricePerUnit"),
            _number(line, LINE_DISCOUNT),
        )
        if price < 0 and line.get("IsService") is not True:
            yield f"has the price {price} in line {number}"
        if not 0 <= discount <= 100:
            yield f"has the {LINE_DISCOUNT} {discount} in line {number}"
    for name in AMOUNTS:
        if _number(row, name) < 0:
            yield f"has the {name} {row[name]}"
    total = sum(_number(line, "PricePerUnit") * _number(line, "Qty") for line in lines)
    total += _number(row, "PostalServiceCost")
    if _number(row, "Discount") > total * MAX_TAX > 0:
        yield f"has a Discount of {row['Discount']} on {round(total, 2)}"


@area.rule("ORD-27", RuleSeverity.SHOULD)
def tax_rates_in_percent(context: CheckContext) -> None:
    """Tax rates are percentages: 20, not 0.2.

    Linnworks computes a tax of a fifth of a percent.
    """
    require_orders(context)
    found = [
        (name, rate, row.get("ReferenceNumber"), page)
        for page in context.order_pages
        for row in page.rows("Orders")
        for name, rate in _tax_rates(row)
        if isinstance(rate, (int, float)) and rate
    ]
    if not found:
        raise RuleSkipped("no order has a tax rate")
    for name, of_name in groupby(sorted(found, key=itemgetter(0)), key=itemgetter(0)):
        rates = list(of_name)
        for _, rate, reference, page in rates:
            if not 0 < rate <= 100:
                raise RuleFailed(f"order {reference} has the {name} {rate}", page.exchange)
        if all(rate < 1 for _, rate, _, _ in rates):
            _, rate, reference, page = rates[0]
            raise RuleFailed(f"order {reference} has the {name} {rate}, and no order has 1 or more", page.exchange)


def _tax_rates(row: dict[str, Any]) -> Iterator[tuple[str, Any]]:
    yield "PostalServiceTaxRate", row.get("PostalServiceTaxRate")
    for line in objects(row.get("OrderItems")):
        yield "TaxRate", line.get("TaxRate")


def _number(row: dict[str, Any], name: str) -> float:
    """Return an amount, 0 when it is missing or no number."""
    value = row.get(name)
    return value if isinstance(value, (int, float)) else 0


@area.rule("ORD-30", RuleSeverity.SHOULD, follows=True)
def plain_texts(context: CheckContext) -> None:
    """Names and addresses are plain text in UTF-8: O'Brien, not O&#39;Brien, and Zoë, not ZoÃ«.

    The label is printed as it is, and the parcel may not arrive.
    """

    def problems(row: dict[str, Any]) -> Iterator[str]:
        texts = [(key, value) for address in addresses_of(row) for key, value in address.items()]
        texts += [("ItemTitle", line.get("ItemTitle")) for line in objects(row.get("OrderItems"))]
        for key, value in texts:
            if isinstance(value, str) and ENCODED_TEXT.search(value):
                yield f"has an encoded {key}"

    require_every_order(context, problems)
