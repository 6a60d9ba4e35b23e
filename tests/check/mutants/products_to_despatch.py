"""Mutants of products, orders, requests, updates and despatches."""

from __future__ import annotations

import itertools
from collections.abc import Callable

from tests.check.mutants.application import Application, Body
from tests.check.mutants.builders import (
    changes_request,
    changes_response,
    changes_rows,
    mutant,
    rejects,
    returns,
    status,
)

returns("PRD-10", "Products", when=lambda _, body: body["PageNumber"] > 1, HasMorePages=True, Products=[{"SKU": "A"}])
changes_rows("PRD-02", "Products", "Products", lambda row: row.update(SKU="SKU-5"))
rejects("PRD-03", "Products", lambda body: body["PageNumber"] > 2)
changes_request("PRD-05", "Products", lambda body: {**body, "PageNumber": max(1, body["PageNumber"])})

returns("ORD-29", "Orders", when=lambda _, body: body["PageNumber"] > 1, HasMorePages=True, Orders=[{"SKU": "A"}])
rejects("PRD-01", "Products", lambda body: body["PageNumber"] == 2)
rejects("ORD-01", "Orders", lambda body: body["PageNumber"] == 2)
rejects("ORD-02", "Orders", lambda body: body["PageNumber"] > 2)
changes_request("ORD-04", "Orders", lambda body: {**body, "PageNumber": max(1, body["PageNumber"])})
rejects("ORD-05", "Orders", lambda body: body["UTCTimeFrom"] > "2100")
rejects("ORD-06", "Orders", lambda body: "T" in body["UTCTimeFrom"])
rejects("ORD-07", "Orders", lambda body: "." in body["UTCTimeFrom"])
changes_request("ORD-14", "Orders", lambda body: {**body, "UTCTimeFrom": "2000-01-01"})
rejects("ORD-15", "Orders", lambda body: "Date" in body["UTCTimeFrom"])
changes_rows("ORD-08", "Orders", "Orders", lambda order: order.update(ReferenceNumber="9"))
changes_rows("ORD-09", "Orders", "Orders", lambda order: order.update(BillingAddress=None, DeliveryAddress=None))
changes_rows("ORD-10", "Orders", "Orders", lambda order: order["OrderItems"][1].update(OrderLineNumber="1"))
changes_rows("ORD-12", "Orders", "Orders", lambda order: order["ExtendedProperties"].append({"Name": "Gift"}))
changes_rows("ORD-13", "Orders", "Orders", lambda order: order.update(MatchPostalServiceTag="pigeon"))
changes_rows("ORD-16", "Orders", "Orders", lambda order: order.update(Site="x" * 26))
changes_rows("ORD-18", "Orders", "Orders", lambda order: order.update(OrderItems=[]))


@mutant("PRD-04")
def product_pages_change(app: Application) -> None:
    _reverse_repeated_pages(app, "Products")


@mutant("ORD-03")
def order_pages_change(app: Application) -> None:
    _reverse_repeated_pages(app, "Orders")


def _reverse_repeated_pages(app: Application, name: str) -> None:
    seen: set[int] = set()

    def reverse(result: Body, body: Body) -> None:
        if body["PageNumber"] in seen:
            result[name].reverse()
        seen.add(body["PageNumber"])

    app.body_hooks[name].append(reverse)


@mutant("PRD-06")
def quantity_is_made_up(app: Application) -> None:
    numbers = itertools.count()
    app.body_hooks["Products"].append(
        lambda result, body: [row.update(Quantity=next(numbers)) for row in result["Products"]] and None
    )


changes_rows("ORD-22", "Orders", "Orders", lambda order: order.update(PaidOn=None))
changes_rows("ORD-23", "Orders", "Orders", lambda order: [_blank(order, name) for name in ADDRESSES])
changes_rows("ORD-24", "Orders", "Orders", lambda order: order["BillingAddress"].update(CountryCode="UK"))
changes_rows("ORD-25", "Orders", "Orders", lambda order: order.update(ReceivedDate="0001-01-01T00:00:00Z"))
changes_rows("ORD-30", "Orders", "Orders", lambda order: order["DeliveryAddress"].update(FullName="O&#39;Brien"))
changes_rows("ORD-26", "Orders", "Orders", lambda order: order["OrderItems"][0].update(LinePercentDiscount=150))
changes_rows("PRD-07", "Products", "Products", lambda row: row.update(Price=-1))
changes_rows("PRD-08", "Products", "Products", lambda row: row.update(Reference="1"), only_first=False)
changes_rows(
    "ORD-27",
    "Orders",
    "Orders",
    lambda order: [order.update(PostalServiceTaxRate=0.2), *(line.update(TaxRate=0.2) for line in order["OrderItems"])],
    only_first=False,
)
returns(
    "ORD-19",
    "Orders",
    when=lambda result, body: body["UTCTimeFrom"] < "2001" and result["Orders"] and result["Orders"].pop(0) and False,
)


def _blank(order: Body, name: str) -> None:
    order[name] = {"FullName": order[name]["FullName"], "CountryCode": "GB"}


@mutant("ORD-20")
def outage_looks_empty(app: Application) -> None:
    app.shop.orders = {}
    app.request_hooks["ConfigTest"].append(lambda body: {"AuthorizationToken": "not connected"})


@mutant("ORD-21")
def unfinished_integration_looks_empty(app: Application) -> None:
    def has_no_credentials(body: Body) -> bool:
        integration = app.integrations.get(body["AuthorizationToken"])
        return integration is not None and integration.step == "Connect"

    app.body_hooks["Orders"].append(
        lambda result, body: {**result, "Orders": []} if not result["Error"] and has_no_credentials(body) else None
    )
    app.request_hooks["ConfigTest"].append(
        lambda body: {"AuthorizationToken": "none"} if has_no_credentials(body) else body
    )


returns("ORD-28", "Orders", HasMorePages=False)
returns("PRD-09", "Products", HasMorePages=False)


@mutant("ORD-11")
def services_without_titles(app: Application) -> None:
    app.shop.orders["16"]["OrderItems"][2]["ItemTitle"] = ""


@mutant("ORD-17")
def unpaid_order_has_paid_on(app: Application) -> None:
    app.shop.orders["17"]["PaidOn"] = "2026-11-01T12:00:00Z"


rejects("REQ-01", "Orders", lambda body: body["UTCTimeFrom"].startswith("2023"))
changes_response("REQ-02", lambda name, exchange: name == "Despatch" and "Packages" in str(exchange), status(500))
rejects("REQ-03", "Products", lambda body: body.keys() - {"AuthorizationToken", "PageNumber"})
rejects("REQ-04", "PriceUpdate", lambda body: any("Tag" not in row for row in body["Products"]))
rejects("REQ-06", "Orders", lambda body: isinstance(body["PageNumber"], str))
changes_response("REQ-07", lambda name, exchange: "text/plain" in str(exchange["headers"]), status(415))
changes_response(
    "REQ-08",
    lambda name, exchange: "gzip" in str(exchange["headers"]),
    lambda response: setattr(response, "chunked", True),
)


@mutant("REQ-05")
def keys_are_case_sensitive(app: Application) -> None:
    app.spell = lambda body: body


ADDRESSES = ("BillingAddress", "DeliveryAddress")


def _has_known_sku(body: Body) -> bool:
    return any(str(row["SKU"]).startswith("SKU") for row in body["Products"])


rejects("STK-01", "InventoryUpdate", _has_known_sku)
rejects("STK-05", "PriceUpdate", _has_known_sku)
rejects("STK-04", "InventoryUpdate", lambda body: len(body["Products"]) > 10)
rejects("STK-10", "PriceUpdate", lambda body: not body["Products"])
rejects("STK-11", "InventoryUpdate", lambda body: any(isinstance(row["Quantity"], str) for row in body["Products"]))
returns("STK-13", "InventoryUpdate", when=lambda result, body: result["Products"].reverse() is None)
returns("STK-12", "PriceUpdate", when=lambda _, body: len(body["Products"]) == 2, Products=[{"SKU": "SKU-0"}])


def _known_rows_suffer(rule: str, name: str, value: str) -> None:
    """Leave known SKUs as they are when an unknown one stands beside them."""

    @mutant(rule)
    def change(app: Application) -> None:
        def ignore(body: Body) -> None:
            products = app.shop.products
            if any(row["SKU"] not in products for row in body["Products"]):
                for row in body["Products"]:
                    row[value] = products.get(row["SKU"], row)[value]

        app.request_hooks[name].append(ignore)


_known_rows_suffer("STK-14", "InventoryUpdate", "Quantity")
_known_rows_suffer("STK-15", "PriceUpdate", "Price")


@mutant("STK-16")
def zero_is_ignored(app: Application) -> None:
    def ignore(body: Body) -> None:
        for row in body["Products"]:
            row["Quantity"] = row["Quantity"] or app.shop.products.get(row["SKU"], row)["Quantity"]

    app.request_hooks["InventoryUpdate"].append(ignore)


changes_request(
    "STK-17", "PriceUpdate", lambda body: {**body, "Products": [{**row, "Tag": ""} for row in body["Products"]]}
)


changes_request(
    "STK-19",
    "InventoryUpdate",
    lambda body: {**body, "Products": [{**row, "Quantity": min(int(row["Quantity"]), 99)} for row in body["Products"]]},
)


def _keeps_rows_after(app: Application, name: str, value: str, count: int) -> None:
    """Accept the rows after so many, and leave their products as they are."""

    def keep(body: Body) -> None:
        for row in body["Products"][count:]:
            row[value] = app.shop.products.get(row["SKU"], row)[value]

    app.request_hooks[name].append(keep)


@mutant("STK-20")
def only_the_first_ten_levels_count(app: Application) -> None:
    _keeps_rows_after(app, "InventoryUpdate", "Quantity", 10)


@mutant("STK-18")
def prices_change_the_stock(app: Application) -> None:
    app.request_hooks["PriceUpdate"].append(lambda body: app.shop.products["SKU-0"].update(Quantity=0))


def _ignore_values(rule: str, name: str, value: str, only_lower: bool) -> None:
    """Ignore lower values, or all."""

    @mutant(rule)
    def change(app: Application) -> None:
        def ignore(body: Body) -> None:
            for row in body["Products"]:
                current = app.shop.products.get(row["SKU"], {}).get(value, 0)
                if not only_lower or row[value] < current:
                    row[value] = current

        app.request_hooks[name].append(ignore)


_ignore_values("STK-02", "InventoryUpdate", "Quantity", only_lower=False)
_ignore_values("STK-03", "InventoryUpdate", "Quantity", only_lower=True)
_ignore_values("STK-06", "PriceUpdate", "Price", only_lower=False)
_ignore_values("STK-07", "PriceUpdate", "Price", only_lower=True)
changes_rows("STK-08", "InventoryUpdate", "Products", lambda row: row.update(Error=None), only_first=False)
changes_rows("STK-09", "PriceUpdate", "Products", lambda row: row.update(Error=None), only_first=False)


def _reject_parcels(rule: str, when: Callable[[Application, Body], bool]) -> None:
    """Reject these parcels, but not others of the batch."""

    @mutant(rule)
    def change(app: Application) -> None:
        despatch = app.shop.despatch

        def despatch_or_reject(parcel: Body) -> None:
            if when(app, parcel):
                raise ValueError("rejected by the mutant")
            despatch(parcel)

        app.shop.despatch = despatch_or_reject


def _pieces(parcel: Body) -> int:
    return sum(int(item["DespatchedQuantity"]) for item in parcel["Items"])


def _sent(app: Application, parcel: Body) -> int:
    return sum(count for (reference, _), count in app.shop.sent.items() if reference == parcel["ReferenceNumber"])


_reject_parcels("DSP-01", lambda app, parcel: _pieces(parcel) == 1)
_reject_parcels("DSP-02", lambda app, parcel: _pieces(parcel) <= _sent(app, parcel))
_reject_parcels("DSP-03", lambda app, parcel: _pieces(parcel) > 1 and _sent(app, parcel) > 0)
_reject_parcels(
    "DSP-07", lambda app, parcel: any(isinstance(item["DespatchedQuantity"], str) for item in parcel["Items"])
)
_reject_parcels("DSP-10", lambda app, parcel: not parcel["TrackingNumber"])
changes_rows("DSP-04", "Despatch", "Orders", lambda row: row.update(Error=None), only_first=False)
_reject_parcels("DSP-12", lambda app, parcel: parcel.get("Packages"))
_reject_parcels("DSP-13", lambda app, parcel: parcel.get("SecondaryTrackingNumbers"))
_reject_parcels("DSP-14", lambda app, parcel: parcel["TrackingNumber"] == "CHECK000000001GB")
_reject_parcels("DSP-15", lambda app, parcel: " " in parcel["ProcessedOn"])
returns(
    "DSP-16",
    "Despatch",
    when=lambda result, body: (
        any(row["Error"] for row in result["Orders"])
        and [row.update(Error="failed") for row in result["Orders"]]
        and False
    ),
)


@mutant("DSP-17")
def despatch_cancels_the_rest(app: Application) -> None:
    despatch = app.shop.despatch

    def despatch_and_close(parcel: Body) -> None:
        despatch(parcel)
        reference = str(parcel["ReferenceNumber"])
        sent = {str(item["OrderLineNumber"]) for item in parcel["Items"]}
        lines = [line["OrderLineNumber"] for line in app.shop.orders[reference]["OrderItems"]]
        app.shop.cancel(reference, [{"OrderLineNumber": number} for number in lines if number not in sent])

    app.shop.despatch = despatch_and_close


rejects("DSP-05", "Despatch", lambda body: not body["Orders"])
rejects(
    "DSP-06", "Despatch", lambda body: len({row["ReferenceNumber"] for row in body["Orders"]}) < len(body["Orders"])
)
returns("DSP-11", "Despatch", when=lambda result, body: result["Orders"].pop() and False)
rejects("DSP-08", "Despatch", lambda body: len(body["Orders"]) > 10)
changes_rows("DSP-09", "Despatch", "Orders", lambda row: row.update(Retry=bool(row["Error"])))
