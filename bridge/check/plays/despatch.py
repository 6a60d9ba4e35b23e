"""Orders leave the warehouse, whole and in parts."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

from bridge.check.play import Play, parcel
from bridge.check.records import Order
from bridge.check.registry import Area, Failed, Severity, Skipped

area = Area("Despatch", "ep:despatch", needs=("ORD-01",), changes=True)
REPEATED = ("DSP-02",)
MOST_BEGUN = 3
PLENTY = 6
"""Where a shop has no more open orders than these, those that were sent are sent again instead."""


@area.check("DSP-01")
def a_part(play: Play) -> None:
    """A despatch of part of an order is accepted.

    Split orders are normal; Linnworks shows the despatch as failed and the buyer hears nothing of the parcel.
    """
    play.parcels = _begun(play)


@area.check("DSP-02", needs=("DSP-01",))
def the_part_again(play: Play) -> None:
    """The same despatch sent again, as after a lost answer, is accepted again.

    Linnworks never hears that the order has left, and tries until it gives up.
    """
    _done(play, play.parcels[:1])
    play.may_repeat = True


@area.check("DSP-03", needs=("DSP-01",), after=("DSP-02",))
def the_rest(play: Play) -> None:
    """The rest of the order is accepted later.

    The second parcel of a split order is never confirmed.
    """
    for _ in range(MOST_BEGUN):
        try:
            return _done(play, play.parcels[1:])
        except Failed:  # a part may have left before the check came
            if not play.candidates(lambda order: order.splits):
                raise
            play.parcels = _begun(play)
    return _done(play, play.parcels[1:])


@area.check("DSP-04", Severity.SHOULD, after=REPEATED)
def one_unknown(play: Play) -> None:
    """An unknown order in a batch bears its own Error, and the other order goes out.

    Either nobody learns that the order is not known, or one bad order holds the whole batch up.
    """
    unknown = f"no-such-order-{play.word()}"
    _send_some(play, lambda whole: whole, beside=unknown)


@area.check("DSP-05", Severity.SHOULD)
def nothing_to_send(play: Play) -> None:
    """A despatch of no orders, [] or null, succeeds.

    There is nothing that could have failed.
    """
    nothing: tuple[list[Any] | None, ...] = ([], None)
    for orders in nothing:
        content = json.dumps({"AuthorizationToken": play.first.token, "Orders": orders}).encode()
        play.linnworks.send("Despatch", content, odd=True).accepted()


@area.check("DSP-06")
def two_parts_at_once(play: Play) -> None:
    """Two parts of one order in one batch are both accepted.

    A reference may repeat within a batch; the second parcel of the order is lost.
    """
    _sent(play, _parts, parts=True)


@area.check("DSP-07", Severity.ADVICE, after=REPEATED)
def quantities_as_text(play: Play) -> None:
    """A DespatchedQuantity sent as text is understood.

    The page says it is a string, the sample writes a number.
    """

    def with_texts(whole: dict[str, Any]) -> dict[str, Any]:
        items = [{**item, "DespatchedQuantity": str(item["DespatchedQuantity"])} for item in whole["Items"]]
        return {**whole, "Items": items}

    _send_some(play, with_texts)


@area.check("DSP-08")
def a_full_batch(play: Play) -> None:
    """A batch of DespatchUpdateBatchSize orders is answered in time.

    After ten seconds Linnworks drops the connection and sends the whole batch again, in vain.
    """
    size = play.linnworks.manifest.batch("DespatchUpdate", 100)
    play.despatch([_stranger(play) for _ in range(size)])


@area.check("DSP-09", Severity.SHOULD)
def not_to_be_retried(play: Play) -> None:
    """An order that does not exist is not to be retried, and one that went out neither.

    With Retry true Linnworks sends it up to ten times more.
    """
    unknown = _stranger(play)
    if play.despatch([unknown])[unknown["ReferenceNumber"]].get("Retry") is True:
        raise Failed("an order that does not exist has Retry true")
    if play.parcels and play.despatch(play.parcels[:1])[play.parcels[0]["ReferenceNumber"]].get("Retry") is True:
        raise Failed("an order that went out has Retry true")


@area.check("DSP-10", Severity.SHOULD, after=REPEATED)
def the_whole_order(play: Play) -> None:
    """A despatch without tracking number, vendor and method, as customers leave them unset, is accepted.

    Linnworks writes NONE and Default for what the customer did not set up.
    """
    _send_some(play, lambda whole: {**whole, "TrackingNumber": ""})


@area.check("DSP-11", Severity.SHOULD)
def one_entry_each(play: Play) -> None:
    """Every order of a batch is answered by an entry of its own, also where a reference comes twice.

    Which of two parcels of a split order failed cannot be told.
    """
    batch = [_stranger(play)] * 2
    answer = play.call("Despatch", Orders=batch).accepted()
    if len(answer.rows("Orders")) != len(batch):
        words = f"{len(batch)} despatches were sent and {len(answer.rows('Orders'))} answered"
        raise Failed(words, answer.exchange)


def _stranger(play: Play) -> dict[str, Any]:
    """A despatch of an order that does not exist."""
    item = {"SKU": "no-such-sku", "OrderLineNumber": "1", "DespatchedQuantity": 1}
    return parcel(Order(f"no-such-order-{play.word()}", "", "", "", ()), [item])


def _send_some(play: Play, changed: Callable[[dict[str, Any]], dict[str, Any]], beside: str = "") -> None:
    """Sends a whole order, or in a small shop what has left already: later checks want orders, too."""
    if play.may_repeat and len(play.untouched(lambda order: True)) <= PLENTY:
        _done(play, [changed(play.parcels[0])], beside)
    else:
        _sent(play, lambda order: [changed(parcel(order, [line.part(line.quantity) for line in order.goods]))], beside)


def _sent(
    play: Play,
    parcels_of: Callable[[Order], list[dict[str, Any]]],
    beside: str = "",
    *,
    parts: bool = False,
    most: int | None = None,
) -> list[dict[str, Any]]:
    """Sends the first parcels of an order, all unless there is a limit; all its parcels.

    A refusal counts only where other orders meet it too.
    """
    refusal: Failed | Skipped = Skipped(
        f"the shop shows no further paid order{' that can go out in two parts' if parts else ''}"
    )
    for order in play.candidates(lambda order: order.splits or not parts):
        play.touched.add(order.reference)
        parcels = parcels_of(order)
        try:
            _done(play, parcels[:most], beside)
        except Failed as failure:
            refusal = failure
        else:
            return parcels
    raise refusal


def _begun(play: Play) -> list[dict[str, Any]]:
    """Sends the first part of an order; both its parcels."""
    return _sent(play, _parts, parts=True, most=1)


def _parts(order: Order) -> list[dict[str, Any]]:
    return [parcel(order, part) for part in _halves(order)]


def _halves(order: Order) -> tuple[list[dict[str, Any]], list[dict[str, Any]]]:
    """One piece of the order, and everything else."""
    first, *others = order.goods
    rest = [line.part(line.quantity) for line in others]
    if first.quantity > 1:
        rest.insert(0, first.part(first.quantity - 1))
    return [first.part(1)], rest


def _done(play: Play, parcels: list[dict[str, Any]], unknown: str = "") -> None:
    """Sends parcels, and before them one of an order that does not exist where it is named."""
    strangers = [{**parcels[0], "ReferenceNumber": unknown}] if unknown else []
    for reference, row in play.despatch([*strangers, *parcels]).items():
        if row.get("Error") and reference != unknown:
            raise Failed(f'order {reference} was refused: "{row["Error"]}"')
        if not row.get("Error") and reference == unknown:
            raise Failed("an order that does not exist was despatched without an Error")
