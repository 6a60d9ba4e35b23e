"""A feed id is a promise: its listings are done in order and once, whatever happens on the way."""

from __future__ import annotations

from datetime import timedelta

import pytest

from bridge.channels.base import ListingResult
from bridge.channels.demo import DemoChannel
from bridge.clock import now
from bridge.errors import ChannelRefused, ChannelUnavailable
from bridge.store.feeds import FeedItem, claim_item, drop_item, finish_item, retry_item
from bridge.sync import feeds

done: list[str] = []
failing: list[Exception] = []


class Shop(DemoChannel):
    """A shop that raises the errors in `failing` and records what it has done."""

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
