"""Mutants of cancellations, refunds and listings."""

from __future__ import annotations

import itertools

from tests.check.mutants.application import Application
from tests.check.mutants.builders import changes_rows, manifest, mutant, rejects, returns

rejects("PSO-01", "PostSaleOptions", lambda body: True)
changes_rows("PSO-02", "PostSaleOptions", "PostSaleReasons", lambda row: row.update(Types=[0]))
rejects("PSO-03", "Cancel", lambda body: True)
rejects("PSO-07", "Refund", lambda body: True)
manifest("PSO-11", RefundEndpoint=None)


@mutant("PSO-04")
def cancelled_once(app: Application) -> None:
    seen: set[str] = set()

    def reject_repeat(body):
        if str(body) in seen:
            raise ValueError("already cancelled")
        seen.add(str(body))

    app.request_hooks["Cancel"].append(reject_repeat)


@mutant("PSO-05")
def cancellation_has_no_effect(app: Application) -> None:
    app.shop.cancel = lambda reference, items: None


rejects("PSO-06", "Cancel", lambda body: len(body["Cancellation"]["Items"]) == 1)
rejects("PSO-18", "Refund", lambda body: body["Refund"]["RefundShippingAmount"])
rejects("PSO-20", "Cancel", lambda body: body["Cancellation"]["Items"][0]["CancellationQuantity"] == 1)
returns("PSO-12", "PostSaleOptions", AutomaticRefundOnCancel=True)
returns("PSO-19", "Refund", RefundReference="R-1")


@mutant("PSO-16")
def cancelled_piece_cancels_the_line(app: Application) -> None:
    cancel = app.shop.cancel
    app.shop.cancel = lambda reference, items: cancel(
        reference, [{**item, "CancellationQuantity": 99} for item in items]
    )


@mutant("PSO-17")
def equal_cancels_are_one(app: Application) -> None:
    seen: set[str] = set()
    cancel = app.shop.cancel

    def cancel_once(reference, items):
        if str((reference, items)) not in seen:
            cancel(reference, items)
        seen.add(str((reference, items)))

    app.shop.cancel = cancel_once


@mutant("PSO-08")
def refunded_once(app: Application) -> None:
    seen: set[str] = set()

    def reject_repeat(body):
        if str(body) in seen:
            raise ValueError("already refunded")
        seen.add(str(body))

    app.request_hooks["Refund"].append(reject_repeat)


@mutant("PSO-21")
def another_order_is_cancelled(app: Application) -> None:
    cancel = app.shop.cancel

    def cancel_two(reference, items):
        cancel(reference, items)
        cancel("15", [{"OrderLineNumber": "1"}, {"OrderLineNumber": "2"}])

    app.shop.cancel = cancel_two


@mutant("PSO-13")
def cancelled_line_cancels_the_order(app: Application) -> None:
    cancel = app.shop.cancel
    app.shop.cancel = lambda reference, items: cancel(reference, [{"OrderLineNumber": str(n)} for n in (1, 2, 3)])


@mutant("PSO-22")
def refund_cancels_the_order(app: Application) -> None:
    refund = app.shop.refund

    def refund_and_cancel(asked):
        app.shop.cancel(asked["ReferenceNumber"], [{"OrderLineNumber": str(n)} for n in (1, 2, 3)])
        return refund(asked)

    app.shop.refund = refund_and_cancel


@mutant("PSO-23")
def unknown_line_cancels_the_order(app: Application) -> None:
    cancel = app.shop.cancel

    def cancel_all_if_unknown(reference, items):
        known = [line["OrderLineNumber"] for line in app.shop.orders.get(reference, {"OrderItems": []})["OrderItems"]]
        unknown = any(item["OrderLineNumber"] not in known for item in items)
        cancel(reference, [{"OrderLineNumber": number} for number in known] if unknown else items)

    app.shop.cancel = cancel_all_if_unknown


@mutant("PSO-14")
def every_refund_is_new(app: Application) -> None:
    numbers = itertools.count()
    refund = app.shop.refund
    app.shop.refund = lambda asked: f"{refund(asked)}-{next(numbers)}"


@mutant("PSO-09")
def any_amount_is_refunded(app: Application) -> None:
    app.shop.refund = lambda asked: "R-1"


@mutant("PSO-10")
def any_order_is_cancelled(app: Application) -> None:
    app.shop.cancel = lambda reference, items: None


@mutant("PSO-15")
def cancel_refunds_although_the_options_deny_it(app: Application) -> None:
    def reject_paid_back(body):
        if app.shop.orders.get(body["Refund"]["ReferenceNumber"], {}).get("PaymentStatus") == "CANCELLED":
            raise ValueError("more than was paid")

    app.request_hooks["Refund"].append(reject_paid_back)


rejects("LST-01", "GetConfiguratorSettings", lambda body: "AuthorizationToken" not in body)
returns("LST-16", "GetCategories", Categories=[{"CategoryId": 501, "CategoryName": "Things"}] * 2)
rejects("LST-03", "GetCategories", lambda body: True)
rejects("LST-04", "GetAttributesByCategory", lambda body: True)
rejects("LST-05", "GetVariationsByCategory", lambda body: True)
returns("LST-06", "ListingUpdate", ChannelFeedId="")
returns("LST-14", "CheckFeed", IsFeedReady=False)
returns("LST-07", "CheckFeed", ProductFeeds=[])
changes_rows("LST-15", "CheckFeed", "ProductFeeds", lambda row: row.update(ExternalListingId=""))
changes_rows(
    "LST-08",
    "CheckFeed",
    "ProductFeeds",
    lambda row: [reference.update(Reference="another") for reference in row["ChannelReferences"]],
)


@mutant("LST-02")
def body_is_required(app: Application) -> None:
    read = app.read
    app.read = lambda name, content, headers: read("UserConfig", content, headers)


@mutant("LST-09")
def titles_do_not_change(app: Application) -> None:
    app.request_hooks["ListingUpdate"].append(
        lambda body: {**body, "Listings": [{**listing, "Title": "A thing"} for listing in body["Listings"]]}
    )


@mutant("LST-17")
def listings_have_no_stock(app: Application) -> None:
    app.request_hooks["ListingUpdate"].append(
        lambda body: {**body, "Listings": [{**listing, "Quantity": 0} for listing in body["Listings"]]}
    )


@mutant("LST-18")
def prices_do_not_change(app: Application) -> None:
    def keep_price(body):
        return (
            body if body["Type"] != 1 else {**body, "Listings": [{**row, "Price": 12.34} for row in body["Listings"]]}
        )

    app.request_hooks["ListingUpdate"].append(keep_price)


@mutant("LST-19")
def feeds_are_read_once(app: Application) -> None:
    read: set[str] = set()

    def forget(body):
        if body["ChannelFeedId"] in read:
            raise ValueError("no such feed")
        if body["ChannelFeedId"] in app.shop.feeds:
            read.add(body["ChannelFeedId"])

    app.request_hooks["CheckFeed"].append(forget)


@mutant("LST-20")
def a_neighbour_is_deleted(app: Application) -> None:
    app.request_hooks["ListingDelete"].append(lambda body: app.shop.products.pop("SKU-3", None) and None)


@mutant("LST-10")
def any_category_is_accepted(app: Application) -> None:
    app.request_hooks["ListingUpdate"].append(
        lambda body: {**body, "Listings": [{**listing, "Categories": ["501"]} for listing in body["Listings"]]}
    )


@mutant("LST-11")
def every_feed_is_finished(app: Application) -> None:
    app.request_hooks["CheckFeed"].append(
        lambda body: (
            app.shop.feeds.setdefault(body["ChannelFeedId"], {"token": body["AuthorizationToken"], "rows": []}) and None
        )
    )


@mutant("LST-12")
def feeds_are_shared(app: Application) -> None:
    app.may_see = lambda token, feed: True


@mutant("LST-13")
def nothing_is_deleted(app: Application) -> None:
    app.request_hooks["ListingDelete"].append(
        lambda body: {
            **body,
            "ExternalListingIds": [{**row, "ExternalListingId": ""} for row in body["ExternalListingIds"]],
        }
    )
