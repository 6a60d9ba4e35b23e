"""Rules about listings: the configurator, new listings, their feeds, and their deletion."""

from __future__ import annotations

from contextlib import suppress

from bridge.check import listing_feed
from bridge.check.configurator import SentListing
from bridge.check.context import CheckContext
from bridge.check.response import EndpointResponse, string
from bridge.check.rule import RuleArea, RuleFailed, RuleSeverity, RuleSkipped
from bridge.check.wording import duplicates, summarize

area = RuleArea("Listings", "ep:listing-update", needs=("CFG-08",))
FEEDS = "ep:checkfeed"
CONFIGURED = ("LST-01", "LST-03", "LST-04", "LST-05")
LISTED = ("LST-15",)
PRICE_TOLERANCE = 0.005


@area.rule("LST-01", source="ep:get-configurator-settings")
def settings(context: CheckContext) -> None:
    """GetConfiguratorSettings responds to an empty object, without a token.

    Linnworks sends no token with this call: the customer cannot create a configurator.
    """
    context.configurator.settings = context.client.send("GetConfiguratorSettings", b"{}").require_success().body
    context.configurator.shipping = [tag for tag, _ in context.tags.get("ShippingTags", [])]
    context.configurator.payment = [tag for tag, _ in context.tags.get("PaymentTags", [])]


@area.rule("LST-02", RuleSeverity.SHOULD, "ep:get-configurator-settings")
def settings_without_body(context: CheckContext) -> None:
    """GetConfiguratorSettings also responds to an empty body.

    The call needs nothing from its body, and some clients send none.
    """
    context.client.send("GetConfiguratorSettings", b"", unusual=True).require_success()


@area.rule("LST-03", source="ep:get-categories")
def categories(context: CheckContext) -> None:
    """GetCategories returns page after page until HasMorePages is false.

    The customer cannot choose the category of a listing.
    """
    pages = context.pages("GetCategories", "Categories")
    context.require_end("GetCategories")
    context.configurator.categories = [str(row.get("CategoryId")) for page in pages for row in page.rows("Categories")]


@area.rule("LST-04", source="ep:get-attributes-by-category", needs=("LST-01", "LST-03"))
def attributes(context: CheckContext) -> None:
    """GetAttributesByCategory returns the attributes of a category.

    The customer cannot enter what the channel requires.
    """
    response = _by_category(context, "GetAttributesByCategory", "GENERAL")
    context.configurator.attributes = response.rows("Attributes")


@area.rule("LST-16", RuleSeverity.SHOULD, "ep:get-categories", needs=("LST-03",), after=("LST-04",))
def unique_ids(context: CheckContext) -> None:
    """The ids of the categories are unique, and those of a category's attributes.

    The customer has to choose between two that look the same.
    """
    for category in duplicates(context.configurator.categories):
        raise RuleFailed(f"the CategoryId {category} occurs more than once")
    for name in duplicates(string(row.get("ID")) for row in context.configurator.attributes):
        raise RuleFailed(f"the attribute {name} occurs more than once")


@area.rule("LST-05", source="ep:getvariationsbycategory", needs=("LST-01", "LST-03"))
def variations(context: CheckContext) -> None:
    """GetVariationsByCategory returns in what the variations of a category differ.

    Products with variations cannot be listed.
    """
    context.configurator.variations = _by_category(context, "GetVariationsByCategory", "GENERAL", "VARIATION").body


def _by_category(context: CheckContext, call: str, *groups: str) -> EndpointResponse:
    configurator = context.configurator
    settings = configurator.setting_values(*groups)
    return context.call(call, CategoryIds=configurator.categories[:1], GeneralSettings=settings).require_success()


@area.rule("LST-06", needs=CONFIGURED, after=("CFG-12", "CFG-13"), changes_shop=True)
def listings_created(context: CheckContext) -> None:
    """ListingUpdate accepts new listings, one simple and one with variations, and returns their feed id.

    Without a ChannelFeedId Linnworks never learns the result of the listings.
    """
    with suppress(RuleFailed, RuleSkipped):  # without Products LST-20 is not judged
        context.shown_before_listing = context.products_by_sku()
    skus = {"simple": _new_sku(context), "varied": _new_sku(context)}
    context.listings["simple"] = context.configurator.listing(skus["simple"])
    if context.configurator.settings.get("IsVariationsAllowed") is True:
        context.listings["varied"] = context.configurator.listing(skus["varied"], variations=2)
    context.on_teardown(lambda: listing_feed.delete_all(context, listing_feed.TEARDOWN_PATIENCE))
    context.feed = listing_feed.submit(context, "CREATE", list(context.listings.values()))


def _new_sku(context: CheckContext) -> str:
    """Return a SKU that the shop does not have, not even from an earlier run with the same seed."""
    sku = f"check-{context.random_word()}"
    while any(product.sku.startswith(sku) for product in context.products):
        sku = f"check-{context.random_word()}"
    return sku


@area.rule("LST-14", RuleSeverity.SHOULD, FEEDS, needs=("LST-06",), changes_shop=True)
def feed_ready(context: CheckContext) -> None:
    """CheckFeed eventually returns IsFeedReady true.

    Linnworks asks again and again, and the listings stay pending for ever.
    """
    context.feed_rows = listing_feed.wait_for_feed(context, context.feed)


@area.rule("LST-07", source=FEEDS, needs=("LST-14",), changes_shop=True)
def feed_rows(context: CheckContext) -> None:
    """A feed has a row for every listing that was sent, with its SKU and TemplateId.

    Linnworks identifies the listing by its TemplateId; a missing one stays pending for ever.
    """
    returned = sorted((string(row.get("SKU")), str(row.get("TemplateId"))) for row in context.feed_rows)
    sent = sorted((listing.sku, str(listing.sent["TemplateId"])) for listing in context.listings.values())
    if returned != sent:
        message = f"the feed has (SKU, TemplateId) {returned}, sent were {sent}"
        raise RuleFailed(message, context.exchanges["CheckFeed"])


@area.rule("LST-15", RuleSeverity.SHOULD, FEEDS, needs=("LST-07",), changes_shop=True)
def listings_have_ids(context: CheckContext) -> None:
    """A listing with everything the channel requires is created and gets an ExternalListingId.

    The customer entered everything the channel requires, and nothing is listed.
    """
    listing_feed.remember_ids(context, context.feed_rows)
    listing_feed.require_no_errors(context.feed_rows)
    for listing in context.listings.values():
        if not listing.external_id:
            raise RuleFailed(f"{listing.sku} has no ExternalListingId", context.exchanges["CheckFeed"])


@area.rule("LST-08", source=FEEDS, needs=LISTED, changes_shop=True)
def references(context: CheckContext) -> None:
    """Every ChannelReference is the Reference that Products returns for that SKU.

    Linnworks cannot link the listing to the product and sends it no stock.
    """
    for listing in context.listings.values():
        if sorted(listing.references) != sorted(listing.skus):
            raise RuleFailed(
                f"{listing.sku} has ChannelReferences for {sorted(listing.references)}, not {listing.skus}"
            )

    def find_problem() -> str:
        shown = context.products_by_sku()
        problems = []
        for listing in context.listings.values():
            for sku, reference in listing.references.items():
                if sku not in shown:
                    problems.append(f"Products does not show {sku}")
                elif shown[sku].reference != reference:
                    problems.append(
                        f"{sku} has the Reference {shown[sku].reference} in Products, {reference} in its feed"
                    )
        return summarize(problems)

    context.eventually(find_problem)


@area.rule("LST-17", follows=True, needs=LISTED, after=("LST-08",), changes_shop=True)
def listed_values(context: CheckContext) -> None:
    """Products shows a new listing with the price and the quantity that were sent.

    The shop sells at another price, or sells what is not there.
    """
    context.eventually(lambda: _wrong_values(context, list(context.listings.values())))


def _wrong_values(context: CheckContext, listings: list[SentListing]) -> str:
    """Return which of the listings that Products shows have another price or quantity than was sent."""
    shown = context.products_by_sku()
    problems = []
    for listing in listings:
        for sold in listing.sent["Variations"] or [listing.sent]:
            product = shown.get(sold["SKU"])
            if product and product.quantity != sold["Quantity"]:
                problems.append(f"{product.sku} has the quantity {product.quantity}, {sold['Quantity']} was listed")
            if product and product.price is not None and abs(product.price - sold["Price"]) > PRICE_TOLERANCE:
                problems.append(f"{product.sku} has the price {product.price}, {sold['Price']} was listed")
    return summarize(problems)


@area.rule("LST-09", RuleSeverity.SHOULD, needs=LISTED, after=("LST-08", "LST-17"), changes_shop=True)
def listing_updated(context: CheckContext) -> None:
    """ListingUpdate of an existing listing changes its title in Products.

    The customer's changes never appear in the shop.
    """
    listing = context.listings["simple"]
    title = f"Changed by check {context.random_word()}"
    listing.sent.update(Title=title, ExternalListingId=listing.external_id, Quantity=5, Price=13.57)
    listing_feed.require_no_errors(listing_feed.wait_for_feed(context, listing_feed.submit(context, 1, [listing])))
    context.update_accepted = True

    def find_problem() -> str:
        shown = context.products_by_sku().get(listing.sku)
        if not shown:
            return f"Products no longer shows {listing.sku}"
        return "" if shown.title == title else f"{listing.sku} is titled {shown.title!r}, not {title!r}"

    context.eventually(find_problem)


@area.rule("LST-18", follows=True, needs=LISTED, after=("LST-09",), changes_shop=True)
def updated_values(context: CheckContext) -> None:
    """Products shows an updated listing with the new price and quantity.

    The shop sells at the old price, or sells what is no longer there.
    """
    if not context.update_accepted:
        raise RuleSkipped("the update is refused, which LST-09 judges")
    context.eventually(lambda: _wrong_values(context, [context.listings["simple"]]))


@area.rule("LST-10", RuleSeverity.SHOULD, FEEDS, needs=CONFIGURED, changes_shop=True)
def unknown_category(context: CheckContext) -> None:
    """A listing in a category that does not exist gets an error message in its feed.

    The listing is shown as created, and does not exist.
    """
    if not context.configurator.categories:
        raise RuleSkipped("the shop has no categories")
    listing = context.configurator.listing(f"check-{context.random_word()}")
    listing.sent["Categories"] = [f"9{context.rng.randrange(10**9):09}"]
    rows = listing_feed.wait_for_feed(context, listing_feed.submit(context, "CREATE", [listing]))
    if not rows:
        raise RuleFailed("the feed has no row for the listing")
    if not listing_feed.error_messages(rows[0]):
        context.listings["impossible"] = listing
        listing_feed.remember_ids(context, rows)
        raise RuleFailed("the feed has no message of type 1 (Error) for the listing")


@area.rule("LST-19", RuleSeverity.SHOULD, FEEDS, follows=True, needs=("LST-07",), after=("LST-10",), changes_shop=True)
def feed_remembered(context: CheckContext) -> None:
    """A finished feed has the same rows when it is asked again, also after another feed.

    After a lost response its listings stay pending, or get the result of others.
    """
    response = context.call("CheckFeed", ChannelFeedId=context.feed).require_success()
    again = sorted(string(row.get("SKU")) for row in response.rows("ProductFeeds"))
    before = sorted(string(row.get("SKU")) for row in context.feed_rows)
    if again != before:
        raise RuleFailed(f"the feed first had the SKUs {before}, then {again}", response.exchange)


@area.rule("LST-11", RuleSeverity.SHOULD, FEEDS)
def unknown_feed(context: CheckContext) -> None:
    """CheckFeed rejects a feed id that does not exist.

    Linnworks treats the feed as finished, or waits for it.
    """
    context.try_call("CheckFeed", ChannelFeedId=f"no-such-feed-{context.random_word()}").require_error(
        "for an unknown feed"
    )


@area.rule("LST-12", source=FEEDS, needs=("LST-06", "INT-04"), changes_shop=True)
def foreign_feed(context: CheckContext) -> None:
    """CheckFeed rejects the feed of another integration.

    One customer can read another's listings.
    """
    token = context.second.token
    context.client.call("CheckFeed", token, ChannelFeedId=context.feed).require_error("for another integration's feed")


@area.rule(
    "LST-13", source="ep:listing-delete", follows=True, needs=LISTED, after=("LST-18", "LST-12"), changes_shop=True
)
def listings_deleted(context: CheckContext) -> None:
    """ListingDelete removes the listings from Products.

    Listings the customer deleted are still sold.
    """
    listings = list(context.listings.values())
    listing_feed.delete_all(context)

    def find_problem() -> str:
        shown = context.products_by_sku()
        return summarize(f"Products still shows {sku}" for listing in listings for sku in listing.skus if sku in shown)

    context.eventually(find_problem)


@area.rule("LST-20", source="ep:listing-update, ep:listing-delete", follows=True, needs=("LST-13",), changes_shop=True)
def other_products_kept(context: CheckContext) -> None:
    """Listings that are created, changed and deleted leave all other products as they are.

    A product that the seller did not touch is no longer sold, or at another price.
    """
    before = context.shown_before_listing
    if not before:
        raise RuleSkipped("the shop has no other products")
    sold = {line.sku for order in context.orders if order.reference in context.used_orders for line in order.lines}

    def find_problem() -> str:
        shown = context.products_by_sku()
        problems = [f"{sku} is no longer there" for sku in before if sku not in shown]
        for sku, product in before.items():
            if sku in shown and shown[sku].price != product.price:
                problems.append(f"{sku} had the price {product.price} and has {shown[sku].price}")
            quiet = sku not in sold and sku not in context.selling_skus
            if sku in shown and quiet and not shown[sku].quantity and product.quantity:
                problems.append(f"{sku} had the quantity {product.quantity} and has none")
        return summarize(problems)

    context.eventually(find_problem)
