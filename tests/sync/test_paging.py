"""A run over the shop's pages misses nothing, whatever is repeated, lost or changed on the way."""

from __future__ import annotations

from datetime import datetime, timedelta, timezone

import pytest

from bridge.channels.base import Page
from bridge.channels.demo import DemoChannel
from bridge.clock import EPOCH, Deadline
from bridge.errors import ChannelUnavailable, RequestRefused
from bridge.protocol.schemas.orders import Address, Order, OrderItem, PaymentStatus
from bridge.settings import Settings
from bridge.store.connections import Connection, add_connection
from bridge.store.database import database
from bridge.store.paging import PagingRun, forget_paging_runs
from bridge.store.restored import forget_outdated
from bridge.sync import paging

NOON = datetime(2026, 3, 1, 12, tzinfo=timezone.utc)
HOUR = timedelta(hours=1)


def order(reference: str) -> Order:
    """Return an order that Linnworks accepts."""
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
    """A shop with pages "a", "b" and "c" that records what it was asked."""

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
    """Read a page of orders."""
    connection = add_connection(account="a", account_name="a", email="a", token_digest="a", step="x", now=NOON)

    def ask(number, since=NOON, now=NOON + HOUR):
        return paging.orders(connection.id, shop, since, number, now)

    return ask


def test_each_page_starts_where_the_one_before_it_ended(page):
    """
    Pages 1 to 3 follow each other, and pages behind the last one are empty.
    """
    pages = [page(number) for number in (1, 2, 3, 4, 9)]

    assert [["a"], ["b"], ["c"], [], []] == [references(one) for one in pages]
    assert [True, True, False, False, False] == [one.next_cursor is not None for one in pages]


def test_a_page_asked_twice_is_the_same(shop, page):
    """
    A repeat starts at the same cursor, during the run and after it.
    """
    page(1), page(2)

    assert ["b"] == references(page(2))
    assert ["c"] == references(page(3))
    assert ["b"] == references(page(2))


@pytest.mark.parametrize("number", [0, -1])
def test_a_page_below_one_is_refused(page, number):
    """
    Pages are numbered from 1.
    """
    with pytest.raises(RequestRefused, match="Invalid page number"):
        page(number)


def test_a_page_with_an_unknown_cursor_is_refused(page):
    """
    This holds without a run, ahead in a run, and in a run asked since another moment.
    """
    for number, since in ((2, NOON), (3, NOON), (2, NOON + HOUR)):
        with pytest.raises(RequestRefused, match="please start at page 1"):
            page(number, since)
        page(1)


def test_a_run_of_a_restored_database_is_not_resumed(page):
    """
    Linnworks may have seen other pages since the backup, so neither a page nor the end is taken from it.
    """
    page(1), page(2), page(3)
    forget_outdated(database.execute_sql)

    for number in (2, 4):
        with pytest.raises(RequestRefused, match="please start at page 1"):
            page(number)


def test_a_failing_shop_is_an_error_and_the_run_continues_afterwards(shop, page):
    """
    A failed page is never an empty one, and may be asked for again.
    """
    page(1)
    shop.meanwhile = shop.down
    with pytest.raises(ChannelUnavailable, match="The shop is down"):
        page(2)
    shop.meanwhile = lambda: None

    assert ["b"] == references(page(2))


def test_a_shop_that_repeats_a_page_is_an_error(shop, page):
    """
    A next cursor that the run has had before does not lead to an endless run.
    """
    shop.following["c"] = "b"
    page(1), page(2)

    with pytest.raises(ChannelUnavailable, match="same page again"):
        page(3)


def test_an_overtaken_read_of_a_page_is_an_error(shop, page):
    """
    If a page is asked for again while it is being read, only the later read counts.
    """
    page(1)
    shop.meanwhile = lambda: (setattr(shop, "meanwhile", lambda: None), page(2))
    with pytest.raises(ChannelUnavailable, match="asked for again meanwhile"):
        page(2)

    assert ["c"] == references(page(3))


def test_runs_asked_alike_whose_pages_differ_start_again(shop, page):
    """
    Page 2 may be asked for by the older run, which ended elsewhere; both start again, and the next run is served.
    """
    page(1)
    shop.following[None] = "c"  # the shop's pages are longer by now
    lost = page(1)
    with pytest.raises(RequestRefused, match="start at page 1"):
        page(2)
    with pytest.raises(RequestRefused, match="start at page 1"):
        page(2)

    assert ["a"] == references(lost)
    assert [["a"], ["c"]] == [references(page(number)) for number in (1, 2)]


def test_runs_asked_alike_with_the_same_pages_are_served_alike(page):
    """
    Two runs that agree so far go on, each at its own pace.
    """
    asked = [page(number) for number in (1, 1, 2, 2, 3, 3)]

    assert [["a"], ["a"], ["b"], ["b"], ["c"], ["c"]] == [references(one) for one in asked]


def test_a_page_that_two_runs_may_follow_does_not_change_its_end(shop, page):
    """
    One of them goes on from where the page ended for it, so a page that ends elsewhere is an error for the other.
    """
    page(1), page(1), page(2)
    shop.following["b"] = None
    with pytest.raises(ChannelUnavailable, match="start at page 1"):
        page(2)

    assert ["c"] == references(page(3))


def test_a_run_that_is_begun_again_may_have_other_pages(shop, page):
    """
    Pages that the run before it has passed already are not mistaken for its own.
    """
    page(1), page(2), page(3)
    shop.following[None] = "x"
    shop.following["x"] = "c"
    page(1)

    assert ["x"] == references(page(2))


def test_the_first_run_reaches_back_by_the_overlap(shop, page):
    """
    Before any complete run, orders are read since UTCTimeFrom minus the overlap.
    """
    page(1)

    assert [(NOON - timedelta(seconds=60), None)] == shop.asked


def test_a_run_reaches_back_to_the_start_of_the_last_complete_one(shop, page):
    """
    This holds even if Linnworks asks since a later moment.
    """
    for number in (1, 2, 3):
        page(number, now=NOON + HOUR)
    page(1, since=NOON + 3 * HOUR, now=NOON + 4 * HOUR)

    assert NOON + HOUR - timedelta(seconds=60) == shop.asked[-1][0]


def test_a_retry_reaches_back_as_far_as_the_run_it_repeats(shop, page):
    """
    If Linnworks asks since the same moment again, the last answer may have been lost, so nothing counts as delivered.
    """
    for number in (1, 2, 3):
        page(number, now=NOON + HOUR)
    ahead = NOON + 9 * HOUR  # Linnworks' clock is far ahead of ours
    for number in (1, 2, 3):
        page(number, since=ahead, now=NOON + 2 * HOUR)
    page(1, since=ahead, now=NOON + 3 * HOUR)

    assert NOON + HOUR - timedelta(seconds=60) == shop.asked[-1][0]


def test_a_back_dated_run_does_not_count_for_regular_ones(shop, page):
    """
    What it has read may not have arrived, so the next regular run does not rely on it.
    """
    for number in (1, 2, 3):
        page(number, now=NOON + HOUR)
    for number in (1, 2, 3):
        page(number, since=NOON - HOUR, now=NOON + 2 * HOUR)
    page(1, since=NOON + 9 * HOUR, now=NOON + 3 * HOUR)

    assert NOON + HOUR - timedelta(seconds=60) == shop.asked[-1][0]


def test_a_run_starts_by_the_shop_s_clock(shop, page):
    """
    The shop dates changes by its own clock, which may be behind ours.
    """
    shop.clock = NOON - 2 * HOUR
    for number in (1, 2, 3):
        page(number, now=NOON + HOUR)
    page(1, since=NOON + HOUR, now=NOON + HOUR)

    assert NOON - 2 * HOUR - timedelta(seconds=60) == shop.asked[-1][0]


def test_a_shop_s_clock_that_was_set_back_is_followed(shop, page):
    """
    Orders that changed since are dated before the last run, so the next one reaches back by as much, on all pages.
    """
    shop.clock = NOON + HOUR
    for number in (1, 2, 3):
        page(number, now=NOON + HOUR)
    shop.clock = NOON + HOUR + timedelta(minutes=10) - HOUR
    page(1, since=NOON + HOUR, now=NOON + HOUR + timedelta(minutes=10))
    page(2, since=NOON + HOUR, now=NOON + HOUR + timedelta(minutes=10))

    assert [(NOON - timedelta(seconds=60), None), (NOON - timedelta(seconds=60), "b")] == shop.asked[-2:]


def test_a_shop_s_clock_that_was_set_back_with_ours_is_followed_one_run_later(shop, page):
    """
    Of two clocks of one machine neither tells of the other, but Linnworks' own clock does.
    """
    ten = timedelta(minutes=10)
    for at, since in ((NOON + HOUR, NOON), (NOON + ten, NOON + HOUR)):
        shop.clock = at
        for number in (1, 2, 3):
            page(number, since=since, now=at)
    shop.clock = NOON + 2 * ten
    page(1, since=NOON + HOUR + ten, now=shop.clock)

    assert NOON - timedelta(seconds=60) == shop.asked[-1][0]


def test_with_no_complete_run_a_run_reaches_back_to_the_first(shop, page):
    """
    A restored database does not know by which runs Linnworks has moved on.
    """
    page(1, since=NOON - 9 * HOUR, now=NOON)
    page(1, since=NOON + HOUR, now=NOON + 2 * HOUR)

    assert NOON - 9 * HOUR - timedelta(seconds=60) == shop.asked[-1][0]


def test_with_no_run_at_all_a_run_reaches_back_to_the_end_of_the_wizard(shop, page):
    """
    The database was restored from a backup of before the first poll.
    """
    Connection.update(completed_at=NOON - 5 * HOUR).execute()
    page(1, since=NOON + HOUR, now=NOON + 2 * HOUR)

    assert NOON - 5 * HOUR - timedelta(seconds=60) == shop.asked[-1][0]


def test_a_run_by_hand_before_all_complete_ones_reads_from_its_moment(shop, page):
    """
    Not from the end of the wizard, which may be years ago.
    """
    Connection.update(completed_at=NOON - 999 * HOUR).execute()
    for number in (1, 2, 3):
        page(number)
    page(1, since=NOON - HOUR, now=NOON + HOUR)

    assert NOON - HOUR - timedelta(seconds=60) == shop.asked[-1][0]


def test_an_incomplete_run_does_not_count(shop, page):
    """
    After an interrupted run the next one reaches back as far as before.
    """
    for number in (1, 2, 3):
        page(number, now=NOON + HOUR)
    page(1, since=NOON + HOUR, now=NOON + 2 * HOUR)
    page(1, since=NOON + 3 * HOUR, now=NOON + 3 * HOUR)

    assert NOON + HOUR - timedelta(seconds=60) == shop.asked[-1][0]


def test_a_back_dated_request_is_read_from_its_moment(shop, page):
    """
    An earlier UTCTimeFrom than ever before counts.
    """
    for number in (1, 2, 3):
        page(number)
    page(1, since=EPOCH + HOUR)

    assert EPOCH + HOUR - timedelta(seconds=60) == shop.asked[-1][0]


def test_a_moment_before_the_last_complete_run_is_read_from_there(shop, page):
    """
    Our own runs never make a run reach back less far than Linnworks asks.
    """
    for number in (1, 2, 3):
        page(number, since=NOON - 9 * HOUR)
    page(1, since=NOON - 5 * HOUR, now=NOON + 2 * HOUR)

    assert NOON - 5 * HOUR - timedelta(seconds=60) == shop.asked[-1][0]


def test_a_moment_before_1970_means_everything(shop, page):
    """
    Such a UTCTimeFrom is read from the epoch.
    """
    page(1, since=datetime(1, 1, 1, tzinfo=timezone.utc))

    assert shop.asked[-1][0] == EPOCH


def test_old_runs_are_deleted(page):
    """
    The number of runs does not grow, and the last complete run stays.
    """
    for number in (1, 2, 3):
        page(number)
    for day in range(1, 10):
        page(1, now=NOON + timedelta(days=day))
    forget_paging_runs(NOON + timedelta(days=7), 500)

    assert PagingRun.select().count() <= 4
    assert 1 == PagingRun.select().where(PagingRun.finished_at.is_null(False)).count()
