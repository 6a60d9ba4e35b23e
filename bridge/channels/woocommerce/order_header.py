"""What an order says beside its lines: who, by which ways, and what was noted."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from datetime import datetime
from decimal import Decimal
from typing import Any

from bridge.channels.woocommerce.values import money, plain
from bridge.channels.woocommerce.wizard import Preferences
from bridge.protocol.schemas.orders import Address, ExtendedProperty, Note

NO_SHIPPING, NO_PAYMENT = "no_shipping", "no_payment"
LONGEST_TAG = 64
LONGEST = 1000  # characters of a custom field that are still of use in Linnworks

Fields = Sequence[tuple[str, str]]
"""The custom fields of an order in the order they were written."""

VAT_NUMBER = re.compile(r"(^|_)(vat|tva|ust|btw|iva|tax)_?(number|no|num|id|nr)$|^(billing_)?(eu_)?vat$")
IOSS = re.compile(r"(^|_)ioss(_|$)")
GIFT = re.compile(r"gift.*(message|note|text)|(message|note).*gift")


def shipping_tag(lines: Sequence[Mapping[str, Any]]) -> str:
    """How an order is shipped: the method and, where it is known, which of the shop's instances of it."""
    if not lines:
        return NO_SHIPPING
    method, instance = str(lines[0]["method_id"] or ""), str(lines[0].get("instance_id") or "")
    return instance_tag(method, instance) if method else NO_SHIPPING


def instance_tag(method: str, instance: Any) -> str:
    """The tag of one of the shop's own set-ups of a shipping method."""
    return (f"{method}:{instance}" if str(instance or "0") != "0" else method)[:LONGEST_TAG]


def payment_tag(method: Any) -> str:
    """How an order is paid."""
    return str(method or NO_PAYMENT)[:LONGEST_TAG]


def addresses(row: Mapping[str, Any]) -> tuple[Address, Address]:
    """The billing address and the delivery address, which has no e-mail address and often no phone of its own."""
    billing, delivery = _address(row["billing"]), _address(row["shipping"])
    if not any((delivery.full_name, delivery.company, delivery.address1, delivery.town, delivery.post_code)):
        return billing, billing
    if not any((billing.full_name, billing.company, billing.address1, billing.town, billing.post_code)):
        billing = _address({**row["shipping"], **_only(row["billing"], "email", "phone")})
    reached = {
        **_only(row["billing"], "email", "phone"),
        **_only(row["shipping"], "phone"),
    }
    return billing, _address({**row["shipping"], **reached})


def _only(address: Mapping[str, Any], *names: str) -> dict[str, Any]:
    return {name: address[name] for name in names if address.get(name)}


def _address(address: Mapping[str, Any]) -> Address:
    def part(name: str) -> str:
        return plain(address.get(name)).strip()

    return Address(
        full_name=" ".join(filter(None, (part("first_name"), part("last_name")))),
        company=part("company"),
        address1=part("address_1"),
        address2=part("address_2"),
        town=part("city"),
        region=part("state"),
        post_code=part("postcode"),
        country_code=part("country"),
        phone_number=part("phone"),
        email_address=part("email"),
    )


def properties(
    row: Mapping[str, Any], fields: Fields, given_back: Decimal, preferences: Preferences
) -> Iterator[ExtendedProperty]:
    facts = [
        ("Order number", plain(row["number"])),
        ("Status", str(row["status"])),
        ("Shipping method", ", ".join(plain(line["method_title"]) for line in row["shipping_lines"])),
        ("Payment method", plain(row["payment_method_title"])),
        ("Coupons", ", ".join(plain(line["code"]) for line in row["coupon_lines"])),
        ("Refunded", str(given_back) if given_back else ""),
        ("VAT number", first(fields, VAT_NUMBER) or ""),
        ("IOSS number", first(fields, IOSS) or ""),
    ]
    own = [(key, value) for key, value in fields if not key.startswith("_") or key in preferences.order_fields]
    for name, value in facts + own:
        if name and value and len(value) <= LONGEST:
            yield ExtendedProperty(name=name, value=value)


def notes(
    row: Mapping[str, Any], fields: Fields, remarks: Iterable[str], created: datetime | None, buyer: str
) -> Iterator[Note]:
    texts = [plain(row["customer_note"]).strip()]
    texts += [value for key, value in fields if GIFT.search(key.lower()) and len(value) > 1]
    for text in filter(None, texts):
        yield Note(note=text, note_entry_date=created, note_user_name=buyer)
    for text in remarks:
        yield Note(note=text, note_entry_date=created, note_user_name="WooCommerce", is_internal=True)


def refund_remarks(row: Mapping[str, Any]) -> Iterator[str]:
    for refund in row["refunds"]:
        if money(refund["total"]):
            reason = plain(refund["reason"]).strip()
            yield f"Refunded {-money(refund['total'])} {row['currency']}" + (f": {reason}" if reason else "")


def first(fields: Fields, names: re.Pattern[str]) -> str | None:
    found = (value for key, value in fields if value and names.search(key.lower().strip("_")))
    return next(found, None)
