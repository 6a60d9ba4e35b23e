"""Rules about Despatch, of whole orders and of parts."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

from bridge.check.context import CheckContext, now
from bridge.check.records import OrderRecord
from bridge.check.response import EndpointResponse
from bridge.check.rule import RuleArea, RuleFailed, RuleSeverity, RuleSkipped

area = RuleArea("Despatch", "ep:despatch", needs=("ORD-01",), changes_shop=True)
REPEATED = ("DSP-02",)
MAX_ATTEMPTS = 3
FEW_ORDERS = 6
"""With no more open orders than these, orders that are already despatched are sent again instead."""
DEFAULT_BATCH_SIZE = 100
PACKAGE_FIELDS = ("ShippingVendor", "ShippingMethod", "TrackingNumber", "Items")


@area.rule("DSP-01")
def partial_despatch(context: CheckContext) -> None:
    """A despatch of part of an order is accepted.

    Split orders are normal; Linnworks shows the despatch as failed and the buyer is not told about the parcel.
    """
    context.parcels = _send_first_part(context)


@area.rule("DSP-02", needs=("DSP-01",))
def partial_despatch_repeated(context: CheckContext) -> None:
    """The same despatch sent again, as after a lost response, is accepted again.

    Linnworks never learns that the order was sent, and tries again until it gives up.
    """
    _require_accepted(context, context.parcels[:1])
    context.repeat_accepted = True


@area.rule("DSP-17", source="ep:orders", follows=True, needs=("DSP-01",), after=("DSP-02",))
def rest_stays_open(context: CheckContext) -> None:
    """A despatch of part of an order cancels nothing of it.

    The second parcel is never sent, though the buyer paid for it.
    """
    context.settle()
    reference = context.parcels[0]["ReferenceNumber"]
    shown = context.changed_orders(context.started).get(reference)
    if shown and (shown.is_cancelled or any(line.is_cancelled for line in shown.lines)):
        raise RuleFailed(f"order {reference} is CANCELLED, or a line of it, after a despatch of part of it")


@area.rule("DSP-03", needs=("DSP-01",), after=("DSP-02",))
def remaining_despatch(context: CheckContext) -> None:
    """The rest of the order is accepted later.

    The second parcel of a split order is never confirmed.
    """
    for _ in range(MAX_ATTEMPTS):
        try:
            return _require_accepted(context, context.parcels[1:])
        except RuleFailed:  # the order may have been partly despatched before the check
            if not context.candidates(lambda order: order.can_be_split):
                raise
            context.parcels = _send_first_part(context)
            if context.repeat_accepted:  # pieces that were sent twice must not count twice
                _require_accepted(context, context.parcels[:1])
    return _require_accepted(context, context.parcels[1:])


@area.rule("DSP-16", follows=True, after=REPEATED)
def known_order(context: CheckContext) -> None:
    """The order beside an unknown one in a batch is despatched.

    One order that was deleted in the shop keeps all others from being despatched.
    """
    _send_some(context, lambda parcel: parcel, _unknown_reference(context))


@area.rule("DSP-04", RuleSeverity.SHOULD, after=REPEATED)
def unknown_order(context: CheckContext) -> None:
    """An unknown order in a batch gets its own Error.

    Linnworks shows an order as despatched that does not exist.
    """
    unknown = _unknown_parcel(context)
    if not context.despatch([unknown, *context.parcels[:1]])[unknown["ReferenceNumber"]].get("Error"):
        raise RuleFailed("an order that does not exist was despatched without an Error")


@area.rule("DSP-05", RuleSeverity.SHOULD)
def empty_despatch(context: CheckContext) -> None:
    """A despatch without orders, [] or null, succeeds.

    An Error is shown although nothing can have failed.
    """
    no_orders: tuple[list[Any] | None, ...] = ([], None)
    for orders in no_orders:
        content = json.dumps({"AuthorizationToken": context.first.token, "Orders": orders}).encode()
        context.client.send("Despatch", content, unusual=True).require_success()


@area.rule("DSP-06")
def two_parcels_at_once(context: CheckContext) -> None:
    """Two parcels of one order in one batch are both accepted.

    A reference can occur twice in a batch; the second parcel of the order is lost.
    """
    _send_order(context, _two_parcels, split=True)


@area.rule("DSP-07", RuleSeverity.ADVICE, after=REPEATED)
def quantities_as_text(context: CheckContext) -> None:
    """A DespatchedQuantity sent as text is understood.

    The page says that it is a string, the sample has a number.
    """

    def with_texts(parcel: dict[str, Any]) -> dict[str, Any]:
        items = [{**item, "DespatchedQuantity": str(item["DespatchedQuantity"])} for item in parcel["Items"]]
        return {**parcel, "Items": items}

    _send_some(context, with_texts)


@area.rule("DSP-08")
def full_batch(context: CheckContext) -> None:
    """A batch of DespatchUpdateBatchSize orders gets its response in time.

    After ten seconds Linnworks drops the connection and sends the whole batch again, in vain.
    """
    if context.call("Despatch", Orders=[_unknown_parcel(context)]).error:
        raise RuleSkipped("an unknown order alone gets an Error for the whole request, which DSP-04 judges")
    size = context.client.manifest.batch_size("DespatchUpdate", DEFAULT_BATCH_SIZE)
    context.despatch([_unknown_parcel(context) for _ in range(size)])


@area.rule("DSP-09", RuleSeverity.SHOULD)
def no_retry(context: CheckContext) -> None:
    """Retry is not true for an order that does not exist, nor for one that was despatched.

    With Retry true Linnworks sends it up to ten more times.
    """
    unknown = _unknown_parcel(context)
    if context.despatch([unknown])[unknown["ReferenceNumber"]].get("Retry") is True:
        raise RuleFailed("an order that does not exist has Retry true")
    if (
        context.parcels
        and context.despatch(context.parcels[:1])[context.parcels[0]["ReferenceNumber"]].get("Retry") is True
    ):
        raise RuleFailed("an order that was despatched has Retry true")


@area.rule("DSP-10", RuleSeverity.SHOULD, after=REPEATED)
def whole_order(context: CheckContext) -> None:
    """A despatch with the default vendor and method and without a tracking number is accepted.

    Linnworks sends NONE and Default when the customer has set nothing up.
    """
    _send_some(context, lambda parcel: {**parcel, "TrackingNumber": ""})


@area.rule("DSP-11", RuleSeverity.SHOULD)
def one_row_each(context: CheckContext) -> None:
    """Every row of a batch gets its own row in the response, also when a reference occurs twice.

    Linnworks cannot tell which of two parcels of a split order failed.
    """
    batch = [_unknown_parcel(context)] * 2
    response = context.call("Despatch", Orders=batch).require_success()
    if len(response.rows("Orders")) != len(batch):
        message = f"{len(batch)} rows were sent and {len(response.rows('Orders'))} returned"
        raise RuleFailed(message, response.exchange)


@area.rule("DSP-12", after=REPEATED)
def packages(context: CheckContext) -> None:
    """A despatch whose items are also listed by package is accepted.

    Linnworks sends Packages with an order that goes in several parcels, and the despatch is never confirmed.
    """

    def in_packages(parcel: dict[str, Any]) -> dict[str, Any]:
        package = {name: parcel[name] for name in PACKAGE_FIELDS}
        return {**parcel, "Packages": [{**package, "TrackingUrl": "https://track.example.com/1"}]}

    _send_some(context, in_packages)


@area.rule("DSP-13", source="endpoint-despatch-faq", needs=("DSP-01",), after=("DSP-03",))
def grouped_with_sent(context: CheckContext) -> None:
    """A despatch that groups a parcel with one already sent is accepted.

    Linnworks groups the parcels of an order: what was sent alone comes again with the rest, and is never confirmed.
    """
    if context.unused_orders(lambda order: order.can_be_split)[FEW_ORDERS:]:
        parcels = _send_order(context, _two_parcels, split=True, max_sent=1)
    else:
        parcels = context.parcels
    items: dict[str, dict[str, Any]] = {}
    for item in (item for parcel in parcels for item in parcel["Items"]):
        sent = items.get(item["OrderLineNumber"], {}).get("DespatchedQuantity", 0)
        items[item["OrderLineNumber"]] = {**item, "DespatchedQuantity": sent + item["DespatchedQuantity"]}
    whole = {**parcels[0], "TrackingNumber": "CHECK987654321GB", "Items": list(items.values())}
    _require_accepted(context, [{**whole, "SecondaryTrackingNumbers": [parcels[0]["TrackingNumber"]]}])


@area.rule("DSP-14", RuleSeverity.SHOULD, needs=("DSP-02",), after=("DSP-03",))
def corrected_tracking_number(context: CheckContext) -> None:
    """A despatch sent again with another tracking number is accepted.

    The buyer follows a parcel that does not exist, and the seller cannot correct it.
    """
    _require_accepted(context, [{**context.parcels[0], "TrackingNumber": "CHECK000000001GB"}])


@area.rule("DSP-15", needs=("DSP-01",))
def time_with_a_space(context: CheckContext) -> None:
    """ProcessedOn is understood with a space between date and time, as Linnworks sends it.

    A reader that only knows ISO 8601 fails on every despatch, and no buyer is told.
    """
    if not context.client.iso_times:
        return  # it was understood when the order was despatched
    parcels = context.parcels[:1]
    response = context.client.post("Despatch", {"AuthorizationToken": context.first.token, "Orders": parcels})
    if not (error := _first_error(response)):
        return
    if _first_error(context.call("Despatch", Orders=parcels)):
        raise RuleSkipped("a despatch sent again is refused in any form, which DSP-02 judges")
    raise RuleFailed(f'ProcessedOn with a space is refused: "{error[:200]}"', response.exchange)


def _first_error(response: EndpointResponse) -> str:
    errors = (str(row.get("Error") or "") for row in response.rows("Orders"))
    return response.error or next(filter(None, errors), "")


def _unknown_reference(context: CheckContext) -> str:
    return f"no-such-order-{context.random_word()}"


def _unknown_parcel(context: CheckContext) -> dict[str, Any]:
    item = {"SKU": "no-such-sku", "OrderLineNumber": "1", "DespatchedQuantity": 1}
    return OrderRecord(_unknown_reference(context), "", "", "", ()).parcel([item], now())


def _send_some(
    context: CheckContext, change: Callable[[dict[str, Any]], dict[str, Any]], unknown_reference: str = ""
) -> None:
    """Send a whole order; when few orders are left for the later rules, repeat an earlier despatch instead."""
    if context.repeat_accepted and len(context.unused_orders(lambda order: True)) <= FEW_ORDERS:
        _require_accepted(context, [change(context.parcels[0])], unknown_reference)
    else:
        _send_order(context, lambda order: [change(order.complete_parcel(now()))], unknown_reference)


def _send_order(
    context: CheckContext,
    parcels_of: Callable[[OrderRecord], list[dict[str, Any]]],
    unknown_reference: str = "",
    *,
    split: bool = False,
    max_sent: int | None = None,
) -> list[dict[str, Any]]:
    """Send the first `max_sent` parcels of an order, or all, and return all its parcels.

    Raise RuleFailed only when every order that was tried is rejected.
    """
    try:
        return _try_orders(context, parcels_of, unknown_reference, split=split, max_sent=max_sent)
    except RuleFailed:
        if context.iso_parcels or context.client.iso_times:
            raise
        context.client.iso_times = context.iso_parcels = True  # ProcessedOn may be refused, which DSP-15 judges
        try:
            return _try_orders(context, parcels_of, unknown_reference, split=split, max_sent=max_sent)
        except RuleFailed:
            context.client.iso_times = context.iso_parcels = False
        raise


def _try_orders(
    context: CheckContext,
    parcels_of: Callable[[OrderRecord], list[dict[str, Any]]],
    unknown_reference: str,
    *,
    split: bool,
    max_sent: int | None,
) -> list[dict[str, Any]]:
    needed = "paid order that can be sent in two parcels" if split else "paid order"
    failure: RuleFailed | RuleSkipped = RuleSkipped(f"the shop has no further {needed}")
    for order in context.candidates(lambda order: order.can_be_split or not split):
        context.used_orders.add(order.reference)
        parcels = parcels_of(order)
        try:
            _require_accepted(context, parcels[:max_sent], unknown_reference)
        except RuleFailed as rejection:
            failure = rejection
        else:
            return parcels
    raise failure


def _send_first_part(context: CheckContext) -> list[dict[str, Any]]:
    """Send the first parcel of an order, and return both."""
    return _send_order(context, _two_parcels, split=True, max_sent=1)


def _two_parcels(order: OrderRecord) -> list[dict[str, Any]]:
    """Return a parcel with one piece of the order, and one with all others."""
    first, *others = order.shippable_lines
    rest = [line.despatch_item(line.quantity) for line in others]
    if first.quantity > 1:
        rest.insert(0, first.despatch_item(first.quantity - 1))
    return [order.parcel([first.despatch_item(1)], now()), order.parcel(rest, now())]


def _require_accepted(context: CheckContext, parcels: list[dict[str, Any]], unknown_reference: str = "") -> None:
    """Send parcels, before them one of an unknown order if its reference is given, and require no Error for them."""
    unknown = [{**parcels[0], "ReferenceNumber": unknown_reference}] if unknown_reference else []
    for reference, row in context.despatch([*unknown, *parcels]).items():
        if row.get("Error") and reference != unknown_reference:
            raise RuleFailed(f'order {reference} was rejected: "{row["Error"]}"')
