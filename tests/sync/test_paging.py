"""A run over the shop's pages misses nothing, whatever is asked twice, lost or changed on the way."""

from __future__ import annotations

from datetime import datetime, timedelta, timezone

import pytest

from bridge.channels.base import Page
from bridge.channels.demo import DemoChannel
from bridge.clock import EPOCH, Deadline
from bridge.errors import ChannelUnavailable, RequestRefused
from bridge.protocol.schemas.orders import Address, Order, OrderItem, PaymentStatus
from bridge.settings import Settings
from bridge.store.connections import add_connection
from bridge.store.paging import PagingRun, forget_paging_runs
from bridge.sync import paging

NOON = datetime(2026, 3, 1, 12, tzinfo=timezone.utc)
HOUR = timedelta(hours=1)


def order(reference: str) -> Order:
    """An order that Linnworks can take in."""
    return Order(
        reference_number=reference,
        payment_status=PaymentStatus.PAID,
        currency="GBP",
        billing_address=Address(town="Bath"),
        order_items=(OrderItem(order_line_number="1", sku="A"),),
    )


def references(page) -> list[str]:
    return [one.reference_number for one in page.items]


class Shop(DemoChannel):
    """A shop with pages "a", "b" and "c" that keeps what it was asked."""

    def __init__(self) -> None:
        super().__init__({}, Deadline(8), Settings(orders_overlap_seconds=60))
        self.asked: list[tuple[datetime, str | None]] = []
        self.following: dict[str | None, str | None] = {None: "b", "b": "c", "c": None}
        self.meanwhile = lambda: None
        self.clock: datetime | None = None

    def orders(self, since, cursor):
        self.asked.append((since, cursor))
        self.meanwhile()
        return Page([order(cursor or "a")], self.following[cursor], self.clock)

    def down(self):
        raise ChannelUnavailable("The shop is down")


@pytest.fixture
def shop(app):
    return Shop()


@pytest.fixture
def page(shop):
    """Ask for a page of orders."""
    connection = add_connection(account="a", account_name="a", email="a", token_digest="a", step="x", now=NOON)

    def ask(number, since=NOON, now=NOON + HOUR):
        return paging.orders(connection.id, shop, since, number, now)

    return ask


def test_each_page_begins_where_the_one_before_it_ended(page):
    """
    Pages 1 to 3 come in turn, and what is past the end is empty.
    """
    pages = [page(number) for number in (1, 2, 3, 4, 9)]

    assert [["a"], ["b"], ["c"], [], []] == [references(one) for one in pages]
    assert [True, True, False, False, False] == [one.next_cursor is not None for one in pages]


def test_a_page_asked_twice_is_the_same(shop, page):
    """
    A repeat, on its way or after the run, begins at the same place.
    """
    page(1), page(2)

    assert ["b"] == references(page(2))
    assert ["c"] == references(page(3))
    assert ["b"] == references(page(2))


@pytest.mark.parametrize("number", [0, -1])
def test_pages_begin_at_one(page, number):
    """
    A page below 1 is refused.
    """
    with pytest.raises(RequestRefused, match="Invalid page number"):
        page(number)


def test_a_page_whose_beginning_is_not_known_is_refused(page):
    """
    Neither without a run, nor ahead in a run, nor in a run asked since another moment.
    """
    for number, since in ((2, NOON), (3, NOON), (2, NOON + HOUR)):
        with pytest.raises(RequestRefused, match="please start at page 1"):
            page(number, since)
        page(1)


def test_a_shop_that_fails_is_an_error_and_the_run_goes_on_afterwards(shop, page):
    """
    A failed page is never an empty one; asked again it comes.
    """
    page(1)
    shop.meanwhile = shop.down
    with pytest.raises(ChannelUnavailable, match="The shop is down"):
        page(2)
    shop.meanwhile = lambda: None

    assert ["b"] == references(page(2))


def test_a_shop_that_serves_the_same_page_again_is_found_out(shop, page):
    """
    A next cursor that was seen before in the run is an error, not a run without end.
    """
    shop.following["c"] = "b"
    page(1), page(2)

    with pytest.raises(ChannelUnavailable, match="same page again"):
        page(3)


def test_an_answer_that_was_overtaken_is_not_given(shop, page):
    """
    Where the same page is asked again while the first is still being read, only the later one counts.
    """
    page(1)
    shop.meanwhile = lambda: (setattr(shop, "meanwhile", lambda: None), page(2))
    with pytest.raises(ChannelUnavailable, match="asked again meanwhile"):
        page(2)

    assert ["c"] == references(page(3))


def test_the_first_run_reaches_back_by_the_overlap(shop, page):
    """
    Before any complete run, orders are read since UTCTimeFrom less the overlap.
    """
    page(1)

    assert [(NOON - timedelta(seconds=60), None)] == shop.asked


def test_a_run_reaches_back_to_the_start_of_the_last_complete_one(shop, page):
    """
    Where Linnworks' clock says later than our last complete run began, that beginning counts.
    """
    for number in (1, 2, 3):
        page(number, now=NOON + HOUR)
    page(1, since=NOON + 3 * HOUR, now=NOON + 4 * HOUR)

    assert NOON + HOUR - timedelta(seconds=60) == shop.asked[-1][0]


def test_a_retry_reaches_back_as_far_as_the_run_it_repeats(shop, page):
    """
    Asked since the same moment again, the last answer may have been lost: nothing counts as delivered.
    """
    for number in (1, 2, 3):
        page(number, now=NOON + HOUR)
    ahead = NOON + 9 * HOUR  # Linnworks' clock is far ahead of ours
    for number in (1, 2, 3):
        page(number, since=ahead, now=NOON + 2 * HOUR)
    page(1, since=ahead, now=NOON + 3 * HOUR)

    assert NOON + HOUR - timedelta(seconds=60) == shop.asked[-1][0]


def test_a_back_dated_run_does_not_count_for_the_others(shop, page):
    """
    What a run by hand has read may not have arrived, so the next regular run does not rely on it.
    """
    for number in (1, 2, 3):
        page(number, now=NOON + HOUR)
    for number in (1, 2, 3):
        page(number, since=NOON - HOUR, now=NOON + 2 * HOUR)
    page(1, since=NOON + 9 * HOUR, now=NOON + 3 * HOUR)

    assert NOON + HOUR - timedelta(seconds=60) == shop.asked[-1][0]


def test_the_shop_s_own_clock_says_when_a_run_began(shop, page):
    """
    A shop whose clock is behind ours dates its changes by that clock, and so do we.
    """
    shop.clock = NOON - 2 * HOUR
    for number in (1, 2, 3):
        page(number, now=NOON + HOUR)
    page(1, since=NOON + HOUR, now=NOON + HOUR)

    assert NOON - 2 * HOUR - timedelta(seconds=60) == shop.asked[-1][0]


def test_a_run_that_did_not_reach_its_end_does_not_count(shop, page):
    """
    After a broken run the next one reaches back as far as before.
    """
    for number in (1, 2, 3):
        page(number, now=NOON + HOUR)
    page(1, since=NOON + HOUR, now=NOON + 2 * HOUR)
    page(1, since=NOON + 3 * HOUR, now=NOON + 3 * HOUR)

    assert NOON + HOUR - timedelta(seconds=60) == shop.asked[-1][0]


def test_a_back_dated_request_is_honoured(shop, page):
    """
    An earlier UTCTimeFrom than ever before is read from there.
    """
    for number in (1, 2, 3):
        page(number)
    page(1, since=EPOCH + HOUR)

    assert EPOCH + HOUR - timedelta(seconds=60) == shop.asked[-1][0]


def test_the_beginning_of_time_can_be_asked_for(shop, page):
    """
    A UTCTimeFrom before 1970 means everything.
    """
    page(1, since=datetime(1, 1, 1, tzinfo=timezone.utc))

    assert shop.asked[-1][0] == EPOCH


def test_old_runs_are_forgotten(page):
    """
    What is kept does not grow, but the last complete run stays known.
    """
    for number in (1, 2, 3):
        page(number)
    for day in range(1, 10):
        page(1, now=NOON + timedelta(days=day))
    forget_paging_runs(NOON + timedelta(days=7), 500)

    assert PagingRun.select().count() <= 4
    assert 1 == PagingRun.select().where(PagingRun.finished_at.is_null(False)).count()
