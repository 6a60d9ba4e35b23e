"""The orders, page by page, as Linnworks would save them."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

from bridge.check.judge import repeated, summary
from bridge.check.linnworks import Answer, objects, string
from bridge.check.play import LONG_AGO, Play
from bridge.check.records import Order
from bridge.check.registry import Area, Failed

area = Area("Orders", needs=("CFG-08",))
WALKED = ("ORD-01",)
TAGS = {"MatchPostalServiceTag": "ShippingTags", "MatchPaymentMethodTag": "PaymentTags"}


@area.check("ORD-01")
def all_pages(play: Play) -> None:
    """Orders gives page after page until HasMorePages is false."""
    play.order_pages = play.pages("Orders", "Orders", UTCTimeFrom=LONG_AGO)
    orders = [Order.read(row) for page in play.order_pages for row in page.rows("Orders")]
    play.orders = sorted(orders, key=lambda order: order.received, reverse=True)


@area.check("ORD-02", needs=WALKED)
def past_the_end(play: Play) -> None:
    """The page after the last is empty, without an Error."""
    page = play.call("Orders", UTCTimeFrom=LONG_AGO, PageNumber=len(play.order_pages) + 1).accepted()
    if page.rows("Orders") or page.body.get("HasMorePages") is not False:
        raise Failed("the page after the last is not the end")


@area.check("ORD-03", needs=WALKED)
def a_page_asked_twice(play: Play) -> None:
    """A page asked twice shows the same orders."""
    for number, before in list(enumerate(play.order_pages, 1))[:2]:
        again = play.call("Orders", UTCTimeFrom=LONG_AGO, PageNumber=number).accepted()
        if _references(again) != _references(before):
            raise Failed(f"page {number} shows other orders, or another order, the second time")


@area.check("ORD-04", needs=WALKED)
def page_nought(play: Play) -> None:
    """Page 0 is refused."""
    play.call("Orders", UTCTimeFrom=LONG_AGO, PageNumber=0).refused("to page 0")


@area.check("ORD-05", needs=WALKED)
def nothing_yet(play: Play) -> None:
    """A time in the far future is no Error; orders that changed shortly before now may come again."""
    page = play.call("Orders", UTCTimeFrom="2199-01-01 00:00:00Z", PageNumber=1).accepted()
    if len(page.rows("Orders")) >= len(play.orders) > 0:
        raise Failed(f"all {len(play.orders)} orders come again for a time in the future")


@area.check("ORD-06", needs=WALKED)
def every_form_of_time(play: Play) -> None:
    """UTCTimeFrom is understood in every form that is sent, and numbers as text too."""
    forms = (
        "2000-01-01T00:00:00Z",
        "2000-01-01T00:00:00.1234567Z",
        "2000-01-01T01:00:00+01:00",
        "2000-01-01 00:00:00",
        "/Date(946684800000)/",
    )
    for form in forms:
        page = play.call("Orders", UTCTimeFrom=form, PageNumber="1")
        if page.error or _references(page) != _references(play.order_pages[0]):
            raise Failed(f"UTCTimeFrom {form!r} gives {page.error or 'other orders'!r} instead of the first page")


@area.check("ORD-07", needs=WALKED)
def camel_case(play: Play) -> None:
    """The keys of a request are understood in any case."""
    body = {"authorizationToken": play.first.token, "utcTimeFrom": LONG_AGO, "pageNumber": 1}
    page = play.linnworks.send("Orders", json.dumps(body).encode()).accepted()
    if _references(page) != _references(play.order_pages[0]):
        raise Failed("the request in camelCase gives other orders")


@area.check("ORD-08", needs=WALKED)
def every_reference_once(play: Play) -> None:
    """A ReferenceNumber comes once over all pages."""
    twice = repeated(order.reference for order in play.orders)
    if twice:
        raise Failed(summary(f"of the two orders {reference} one is ignored" for reference in twice))


@area.check("ORD-09", needs=WALKED)
def an_address(play: Play) -> None:
    """Every order has an address."""
    _judge(play, _no_address)


def _no_address(row: dict[str, Any]) -> Iterator[str]:
    if not (row.get("BillingAddress") or row.get("DeliveryAddress")):
        yield "has neither a BillingAddress nor a DeliveryAddress"


@area.check("ORD-10", needs=WALKED)
def lines(play: Play) -> None:
    """Every line has a SKU, a quantity and a number of its own."""
    _judge(play, _bad_lines)


def _bad_lines(row: dict[str, Any]) -> Iterator[str]:
    order = Order.read(row)
    for number in repeated(line.number for line in order.lines):
        yield f"has two lines {number!r}: Linnworks does not save it"
    for line in order.lines:
        if not line.sku.strip():
            yield f"has no SKU in line {line.number}"
        if line.quantity < 1:
            yield f"has the quantity {line.quantity} in line {line.number}"
    if not order.lines:
        yield "has no lines"


@area.check("ORD-11", needs=WALKED)
def services(play: Play) -> None:
    """Every service line has a title that no other service line of the order has."""
    _judge(play, _bad_services)


def _bad_services(row: dict[str, Any]) -> Iterator[str]:
    services = [line for line in objects(row.get("OrderItems")) if line.get("IsService") is True]
    titles = [string(service.get("ItemTitle")) for service in services]
    if not all(titles):
        yield "has a service line without an ItemTitle"
    for title in repeated(titles):
        yield f"has two service lines titled {title!r}"


@area.check("ORD-12", needs=WALKED)
def names(play: Play) -> None:
    """The names of options within a line, and of extended properties within an order, are unique."""
    _judge(play, _bad_names)


def _bad_names(row: dict[str, Any]) -> Iterator[str]:
    for name in repeated(string(extended.get("Name")) for extended in objects(row.get("ExtendedProperties"))):
        yield f"has two extended properties {name!r}"
    for line in objects(row.get("OrderItems")):
        for name in repeated(string(option.get("Name")) for option in objects(line.get("Options"))):
            yield f"has two options {name!r} in line {line.get('OrderLineNumber')}"


@area.check("ORD-13", needs=(*WALKED, "CFG-12", "CFG-13"))
def tags(play: Play) -> None:
    """The tags of every order are among the ShippingTags and PaymentTags of its Site."""

    def unknown(row: dict[str, Any]) -> Iterator[str]:
        for name, known in TAGS.items():
            tag, site = string(row.get(name)), string(row.get("Site"))
            # A tag without a Site counts for every Site.
            if tag and not {(tag, site), (tag, "")} & set(play.tags[known]):
                yield f"has the {name} {tag!r} with the Site {site!r}, which is not among the {known}"

    _judge(play, unknown)


def _judge(play: Play, wrong: Any) -> None:
    rows = [row for page in play.order_pages for row in page.rows("Orders")]
    words = [f"order {row.get('ReferenceNumber')} {word}" for row in rows for word in wrong(row)]
    if words:
        raise Failed(summary(words))


def _references(page: Answer) -> list[Any]:
    return [row.get("ReferenceNumber") for row in page.rows("Orders")]
