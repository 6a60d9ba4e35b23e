"""Wrong products, orders, updates and despatches."""

from __future__ import annotations

import itertools
from collections.abc import Callable

from tests.check.mutants.application import Application, Body
from tests.check.mutants.joints import answers, hears, mutant, refuses, rows, sends, status

answers("PRD-01", "Products", when=lambda _, body: body["PageNumber"] > 1, HasMorePages=True, Products=[{"SKU": "A"}])
rows("PRD-02", "Products", "Products", lambda row: row.update(SKU="SKU-5"))
refuses("PRD-03", "Products", lambda body: body["PageNumber"] > 2)
hears("PRD-05", "Products", lambda body: {**body, "PageNumber": max(1, body["PageNumber"])})

answers("ORD-01", "Orders", when=lambda _, body: body["PageNumber"] > 1, HasMorePages=True, Orders=[{"SKU": "A"}])
refuses("ORD-02", "Orders", lambda body: body["PageNumber"] > 2)
hears("ORD-04", "Orders", lambda body: {**body, "PageNumber": max(1, body["PageNumber"])})
refuses("ORD-05", "Orders", lambda body: body["UTCTimeFrom"] > "2100")
refuses("ORD-06", "Orders", lambda body: "T" in body["UTCTimeFrom"])
refuses("ORD-07", "Orders", lambda body: "." in body["UTCTimeFrom"])
hears("ORD-14", "Orders", lambda body: {**body, "UTCTimeFrom": "2000-01-01"})
refuses("ORD-15", "Orders", lambda body: "Date" in body["UTCTimeFrom"])
rows("ORD-08", "Orders", "Orders", lambda order: order.update(ReferenceNumber="9"))
rows("ORD-09", "Orders", "Orders", lambda order: order.update(BillingAddress=None, DeliveryAddress=None))
rows("ORD-10", "Orders", "Orders", lambda order: order["OrderItems"][1].update(OrderLineNumber="1"))
rows("ORD-12", "Orders", "Orders", lambda order: order["ExtendedProperties"].append({"Name": "Gift"}))
rows("ORD-13", "Orders", "Orders", lambda order: order.update(MatchPostalServiceTag="pigeon"))
rows("ORD-16", "Orders", "Orders", lambda order: order.update(Site="x" * 26))
rows("ORD-18", "Orders", "Orders", lambda order: order.update(OrderItems=[]))


@mutant("PRD-04")
def products_dance(app: Application) -> None:
    _dance(app, "Products")


@mutant("ORD-03")
def orders_dance(app: Application) -> None:
    _dance(app, "Orders")


def _dance(app: Application, name: str) -> None:
    seen: set[int] = set()

    def dance(answer: Body, body: Body) -> None:
        if body["PageNumber"] in seen:
            answer[name].reverse()
        seen.add(body["PageNumber"])

    app.answering[name].append(dance)


@mutant("PRD-06")
def a_quantity_made_up(app: Application) -> None:
    numbers = itertools.count()
    app.answering["Products"].append(
        lambda answer, body: [row.update(Quantity=next(numbers)) for row in answer["Products"]] and None
    )


@mutant("ORD-11")
def services_without_titles(app: Application) -> None:
    app.shop.orders["16"]["OrderItems"][2]["ItemTitle"] = ""


@mutant("ORD-17")
def paid_and_unpaid_at_once(app: Application) -> None:
    app.shop.orders["17"]["PaidOn"] = "2026-11-01T12:00:00Z"


refuses("REQ-01", "Orders", lambda body: body["UTCTimeFrom"].startswith("2023"))
sends("REQ-02", lambda name, seen: name == "Despatch" and "Packages" in str(seen), status(500))
refuses("REQ-03", "Products", lambda body: body.keys() - {"AuthorizationToken", "PageNumber"})
refuses("REQ-04", "PriceUpdate", lambda body: any("Tag" not in row for row in body["Products"]))
refuses("REQ-06", "Orders", lambda body: isinstance(body["PageNumber"], str))
sends("REQ-07", lambda name, seen: "text/plain" in str(seen["headers"]), status(415))
sends("REQ-08", lambda name, seen: "gzip" in str(seen["headers"]), lambda response: setattr(response, "chunked", True))


@mutant("REQ-05")
def keys_in_one_case(app: Application) -> None:
    app.spell = lambda body: body


def _known(body: Body) -> bool:
    return any(str(row["SKU"]).startswith("SKU") for row in body["Products"])


refuses("STK-01", "InventoryUpdate", _known)
refuses("STK-05", "PriceUpdate", _known)
refuses("STK-04", "InventoryUpdate", lambda body: len(body["Products"]) > 10)
refuses("STK-10", "PriceUpdate", lambda body: not body["Products"])
refuses("STK-11", "InventoryUpdate", lambda body: any(isinstance(row["Quantity"], str) for row in body["Products"]))
answers("STK-13", "InventoryUpdate", when=lambda answer, body: answer["Products"].reverse() is None)
answers("STK-12", "PriceUpdate", when=lambda _, body: len(body["Products"]) == 2, Products=[{"SKU": "SKU-0"}])


def _forget(rule: str, name: str, value: str, lower: bool) -> None:
    """Only lower values are forgotten, or all."""

    @mutant(rule)
    def bend(app: Application) -> None:
        def forget(body: Body) -> None:
            for row in body["Products"]:
                held = app.shop.products.get(row["SKU"], {}).get(value, 0)
                if not lower or row[value] < held:
                    row[value] = held

        app.asked[name].append(forget)


_forget("STK-02", "InventoryUpdate", "Quantity", lower=False)
_forget("STK-03", "InventoryUpdate", "Quantity", lower=True)
_forget("STK-06", "PriceUpdate", "Price", lower=False)
_forget("STK-07", "PriceUpdate", "Price", lower=True)
rows("STK-08", "InventoryUpdate", "Products", lambda row: row.update(Error=None), only_first=False)
rows("STK-09", "PriceUpdate", "Products", lambda row: row.update(Error=None), only_first=False)


def _despatch(rule: str, refuse: Callable[[Application, Body], bool]) -> None:
    """Refuses such parcels, one by one."""

    @mutant(rule)
    def bend(app: Application) -> None:
        action = app.shop.despatch

        def look(parcel: Body) -> None:
            if refuse(app, parcel):
                raise ValueError("I do not like that")
            action(parcel)

        app.shop.despatch = look


def _pieces(parcel: Body) -> int:
    return sum(int(item["DespatchedQuantity"]) for item in parcel["Items"])


def _sent(app: Application, parcel: Body) -> int:
    return sum(count for (reference, _), count in app.shop.sent.items() if reference == parcel["ReferenceNumber"])


_despatch("DSP-01", lambda app, parcel: _pieces(parcel) == 1)
_despatch("DSP-02", lambda app, parcel: _pieces(parcel) <= _sent(app, parcel))
_despatch("DSP-03", lambda app, parcel: _pieces(parcel) > 1 and _sent(app, parcel) > 0)
_despatch("DSP-07", lambda app, parcel: any(isinstance(item["DespatchedQuantity"], str) for item in parcel["Items"]))
_despatch("DSP-10", lambda app, parcel: not parcel["TrackingNumber"])
rows("DSP-04", "Despatch", "Orders", lambda row: row.update(Error=None), only_first=False)
refuses("DSP-05", "Despatch", lambda body: not body["Orders"])
refuses(
    "DSP-06", "Despatch", lambda body: len({row["ReferenceNumber"] for row in body["Orders"]}) < len(body["Orders"])
)
answers("DSP-11", "Despatch", when=lambda answer, body: answer["Orders"].pop() and False)
refuses("DSP-08", "Despatch", lambda body: len(body["Orders"]) > 10)
rows("DSP-09", "Despatch", "Orders", lambda row: row.update(Retry=bool(row["Error"])))
