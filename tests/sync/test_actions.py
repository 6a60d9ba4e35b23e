"""An order action is done once, however often it is asked for, and whatever becomes of its answer."""

from __future__ import annotations

from datetime import timedelta
from decimal import Decimal

import pytest
from msgspec.structs import replace

from bridge.channels.demo import DemoChannel
from bridge.clock import Deadline, now
from bridge.errors import ChannelRefused, ChannelUnavailable, OutcomeUnknown
from bridge.protocol.schemas.after_sale import Refund
from bridge.store.actions import Action, plan_action
from bridge.store.connections import add_connection
from bridge.sync import actions

REFUND = Refund(reference_number="1001", refund_shipping_amount=Decimal(1))


class Shop(DemoChannel):
    """A shop that records what it has done by key."""

    def __init__(self, settings) -> None:
        super().__init__({}, Deadline(8), settings)
        self.done: dict[str, str] = {}
        self.failing: list[Exception] = []
        self.lookup_fails: list[Exception] = []
        self.losing = False

    def refund(self, refund, key):
        if self.failing:
            raise self.failing.pop(0)
        self.done[key] = f"R-{len(self.done) + 1}"
        if self.losing:
            self.losing = False
            raise OutcomeUnknown("The answer was lost")
        return self.done[key]

    def find_result(self, kind, reference, key):
        if self.lookup_fails:
            raise self.lookup_fails.pop()
        return self.done.get(key)


@pytest.fixture
def shop(app, settings):
    return Shop(settings)


@pytest.fixture
def connection(app):
    return add_connection(account="a", account_name="a", email="a", token_digest="a", step="UserConfig", now=now())


@pytest.fixture
def refund(shop, connection):
    """Ask for a refund through the ledger."""

    def ask(message=REFUND, repeat_after=900, occurrence=1):
        return actions.perform_once(
            "refund",
            message,
            lambda key: shop.refund(message, key),
            connection_id=connection.id,
            channel=shop,
            repeat_after=repeat_after,
            occurrence=occurrence,
        )

    return ask


def hold(seconds: int = 60) -> None:
    """Leave the action as a process does that is carrying it out, with a claim for this long."""
    Action.update(state="planned", claim="another process", claimed_until=now() + timedelta(seconds=seconds)).execute()


def crash() -> None:
    """Leave the action as a process does that has crashed: its claim is over and was not released."""
    hold(-1)


def settle() -> None:
    """Let time pass until no shop can still be working on an action."""
    Action.update(sent_until=now() - timedelta(seconds=60)).execute()


def test_an_action_that_the_shop_does_late_is_done_once(shop, refund):
    """
    The shop is still working on it when the first repeat comes; the second repeat finds the result.
    """
    shop.failing = [OutcomeUnknown("The shop gave no answer in time")]
    with pytest.raises(OutcomeUnknown):
        refund()
    with pytest.raises(ChannelUnavailable, match="not known yet"):
        refund()
    shop.done[Action.get().key] = "R-late"

    assert "R-late" == refund()
    assert 1 == len(shop.done)


def test_an_action_is_not_resent_right_after_a_crash(shop, refund):
    """
    The process that crashed may have sent it at the last moment.
    """
    shop.failing = [OutcomeUnknown("The answer was lost")]
    with pytest.raises(OutcomeUnknown):
        refund()
    Action.update(sent_until=None).execute()
    crash()
    with pytest.raises(ChannelUnavailable, match="not known yet"):
        refund()

    assert not shop.done


def test_equal_entries_of_one_request_are_separate_and_a_repeat_is_the_failed_one(shop, refund):
    """
    The second of two equal entries failed: sent again alone, that one is done.
    """
    refund(occurrence=1)
    shop.failing = [ChannelUnavailable("Later")]
    with pytest.raises(ChannelUnavailable):
        refund(occurrence=2)

    assert "R-2" == refund(occurrence=1)
    assert {"R-2"} == {refund(occurrence=1), refund(occurrence=2)}
    assert 2 == len(shop.done)


def test_an_action_under_way_is_not_resolved_by_an_operator(shop, refund):
    """
    Its state stays as it is.
    """
    refund()
    hold()
    with pytest.raises(ChannelUnavailable, match="under way"):
        actions.resolve_unknown(Action.get().id, shop)

    assert "planned" == Action.get().state


def test_a_repeat_gets_the_recorded_result(shop, refund):
    """
    Ten equal requests are one refund with one reference.
    """
    assert {"R-1"} == {refund() for _ in range(10)}
    assert 1 == len(shop.done)


def test_other_content_is_another_action(shop, refund):
    """
    A refund of another amount is done as well.
    """
    assert ("R-1", "R-2") == (refund(), refund(replace(REFUND, refund_shipping_amount=Decimal(2))))


def test_equal_amounts_in_other_notations_are_the_same_action(shop, refund):
    """
    1, 1.0 and 1.00 are equal content.
    """
    assert {"R-1"} == {refund(replace(REFUND, refund_shipping_amount=Decimal(text))) for text in ("1", "1.0", "1.00")}


def test_an_action_is_recognised_after_an_upgrade(refund):
    """
    The digest is the same in every version: if it changed, actions of the previous version would be done twice.
    """
    refund()

    assert "b0019ab7aa38dcf4a174824675f888ff59e40723512dc6ba33af84fd226f7029" == Action.get().digest


def test_equal_content_is_a_new_action_after_a_while(shop, refund):
    """
    Once `repeat_after` seconds are over, an equal refund is done again.
    """
    refund()
    Action.update(finished_at=now() - timedelta(seconds=901)).execute()

    assert "R-2" == refund()
    assert "R-2" == refund()


def test_an_action_without_a_time_limit_is_never_done_again(shop, refund):
    """
    Without `repeat_after` the recorded result is always returned.
    """
    refund()
    Action.update(finished_at=now() - timedelta(days=400)).execute()

    assert "R-1" == refund(repeat_after=None)


def test_a_lost_answer_is_looked_up_before_anything_is_sent(shop, refund):
    """
    The shop has done the refund and its answer was lost: the repeat finds the result.
    """
    shop.losing = True
    with pytest.raises(OutcomeUnknown):
        refund()

    assert "R-1" == refund()
    assert 1 == len(shop.done)


def test_a_lost_request_is_sent_again(shop, refund):
    """
    The shop knows nothing of the refund: once it cannot be working on it any more, a repeat sends it.
    """
    shop.failing = [OutcomeUnknown("The answer was lost")]
    with pytest.raises(OutcomeUnknown):
        refund()
    with pytest.raises(ChannelUnavailable, match="not known yet"):
        refund()
    settle()

    assert "R-1" == refund()


def test_a_crash_between_call_and_record_is_looked_up(shop, refund):
    """
    A planned action whose claim has expired counts as unknown.
    """
    shop.losing = True
    with pytest.raises(OutcomeUnknown):
        refund()
    crash()

    assert "R-1" == refund()
    assert 1 == len(shop.done)


def test_an_action_under_way_is_not_done_by_another_request(shop, refund):
    """
    An equal request gets an error that may be retried.
    """
    shop.failing = [OutcomeUnknown("The answer was lost")]
    with pytest.raises(OutcomeUnknown):
        refund()
    hold()

    with pytest.raises(ChannelUnavailable, match="under way"):
        refund()
    assert not shop.done


@pytest.mark.parametrize("error", [ChannelRefused("No"), ChannelUnavailable("Later")])
def test_an_action_that_was_not_done_is_done_by_the_repeat(shop, refund, error):
    """
    This holds after a refusal, and after the shop was down.
    """
    shop.failing = [error]
    with pytest.raises(type(error)):
        refund()

    assert "R-1" == refund()


def test_a_bug_leaves_the_outcome_unknown(shop, refund):
    """
    The repeat looks it up like a lost answer.
    """
    shop.failing = [ZeroDivisionError()]
    with pytest.raises(ZeroDivisionError):
        refund()

    assert ["unknown"] == [action.state for action in Action.select()]
    settle()
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

    assert "R-1" == refund()
    assert 1 == len(shop.done)


def test_actions_of_one_order_do_not_overlap(shop, connection, refund):
    """
    While another action of the order is under way nothing is sent, not a repeat that is due either.
    """
    refund()
    Action.update(finished_at=now() - timedelta(seconds=901)).execute()
    shop.deadline = Deadline(actions.LEAST_SECONDS)
    until = now() + timedelta(seconds=60)
    plan_action(connection.id, "despatch", REFUND.reference_number, "another", {}, now=now(), until=until)

    with pytest.raises(ChannelUnavailable, match="under way"):
        refund()
    with pytest.raises(ChannelUnavailable, match="Another action of order 1001 is under way"):
        refund(replace(REFUND, refund_shipping_amount=Decimal(2)))
    assert 1 == len(shop.done)


def test_a_failed_lookup_does_not_prolong_the_time_to_settle(shop, refund):
    """
    Only sending an action restarts the time in which the shop may still be working on it.
    """
    shop.losing = True
    with pytest.raises(OutcomeUnknown):
        refund()
    sent_until = Action.get().sent_until
    shop.lookup_fails = [OutcomeUnknown("The answer was lost")]
    with pytest.raises(OutcomeUnknown):
        refund()

    assert ("unknown", sent_until) == (Action.get().state, Action.get().sent_until)
