"""No order is lost in random schedules of Linnworks, a shop and the bridge between them.

Linnworks moves UTCTimeFrom only after a run that reached its end. The shop fails, edits, adds and deletes orders
between any two pages, answers are lost, runs are interrupted and restarted, a user reads back-dated pages at the same
time, and all clocks differ.
"""

from __future__ import annotations

import itertools
from dataclasses import dataclass
from datetime import timedelta

import pytest
from hypothesis import HealthCheck, Phase, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, precondition, rule, run_state_machine_as_test

from bridge.channels.base import Page
from bridge.channels.demo import DemoChannel
from bridge.clock import EPOCH, Deadline
from bridge.errors import BridgeError, ChannelUnavailable
from bridge.protocol.schemas.orders import Address, Order, OrderItem, PaymentStatus
from bridge.settings import Settings
from bridge.store.connections import add_connection
from bridge.sync import paging

pytestmark = pytest.mark.broad

START = EPOCH + timedelta(days=20_000)
numbers = itertools.count()


@dataclass
class ShopOrder:
    version: int
    changed: int
    sku: str = "A"


@dataclass
class Run:
    """A run of Linnworks through the pages."""

    since: int
    regular: bool
    began: int
    page: int = 1


class Shop(DemoChannel):
    """A shop with numbered orders, a clock of its own and pages of two orders."""

    orders_page_size = 2

    def __init__(self, overlap: int) -> None:
        super().__init__({}, Deadline(3600), Settings(orders_overlap_seconds=overlap))
        self.content: dict[int, ShopOrder] = {}
        self.clock = 0
        self.failing = False

    def orders(self, since, cursor):
        if self.failing:
            raise ChannelUnavailable("The shop is down")
        shown = sorted(
            number
            for number, order in self.content.items()
            if at(order.changed) >= since and number > int(cursor or -1)
        )
        page = shown[:2]
        return Page([self._order(one) for one in page], str(page[-1]) if len(shown) > 2 else None, at(self.clock))

    def order(self, reference):
        if self.failing:
            raise ChannelUnavailable("The shop is down")
        return self._order(int(reference)) if int(reference) in self.content else None

    def _order(self, number):
        order = self.content[number]
        return Order(
            reference_number=str(number),
            external_reference=str(order.version),
            payment_status=PaymentStatus.PAID,
            currency="GBP",
            billing_address=Address(town="Bath"),
            order_items=(OrderItem(order_line_number="1", sku=order.sku),),
        )


def at(seconds: int):
    return START + timedelta(seconds=seconds)


class Machine(RuleBasedStateMachine):
    @initialize(
        shop_skew=st.integers(-50, 50), ahead=st.integers(-50, 50), back_dated=st.booleans(), moves_to_end=st.booleans()
    )
    def begin(self, shop_skew, ahead, back_dated, moves_to_end):
        """Linnworks' clock may be ahead of the shop's by the overlap, or by more if there are no back-dated runs."""
        self.back_dated = back_dated
        overlap = max(0, ahead) if back_dated else 0
        linnworks_skew = shop_skew + ahead
        number = next(numbers)
        self.connection = add_connection(
            account=f"a{number}", account_name="a", email="a", token_digest=f"d{number}", step="x", now=START
        )
        self.shop = Shop(overlap)
        self.time = 100
        self.shop_skew, self.linnworks_skew, self.moves_to_end = shop_skew, linnworks_skew, moves_to_end
        self.versions = itertools.count(1)
        self.since = 0
        self.known: dict[int, int] = {}
        self.runs: list[Run] = []
        self.changed_at: dict[int, int] = {}

    # -- the shop --------------------------------------------------------------------------------------

    def _change(self, number: int, sku: str) -> None:
        changed = self.time + self.shop_skew
        self.shop.content[number] = ShopOrder(next(self.versions), changed, sku)
        self.changed_at[number] = self.time

    @rule(seconds=st.integers(1, 40))
    def time_passes(self, seconds):
        self.time += seconds

    @rule(sku=st.sampled_from(["A", "A", ""]))
    def place(self, sku):
        self._change(len(self.changed_at), sku)

    @precondition(lambda self: self.shop.content)
    @rule(choice=st.randoms(use_true_random=False), sku=st.sampled_from(["A", "A", ""]))
    def edit(self, choice, sku):
        self._change(choice.choice(sorted(self.shop.content)), sku)

    @precondition(lambda self: self.shop.content)
    @rule(choice=st.randoms(use_true_random=False))
    def give_a_sku(self, choice):
        """The product gets its SKU, which does not touch the order."""
        self.shop.content[choice.choice(sorted(self.shop.content))].sku = "A"

    @precondition(lambda self: self.shop.content)
    @rule(choice=st.randoms(use_true_random=False))
    def delete(self, choice):
        del self.shop.content[choice.choice(sorted(self.shop.content))]

    # -- Linnworks -------------------------------------------------------------------------------------

    @rule(back=st.one_of(st.none(), st.integers(0, 200)))
    def start_run(self, back):
        """Start the regular run, or a back-dated one, in place of one under way."""
        if not self.back_dated:
            back = None
        self.runs = [run for run in self.runs if run.regular != (back is None)]
        self.runs.append(Run(max(0, self.since - (back or 0)), back is None, self.time))

    @rule()
    def complete_run(self):
        """Do a regular run without a failure."""
        self.start_run(None)
        run = self.runs[-1]
        while run in self.runs:
            self.ask(last=True, outcome="arrives", gives_up=False)

    @precondition(lambda self: self.runs)
    @rule(
        last=st.booleans(),
        outcome=st.sampled_from(["arrives", "arrives", "arrives", "is lost", "is asked twice", "fails"]),
        gives_up=st.booleans(),
    )
    def ask(self, last, outcome, gives_up):
        run = self.runs[-1 if last else 0]
        if outcome == "is asked twice":
            self._page(run)
        self.shop.failing = outcome == "fails"
        page = self._page(run)
        self.shop.failing = False
        if page is None or outcome == "is lost":
            if gives_up:
                self.runs.remove(run)
            return
        for order in page.items:
            self.known[int(order.reference_number)] = int(order.external_reference)
        run.page += 1
        if page.next_cursor is None:
            self._arrived(run)

    def _page(self, run: Run):
        self.shop.clock = self.time + self.shop_skew
        try:
            return paging.orders(self.connection.id, self.shop, at(run.since), run.page, at(self.time))
        except BridgeError:
            return None

    def _arrived(self, run: Run) -> None:
        """Check that a complete run has delivered every version that did not change during it."""
        self.runs.remove(run)
        if run.regular:
            self.since = (self.time if self.moves_to_end else run.began) + self.linnworks_skew
            missing = {
                number: order
                for number, order in self.shop.content.items()
                if order.sku and self.changed_at[number] < run.began and self.known.get(number) != order.version
            }
            assert not missing

    def teardown(self):
        if not hasattr(self, "connection"):
            return
        self.runs = []
        for _ in range(2):
            self.time += 1
            self.complete_run()
        latest = {number: order.version for number, order in self.shop.content.items() if order.sku}

        assert latest == {number: self.known.get(number) for number in latest}


@pytest.mark.parametrize("schedules", [40, pytest.param(5000, marks=pytest.mark.long)])
def test_no_order_is_lost_in_any_schedule(app, schedules):
    """
    A complete run delivers every version that does not change during it, and in the end Linnworks has the newest.
    """
    run_state_machine_as_test(
        Machine,
        settings=settings(
            max_examples=schedules,
            phases=[Phase.explicit, Phase.generate],  # no shrinking of a failed schedule: it takes minutes
            stateful_step_count=40,
            deadline=None,
            suppress_health_check=list(HealthCheck),
            derandomize=schedules < 1000,
            database=None,
        ),
    )
