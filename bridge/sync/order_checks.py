"""Order checks: small problems of an order are normalised, others are reported.

Linnworks refuses a whole order for one repeated line number, and ignores an order that it cannot read; the seller
hears of neither. Only what Linnworks never sends back is changed: names of options and properties, titles of services,
a missing address, and texts and lists that are very long. Line numbers, SKUs and quantities come back in despatches
and refunds, so an order with a wrong one is not sent.
"""

from __future__ import annotations

import logging
from collections import Counter
from collections.abc import Iterable, Sequence
from typing import TypeVar

import msgspec
from msgspec.structs import replace

from bridge.channels.helpers.texts import cut
from bridge.channels.helpers.totals import order_total
from bridge.errors import unreadable
from bridge.protocol.schemas.orders import Address, ExtendedProperty, Note, Option, Order, OrderItem

log = logging.getLogger(__name__)

Named = TypeVar("Named", Option, ExtendedProperty)
Part = TypeVar("Part", Address, Option, ExtendedProperty, Note)

TAG_LIMIT = 64
LONG_ORDER = 10_000  # bytes as JSON; a shorter order is not cut
TEXT_LIMIT, NOTE_LIMIT, REASON_LIMIT = 500, 5000, 1000  # characters
LIST_LIMIT = 500  # properties or notes of an order, options of a line
NO_ADDRESS = Address()


def check(order: Order) -> tuple[Order, str]:
    """Return an order normalised, and why it is held or an empty string; any failure of ours holds it."""
    try:
        normalised = normalise(order)
        return normalised, cut("; ".join(problems(normalised)), REASON_LIMIT)
    except Exception as error:
        log.exception("Order %s cannot be checked", order.reference_number)
        return order, unreadable(error)


def normalise(order: Order) -> Order:
    """Return the order with everything corrected that can be corrected safely."""
    if len(msgspec.json.encode(order)) > LONG_ORDER:
        order = _shortened(order)
    billing, delivery = order.billing_address, order.delivery_address
    return replace(
        order,
        billing_address=billing if _filled(billing) else delivery,
        delivery_address=delivery if _filled(delivery) else billing,
        extended_properties=_distinct(order.extended_properties),
        order_items=_distinct_services(
            replace(item, options=_distinct(item.options)) if len(item.options) > 1 else item
            for item in order.order_items
        ),
    )


def problems(order: Order) -> list[str]:
    """Return why Linnworks would refuse or ignore a normalised order, in words for the seller."""
    if order.fault:
        return [order.fault]
    found = []
    if not _filled(order.billing_address):
        found.append("it has no address")
    if not (len(order.currency) == 3 and order.currency.isalpha()):
        found.append(f"its currency {order.currency or '(none)'} does not have three letters")
    for what, tag in (("shipping", order.match_postal_service_tag), ("payment", order.match_payment_method_tag)):
        if len(tag) > TAG_LIMIT:
            found.append(f"its {what} method {tag[:TAG_LIMIT]}... is longer than {TAG_LIMIT} characters")
    if not order.order_items:
        found.append("it has no lines")
    for item in order.order_items:
        if not item.order_line_number:
            found.append(f"{_name(item)} has no line number")
        if not item.sku.strip():
            found.append(f"{_name(item)} has no SKU: give the product one in the shop")
        if item.qty < 1:
            found.append(f"{_name(item)} has the quantity {item.qty}")
    numbers = [item.order_line_number for item in order.order_items]
    if len(set(numbers)) < len(numbers):
        found += [f"the line number {number} occurs {n} times" for number, n in Counter(numbers).items() if n > 1]
    if order.shop_total is not None and order_total(order) != order.shop_total:
        found.append(f"its lines add up to {order_total(order)}, but the shop's total is {order.shop_total}")
    return found


def _shortened(order: Order) -> Order:
    """Return the order with its texts and lists cut, except what Linnworks sends back."""
    billing, delivery = order.billing_address, order.delivery_address
    return replace(
        order,
        channel_buyer_name=cut(order.channel_buyer_name, TEXT_LIMIT),
        billing_address=billing and _cut(billing),
        delivery_address=delivery and _cut(delivery),
        extended_properties=_cut_all(order.extended_properties, NOTE_LIMIT),
        notes=_cut_all(order.notes, NOTE_LIMIT),
        order_items=tuple(
            replace(item, item_title=cut(item.item_title, TEXT_LIMIT), options=_cut_all(item.options))
            for item in order.order_items
        ),
    )


def _cut_all(parts: Sequence[Part], limit: int = TEXT_LIMIT) -> tuple[Part, ...]:
    return tuple(_cut(part, limit) for part in parts[:LIST_LIMIT])


def _cut(part: Part, limit: int = TEXT_LIMIT) -> Part:
    texts = ((name, getattr(part, name)) for name in part.__struct_fields__)
    return replace(part, **{name: cut(text, limit) for name, text in texts if isinstance(text, str)})


def _name(item: OrderItem) -> str:
    return f"line {item.order_line_number or '(no number)'} ({item.item_title or item.sku or 'no title'})"


def _filled(address: Address | None) -> bool:
    return address is not None and address != NO_ADDRESS


def _distinct(named: Sequence[Named]) -> tuple[Named, ...]:
    """Return the same items with a number after each repeated name."""
    if len({one.name for one in named}) == len(named):
        return tuple(named)
    names = _numbered([one.name for one in named])
    return tuple(replace(one, name=name) for one, name in zip(named, names, strict=True))


def _distinct_services(items: Iterable[OrderItem]) -> tuple[OrderItem, ...]:
    """Return the same lines with a title for every service, and a number after each repeated one."""
    changed = list(items)
    services = [index for index, item in enumerate(changed) if item.is_service]
    titles = _numbered([changed[index].item_title or changed[index].sku for index in services])
    for index, title in zip(services, titles, strict=True):
        changed[index] = replace(changed[index], item_title=title)
    return tuple(changed)


def _numbered(names: Sequence[str]) -> list[str]:
    """Return distinct names, such as "Colour" and "Colour (2)"."""
    taken: set[str] = set()
    last: dict[str, int] = {}
    distinct = []
    for name in names:
        candidate, number = name, last.get(name, 1)
        while candidate in taken:
            number += 1
            candidate = f"{name} ({number})"
        last[name] = number
        taken.add(candidate)
        distinct.append(candidate)
    return distinct
