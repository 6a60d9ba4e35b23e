"""What must hold: the books of Linnworks, the bridge and the shop agree, or an Error told of the difference."""

from __future__ import annotations

from collections import Counter

from bridge.store.orders import SeenOrder
from tests.simulation.linnworks import Linnworks, Sent, Walk, Wanted
from tests.simulation.shop import Shop, ShopOrder

REPEAT_SECONDS = 900
SLACK = 20  # between an answer and its arrival


class Disagreement(AssertionError):
    """The books do not agree."""


def require(holds: bool, words: str) -> None:
    if not holds:
        raise Disagreement(words)


def check_walk(linnworks: Linnworks, shop: Shop, walk: Walk) -> None:
    """A regular run that reached its end has brought all that rested since before it began."""
    for order in shop.present():
        if not order.ever_unfit and order.changed < walk.began:
            known = linnworks.known.get(order.number)
            require(
                known == order.version,
                f"order {order.number} changed at {order.changed:.1f} (version {order.version}, "
                f"stamped {order.stamp}), but after the run begun at {walk.began:.1f} Linnworks knows version {known}",
            )


def check_orders(linnworks: Linnworks, shop: Shop, *, lets_go: bool) -> None:
    """Every order is known as it is now, or the bridge says why not; what was held is let go if it may be."""
    seen = {row.reference: row for row in SeenOrder.select()}
    for order in shop.present():
        row = seen.get(str(order.number))
        if order.fit:
            known = linnworks.known.get(order.number)
            require(
                known == order.version,
                f"in the end Linnworks knows version {known} of order {order.number}, the shop has {order.version}; "
                f"the bridge says {vars(row)['__data__'] if row else None}",
            )
            require(
                row is None or not row.held_since or not lets_go, f"order {order.number} is fit, but said to be held"
            )
        else:
            require(bool(row and row.hold_reason), f"order {order.number} is unfit, and the bridge does not say so")


def check_values(linnworks: Linnworks, shop: Shop) -> None:
    """Each SKU has the newest value that was sent, or one that may be it as far as Linnworks was told."""
    for what, sent in linnworks.sent.items():
        newest = _newest(sent)
        found = shop.values.get(what)
        require(found in newest, f"{what} is {found} in the shop, Linnworks sent {newest} last")


def _newest(sent: list[Sent]) -> set[str | None]:
    """The values that no other surely came after; None, which is no value, where nothing surely came."""
    possible: set[str | None] = set() if any(one.sure for one in sent) else {None}
    for one in sent:
        later = [other for other in sent if other.sure and one.ended is not None and other.began > one.ended]
        if not later:
            possible.add(one.value)
    return possible


def check_actions(linnworks: Linnworks, shop: Shop) -> None:
    """What the shop has done is what Linnworks asked for, by line, and what was answered with success is done."""
    for order in shop.orders.values():
        for number, line in order.lines.items():
            parcels = [
                wanted
                for wanted in linnworks.wanted
                if (wanted.kind, wanted.reference, wanted.line) == ("despatch", str(order.number), number)
            ]
            asked = sum(wanted.amount for wanted in parcels)
            confirmed = sum(wanted.amount for wanted in parcels if wanted.succeeded)
            name = f"line {number} of order {order.number}"
            require(line.despatched <= asked, f"{line.despatched} of {name} went out, of {asked} asked for")
            require(
                line.despatched >= confirmed or not line.left,
                f"{confirmed} of {name} were answered with success, and {line.despatched} went out",
            )
            for wanted in parcels:
                settled = wanted.succeeded or wanted.refused or order.binned
                require(bool(settled), f"{wanted.tag} is neither done nor refused in the end")
        _check_numbers(order)
    for identity in {wanted.identity for wanted in linnworks.wanted if wanted.kind != "despatch"}:
        _check_repeats(identity, [wanted for wanted in linnworks.wanted if wanted.identity == identity], shop)


def _check_numbers(order: ShopOrder) -> None:
    """A tracking number that was replaced does not come back."""
    replaced: set[str] = set()
    for act in order.acts:
        if act.parcel:
            back = replaced.intersection(act.parcel.tracking_numbers)
            require(not back, f"order {order.number} has the tracking numbers {back} again")
            replaced.update(act.parcel.replaces)


def _check_repeats(identity: tuple[str, str, str, int], equal: list[Wanted], shop: Shop) -> None:
    """An equal cancel or refund is a new one only if none was answered in the time before."""
    if any(wanted.forgiven for wanted in equal):
        return
    kind, reference, line, amount = identity
    acts = [act for act in shop.orders[int(reference)].acts if act.kind == kind and act.amounts == {line: amount}]
    sent = sorted(moment for wanted in equal for moment in wanted.sent_at)
    done = sorted(moment for wanted in equal for moment in wanted.done_at)
    most = 1 + sum(not any(moment - REPEAT_SECONDS + SLACK < told <= moment for told in done) for moment in sent[1:])
    require(len(acts) <= most, f"{identity} was done {len(acts)} times, of {most} times asked for anew")
    require(bool(acts) or not done, f"{identity} was answered with success, and never done")


def check_listings(linnworks: Linnworks, shop: Shop) -> None:
    """Every feed is worked off; what it says is listed is listed once."""
    listed = Counter(shop.listings.values())
    for feed, sku in linnworks.feeds.items():
        require(feed in linnworks.feed_reports, f"the feed of {sku} is never ready")
        failed = [message for item in linnworks.feed_reports[feed] for message in item["Messages"]]
        require(bool(failed) or listed[sku] == 1, f"{sku} is said to be listed, and is so {listed[sku]} times")
