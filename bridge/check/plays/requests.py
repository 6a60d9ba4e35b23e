"""Requests as the pages show them, and with what they may gain or lack."""

from __future__ import annotations

import json

from bridge.check.answer import Answer
from bridge.check.linnworks import FORM, JSON
from bridge.check.play import LONG_AGO, Play
from bridge.check.registry import Area, Failed, Severity, Skipped
from bridge.check.samples import READS, SAMPLES, WRITES, send_sample

area = Area("Requests", "endpoints-general", needs=("CFG-08",))
STABLE = ("ORD-03",)


@area.check("REQ-01")
def samples_that_read(play: Play) -> None:
    """The documented requests that only read succeed.

    They are what Linnworks sends day by day.
    """
    for name in _offered(play, READS):
        send_sample(play, name).accepted()


@area.check("REQ-02", changes=True)
def samples_that_write(play: Play) -> None:
    """The documented requests that write, about what does not exist, are answered with 200 in the call's own form.

    A field that the application does not know yet, or an order it does not have, breaks the whole batch.
    """
    for name in _offered(play, WRITES):
        send_sample(play, name)


@area.check("REQ-03", Severity.SHOULD)
def unknown_fields(play: Play) -> None:
    """A field that nobody knows yet is ignored.

    The pages keep gaining fields: the integration stops on the day Linnworks begins to send one.
    """
    for name in _offered(play, READS):
        send_sample(play, name, AddedByALaterVersion={"Values": [None, 1]}).accepted()


@area.check("REQ-04", Severity.SHOULD, changes=True)
def null_fields(play: Play) -> None:
    """Optional fields that are null or absent are no failure.

    Linnworks sends null for what it does not have, such as SecondaryTrackingNumbers.
    """
    bare = {"ReferenceNumber": "no-such-order", "ShippingVendor": None, "TrackingNumber": None, "Items": None}
    nulls = {"SecondaryTrackingNumbers": None, "Packages": None}
    for parcel in (bare, {**bare, **nulls}):
        if play.linnworks.offers("Despatch"):
            play.call("Despatch", Orders=[parcel]).accepted()
    for name, value in (("InventoryUpdate", "Quantity"), ("PriceUpdate", "Price")):
        for row in ({"SKU": "no-such-sku", value: 1}, {"SKU": "no-such-sku", value: 1, "Reference": None, "Tag": None}):
            if play.linnworks.offers(name):
                play.call(name, Products=[row]).accepted()


@area.check("REQ-05", Severity.ADVICE, needs=STABLE)
def camel_case(play: Play) -> None:
    """The keys of a request are understood in any case.

    Linnworks writes PascalCase; other programmes that speak the protocol do not always.
    """
    body = {"authorizationToken": play.first.token, "utcTimeFrom": LONG_AGO, "pageNumber": 1}
    _same(play, play.linnworks.send("Orders", json.dumps(body).encode()).accepted(), "in camelCase")


@area.check("REQ-06", Severity.ADVICE, needs=STABLE)
def numbers_as_text(play: Play) -> None:
    """A number sent as text is understood.

    On several numbers the pages and their samples disagree whether they are texts.
    """
    _same(play, play.call("Orders", UTCTimeFrom=LONG_AGO, PageNumber="1").accepted(), "with its page number as text")


def _same(play: Play, page: Answer, words: str) -> None:
    first = [row.get("ReferenceNumber") for row in play.order_pages[0].rows("Orders")]
    if [row.get("ReferenceNumber") for row in page.rows("Orders")] != first:
        raise Failed(f"the request {words} gives other orders", page.exchange)


@area.check("REQ-07", Severity.ADVICE)
def any_content_type(play: Play) -> None:
    """JSON is read whatever the content type says, as curl says form.

    Nobody can try a call by hand without knowing the header it wants.
    """
    content = json.dumps({"AuthorizationToken": play.first.token, **SAMPLES["Orders"]}).encode()
    for headers in (FORM, {"Content-Type": "text/plain"}, {}):
        play.linnworks.send("Orders", content, headers=headers, odd=True).accepted()


@area.check("REQ-08")
def asked_for_compressed(play: Play) -> None:
    """An answer to a caller that takes compression still bears its Content-Length.

    Compressing servers tend to stream, and Linnworks takes no streams.
    """
    content = json.dumps({"AuthorizationToken": play.first.token, **SAMPLES["Products"]}).encode()
    answer = play.linnworks.send("Products", content, headers={**JSON, "Accept-Encoding": "gzip, deflate"})
    if "Content-Length" not in answer.exchange.headers:
        raise Failed("the compressed answer has no Content-Length", answer.exchange)


def _offered(play: Play, names: tuple[str, ...]) -> list[str]:
    offered = [name for name in names if play.linnworks.offers(name)]
    if not offered:
        raise Skipped(f"the manifest names none of {', '.join(names)}")
    return offered
