"""A feed id is a promise: its listings are done in order and once, whatever happens on the way."""

from __future__ import annotations

from datetime import timedelta

import pytest
from peewee import Value

from bridge.channels.base import ListingResult
from bridge.channels.demo import DemoChannel
from bridge.clock import now
from bridge.errors import ChannelRefused, ChannelUnavailable, CredentialsRefused
from bridge.store.feeds import FeedItem, claim_item, drop_item, finish_item, retry_item
from bridge.sync import feeds, wizard

done: list[str] = []
failing: list[Exception] = []
keys: list[str] = []
known: list[str] = []


class Shop(DemoChannel):
    """A shop that raises the errors in `failing` and records what it has done."""

    def create_listing(self, listing, settings, key):
        keys.append(key)
        known.append(listing.external_listing_id)
        return ListingResult(external_listing_id=f"{listing.sku}-{listing.template_id}")

    def delete_listing(self, removal, key):
        if failing:
            raise failing.pop(0)
        done.append(removal.channel_sku)
        return ListingResult(external_listing_id=removal.external_listing_id)


@pytest.fixture(autouse=True)
def shop(app):
    """Let the application serve this shop."""
    done.clear()
    failing.clear()
    keys.clear()
    known.clear()
    app.extensions["bridge"].channels.channel_class = Shop


@pytest.fixture
def submit(linnworks):
    """Send listings to delete and return the feed's id."""

    def send(*skus, player=linnworks):
        removals = [{"ChannelSKU": sku, "ExternalListingId": sku, "TemplateId": 7} for sku in skus]
        return player("ListingDeleteEndpoint", ExternalListingIds=removals)["ChannelFeedId"]

    return send


@pytest.fixture
def channels(app):
    return app.extensions["bridge"].channels


def due_again():
    """Let time pass until postponed items are due and claims are over."""
    FeedItem.update(next_at=now(), claimed_until=now()).execute()


def test_a_feed_is_ready_when_every_listing_is_done(linnworks, submit, work):
    """
    CheckFeed reports every listing once all are done.
    """
    feed_id = submit("a", "b")
    early = linnworks("CheckFeedEndpoint", ChannelFeedId=feed_id)
    work()
    late = linnworks("CheckFeedEndpoint", ChannelFeedId=feed_id)

    assert (False, []) == (early["IsFeedReady"], early["ProductFeeds"])
    assert late["IsFeedReady"]
    assert [
        (one["SKU"], one["TemplateId"], one["ExternalListingId"], one["Messages"]) for one in late["ProductFeeds"]
    ] == [("a", 7, "a", []), ("b", 7, "b", [])]


def test_an_empty_feed_is_ready_at_once(linnworks, submit):
    """
    It has an id, and nothing to wait for.
    """
    assert linnworks("CheckFeedEndpoint", ChannelFeedId=submit())["IsFeedReady"]


def test_a_feed_belongs_to_its_integration(connect, submit):
    """
    Another integration's feed is unknown, like one that never existed.
    """
    feed_id = submit("a")
    other = connect()

    assert {"Unknown feed"} == {
        other("CheckFeedEndpoint", ChannelFeedId=wanted)["Error"] for wanted in (feed_id, "nothing")
    }


def test_a_refused_listing_has_an_error_and_the_others_go_on(linnworks, submit, work):
    """
    A refusal is an Error message of its listing.
    """
    failing.append(ChannelRefused("Not this one"))
    feed_id = submit("a", "b")
    work()
    first, second = linnworks("CheckFeedEndpoint", ChannelFeedId=feed_id)["ProductFeeds"]

    assert [{"Type": 1, "ProductFeedMessageType": 1, "Message": "Not this one"}] == first["Messages"]
    assert [] == second["Messages"]


def test_a_shop_that_is_down_delays_a_listing(linnworks, submit, work):
    """
    It waits, with those of its integration after it, and all are done in order when the shop is back.
    """
    failing.append(ChannelUnavailable("Down"))
    feed_id = submit("a", "b")
    work()
    waiting = linnworks("CheckFeedEndpoint", ChannelFeedId=feed_id)["IsFeedReady"]
    due_again()
    work()

    assert not waiting
    assert ["a", "b"] == done


def test_one_integration_does_not_wait_for_another(connect, submit, work):
    """
    While one shop is down, the listings of others are done.
    """
    failing.append(ChannelUnavailable("Down"))
    submit("a")
    submit("b", player=connect())
    work()

    assert ["b"] == done


@pytest.mark.parametrize("error", [ChannelUnavailable("Down"), ZeroDivisionError("internal words")])
def test_a_listing_that_keeps_failing_is_given_up(linnworks, submit, work, error):
    """
    After the last attempt the feed is ready, and the listing has an error.
    """
    failing.extend([error] * feeds.MOST_ATTEMPTS)
    feed_id = submit("a")
    for _ in range(feeds.MOST_ATTEMPTS):
        work()
        due_again()
    feed = linnworks("CheckFeedEndpoint", ChannelFeedId=feed_id)
    (message,) = feed["ProductFeeds"][0]["Messages"]

    assert feed["IsFeedReady"]
    assert message["Message"].startswith(f"Given up after {feeds.MOST_ATTEMPTS} attempts")
    assert "internal words" not in message["Message"]


def test_what_comes_after_a_postponed_listing_waits_as_long_or_until_an_operator_retries(submit, channels):
    """
    Nothing of the integration is due meanwhile; the listing retried, all of it goes on in order.
    """
    submit("a", "b")
    failing.append(ChannelUnavailable("down"))
    feeds.work_one(channels)
    waiting = list(FeedItem.select())

    assert 1 == len({item.next_at for item in waiting})
    assert not feeds.work_one(channels)
    retry_item(waiting[0], now())
    while feeds.work_one(channels):
        pass
    assert ["a", "b"] == done


def test_a_claimed_listing_is_not_claimed_again(submit):
    """
    Two workers never claim the same listing, nor two listings of one integration at the same time.
    """
    submit("a", "b")
    until = now() + timedelta(seconds=60)

    assert claim_item(now(), until) is not None
    assert claim_item(now(), until) is None


def test_a_dead_worker_only_delays_a_listing(submit, work):
    """
    Once its claim is over, another worker does the listing.
    """
    submit("a")
    claim_item(now(), now() + timedelta(seconds=60))
    work()
    assert [] == done
    due_again()
    work()

    assert ["a"] == done


def test_a_late_worker_does_not_overwrite_the_result(submit, channels):
    """
    A worker that has lost its claim records nothing.
    """
    submit("a")
    late = claim_item(now(), now())
    feeds.work_one(channels)
    finish_item(late, {"late": True}, now())

    assert ["a"] == [item.result["SKU"] for item in FeedItem.select()]


def test_a_dropped_listing_stays_dropped(submit):
    """
    An operator may drop a listing whose worker has died, but not one that is being worked on.
    """
    submit("a")
    late = claim_item(now(), now() + timedelta(seconds=60))
    held = drop_item(late, {"dropped": True}, now())
    dropped = drop_item(late, {"dropped": True}, now() + timedelta(seconds=61))
    finish_item(late, {"late": True}, now())

    assert (False, True) == (held, dropped)
    assert {"dropped": True} == FeedItem.get().result


def test_listings_of_a_deleted_integration_are_not_done(linnworks, submit, work):
    """
    What waits for a deleted integration is deleted with it.
    """
    submit("a")
    linnworks("ConfigDeletedEndpoint")
    work()

    assert [] == done


# -- the same in every feed ----------------------------------------------------------------------------


def create(linnworks, sku="a", template=7, **fields):
    """Send a listing to create and return the feed's id."""
    listing = {"SKU": sku, "TemplateId": template, "Title": "A thing", "ExternalListingId": "99", **fields}
    return linnworks("ListingUpdateEndpoint", Type="CREATE", Listings=[listing])["ChannelFeedId"]


def test_a_create_gets_the_id_that_its_listing_had(linnworks, connect, work):
    """
    The channel finds what it made by it; another template, SKU or integration has none.
    """
    for template in (7, 70):
        create(linnworks, template=template)
        work()
    for player, sku, template in ((linnworks, "a", 7), (linnworks, "b", 7), (linnworks, "a", 70), (connect(), "a", 7)):
        create(player, sku, template)
        work()

    assert ["", "", "a-7", "", "a-70", ""] == known


def test_a_listing_has_one_key_in_every_feed(linnworks, connect, work):
    """
    The key depends on the integration, the template and the SKU, and on nothing else.
    """
    for sku, template, title in (("a", 7, "A thing"), ("a", 7, "Renamed"), ("b", 7, "A thing"), ("a", 8, "A thing")):
        create(linnworks, sku, template, Title=title)
    create(connect())
    work()
    first, again, *others = keys

    assert first == again
    assert 4 == len({first, *others})


@pytest.mark.parametrize("fields", [{"Title": ""}, {"Quantity": "many"}])
def test_a_failed_create_has_no_listing(linnworks, work, fields):
    """
    Its ExternalListingId is empty, whatever the request had.
    """
    feed_id = create(linnworks, **fields)
    work()
    (result,) = linnworks("CheckFeedEndpoint", ChannelFeedId=feed_id)["ProductFeeds"]

    assert [1] == [message["Type"] for message in result["Messages"]]
    assert ("a", 7, "") == (result["SKU"], result["TemplateId"], result["ExternalListingId"])


# -- one item costs the others nothing -----------------------------------------------------------------


def test_an_exception_while_a_failure_is_handled_is_the_item_s_own(linnworks, submit, work, monkeypatch, caplog):
    """
    The item is logged with its number and tried again; those of others are done.
    """
    monkeypatch.setattr(wizard, "ask_for_credentials", lambda *_: 1 / 0)
    failing.append(CredentialsRefused("Wrong key"))
    feed_id = submit("a")
    work()
    item = FeedItem.get()
    due_again()
    work()

    assert (1, "The bridge failed; its log has the details") == (item.attempts, item.error)
    assert f"Listing {item.id} of feed {feed_id} failed" in caplog.text
    assert ["a"] == done


def damage(**columns):
    """Store texts in the first item's columns as they are."""
    texts = {name: Value(text, converter=False) for name, text in columns.items()}
    first = FeedItem.select().order_by(FeedItem.id).first()
    FeedItem.update(**texts).where(FeedItem.id == first.id).execute()


@pytest.mark.parametrize(
    "text",
    ["{", "[]", "{}", '{"listing": 7}', '{"listing": {"SKU": 7, "TemplateId": [], "ExternalListingId": {}}}'],
)
@pytest.mark.parametrize("send", ["submit", "create"])
def test_a_listing_that_cannot_be_read_is_set_aside(linnworks, submit, work, caplog, send, text):
    """
    Its feed has an error, it is logged with its number, and the others are done.
    """
    feed_id = submit("a") if send == "submit" else create(linnworks)
    damage(request=text)
    submit("b")
    work()
    feed = linnworks("CheckFeedEndpoint", ChannelFeedId=feed_id)
    item = FeedItem.select().order_by(FeedItem.id).first()

    assert (True, None) == (feed["IsFeedReady"], feed["Error"])
    assert [1] == [message["Type"] for message in feed["ProductFeeds"][0]["Messages"]]
    assert "cannot read" in feed["ProductFeeds"][0]["Messages"][0]["Message"]
    assert item.set_aside
    assert f"Listing {item.id} of feed {feed_id} cannot be read" in caplog.text
    assert ["b"] == done


@pytest.mark.parametrize("text", ["{", "[]", '{"Messages": 7}'])
def test_a_result_that_cannot_be_read_is_an_error_of_its_listing(linnworks, submit, work, text):
    """
    CheckFeed reports the other listings of the feed.
    """
    feed_id = submit("a", "b")
    work()
    damage(result=text)
    first, second = linnworks("CheckFeedEndpoint", ChannelFeedId=feed_id)["ProductFeeds"]

    assert ("a", 7, "a") == (first["SKU"], first["TemplateId"], first["ExternalListingId"])
    assert [1] == [message["Type"] for message in first["Messages"]]
    assert [] == second["Messages"]


def test_a_listing_that_killed_the_process_three_times_is_set_aside(linnworks, submit, work):
    """
    It is tried after two deaths and not after the third; its feed has an error, and the others are done.
    """
    feed_id = submit("a", "b")
    tried = []
    for _ in range(feeds.MOST_EXPIRED_CLAIMS):
        tried.append(claim_item(now(), now() + timedelta(seconds=60)).id)
        due_again()
    work()
    first, second = linnworks("CheckFeedEndpoint", ChannelFeedId=feed_id)["ProductFeeds"]

    assert [tried[0]] * 3 == tried
    assert ["b"] == done
    assert "was stopped 3 times" in first["Messages"][0]["Message"]
    assert [] == second["Messages"]


def test_two_deaths_do_not_set_a_listing_aside(submit, work):
    """
    A listing that is done in the end was not at fault.
    """
    submit("a")
    for _ in range(feeds.MOST_EXPIRED_CLAIMS - 1):
        claim_item(now(), now() + timedelta(seconds=60))
        due_again()
    work()

    assert ["a"] == done


def test_released_claims_are_not_deaths(submit, work):
    """
    A listing that is postponed often is tried as often.
    """
    failing.extend([ChannelUnavailable("Down")] * 5)
    submit("a")
    for _ in range(6):
        work()
        due_again()

    assert (["a"], 0) == (done, FeedItem.get().expired_claims)
