"""Harmless styles: correct applications that are written differently, in which a check must find nothing."""

from __future__ import annotations

import itertools
import re
import threading
import time
from collections.abc import Callable
from datetime import datetime, timedelta, timezone
from typing import Any

from tests.check.mutants.application import EMPTY, Application, Body, Response
from tests.check.mutants.builders import Mutant

STYLES: dict[str, tuple[Mutant, tuple[str, ...]]] = {}
"""Each style with the rules of the severity advice that it breaks."""
ENUM_NUMBERS = {"PAID": 0, "UNPAID": 1, "CANCELLED": 2, "STRING": 0, "BOOLEAN": 3, "PASSWORD": 4, "NONE": 0}
ENUM_FIELDS = ("PaymentStatus", "ValueType", "CancelStatus")
DATE = re.compile(r"(\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d)Z")
NAMES, FORMS, ERROR_KEY, NO_POST_SALE = "ANS-17", "ANS-18", "ANS-05", "MAN-09"
METHOD, NAME_AGAIN, UNFINISHED_AGAIN = "REF-08", "INT-01", "INT-03"


def style(*advice: str) -> Callable[[Mutant], Mutant]:
    """Register a function that changes the correct application without harm."""

    def register(change: Mutant) -> Mutant:
        STYLES[change.__name__] = (change, advice)
        return change

    return register


def changes_every_value(app: Application, change: Callable[[str, Any], Any]) -> None:
    """Let every response have changed values; the function gets the name and the value of each."""

    def changed(value: Any, name: str = "") -> Any:
        if isinstance(value, dict):
            return {key: changed(element, key) for key, element in value.items()}
        if isinstance(value, list):
            return [changed(element, name) for element in value]
        return change(name, value)

    _changes_bodies(app, lambda result: changed(result))


def _changes_bodies(app: Application, change: Callable[[Body], Body]) -> None:
    for name in EMPTY:
        app.body_hooks[name].append(lambda result, body: change(result))


@style(NAMES)
def camel_case(app: Application) -> None:
    def camel(value: Any) -> Any:
        if isinstance(value, dict):
            return {key[0].lower() + key[1:]: camel(element) for key, element in value.items()}
        return [camel(element) for element in value] if isinstance(value, list) else value

    _changes_bodies(app, camel)


@style(ERROR_KEY)
def nulls_left_out(app: Application) -> None:
    def without_nulls(value: Any) -> Any:
        if isinstance(value, dict):
            return {key: without_nulls(element) for key, element in value.items() if element is not None}
        return [without_nulls(element) for element in value] if isinstance(value, list) else value

    _changes_bodies(app, without_nulls)


@style(FORMS)
def enums_as_numbers(app: Application) -> None:
    def number(name: str, value: Any) -> Any:
        if name == "CancelStatus" and value == "CANCELLED":
            return 1
        return ENUM_NUMBERS.get(value, value) if name in ENUM_FIELDS else value

    changes_every_value(app, number)


@style(FORMS)
def seven_digits_of_a_second(app: Application) -> None:
    changes_every_value(app, lambda name, value: DATE.sub(r"\1.1234567Z", value) if isinstance(value, str) else value)


@style(FORMS)
def dates_with_an_offset(app: Application) -> None:
    changes_every_value(app, lambda name, value: DATE.sub(r"\1+00:00", value) if isinstance(value, str) else value)


@style(NAMES, FORMS, ERROR_KEY, NO_POST_SALE)
def as_the_c_sharp_sample(app: Application) -> None:
    without_post_sale(app)
    without_listings(app)
    for change in (enums_as_numbers, seven_digits_of_a_second, nulls_left_out, camel_case):
        change(app)


@style("ORD-04", "PRD-05")
def everything_on_every_page(app: Application) -> None:
    app.page = lambda name, rows, number: {"HasMorePages": False, name: rows}


@style()
def one_order_on_a_page(app: Application) -> None:
    def page(name: str, rows: list[Body], number: Any) -> Body:
        if int(number) < 1:
            raise ValueError("Invalid page number")
        return {"HasMorePages": len(rows) > int(number), name: rows[int(number) - 1 : int(number)]}

    app.page = page


@style()
def without_listings(app: Application) -> None:
    app.parameters["IsListingSupported"] = "False"


@style(NO_POST_SALE)
def without_post_sale(app: Application) -> None:
    for name in ("CancelEndpoint", "RefundEndpoint", "PostSaleOptions"):
        del app.parameters[name]


@style()
def without_partial_despatch(app: Application) -> None:
    """The order is sent with its first part, and later parts are ignored."""
    app.shop.despatch = lambda parcel: app.shop._find(str(parcel.get("ReferenceNumber")))


@style()
def empty_errors(app: Application) -> None:
    changes_every_value(app, lambda name, value: "" if name == "Error" and value is None else value)


@style()
def template_ids_as_they_were_sent(app: Application) -> None:
    def as_sent(names: list[Body]) -> list[Body]:
        return [{**name, "TemplateId": str(name["TemplateId"])} for name in names]

    app.body_hooks["CheckFeed"].append(lambda result, body: {**result, "ProductFeeds": as_sent(result["ProductFeeds"])})


@style()
def an_empty_shop(app: Application) -> None:
    app.shop.orders, app.shop.products = {}, {}


@style(METHOD)
def statuses_of_a_framework(app: Application) -> None:
    """Another method gets 405, an unknown path 404."""

    def change(name: str, exchange: Body, response: Response) -> None:
        response.status = 404 if name not in EMPTY else 405 if exchange["method"] == "GET" else 200

    app.response_hooks.append(change)


@style()
def byte_order_mark(app: Application) -> None:
    def add(name: str, exchange: Body, response: Response) -> None:
        response.payload = b"\xef\xbb\xbf" + response.payload

    app.response_hooks.append(add)


@style()
def missing_times_in_the_year_1(app: Application) -> None:
    app.shop.orders["17"]["PaidOn"] = "0001-01-01T00:00:00Z"


@style()
def only_a_billing_address(app: Application) -> None:
    for order in app.shop.orders.values():
        order["DeliveryAddress"] = None


@style()
def no_reasons(app: Application) -> None:
    app.body_hooks["PostSaleOptions"].append(lambda result, body: {**result, "PostSaleReasons": []})


@style()
def cancel_refunds(app: Application) -> None:
    """A Cancel gives the money back, and the options say so."""

    def reject_paid_back(body: Body) -> None:
        order = app.shop.orders.get(body["Refund"]["ReferenceNumber"], {})
        if order.get("PaymentStatus") == "CANCELLED":
            raise ValueError("nothing is left to refund")

    app.request_hooks["Refund"].append(reject_paid_back)
    app.body_hooks["PostSaleOptions"].append(lambda result, body: {**result, "AutomaticRefundOnCancel": True})


@style(NAME_AGAIN, UNFINISHED_AGAIN)
def names_may_repeat(app: Application) -> None:
    app.unique_name = id


@style()
def products_without_prices(app: Application) -> None:
    for product in app.shop.products.values():
        del product["Price"]


@style()
def everything_is_free(app: Application) -> None:
    for order in app.shop.orders.values():
        order["PostalServiceCost"] = 0
        for line in order["OrderItems"]:
            line["PricePerUnit"] = 0


@style()
def an_order_comes_in_between_two_pages(app: Application) -> None:
    """The newest order is first, and moves the others."""
    new = iter(["101"])

    def add(result: Body, body: Body) -> None:
        if reference := next(new, ""):
            order = {**app.shop.orders["1"], "ReferenceNumber": reference}
            app.shop.orders = {reference: order, **app.shop.orders}
            app.shop.changed[reference] = datetime.now(timezone.utc)

    app.body_hooks["Orders"].append(add)


@style()
def texts_with_signs(app: Application) -> None:
    for order in app.shop.orders.values():
        order["DeliveryAddress"].update(FullName="Zo\u00eb & \u00c3lvaro <AT&T>; R&D", Address1="\u00c2ge d'Or 1")


@style(FORMS)
def null_instead_of_empty_details(app: Application) -> None:
    for order in app.shop.orders.values():
        order.update(Notes=None, ExtendedProperties=None)


@style()
def an_overlap_of_an_hour(app: Application) -> None:
    since = app.shop.changed_since
    overlap = timedelta(hours=1)
    app.shop.changed_since = lambda time: since(min(time, datetime.now(timezone.utc)) - overlap)


@style(FORMS)
def flags_by_name(app: Application) -> None:
    app.body_hooks["PostSaleOptions"].append(lambda result, body: {**result, "RefundShippingTypes": "Independent"})


@style()
def busy_when_called_in_parallel(app: Application) -> None:
    lock = threading.Lock()
    find = app.find

    def find_alone(token: Any) -> Any:
        if not lock.acquire(blocking=False):
            raise ValueError("busy, please try again")
        try:
            time.sleep(0.002)
            return find(token)
        finally:
            lock.release()

    app.find = find_alone


@style()
def feeds_take_time(app: Application) -> None:
    asked = itertools.count()

    def wait(result: Body, body: Body) -> Body | None:
        return {**result, "IsFeedReady": False} if not result["Error"] and next(asked) % 3 else None

    app.body_hooks["CheckFeed"].append(wait)


@style()
def the_shop_shows_stock_later(app: Application) -> None:
    """Stock and prices are shown a little after they were accepted."""
    update = app.update

    def update_later(body: Body, name: str, convert: type) -> Body:
        shown = {sku: product.get(name) for sku, product in app.shop.products.items()}
        result = update(body, name, convert)
        new = {sku: app.shop.products[sku].get(name) for sku in shown}
        for sku, value in shown.items():
            app.shop.products[sku][name] = value
        threading.Timer(0.02, _show, (app, name, {sku: new[sku] for sku in new if new[sku] != shown[sku]})).start()
        return result

    app.update = update_later


def _show(app: Application, name: str, values: dict[str, Any]) -> None:
    for sku, value in values.items():
        app.shop.products[sku][name] = value


@style()
def references_are_skus(app: Application) -> None:
    for product in app.shop.products.values():
        product["Reference"] = product["SKU"]


@style()
def hyphens_in_tokens(app: Application) -> None:
    new_token = app.new_token
    app.new_token = lambda: "-".join(re.findall(r".{8}", new_token()))


@style()
def a_wizard_without_secrets(app: Application) -> None:
    show = app.show

    def without_password(integration: Any) -> Body:
        shown = show(integration)
        return {**shown, "ConfigItems": [i for i in shown["ConfigItems"] if i["ValueType"] != "PASSWORD"]}

    app.show = without_password


@style(NAMES)
def more_fields_than_documented(app: Application) -> None:
    _changes_bodies(app, lambda result: {**result, "TraceId": "4bf92f35", "Warnings": []})


@style()
def javascript_patterns(app: Application) -> None:
    pattern = r"^(?<word>[\w\/-]*)(?:\u{1F600})?\p{L}*"
    app.body_hooks["UserConfig"].append(
        lambda result, body: [item.update(RegExValidation=pattern) for item in result["ConfigItems"]] and None
    )


@style()
def products_that_share_their_stock(app: Application) -> None:
    first = app.shop.products["SKU-0"]

    def share(result: Body, body: Body) -> None:
        app.shop.products["SKU-1"]["Quantity"] = first["Quantity"]

    app.body_hooks["InventoryUpdate"].append(share)
    share({}, {})


@style()
def optional_values_are_checked(app: Application) -> None:
    """An optional value may be left out, and a made-up one is refused."""
    save, show = app.save, app.show

    def save_valid(integration: Any, values: dict[str, str]) -> None:
        if values.get("Carriers"):
            raise ValueError("this is no list of carriers")
        save(integration, values)

    def show_carriers(integration: Any) -> Body:
        shown = show(integration)
        more = [app.item("Carriers", "STRING", "")] if integration.step != "UserConfig" else []
        return {**shown, "ConfigItems": [*shown["ConfigItems"], *more]}

    app.save, app.show = save_valid, show_carriers


@style()
def smaller_pages_when_the_shop_is_slow(app: Application) -> None:
    sizes = itertools.chain([10, 10], itertools.repeat(7))
    size = {"Orders": 10}

    def page(name: str, rows: list[Body], number: Any) -> Body:
        if int(number) < 1:
            raise ValueError("Invalid page number")
        if name == "Orders" and int(number) == 1:
            size[name] = next(sizes)
        first = (int(number) - 1) * size.get(name, 10)
        return {"HasMorePages": len(rows) > first + size.get(name, 10), name: rows[first : first + size.get(name, 10)]}

    app.page = page
