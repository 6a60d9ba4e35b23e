"""Wrong cancellations, refunds and listings."""

from __future__ import annotations

import itertools

from tests.check.mutants.application import Application
from tests.check.mutants.joints import answers, mutant, parameters, refuses, rows

refuses("PSO-01", "PostSaleOptions", lambda body: True)
rows("PSO-02", "PostSaleOptions", "PostSaleReasons", lambda row: row.update(Types=[0]))
refuses("PSO-03", "Cancel", lambda body: True)
refuses("PSO-07", "Refund", lambda body: True)
parameters("PSO-11", RefundEndpoint=None)


@mutant("PSO-04")
def cancelled_once(app: Application) -> None:
    seen: set[str] = set()

    def look(body):
        if str(body) in seen:
            raise ValueError("it is cancelled already")
        seen.add(str(body))

    app.asked["Cancel"].append(look)


@mutant("PSO-05")
def a_cancellation_is_forgotten(app: Application) -> None:
    app.shop.cancel = lambda reference, items: None


@mutant("PSO-06")
def a_line_takes_the_order_along(app: Application) -> None:
    cancel = app.shop.cancel
    app.shop.cancel = lambda reference, items: cancel(reference, [{"OrderLineNumber": str(n)} for n in (1, 2, 3)])


@mutant("PSO-08")
def every_refund_is_another(app: Application) -> None:
    numbers = itertools.count()
    refund = app.shop.refund
    app.shop.refund = lambda asked: f"{refund(asked)}-{next(numbers)}"


@mutant("PSO-09")
def any_sum_is_paid(app: Application) -> None:
    app.shop.refund = lambda asked: "R-1"


@mutant("PSO-10")
def any_order_is_cancelled(app: Application) -> None:
    app.shop.cancel = lambda reference, items: None


refuses("LST-01", "GetConfiguratorSettings", lambda body: "AuthorizationToken" not in body)
answers("LST-16", "GetCategories", Categories=[{"CategoryId": 501, "CategoryName": "Things"}] * 2)
refuses("LST-03", "GetCategories", lambda body: True)
refuses("LST-04", "GetAttributesByCategory", lambda body: True)
refuses("LST-05", "GetVariationsByCategory", lambda body: True)
answers("LST-06", "ListingUpdate", ChannelFeedId="")
answers("LST-14", "CheckFeed", IsFeedReady=False)
answers("LST-07", "CheckFeed", ProductFeeds=[])
rows("LST-15", "CheckFeed", "ProductFeeds", lambda row: row.update(ExternalListingId=""))
rows("LST-08", "CheckFeed", "ProductFeeds", lambda row: row["ChannelReferences"][0].update(Reference="another"))


@mutant("LST-02")
def a_body_is_wanted(app: Application) -> None:
    read = app.read
    app.read = lambda name, content, headers: read("UserConfig", content, headers)


@mutant("LST-09")
def titles_stay(app: Application) -> None:
    app.asked["ListingUpdate"].append(
        lambda body: {**body, "Listings": [{**one, "Title": "A thing"} for one in body["Listings"]]}
    )


@mutant("LST-10")
def any_category_will_do(app: Application) -> None:
    app.asked["ListingUpdate"].append(
        lambda body: {**body, "Listings": [{**one, "Categories": ["501"]} for one in body["Listings"]]}
    )


@mutant("LST-11")
def every_feed_is_done(app: Application) -> None:
    app.asked["CheckFeed"].append(
        lambda body: (
            app.shop.feeds.setdefault(body["ChannelFeedId"], {"token": body["AuthorizationToken"], "rows": []}) and None
        )
    )


@mutant("LST-12")
def feeds_are_everybody_s(app: Application) -> None:
    app.may_see = lambda token, feed: True


@mutant("LST-13")
def nothing_is_taken_down(app: Application) -> None:
    app.asked["ListingDelete"].append(
        lambda body: {
            **body,
            "ExternalListingIds": [{**o, "ExternalListingId": ""} for o in body["ExternalListingIds"]],
        }
    )
