"""Rules about Orders, page by page, and about the orders as Linnworks saves them."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from typing import Any

from bridge.check.context import LONG_AGO, CheckContext
from bridge.check.records import OrderRecord
from bridge.check.response import EndpointResponse, objects, string
from bridge.check.response_schemas import MAX_SITE_LENGTH, MAX_TAG_LENGTH
from bridge.check.rule import RuleArea, RuleFailed, RuleSeverity, RuleSkipped
from bridge.check.wording import duplicates, summarize

area = RuleArea("Orders", "ep:orders", needs=("CFG-08",))
DOWNLOADED = ("ORD-01",)
STABLE = ("ORD-03",)
TAG_FIELDS = {"MatchPostalServiceTag": "ShippingTags", "MatchPaymentMethodTag": "PaymentTags"}
MAX_LENGTHS = {**dict.fromkeys(TAG_FIELDS, MAX_TAG_LENGTH), "Site": MAX_SITE_LENGTH}
FAR_FUTURE = "2199-01-01 00:00:00Z"
NO_TIME = "0001"
"""The year in which .NET writes a missing time."""


@area.rule("ORD-01")
def all_pages(context: CheckContext) -> None:
    """Orders returns page after page until HasMorePages is false.

    Linnworks requests page after page; orders on pages it never reaches are not despatched.
    """
    context.order_pages = context.pages("Orders", "Orders", UTCTimeFrom=LONG_AGO)
    orders = [OrderRecord.from_row(row) for page in context.order_pages for row in page.rows("Orders")]
    context.orders = sorted(orders, key=lambda order: order.received, reverse=True)


@area.rule("ORD-02", RuleSeverity.SHOULD, needs=DOWNLOADED)
def page_after_last(context: CheckContext) -> None:
    """The page after the last is empty, without an Error.

    On an Error Linnworks downloads the same period again and again.
    """
    page = context.call("Orders", UTCTimeFrom=LONG_AGO, PageNumber=len(context.order_pages) + 1).require_success()
    if page.rows("Orders") or page.body.get("HasMorePages") is not False:
        raise RuleFailed("the page after the last has orders or HasMorePages true", page.exchange)


@area.rule("ORD-03", RuleSeverity.SHOULD, needs=DOWNLOADED)
def page_repeated(context: CheckContext) -> None:
    """A page requested twice has the same orders.

    An order that moves to a page already downloaded is never downloaded.
    """
    for number, before in list(enumerate(context.order_pages, 1))[:2]:
        again = context.call("Orders", UTCTimeFrom=LONG_AGO, PageNumber=number).require_success()
        if _references(again) != _references(before):
            raise RuleFailed(f"page {number} has other orders, or in another sequence, the second time", again.exchange)


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
    repeated = duplicates(order.reference for order in context.orders)
    if repeated:
        page = next(page for page in context.order_pages if set(repeated) & set(_references(page)))
        message = summarize(f"the ReferenceNumber {reference!r} occurs more than once" for reference in repeated)
        raise RuleFailed(message, page.exchange)


@area.rule("ORD-09", needs=DOWNLOADED)
def address(context: CheckContext) -> None:
    """Every order has a billing or a delivery address.

    Linnworks fills in the missing one from the other; an order without both cannot be sent.
    """
    _require_every_order(context, _address_problems)


def _address_problems(row: dict[str, Any]) -> Iterator[str]:
    if not (row.get("BillingAddress") or row.get("DeliveryAddress")):
        yield "has neither a BillingAddress nor a DeliveryAddress"


@area.rule("ORD-10", needs=DOWNLOADED)
def lines(context: CheckContext) -> None:
    """Every line has a unique number, a quantity above 0 and, unless it is a service, a SKU.

    Linnworks does not save an order with a repeated line number; a line without a SKU cannot be mapped.
    """
    _require_every_order(context, _line_problems)


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
    _require_every_order(context, _service_problems)


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
    _require_every_order(context, _name_problems)


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

    def problems(row: dict[str, Any]) -> Iterator[str]:
        for name, known in TAG_FIELDS.items():
            tag, site = string(row.get(name)), string(row.get("Site"))
            # A tag without a Site is valid for every Site.
            if tag and known in context.tags and not {(tag, site), (tag, "")} & set(context.tags[known]):
                yield f"has the {name} {tag!r} with the Site {site!r}, which is not among the {known}"

    _require_every_order(context, problems)


@area.rule("ORD-14", RuleSeverity.SHOULD, needs=DOWNLOADED)
def filtered_by_time(context: CheckContext) -> None:
    """Orders that did not change since UTCTimeFrom are left out, except those changed shortly before.

    Every call returns every order there ever was, until the response takes longer than ten seconds.
    """
    page = context.call("Orders", UTCTimeFrom=FAR_FUTURE, PageNumber=1).require_success()
    if len(page.rows("Orders")) >= len(context.order_pages[0].rows("Orders")) > 0:
        raise RuleFailed("the first page is returned for a time in the future, too", page.exchange)


@area.rule("ORD-15", RuleSeverity.ADVICE, "endpoints-general", needs=STABLE)
def other_time_formats(context: CheckContext) -> None:
    """UTCTimeFrom is understood without a time zone, as UTC, and as /Date(ms)/.

    Other programs that use the protocol send these formats.
    """
    _same_first_page(context, "2000-01-01 00:00:00", "/Date(946684800000)/")


def _same_first_page(context: CheckContext, *times: str) -> None:
    for time in times:
        page = context.call("Orders", UTCTimeFrom=time, PageNumber=1)
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

    _require_every_order(context, problems)


@area.rule("ORD-17", RuleSeverity.ADVICE, needs=DOWNLOADED)
def unpaid_orders(context: CheckContext) -> None:
    """An UNPAID order has no PaidOn.

    Linnworks downloads paid and unpaid orders; one that says both may be sent before it is paid.
    """
    if not any(order.status == "UNPAID" for order in context.orders):
        raise RuleSkipped("the shop has no unpaid order")
    _require_every_order(context, _unpaid_problems)


def _unpaid_problems(row: dict[str, Any]) -> Iterator[str]:
    paid = string(row.get("PaidOn"))
    if row.get("PaymentStatus") == "UNPAID" and paid and not paid.startswith(NO_TIME):
        yield f"is UNPAID with a PaidOn of {paid}"


@area.rule("ORD-18", RuleSeverity.SHOULD, needs=DOWNLOADED)
def at_least_one_line(context: CheckContext) -> None:
    """Every order has at least one line.

    Linnworks saves an order that contains nothing to send.
    """
    _require_every_order(context, lambda row: [] if objects(row.get("OrderItems")) else ["has no lines"])


def _require_every_order(context: CheckContext, find_problems: Callable[[dict[str, Any]], Iterable[str]]) -> None:
    found = [
        (f"order {row.get('ReferenceNumber')} {problem}", page)
        for page in context.order_pages
        for row in page.rows("Orders")
        for problem in find_problems(row)
    ]
    if found:
        raise RuleFailed(summarize(message for message, _ in found), found[0][1].exchange)


def _references(page: EndpointResponse) -> list[Any]:
    return [row.get("ReferenceNumber") for row in page.rows("Orders")]
