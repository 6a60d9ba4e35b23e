"""From a configurator to a listing, its feed, and its end."""

from __future__ import annotations

from typing import Any

from bridge.check.answer import Answer, objects, string
from bridge.check.configurator import Listing
from bridge.check.judge import repeated, summary
from bridge.check.play import Play
from bridge.check.registry import Area, Failed, Severity, Skipped

area = Area("Listings", "ep:listing-update", needs=("CFG-08",))
FEEDS = "ep:checkfeed"
FEED_PATIENCE = 3.0
"""How much longer than others a feed may take."""
HASTE = 0.25
"""How much less, once the run is over."""
CONFIGURED = ("LST-01", "LST-03", "LST-04", "LST-05")
LISTED = ("LST-15",)


@area.check("LST-01", source="ep:get-configurator-settings")
def settings(play: Play) -> None:
    """GetConfiguratorSettings answers an empty object, without any token.

    Linnworks sends no token with this call: the customer cannot make a configurator.
    """
    play.configurator.settings = play.linnworks.send("GetConfiguratorSettings", b"{}").accepted().body
    play.configurator.shipping = [tag for tag, _ in play.tags.get("ShippingTags", [])]
    play.configurator.payment = [tag for tag, _ in play.tags.get("PaymentTags", [])]


@area.check("LST-02", Severity.SHOULD, "ep:get-configurator-settings")
def settings_without_a_body(play: Play) -> None:
    """GetConfiguratorSettings answers an empty body as well.

    The call needs nothing of its body, and has been seen without one.
    """
    play.linnworks.send("GetConfiguratorSettings", b"", odd=True).accepted()


@area.check("LST-03", source="ep:get-categories")
def categories(play: Play) -> None:
    """GetCategories gives page after page until HasMorePages is false.

    The customer cannot choose the category of a listing.
    """
    pages = play.pages("GetCategories", "Categories")
    play.configurator.categories = [str(row.get("CategoryId")) for page in pages for row in page.rows("Categories")]


@area.check("LST-04", source="ep:get-attributes-by-category", needs=("LST-01", "LST-03"))
def attributes(play: Play) -> None:
    """GetAttributesByCategory names the attributes of a category.

    The customer cannot fill in what the channel requires.
    """
    answer = _by_category(play, "GetAttributesByCategory", "GENERAL")
    play.configurator.attributes = answer.rows("Attributes")


@area.check("LST-16", Severity.SHOULD, "ep:get-categories", needs=("LST-03",), after=("LST-04",))
def ids_of_their_own(play: Play) -> None:
    """A category, and an attribute of one, comes once.

    The customer chooses one of two that cannot be told apart.
    """
    for category in repeated(play.configurator.categories):
        raise Failed(f"the CategoryId {category} comes more than once")
    for name in repeated(string(row.get("ID")) for row in play.configurator.attributes):
        raise Failed(f"the attribute {name} comes more than once")


@area.check("LST-05", source="ep:getvariationsbycategory", needs=("LST-01", "LST-03"))
def variations(play: Play) -> None:
    """GetVariationsByCategory names what the variations of a category differ in.

    Products with variations cannot be listed.
    """
    play.configurator.variations = _by_category(play, "GetVariationsByCategory", "GENERAL", "VARIATION").body


def _by_category(play: Play, call: str, *groups: str) -> Answer:
    configurator = play.configurator
    settings = configurator.values(*groups)
    return play.call(call, CategoryIds=configurator.categories[:1], GeneralSettings=settings).accepted()


@area.check("LST-06", needs=CONFIGURED, after=("CFG-12", "CFG-13"), changes=True)
def create(play: Play) -> None:
    """ListingUpdate takes new listings, one simple and one with variations, and names their feed.

    Without a ChannelFeedId Linnworks never asks what became of the listings.
    """
    skus = {"simple": f"check-{play.word()}", "varied": f"check-{play.word()}"}
    play.listings["simple"] = play.configurator.listing(skus["simple"])
    if play.configurator.settings.get("IsVariationsAllowed") is True:
        play.listings["varied"] = play.configurator.listing(skus["varied"], variations=2)
    play.repair(lambda: _delete_all(play, HASTE))
    play.feed = _submit(play, "CREATE", list(play.listings.values()))


@area.check("LST-14", Severity.SHOULD, FEEDS, needs=("LST-06",), changes=True)
def the_end_of_the_feed(play: Play) -> None:
    """CheckFeed says IsFeedReady in the end.

    Linnworks asks again and again, and the customer waits for listings that stay on their way for ever.
    """
    play.feed_rows = _feed(play, play.feed)


@area.check("LST-07", source=FEEDS, needs=("LST-14",), changes=True)
def the_feed(play: Play) -> None:
    """A feed tells of every listing as it was sent, by SKU and TemplateId.

    Linnworks finds the listing again by its TemplateId; one left out stays on its way for ever.
    """
    told = sorted((string(row.get("SKU")), str(row.get("TemplateId"))) for row in play.feed_rows)
    sent = sorted((listing.sku, str(listing.sent["TemplateId"])) for listing in play.listings.values())
    if told != sent:
        raise Failed(f"the feed tells of (SKU, TemplateId) {told}, sent were {sent}", play.shown["CheckFeed"])


@area.check("LST-15", Severity.SHOULD, FEEDS, needs=("LST-07",), changes=True)
def listed(play: Play) -> None:
    """A listing that has all the channel asked for is made, and given its ExternalListingId.

    The customer filled in what the channel asked for, and nothing is listed.
    """
    _learn(play, play.feed_rows)
    _without_errors(play.feed_rows)
    for listing in play.listings.values():
        if not listing.external_id:
            raise Failed(f"{listing.sku} has no ExternalListingId", play.shown["CheckFeed"])


@area.check("LST-08", Severity.SHOULD, FEEDS, needs=LISTED, changes=True)
def references(play: Play) -> None:
    """Every ChannelReference is the Reference that Products gives that SKU.

    Linnworks cannot link the listing to the product and sends it no stock.
    """
    for listing in play.listings.values():
        if sorted(listing.references) != sorted(listing.skus):
            raise Failed(f"{listing.sku} has ChannelReferences for {sorted(listing.references)}, not {listing.skus}")

    def wrong() -> str:
        now = play.catalogue()
        words = []
        for listing in play.listings.values():
            for sku, reference in listing.references.items():
                if sku not in now:
                    words.append(f"Products does not show {sku}")
                elif now[sku].reference != reference:
                    words.append(f"{sku} has the Reference {now[sku].reference} in Products, {reference} in its feed")
        return summary(words)

    play.eventually(wrong)


@area.check("LST-09", Severity.SHOULD, needs=LISTED, after=("LST-08",), changes=True)
def update(play: Play) -> None:
    """ListingUpdate of a listing changes its title in Products.

    The customer's changes never reach the shop.
    """
    listing = play.listings["simple"]
    title = f"Changed by check {play.word()}"
    listing.sent.update(Title=title, ExternalListingId=listing.external_id)
    _without_errors(_feed(play, _submit(play, 1, [listing])))

    def wrong() -> str:
        shown = play.catalogue().get(listing.sku)
        if not shown:
            return f"Products no longer shows {listing.sku}"
        return "" if shown.title == title else f"{listing.sku} is titled {shown.title!r}, not {title!r}"

    play.eventually(wrong)


@area.check("LST-10", Severity.SHOULD, FEEDS, needs=CONFIGURED, changes=True)
def an_impossible_category(play: Play) -> None:
    """A listing in a category that does not exist gets an error message in its feed.

    The listing is shown as made, and is not there.
    """
    if not play.configurator.categories:
        raise Skipped("the shop has no categories")
    listing = play.configurator.listing(f"check-{play.word()}")
    listing.sent["Categories"] = [f"9{play.rng.randrange(10**9):09}"]
    rows = _feed(play, _submit(play, "CREATE", [listing]))
    if not rows:
        raise Failed("the feed does not tell of the listing at all")
    if not _errors(rows[0]):
        play.listings["impossible"] = listing
        _learn(play, rows)
        raise Failed("the feed reports no message of type 1 (Error) for it")


@area.check("LST-11", Severity.SHOULD, FEEDS)
def an_unknown_feed(play: Play) -> None:
    """CheckFeed refuses a feed id that does not exist.

    Linnworks takes the answer for a feed that is done, or waits for it.
    """
    play.call("CheckFeed", ChannelFeedId=f"no-such-feed-{play.word()}").refused("to an unknown feed")


@area.check("LST-12", source=FEEDS, needs=("LST-06", "INT-04"), changes=True)
def a_feed_of_another(play: Play) -> None:
    """CheckFeed refuses the feed of another integration.

    One customer reads what another lists.
    """
    token = play.second.token
    play.linnworks.call("CheckFeed", token, ChannelFeedId=play.feed).refused("to another integration's feed")


@area.check("LST-13", Severity.SHOULD, "ep:listing-delete", needs=LISTED, after=("LST-09", "LST-12"), changes=True)
def delete(play: Play) -> None:
    """ListingDelete takes the listings out of Products.

    What the customer took down goes on being sold.
    """
    listings = list(play.listings.values())
    _delete_all(play)

    def wrong() -> str:
        now = play.catalogue()
        return summary(f"Products still shows {sku}" for listing in listings for sku in listing.skus if sku in now)

    play.eventually(wrong)


def _submit(play: Play, kind: str | int, listings: list[Listing]) -> str:
    sent = [listing.sent for listing in listings]
    settings = play.configurator.product_settings()
    return _named(play.call("ListingUpdate", Type=kind, Listings=sent, Settings=settings))


def _learn(play: Play, rows: list[dict[str, Any]]) -> None:
    """Remembers under which ids the channel keeps the listings of a feed."""
    listings = {listing.sku: listing for listing in play.listings.values()}
    for row in rows:
        listing = listings.get(string(row.get("SKU")))
        if listing:
            references = objects(row.get("ChannelReferences"))
            listing.references = {string(one.get("SKU")): string(one.get("Reference")) for one in references}
            listing.external_id = string(row.get("ExternalListingId"))


def _delete_all(play: Play, times: float = FEED_PATIENCE) -> None:
    """Deletes what is still listed; the template comes as a number or as text."""
    if play.feed and not any(listing.external_id for listing in play.listings.values()):
        _learn(play, _feed(play, play.feed, times))
    left = [listing for listing in play.listings.values() if listing.external_id and not listing.deleted]
    if not left:
        return
    names = [listing.named(str if position % 2 else int) for position, listing in enumerate(left)]
    rows = _feed(play, _named(play.call("ListingDelete", ExternalListingIds=names)), times)
    for listing in left:
        listing.deleted = True
    _without_errors(rows)


def _named(answer: Answer) -> str:
    feed = answer.accepted().says("ChannelFeedId")
    if not feed:
        raise Failed(f"{answer.endpoint} named no ChannelFeedId", answer.exchange)
    return feed


def _feed(play: Play, feed: str, times: float = FEED_PATIENCE) -> list[dict[str, Any]]:
    rows: list[dict[str, Any]] = []

    def wrong() -> str:
        answer = play.call("CheckFeed", ChannelFeedId=feed).accepted()
        rows[:] = answer.rows("ProductFeeds")
        play.shown["CheckFeed"] = answer.exchange
        return "" if answer.body.get("IsFeedReady") is True else "the feed is not ready"

    play.eventually(wrong, times * play.patience)
    return rows


def _without_errors(rows: list[dict[str, Any]]) -> None:
    words = [word for row in rows for word in _errors(row)]
    if words:
        raise Failed(summary(words))


def _errors(row: dict[str, Any]) -> list[str]:
    return [
        f"{row.get('SKU')}: {message.get('Message')}"
        for message in objects(row.get("Messages"))
        if message.get("Type") == 1
    ]
