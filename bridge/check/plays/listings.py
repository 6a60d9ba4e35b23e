"""From a configurator to a listing, its feed, and its end."""

from __future__ import annotations

from typing import Any

from bridge.check.configurator import Listing
from bridge.check.judge import repeated, summary
from bridge.check.linnworks import Answer, objects, string
from bridge.check.play import Play
from bridge.check.registry import Area, Failed, Skipped

area = Area("Listings", needs=("CFG-08",))
FEED_PATIENCE = 60.0
HASTE = 5.0
CONFIGURED = ("LST-01", "LST-03", "LST-04", "LST-05")
LISTED = ("LST-07",)


@area.check("LST-01")
def settings(play: Play) -> None:
    """GetConfiguratorSettings answers an empty object, without any token."""
    play.configurator.settings = play.linnworks.send("GetConfiguratorSettings", b"{}").accepted().body
    play.configurator.shipping = [tag for tag, _ in play.tags.get("ShippingTags", [])]
    play.configurator.payment = [tag for tag, _ in play.tags.get("PaymentTags", [])]


@area.check("LST-02")
def settings_without_a_body(play: Play) -> None:
    """GetConfiguratorSettings answers an empty body as well."""
    play.linnworks.send("GetConfiguratorSettings", b"").accepted()


@area.check("LST-03")
def categories(play: Play) -> None:
    """GetCategories gives page after page, every category once."""
    pages = play.pages("GetCategories", "Categories")
    play.configurator.categories = [str(row.get("CategoryId")) for page in pages for row in page.rows("Categories")]
    for category in repeated(play.configurator.categories):
        raise Failed(f"the CategoryId {category} comes more than once")


@area.check("LST-04", needs=("LST-01", "LST-03"))
def attributes(play: Play) -> None:
    """GetAttributesByCategory names the attributes of a category, each once."""
    answer = _by_category(play, "GetAttributesByCategory", "GENERAL")
    play.configurator.attributes = answer.rows("Attributes")
    for name in repeated(string(row.get("ID")) for row in play.configurator.attributes):
        raise Failed(f"the attribute {name} comes more than once")


@area.check("LST-05", needs=("LST-01", "LST-03"))
def variations(play: Play) -> None:
    """GetVariationsByCategory names what the variations of a category differ in."""
    play.configurator.variations = _by_category(play, "GetVariationsByCategory", "GENERAL", "VARIATION").body


def _by_category(play: Play, call: str, *groups: str) -> Answer:
    configurator = play.configurator
    settings = configurator.values(*groups)
    return play.call(call, CategoryIds=configurator.categories[:1], GeneralSettings=settings).accepted()


@area.check("LST-06", needs=CONFIGURED)
def create(play: Play) -> None:
    """ListingUpdate takes new listings, one simple and one with variations, and names their feed."""
    skus = {"simple": f"check-{play.word()}", "varied": f"check-{play.word()}"}
    play.listings["simple"] = play.configurator.listing(skus["simple"])
    if play.configurator.settings.get("IsVariationsAllowed") is True:
        play.listings["varied"] = play.configurator.listing(skus["varied"], variations=2)
    play.repair(lambda: _delete_all(play, HASTE))
    play.feed = _submit(play, "CREATE", list(play.listings.values()))


@area.check("LST-07", needs=("LST-06",))
def the_feed(play: Play) -> None:
    """CheckFeed says IsFeedReady in the end, and tells of every listing as it was sent."""
    rows = _feed(play, play.feed)
    told = sorted((string(row.get("SKU")), str(row.get("TemplateId"))) for row in rows)
    sent = sorted((listing.sku, str(listing.sent["TemplateId"])) for listing in play.listings.values())
    if told != sent:
        raise Failed(f"the feed tells of (SKU, TemplateId) {told}, sent were {sent}")
    _learn(play, rows)
    _without_errors(rows)
    for listing in play.listings.values():
        if not listing.external_id:
            raise Failed(f"{listing.sku} has no ExternalListingId")


@area.check("LST-08", needs=LISTED)
def references(play: Play) -> None:
    """Every ChannelReference is the Reference that Products gives that SKU."""
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


@area.check("LST-09", needs=LISTED)
def update(play: Play) -> None:
    """ListingUpdate of a listing changes its title in Products."""
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


@area.check("LST-10", needs=CONFIGURED)
def an_impossible_category(play: Play) -> None:
    """A listing in a category that does not exist gets an error message in its feed."""
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


@area.check("LST-11")
def an_unknown_feed(play: Play) -> None:
    """CheckFeed refuses a feed id that does not exist."""
    play.call("CheckFeed", ChannelFeedId=f"no-such-feed-{play.word()}").refused("to an unknown feed")


@area.check("LST-12", needs=("LST-06", "INT-04"))
def a_feed_of_another(play: Play) -> None:
    """CheckFeed refuses the feed of another integration."""
    token = play.second.token
    play.linnworks.call("CheckFeed", token, ChannelFeedId=play.feed).refused("to another integration's feed")


@area.check("LST-13", needs=LISTED)
def delete(play: Play) -> None:
    """ListingDelete takes the listings out of Products."""
    listings = list(play.listings.values())
    _delete_all(play, FEED_PATIENCE)

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


def _delete_all(play: Play, patience: float) -> None:
    """Deletes what is still listed; the template comes as a number or as text."""
    if play.feed and not any(listing.external_id for listing in play.listings.values()):
        _learn(play, _feed(play, play.feed, patience))
    left = [listing for listing in play.listings.values() if listing.external_id and not listing.deleted]
    if not left:
        return
    names = [listing.named(str if position % 2 else int) for position, listing in enumerate(left)]
    rows = _feed(play, _named(play.call("ListingDelete", ExternalListingIds=names)), patience)
    for listing in left:
        listing.deleted = True
    _without_errors(rows)


def _named(answer: Answer) -> str:
    feed = answer.accepted().says("ChannelFeedId")
    if not feed:
        raise Failed(f"{answer.endpoint} named no ChannelFeedId: what becomes of the listings is never asked")
    return feed


def _feed(play: Play, feed: str, patience: float = FEED_PATIENCE) -> list[dict[str, Any]]:
    rows: list[dict[str, Any]] = []

    def wrong() -> str:
        answer = play.call("CheckFeed", ChannelFeedId=feed).accepted()
        rows[:] = answer.rows("ProductFeeds")
        return "" if answer.body.get("IsFeedReady") is True else "the feed is not ready"

    play.eventually(wrong, patience)
    return rows


def _without_errors(rows: list[dict[str, Any]]) -> None:
    words = [word for row in rows for word in _errors(row)]
    if words:
        raise Failed(summary(words))


def _errors(row: dict[str, Any]) -> list[str]:
    return [
        f"{row.get('SKU')}: {message.get('Message')}"
        for message in objects(row.get("Messages"))
        if 1 in (message.get("Type"), message.get("ProductFeedMessageType"))
    ]
