"""Further mutants of some rules, which break them in another way."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from tests.check.mutants.application import Application, Body, Response
from tests.check.mutants.builders import Mutant

MORE: dict[str, tuple[str, Mutant]] = {}
"""Each further mutant with the rule that it breaks."""


def breaks(rule: str) -> Callable[[Mutant], Mutant]:
    """Register a function as a further mutant of a rule."""

    def register(change: Mutant) -> Mutant:
        MORE[change.__name__] = (rule, change)
        return change

    return register


def _knows_refunds_by(app: Application, key: Callable[[Body], Any]) -> None:
    """Take refunds with the same key for one refund."""
    refund = app.shop.refund
    known: dict[str, str] = {}

    def refund_once(asked: Body) -> str:
        name = repr(key(asked))
        if name not in known:
            known[name] = refund(asked)
        return known[name]

    app.shop.refund = refund_once


@breaks("PSO-19")
def refunds_of_two_orders_are_one(app: Application) -> None:
    _knows_refunds_by(app, lambda asked: (asked["Items"], asked["RefundShippingAmount"]))


@breaks("PSO-19")
def refunds_of_two_lines_are_one(app: Application) -> None:
    _knows_refunds_by(
        app,
        lambda asked: (
            asked["ReferenceNumber"],
            asked["RefundShippingAmount"],
            [item["RefundAmount"] for item in asked["Items"]],
        ),
    )


@breaks("PSO-19")
def refunds_with_and_without_postage_are_one(app: Application) -> None:
    _knows_refunds_by(app, lambda asked: (asked["ReferenceNumber"], asked["Items"]))


@breaks("PSO-09")
def any_postage_is_refunded(app: Application) -> None:
    refund = app.shop.refund
    app.shop.refund = lambda asked: "R-1" if asked["RefundShippingAmount"] > 1000 else refund(asked)


@breaks("END-03")
def a_deleted_token_can_still_change_stock(app: Application) -> None:
    deleted: dict[Any, Any] = {}
    update = app.update

    def remember(body: Body) -> None:
        token = body["AuthorizationToken"]
        deleted[token] = app.integrations.get(token)

    def update_for_all(body: Body, name: str, convert: type) -> Body:
        find = app.find
        app.find = lambda token: deleted[token] if deleted.get(token) else find(token)
        try:
            return update(body, name, convert)
        finally:
            app.find = find

    app.request_hooks["ConfigDeleted"].append(remember)
    app.update = update_for_all


@breaks("ANS-22")
def the_settings_list_all_tokens(app: Application) -> None:
    app.body_hooks["UserConfig"].append(lambda result, body: {**result, "Known": list(app.integrations)})


@breaks("ANS-13")
def a_secret_in_a_plain_item_is_returned(app: Application) -> None:
    show, save = app.show, app.save
    typed: dict[str, str] = {}

    def save_and_keep(integration: Any, values: dict[str, str]) -> None:
        typed[integration.token] = values.get("ApiSecret", "")
        save(integration, values)

    def show_secret(integration: Any) -> Body:
        shown = show(integration)
        secret = app.item("ApiSecret", "STRING", typed.get(integration.token, ""))
        return {**shown, "ConfigItems": [*shown["ConfigItems"], secret]}

    app.save, app.show = save_and_keep, show_secret


@breaks("STK-20")
def only_the_first_ten_prices_count(app: Application) -> None:
    def keep(body: Body) -> None:
        for row in body["Products"][10:]:
            row["Price"] = app.shop.products.get(row["SKU"], row)["Price"]

    app.request_hooks["PriceUpdate"].append(keep)


@breaks("LST-19")
def every_feed_has_the_same_id(app: Application) -> None:
    def only_feed(token: str, rows: list[Body]) -> str:
        app.shop.feeds = {"feed": {"token": token, "rows": rows}}
        return "feed"

    app.shop._feed = only_feed


@breaks("LST-18")
def updates_of_listings_are_ignored(app: Application) -> None:
    create = app.shop.list

    def only_create(token: str, listings: list[Body]) -> str:
        before = {sku: dict(product) for sku, product in app.shop.products.items()}
        feed = create(token, listings)
        app.shop.products.update(before)
        return feed

    app.shop.list = only_create


@breaks("LST-20")
def a_new_listing_ends_the_stock_of_another(app: Application) -> None:
    def end_stock(body: Body) -> None:
        app.shop.products["SKU-3"]["Quantity"] = 0

    app.request_hooks["ListingUpdate"].append(end_stock)


@breaks("ORD-30")
def names_are_encoded_twice(app: Application) -> None:
    for order in app.shop.orders.values():
        order["DeliveryAddress"]["FullName"] = "Zo\u00eb".encode().decode("latin-1")


@breaks("ANS-04")
def a_response_is_nested_too_deeply(app: Application) -> None:
    def nest(name: str, exchange: Body, response: Response) -> None:
        if name == "Products":
            response.payload = b'{"Products": ' + b"[" * 100_000 + b"]" * 100_000 + b"}"

    app.response_hooks.append(nest)


@breaks("ANS-01")
def everything_is_redirected(app: Application) -> None:
    def redirect(name: str, exchange: Body, response: Response) -> None:
        response.status = 307
        response.headers["Location"] = f"https://shop.example.com/linn/{name}"

    app.response_hooks.append(redirect)
