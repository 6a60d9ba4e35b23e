"""However many orders are held, those that can be sent by now are found soon, and no poll takes long."""

from __future__ import annotations

from datetime import datetime, timedelta, timezone
from types import SimpleNamespace

import pytest

from bridge import clock
from bridge.clock import Deadline
from bridge.errors import ChannelUnavailable
from bridge.settings import Settings
from bridge.store.connections import add_connection
from bridge.store.orders import SeenOrder, held_orders, record_orders
from bridge.sync import paging
from bridge.sync.held_orders import OWN_PAGES, Rechecks
from tests.sync.test_held_orders import Shop

NOON = datetime(2026, 3, 1, 12, tzinfo=timezone.utc)
CALL_TAKES = 0.09

pytestmark = pytest.mark.broad  # hundreds of held orders each


class Stepped(clock.Clock):
    """A clock that moves when the shop is called, and when a test says so."""

    seconds = 0.0

    def now(self):
        return NOON + timedelta(seconds=self.seconds)

    def monotonic(self):
        return self.seconds


class SlowShop(Shop):
    """A shop of held orders that takes its time for each."""

    def __init__(self, time: Stepped) -> None:
        super().__init__()
        self.time = time
        self.read: list[str] = []

    def order(self, reference):
        self.time.seconds += CALL_TAKES
        self.read.append(reference)
        return super().order(reference)


@pytest.fixture
def time():
    """Make this the clock of the bridge."""
    stepped = Stepped()
    previous = clock.use(stepped)
    yield stepped
    clock.use(previous)


@pytest.fixture
def connections(app):
    """Return two connections."""
    return [
        add_connection(account=name, account_name=name, email=name, token_digest=name, step="x", now=NOON).id
        for name in ("a", "b")
    ]


@pytest.fixture
def shop(app, time):
    return SlowShop(time)


@pytest.fixture
def hold(connections, shop):
    """Hold this many orders of the shop for a connection, checked an hour and more before noon."""

    def add(count, connection=0):
        for number in range(count):
            reference = f"{number:05}"
            shop.put(reference, "", NOON - timedelta(days=9))
            checked = NOON - timedelta(hours=2) + timedelta(seconds=number)
            record_orders(connections[connection], {}, {reference: ("", "no SKU")}, run=None, now=checked)

    return add


@pytest.fixture
def poll(connections, shop, time):
    """Read all pages of a run and return the references of the orders on each."""

    def go():
        since, pages, more = time.now(), [], True
        while more:
            shop.deadline = Deadline(8)
            page = paging.orders(connections[0], shop, since, len(pages) + 1, time.now())
            pages.append([order.reference_number for order in page.items])
            more = page.next_cursor is not None
        return pages

    return go


@pytest.fixture
def recheck(shop, time):
    """Let the worker read held orders for some seconds."""
    task = Rechecks()
    channels = SimpleNamespace(settings=Settings(), open_for=lambda connection, deadline: shop)

    def go(seconds):
        end = time.seconds + seconds
        while time.seconds < end:
            assert not task.work_one(channels)
            time.seconds += 1

    return go


def test_a_poll_takes_a_share_of_its_budget_however_many_are_held(hold, poll, time):
    """
    Two of the eight seconds, after which its answer has what the shop listed.
    """
    hold(300)

    assert [[]] == poll()
    assert 2 <= time.seconds < 2.1


def test_an_order_that_can_be_sent_is_found_between_polls_and_comes_with_the_next(hold, poll, recheck, shop):
    """
    The last of three hundred is found within minutes, and the next run begins with it.
    """
    hold(300)
    shop.skus["00299"] = "A"
    recheck(240)
    shop.read.clear()

    assert 299 == len(held_orders())
    assert [["00299"]] == poll()
    assert "00299" == shop.read[0]


def test_many_that_can_be_sent_come_on_pages_of_their_own(hold, poll, recheck, shop):
    """
    Each is read within the budget of its page, and none comes twice; what is over the most pages comes later.
    """
    hold(300)
    shop.skus |= dict.fromkeys(shop.skus, "A")
    recheck(240)
    pages = poll()

    assert [] == held_orders()
    assert sorted(shop.skus) == sorted(reference for page in pages for reference in page)
    assert 3 < len(pages) <= 1 + OWN_PAGES


def test_a_run_has_at_most_so_many_pages_of_held_orders(hold, poll, recheck, shop, monkeypatch):
    """
    The rest comes with the next run, after what the first has carried was not proven to arrive, in its turn.
    """
    monkeypatch.setattr("bridge.sync.held_orders.OWN_PAGES", 1)
    hold(300)
    shop.skus |= dict.fromkeys(shop.skus, "A")
    recheck(240)
    first, second = poll(), poll()
    came = {reference for page in first for reference in page}

    assert 2 == len(first)
    assert came.isdisjoint(second[0])


def test_a_page_of_held_orders_asked_for_again_has_them_again(hold, connections, recheck, shop, time):
    """
    Its answer was lost, and so may be what the pages before it carried.
    """
    hold(100)
    shop.skus |= dict.fromkeys(shop.skus, "A")
    recheck(90)
    since = time.now()
    pages = []
    for number in (1, 2, 2, 3, 4):
        shop.deadline = Deadline(8)
        page = paging.orders(connections[0], shop, since, number, time.now())
        pages.append([order.reference_number for order in page.items])

    assert set(shop.skus) == {reference for page in pages[2:] for reference in page} | set(pages[0])
    assert set(pages[1]) <= {reference for page in pages[2:] for reference in page}


def test_a_page_of_held_orders_that_cannot_be_read_is_the_last(hold, poll, recheck, shop):
    """
    They stay for the next run.
    """
    hold(100)
    shop.skus |= dict.fromkeys(shop.skus, "A")
    recheck(90)
    read = shop.order

    def fails_after_a_page(reference):
        if len(shop.read) >= 30:
            shop.time.seconds += 1
            raise ChannelUnavailable("The shop is down")
        return read(reference)

    shop.read.clear()
    shop.order = fails_after_a_page
    first = poll()
    shop.order = read
    came = {reference for page in [*first, *poll(), *poll()] for reference in page}

    assert [23, 7, 0] == [len(page) for page in first]
    assert set(shop.skus) == came


def test_a_shop_that_fails_is_left_alone_and_does_not_delay_the_others(hold, connections, recheck, shop, time):
    """
    Of two connections with held orders one cannot be read: after a failure the other has its turn.
    """
    hold(3, connection=0)
    hold(3, connection=1)
    failed = []
    read = shop.order

    def order(reference):
        if (held := SeenOrder.get(SeenOrder.checked_at == time.now())).connection_id == connections[0]:
            failed.append(held.reference)
            time.seconds += CALL_TAKES
            raise ChannelUnavailable("The shop is down")
        return read(reference)

    shop.order = order
    recheck(50)

    assert 1 == len(failed)
    assert 3 == len(shop.read)


def test_an_order_just_checked_is_not_checked_by_the_worker(hold, recheck, shop):
    """
    Where the runs of Linnworks read all that are held, the worker has nothing to do.
    """
    hold(3)
    SeenOrder.update(checked_at=NOON - timedelta(minutes=5)).execute()
    recheck(60)

    assert [] == shop.read


def test_a_clock_that_was_set_back_does_not_stop_the_checks(hold, recheck, shop):
    """
    A check in the future says nothing.
    """
    hold(3)
    SeenOrder.update(checked_at=NOON + timedelta(hours=9)).execute()
    recheck(60)

    assert 3 == len(shop.read)


def test_the_worker_gives_up_what_the_shop_no_longer_has(hold, recheck, shop):
    """
    It is not asked for again.
    """
    hold(2)
    del shop.skus["00001"]
    recheck(60)

    assert ["00000"] == [row.reference for row in held_orders()]


def test_the_worker_takes_a_share_of_its_time(hold, recheck, shop):
    """
    Three orders each second and a quarter, so that ten thousand take an hour and a quarter.
    """
    hold(300)
    recheck(100)

    assert 220 <= len(shop.read) <= 260
