"""An action is done once: asked again, asked twice at the same time, or asked after a crash."""

from __future__ import annotations

from datetime import timedelta
from decimal import Decimal

import pytest
from msgspec.structs import replace

from bridge.channels.demo import DemoChannel
from bridge.clock import Deadline, now
from bridge.errors import ChannelRefused, ChannelUnavailable, OutcomeUnknown
from bridge.protocol.schemas.after_sale import Refund
from bridge.store.actions import Action
from bridge.store.connections import add_connection
from bridge.sync import actions

REFUND = Refund(reference_number="1001", refund_shipping_amount=Decimal(1))


class Shop(DemoChannel):
    """A shop that counts what is done in it, and remembers it by key."""

    def __init__(self, settings) -> None:
        super().__init__({}, Deadline(8), settings)
        self.done: dict[str, str] = {}
        self.failing: list[Exception] = []
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

    def ask(wanted=REFUND, repeat_after=900, nth=1):
        return actions.once(
            "refund",
            wanted,
            lambda key: shop.refund(wanted, key),
            connection_id=connection.id,
            channel=shop,
            repeat_after=repeat_after,
            nth=nth,
        )

    return ask


def settle() -> None:
    """Let time pass until no shop can still be at an action."""
    Action.update(sent_until=now() - timedelta(seconds=60)).execute()


def test_a_action_that_the_shop_does_late_is_done_once(shop, refund):
    """
    The shop was still at it when the first repeat came: that one waits, the next finds it.
    """
    shop.failing = [OutcomeUnknown("The shop gave no answer in time")]
    with pytest.raises(OutcomeUnknown):
        refund()
    with pytest.raises(ChannelUnavailable, match="not known yet"):
        refund()
    shop.done[Action.get().key] = "R-late"

    assert "R-late" == refund()
    assert 1 == len(shop.done)


def test_a_crash_leaves_the_shop_time_to_settle(shop, refund):
    """
    Whose doer is gone may have been sent at the last moment, so it is not sent again at once.
    """
    shop.failing = [OutcomeUnknown("The answer was lost")]
    with pytest.raises(OutcomeUnknown):
        refund()
    Action.update(state="planned", sent_until=None, claimed_until=now() - timedelta(seconds=1)).execute()
    with pytest.raises(ChannelUnavailable, match="not known yet"):
        refund()

    assert not shop.done


def test_equal_parcels_of_one_request_are_two_and_a_lone_repeat_is_the_missing_one(shop, refund):
    """
    The second of two equal entries failed: sent again alone, it is that one that is done.
    """
    refund(nth=1)
    shop.failing = [ChannelUnavailable("Later")]
    with pytest.raises(ChannelUnavailable):
        refund(nth=2)

    assert "R-2" == refund(nth=1)
    assert {"R-2"} == {refund(nth=1), refund(nth=2)}
    assert 2 == len(shop.done)


def test_a_action_that_is_looked_up_is_left_to_who_is_at_it(shop, refund):
    """
    What an operator asks about while another request has it is not touched.
    """
    refund()
    Action.update(state="planned", claimed_until=now() + timedelta(seconds=60)).execute()
    with pytest.raises(ChannelUnavailable, match="under way"):
        actions.resolve_unknown(Action.get().id, shop)

    assert "planned" == Action.get().state


def test_a_repeat_gets_the_recorded_answer(shop, refund):
    """
    Ten equal requests are one refund with one reference.
    """
    assert {"R-1"} == {refund() for _ in range(10)}
    assert 1 == len(shop.done)


def test_other_content_is_another_action(shop, refund):
    """
    A refund of another amount is made in its own right.
    """
    assert ("R-1", "R-2") == (refund(), refund(replace(REFUND, refund_shipping_amount=Decimal(2))))


def test_the_same_amount_written_otherwise_is_the_same_action(shop, refund):
    """
    1, 1.0 and 1.00 are equal content.
    """
    assert {"R-1"} == {refund(replace(REFUND, refund_shipping_amount=Decimal(text))) for text in ("1", "1.0", "1.00")}


def test_a_action_is_known_again_after_an_upgrade(refund):
    """
    What identifies it is the same in every version: a change here would have actions of the version before done twice.
    """
    refund()

    assert "b0019ab7aa38dcf4a174824675f888ff59e40723512dc6ba33af84fd226f7029" == Action.get().digest


def test_equal_content_is_a_new_action_after_the_window(shop, refund):
    """
    Once the window since the first success is over, an equal refund is made again.
    """
    refund()
    Action.update(finished_at=now() - timedelta(seconds=901)).execute()

    assert "R-2" == refund()
    assert "R-2" == refund()


def test_a_action_without_a_window_is_never_done_again(shop, refund):
    """
    Where no window is given, the recorded answer holds for good.
    """
    refund()
    Action.update(finished_at=now() - timedelta(days=400)).execute()

    assert "R-1" == refund(repeat_after=None)


def test_a_lost_answer_is_looked_up_before_anything_is_sent(shop, refund):
    """
    The shop made the refund and its answer was lost: the repeat finds it there.
    """
    shop.losing = True
    with pytest.raises(OutcomeUnknown):
        refund()

    assert "R-1" == refund()
    assert 1 == len(shop.done)


def test_a_lost_request_is_sent_again(shop, refund):
    """
    The answer was lost and the shop knows nothing of the refund: once it must have settled, the repeat makes it.
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
    An action that is planned but whose doer is gone counts as unknown once its claim has expired.
    """
    shop.losing = True
    with pytest.raises(OutcomeUnknown):
        refund()
    Action.update(state="planned", claimed_until=now() - timedelta(seconds=1)).execute()

    assert "R-1" == refund()
    assert 1 == len(shop.done)


def test_a_action_under_way_is_not_done_by_another(shop, refund):
    """
    While one request is at an action, an equal one is told to come again.
    """
    shop.failing = [OutcomeUnknown("The answer was lost")]
    with pytest.raises(OutcomeUnknown):
        refund()
    Action.update(state="planned", claimed_until=now() + timedelta(seconds=60)).execute()

    with pytest.raises(ChannelUnavailable, match="under way"):
        refund()
    assert not shop.done


@pytest.mark.parametrize("error", [ChannelRefused("No"), ChannelUnavailable("Later")])
def test_what_was_surely_not_done_may_be_asked_again(shop, refund, error):
    """
    After a refusal or a shop that was down, the same request is made anew.
    """
    shop.failing = [error]
    with pytest.raises(type(error)):
        refund()

    assert "R-1" == refund()


def test_a_bug_leaves_the_outcome_unknown(shop, refund):
    """
    What went wrong in the middle is looked up like a lost answer.
    """
    shop.failing = [ZeroDivisionError()]
    with pytest.raises(ZeroDivisionError):
        refund()

    assert ["unknown"] == [action.state for action in Action.select()]
    settle()
    assert "R-1" == refund()


def test_an_unknown_action_stays_unknown_while_the_shop_cannot_be_asked(shop, refund, monkeypatch):
    """
    Where the look-up itself fails nothing is sent, and the next request looks again.
    """
    shop.losing = True
    with pytest.raises(OutcomeUnknown):
        refund()
    answers = [ChannelUnavailable("Down")]

    class DownOnce(Shop):
        def find_result(self, kind, reference, key):
            if answers:
                raise answers.pop()
            return super().find_result(kind, reference, key)

    shop.__class__ = DownOnce
    with pytest.raises(ChannelUnavailable):
        refund()

    assert "R-1" == refund()
    assert 1 == len(shop.done)
