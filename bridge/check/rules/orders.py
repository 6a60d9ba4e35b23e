"""Rules about Orders, page by page, and about the orders as Linnworks saves them."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator
from datetime import timedelta
from typing import Any

from bridge.check.context import LONG_AGO, CheckContext, now
from bridge.check.records import OrderRecord
from bridge.check.response import EndpointResponse, format_time, objects, string
from bridge.check.response_schemas import MAX_SITE_LENGTH, MAX_TAG_LENGTH
from bridge.check.rule import RuleArea, RuleFailed, RuleSeverity, RuleSkipped
from bridge.check.wording import duplicates, summarize

area = RuleArea("Orders", "ep:orders", needs=("CFG-08",))
DOWNLOADED = ("ORD-01",)
STABLE = ("ORD-03",)
TAG_FIELDS = {"MatchPostalServiceTag": "ShippingTags", "MatchPaymentMethodTag": "PaymentTags"}
MAX_LENGTHS = {**dict.fromkeys(TAG_FIELDS, MAX_TAG_LENGTH), "Site": MAX_SITE_LENGTH}
FAR_FUTURE = "2199-01-01 00:00:00Z"
DATE_AND_TIME = re.compile(r"\d{4}-\d\d-\d\d[T ]\d\d:\d\d:\d\d")
MAX_PAGES_COMPARED = 3
AGES = [timedelta(days=days) for days in (1, 30, 365, 5 * 365)]
OVERLAP = timedelta(days=1)
"""Applications return what changed shortly before UTCTimeFrom as well; older orders are no overlap."""


@area.rule("ORD-01")
def all_pages(context: CheckContext) -> None:
    """Orders returns page after page, without an Error.

    Linnworks requests page after page; orders on pages it never reaches are not despatched.
    """
    first = context.first_page_of_orders()
    context.order_pages = context.pages("Orders", "Orders", first, UTCTimeFrom=LONG_AGO)
    orders = [OrderRecord.from_row(row) for page in context.order_pages for row in page.rows("Orders")]
    context.orders = sorted(orders, key=lambda order: order.received, reverse=True)


@area.rule("ORD-29", needs=DOWNLOADED)
def pages_end(context: CheckContext) -> None:
    """The last page of Orders has HasMorePages false.

    Linnworks requests page after page without an end: the download never succeeds, and no order is saved.
    """
    context.require_end("Orders")


@area.rule("ORD-02", RuleSeverity.SHOULD, needs=DOWNLOADED)
def page_after_last(context: CheckContext) -> None:
    """The page after the last has no Error, and HasMorePages false.

    On an Error Linnworks downloads the same period again and again.
    """
    if "Orders" in context.endless_pages:
        raise RuleSkipped("the pages do not end")
    page = context.call("Orders", UTCTimeFrom=LONG_AGO, PageNumber=len(context.order_pages) + 1).require_success()
    if page.body.get("HasMorePages") is True:
        raise RuleFailed("the page after the last has HasMorePages true", page.exchange)


@area.rule("ORD-28", follows=True, needs=DOWNLOADED)
def nothing_after_last(context: CheckContext) -> None:
    """The page after the last has no order that no other page has.

    Linnworks stops at the first page that has HasMorePages false: the orders after it are never downloaded.
    """
    require_orders(context)
    page = context.call("Orders", UTCTimeFrom=LONG_AGO, PageNumber=len(context.order_pages) + 1)
    more = set(_references(page)) - {order.reference for order in context.orders}
    if more and more - _all_references(context):  # it may have come in during the check
        message = f"the page after HasMorePages false has {len(more)} orders that no other page has"
        raise RuleFailed(message, page.exchange)


@area.rule("ORD-03", follows=True, needs=DOWNLOADED)
def page_repeated(context: CheckContext) -> None:
    """Pages requested twice have the same orders in the same sequence; how many are on a page may differ.

    An order that moves to a page already downloaded is never downloaded.
    """
    require_orders(context)
    known = {order.reference for order in context.orders}
    before: list[Any] = []
    again: list[Any] = []
    for number, page in list(enumerate(context.order_pages, 1))[:2]:
        repeated = context.call("Orders", UTCTimeFrom=LONG_AGO, PageNumber=number).require_success()
        before += _references(page)
        again += _references(repeated)
        if set(again) - known:
            raise RuleSkipped("orders came in during the check")
        common = min(len(before), len(again))
        if before[:common] != again[:common] or not common:
            message = f"page {number} has other orders, or in another sequence, the second time"
            raise RuleFailed(message, repeated.exchange)


@area.rule("ORD-04", RuleSeverity.ADVICE, "C# sample")
def page_zero(context: CheckContext) -> None:
    """Page 0 is rejected.

    Pages count from 1: without an Error a client does not notice that it skipped the first page.
    """
    context.call("Orders", UTCTimeFrom=LONG_AGO, PageNumber=0).require_error("for page 0")


@area.rule("ORD-05")
def nothing_changed(context: CheckContext) -> None:
    """A time since which nothing changed is not an Error.

    Most downloads find nothing; an Error each time makes the integration look broken.
    """
    context.call("Orders", UTCTimeFrom=FAR_FUTURE, PageNumber=1).require_success()


@area.rule("ORD-06", needs=STABLE)
def time_formats(context: CheckContext) -> None:
    """UTCTimeFrom is understood with a T, as in the samples, and with a space instead, as Linnworks sends it.

    A reader that only knows ISO 8601 fails on every call, and no order is ever downloaded.
    """
    if context.space_refused:
        message = f"the time with a space is refused ({context.space_refused}); the check went on with the T"
        raise RuleFailed(message, context.space_refused.exchange)
    _same_first_page(context, "2000-01-01T00:00:00Z", "2000-01-01 00:00:00Z")


@area.rule("ORD-07", RuleSeverity.SHOULD, "endpoints-general", needs=STABLE)
def fractions_and_offsets(context: CheckContext) -> None:
    """UTCTimeFrom is understood with fractions of a second and with a numeric offset.

    Linnworks uses .NET, whose times have up to seven digits after the second.
    """
    _same_first_page(context, "2000-01-01T00:00:00.1234567Z", "2000-01-01T01:00:00+01:00")


@area.rule("ORD-08", needs=DOWNLOADED)
def unique_references(context: CheckContext) -> None:
    """A ReferenceNumber occurs once over all pages.

    Linnworks ignores one of two orders with the same ReferenceNumber.
    """
    require_orders(context)
    repeated = duplicates(order.reference for order in context.orders)
    if repeated and context.duplicates_shown_twice("Orders", "Orders", UTCTimeFrom=LONG_AGO):
        page = next(page for page in context.order_pages if set(repeated) & set(_references(page)))
        message = summarize(f"the ReferenceNumber {reference!r} occurs more than once" for reference in repeated)
        raise RuleFailed(message, page.exchange)


@area.rule("ORD-09", needs=DOWNLOADED)
def address(context: CheckContext) -> None:
    """Every order has a billing or a delivery address.

    Linnworks fills in the missing one from the other; an order without both cannot be sent.
    """
    require_every_order(context, _address_problems)


def _address_problems(row: dict[str, Any]) -> Iterator[str]:
    if not addresses_of(row):
        yield "has neither a BillingAddress nor a DeliveryAddress with anything in it"


def addresses_of(row: dict[str, Any]) -> list[dict[str, Any]]:
    """Return the addresses of an order that are not blank, that of the delivery first."""
    addresses = [row.get(name) for name in ("DeliveryAddress", "BillingAddress")]
    return [a for a in addresses if isinstance(a, dict) and any(str(value or "").strip() for value in a.values())]


@area.rule("ORD-10", needs=DOWNLOADED)
def lines(context: CheckContext) -> None:
    """Every line has a unique number, a quantity above 0 and, unless it is a service, a SKU.

    Linnworks does not save an order with a repeated line number; a line without a SKU cannot be mapped.
    """
    require_every_order(context, _line_problems)


def _line_problems(row: dict[str, Any]) -> Iterator[str]:
    order = OrderRecord.from_row(row)
    for number in duplicates(line.number for line in order.lines):
        yield f"has two lines {number!r}"
    for line in order.lines:
        if not line.sku.strip() and not line.is_service:
            yield f"has no SKU in line {line.number}"
        if line.quantity < 1:
            yield f"has the quantity {line.quantity} in line {line.number}"


@area.rule("ORD-11", needs=DOWNLOADED)
def service_titles(context: CheckContext) -> None:
    """Every service line has a title that is unique within the order.

    Linnworks identifies a service by its title.
    """
    if not any(line.is_service for order in context.orders for line in order.lines):
        raise RuleSkipped("no order has a service line")
    require_every_order(context, _service_problems)


def _service_problems(row: dict[str, Any]) -> Iterator[str]:
    titles = [string(line.get("ItemTitle")) for line in objects(row.get("OrderItems")) if line.get("IsService") is True]
    if not all(titles):
        yield "has a service line without an ItemTitle"
    for title in duplicates(titles):
        yield f"has two service lines titled {title!r}"


@area.rule("ORD-12", needs=DOWNLOADED)
def unique_names(context: CheckContext) -> None:
    """The names of options within a line, and of extended properties within an order, are unique.

    They are keys in Linnworks: the second one is lost, or the whole order.
    """
    rows = [row for page in context.order_pages for row in page.rows("Orders")]
    named = [*rows, *(line for row in rows for line in objects(row.get("OrderItems")))]
    if not any(objects(element.get(name)) for element in named for name in ("ExtendedProperties", "Options")):
        raise RuleSkipped("no order has options or extended properties")
    require_every_order(context, _name_problems)


def _name_problems(row: dict[str, Any]) -> Iterator[str]:
    for name in duplicates(string(extended.get("Name")) for extended in objects(row.get("ExtendedProperties"))):
        yield f"has two extended properties {name!r}"
    for line in objects(row.get("OrderItems")):
        for name in duplicates(string(option.get("Name")) for option in objects(line.get("Options"))):
            yield f"has two options {name!r} in line {line.get('OrderLineNumber')}"


@area.rule("ORD-13", RuleSeverity.SHOULD, "ep:orders, ep:shipping-tags", needs=DOWNLOADED, after=("CFG-12", "CFG-13"))
def known_tags(context: CheckContext) -> None:
    """The tags of every order are among the ShippingTags and PaymentTags of its Site.

    An order with another tag has no postal service or payment method, as the customer could not map it.
    """
    rows = [row for page in context.order_pages for row in page.rows("Orders")]
    if not any(string(row.get(name)) for row in rows for name in TAG_FIELDS):
        raise RuleSkipped("no order has a tag")

    def problems(row: dict[str, Any]) -> Iterator[str]:
        for name, known in TAG_FIELDS.items():
            tag, site = string(row.get(name)), string(row.get("Site"))
            # A tag without a Site is valid for every Site.
            if tag and known in context.tags and not {(tag, site), (tag, "")} & set(context.tags[known]):
                yield f"has the {name} {tag!r} with the Site {site!r}, which is not among the {known}"

    require_every_order(context, problems)


@area.rule("ORD-14", RuleSeverity.SHOULD, needs=DOWNLOADED)
def filtered_by_time(context: CheckContext) -> None:
    """Orders that did not change since UTCTimeFrom are left out, except those changed shortly before.

    Every call returns every order there ever was, until the response takes longer than ten seconds.
    """
    limit = format_time(now() - OVERLAP).replace(" ", "T")
    dated = [order for order in context.orders if DATE_AND_TIME.match(order.received)]
    old = {order.reference for order in dated if order.received < limit}
    if not old:
        raise RuleSkipped(f"the shop has no order that is older than {OVERLAP.days} day")
    page = context.call("Orders", UTCTimeFrom=FAR_FUTURE, PageNumber=1).require_success()
    returned = old & set(_references(page))
    if returned and returned == old & set(_references(context.order_pages[0])):
        message = f"a time in the future returns {len(returned)} orders received more than {OVERLAP.days} day ago, too"
        raise RuleFailed(message, page.exchange)


@area.rule("ORD-15", RuleSeverity.ADVICE, "endpoints-general", needs=STABLE)
def other_time_formats(context: CheckContext) -> None:
    """UTCTimeFrom is understood without a time zone, as UTC, and as /Date(ms)/.

    Other programs that use the protocol send these formats.
    """
    _same_first_page(context, "2000-01-01 00:00:00", "/Date(946684800000)/")


def _same_first_page(context: CheckContext, *times: str) -> None:
    for time in times:
        token = context.first.token
        page = context.client.post("Orders", {"AuthorizationToken": token, "UTCTimeFrom": time, "PageNumber": 1})
        if page.error or _references(page) != _references(context.order_pages[0]):
            message = f"UTCTimeFrom {time!r} returns {page.error or 'other orders'!r} instead of the first page"
            raise RuleFailed(message, page.exchange)


@area.rule("ORD-16", RuleSeverity.SHOULD, "ep:shipping-tags", needs=DOWNLOADED)
def tag_lengths(context: CheckContext) -> None:
    """No tag of an order is longer than 64 characters, and no Site longer than 25.

    A longer one cannot equal any tag that can be mapped.
    """

    def problems(row: dict[str, Any]) -> Iterator[str]:
        for name, maximum in MAX_LENGTHS.items():
            if len(string(row.get(name))) > maximum:
                yield f"has a {name} of {len(string(row.get(name)))} characters, the limit is {maximum}"

    require_every_order(context, problems)


@area.rule("ORD-18", needs=DOWNLOADED)
def at_least_one_line(context: CheckContext) -> None:
    """Every order has at least one line.

    Linnworks saves an order that contains nothing to send.
    """
    require_every_order(context, lambda row: [] if objects(row.get("OrderItems")) else ["has no lines"])


@area.rule("ORD-19", follows=True, needs=DOWNLOADED)
def earlier_time_shows_more(context: CheckContext) -> None:
    """Every order that a later UTCTimeFrom returns is returned for an earlier one, too.

    Linnworks asks from the time of its last download: an order that an earlier time does not show is never downloaded.
    """
    require_orders(context)
    received = sorted(order.received for order in context.orders if DATE_AND_TIME.match(order.received))
    middle = [f"{time[:10]} {time[11:19]}Z" for time in received[len(received) // 2 :][:1]]
    for time in (*middle, *(format_time(now() - age) for age in AGES)):
        for number in range(1, MAX_PAGES_COMPARED + 1):
            page = context.call("Orders", UTCTimeFrom=time, PageNumber=number).require_success()
            missing = set(_references(page)) - {order.reference for order in context.orders}
            if missing and missing - _all_references(context):  # it may have come in during the check
                message = f"UTCTimeFrom {time!r} returns the order {min(map(str, missing))}, {LONG_AGO!r} does not"
                raise RuleFailed(message, page.exchange)
            if page.body.get("HasMorePages") is not True:
                break


def _all_references(context: CheckContext) -> set[Any]:
    pages = context.pages("Orders", "Orders", UTCTimeFrom=LONG_AGO)
    return {reference for page in pages for reference in _references(page)}


@area.rule("ORD-20", follows=True, needs=DOWNLOADED)
def no_empty_success(context: CheckContext) -> None:
    """While ConfigTest says that the shop cannot be reached, Orders is an Error, not an empty page.

    Linnworks takes the empty page for the truth and moves on in time: the orders of the outage are never downloaded.
    """
    test = context.call("ConfigTest")
    if test.error and not context.orders:
        message = f'Orders returned no order and no Error, while ConfigTest returned the Error "{test.error[:200]}"'
        raise RuleFailed(message, context.order_pages[0].exchange)


@area.rule("ORD-21", RuleSeverity.SHOULD, follows=True, needs=DOWNLOADED)
def unfinished_integration(context: CheckContext) -> None:
    """While ConfigTest says that the set-up is not finished, Orders is an Error, not an empty page.

    When the customer has to renew the credentials, Linnworks takes the empty pages for the truth and moves on in time.
    """
    spare = context.spare
    if not spare.token:
        context.create(spare).require_success()
    if not context.client.call("ConfigTest", spare.token).error:
        return
    page = context.client.call("Orders", spare.token, UTCTimeFrom=LONG_AGO, PageNumber=1)
    if not page.error and not page.rows("Orders"):
        raise RuleFailed("Orders of an integration without credentials returned no order and no Error", page.exchange)


def require_orders(context: CheckContext) -> None:
    if not context.orders:
        raise RuleSkipped("the shop has no orders")


def require_every_order(context: CheckContext, find_problems: Callable[[dict[str, Any]], Iterable[str]]) -> None:
    """Raise RuleFailed with what is wrong in any order, or RuleSkipped when there is none."""
    require_orders(context)
    found = [
        (f"order {row.get('ReferenceNumber')} {problem}", page)
        for page in context.order_pages
        for row in page.rows("Orders")
        for problem in find_problems(row)
    ]
    if found:
        raise RuleFailed(summarize(message for message, _ in found), found[0][1].exchange)


def _references(page: EndpointResponse) -> list[Any]:
    return [string(row.get("ReferenceNumber")) for row in page.rows("Orders")]
