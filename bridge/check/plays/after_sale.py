"""What happens after the sale: cancellations and refunds."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from bridge.check.answer import Answer, objects, string
from bridge.check.play import Play, now
from bridge.check.records import Line, Order
from bridge.check.registry import Area, Failed, Severity, Skipped

area = Area("After the sale", "ep:post-sale-options", needs=("ORD-01",))
OFFERED = ("PSO-01",)
ACTIONS = ("cancellation", "item refund", "shipping refund", "service refund", "additional refund")


@area.check("PSO-01")
def options(play: Play) -> None:
    """PostSaleOptions says what can be done with an order.

    Linnworks cannot show the screen for a return or a refund.
    """
    answer = play.call("PostSaleOptions").accepted()
    play.options, play.shown["PostSaleOptions"] = answer.body, answer.exchange


@area.check("PSO-02", needs=OFFERED)
def reasons_for_everything(play: Play) -> None:
    """PostSaleOptions gives no reasons at all, or some for every action it supports.

    The customer has to choose a reason for the action and finds none.
    """
    body = play.options
    reasons = objects(body.get("PostSaleReasons"))
    refunds = body.get("CanRefund") is True
    supported = {
        0: body.get("CanCancel") is True or body.get("CanCancelOrderLines") is True,
        1: refunds and body.get("CanAttachRefundToItem") is True,
        2: refunds and body.get("RefundShippingTypes") not in (0, None),
        3: refunds and body.get("CanAttachRefundToService") is True,
        4: refunds and body.get("CanRefundAdditionally") is True,
    }
    bare = [ACTIONS[kind] for kind, can in supported.items() if can and not _reasons(reasons, kind)]
    if reasons and bare:
        raise Failed(f"there are reasons, but none for: {', '.join(bare)}", play.shown["PostSaleOptions"])


@area.check("PSO-03", Severity.SHOULD, "ep:cancel", after=OFFERED, changes=True)
def a_cancel(play: Play) -> None:
    """Cancel of a whole order is accepted.

    PostSaleOptions says that it can be done; the customer's cancellation stays in Linnworks alone.
    """
    _only_if(play, "CanCancel", "Cancel")
    play.changed = now()
    _, play.cancellation = _cancel(
        play, "paid order without services", lambda o: len(o.goods) == len(o.lines), lambda o: list(o.lines)
    )


@area.check("PSO-04", Severity.SHOULD, "ep:cancel", needs=("PSO-03",), changes=True)
def the_cancel_again(play: Play) -> None:
    """The same Cancel sent again, as after a lost answer, succeeds again.

    The customer is told that the cancellation failed when it is done.
    """
    play.call("Cancel", Cancellation=play.cancellation).accepted()


@area.check("PSO-05", Severity.SHOULD, "ep:orders", needs=("PSO-03",), changes=True)
def a_cancelled_order(play: Play) -> None:
    """Orders then shows that order as CANCELLED.

    An order cancelled in the shop stays open in Linnworks, and is sent.
    """
    reference = play.cancellation["ReferenceNumber"]

    def wrong() -> str:
        order = play.changed_orders(play.changed).get(reference)
        if not order:
            return f"order {reference} is not among those changed since it was cancelled"
        return "" if order.cancelled else f"order {reference} is {order.status} after its Cancel"

    play.eventually(wrong)


@area.check("PSO-06", Severity.SHOULD, "ep:cancel", needs=OFFERED, changes=True)
def a_cancelled_line(play: Play) -> None:
    """Cancel of one line cancels that line and no other.

    The buyer does not get what was to be sent, or gets what was not.
    """
    _only_if(play, "CanCancelOrderLines", "Cancel")
    changed = now()
    order, _ = _cancel(play, "paid order with several lines", lambda o: len(o.goods) > 1, lambda o: o.goods[:1])
    line = order.goods[0]

    def wrong() -> str:
        seen = play.changed_orders(changed).get(order.reference)
        if not seen:
            return f"order {order.reference} is not among those changed since a line of it was cancelled"
        others = [other for other in seen.lines if other.number != line.number]
        if seen.status == "CANCELLED" or any(other.cancelled for other in others):
            raise Failed(f"the Cancel of line {line.number} cancelled more of order {order.reference}")
        left = [other for other in seen.lines if other.number == line.number and not other.cancelled]
        return f"line {line.number} of order {order.reference} is not CANCELLED" if left else ""

    play.eventually(wrong)


@area.check("PSO-07", Severity.SHOULD, "ep:refund", after=OFFERED, changes=True)
def a_refund(play: Play) -> None:
    """Refund of part of a line's price is accepted and given a RefundReference.

    PostSaleOptions says that it can be done; the buyer waits for the money.
    """
    _only_if(play, "CanRefund", "Refund")
    if play.options.get("CanAttachRefundToItem") is False:
        raise Skipped("PostSaleOptions says CanAttachRefundToItem is false")
    refusal = None
    for order in _refundable(play):
        play.touched.add(order.reference)
        play.refund = _refund(play, order, order.goods[0], round(order.goods[0].price / 2, 2))
        answer = play.call("Refund", Refund=play.refund)
        if not answer.error:
            play.refund_reference = _referenced(answer)
            return
        refusal = answer
    if not refusal:
        raise Skipped("the shop shows no further paid order to refund")
    raise Failed(f'no order could be refunded, the last one tried answered "{refusal.error[:300]}"', refusal.exchange)


def _refundable(play: Play) -> list[Order]:
    """Paid orders that no check has touched yet, or in a small shop the one that has left in two parts."""
    sent = {one["ReferenceNumber"] for one in play.parcels}
    untouched = play.candidates(lambda order: order.goods[0].price >= 0.02)
    return untouched or [order for order in play.orders if order.reference in sent]


@area.check("PSO-08", Severity.SHOULD, "ep:refund", needs=("PSO-07",), changes=True)
def the_refund_again(play: Play) -> None:
    """The same Refund sent again, as after a lost answer, gives the same RefundReference.

    With another reference the buyer is paid twice.
    """
    again = _referenced(play.call("Refund", Refund=play.refund))
    if again != play.refund_reference:
        raise Failed(f"the first was {play.refund_reference}, the second {again}")


@area.check("PSO-09", Severity.SHOULD, "ep:refund", needs=("PSO-07",), after=("PSO-08",), changes=True)
def too_large_a_refund(play: Play) -> None:
    """A Refund far above the order's value is refused.

    A slip of the keyboard pays a fortune, or is shown as paid and never was.
    """
    item = {**play.refund["Items"][0], "RefundAmount": 1_000_000.0}
    play.call("Refund", Refund={**play.refund, "Items": [item]}).refused("to a refund of a million")


@area.check("PSO-10", Severity.SHOULD, "ep:cancel, ep:refund", after=OFFERED, changes=True)
def no_such_order(play: Play) -> None:
    """Cancel and Refund refuse a ReferenceNumber that does not exist.

    Linnworks shows as done what nobody did.
    """
    line = Line("1", "no-such-sku", 1, 1.0, service=False, cancelled=False)
    order = Order(f"no-such-order-{play.word()}", "", "", "PAID", (line,))
    if not play.linnworks.offers("Cancel") and not play.linnworks.offers("Refund"):
        raise Skipped("the manifest names neither a CancelEndpoint nor a RefundEndpoint")
    if _can(play, "CanCancel") and play.linnworks.offers("Cancel"):
        play.call("Cancel", Cancellation=_cancellation(play, order, [line])).refused("to an unknown order")
    if _can(play, "CanRefund") and play.linnworks.offers("Refund"):
        play.call("Refund", Refund=_refund(play, order, line, 1.0)).refused("to an unknown order")


@area.check("PSO-11", Severity.SHOULD, "ep:post-sale-options", needs=OFFERED)
def abilities_with_endpoints(play: Play) -> None:
    """What PostSaleOptions says can be done has an endpoint in the manifest.

    The customer cancels or refunds in Linnworks, and nothing reaches the shop.
    """
    for ability, name in (("CanCancel", "Cancel"), ("CanRefund", "Refund")):
        if play.options.get(ability) is True and not play.linnworks.offers(name):
            raise Failed(f"{ability} is true and the manifest names no {name}Endpoint", play.shown["PostSaleOptions"])


def _can(play: Play, ability: str) -> bool:
    """Whether it can be done, or nothing says that it cannot."""
    return play.options.get(ability) is True or not play.linnworks.offers("PostSaleOptions")


def _only_if(play: Play, ability: str, name: str) -> None:
    play.linnworks.url(name)
    if not _can(play, ability):
        raise Skipped(f"PostSaleOptions says {ability} is {str(play.options.get(ability)).lower()}")


def _cancel(
    play: Play, wanted: str, fits: Callable[[Order], bool], lines: Callable[[Order], list[Line]]
) -> tuple[Order, dict[str, Any]]:
    """Cancels those lines of the newest order that lets it happen; one that has left may refuse."""
    refusal = ""
    for order in play.candidates(fits):
        play.touched.add(order.reference)
        cancellation = _cancellation(play, order, lines(order))
        refusal = play.call("Cancel", Cancellation=cancellation).error
        if not refusal:
            return order, cancellation
    if refusal:
        raise Failed(f'no order could be cancelled, the last one tried answered "{refusal[:300]}"')
    raise Skipped(f"the shop shows no further {wanted}")


def _reasons(reasons: list[dict[str, Any]], kind: int) -> list[dict[str, Any]]:
    return [reason for reason in reasons if kind in (reason.get("Types") or [])]


def _cancellation(play: Play, order: Order, lines: list[Line]) -> dict[str, Any]:
    items = [{**_item(play, line, 0), "CancellationQuantity": line.quantity} for line in lines]
    return {"ReferenceNumber": order.reference, "ExternalReference": order.external, "Items": items}


def _refund(play: Play, order: Order, line: Line, amount: float) -> dict[str, Any]:
    return {
        "ReferenceNumber": order.reference,
        "ExternalReference": order.external,
        "RefundShippingAmount": 0.0,
        "Items": [{**_item(play, line, 1), "RefundAmount": amount}],
    }


def _item(play: Play, line: Line, kind: int) -> dict[str, Any]:
    reason = next(iter(_reasons(objects(play.options.get("PostSaleReasons")), kind)), {})
    below = next(iter(objects(reason.get("SubReasons"))), {})
    return {
        # The SKU of Linnworks is another one than the channel's: only the line number can be matched.
        "SKU": f"LW-{line.sku}",
        "OrderLineNumber": line.number,
        "Reason": string(reason.get("Tag")) or "The buyer changed their mind",
        "SecondaryReason": string(below.get("Tag")),
    }


def _referenced(answer: Answer) -> str:
    reference = answer.accepted().says("RefundReference")
    if not reference:
        raise Failed("Refund answered neither an Error nor a RefundReference", answer.exchange)
    return reference
