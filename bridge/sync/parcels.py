"""Which parcels a despatch means: what went before, what goes out now, and which tracking numbers are corrected.

Linnworks names no parcel: it sends it again with another time, grouped with others, split, or with another number
(protocol.md 5.2a). So what it asks is compared with what went out of each line of the order. All of this is pure: it
reads nothing and sends nothing.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime

from bridge.channels.base import LineState, OrderState, Parcel, Tracking
from bridge.errors import ChannelRefused
from bridge.protocol.schemas.orders import DespatchItem, DespatchOrder, DespatchPackage

Pieces = Mapping[str, int]
"""Pieces by OrderLineNumber."""
WantedPieces = dict[str, int | None]
"""Pieces by OrderLineNumber; None means all that is left of the line."""


@dataclass(frozen=True)
class SentParcel:
    """A parcel that went out: its pieces, its tracking numbers, all it ever had (normalised), and Linnworks' time."""

    pieces: Pieces
    numbers: tuple[str, ...] = ()
    known_numbers: frozenset[str] = frozenset()
    processed_on: datetime | None = None
    key: str = ""


@dataclass(frozen=True)
class Decision:
    """What is done for the entries at some positions: a parcel, nothing if all of it was done, or a refusal."""

    positions: Sequence[int]
    parcel: Parcel | None = None
    refusal: str = ""


def decide(state: OrderState, sent: Sequence[SentParcel], entries: Sequence[DespatchOrder]) -> list[Decision]:
    """Return what is done for all entries of a request that name this order.

    `state` is what the shop knows of the order, `sent` are the parcels that went out.
    """
    requests = _requests(state, entries)
    left = {line.number: _left(line, sent) for line in state.lines}
    decisions = []
    for request in requests:
        others = [other for other in requests if other is not request]
        unnamed = [parcel for parcel in sent if not any(other.names(parcel) for other in others)]
        try:
            parcel = _decide(state, sent, unnamed, request, left)
        except ChannelRefused as refusal:
            decisions.append(Decision(request.positions, refusal=str(refusal)))
            continue
        for line, count in (parcel.pieces if parcel else {}).items():
            left[line] -= count
        decisions.append(Decision(request.positions, parcel))
    return decisions


def sent_parcels(parcels: Iterable[tuple[str, Parcel]]) -> list[SentParcel]:
    """Return the parcels that went out, from what was sent under each key, oldest first.

    What was sent later about an earlier parcel shares its numbers with it; without pieces it corrects that parcel.
    """
    sent: dict[str, SentParcel] = {}
    for key, parcel in parcels:
        numbers = tuple(one.number for one in parcel.tracking if one.number)
        known = frozenset(map(normalised, numbers))
        earlier = [sent[other] for other in parcel.earlier if other in sent]
        if parcel.pieces or not earlier:
            sent[key] = SentParcel(parcel.pieces, numbers, known, parcel.processed_on, key)
        for one in earlier:
            kept = tuple(number for number in one.numbers if number not in parcel.replaces)
            current = one.numbers if parcel.pieces else (*kept, *numbers)
            sent[one.key] = replace(one, numbers=current, known_numbers=one.known_numbers | known)
    return list(sent.values())


def normalised(number: str) -> str:
    """Return the form in which tracking numbers are compared."""
    return number.strip().casefold()


# -- what a request wants --------------------------------------------------------------------------------


@dataclass
class _Request:
    """What the entries at some positions want under one set of tracking numbers (normalised)."""

    numbers: frozenset[str]
    processed_on: datetime | None
    tracking: tuple[Tracking, ...]
    pieces: WantedPieces = field(default_factory=dict)
    unknown: list[str] = field(default_factory=list)
    positions: list[int] = field(default_factory=list)

    @property
    def lines(self) -> list[str]:
        """The lines of which something is wanted."""
        return [line for line, count in self.pieces.items() if count != 0]

    def names(self, parcel: SentParcel) -> bool:
        """Return whether this is about a parcel: by a tracking number or, where neither has one, by the time."""
        if self.numbers or parcel.known_numbers:
            return bool(self.numbers & parcel.known_numbers)
        return self.processed_on == parcel.processed_on

    def covers(self, parcel: SentParcel) -> bool:
        """Return whether all pieces of a parcel are wanted."""
        wanted = (self.pieces.get(line, 0) for line in parcel.pieces)
        return all(count is None or count >= went for count, went in zip(wanted, parcel.pieces.values(), strict=True))


def _requests(state: OrderState, entries: Sequence[DespatchOrder]) -> list[_Request]:
    """Return what the entries want, summed by line and set of tracking numbers."""
    found: dict[tuple[frozenset[str], datetime | None], _Request] = {}
    for position, entry in enumerate(entries):
        moment = entry.processed_on.replace(microsecond=0) if entry.processed_on else None
        for tracking, pieces, unknown in _parts(state, entry):
            numbers = frozenset(normalised(one.number) for one in tracking if one.number)
            request = found.setdefault((numbers, None if numbers else moment), _Request(numbers, moment, tracking))
            _add(request.pieces, pieces)
            request.unknown += unknown
            if position not in request.positions:
                request.positions.append(position)
    return list(found.values())


def _parts(
    state: OrderState, entry: DespatchOrder
) -> Iterator[tuple[tuple[Tracking, ...], WantedPieces, Sequence[str]]]:
    """Yield the tracking, the pieces and the unknown lines of each part of an entry.

    The entry's own items say how many went, without any those of its packages do, and without these it is the whole
    order. Packages say under which numbers; what they do not name belongs to all other numbers of the entry.
    """
    packed = [(_tracking(entry, package), package.items) for package in entry.packages if package.items]
    items = entry.items or [item for _, of_package in packed for item in of_package]
    wanted, unknown = _pieces(state, items)
    if not items:
        wanted = {line.number: None for line in state.lines if not line.is_service}
    loose = _tracking(entry, *(package for package in entry.packages if not package.items))
    in_packages = {normalised(one.number) for tracking, _ in packed for one in tracking}
    by_number = {normalised(one.number): one for one in (*loose, *_own_tracking(entry))}
    own = tuple(one for number, one in by_number.items() if number not in in_packages)
    for number, (tracking, of_package) in enumerate(packed):
        part, _ = _pieces(state, of_package)
        part = {line: _take(wanted, line, count) for line, count in part.items() if line in wanted}
        yield (tracking or own) if number else (*tracking, *own), part, () if number else unknown
    if any(count != 0 for count in wanted.values()) or not packed:
        every = own or tuple(one for tracking, _ in packed for one in tracking)
        yield every, {line: count for line, count in wanted.items() if count != 0 or not packed}, unknown


def _take(wanted: WantedPieces, line: str, count: int | None) -> int | None:
    """Take pieces of a line from those that are wanted, at most as many, and return how many."""
    most = wanted[line]
    taken = count if most is None else most if count is None else min(count, most)
    wanted[line] = 0 if most is None or taken is None else most - taken
    return taken


def _pieces(state: OrderState, items: Iterable[DespatchItem]) -> tuple[WantedPieces, list[str]]:
    """Return the pieces of the lines that items name, and the names of lines that the order does not have."""
    pieces: WantedPieces = {}
    unknown = []
    for item in items:
        line = _line(state, item.order_line_number, item.sku)
        if line is not None:
            _add(pieces, {} if line.is_service else {line.number: item.despatched_quantity})
        elif item.despatched_quantity != 0:
            unknown.append(item.order_line_number or item.sku)
    return pieces, unknown


def _line(state: OrderState, number: str, sku: str) -> LineState | None:
    """Return the line that is meant: the number decides, unless the SKU belongs only to another line."""
    by_sku = [line for line in state.lines if sku and line.sku == sku]
    numbered = next((line for line in state.lines if line.number == number), None)
    if numbered and (numbered.sku == sku or len(by_sku) != 1):
        return numbered
    return by_sku[0] if len(by_sku) == 1 else None


def _add(pieces: WantedPieces, more: Mapping[str, int | None]) -> None:
    for line, count in more.items():
        before = pieces.get(line, 0)
        pieces[line] = None if count is None or before is None else before + count


def _tracking(entry: DespatchOrder, *packages: DespatchPackage) -> tuple[Tracking, ...]:
    """Return the tracking of the packages that have any; one without a carrier has that of the entry."""
    own = Tracking("", entry.shipping_vendor, entry.shipping_method)
    found = []
    for package in packages:
        number, link = package.tracking_number.strip(), package.tracking_url.strip()
        named = Tracking(number, package.shipping_vendor, package.shipping_method, link)
        if number or link:
            found.append(named if named.carrier else replace(own, number=number, link=link))
    return tuple(found)


def _own_tracking(entry: DespatchOrder) -> tuple[Tracking, ...]:
    """Return the tracking of the entry itself; the first may have only a carrier."""
    vendor, method = entry.shipping_vendor, entry.shipping_method
    first = Tracking(entry.tracking_number.strip(), vendor, method, entry.tracking_url.strip())
    others = (Tracking(number.strip(), vendor, method) for number in entry.secondary_tracking_numbers)
    found = tuple(one for one in (first, *others) if one.number or one.link)
    return found or ((first,) if first.carrier and not entry.packages else ())


# -- what is done ----------------------------------------------------------------------------------------


def _left(line: LineState, sent: Iterable[SentParcel]) -> int:
    went = sum(parcel.pieces.get(line.number, 0) for parcel in sent)
    return max(0, line.ordered - max(line.shipped, went) - line.cancelled)


def _decide(
    state: OrderState,
    sent: Sequence[SentParcel],
    unnamed: Sequence[SentParcel],
    request: _Request,
    left: Pieces,
) -> Parcel | None:
    """Return what goes out, or which numbers are added or corrected; None if all of it was done before.

    `unnamed` are the parcels that no other part of the request is about. Raises ChannelRefused for lines that the
    order does not have, for more pieces than were ordered, and for cancelled ones.
    """
    if request.unknown and not request.pieces:
        raise ChannelRefused(f"Order {state.reference} has no line {', '.join(request.unknown)}")
    if not request.lines:
        return None
    named = [parcel for parcel in sent if request.names(parcel)]
    twins = [
        parcel
        for parcel in unnamed
        if request.numbers and parcel.processed_on == request.processed_on and parcel.pieces == request.pieces
    ]
    pieces = _new_pieces(state, named or twins, request, left)
    known = {number for parcel in sent for number in parcel.known_numbers}
    new = tuple(one for one in request.tracking if one.number and normalised(one.number) not in known)
    about: Sequence[SentParcel] = named
    replaced: tuple[str, ...] = ()
    if not named and request.numbers and (twins or not pieces):
        about = twins or [parcel for parcel in unnamed if any(parcel.pieces.get(line) for line in request.lines)]
        if len(about) == 1 and request.covers(about[0]):
            replaced = about[0].numbers
    if not pieces and not new:
        return None
    return Parcel(
        reference=state.reference,
        pieces=pieces,
        tracking=(new or request.tracking) if pieces else new,
        processed_on=request.processed_on,
        replaces=replaced,
        earlier=tuple(parcel.key for parcel in about if parcel.key),
        note=f"Linnworks also sent what this order does not have: {', '.join(request.unknown)}"
        if request.unknown
        else "",
    )


def _new_pieces(state: OrderState, about: Sequence[SentParcel], request: _Request, left: Pieces) -> dict[str, int]:
    """Return the pieces that did not go out yet; with the parcels that it is about, a request states the total."""
    new: dict[str, int] = {}
    lines = [line for line in state.lines if request.pieces.get(line.number, 0) != 0]
    for line in lines:
        wanted = request.pieces[line.number]
        name = f"line {line.number} of order {state.reference}"
        if wanted is not None and wanted > line.ordered:
            raise ChannelRefused(f"Only {line.ordered} of {name} were ordered, {wanted} are to be despatched")
        more = left[line.number]
        if wanted is not None:
            more = wanted - sum(parcel.pieces.get(line.number, 0) for parcel in about)
            if more > left[line.number] and wanted > line.ordered - line.cancelled:
                raise ChannelRefused(f"{line.cancelled} of {name} were cancelled, {wanted} are to be despatched")
        if min(more, left[line.number]) > 0:
            new[line.number] = min(more, left[line.number])
    if not about and (state.cancelled or all(line.cancelled >= line.ordered for line in lines)):
        raise ChannelRefused(f"What is to be despatched of order {state.reference} was cancelled")
    return new
