"""The parts of a Medusa order besides its lines: addresses, shipping, payment, properties and remarks."""

from __future__ import annotations

import json
from collections.abc import Collection, Iterator, Mapping, Sequence
from datetime import datetime
from decimal import Decimal
from typing import Any

from bridge.channels.medusa.action_records import OWN
from bridge.channels.medusa.values import in_units, listed, mapping, money, read_time, text, whole_pieces
from bridge.protocol.schemas.orders import Address, ExtendedProperty

NO_SHIPPING, OTHER_SHIPPING, NO_PAYMENT = "no_shipping", "other_shipping", "no_payment"
LONGEST_TAG = 64
LONGEST_VALUE, MOST_PROPERTIES = 1000, 200
REFUND_REFERENCE = "payment_collection"
"""What the credit line refers to by which Medusa takes a refund off the order's total."""

Row = Mapping[str, Any]


def shipping_tag(methods: Sequence[Row], options: Collection[str]) -> str:
    """Return the tag of an order's shipping: its shipping option, or that it is none that the shop has."""
    if not methods:
        return NO_SHIPPING
    option = shipping_option(methods)
    return option if option in options else OTHER_SHIPPING


def shipping_option(methods: Sequence[Row]) -> str:
    """Return the id of the shipping option of an order, "" if it has none."""
    return text(methods[0].get("shipping_option_id"))[:LONGEST_TAG] if methods else ""


def payment_tag(provider: Any) -> str:
    """Return the tag of a payment provider."""
    return text(provider)[:LONGEST_TAG] or NO_PAYMENT


def outward(row: Row) -> list[Row]:
    """Return the shipping methods of an order without those of returns."""
    methods = listed(row["shipping_methods"])
    return [method for method in methods if not mapping(method.get("detail")).get("return_id")]


def payments(row: Row) -> list[Row]:
    """Return an order's payments in the order in which they were made, those that were cancelled last."""
    collections = listed(row["payment_collections"])
    found = [payment for collection in collections for payment in listed(collection.get("payments"))]
    return sorted(found, key=lambda one: (one.get("canceled_at") is not None, text(one.get("created_at"))))


def paid_on(row: Row) -> datetime | None:
    """Return when an order's last money was captured or, without a capture, when its first payment was made."""
    made = payments(row)
    captured = [read_time(one.get("created_at")) for payment in made for one in listed(payment.get("captures"))]
    known = [moment for moment in captured if moment]
    return max(known) if known else next((read_time(payment.get("created_at")) for payment in made), None)


def refunded(row: Row) -> Decimal:
    """Return all the money that was given back."""
    return sum(
        (money(refund["amount"]) for payment in payments(row) for refund in listed(payment.get("refunds"))), Decimal(0)
    )


def credits_of(row: Row) -> tuple[Decimal, Decimal]:
    """Return what lowers an order's total: by refunds, and by gift cards, store credit and the like."""
    by_refunds = by_others = Decimal(0)
    for line in listed(row.get("credit_lines")):
        if line.get("reference") == REFUND_REFERENCE:
            by_refunds += money(line["amount"])
        else:
            by_others += money(line["amount"])
    return by_refunds, by_others


def addresses(row: Row, countries: Mapping[str, str]) -> tuple[Address, Address]:
    """Return billing and delivery address; one that is missing is as the other, without either it has the e-mail."""
    billing, delivery = mapping(row.get("billing_address")), mapping(row.get("shipping_address"))
    email = text(row.get("email"))
    phone = text(delivery.get("phone")) or text(billing.get("phone"))
    shown = [
        _address(own or other, email, phone, countries) for own, other in ((billing, delivery), (delivery, billing))
    ]
    return shown[0], shown[1]


def _address(address: Row, email: str, phone: str, countries: Mapping[str, str]) -> Address:
    def part(name: str) -> str:
        return text(address.get(name))

    code, name = part("country_code").upper(), " ".join(filter(None, (part("first_name"), part("last_name"))))
    return Address(
        full_name=name or ("" if part("company") else email),
        company=part("company"),
        address1=part("address_1"),
        address2=part("address_2"),
        town=part("city"),
        region=part("province"),
        post_code=part("postal_code"),
        country=countries.get(code, code),
        country_code=code,
        phone_number=part("phone") or phone,
        email_address=email,
    )


def properties(row: Row, number: str, unit: Decimal, goods: Sequence[Row]) -> Iterator[ExtendedProperty]:
    """Yield facts about the order, then its metadata; each name comes once.

    The payment status is not among them: a part of a payment that is captured does not make an order come again.
    """
    given_back, credit = refunded(row), credits_of(row)[1]
    codes = [text(one.get("code")) for line in (*goods, *outward(row)) for one in listed(line.get("adjustments"))]
    facts = {
        "Order number": number,
        "Sales channel": text(mapping(row.get("sales_channel")).get("name")),
        "Shipping method": ", ".join(text(method.get("name")) for method in outward(row)),
        "Promotions": ", ".join(dict.fromkeys(filter(None, codes))),
        "Refunded": str(in_units(given_back, unit)) if given_back else "",
        "Credit": str(in_units(credit, unit)) if credit else "",
        "Returns": _returned(goods),
        "Exchanges": _returns_for(row, "exchange_id"),
        "Claims": _returns_for(row, "claim_id"),
    }
    custom = mapping(row.get("metadata")).items()
    metadata = {str(key).strip(): _plain(value) for key, value in custom if not str(key).startswith(OWN)}
    for name, value in list({**metadata, **facts}.items())[-MOST_PROPERTIES:]:
        if name and value and len(name) <= LONGEST_VALUE:
            yield ExtendedProperty(name=name, value=value[:LONGEST_VALUE])


def _plain(value: Any) -> str:
    """Return a value of metadata as a text."""
    if isinstance(value, (dict, list)):
        return json.dumps(value, default=str, ensure_ascii=False)
    return "" if value is None else str(value).strip()


def _returned(lines: Sequence[Row]) -> str:
    """Return what of an order is on its way back or has come back, in words."""
    parts = []
    for line in lines:
        detail = mapping(line.get("detail"))
        for name, words in (
            ("return_requested_quantity", "on its way back"),
            ("return_received_quantity", "returned"),
            ("return_dismissed_quantity", "returned and not taken into stock"),
        ):
            if pieces := whole_pieces(detail.get(name)):
                parts.append(f"{pieces} x {text(line.get('variant_sku')) or text(line.get('title'))} {words}")
    return ", ".join(parts)


def _returns_for(row: Row, name: str) -> str:
    """Return the numbers of the returns that belong to an exchange or a claim, when they have been confirmed."""
    made = [one for one in listed(row.get("returns")) if one.get("requested_at") and one.get("canceled_at") is None]
    return ", ".join(f"Return {text(one.get('display_id'))}" for one in made if one.get(name))
