"""What a despatch means, compared with what went out before: parcels, repeats and corrections."""

from __future__ import annotations

from datetime import datetime, timedelta, timezone

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bridge.channels.base import LineState, OrderState, Parcel, Tracking
from bridge.protocol.schemas.orders import DespatchItem, DespatchOrder, DespatchPackage
from bridge.sync.parcels import SentParcel, decide, normalised, sent_parcels

NOON = datetime(2026, 11, 26, 12, tzinfo=timezone.utc)
LATER = NOON + timedelta(minutes=10)


def state(cancelled=None, shipped=None, *, whole=False, a=3, b=1):
    """Return order 1001 with three pieces of line A and one of B."""
    cancelled, shipped = cancelled or {}, shipped or {}
    lines = (
        LineState(number, f"SKU-{number}", ordered, shipped.get(number, 0), cancelled.get(number, 0))
        for number, ordered in (("A", a), ("B", b))
    )
    return OrderState("1001", tuple(lines), cancelled=whole)


def sent(pieces, *numbers, old=(), on=NOON):
    """Return a parcel that went out."""
    return SentParcel(pieces, numbers, frozenset(map(normalised, (*numbers, *old))), on, key=f"key of {pieces}")


def items(pieces):
    return tuple(DespatchItem(order_line_number=line, despatched_quantity=count) for line, count in pieces.items())


def entry(pieces=None, *numbers, on=NOON, packages=()):
    """Return an entry of Linnworks' request."""
    first, *others = numbers or ("",)
    return DespatchOrder(
        reference_number="1001",
        tracking_number=first,
        secondary_tracking_numbers=tuple(others),
        processed_on=on,
        items=items(pieces or {}),
        packages=tuple(DespatchPackage(tracking_number=number, items=items(of)) for number, of in packages),
    )


def outcome(order, went, *entries):
    """Return what is decided, as (pieces, numbers, replaced numbers), None or the refusal."""
    found = []
    for decision in decide(order, went, entries):
        parcel = decision.parcel
        numbers = [one.number for one in parcel.tracking if one.number] if parcel else []
        found.append(decision.refusal or (parcel and (parcel.pieces, numbers, list(parcel.replaces))))
    return found


# -- what goes out ---------------------------------------------------------------------------------------


def test_a_first_despatch_goes_out_as_it_came():
    """
    Pieces, numbers and time are those of the entry.
    """
    decision = decide(state(), [], [entry({"A": 2}, "T1", "T2")])[0]

    assert {"A": 2} == decision.parcel.pieces
    assert (Tracking("T1"), Tracking("T2")) == decision.parcel.tracking
    assert NOON == decision.parcel.processed_on
    assert [0] == decision.positions


CASES = {
    "the whole order": (state(), [], [entry()], [({"A": 3, "B": 1}, [], [])]),
    "what is left of the whole order": (state(), [sent({"A": 2})], [entry(on=LATER)], [({"A": 1, "B": 1}, [], [])]),
    "an empty quantity is all that is left": (
        state(), [sent({"A": 2}, "T1")], [entry({"A": None}, "T2")], [({"A": 1}, ["T2"], [])],
    ),
    "none of a line is none of it": (state(), [], [entry({"A": 0, "B": 1})], [({"B": 1}, [], [])]),
    "nothing of anything": (state(), [], [entry({"A": 0})], [None]),
    "packages alone say what went": (
        state(), [], [entry({}, packages=[("T1", {"A": 1}), ("T2", {"A": 2, "B": 1})])],
        [({"A": 1}, ["T1"], []), ({"A": 2, "B": 1}, ["T2"], [])],
    ),
    "packages say under which numbers the items went": (
        state(), [], [entry({"A": 3}, "T1", packages=[("T1", {"A": 1}), ("T2", {"A": 1})])],
        [({"A": 1}, ["T1"], []), ({"A": 1}, ["T2"], []), ({"A": 1}, ["T1", "T2"], [])],
    ),
    "packages never add to the items": (
        state(), [], [entry({"A": 1}, packages=[("T1", {"A": 2})])], [({"A": 1}, ["T1"], [])],
    ),
    "a number that no package has stays": (
        state(), [], [entry({"A": 1}, "T9", packages=[("T1", {"A": 1})])], [({"A": 1}, ["T1", "T9"], [])],
    ),
    "entries of one number add up": (
        state(), [], [entry({"A": 1}, "T1"), entry({"A": 1, "B": 1}, " t1 ", on=LATER)],
        [({"A": 2, "B": 1}, ["T1"], [])],
    ),
    "entries of two numbers are two parcels": (
        state(), [], [entry({"A": 1}, "T1"), entry({"A": 1}, "T2")], [({"A": 1}, ["T1"], []), ({"A": 1}, ["T2"], [])],
    ),
    "entries of two numbers, one of which went": (
        state(), [sent({"A": 1}, "T1")], [entry({"A": 1}, "T1"), entry({"A": 1}, "T2")], [None, ({"A": 1}, ["T2"], [])],
    ),
    # -- repeats
    "a repeat": (state(), [sent({"A": 2}, "T1")], [entry({"A": 2}, "T1")], [None]),
    "a repeat with another time": (state(), [sent({"A": 2}, "T1")], [entry({"A": 2}, "T1", on=LATER)], [None]),
    "a repeat of a despatch without numbers": (state(), [sent({"A": 2})], [entry({"A": 2})], [None]),
    "more pieces under the same time": (
        state(), [sent({"A": 2})], [entry({"A": 3, "B": 1})], [({"A": 1, "B": 1}, [], [])],
    ),
    "another time without numbers is another parcel": (
        state(), [sent({"A": 1})], [entry({"A": 1}, on=LATER)], [({"A": 1}, [], [])],
    ),
    "another time without numbers when nothing is left": (
        state(), [sent({"A": 3})], [entry({"A": 3}, on=LATER)], [None],
    ),
    "more than is left because it went": (state(), [sent({"A": 2})], [entry({"A": 2}, on=LATER)], [({"A": 1}, [], [])]),
    "grouped with what went": (
        state(), [sent({"A": 2}, "T1")], [entry({"A": 2, "B": 1}, "T1", "T2")], [({"B": 1}, ["T2"], [])],
    ),
    "grouped of what went": (
        state(), [sent({"A": 2}, "T1"), sent({"B": 1}, "T2")], [entry({"A": 2, "B": 1}, "T2", "T1")], [None],
    ),
    "grouped in packages": (
        state(), [sent({"A": 2}, "T1")],
        [entry({"A": 2, "B": 1}, packages=[("T1", {"A": 2}), ("T2", {"B": 1})])], [None, ({"B": 1}, ["T2"], [])],
    ),
    "split of what went": (
        state(), [sent({"A": 2, "B": 1}, "T1", "T2")], [entry({"A": 2}, "T1"), entry({"B": 1}, "T2")], [None, None],
    ),
    "a number states its total": (state(), [sent({"A": 1}, "T1")], [entry({"A": 2}, "T1")], [({"A": 1}, ["T1"], [])]),
    "a repeat after a cancel": (state({"A": 1}), [sent({"A": 3}, "T1")], [entry({"A": 3}, "T1")], [None]),
    # -- corrections
    "another number when nothing is left": (
        state(), [sent({"A": 3}, "T1")], [entry({"A": 3}, "T2", on=LATER)], [({}, ["T2"], ["T1"])],
    ),
    "another number with the same time and pieces": (
        state(), [sent({"A": 2}, "T1")], [entry({"A": 2}, "T2")], [({}, ["T2"], ["T1"])],
    ),
    "a late repeat does not bring the old number back": (
        state(), [sent({"A": 3}, "T2", old=["T1"])], [entry({"A": 3}, "T1")], [None],
    ),
    "a number for a parcel that had none": (
        state(), [sent({"A": 2})], [entry({"A": 2}, "T1")], [({}, ["T1"], [])],
    ),
    "a correction of a part of a parcel is added": (
        state(), [sent({"A": 3, "B": 1}, "T1")], [entry({"A": 3}, "T2", on=LATER)], [({}, ["T2"], [])],
    ),
    "a correction of two parcels is added": (
        state(), [sent({"A": 3}, "T1"), sent({"B": 1}, "T2")], [entry({"A": 3, "B": 1}, "T3", on=LATER)],
        [({}, ["T3"], [])],
    ),
    "a correction beside a repeat": (
        state(), [sent({"A": 3}, "T1"), sent({"B": 1}, "T2")],
        [entry({"A": 3}, "T1"), entry({"B": 1}, "T3", on=LATER)], [None, ({}, ["T3"], ["T2"])],
    ),
    "one more number for a parcel": (
        state(), [sent({"A": 2}, "T1")], [entry({"A": 2}, "T1", "T2")], [({}, ["T2"], [])],
    ),
    "shipped by hand": (state(shipped={"A": 3}), [], [entry({"A": 3}, "T1")], [({}, ["T1"], [])]),
    "shipped by hand without a number": (state(shipped={"A": 3}), [], [entry({"A": 3})], [None]),
    "partly shipped by hand": (state(shipped={"A": 1}), [], [entry({"A": 3}, "T1")], [({"A": 2}, ["T1"], [])]),
    "a correction with a line of which nothing went": (
        state(), [sent({"A": 1}, "T1")], [entry({"A": 1, "B": 0}, "T2")], [({}, ["T2"], ["T1"])],
    ),
    "the number that a parcel got later, left out again": (
        state(), [SentParcel({"A": 2}, ("T1",), frozenset({"t1"}), NOON, "k", began_unnumbered=True)],
        [entry({"A": 2})], [None],
    ),
    "what packages leave out, after one of them went": (
        state(), [sent({"A": 1}, "T1")], [entry({"A": 3}, packages=[("T1", {"A": 1}), ("T2", {"A": 1})])],
        [None, ({"A": 1}, ["T2"], []), ({"A": 1}, ["T2"], [])],
    ),
    # -- refusals
    "more than was ordered": (state(), [], [entry({"A": 4})], ["Only 3 of line A of order 1001 were ordered"]),
    "more than was ordered, together": (
        state(), [], [entry({"A": 2}, "T1"), entry({"A": 2}, "T1")], ["Only 3 of line A of order 1001 were ordered"],
    ),
    "more than is left because it was cancelled": (
        state({"A": 1}), [], [entry({"A": 3})], ["1 of line A of order 1001 were cancelled"],
    ),
    "a cancelled line with a number": (state({"B": 1}), [], [entry({"B": 1}, "T1")], ["cancelled"]),
    "a cancelled line without a quantity": (state({"B": 1}), [], [entry({"B": None}, "T1")], ["cancelled"]),
    "a cancelled order": (state({"A": 3, "B": 1}, whole=True), [], [entry()], ["was cancelled"]),
    "a cancelled order after its despatch": (
        state(whole=True), [sent({"A": 3}, "T1")], [entry({"A": 3}, "T1")], [None],
    ),
    "a bad part leaves the others alone": (
        state(), [], [entry({"A": 4}, "T1"), entry({"B": 1}, "T2")],
        ["Only 3 of line A of order 1001 were ordered", ({"B": 1}, ["T2"], [])],
    ),
    "no line is known": (state(), [], [entry({"X": 1, "Y": 1})], ["Order 1001 has no line X, Y"]),
}  # fmt: skip


@pytest.mark.parametrize("case", CASES)
def test_a_despatch_means(case):
    """
    Each case: the order, what went out, the entries; and what is done for each set of numbers.
    """
    order, went, entries, expected = CASES[case]
    got = outcome(order, went, *entries)

    assert len(expected) == len(got)
    for right, found in zip(expected, got, strict=True):
        assert right in found if isinstance(right, str) else right == found


# -- lines ---------------------------------------------------------------------------------------------


def test_lines_that_the_order_never_had_go_into_a_note():
    """
    A free item does not keep the known lines from going out.
    """
    decision = decide(state(), [], [entry({"A": 1, "GIFT": 1})])[0]

    assert {"A": 1} == decision.parcel.pieces
    assert "GIFT" in decision.parcel.note


def test_an_unknown_line_in_a_package_of_its_own_goes_into_a_note():
    """
    It is told with the package whose lines are known.
    """
    packed = entry({}, packages=[("T1", {"GIFT": 1}), ("T2", {"A": 1})])
    nothing, parcel = (decision.parcel for decision in decide(state(), [], [packed]))

    assert nothing is None
    assert ({"A": 1}, True) == (parcel.pieces, "GIFT" in parcel.note)


def test_a_parcel_that_waits_is_no_correction_of_the_one_beside_it():
    """
    Two parcels of the same time and pieces: the second was refused for now, and comes again alone.
    """
    waits = Parcel("1001", {"A": 1}, (Tracking("T2"),), NOON)
    again = [entry({"A": 1}, "T2")]

    assert {"A": 1} == decide(state(), [sent({"A": 1}, "T1")], again, [waits])[0].parcel.pieces
    assert {} == decide(state(), [sent({"A": 1}, "T1")], again)[0].parcel.pieces


def test_a_refused_part_keeps_no_piece_from_another_that_it_went_for():
    """
    A parcel that shares its number with a part that wants a cancelled line is not sent again.
    """
    went = [sent({"A": 1}, "T1", "T2")]
    answers = outcome(state({"B": 1}), went, entry({"A": 1}, "T1", "T2"), entry({"A": 1, "B": 1}, "T1"))

    assert [None, "1 of line B of order 1001 were cancelled, 1 are to be despatched"] == answers


@pytest.mark.parametrize(
    ("number", "sku", "line"),
    [("A", "SKU-A", "A"), ("A", "", "A"), ("A", "Linnworks' own", "A"), ("A", "SKU-B", "B"), ("", "SKU-B", "B"),
     ("?", "SKU-B", "B")],
)  # fmt: skip
def test_the_line_number_decides_unless_the_sku_belongs_to_another_line(number, sku, line):
    """
    Linnworks may send its own SKU, or a line number of a merged order.
    """
    item = DespatchItem(order_line_number=number, sku=sku, despatched_quantity=1)
    decision = decide(state(), [], [DespatchOrder(reference_number="1001", items=(item,))])[0]

    assert {line: 1} == decision.parcel.pieces


def test_a_correction_is_known_as_a_number_of_its_parcel():
    """
    The old number stays known, so that its late repeat is no correction again, and a number for more pieces is too.
    """
    history = [
        ("k1", Parcel("1001", {"A": 2}, (Tracking("T1"),), NOON)),
        ("k2", Parcel("1001", {}, (Tracking("T2"),), LATER, replaces=("T1",), earlier=("k1",))),
        ("k3", Parcel("1001", {"B": 1}, (Tracking("T3"),), LATER, earlier=("k1",))),
    ]
    corrected, later = sent_parcels(dict(history))

    assert (("T2",), {"t1", "t2", "t3"}) == (corrected.numbers, corrected.known_numbers)
    assert (("T3",), {"t3"}) == (later.numbers, later.known_numbers)


def test_a_correction_may_stand_before_its_parcel():
    """
    As in a restored database, which has recorded only what came later.
    """
    correction = Parcel("1001", {}, (Tracking("T2"),), LATER, replaces=("T1",), earlier=("k1",))
    (parcel,) = sent_parcels({"k2": correction, "k1": Parcel("1001", {"A": 2}, (Tracking("T1"),), NOON)})

    assert ({"A": 2}, ("T2",)) == (parcel.pieces, parcel.numbers)


# -- any history -----------------------------------------------------------------------------------------

NUMBERS = st.lists(st.sampled_from(["T1", "T2", "T3"]), max_size=2, unique=True)
PIECES = st.dictionaries(st.sampled_from("AB"), st.sampled_from([None, 1, 1, 2, 3]), max_size=2)
ENTRIES = st.builds(
    lambda pieces, numbers, minutes: entry(pieces, *numbers, on=NOON + timedelta(minutes=minutes)),
    PIECES, NUMBERS, st.integers(0, 3),
)  # fmt: skip
REQUESTS = st.lists(st.lists(ENTRIES, min_size=1, max_size=3), min_size=1, max_size=6)


@given(REQUESTS, st.fixed_dictionaries({"A": st.integers(0, 3), "B": st.integers(0, 1)}))
def test_no_history_of_requests_sends_too_much_or_the_same_again(requests, cancelled):
    """
    What goes out never exceeds what was ordered and not cancelled, and a request sent again sends no pieces.
    """
    order = state(cancelled)
    history = []

    def play(name, request):
        parcels = [decision.parcel for decision in decide(order, sent_parcels(dict(history)), request)]
        new = [(f"{name} {position}", parcel) for position, parcel in enumerate(parcels) if parcel]
        history.extend(new)
        return [parcel.pieces for _, parcel in new]

    for number, request in enumerate(requests):
        play(f"first {number}", request)
    again = [pieces for number, request in enumerate(requests) for pieces in play(f"again {number}", request)]

    assert not any(again)
    for line in order.lines:
        went = sum(parcel.pieces.get(line.number, 0) for _, parcel in history)
        assert went <= line.ordered - line.cancelled
