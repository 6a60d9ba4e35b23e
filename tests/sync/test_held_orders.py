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
def connection(app):
    return add_connection(account="a", account_name="a", email="a", token_digest="a", step="x", now=NOON)


@pytest.fixture
def page(shop, connection):
    """Read a page and return the references of the orders."""

    def read(since, number, now) -> list[str]:
        found = paging.orders(connection.id, shop, since, number, now)
        return [order.reference_number for order in found.items]

    return read


@pytest.fixture
def run(shop, connection):
    """Read all pages since a moment and return the references of the orders."""

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


@pytest.fixture
def mended(shop, run):
    """An order that is too old to come by itself, whose product has its SKU by now; Linnworks asks since 1 o'clock."""
    shop.put("1", "", NOON - 9 * HOUR)
    run(NOON - 10 * HOUR, now=NOON)
    run(NOON, now=NOON + HOUR)
    shop.skus["1"] = "A"


def test_a_released_order_comes_until_its_answer_has_arrived(mended, run):
    """
    Its answer may be lost, so it comes again if Linnworks asks since the same moment, and no more after that.
    """
    assert ["1"] == run(NOON + HOUR, now=NOON + 2 * HOUR)
    assert ["1"] == run(NOON + HOUR, now=NOON + 3 * HOUR)
    assert [] == run(NOON + 3 * HOUR, now=NOON + 4 * HOUR)


def test_a_release_whose_answer_was_lost_is_not_settled_by_a_run_without_it(mended, shop, run):
    """
    The run that Linnworks moved on by could not read it: only the run that carried it counts.
    """
    lost = run(NOON + HOUR, now=NOON + 2 * HOUR)
    shop.down = True
    arrived = run(NOON + HOUR, now=NOON + 3 * HOUR)
    shop.down = False

    assert (["1"], []) == (lost, arrived)
    assert ["1"] == run(NOON + 3 * HOUR, now=NOON + 4 * HOUR)


def test_a_page_read_again_takes_back_what_its_lost_answer_released(mended, shop, run, page):
    """
    The same run arrives in the end, but with an answer that did not carry the order.
    """
    for reference in ("2", "3", "4"):
        shop.put(reference, "A", NOON + HOUR)
    first = page(NOON + HOUR, 1, NOON + 2 * HOUR)
    lost = page(NOON + HOUR, 2, NOON + 2 * HOUR)
    shop.down = True
    arrived = page(NOON + HOUR, 2, NOON + 2 * HOUR)
    shop.down = False

    assert (["2", "3"], ["4", "1"], ["4"]) == (first, lost, arrived)
    assert ["1"] == run(NOON + 2 * HOUR, now=NOON + 3 * HOUR)


def test_a_run_by_hand_does_not_settle_what_it_carried(mended, shop, run):
    """
    A back-dated run offers it, that answer is lost, and the next regular run, begun before, proves something else.
    """
    shop.down = True
    run(NOON + HOUR, now=NOON + 2 * HOUR)
    shop.down = False
    lost = run(NOON - HOUR, now=NOON + 2 * HOUR + timedelta(seconds=30))

    assert ["1"] == lost
    assert ["1"] == run(NOON + 2 * HOUR, now=NOON + 3 * HOUR)


def test_a_run_by_hand_is_never_proven_by_a_regular_request(mended, shop, run):
    """
    Though Linnworks' clock is five minutes ahead, and so names the moment at which it was asked.
    """
    shop.down = True
    run(NOON + HOUR, now=NOON + 2 * HOUR)
    shop.down = False
    ahead = timedelta(minutes=5)
    lost = run(NOON - HOUR, now=NOON + 2 * HOUR + ahead)

    assert ["1"] == lost
    assert ["1"] == run(NOON + 2 * HOUR + ahead, now=NOON + 3 * HOUR)


def test_a_back_dated_request_proves_nothing(mended, shop, run):
    """
    Only a moment later than all before is the time of a successful request.
    """
    half_past = NOON + timedelta(minutes=30)
    lost = run(NOON + HOUR, now=half_past)
    shop.down = True
    run(half_past, now=NOON + 2 * HOUR)
    shop.down = False

    assert ["1"] == lost
    assert ["1"] == run(NOON + HOUR, now=NOON + 3 * HOUR)


def test_two_runs_within_a_minute_prove_nothing(mended, shop, run):
    """
    Which of them made Linnworks move on is not known, so the order comes once more.
    """
    lost = run(NOON + HOUR, now=NOON + 2 * HOUR)
    shop.down = True
    run(NOON + HOUR, now=NOON + 2 * HOUR + timedelta(seconds=50))
    shop.down = False

    assert ["1"] == lost
    assert ["1"] == run(NOON + 2 * HOUR, now=NOON + 3 * HOUR)


def test_with_clocks_apart_an_order_comes_three_times(mended, run):
    """
    Nothing is ever proven if Linnworks' clock is ten minutes ahead; three complete runs that it moved on from suffice.
    """
    ahead = timedelta(minutes=10)
    moments = [NOON + HOUR, *(NOON + n * HOUR + ahead for n in (2, 3, 4, 5))]

    assert [["1"], ["1"], ["1"], []] == [run(moment, now=NOON + n * HOUR) for n, moment in enumerate(moments[:4], 2)]


def test_an_order_held_again_is_not_settled_by_the_run_that_carried_it(mended, shop, run):
    """
    What arrived was the order before it became invalid.
    """
    released = run(NOON + HOUR, now=NOON + 2 * HOUR)
    shop.skus["1"] = ""
    held = run(NOON + HOUR, now=NOON + 3 * HOUR)
    run(NOON + 2 * HOUR, now=NOON + 4 * HOUR)
    shop.skus["1"] = "A"

    assert (["1"], []) == (released, held)
    assert ["1"] == run(NOON + 4 * HOUR, now=NOON + 5 * HOUR)


def test_mended_orders_are_read_again_in_their_turn_within_a_share_of_the_budget(shop, run, page):
    """
    A quarter of what is left goes to them, the longest unchecked first, so that none waits for ever.
    """
    moment = [0.0]
    for number in range(28):
        shop.put(f"{number:02}", "", NOON - 9 * HOUR)
    run(NOON - 10 * HOUR, now=NOON)
    read: list[str] = []

    def slowly(reference):
        moment[0] += 0.5
        read.append(reference)
        raise ChannelUnavailable("The shop is too slow")

    shop.order = slowly
    for poll in range(1, 8):
        shop.deadline = Deadline(8, lambda: moment[0])
        page(NOON + poll * HOUR, 1, NOON + poll * HOUR)

    assert [f"{number:02}" for number in range(28)] == read


def test_an_order_whose_check_fails_is_held_with_the_reason(shop, run):
    """
    Whatever exception one order makes, it is held for it and the page is sent.
    """
    for reference in ("1", "2", "3"):
        shop.put(reference, None if reference == "2" else "A", NOON)

    assert ["1", "3"] == run(NOON)
    assert ["the bridge cannot read it as the shop shows it (AttributeError)"] == [
        row.hold_reason for row in held_orders()
    ]


def test_a_held_order_that_fails_to_be_mapped_stays_held(shop, run):
    """
    An unexpected exception while it is read again costs neither the page nor the others.
    """
    for reference in ("1", "2"):
        shop.put(reference, "", NOON - 9 * HOUR)
    run(NOON - 10 * HOUR, now=NOON)
    shop.skus["2"] = "A"
    shop.order = lambda reference: shop._order(reference) if reference == "2" else 1 / 0

    assert ["2"] == run(NOON, now=NOON + HOUR)
    assert ["1"] == [row.reference for row in held_orders()]


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
