"""The orders, page by page, as Linnworks would save them."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

from bridge.check.answer import Answer, objects, string
from bridge.check.judge import repeated, summary
from bridge.check.play import LONG_AGO, Play
from bridge.check.records import Order
from bridge.check.registry import Area, Failed, Severity, Skipped

area = Area("Orders", "ep:orders", needs=("CFG-08",))
WALKED = ("ORD-01",)
STABLE = ("ORD-03",)
TAGS = {"MatchPostalServiceTag": "ShippingTags", "MatchPaymentMethodTag": "PaymentTags"}
LENGTHS = {"MatchPostalServiceTag": 64, "MatchPaymentMethodTag": 64, "Site": 25}


@area.check("ORD-01")
def all_pages(play: Play) -> None:
    """Orders gives page after page until HasMorePages is false.

    Linnworks asks for page after page; orders that it never gets to are not despatched.
    """
    play.order_pages = play.pages("Orders", "Orders", UTCTimeFrom=LONG_AGO)
    orders = [Order.read(row) for page in play.order_pages for row in page.rows("Orders")]
    play.orders = sorted(orders, key=lambda order: order.received, reverse=True)


@area.check("ORD-02", Severity.SHOULD, needs=WALKED)
def past_the_end(play: Play) -> None:
    """The page after the last is empty, without an Error.

    No orders are no failure: on an Error Linnworks reads the same time again and again.
    """
    page = play.call("Orders", UTCTimeFrom=LONG_AGO, PageNumber=len(play.order_pages) + 1).accepted()
    if page.rows("Orders") or page.body.get("HasMorePages") is not False:
        raise Failed("the page after the last is not the end", page.exchange)


@area.check("ORD-03", Severity.SHOULD, needs=WALKED)
def a_page_asked_twice(play: Play) -> None:
    """A page asked twice shows the same orders.

    An order that moves to a page already read is never downloaded.
    """
    for number, before in list(enumerate(play.order_pages, 1))[:2]:
        again = play.call("Orders", UTCTimeFrom=LONG_AGO, PageNumber=number).accepted()
        if _references(again) != _references(before):
            raise Failed(f"page {number} shows other orders, or another order, the second time", again.exchange)


@area.check("ORD-04", Severity.ADVICE, "C# sample")
def page_nought(play: Play) -> None:
    """Page 0 is refused.

    Pages count from 1: an answer hides that the first page was never asked for.
    """
    play.call("Orders", UTCTimeFrom=LONG_AGO, PageNumber=0).refused("to page 0")


@area.check("ORD-05")
def nothing_yet(play: Play) -> None:
    """A time since which nothing changed is no Error.

    Most looks find nothing; an Error each time makes the integration look broken.
    """
    play.call("Orders", UTCTimeFrom="2199-01-01 00:00:00Z", PageNumber=1).accepted()


@area.check("ORD-06", needs=STABLE)
def both_forms_of_time(play: Play) -> None:
    """UTCTimeFrom is understood as the samples write it and as it is really sent, with a space for the T.

    A reader that knows ISO 8601 alone fails on every look, and no order is ever downloaded.
    """
    _same_first_page(play, "2000-01-01T00:00:00Z", "2000-01-01 00:00:00Z")


@area.check("ORD-07", Severity.SHOULD, "endpoints-general", needs=STABLE)
def fractions_and_offsets(play: Play) -> None:
    """UTCTimeFrom is understood with fractions of a second and with a numeric offset.

    Linnworks runs on .NET, whose times have up to seven digits after the second.
    """
    _same_first_page(play, "2000-01-01T00:00:00.1234567Z", "2000-01-01T01:00:00+01:00")


@area.check("ORD-08", needs=WALKED)
def every_reference_once(play: Play) -> None:
    """A ReferenceNumber comes once over all pages.

    Of two orders with the same one Linnworks ignores one.
    """
    twice = repeated(order.reference for order in play.orders)
    if twice:
        page = next(page for page in play.order_pages if set(twice) & set(_references(page)))
        words = summary(f"of the two orders {reference!r} one is ignored" for reference in twice)
        raise Failed(words, page.exchange)


@area.check("ORD-09", needs=WALKED)
def an_address(play: Play) -> None:
    """Every order has a billing or a delivery address.

    Linnworks fills the missing one from the other; an order with neither cannot be sent to anyone.
    """
    _judge(play, _no_address)


def _no_address(row: dict[str, Any]) -> Iterator[str]:
    if not (row.get("BillingAddress") or row.get("DeliveryAddress")):
        yield "has neither a BillingAddress nor a DeliveryAddress"


@area.check("ORD-10", needs=WALKED)
def lines(play: Play) -> None:
    """Every line has a number of its own, a quantity above 0 and, unless it is a service, a SKU.

    Linnworks does not save an order with a repeated line number; without a SKU a line cannot be mapped.
    """
    _judge(play, _bad_lines)


def _bad_lines(row: dict[str, Any]) -> Iterator[str]:
    order = Order.read(row)
    for number in repeated(line.number for line in order.lines):
        yield f"has two lines {number!r}"
    for line in order.lines:
        if not line.sku.strip() and not line.service:
            yield f"has no SKU in line {line.number}"
        if line.quantity < 1:
            yield f"has the quantity {line.quantity} in line {line.number}"


@area.check("ORD-11", needs=WALKED)
def services(play: Play) -> None:
    """Every service line has a title that no other service line of the order has.

    The title is what Linnworks knows a service by.
    """
    _judge(play, _bad_services)


def _bad_services(row: dict[str, Any]) -> Iterator[str]:
    titles = [string(line.get("ItemTitle")) for line in objects(row.get("OrderItems")) if line.get("IsService") is True]
    if not all(titles):
        yield "has a service line without an ItemTitle"
    for title in repeated(titles):
        yield f"has two service lines titled {title!r}"


@area.check("ORD-12", needs=WALKED)
def names(play: Play) -> None:
    """The names of options within a line, and of extended properties within an order, are unique.

    They are keys in Linnworks: the second one is lost, or the order with it.
    """
    _judge(play, _bad_names)


def _bad_names(row: dict[str, Any]) -> Iterator[str]:
    for name in repeated(string(extended.get("Name")) for extended in objects(row.get("ExtendedProperties"))):
        yield f"has two extended properties {name!r}"
    for line in objects(row.get("OrderItems")):
        for name in repeated(string(option.get("Name")) for option in objects(line.get("Options"))):
            yield f"has two options {name!r} in line {line.get('OrderLineNumber')}"


@area.check("ORD-13", Severity.SHOULD, "ep:orders, ep:shipping-tags", needs=WALKED, after=("CFG-12", "CFG-13"))
def tags(play: Play) -> None:
    """The tags of every order are among the ShippingTags and PaymentTags of its Site.

    An order with another tag arrives without the postal service or payment method that the customer mapped.
    """

    def unknown(row: dict[str, Any]) -> Iterator[str]:
        for name, known in TAGS.items():
            tag, site = string(row.get(name)), string(row.get("Site"))
            # A tag without a Site counts for every Site.
            if tag and known in play.tags and not {(tag, site), (tag, "")} & set(play.tags[known]):
                yield f"has the {name} {tag!r} with the Site {site!r}, which is not among the {known}"

    _judge(play, unknown)


@area.check("ORD-14", Severity.SHOULD, needs=WALKED)
def filtered(play: Play) -> None:
    """Orders that did not change since UTCTimeFrom stay away; those changed shortly before may come again.

    Every look downloads every order there ever was, until it no longer fits into ten seconds.
    """
    page = play.call("Orders", UTCTimeFrom="2199-01-01 00:00:00Z", PageNumber=1).accepted()
    if len(page.rows("Orders")) >= len(play.order_pages[0].rows("Orders")) > 0:
        raise Failed("the first page comes again for a time in the future", page.exchange)


@area.check("ORD-15", Severity.ADVICE, "endpoints-general", needs=STABLE)
def other_forms_of_time(play: Play) -> None:
    """UTCTimeFrom is understood without a zone, as UTC, and as /Date(ms)/.

    Other programmes that speak the protocol have been seen to send these.
    """
    _same_first_page(play, "2000-01-01 00:00:00", "/Date(946684800000)/")


def _same_first_page(play: Play, *forms: str) -> None:
    for form in forms:
        page = play.call("Orders", UTCTimeFrom=form, PageNumber=1)
        if page.error or _references(page) != _references(play.order_pages[0]):
            words = f"UTCTimeFrom {form!r} gives {page.error or 'other orders'!r} instead of the first page"
            raise Failed(words, page.exchange)


@area.check("ORD-16", Severity.SHOULD, "ep:shipping-tags", needs=WALKED)
def tags_that_fit(play: Play) -> None:
    """No tag of an order is longer than 64 characters, and no Site longer than 25.

    A longer one cannot be equal to any tag that may be mapped.
    """

    def long(row: dict[str, Any]) -> Iterator[str]:
        for name, most in LENGTHS.items():
            if len(string(row.get(name))) > most:
                yield f"has a {name} of {len(string(row.get(name)))} characters, the limit is {most}"

    _judge(play, long)


@area.check("ORD-17", Severity.ADVICE, needs=WALKED)
def unpaid(play: Play) -> None:
    """An UNPAID order bears no PaidOn.

    Paid and unpaid orders both belong into the answer; one that says both is sent before it is paid.
    """
    if not any(order.status == "UNPAID" for order in play.orders):
        raise Skipped("the shop shows no unpaid order")
    _judge(play, _paid_although_not)


def _paid_although_not(row: dict[str, Any]) -> Iterator[str]:
    paid = string(row.get("PaidOn"))
    # the year 1 is how .NET writes no time at all
    if row.get("PaymentStatus") == "UNPAID" and paid and not paid.startswith("0001"):
        yield f"is UNPAID with a PaidOn of {paid}"


@area.check("ORD-18", Severity.SHOULD, needs=WALKED)
def at_least_a_line(play: Play) -> None:
    """Every order has at least one line.

    Linnworks saves an order in which there is nothing to send.
    """
    _judge(play, lambda row: [] if objects(row.get("OrderItems")) else ["has no lines"])


def _judge(play: Play, wrong: Callable[[dict[str, Any]], Any]) -> None:
    found = [
        (f"order {row.get('ReferenceNumber')} {word}", page)
        for page in play.order_pages
        for row in page.rows("Orders")
        for word in wrong(row)
    ]
    if found:
        raise Failed(summary(words for words, _ in found), found[0][1].exchange)


def _references(page: Answer) -> list[Any]:
    return [row.get("ReferenceNumber") for row in page.rows("Orders")]
