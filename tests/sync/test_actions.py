"""An order action is done once, however often it is asked for, and whatever becomes of its answer."""

from __future__ import annotations

from dataclasses import replace as changed
from datetime import datetime, timedelta, timezone
from decimal import Decimal

import pytest
from msgspec.structs import replace

from bridge.channels.base import LineState, OrderState, ShopAction
from bridge.channels.demo import DemoChannel
from bridge.clock import Deadline, now
from bridge.errors import ChannelRefused, ChannelUnavailable, OutcomeUnknown, RequestRefused
from bridge.protocol.schemas.after_sale import Cancellation, CancellationItem, Refund
from bridge.protocol.schemas.orders import DespatchItem, DespatchOrder
from bridge.store.actions import Action, lease_order
from bridge.store.connections import add_connection
from bridge.sync import actions, order_actions

REFUND = Refund(reference_number="1001", refund_shipping_amount=Decimal(1))
CANCEL = Cancellation(
    reference_number="1001", items=(CancellationItem(order_line_number="A", cancellation_quantity=1),)
)
NOON = datetime(2026, 11, 26, 12, tzinfo=timezone.utc)
OTHER = replace(REFUND, refund_shipping_amount=Decimal(2))


class Shop(DemoChannel):
    """A shop with order 1001, ten pieces of line A, that knows what was done by key."""

    def __init__(self, settings) -> None:
        super().__init__({}, Deadline(8), settings)
        self.actions: list[ShopAction] = []
        self.failing: list[Exception] = []
        self.lookup_fails: list[Exception] = []
        self.losing = False
        self.half_done = self.late = False
        self.shows_time = False
        self.ahead = timedelta(0)

    @property
    def done(self) -> list[str]:
        return [action.kind for action in self.actions]

    def order_state(self, reference):
        if reference != "1001":
            return None
        pieces = [action.pieces.get("A", 0) for action in self.actions if action.kind == "despatch"]
        line = LineState("A", "SKU-A", ordered=10, shipped=sum(pieces))
        return OrderState(reference, [line], tuple(self.actions), as_of=now() + self.ahead if self.shows_time else None)

    def _do(self, action):
        if self.failing:
            raise self.failing.pop(0)
        if action.key not in {known.key for known in self.actions}:
            self.actions.append(changed(action, at=now(), result=f"R-{len(self.actions) + 1}"))
        if self.losing:
            self.losing = False
            raise OutcomeUnknown("The answer was lost")
        self.half_done = False
        if self.late:
            self.deadline = Deadline(0)
        return next(known.result for known in self.actions if known.key == action.key)

    def refund(self, refund, key):
        return self._do(ShopAction("refund", key))

    def cancel(self, cancellation, key):
        self._do(ShopAction("cancel", key))

    def despatch(self, parcel, key):
        self._do(
            ShopAction(
                "despatch",
                key,
                pieces=parcel.pieces,
                tracking_numbers=tuple(one.number for one in parcel.tracking),
                processed_on=parcel.processed_on,
            )
        )

    def find_result(self, kind, reference, key):
        if self.lookup_fails:
            raise self.lookup_fails.pop()
        known = next((action for action in self.actions if action.key == key), None)
        return known.result if known and not self.half_done else None


@pytest.fixture
def shop(app, settings):
    return Shop(settings)


@pytest.fixture
def connection(app):
    return add_connection(account="a", account_name="a", email="a", token_digest="a", step="UserConfig", now=now())


@pytest.fixture
def refund(shop, connection):
    """Ask for a refund."""
    return lambda message=REFUND: order_actions.refund(connection, shop, message)


@pytest.fixture
def cancel(shop, connection):
    """Ask for a cancel."""
    return lambda message=CANCEL: order_actions.cancel(connection, shop, message)


@pytest.fixture
def despatch(shop, connection):
    """Ask for a despatch and return the outcomes."""
    return lambda *entries: order_actions.despatch(connection, shop, entries)


def parcel(count=1, number="", minutes=0):
    """Return an entry for pieces of line A."""
    return DespatchOrder(
        reference_number="1001",
        tracking_number=number,
        processed_on=NOON + timedelta(minutes=minutes),
        items=(DespatchItem(order_line_number="A", despatched_quantity=count),),
    )


@pytest.fixture(autouse=True)
def time(monkeypatch):
    """The clock of this process that only grows: `time.pass_by(seconds)`."""

    class Time:
        """Seconds that only grow."""

        seconds = 1000.0

        def pass_by(self, seconds):
            self.seconds += seconds

        def restart(self):
            """Forget what the process knew, as a new one."""
            monkeypatch.setattr(actions, "_elapsed", actions._Elapsed())
            monkeypatch.setattr(actions, "_answered", actions._Answered())

    found = Time()
    monkeypatch.setattr(actions.clock, "monotonic", lambda: found.seconds)
    found.restart()
    return found


def crash() -> None:
    """Leave the action as a process does that has crashed while it was sent."""
    Action.update(state="planned").execute()


# -- repeats -------------------------------------------------------------------------------------------


def test_a_repeat_gets_the_recorded_result(shop, refund):
    """
    Ten equal requests are one refund with one reference.
    """
    assert {"R-1"} == {refund() for _ in range(10)}
    assert ["refund"] == shop.done


def test_other_content_is_another_action(refund):
    """
    A refund of another amount is done as well.
    """
    assert ("R-1", "R-2") == (refund(), refund(OTHER))


def test_equal_amounts_in_other_notations_are_the_same_action(refund):
    """
    1, 1.0 and 1.00 are equal content.
    """
    assert {"R-1"} == {refund(replace(REFUND, refund_shipping_amount=Decimal(text))) for text in ("1", "1.0", "1.00")}


def test_reasons_and_the_order_of_items_are_no_part_of_what_is_asked(shop, cancel):
    """
    A cancel that only gives another reason, or its lines in another order, is a repeat.
    """
    cancel()
    cancel(replace(CANCEL, items=(replace(CANCEL.items[0], reason="Damaged", sku="other"),)))

    assert ["cancel"] == shop.done


def test_quantities_of_one_line_add_up(shop, cancel):
    """
    A line that comes twice in a cancel is asked for with the sum.
    """
    cancel(replace(CANCEL, items=(*CANCEL.items, *CANCEL.items)))
    cancel(replace(CANCEL, items=(replace(CANCEL.items[0], cancellation_quantity=2),)))

    assert ["cancel"] == shop.done


@pytest.mark.parametrize("kind", ["refund", "cancel"])
def test_equal_content_is_a_new_action_after_a_while(shop, refund, cancel, time, kind):
    """
    Within 15 minutes of the last answer it is a repeat, later a new one.
    """
    ask = {"refund": refund, "cancel": cancel}[kind]
    ask()
    time.pass_by(800)
    ask()
    time.pass_by(800)
    ask()

    assert [kind] == shop.done
    time.pass_by(901)
    ask()
    ask()
    assert [kind, kind] == shop.done


def test_a_clock_that_jumps_ahead_makes_no_repeat_a_new_action(shop, refund, time):
    """
    A new process has only the time of day to go by, and the shop's clock where that tells.
    """
    shop.shows_time = True
    refund()
    time.restart()
    Action.update(answered_at=now() - timedelta(days=1)).execute()

    assert "R-1" == refund()


def test_the_last_answer_counts_whichever_process_gave_it(shop, refund, time, monkeypatch):
    """
    Of two processes one was asked at first and at last, the other in between.
    """
    refund()
    first = actions._answered
    time.pass_by(600)
    monkeypatch.setattr(actions, "_answered", actions._Answered())
    Action.update(answered_at=now() - timedelta(seconds=600)).execute()
    refund()
    monkeypatch.setattr(actions, "_answered", first)
    time.pass_by(360)

    assert "R-1" == refund()


def test_a_clock_that_was_set_back_swallows_no_new_action_for_long(shop, refund, time):
    """
    In a new process, time counts from when it first meets the action.
    """
    refund()
    time.restart()
    Action.update(answered_at=now() + timedelta(days=1)).execute()
    later = Action.get().answered_at
    refund()
    Action.update(answered_at=later).execute()
    time.pass_by(1000)

    assert "R-2" == refund()


def test_an_action_that_was_not_answered_in_time_is_repeated_at_any_time(shop, refund, time):
    """
    Linnworks never learned of it, so an equal one cannot be new.
    """
    shop.late = True
    refund()
    shop.deadline, shop.late = Deadline(8), False
    time.pass_by(100_000)

    assert "R-1" == refund()
    assert ["refund"] == shop.done


def test_repeats_are_logged(refund, despatch, caplog):
    """
    The owner can see what was taken for a repeat.
    """
    caplog.set_level("INFO")
    refund()
    refund()
    despatch(parcel(1, "T1"))
    despatch(parcel(1, "T1"))

    assert 2 == sum("is taken for a repeat" in record.getMessage() for record in caplog.records)


@pytest.mark.parametrize(("quantity", "words"), [(None, "How many of line A"), (0, "every CancellationQuantity is 0")])
def test_a_cancel_says_how_many(shop, cancel, quantity, words):
    """
    No quantity is an error, and nothing of a line is not all of the order.
    """
    with pytest.raises(RequestRefused, match=words):
        cancel(replace(CANCEL, items=(replace(CANCEL.items[0], cancellation_quantity=quantity),)))

    assert [] == shop.done


def test_an_order_that_the_shop_does_not_have_is_refused(shop, refund, despatch):
    """
    Nothing is sent.
    """
    with pytest.raises(ChannelRefused, match="no order 77"):
        refund(replace(REFUND, reference_number="77"))

    assert [] == shop.done


# -- answers that never arrived ---------------------------------------------------------------------------


def test_a_lost_answer_is_looked_up_before_anything_is_sent(shop, refund):
    """
    The shop has done the refund and its answer was lost: the repeat finds the result.
    """
    shop.losing = True
    with pytest.raises(OutcomeUnknown):
        refund()

    assert "R-1" == refund()
    assert ["refund"] == shop.done


def test_a_lost_request_is_sent_again_once_the_shop_cannot_be_working_on_it(shop, refund, time):
    """
    The shop knows nothing of the refund.
    """
    shop.failing = [OutcomeUnknown("The answer was lost")]
    with pytest.raises(OutcomeUnknown):
        refund()
    time.pass_by(20)
    with pytest.raises(ChannelUnavailable, match="not known yet"):
        refund()
    time.pass_by(20)

    assert "R-1" == refund()
    assert ["refund"] == shop.done


def test_another_action_waits_for_an_unknown_one(shop, refund, cancel, time):
    """
    What became of the first decides what is left for the second.
    """
    shop.failing = [OutcomeUnknown("The answer was lost")]
    with pytest.raises(OutcomeUnknown):
        refund()
    with pytest.raises(ChannelUnavailable, match="not known yet"):
        cancel()
    time.pass_by(40)
    cancel()

    assert ["cancel"] == shop.done


@pytest.mark.parametrize("jump", [timedelta(days=-1), timedelta(days=1)])
def test_a_clock_that_jumps_changes_nothing(shop, refund, time, monkeypatch, jump):
    """
    An unknown action is neither sent again early nor blocked for long: only time that really passed counts.
    """
    shop.failing = [OutcomeUnknown("The answer was lost")]
    with pytest.raises(OutcomeUnknown):
        refund()
    later = now() + jump
    monkeypatch.setattr(actions, "now", lambda: later)
    with pytest.raises(ChannelUnavailable, match="not known yet"):
        refund()
    time.pass_by(40)

    assert "R-1" == refund()


def test_a_new_process_waits_from_when_it_first_meets_an_unknown_action(shop, refund, time):
    """
    The one that crashed may have sent it at the last moment.
    """
    shop.failing = [OutcomeUnknown("The answer was lost")]
    with pytest.raises(OutcomeUnknown):
        refund()
    crash()
    time.restart()
    time.pass_by(1000)
    with pytest.raises(ChannelUnavailable, match="not known yet"):
        refund()
    time.pass_by(40)

    assert "R-1" == refund()


def test_the_shops_own_clock_proves_that_time_has_passed(shop, refund, time):
    """
    A new process need not wait again.
    """
    shop.shows_time = True
    shop.failing = [OutcomeUnknown("The answer was lost")]
    with pytest.raises(OutcomeUnknown):
        refund()
    time.restart()
    shop.ahead = timedelta(minutes=2)

    assert "R-1" == refund()


def test_a_crash_between_call_and_record_is_looked_up(shop, refund):
    """
    A planned action whose order has no holder counts as unknown.
    """
    shop.losing = True
    with pytest.raises(OutcomeUnknown):
        refund()
    crash()

    assert "R-1" == refund()
    assert ["refund"] == shop.done


@pytest.mark.parametrize("error", [ChannelRefused("No"), ChannelUnavailable("Later")])
def test_an_action_that_was_not_done_is_done_by_the_repeat(refund, shop, error):
    """
    This holds after a refusal, and after the shop was down; the key stays the same.
    """
    shop.failing = [error]
    with pytest.raises(type(error)):
        refund()
    key = Action.get().key

    assert "R-1" == refund()
    assert [key] == [action.key for action in Action.select()]


def test_a_bug_leaves_the_outcome_unknown(shop, refund, time):
    """
    The repeat looks it up like a lost answer.
    """
    shop.failing = [ZeroDivisionError()]
    with pytest.raises(ZeroDivisionError):
        refund()

    assert ["unknown"] == [action.state for action in Action.select()]
    time.pass_by(40)
    assert "R-1" == refund()


def test_an_unknown_action_stays_unknown_while_the_shop_cannot_be_asked(shop, refund):
    """
    If the lookup fails nothing is sent, and the next request looks again.
    """
    shop.losing = True
    with pytest.raises(OutcomeUnknown):
        refund()
    shop.lookup_fails = [ChannelUnavailable("Down")]
    with pytest.raises(ChannelUnavailable):
        refund()

    assert "unknown" == Action.get().state
    assert "R-1" == refund()


def test_actions_of_one_order_do_not_overlap(shop, connection, refund):
    """
    While another request holds the order nothing is sent.
    """
    lease = lease_order(connection.id, "1001", now=now(), until=now() + timedelta(seconds=60))
    shop.deadline = Deadline(actions.LEAST_SECONDS)
    with pytest.raises(ChannelUnavailable, match="Another action of order 1001 is under way"):
        refund()
    lease.release(now())
    shop.deadline = Deadline(8)

    assert "R-1" == refund()


def test_an_operator_resolves_what_is_unknown(shop, connection, refund, time):
    """
    Nothing is sent for it.
    """
    shop.failing = [OutcomeUnknown("The answer was lost")]
    with pytest.raises(OutcomeUnknown):
        refund()
    with pytest.raises(ChannelUnavailable, match="not known yet"):
        actions.resolve_unknown(Action.get(), connection, shop)
    time.pass_by(40)

    assert "failed" == actions.resolve_unknown(Action.get(), connection, shop)
    assert [] == shop.done


# -- despatches ------------------------------------------------------------------------------------------


def test_a_despatch_whose_answer_was_lost_goes_out_once(shop, despatch):
    """
    The repeat, with another time and grouped with a second parcel, sends only that one.
    """
    shop.losing = True
    first = despatch(parcel(2, "T1"))
    again = despatch(parcel(2, "T1", minutes=5))

    assert [True] == [outcome.retry for outcome in first]
    assert [None] == [outcome.error for outcome in again]
    assert [{"A": 2}] == [action.pieces for action in shop.actions]


def test_a_despatch_that_the_shop_has_begun_is_completed_under_its_key(shop, despatch, time):
    """
    Its pieces are recorded in the shop, and something of it is missing, such as the customer's note.
    """
    shop.losing = shop.half_done = True
    despatch(parcel(2, "T1"))
    time.pass_by(40)
    again = despatch(parcel(2, "T1"))

    assert [None] == [outcome.error for outcome in again]
    assert not shop.half_done
    assert ["done"] == [action.state for action in Action.select()]


def test_a_despatch_that_the_shop_refuses_to_complete_does_not_keep_others_back(shop, despatch):
    """
    Something is missing of the first parcel, and the shop does not take it.
    """
    shop.losing = shop.half_done = True
    despatch(parcel(2, "T1"))
    Action.update(state="failed").execute()
    shop.failing = [ChannelRefused("No note")]
    (second,) = despatch(parcel(1, "T2", minutes=5))

    assert second.error is None
    assert [2, 1] == [action.pieces["A"] for action in shop.actions]


def test_what_is_sent_again_is_recorded_as_it_is_now(shop, despatch):
    """
    A resend may bear another time, by which a later correction is told.
    """
    shop.failing = [ChannelUnavailable("Busy")]
    despatch(parcel(1, "T1"))
    despatch(parcel(1, "T1", minutes=5))
    despatch(parcel(1, "T2", minutes=5))

    assert 1 == sum(action.pieces.get("A", 0) for action in shop.actions)


def test_entries_of_one_order_have_their_own_outcomes(shop, despatch):
    """
    The first parcel is refused by the shop, the second goes out.
    """
    shop.failing = [ChannelRefused("No")]
    outcomes = despatch(parcel(1, "T1"), parcel(1, "T2"), parcel(1, "T1"))

    assert ["No", None, "No"] == [outcome.error for outcome in outcomes]
    assert ["despatch"] == shop.done


def test_despatches_keep_their_outcomes_where_the_last_commit_fails(shop, despatch, monkeypatch):
    """
    They are done and recorded; asked for again, they are found done.
    """
    with monkeypatch.context() as patched:
        patched.setattr(actions, "record_answers", lambda *given: 1 / 0)
        first = despatch(parcel(1, "T1"))
    again = despatch(parcel(1, "T1"))

    assert [None, None] == [outcome.error for outcome in (*first, *again)]
    assert ["despatch"] == shop.done


# -- restored databases ----------------------------------------------------------------------------------


def test_keys_are_the_same_in_every_version(shop, connection, refund, cancel, despatch):
    """
    If they changed, a new version would not know what an earlier one has done in the shop.
    """
    connection.uid = "0" * 32
    refund()
    cancel()
    despatch(parcel(1, "T1"))

    assert KEYS == [action.key for action in shop.actions]


KEYS = [
    "2f8fd3d57baeb7b19b419fbe4c7a101c",
    "2aa504c940949d0ed6f4e7c7e1b3b69c",
    "44ee486aa41f48cc8d60beb349d4c1de",
]


@pytest.fixture
def restore(time):
    """Put an empty backup in place of the database, with a new process."""

    def put_back():
        Action.delete().execute()
        time.restart()

    return put_back


def test_a_restored_database_adopts_what_the_shop_has_done(shop, refund, cancel, despatch, restore):
    """
    A repeat pays no refund twice, cancels nothing twice, and sends no parcel twice.
    """
    refund()
    cancel()
    despatch(parcel(2, "T1"))
    restore()
    again = (refund(), cancel(), despatch(parcel(2, "T1")))

    assert "R-1" == again[0]
    assert ["refund", "cancel", "despatch"] == shop.done


def test_a_restored_database_does_again_what_was_done_long_ago(shop, refund, restore):
    """
    What the shop has done before the window is no repeat: the next occurrence is done.
    """
    refund()
    restore()
    shop.actions = [changed(action, at=now() - timedelta(hours=1)) for action in shop.actions]

    assert "R-2" == refund()


def test_a_second_equal_parcel_after_a_restore_has_a_key_of_its_own(shop, despatch, restore):
    """
    The shop would take the first one's key for a repeat.
    """
    despatch(parcel(1, "T1"))
    despatch(parcel(2, "T1"))
    restore()
    despatch(parcel(3, "T1"))

    assert 3 == sum(action.pieces["A"] for action in shop.actions)
    assert 3 == len({action.key for action in shop.actions})


def test_another_shop_behind_the_connection_has_a_record_of_its_own(shop, connection, refund):
    """
    What was done in the shop before says nothing about the next one.
    """
    refund()
    connection.generation += 1
    shop.actions = []

    assert "R-1" == refund()
    assert 1 == len(shop.actions)


def test_a_process_remembers_only_the_newest_actions(monkeypatch):
    """
    Memory does not grow with the number of despatches.
    """
    monkeypatch.setattr(actions, "MOST_REMEMBERED", 2)
    remembered = {"oldest": 1, "older": 2, "newest": 3}
    actions._forget_oldest(remembered)

    assert {"older": 2, "newest": 3} == remembered
