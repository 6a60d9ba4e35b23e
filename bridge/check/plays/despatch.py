"""Orders leave the warehouse, whole and in parts."""

from __future__ import annotations

from typing import Any

from bridge.check.judge import summary
from bridge.check.linnworks import Answer, spaced
from bridge.check.play import Play, now
from bridge.check.records import Order
from bridge.check.registry import Area, Failed

area = Area("Despatch", needs=("ORD-01",))


@area.check("DSP-01")
def a_part(play: Play) -> None:
    """A despatch of part of an order is accepted."""
    order = play.take("paid order that can go out in two parts", lambda order: order.splits)
    first, rest = _halves(order)
    play.parcels = [_parcel(order, first), _parcel(order, rest)]
    _done(_despatch(play, play.parcels[:1]))


@area.check("DSP-02", needs=("DSP-01",))
def the_part_again(play: Play) -> None:
    """The same despatch sent again, as after a lost answer, is accepted again."""
    _done(_despatch(play, play.parcels[:1]))


@area.check("DSP-03", needs=("DSP-01",))
def the_rest(play: Play) -> None:
    """The rest of the order is accepted later."""
    _done(_despatch(play, play.parcels[1:]))


@area.check("DSP-04")
def one_unknown(play: Play) -> None:
    """An unknown order in a batch bears its own Error, not to be retried, and the other order goes out."""
    order = play.take("paid order")
    unknown = f"no-such-order-{play.word()}"
    stranger = {**_parcel(order, _all(order)), "ReferenceNumber": unknown}
    answer = _despatch(play, [_parcel(order, _all(order)), stranger])
    rows = {row.get("ReferenceNumber"): row for row in answer.rows("Orders")}
    if rows[order.reference].get("Error"):
        raise Failed(f'the known order was refused: "{rows[order.reference]["Error"]}"')
    _not_found(rows[unknown])


@area.check("DSP-05")
def nothing_to_send(play: Play) -> None:
    """A despatch of no orders, [] or null, succeeds with an empty list."""
    nothing: tuple[list[Any] | None, ...] = ([], None)
    for orders in nothing:
        if play.call("Despatch", Orders=orders).accepted().rows("Orders"):
            raise Failed(f"Orders {orders} was answered with orders")


@area.check("DSP-06")
def two_parts_at_once(play: Play) -> None:
    """Two parts of one order in one batch are answered twice."""
    order = play.take("paid order that can go out in two parts", lambda order: order.splits)
    _done(_despatch(play, [_parcel(order, part) for part in _halves(order)]))


@area.check("DSP-07")
def quantities_as_text(play: Play) -> None:
    """A DespatchedQuantity sent as text is understood."""
    order = play.take("paid order")
    items = [{**item, "DespatchedQuantity": str(item["DespatchedQuantity"])} for item in _all(order)]
    _done(_despatch(play, [_parcel(order, items)]))


@area.check("DSP-08")
def a_full_batch(play: Play) -> None:
    """A batch of DespatchUpdateBatchSize orders is answered order for order."""
    size = int(play.linnworks.endpoints.get("DespatchUpdateBatchSize", "100"))
    item = {"SKU": "no-such-sku", "OrderLineNumber": "1", "DespatchedQuantity": 1}
    batch = []
    for _ in range(size):
        reference = f"no-such-order-{play.word()}"
        batch.append(_parcel(Order(reference, "", "", "", ()), [item]))
    for row in _despatch(play, batch).rows("Orders"):
        _not_found(row)


def _all(order: Order) -> list[dict[str, Any]]:
    return [line.part(line.quantity) for line in order.goods]


def _halves(order: Order) -> tuple[list[dict[str, Any]], list[dict[str, Any]]]:
    """One piece of the order, and everything else."""
    first, *others = order.goods
    rest = [line.part(line.quantity) for line in others]
    if first.quantity > 1:
        rest.insert(0, first.part(first.quantity - 1))
    return [first.part(1)], rest


def _parcel(order: Order, items: list[dict[str, Any]]) -> dict[str, Any]:
    return {
        "ReferenceNumber": order.reference,
        "ShippingVendor": "NONE",
        "ShippingMethod": "Default",
        "TrackingNumber": "CHECK123456789GB",
        "SecondaryTrackingNumbers": None,
        "ProcessedOn": spaced(now()),
        "Items": items,
    }


def _despatch(play: Play, parcels: list[dict[str, Any]]) -> Answer:
    answer = play.call("Despatch", Orders=parcels).accepted()
    sent = [parcel["ReferenceNumber"] for parcel in parcels]
    answered = [row.get("ReferenceNumber") for row in answer.rows("Orders")]
    left_out = [reference for reference in sent if reference not in answered]
    if left_out:
        raise Failed(summary(f"order {reference} was left out: it counts as not found" for reference in left_out))
    if sorted(map(str, answered)) != sorted(sent):
        raise Failed(f"{len(sent)} despatches were sent and {len(answered)} answered")
    return answer


def _done(answer: Answer) -> None:
    for row in answer.rows("Orders"):
        if row.get("Error"):
            raise Failed(f'order {row.get("ReferenceNumber")} was refused: "{row["Error"]}"')
        if row.get("Retry") is not False:
            raise Failed(f"order {row.get('ReferenceNumber')} succeeded with Retry {row.get('Retry')}")


def _not_found(row: dict[str, Any]) -> None:
    if not row.get("Error"):
        raise Failed("an order that does not exist was despatched without an Error")
    if row.get("Retry") is not False:
        raise Failed(f"an order that does not exist has Retry {row.get('Retry')}: it is sent up to 10 times")
