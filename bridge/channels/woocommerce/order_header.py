"""The parts of a WooCommerce order besides its lines: addresses, shipping, payment, custom fields and notes."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from datetime import datetime
from decimal import Decimal
from typing import Any

from bridge.channels.woocommerce.preferences import Preferences
from bridge.channels.woocommerce.values import money, unescape
from bridge.protocol.schemas.orders import Address, ExtendedProperty, Note

NO_SHIPPING, NO_PAYMENT = "no_shipping", "no_payment"
LONGEST_TAG = 64
LONGEST_FIELD = 1000  # longer custom fields are of no use in Linnworks

Fields = Sequence[tuple[str, str]]
"""Names and values of an order's custom fields, in the order they were written."""

VAT_NUMBER = re.compile(r"(^|_)(vat|tva|ust|btw|iva|tax)_?(number|no|num|id|nr)$|^(billing_)?(eu_)?vat$")
IOSS = re.compile(r"(^|_)ioss(_|$)")
SUBSCRIPTION = "_subscription_renewal"


def shipping_tag(lines: Sequence[Mapping[str, Any]]) -> str:
    """Return the tag of an order's shipping: the method and, if known, the instance of it in a zone."""
    if not lines:
        return NO_SHIPPING
    method, instance = str(lines[0]["method_id"] or ""), str(lines[0].get("instance_id") or "")
    return instance_tag(method, instance) if method else NO_SHIPPING


def instance_tag(method: str, instance: Any) -> str:
    """Return the tag of one instance of a shipping method."""
    return (f"{method}:{instance}" if str(instance or "0") != "0" else method)[:LONGEST_TAG]


def payment_tag(method: Any) -> str:
    """Return the tag of an order's payment method."""
    return str(method or NO_PAYMENT)[:LONGEST_TAG]


def addresses(row: Mapping[str, Any]) -> tuple[Address, Address]:
    """Return billing and delivery address; the delivery address takes e-mail and a missing phone from the other."""
    billing, delivery = _address(row["billing"]), _address(row["shipping"])
    if not any((delivery.full_name, delivery.company, delivery.address1, delivery.town, delivery.post_code)):
        return billing, billing
    if not any((billing.full_name, billing.company, billing.address1, billing.town, billing.post_code)):
        billing = _address({**row["shipping"], **_only(row["billing"], "email", "phone")})
    contact = {**_only(row["billing"], "email", "phone"), **_only(row["shipping"], "phone")}
    return billing, _address({**row["shipping"], **contact})


def _only(address: Mapping[str, Any], *names: str) -> dict[str, Any]:
    return {name: address[name] for name in names if address.get(name)}


def _address(address: Mapping[str, Any]) -> Address:
    def part(name: str) -> str:
        return unescape(address.get(name)).strip()

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
    row: Mapping[str, Any], fields: Fields, refunded: Decimal, difference: Decimal, preferences: Preferences
) -> Iterator[ExtendedProperty]:
    """Yield facts about the order, then its public custom fields and those that the seller named."""
    facts = [
        ("Order number", unescape(row["number"])),
        ("Status", str(row["status"])),
        ("Shipping method", ", ".join(unescape(line["method_title"]) for line in row["shipping_lines"])),
        ("Payment method", unescape(row["payment_method_title"])),
        ("Coupons", ", ".join(unescape(line["code"]) for line in row["coupon_lines"])),
        ("Refunded", str(refunded) if refunded else ""),
        ("Difference to the total", str(difference) if difference else ""),
        ("Renewal of subscription", next((value for key, value in fields if key == SUBSCRIPTION), "")),
        ("VAT number", first_value(fields, VAT_NUMBER) or ""),
        ("IOSS number", first_value(fields, IOSS) or ""),
    ]
    custom = [(key, value) for key, value in fields if not key.startswith("_") or key in preferences.order_fields]
    for name, value in facts + custom:
        if name and value and len(value) <= LONGEST_FIELD:
            yield ExtendedProperty(name=name, value=value)


def notes(
    row: Mapping[str, Any], fields: Fields, remarks: Iterable[str], created: datetime | None, buyer: str
) -> Iterator[Note]:
    """Yield the customer's note and gift messages, then remarks for the seller as internal notes."""
    texts = [unescape(row["customer_note"]).strip()]
    texts += [value for key, value in fields if _is_gift_message(key.lower()) and len(value) > 1]
    for text in filter(None, texts):
        yield Note(note=text, note_entry_date=created, note_user_name=buyer)
    for text in remarks:
        yield Note(note=text, note_entry_date=created, note_user_name="WooCommerce", is_internal=True)


def _is_gift_message(key: str) -> bool:
    after = key.partition("gift")[2]
    before = key.rpartition("gift")[0]
    return any(word in after for word in ("message", "note", "text")) or "message" in before or "note" in before


def refund_remarks(row: Mapping[str, Any]) -> Iterator[str]:
    """Yield a remark for each refund of money."""
    for refund in row["refunds"]:
        if money(refund["total"]):
            reason = unescape(refund["reason"]).strip()
            yield f"Refunded {-money(refund['total'])} {row['currency']}" + (f": {reason}" if reason else "")


def first_value(fields: Fields, names: re.Pattern[str]) -> str | None:
    """Return the value of the first custom field whose name matches, or None."""
    found = (value for key, value in fields if value and names.search(key.lower().strip("_")))

    return next(found, None)
