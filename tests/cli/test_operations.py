"""What is held, under way or failing can be seen, retried and dropped from the command line."""

from __future__ import annotations

from datetime import timedelta

import pytest

from bridge.channels.demo.tables import Order, OrderLine, Product
from bridge.clock import now
from bridge.store.actions import Action
from bridge.store.feeds import FeedItem
from bridge.store.outbox import OutboxLease, PendingUpdate

pytestmark = pytest.mark.usefixtures("linnworks")


@pytest.fixture
def refund(linnworks):
    """Ask for a small refund of a paid order; its reference and the answer."""
    reference = next(order for order in linnworks.orders().values() if order["PaymentStatus"] == "PAID")[
        "ReferenceNumber"
    ]
    items = [{"OrderLineNumber": "1", "RefundAmount": 0.5}]
    return reference, linnworks("RefundEndpoint", Refund={"ReferenceNumber": reference, "Items": items})


@pytest.fixture
def leftover(linnworks):
    """A stock level that the shop has not taken."""
    then = now()
    OutboxLease.create(connection=1, claimed_until=then, next_at=then + timedelta(hours=1), unsure_until=then)
    return PendingUpdate.create(
        connection=1,
        kind="stock",
        key="k",
        sku="101-11",
        tag="",
        row={"SKU": "101-11", "Quantity": 7},
        attempts=3,
        error="The shop is down",
        since=then,
        next_at=then + timedelta(hours=1),
        unsure_until=then,
    )


def test_nothing_waiting_is_said(run):
    """
    Each list says in a sentence that there is nothing.
    """
    assert "No order is held." in run("orders", "held")
    assert "Every action is done." in run("actions", "list")
    assert "No listing waits." in run("feeds", "list")
    assert "No value waits." in run("outbox", "list")


@pytest.mark.parametrize("path", [("actions", "retry"), ("actions", "drop"), ("feeds", "retry"), ("outbox", "drop")])
def test_what_is_not_there_is_told(run, path):
    """
    A number that nothing has is a sentence and status 1.
    """
    assert "linnworks-bridge: There is no " in run(*path, "77", status=1)


def test_a_held_order_is_listed_with_its_reason(run, linnworks):
    """
    `orders held` names the fault, `orders why` tells it as part of the order's life.
    """
    OrderLine.update(sku="").where(OrderLine.order == Order.get(Order.number == "1001")).execute()
    linnworks.orders()

    assert "1001" in run("orders", "held")
    life = run("orders", "why", "1001")
    assert "has no SKU: give the product one in the shop" in life
    assert "first seen" in life
    assert "last sent" not in life


def test_the_life_of_an_order_is_told(run, linnworks, refund):
    """
    `orders why` says when an order was seen and sent, and what was done to it.
    """
    reference, answer = refund
    life = run("orders", "why", reference)

    assert "last sent to Linnworks, 1 times in all" in life
    assert f"refund done: {answer['RefundReference']}" in life
    assert "The shop has it, PAID." in life


def test_an_order_that_never_came_is_explained(run):
    """
    Neither seen nor in the shop: both are said.
    """
    life = run("orders", "why", "nothing")

    assert "The shop has not shown it on any page yet. Linnworks never asked." in life
    assert "The shop has no such order." in life


def test_an_unknown_action_is_looked_up(run, refund):
    """
    `actions retry` asks the shop and records what it says, without sending anything again.
    """
    Action.update(state="unknown", answer="").execute()

    assert "unknown" in run("actions", "list")
    assert "Action 1 is done." in run("actions", "retry", "1")
    assert refund[1]["RefundReference"] == Action.get().result


def test_a_action_that_the_shop_has_not_done_may_be_asked_again(run, refund):
    """
    Where the shop knows nothing of it, the action counts as failed.
    """
    Action.update(state="unknown", key="another").execute()

    assert "Action 1 is failed." in run("actions", "retry", "1")


def test_a_dropped_action_is_forgotten(run, refund):
    """
    `actions drop` asks first, and says what it means.
    """
    run("actions", "drop", "1", answer="n\n", status=1)
    assert 1 == Action.select().count()
    run("actions", "drop", "1", "--yes")

    assert 0 == Action.select().count()


def test_a_listing_that_waits_can_be_hurried_and_given_up(run, linnworks):
    """
    A postponed listing becomes due, or its feed ready with an error message.
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


def test_a_value_that_waits_can_be_hurried(run, leftover, app):
    """
    `outbox retry` makes it due, and the worker pushes it.
    """
    from bridge.sync import outbox

    assert "The shop is down" in run("outbox", "list")
    run("outbox", "retry", str(leftover.id))
    while outbox.work_one(app.extensions["bridge"].channels):
        pass

    assert 7 == Product.get(Product.sku == "101-11").stock
    assert 0 == PendingUpdate.select().count()


def test_a_value_that_waits_can_be_dropped(run, leftover):
    """
    `outbox drop` gives it up.
    """
    run("outbox", "drop", str(leftover.id))

    assert 0 == PendingUpdate.select().count()
