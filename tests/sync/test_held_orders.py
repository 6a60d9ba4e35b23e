"""An order that cannot be sent is held with its reason, and offered again until it has arrived."""

from __future__ import annotations

from datetime import datetime, timedelta, timezone
from decimal import Decimal

import pytest

from bridge.channels.base import Page
from bridge.channels.demo import DemoChannel
from bridge.clock import Deadline
from bridge.errors import ChannelUnavailable
from bridge.protocol.schemas.orders import Address, Order, OrderItem, PaymentStatus
from bridge.settings import Settings
from bridge.store.connections import add_connection
from bridge.store.orders import SeenOrder, held_orders
from bridge.sync import paging

NOON = datetime(2026, 3, 1, 12, tzinfo=timezone.utc)
HOUR = timedelta(hours=1)


class Shop(DemoChannel):
    """A shop of orders whose SKUs can be set, and that lists only what has changed."""

    orders_page_size = 2

    def __init__(self) -> None:
        super().__init__({}, Deadline(8), Settings(orders_overlap_seconds=60))
        self.skus: dict[str, str] = {}
        self.changed: dict[str, datetime] = {}
        self.down = False
        self.unreadable = ""

    def put(self, reference: str, sku: str, changed: datetime) -> None:
        self.skus[reference], self.changed[reference] = sku, changed

    def orders(self, since, cursor):
        shown = sorted(reference for reference in self.skus if self.changed[reference] >= since)
        shown = [reference for reference in shown if reference > (cursor or "")]
        page = shown[: self.orders_page_size]
        return Page([self._order(one) for one in page], page[-1] if len(shown) > len(page) else None)

    def order(self, reference):
        if self.down or reference == self.unreadable:
            raise ChannelUnavailable("The shop is down")
        return self._order(reference) if reference in self.skus else None

    def _order(self, reference):
        return Order(
            reference_number=reference,
            payment_status=PaymentStatus.PAID,
            currency="GBP",
            billing_address=Address(town="Bath"),
            order_items=(OrderItem(order_line_number="1", sku=self.skus[reference], price_per_unit=Decimal(1)),),
        )


@pytest.fixture
def shop(app):
    return Shop()


@pytest.fixture
def run(shop):
    """Read all pages since a moment and return the references of the orders."""
    connection = add_connection(account="a", account_name="a", email="a", token_digest="a", step="x", now=NOON)

    def go(since, now=None) -> list[str]:
        found, number, more = [], 1, True
        while more:
            page = paging.orders(connection.id, shop, since, number, now or since)
            found += [order.reference_number for order in page.items]
            number, more = number + 1, page.next_cursor is not None
        return found

    return go


def test_a_held_order_does_not_hold_the_others(shop, run):
    """
    One order without a SKU is held, the rest of its page is sent.
    """
    for reference in ("1", "2", "3"):
        shop.put(reference, "" if reference == "2" else "A", NOON)

    assert ["1", "3"] == run(NOON)
    assert [("2", "line 1 (no title) has no SKU: give the product one in the shop")] == [
        (row.reference, row.hold_reason) for row in held_orders()
    ]


def test_a_held_order_is_offered_again_whatever_is_asked(shop, run):
    """
    Once it is valid it is sent, though it changed long before the moment Linnworks asks for.
    """
    shop.put("1", "", NOON)
    run(NOON)
    still_held = run(NOON + 5 * HOUR)
    shop.skus["1"] = "A"

    assert [] == still_held
    assert ["1"] == run(NOON + 6 * HOUR)
    assert [] == held_orders()


def test_a_released_order_comes_until_linnworks_has_moved_on(shop, run):
    """
    Its answer may be lost, so it comes again if Linnworks asks since the same moment, and no more after that.
    """
    shop.put("1", "", NOON)
    run(NOON)
    run(NOON + 2 * HOUR)  # from here on the order is too old to come by itself
    shop.skus["1"] = "A"

    assert ["1"] == run(NOON + 5 * HOUR)
    assert ["1"] == run(NOON + 5 * HOUR, now=NOON + 6 * HOUR)
    assert [] == run(NOON + 7 * HOUR)


def test_an_order_can_be_held_again(shop, run):
    """
    A released order that becomes invalid is held again.
    """
    shop.put("1", "", NOON)
    run(NOON)
    shop.put("1", "A", NOON + HOUR)
    run(NOON + HOUR)
    shop.put("1", "", NOON + 2 * HOUR)
    run(NOON + 2 * HOUR)
    shop.skus["1"] = "A"

    assert ["1"] == run(NOON + 9 * HOUR)


def test_a_held_order_that_the_shop_no_longer_has_is_given_up(shop, run):
    """
    It is not asked for again, and its record says why.
    """
    shop.put("1", "", NOON)
    run(NOON)
    del shop.skus["1"]
    run(NOON + HOUR)

    assert [] == held_orders()
    assert "the shop no longer has it" == SeenOrder.get().hold_reason


def test_a_held_order_that_cannot_be_read_stays_held(shop, run):
    """
    The run continues without it.
    """
    shop.put("1", "", NOON)
    run(NOON)
    run(NOON + 5 * HOUR)
    shop.down = True
    shop.skus["1"] = "A"
    during = run(NOON + 6 * HOUR)
    shop.down = False

    assert [] == during
    assert ["1"] == run(NOON + 7 * HOUR)


def test_a_held_order_that_cannot_be_read_does_not_block_the_others(shop, run):
    """
    One that the shop cannot return makes room for one that was corrected.
    """
    for reference in ("1", "2"):
        shop.put(reference, "", NOON)
    run(NOON)
    run(NOON + 5 * HOUR)
    shop.unreadable = "1"
    shop.skus["2"] = "A"

    assert ["2"] == run(NOON + 6 * HOUR)


def test_every_offer_is_counted(shop, run):
    """
    The record of an order has its first sight, its last offer and the number of offers.
    """
    shop.put("1", "A", NOON)
    run(NOON)
    run(NOON, now=NOON + HOUR)
    row = SeenOrder.get()

    assert (NOON, 2, NOON + HOUR) == (row.first_seen_at, row.offers, row.offered_at)
