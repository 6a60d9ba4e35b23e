"""Rules about the form of requests: the documented samples, and fields that are unknown, null or missing."""

from __future__ import annotations

import json

from bridge.check.client import FORM_HEADERS, JSON_HEADERS
from bridge.check.context import LONG_AGO, CheckContext
from bridge.check.response import EndpointResponse
from bridge.check.rule import RuleArea, RuleFailed, RuleSeverity, RuleSkipped
from bridge.check.sample_requests import READING_CALLS, SAMPLE_REQUESTS, WRITING_CALLS, send_sample

area = RuleArea("Requests", "endpoints-general", needs=("CFG-08",))
STABLE = ("ORD-03",)


@area.rule("REQ-01")
def reading_samples(context: CheckContext) -> None:
    """The documented requests that only read succeed.

    Linnworks sends them every day.
    """
    for name in _available(context, READING_CALLS):
        send_sample(context, name).require_success()


@area.rule("REQ-02", changes_shop=True)
def writing_samples(context: CheckContext) -> None:
    """The documented requests that write, with unknown orders and products, get status 200 and the call's own response.

    One unknown field or order breaks the whole batch.
    """
    for name in _available(context, WRITING_CALLS):
        send_sample(context, name)


@area.rule("REQ-03", RuleSeverity.SHOULD)
def unknown_fields(context: CheckContext) -> None:
    """An unknown field in a request is ignored.

    The protocol keeps getting new fields: the integration stops working on the day Linnworks sends one.
    """
    for name in _available(context, READING_CALLS):
        send_sample(context, name, AddedByALaterVersion={"Values": [None, 1]}).require_success()


@area.rule("REQ-04", RuleSeverity.SHOULD, changes_shop=True)
def null_fields(context: CheckContext) -> None:
    """Optional fields that are null or missing do not cause an Error.

    Linnworks sends null for missing values, such as SecondaryTrackingNumbers.
    """
    bare = {"ReferenceNumber": "no-such-order", "ShippingVendor": None, "TrackingNumber": None, "Items": None}
    nulls = {"SecondaryTrackingNumbers": None, "Packages": None}
    for parcel in (bare, {**bare, **nulls}):
        if context.client.has_handler("Despatch"):
            context.call("Despatch", Orders=[parcel]).require_success()
    for name, value in (("InventoryUpdate", "Quantity"), ("PriceUpdate", "Price")):
        for row in ({"SKU": "no-such-sku", value: 1}, {"SKU": "no-such-sku", value: 1, "Reference": None, "Tag": None}):
            if context.client.has_handler(name):
                context.call(name, Products=[row]).require_success()


@area.rule("REQ-05", RuleSeverity.ADVICE, needs=STABLE)
def camel_case(context: CheckContext) -> None:
    """The keys of a request are understood in any case.

    Linnworks writes PascalCase; other programs that use the protocol sometimes do not.
    """
    body = {"authorizationToken": context.first.token, "utcTimeFrom": LONG_AGO, "pageNumber": 1}
    response = context.client.send("Orders", json.dumps(body).encode()).require_success()
    _require_first_page(context, response, "in camelCase")


@area.rule("REQ-06", RuleSeverity.ADVICE, needs=STABLE)
def numbers_as_text(context: CheckContext) -> None:
    """A number sent as text is understood.

    The pages and their samples disagree on whether some numbers are text.
    """
    response = context.call("Orders", UTCTimeFrom=LONG_AGO, PageNumber="1").require_success()
    _require_first_page(context, response, "with its page number as text")


def _require_first_page(context: CheckContext, page: EndpointResponse, request: str) -> None:
    first = [row.get("ReferenceNumber") for row in context.order_pages[0].rows("Orders")]
    if [row.get("ReferenceNumber") for row in page.rows("Orders")] != first:
        raise RuleFailed(f"the request {request} returns other orders", page.exchange)


@area.rule("REQ-07", RuleSeverity.ADVICE)
def any_content_type(context: CheckContext) -> None:
    """JSON is read with any content type, such as the form type that curl sends.

    A call made by hand only works with the right header.
    """
    content = json.dumps({"AuthorizationToken": context.first.token, **SAMPLE_REQUESTS["Orders"]}).encode()
    for headers in (FORM_HEADERS, {"Content-Type": "text/plain"}, {}):
        context.client.send("Orders", content, headers=headers, unusual=True).require_success()


@area.rule("REQ-08")
def compression(context: CheckContext) -> None:
    """A response to a client that accepts compression still has its Content-Length.

    Compressing servers often stream, and Linnworks does not read streams.
    """
    content = json.dumps({"AuthorizationToken": context.first.token, **SAMPLE_REQUESTS["Products"]}).encode()
    response = context.client.send("Products", content, headers={**JSON_HEADERS, "Accept-Encoding": "gzip, deflate"})
    if "Content-Length" not in response.exchange.response_headers:
        raise RuleFailed("the compressed response has no Content-Length", response.exchange)


def _available(context: CheckContext, names: tuple[str, ...]) -> list[str]:
    available = [name for name in names if context.client.has_handler(name)]
    if not available:
        raise RuleSkipped(f"the manifest names none of {', '.join(names)}")
    return available
