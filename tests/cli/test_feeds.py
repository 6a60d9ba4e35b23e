"""Waiting listings can be listed, retried and dropped from the command line."""

from __future__ import annotations

from datetime import timedelta

import pytest

from bridge.clock import now
from bridge.store.feeds import FeedItem

pytestmark = pytest.mark.usefixtures("linnworks")


def test_no_waiting_listing_is_said_in_a_sentence(run):
    """
    `feeds list` does not print an empty table.
    """
    assert "No listing waits." in run("feeds", "list")


def test_a_listing_that_does_not_exist_is_an_error(run):
    """
    An unknown number gets a sentence and exit status 1.
    """
    assert "linnworks-bridge: There is no listing 77" in run("feeds", "drop", "77", status=1)


def test_a_waiting_listing_can_be_retried_and_dropped(run, linnworks):
    """
    Retried, a postponed listing becomes due; dropped, its feed is ready and has an error message.
    """
    feed_id = linnworks("ListingDeleteEndpoint", ExternalListingIds=[{"ChannelSKU": "x", "TemplateId": 1}])[
        "ChannelFeedId"
    ]
    later = now() + timedelta(hours=1)
    FeedItem.update(next_at=later, claimed_until=later, attempts=3, error="The shop is down").execute()

    assert "The shop is down" in run("feeds", "list")
    run("feeds", "retry", "1")
    assert FeedItem.get().next_at <= now()
    run("feeds", "drop", "1")
    feed = linnworks("CheckFeedEndpoint", ChannelFeedId=feed_id)
    assert feed["IsFeedReady"]
    assert "Given up by the operator" == feed["ProductFeeds"][0]["Messages"][0]["Message"]
    assert "failed" in run("feeds", "list", "--all")
    assert "is done already" in run("feeds", "drop", "1", status=1)
    assert "is done already" in run("feeds", "retry", "1", status=1)


def test_a_listing_that_was_set_aside_can_be_retried_and_dropped(run, linnworks, work):
    """
    The list shows it with the reason until it is dropped; retried, it is done again.
    """
    feed_id = linnworks("ListingDeleteEndpoint", ExternalListingIds=[{"ChannelSKU": "x", "TemplateId": 1}])[
        "ChannelFeedId"
    ]
    request = FeedItem.get().request

    def fail() -> None:
        FeedItem.update(request={}).execute()
        work()

    fail()
    shown = run("feeds", "list")
    assert "set aside" in shown
    assert "cannot read what it stored" in shown
    run("feeds", "retry", "1")
    assert not linnworks("CheckFeedEndpoint", ChannelFeedId=feed_id)["IsFeedReady"]
    FeedItem.update(request=request).execute()
    work()
    assert [] == linnworks("CheckFeedEndpoint", ChannelFeedId=feed_id)["ProductFeeds"][0]["Messages"]
    FeedItem.update(done=False, result=None).execute()
    fail()
    run("feeds", "drop", "1")
    assert "No listing waits." in run("feeds", "list")
    feed = linnworks("CheckFeedEndpoint", ChannelFeedId=feed_id)
    assert "Given up by the operator" == feed["ProductFeeds"][0]["Messages"][0]["Message"]
