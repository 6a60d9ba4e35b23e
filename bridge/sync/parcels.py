"""Which parcels a despatch means: what went before, what goes out now, and which tracking numbers are corrected.

Linnworks names no parcel: it sends it again with another time, grouped with others, split, or with another number
(protocol.md 5.2a). So what it asks is compared with what went out of each line of the order. All of this is pure: it
reads nothing and sends nothing.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence
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
    """A parcel that went out: its pieces, its tracking numbers, all it ever had (normalised), and Linnworks' time.

    One that `began_unnumbered` had no number at first.
    """

    pieces: Pieces
    numbers: tuple[str, ...] = ()
    known_numbers: frozenset[str] = frozenset()
    processed_on: datetime | None = None
    key: str = ""
    began_unnumbered: bool = False


@dataclass(frozen=True)
class Decision:
    """What is done for the entries at some positions: a parcel, nothing if all of it was done, or a refusal."""

    positions: Sequence[int]
    parcel: Parcel | None = None
    refusal: str = ""


def decide(
    state: OrderState,
    sent: Sequence[SentParcel],
    entries: Sequence[DespatchOrder],
    not_sent: Sequence[Parcel] = (),
) -> list[Decision]:
    """Return what is done for all entries of a request that name this order.

    `state` is what the shop knows of the order, `sent` are the parcels that went out, and `not_sent` those that were
    to go out and did not.
    """
    requests = _requests(state, entries)
    comparison = _Comparison(state, sent, requests, {_numbers_of(parcel) for parcel in not_sent})
    # what has one number is compared first, so that a group of several gets what these leave
    in_turn = sorted(range(len(requests)), key=lambda position: len(requests[position].numbers) or len(entries) + 9)
    decided = {position: comparison.decide(requests[position]) for position in in_turn}
    return [decided[position] for position in range(len(requests))]


def sent_parcels(parcels: Mapping[str, Parcel]) -> list[SentParcel]:
    """Return the parcels that went out, from what was sent under each key, corrections in the order in which they went.

    What was sent later about an earlier parcel shares its numbers with it; without pieces it corrects that parcel.
    """
    sent = {
        key: SentParcel(
            parcel.pieces,
            parcel.tracking_numbers,
            _numbers_of(parcel),
            parcel.processed_on,
            key,
            began_unnumbered=not parcel.tracking_numbers,
        )
        for key, parcel in parcels.items()
        if parcel.pieces or not any(other in parcels for other in parcel.earlier)
    }
    for parcel in parcels.values():
        for one in [sent[key] for key in parcel.earlier if key in sent]:
            kept = tuple(number for number in one.numbers if number not in parcel.replaces)
            current = one.numbers if parcel.pieces else (*kept, *parcel.tracking_numbers)
            sent[one.key] = replace(one, numbers=current, known_numbers=one.known_numbers | _numbers_of(parcel))
    return list(sent.values())


def normalised(number: str) -> str:
    """Return the form in which tracking numbers are compared."""
    return number.strip().casefold()


def _name(tracking: Tracking) -> str:
    """Return what tells the tracking of one parcel from that of another: its number, else its link."""
    return normalised(tracking.number) or tracking.link


def _numbers_of(parcel: Parcel) -> frozenset[str]:
    return frozenset(map(normalised, parcel.tracking_numbers))


# -- what a request wants --------------------------------------------------------------------------------


@dataclass
class _Request:
    """What the entries at some positions want under one set of tracking numbers (normalised).

    `unknown` are lines that the order does not have; where an entry `has_lines` that it has, they are only told of.
    """

    numbers: frozenset[str]
    processed_on: datetime | None
    tracking: tuple[Tracking, ...]
    wanted: WantedPieces = field(default_factory=dict)
    unknown: list[str] = field(default_factory=list)
    has_lines: bool = False
    positions: list[int] = field(default_factory=list)

    @property
    def pieces(self) -> WantedPieces:
        """The pieces of the lines of which something is wanted."""
        return {line: count for line, count in self.wanted.items() if count != 0}

    def names(self, parcel: SentParcel) -> bool:
        """Return whether this is about a parcel: by a tracking number or, where neither has one, by the time."""
        if self.numbers or (parcel.known_numbers and not parcel.began_unnumbered):
            return bool(self.numbers & parcel.known_numbers)
        return self.processed_on == parcel.processed_on

    def covers(self, parcel: SentParcel) -> bool:
        """Return whether all pieces of a parcel are wanted."""
        wanted = (self.pieces.get(line, 0) for line in parcel.pieces)
        return all(count is None or count >= went for count, went in zip(wanted, parcel.pieces.values(), strict=True))


@dataclass(frozen=True)
class _Part:
    """A part of an entry: its tracking, and the pieces that went under it."""

    tracking: tuple[Tracking, ...]
    pieces: WantedPieces


def _requests(state: OrderState, entries: Sequence[DespatchOrder]) -> list[_Request]:
    """Return what the entries want, summed by line and set of tracking numbers."""
    found: dict[tuple[frozenset[str], datetime | None], _Request] = {}
    for position, entry in enumerate(entries):
        moment = entry.processed_on.replace(microsecond=0) if entry.processed_on else None
        parts, unknown, has_lines = _parts(state, entry)
        teller = next((part for part in parts if part.pieces), parts[0])
        for part in parts:
            numbers = frozenset(normalised(one.number) for one in part.tracking if one.number)
            key = (numbers, None if numbers else moment)
            request = found.setdefault(key, _Request(numbers, moment, part.tracking))
            _add(request.wanted, part.pieces)
            request.has_lines = request.has_lines or has_lines
            if part is teller:
                request.unknown += unknown
            if position not in request.positions:
                request.positions.append(position)
    return list(found.values())


def _parts(state: OrderState, entry: DespatchOrder) -> tuple[list[_Part], list[str], bool]:
    """Return the parts of an entry, the lines that the order does not have, and whether it has any of the others.

    The entry's own items say how many went, without any those of its packages do, and without these it is the whole
    order. Packages say under which numbers; what they do not name belongs to all other numbers of the entry.
    """
    packed = [(_tracking(entry, package), package.items) for package in entry.packages if package.items]
    items = entry.items or [item for _, of_package in packed for item in of_package]
    wanted, unknown = _pieces(state, items)
    has_lines = not items or len(unknown) < len(items)
    if not items:
        wanted = {line.number: None for line in state.lines if not line.is_service}
    loose = _tracking(entry, *(package for package in entry.packages if not package.items))
    in_packages = {_name(one) for tracking, _ in packed for one in tracking}
    by_name: dict[str, Tracking] = {}
    for one in (*loose, *_own_tracking(entry)):
        by_name.setdefault(_name(one), one)  # a package knows its carrier and its link
    own = tuple(one for name, one in by_name.items() if name not in in_packages)
    parts = []
    for number, (tracking, of_package) in enumerate(packed):
        named, _ = _pieces(state, of_package)
        pieces = {line: _take(wanted, line, count) for line, count in named.items() if line in wanted}
        parts.append(_Part((tracking or own) if number else (*tracking, *own), pieces))
    if any(count != 0 for count in wanted.values()) or not packed:
        every = own or tuple(one for tracking, _ in packed for one in tracking)
        parts.append(_Part(every, {line: count for line, count in wanted.items() if count != 0 or not packed}))
    return parts, unknown, has_lines


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
        if not link and number and normalised(number) == normalised(entry.tracking_number):
            link = entry.tracking_url.strip()
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


@dataclass
class _Comparison:
    """The parts of a request beside what went out: each piece that went answers for one that is wanted.

    `waiting` are the numbers of parcels that were to go out and did not.
    """

    state: OrderState
    sent: Sequence[SentParcel]
    requests: Sequence[_Request]
    waiting: Collection[frozenset[str]]

    def __post_init__(self) -> None:
        self._left = {line.number: _left(line, self.sent) for line in self.state.lines}
        self._answers = {id(parcel): dict(parcel.pieces) for parcel in self.sent}

    def decide(self, request: _Request) -> Decision:
        """Return what is done for a part of the request."""
        answers = {parcel: dict(pieces) for parcel, pieces in self._answers.items()}
        try:
            parcel = self._parcel(request)
        except ChannelRefused as refusal:
            self._answers = answers  # for a part that is refused no piece has gone
            return Decision(request.positions, refusal=str(refusal))
        for line, count in (parcel.pieces if parcel else {}).items():
            self._left[line] -= count
        return Decision(request.positions, parcel)

    def _parcel(self, request: _Request) -> Parcel | None:
        """Return what goes out, or which numbers are added or corrected; None if all of it was done before.

        Raises ChannelRefused for lines that the order does not have, for more pieces than were ordered, and for
        cancelled ones.
        """
        if request.unknown and not request.has_lines:
            raise ChannelRefused(f"Order {self.state.reference} has no line {', '.join(request.unknown)}")
        if not request.pieces:
            return None
        about = [parcel for parcel in self.sent if request.names(parcel)]
        about.sort(key=lambda parcel: parcel.known_numbers != request.numbers)
        twins = self._twins(request) if request.numbers and not about else []
        pieces = self._new_pieces(request, about or twins)
        replaced: tuple[str, ...] = ()
        if not about and request.numbers and (twins or not pieces):
            about = twins or self._touched(request)
            if len(about) == 1 and request.covers(about[0]):
                replaced = about[0].numbers
        known = {number for parcel in self.sent for number in parcel.known_numbers}
        new = tuple(one for one in request.tracking if one.number and normalised(one.number) not in known)
        if not pieces and not new:
            return None
        note = f"Linnworks also sent what this order does not have: {', '.join(request.unknown)}"
        return Parcel(
            reference=self.state.reference,
            pieces=pieces,
            tracking=(new or request.tracking) if pieces else new,
            processed_on=request.processed_on,
            replaces=replaced,
            earlier=tuple(parcel.key for parcel in about if parcel.key),
            note=note if request.unknown else "",
        )

    def _twins(self, request: _Request) -> list[SentParcel]:
        """Return the parcels of the same time and pieces, which get another number; none if it waits to go out."""
        if request.numbers in self.waiting:
            return []
        return [
            parcel
            for parcel in self._unnamed(request)
            if parcel.processed_on == request.processed_on and parcel.pieces == request.pieces
        ]

    def _touched(self, request: _Request) -> list[SentParcel]:
        """Return the parcels with pieces of the request's lines."""
        return [parcel for parcel in self._unnamed(request) if any(parcel.pieces.get(line) for line in request.pieces)]

    def _unnamed(self, request: _Request) -> list[SentParcel]:
        """Return the parcels that no other part of the request is about."""
        others = [other for other in self.requests if other is not request]
        return [parcel for parcel in self.sent if not any(other.names(parcel) for other in others)]

    def _new_pieces(self, request: _Request, about: Sequence[SentParcel]) -> dict[str, int]:
        """Return the pieces that did not go out yet; with the parcels that it is about, a request states the total."""
        new: dict[str, int] = {}
        lines = [line for line in self.state.lines if line.number in request.pieces]
        for line in lines:
            wanted, left = request.pieces[line.number], self._left[line.number]
            name = f"line {line.number} of order {self.state.reference}"
            if wanted is not None and wanted > line.ordered:
                raise ChannelRefused(f"Only {line.ordered} of {name} were ordered, {wanted} are to be despatched")
            more = left
            if wanted is not None:
                more = wanted - self._went(line.number, wanted, about)
                if more > left and wanted > line.ordered - line.cancelled:
                    raise ChannelRefused(f"{line.cancelled} of {name} were cancelled, {wanted} are to be despatched")
            if min(more, left) > 0:
                new[line.number] = min(more, left)
        if not about and (self.state.cancelled or all(line.cancelled >= line.ordered for line in lines)):
            raise ChannelRefused(f"What is to be despatched of order {self.state.reference} was cancelled")
        return new

    def _went(self, line: str, wanted: int, about: Sequence[SentParcel]) -> int:
        """Return how many of the wanted pieces went with these parcels; they answer for no other part any more."""
        went = 0
        for parcel in about:
            answers = self._answers[id(parcel)]
            taken = min(wanted - went, answers.get(line, 0))
            if taken > 0:
                answers[line] -= taken
                went += taken
        return went
