"""Despatches, cancels and refunds in the scripted shop: each is done once, whatever answer is lost."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import suppress
from decimal import Decimal
from typing import Any

import pytest

from bridge.channels.base import Parcel, Tracking
from bridge.channels.medusa import MedusaChannel
from bridge.channels.medusa.wizard import CAPTURE
from bridge.clock import Deadline
from bridge.errors import ChannelRefused, ChannelUnavailable, OutcomeUnknown
from bridge.protocol.schemas.after_sale import Cancellation, CancellationItem, Refund, RefundItem
from tests.channels.hostile.server import Fault

pytestmark = pytest.mark.service

MOST_CALLS = 12
PROVIDERS = {"pp_card": "20", "pp_transfer": None}


@pytest.fixture
def opened(medusa, settings) -> Callable[..., MedusaChannel]:
    """Open the channel of the shop, as a new request does."""

    def open_channel(**answers: str) -> MedusaChannel:
        given = {"store_url": medusa.url, "api_key": medusa.key, "stock_location": medusa.location, "currency": "gbp"}
        return MedusaChannel({**given, **answers}, Deadline(20), settings)

    return open_channel


def line(medusa, order: str, sku: str) -> str:
    return next(str(row["id"]) for row in medusa.order(order)["items"] if row["variant_sku"] == sku)


def parcel(medusa, order: str, *numbers: str, **pieces: int) -> Parcel:
    return Parcel(
        order, {line(medusa, order, sku): count for sku, count in pieces.items()}, tuple(map(Tracking, numbers))
    )


def interrupted(medusa, act: Callable[[], Any]) -> int:
    """Do an action again and again, each time losing the answer of its first write, until it writes nothing any more.

    So it is killed between each two of its calls. Returns how many answers were lost.
    """
    for lost in range(MOST_CALLS):
        before = len(medusa.calls)
        medusa.faults.add(Fault.DROP_AFTER, method="POST")
        with suppress(OutcomeUnknown, ChannelUnavailable):
            act()
        medusa.faults.clear()
        if not any(call[0] == "POST" for call in medusa.calls[before:]):
            return lost
    raise AssertionError("The action does not come to an end")


def sent(medusa, order: str) -> list[Any]:
    """Return what each shipment of an order has: pieces, numbers."""
    return [
        (
            sum(int(item["quantity"]) for item in row["items"]),
            [label["tracking_number"] for label in row["labels"]],
            bool(row["shipped_at"]),
        )
        for row in medusa.order(order)["fulfillments"]
        if not row["canceled_at"]
    ]


def refunded(medusa, order: str) -> Decimal:
    return sum((Decimal(str(row["amount"])) for row in medusa.refunds(order)), Decimal(0))


# -- despatch ------------------------------------------------------------------------------------------


def test_a_despatch_goes_on_where_it_stopped(medusa, opened):
    """Fulfilment, shipment and capture are done once each, whichever answers are lost."""
    order = medusa.place_order({"MUG": 3}, paid=False)
    whole = parcel(medusa, order, "T1", MUG=3)

    def despatch() -> None:
        opened(despatch=CAPTURE).despatch(whole, "k")

    lost = interrupted(medusa, despatch)

    assert 3 == lost
    assert [(3, ["T1"], True)] == sent(medusa, order)
    assert "captured" == medusa.order(order)["payment_status"]
    assert "" == opened().find_result("despatch", order, "k")


@pytest.mark.parametrize("call", ["/fulfillments", "/shipments", "/capture"])
def test_a_despatch_that_stopped_half_way_has_no_result(medusa, opened, call):
    """It is found again by its key, asked for again, and then complete."""
    order = medusa.place_order({"MUG": 2}, paid=False)
    whole = parcel(medusa, order, "T1", MUG=2)
    medusa.faults.add(Fault.DROP_BEFORE, call, method="POST")
    with pytest.raises(OutcomeUnknown):
        opened(despatch=CAPTURE).despatch(whole, "k")
    before = opened(despatch=CAPTURE).find_result("despatch", order, "k")
    opened(despatch=CAPTURE).despatch(whole, "k")

    assert before is None
    assert "" == opened(despatch=CAPTURE).find_result("despatch", order, "k")
    assert [(2, ["T1"], True)] == sent(medusa, order)


def test_the_last_despatch_is_not_the_last_that_was_packed(medusa, opened):
    """What the owner had packed first goes out last: while its payment is not captured, it is not complete."""
    order = medusa.place_order({"MUG": 3}, paid=False)
    medusa.orders.fulfil(order, {"items": [{"id": line(medusa, order, "MUG"), "quantity": 2}]})
    opened(despatch=CAPTURE).despatch(parcel(medusa, order, "T1", MUG=1), "first")
    packed = parcel(medusa, order, "T2", MUG=2)
    medusa.faults.add(Fault.DROP_BEFORE, "/capture", method="POST")
    with pytest.raises(OutcomeUnknown):
        opened(despatch=CAPTURE).despatch(packed, "last")
    results = [opened(despatch=CAPTURE).find_result("despatch", order, key) for key in ("first", "last")]
    opened(despatch=CAPTURE).despatch(packed, "last")

    assert ["", None] == results
    assert "captured" == medusa.order(order)["payment_status"]


def test_parts_are_captured_with_the_last(medusa, opened):
    """The first parcel captures nothing; what was captured before is not captured again."""
    order = medusa.place_order({"MUG": 3}, paid=False, providers=PROVIDERS)
    medusa.capture(order, "5")
    opened(despatch=CAPTURE).despatch(parcel(medusa, order, MUG=1), "first")
    after_first = medusa.order(order)["payment_status"]
    opened(despatch=CAPTURE).despatch(parcel(medusa, order, MUG=2), "second")

    assert "partially_captured" == after_first
    assert "captured" == medusa.order(order)["payment_status"]


def test_each_line_is_sent_from_where_it_is_reserved(medusa, opened):
    """A parcel of goods from two locations is two fulfilments under one key."""
    other = medusa.add_location("Second")
    medusa.add_product("LAMP", stock=0, price="9.00")
    medusa.set_stock("LAMP", 5, other)
    order = medusa.place_order({"MUG": 1, "LAMP": 1})
    opened().despatch(parcel(medusa, order, "T1", MUG=1, LAMP=1), "k")
    state: Any = opened().order_state(order)

    assert [(1, ["T1"], True), (1, ["T1"], True)] == sent(medusa, order)
    assert [{line(medusa, order, "MUG"): 1, line(medusa, order, "LAMP"): 1}] == [
        action.pieces for action in state.actions_of("despatch")
    ]
    assert (4, 0) == medusa.stock("LAMP", other)


def test_what_is_not_counted_goes_with_the_rest(medusa, opened):
    """A variant without inventory has no reservation, and needs no fulfilment of its own."""
    medusa.add_product("VOUCHER", stock=None, price="9.00")
    order = medusa.place_order({"MUG": 1, "VOUCHER": 1})
    opened().despatch(parcel(medusa, order, MUG=1, VOUCHER=1), "k")

    assert [(2, [], True)] == sent(medusa, order)


def test_what_the_owner_packed_is_shipped_as_it_is(medusa, opened):
    """No second fulfilment is made, and the despatch is found again by its key."""
    order = medusa.place_order({"MUG": 3})
    medusa.orders.fulfil(order, {"items": [{"id": line(medusa, order, "MUG"), "quantity": 2}]})
    whole = parcel(medusa, order, "T1", MUG=3)
    interrupted(medusa, lambda: opened().despatch(whole, "k"))

    assert [(1, ["T1"], True), (2, ["T1"], True)] == sorted(sent(medusa, order))
    assert "" == opened().find_result("despatch", order, "k")


def test_what_the_owner_packed_with_more_is_not_sent_in_part(medusa, opened):
    """The seller is told what to do, and nothing is sent."""
    order = medusa.place_order({"MUG": 3})
    medusa.orders.fulfil(order, {"items": [{"id": line(medusa, order, "MUG"), "quantity": 3}]})
    with pytest.raises(ChannelRefused, match="packed it together"):
        opened().despatch(parcel(medusa, order, "T1", MUG=2), "k")

    assert [(3, [], False)] == sent(medusa, order)


def test_a_number_added_later_is_recorded(medusa, opened):
    """Medusa changes no labels of a shipment: the order's metadata has the number, and what it replaces."""
    order = medusa.place_order({"MUG": 1})
    opened().despatch(parcel(medusa, order, "T1", MUG=1), "k")
    correction = Parcel(order, {}, (Tracking("T2"),), None, ("T1",), ("k",))
    interrupted(medusa, lambda: opened().despatch(correction, "later"))
    state: Any = opened().order_state(order)

    assert [("k", ("T1",), ()), ("later", ("T2",), ("T1",))] == [
        (action.key, action.tracking_numbers, action.replaces) for action in state.actions_of("despatch")
    ]
    assert "" == opened().find_result("despatch", order, "later")


def test_an_edited_order_waits(medusa, opened):
    """While the owner edits an order nothing is done to it, and Linnworks tries again."""
    order = medusa.place_order({"MUG": 1})
    medusa.begin_edit(order)
    item = RefundItem(refund_amount=Decimal(1))
    acts: list[Callable[[MedusaChannel], Any]] = [
        lambda channel: channel.despatch(parcel(medusa, order, MUG=1), "d"),
        lambda channel: channel.cancel(Cancellation(reference_number=order), "c"),
        lambda channel: channel.refund(Refund(reference_number=order, items=(item,)), "r"),
    ]
    for act in acts:
        with pytest.raises(ChannelUnavailable, match="is being edited") as caught:
            act(opened())
        assert not isinstance(caught.value, OutcomeUnknown)

    assert ([], Decimal(0)) == (sent(medusa, order), refunded(medusa, order))


# -- cancel --------------------------------------------------------------------------------------------


def test_a_cancel_refunds_everything_once(medusa, opened):
    """Medusa refunds what was captured of each payment, whichever answers are lost."""
    order = medusa.place_order({"MUG": 3}, providers=PROVIDERS)
    total = sum(Decimal(str(payment["amount"])) for payment in medusa.payments(order))
    interrupted(medusa, lambda: opened().cancel(Cancellation(reference_number=order), "c"))

    assert "canceled" == medusa.order(order)["status"]
    assert total == refunded(medusa, order)
    assert "" == opened().find_result("cancel", order, "c")
    assert opened().post_sale_options().automatic_refund_on_cancel


def test_a_cancel_by_hand_leaves_nothing_to_do(medusa, opened):
    """Nothing is refunded a second time."""
    order = medusa.place_order({"MUG": 1})
    medusa.cancel(order)
    before = refunded(medusa, order)
    opened().cancel(Cancellation(reference_number=order), "c")

    assert before == refunded(medusa, order)


def test_an_order_that_is_packed_is_not_cancelled(medusa, opened):
    """Its goods may be on their way; a fulfilment that was cancelled is no obstacle."""
    order = medusa.place_order({"MUG": 1})
    row = medusa.orders.fulfil(order, {"items": [{"id": line(medusa, order, "MUG"), "quantity": 1}]})
    with pytest.raises(ChannelRefused, match="packed or sent"):
        opened().cancel(Cancellation(reference_number=order), "c")
    medusa.orders.cancel_fulfilment(order, row["fulfillments"][0]["id"])
    opened().cancel(Cancellation(reference_number=order), "c")

    assert "canceled" == medusa.order(order)["status"]


def test_lines_are_not_cancelled(medusa, opened):
    """Less than everything is refused with words, and the options say so."""
    order = medusa.place_order({"MUG": 2})
    item = CancellationItem(order_line_number=line(medusa, order, "MUG"), cancellation_quantity=1)
    with pytest.raises(ChannelRefused, match="whole orders only"):
        opened().cancel(Cancellation(reference_number=order, items=(item,)), "c")

    assert not opened().post_sale_options().can_cancel_order_lines
    assert "pending" == medusa.order(order)["status"]


# -- refund --------------------------------------------------------------------------------------------


def refund_of(medusa, order: str, amount: str, sku: str = "MUG", shipping: str = "0") -> Refund:
    item = RefundItem(order_line_number=line(medusa, order, sku), refund_amount=Decimal(amount), reason="DAMAGED")
    return Refund(reference_number=order, items=(item,), refund_shipping_amount=Decimal(shipping))


def test_a_refund_of_two_payments_goes_on_where_it_stopped(medusa, opened):
    """Of each payment money is taken once, whichever answers are lost."""
    order = medusa.place_order({"MUG": 3}, providers=PROVIDERS)
    wanted = refund_of(medusa, order, "25.00", shipping="1.50")
    results = []
    interrupted(medusa, lambda: results.append(opened().refund(wanted, "r")))
    state: Any = opened().order_state(order)

    assert Decimal("26.50") == refunded(medusa, order)
    assert 2 == len(medusa.refunds(order))
    assert [results[-1]] == [action.result for action in state.actions_of("refund")]
    assert results[-1] == opened().find_result("refund", order, "r")


def test_a_refund_of_which_a_part_is_missing_has_no_result(medusa, opened):
    """The second payment's part was never asked for."""
    order = medusa.place_order({"MUG": 3}, providers=PROVIDERS)
    wanted = refund_of(medusa, order, "25.00")
    medusa.faults.add(Fault.DROP_BEFORE, "/refund", method="POST", skip=1)
    with pytest.raises(OutcomeUnknown):
        opened().refund(wanted, "r")

    assert 1 == len(medusa.refunds(order))
    assert opened().find_result("refund", order, "r") is None


def test_later_refunds_agree_with_what_was_refunded(medusa, opened):
    """Medusa lowers the order's total by each refund; what is left counts from what was captured."""
    order = medusa.place_order({"MUG": 1, "BOOK": 1}, shipping="4.50")
    opened().refund(refund_of(medusa, order, "9.00"), "first")
    medusa.refund(order, "1.00")
    with pytest.raises(ChannelRefused, match=r"Only 0\.59 of line"):
        opened().refund(refund_of(medusa, order, "0.60"), "more")
    with pytest.raises(ChannelRefused, match="shipping"):
        opened().refund(Refund(reference_number=order, refund_shipping_amount=Decimal("5.41")), "shipping")
    opened().refund(refund_of(medusa, order, "6.00", sku="BOOK", shipping="4.99"), "rest")
    with pytest.raises(ChannelRefused, match=r"Only 0\.00 of order"):
        opened().refund(refund_of(medusa, order, "0.01"), "beyond")
    state: Any = opened().order_state(order)

    assert Decimal("20.99") == state.refunded
    assert [Decimal("9.00"), Decimal("6.00")] == [one.refunded for one in state.lines if not one.is_service]


def test_nothing_is_refunded_before_the_capture(medusa, opened):
    """The words say what to do."""
    order = medusa.place_order({"MUG": 1}, paid=False)
    with pytest.raises(ChannelRefused, match="not captured yet"):
        opened().refund(refund_of(medusa, order, "1.00"), "r")


def test_only_what_was_captured_is_refunded(medusa, opened):
    """Half of the payment is captured; more than that is refused, all of that is not."""
    order = medusa.place_order({"MUG": 3}, paid=False)
    medusa.capture(order, "10")
    with pytest.raises(ChannelRefused, match=r"Only 10\.00"):
        opened().refund(refund_of(medusa, order, "10.01"), "more")
    opened().refund(refund_of(medusa, order, "10.00"), "all")

    assert Decimal(10) == refunded(medusa, order)


def test_a_refund_that_medusa_has_not_booked_is_not_repeated(medusa, opened):
    """It waits for the payment provider, and then says what to check."""
    order = medusa.place_order({"MUG": 1})
    opened().refund(refund_of(medusa, order, "1.00"), "r")
    book = medusa.orders.find(order)
    book["transactions"] = [row for row in book["transactions"] if row["reference"] != "refund"]
    with pytest.raises(ChannelUnavailable, match="still working") as caught:
        opened().refund(refund_of(medusa, order, "1.00"), "r")
    medusa.refunds(order)[0]["created_at"] = "2025-01-01T00:00:00.000Z"
    with pytest.raises(OutcomeUnknown, match="check with the payment provider"):
        opened().find_result("refund", order, "r")

    assert not isinstance(caught.value, OutcomeUnknown)
    assert Decimal(1) == refunded(medusa, order)


def test_an_unknown_order_has_no_state(opened):
    """Nor does a reference that is no id of Medusa's."""
    assert [None, None, None] == [opened().order_state(name) for name in ("order_none", "../orders", "")]
