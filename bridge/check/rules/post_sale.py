"""Rules about cancellations and refunds."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from datetime import timedelta
from typing import Any

from bridge.check.context import CheckContext, now
from bridge.check.records import CancelledPieces, OrderLineRecord, OrderRecord
from bridge.check.response import EndpointResponse, objects, string
from bridge.check.rule import RuleArea, RuleFailed, RuleSeverity, RuleSkipped

area = RuleArea("Post-sale", "ep:post-sale-options", needs=("ORD-01",))
OFFERED = ("PSO-01",)
LATER = ("PSO-04", "PSO-05")
PAIR = 2
INDEPENDENT = 2
"""The flag of RefundShippingTypes for postage without an item."""
CANCELLATION, ITEM_REFUND, SHIPPING_REFUND, SERVICE_REFUND, ADDITIONAL_REFUND = range(5)
"""The protocol's numbers of the actions for which there are reasons."""
ACTION_NAMES = ("cancellation", "item refund", "shipping refund", "service refund", "additional refund")
SMALLEST_PRICE = 0.02
"""The lowest price that can be refunded in part."""
EXCESSIVE_AMOUNT = 1_000_000.0
OTHER_REASON = "The buyer changed their mind"


@area.rule("PSO-01")
def options(context: CheckContext) -> None:
    """PostSaleOptions returns what can be done with an order.

    Linnworks cannot show the screen for returns and refunds.
    """
    response = context.call("PostSaleOptions").require_success()
    context.post_sale_options, context.exchanges["PostSaleOptions"] = response.body, response.exchange


@area.rule("PSO-02", needs=OFFERED)
def reasons_for_every_action(context: CheckContext) -> None:
    """PostSaleOptions returns no reasons at all, or some for every supported action.

    The customer has to choose a reason for the action, and the list is empty.
    """
    options = context.post_sale_options
    can_refund = options.get("CanRefund") is True
    supported = {
        CANCELLATION: options.get("CanCancel") is True or options.get("CanCancelOrderLines") is True,
        ITEM_REFUND: can_refund and options.get("CanAttachRefundToItem") is True,
        SHIPPING_REFUND: can_refund and options.get("RefundShippingTypes") not in (0, None),
        SERVICE_REFUND: can_refund and options.get("CanAttachRefundToService") is True,
        ADDITIONAL_REFUND: can_refund and options.get("CanRefundAdditionally") is True,
    }
    missing = [ACTION_NAMES[action] for action in supported if supported[action] and not _reasons(context, action)]
    if objects(options.get("PostSaleReasons")) and missing:
        raise RuleFailed(f"there are reasons, but none for: {', '.join(missing)}", context.exchanges["PostSaleOptions"])


@area.rule("PSO-03", RuleSeverity.SHOULD, "ep:cancel", after=OFFERED, changes_shop=True)
def cancel(context: CheckContext) -> None:
    """Cancel of a whole order is accepted.

    PostSaleOptions says that it is supported; the order is cancelled in Linnworks but not in the shop.
    """
    _require_ability(context, "CanCancel", "Cancel")
    context.cancelled_since = now()
    _, context.cancellation = _cancel(
        context,
        "paid order without services",
        fits=lambda order: len(order.shippable_lines) == len(order.lines),
        lines_of=lambda order: list(order.lines),
    )


@area.rule("PSO-04", RuleSeverity.SHOULD, "ep:cancel", needs=("PSO-03",), changes_shop=True)
def cancel_repeated(context: CheckContext) -> None:
    """The same Cancel sent again, as after a lost response, succeeds again.

    The customer sees that the cancellation failed although it is done.
    """
    context.call("Cancel", Cancellation=context.cancellation).require_success()


@area.rule("PSO-05", source="ep:orders", follows=True, needs=("PSO-03",), changes_shop=True)
def cancelled_order_shown(context: CheckContext) -> None:
    """Orders then shows that order as CANCELLED.

    An order cancelled in the shop stays open in Linnworks, and is sent.
    """
    reference = context.cancellation["ReferenceNumber"]

    def find_problem() -> str:
        order = context.changed_orders(context.cancelled_since).get(reference)
        if not order:
            return f"order {reference} is not among those changed since it was cancelled"
        return "" if order.is_cancelled else f"order {reference} is {order.status} after its Cancel"

    context.eventually(find_problem)


@area.rule("PSO-21", source="ep:cancel", follows=True, needs=("PSO-05",), changes_shop=True)
def no_other_order(context: CheckContext) -> None:
    """Cancel of one order cancels no other order.

    Another buyer does not get what was paid for.
    """
    before = {order.reference: order.is_cancelled for order in context.orders}
    for reference, order in context.changed_orders(context.cancelled_since).items():
        if order.is_cancelled and before.get(reference) is False and reference not in context.used_orders:
            cancelled = context.cancellation["ReferenceNumber"]
            raise RuleFailed(f"order {reference} was cancelled with order {cancelled}")


@area.rule("PSO-06", RuleSeverity.SHOULD, "ep:cancel", needs=OFFERED, changes_shop=True)
def cancel_line(context: CheckContext) -> None:
    """Cancel of one line is accepted.

    PostSaleOptions says that it is supported; the line is cancelled in Linnworks but not in the shop.
    """
    _require_ability(context, "CanCancelOrderLines", "Cancel")
    cancelled_since = now()
    order, _ = _cancel(
        context,
        "paid order with several lines",
        fits=lambda order: len(order.shippable_lines) > 1,
        lines_of=lambda order: order.shippable_lines[:1],
    )
    context.cancelled_lines = (order, order.shippable_lines[0], cancelled_since)


@area.rule("PSO-13", source="ep:cancel", follows=True, needs=("PSO-06",), changes_shop=True)
def only_that_line(context: CheckContext) -> None:
    """Cancel of one line cancels that line and no other.

    The buyer gets a cancelled item, or does not get one that was not cancelled.
    """
    assert context.cancelled_lines
    order, line, cancelled_since = context.cancelled_lines

    def find_problem() -> str:
        shown = context.changed_orders(cancelled_since).get(order.reference)
        if not shown:
            return f"order {order.reference} is not among those changed since a line of it was cancelled"
        if shown.status == "CANCELLED" or any(
            other.is_cancelled for other in shown.lines if other.number != line.number
        ):
            raise RuleFailed(f"the Cancel of line {line.number} cancelled more of order {order.reference}")
        if any(not same.is_cancelled for same in shown.lines if same.number == line.number):
            return f"line {line.number} of order {order.reference} is not CANCELLED"
        return ""

    context.eventually(find_problem)


@area.rule("PSO-07", RuleSeverity.SHOULD, "ep:refund", after=OFFERED, changes_shop=True)
def refund(context: CheckContext) -> None:
    """Refund of part of a line's price is accepted and returns a RefundReference.

    PostSaleOptions says that it is supported; the buyer does not get the money.
    """
    _require_ability(context, "CanRefund", "Refund")
    if context.post_sale_options.get("CanAttachRefundToItem") is False:
        raise RuleSkipped("PostSaleOptions says CanAttachRefundToItem is false")
    rejection = None
    for order in _refundable(context):
        context.used_orders.add(order.reference)
        line = order.shippable_lines[0]
        context.refund = _refund(context, order, line, round(line.price / 2, 2))
        response = context.call("Refund", Refund=context.refund)
        if not response.error:
            context.refund_reference = _refund_reference(response)
            return
        rejection = response
    if not rejection:
        raise RuleSkipped("the shop has no further paid order to refund")
    message = f'no order could be refunded, the last one tried returned "{rejection.error[:300]}"'
    raise RuleFailed(message, rejection.exchange)


def _refundable(context: CheckContext) -> list[OrderRecord]:
    """Return paid orders that no rule has used yet, or in a small shop the one that was despatched in two parcels."""
    despatched = {parcel["ReferenceNumber"] for parcel in context.parcels}
    unused = context.candidates(lambda order: order.shippable_lines[0].price >= SMALLEST_PRICE)
    return unused or [
        order
        for order in context.orders
        if order.reference in despatched and order.shippable_lines[0].price >= SMALLEST_PRICE
    ]


@area.rule("PSO-22", source="ep:refund", follows=True, needs=("PSO-07",), changes_shop=True)
def refund_leaves_order(context: CheckContext) -> None:
    """A Refund of part of a line's price leaves the order as it is.

    An order that is still to be sent is cancelled in Linnworks.
    """
    context.settle()
    reference = context.refund["ReferenceNumber"]
    before = {order.reference: order.is_cancelled for order in context.orders}
    shown = context.changed_orders(context.started).get(reference)
    if shown and shown.is_cancelled and not before.get(reference):
        raise RuleFailed(f"order {reference} is CANCELLED after a refund of part of a line")


@area.rule("PSO-08", RuleSeverity.SHOULD, "ep:refund", needs=("PSO-07",), changes_shop=True)
def refund_repeated(context: CheckContext) -> None:
    """The same Refund sent again, as after a lost response, succeeds again.

    The customer sees that the refund failed although it is done.
    """
    context.repeated_reference = _refund_reference(context.call("Refund", Refund=context.refund))


@area.rule("PSO-14", source="ep:refund", follows=True, needs=("PSO-08",), changes_shop=True)
def refunded_once(context: CheckContext) -> None:
    """The same Refund sent again, as after a lost response, returns the same RefundReference.

    Another reference means that the buyer is paid twice.
    """
    if context.repeated_reference != context.refund_reference:
        raise RuleFailed(f"the first reference is {context.refund_reference}, the second {context.repeated_reference}")


@area.rule("PSO-19", source="ep:refund", needs=("PSO-07",), after=("PSO-14",), changes_shop=True)
def own_refund_reference(context: CheckContext) -> None:
    """Another Refund, of the same order or of another, returns a RefundReference of its own.

    The second refund looks like the first one sent again: the buyer is not paid, or nobody can tell.
    """
    accepted = 0
    for difference, other in _other_refunds(context):
        response = context.try_call("Refund", Refund=other)
        if response.error or not response.string("RefundReference"):
            continue
        accepted += 1
        if response.string("RefundReference") == context.refund_reference:
            message = f"two refunds that differ in {difference} have the RefundReference {context.refund_reference!r}"
            raise RuleFailed(message, response.exchange)
    if not accepted:
        raise RuleSkipped("a second refund is refused")


def _other_refunds(context: CheckContext) -> Iterator[tuple[str, dict[str, Any]]]:
    """Yield refunds that differ from the first in one thing, each with that thing."""
    refund, item = context.refund, context.refund["Items"][0]
    if (half := round(item["RefundAmount"] / 2, 2)) not in (0, item["RefundAmount"]):
        yield "the amount", {**refund, "Items": [{**item, "RefundAmount": half}]}
    orders = {order.reference: order for order in context.orders}
    postage = orders[refund["ReferenceNumber"]].postage
    if _refunds_postage(context) and postage >= SMALLEST_PRICE:
        yield "the postage", {**refund, "RefundShippingAmount": round(postage / 2, 2)}
    number, amount = item["OrderLineNumber"], item["RefundAmount"]
    for line in orders[refund["ReferenceNumber"]].shippable_lines:
        if line.number != number and line.price >= amount:
            yield "the line", {**refund, "Items": [{**item, "OrderLineNumber": line.number, "SKU": f"LW-{line.sku}"}]}
            break
    for other in context.unused_orders(lambda order: True):
        if any(line.number == number and line.price >= amount for line in other.shippable_lines):
            context.used_orders.add(other.reference)
            yield "the order", {**refund, "ReferenceNumber": other.reference, "ExternalReference": other.external}
            break


def _refunds_postage(context: CheckContext) -> bool:
    types = context.post_sale_options.get("RefundShippingTypes")
    return isinstance(types, int) and types > 0


@area.rule("PSO-18", RuleSeverity.SHOULD, "ep:refund", after=OFFERED, changes_shop=True)
def shipping_refund(context: CheckContext) -> None:
    """Refund of part of the postage is accepted when RefundShippingTypes says so.

    PostSaleOptions says that it is supported; the buyer does not get the money.
    """
    _require_ability(context, "CanRefund", "Refund")
    types = context.post_sale_options.get("RefundShippingTypes")
    if not isinstance(types, int) or not types:
        raise RuleSkipped("PostSaleOptions says that postage cannot be refunded")
    rejection = None
    for order in context.candidates(lambda order: order.postage >= SMALLEST_PRICE):
        context.used_orders.add(order.reference)
        line = order.shippable_lines[0]
        asked = _refund(context, order, line, round(line.price / 2, 2))
        items = [] if types & INDEPENDENT else asked["Items"]
        amount = round(order.postage / 2, 2)
        rejection = context.call("Refund", Refund={**asked, "Items": items, "RefundShippingAmount": amount})
        if not rejection.error:
            return
    if not rejection:
        raise RuleSkipped("the shop has no further paid order with postage")
    message = f'no postage could be refunded, the last order tried returned "{rejection.error[:300]}"'
    raise RuleFailed(message, rejection.exchange)


@area.rule("PSO-09", source="ep:refund", follows=True, needs=("PSO-07",), after=("PSO-08",), changes_shop=True)
def excessive_refund(context: CheckContext) -> None:
    """A Refund far above the order's value is rejected.

    A typing error pays a fortune, or a refund is shown that was never paid.
    """
    item = {**context.refund["Items"][0], "RefundAmount": EXCESSIVE_AMOUNT}
    context.try_call("Refund", Refund={**context.refund, "Items": [item]}).require_error("for a refund of a million")
    if _refunds_postage(context):
        postage = {**context.refund, "RefundShippingAmount": EXCESSIVE_AMOUNT}
        context.try_call("Refund", Refund=postage).require_error("for a million of postage")


@area.rule("PSO-23", source="ep:cancel", follows=True, needs=("PSO-13",), changes_shop=True)
def cancel_unknown_line(context: CheckContext) -> None:
    """Cancel of a line that the order does not have cancels nothing.

    Linnworks may name an item that the seller added: the buyer does not get what was paid for.
    """
    assert context.cancelled_lines
    order, cancelled, _ = context.cancelled_lines
    since = now()
    others = {line.number for line in order.shippable_lines if line.number != cancelled.number}
    unknown = OrderLineRecord("no-such-line", "no-such-sku", 1, 1.0, is_service=False, is_cancelled=False)
    response = context.try_call("Cancel", Cancellation=_cancellation(context, order, [unknown]))
    context.settle()
    shown = context.changed_orders(since).get(order.reference)
    if shown and (shown.is_cancelled or any(line.is_cancelled for line in shown.lines if line.number in others)):
        message = f"the Cancel of a line that order {order.reference} does not have cancelled its other lines"
        raise RuleFailed(message, response.exchange)


@area.rule("PSO-10", RuleSeverity.SHOULD, "ep:cancel, ep:refund", after=OFFERED, changes_shop=True)
def unknown_order(context: CheckContext) -> None:
    """Cancel and Refund reject a ReferenceNumber that does not exist.

    Linnworks shows as done what was never done.
    """
    line = OrderLineRecord("1", "no-such-sku", 1, 1.0, is_service=False, is_cancelled=False)
    order = OrderRecord(f"no-such-order-{context.random_word()}", "", "", "PAID", (line,))
    if not context.client.has_endpoint("Cancel") and not context.client.has_endpoint("Refund"):
        raise RuleSkipped("the manifest names neither a CancelEndpoint nor a RefundEndpoint")
    if _can(context, "CanCancel") and context.client.has_endpoint("Cancel"):
        cancellation = _cancellation(context, order, [line])
        context.try_call("Cancel", Cancellation=cancellation).require_error("for an unknown order")
    if _can(context, "CanRefund") and context.client.has_endpoint("Refund"):
        refund = _refund(context, order, line, 1.0)
        context.try_call("Refund", Refund=refund).require_error("for an unknown order")


@area.rule("PSO-11", RuleSeverity.SHOULD, "ep:post-sale-options", needs=OFFERED)
def endpoints_of_abilities(context: CheckContext) -> None:
    """Every ability in PostSaleOptions has an endpoint in the manifest.

    The customer cancels or refunds in Linnworks, and nothing happens in the shop.
    """
    for ability, name in (("CanCancel", "Cancel"), ("CanRefund", "Refund")):
        if context.post_sale_options.get(ability) is True and not context.client.has_endpoint(name):
            message = f"{ability} is true and the manifest names no {name}Endpoint"
            raise RuleFailed(message, context.exchanges["PostSaleOptions"])


@area.rule("PSO-12", source="ep:post-sale-options", follows=True, needs=("PSO-03",), after=LATER, changes_shop=True)
def automatic_refund(context: CheckContext) -> None:
    """When AutomaticRefundOnCancel is true, nothing of a cancelled order can be refunded after its Cancel.

    Linnworks records a refund that was never paid, or a second one is paid.
    """
    if context.post_sale_options.get("AutomaticRefundOnCancel") is not True:
        raise RuleSkipped("PostSaleOptions does not say that AutomaticRefundOnCancel is true")
    response = _refund_after_cancel(context)
    if not response.error:
        message = "AutomaticRefundOnCancel is true, but a refund after the Cancel is accepted"
        raise RuleFailed(message, response.exchange)


@area.rule(
    "PSO-15",
    RuleSeverity.SHOULD,
    "ep:post-sale-options",
    follows=True,
    needs=("PSO-03",),
    after=LATER,
    changes_shop=True,
)
def no_automatic_refund(context: CheckContext) -> None:
    """When AutomaticRefundOnCancel is false, a cancelled order can be refunded after its Cancel.

    The buyer's money stays with the seller, or the Cancel gave it back and Linnworks does not know.
    """
    if context.post_sale_options.get("AutomaticRefundOnCancel") is True:
        raise RuleSkipped("PostSaleOptions says AutomaticRefundOnCancel is true")
    response = _refund_after_cancel(context)
    if response.error:
        message = f'AutomaticRefundOnCancel is false, but a refund after the Cancel returned "{response.error[:300]}"'
        raise RuleFailed(message, response.exchange)


def _refund_after_cancel(context: CheckContext) -> EndpointResponse:
    """Refund part of a line of the cancelled order, or raise RuleSkipped when that cannot be tried."""
    _require_ability(context, "CanRefund", "Refund")
    if context.post_sale_options.get("CanAttachRefundToItem") is False:
        raise RuleSkipped("PostSaleOptions says CanAttachRefundToItem is false")
    order = next(order for order in context.orders if order.reference == context.cancellation["ReferenceNumber"])
    line = next((line for line in order.shippable_lines if line.price >= SMALLEST_PRICE), None)
    if line is None:
        raise RuleSkipped(f"nothing of the cancelled order {order.reference} can be refunded in part")
    return context.call("Refund", Refund=_refund(context, order, line, round(line.price / 2, 2)))


@area.rule("PSO-20", RuleSeverity.SHOULD, "ep:cancel", needs=OFFERED, changes_shop=True)
def cancel_pieces(context: CheckContext) -> None:
    """Cancel of one of several pieces of a line is accepted.

    PostSaleOptions says that it is supported; the piece is cancelled in Linnworks but not in the shop.
    """
    _require_ability(context, "CanCancelOrderLinesPartially", "Cancel")

    def several(order: OrderRecord) -> list[OrderLineRecord]:
        """Return the lines of several pieces, those of two first: there the second piece cancels the line."""
        return sorted((line for line in order.shippable_lines if line.quantity > 1), key=lambda line: line.quantity)

    def pair(order: OrderRecord) -> list[OrderLineRecord]:
        return [line for line in several(order) if line.quantity == PAIR]

    lines_of = pair if context.unused_orders(lambda order: bool(pair(order))) else several
    order, cancellation = _cancel(
        context,
        "paid order with several pieces in a line",
        fits=lambda order: bool(lines_of(order)),
        lines_of=lambda order: lines_of(order)[:1],
        pieces=1,
    )
    context.cancelled_pieces = CancelledPieces(order, lines_of(order)[0], cancellation, now())


@area.rule("PSO-16", source="ep:cancel", follows=True, needs=("PSO-20",), changes_shop=True)
def rest_of_line(context: CheckContext) -> None:
    """Cancel of one of several pieces leaves the rest of the line, and the rest of the order.

    The buyer does not get what was not cancelled.
    """
    assert context.cancelled_pieces
    context.settle()
    left = _pieces_left(context)
    if left == 0:
        line = context.cancelled_pieces.line
        raise RuleFailed(f"the Cancel of 1 of {line.quantity} pieces cancelled the line {line.number}, or its order")


@area.rule("PSO-17", source="ep:cancel", follows=True, needs=("PSO-16",), changes_shop=True)
def second_equal_cancel(context: CheckContext) -> None:
    """An equal Cancel of one piece, sent after the time of --repeat-window, cancels another piece.

    Linnworks sends no id: a second piece that the buyer does not want is sent nevertheless.
    """
    cancelled = context.cancelled_pieces
    assert cancelled
    if cancelled.line.quantity != PAIR:
        raise RuleSkipped("the shop has no further paid order with two pieces in a line")
    until = cancelled.sent + timedelta(seconds=context.repeat_window or 0)
    context.wait_until(until, "to send an equal Cancel again")
    context.call("Cancel", Cancellation=cancelled.cancellation).require_success()
    number, reference = cancelled.line.number, cancelled.order.reference
    context.eventually(lambda: f"line {number} of order {reference} is not CANCELLED" if _pieces_left(context) else "")


def _pieces_left(context: CheckContext) -> int:
    """Return how many pieces Orders shows of the line of which some were cancelled."""
    cancelled = context.cancelled_pieces
    assert cancelled
    shown = context.changed_orders(cancelled.sent).get(cancelled.order.reference, cancelled.order)
    line = next((line for line in shown.lines if line.number == cancelled.line.number), None)
    return 0 if line is None or line.is_cancelled or shown.is_cancelled else line.quantity


def _can(context: CheckContext, ability: str) -> bool:
    """Return whether the ability is supported; without PostSaleOptions it counts as supported."""
    return context.post_sale_options.get(ability) is True or not context.client.has_endpoint("PostSaleOptions")


def _require_ability(context: CheckContext, ability: str, endpoint: str) -> None:
    context.client.url(endpoint)
    if not _can(context, ability):
        raise RuleSkipped(f"PostSaleOptions says {ability} is {str(context.post_sale_options.get(ability)).lower()}")


def _cancel(
    context: CheckContext,
    needed: str,
    fits: Callable[[OrderRecord], bool],
    lines_of: Callable[[OrderRecord], list[OrderLineRecord]],
    pieces: int | None = None,
) -> tuple[OrderRecord, dict[str, Any]]:
    """Cancel these lines, or so many pieces of each, of the newest order that accepts it; a despatched one may not."""
    error = ""
    for order in context.candidates(fits):
        context.used_orders.add(order.reference)
        cancellation = _cancellation(context, order, lines_of(order), pieces)
        error = context.call("Cancel", Cancellation=cancellation).error
        if not error:
            return order, cancellation
    if error:
        raise RuleFailed(f'no order could be cancelled, the last one tried returned "{error[:300]}"')
    raise RuleSkipped(f"the shop has no further {needed}")


def _reasons(context: CheckContext, action: int) -> list[dict[str, Any]]:
    reasons = objects(context.post_sale_options.get("PostSaleReasons"))
    return [reason for reason in reasons if action in (reason.get("Types") or [])]


def _cancellation(
    context: CheckContext, order: OrderRecord, lines: list[OrderLineRecord], pieces: int | None = None
) -> dict[str, Any]:
    items = [{**_item(context, line, CANCELLATION), "CancellationQuantity": pieces or line.quantity} for line in lines]
    return {"ReferenceNumber": order.reference, "ExternalReference": order.external, "Items": items}


def _refund(context: CheckContext, order: OrderRecord, line: OrderLineRecord, amount: float) -> dict[str, Any]:
    return {
        "ReferenceNumber": order.reference,
        "ExternalReference": order.external,
        "RefundShippingAmount": 0.0,
        "Items": [{**_item(context, line, ITEM_REFUND), "RefundAmount": amount}],
    }


def _item(context: CheckContext, line: OrderLineRecord, action: int) -> dict[str, Any]:
    reason = next(iter(_reasons(context, action)), {})
    sub_reason = next(iter(objects(reason.get("SubReasons"))), {})
    return {
        # Linnworks sends its own SKU, not the channel's: only the line number can be matched.
        "SKU": f"LW-{line.sku}",
        "OrderLineNumber": line.number,
        "Reason": string(reason.get("Tag")) or OTHER_REASON,
        "SecondaryReason": string(sub_reason.get("Tag")),
    }


def _refund_reference(response: EndpointResponse) -> str:
    reference = response.require_success().string("RefundReference")
    if not reference:
        raise RuleFailed("Refund returned neither an Error nor a RefundReference", response.exchange)
    return reference
