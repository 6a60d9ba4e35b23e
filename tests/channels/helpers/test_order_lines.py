"""The lines that Linnworks names are found, added up, and never more of them than are left."""

from __future__ import annotations

import pytest

from bridge.channels.helpers.order_lines import Line, Wanted, choose_pieces, find_line
from bridge.errors import ChannelRefused

LINES = [Line(1, "11", "MUG"), Line(2, "12", "CAP"), Line(3, "13", "CAP")]
LEFT = {1: 2, 2: 1, 3: 0}


def chosen(*wanted: Wanted) -> dict[int, int]:
    return dict(choose_pieces("7", LINES, wanted, LEFT.__getitem__))


@pytest.mark.parametrize(
    ("wanted", "pieces"),
    [
        ([], {1: 2, 2: 1}),
        ([Wanted("11", "", 1)], {1: 1}),
        ([Wanted("11", "another SKU", 1)], {1: 1}),
        ([Wanted("", "MUG", 2)], {1: 2}),
        ([Wanted("11", "", 0)], {}),
        ([Wanted("11", "", 1), Wanted("", "MUG", 1), Wanted("12", "", 1)], {1: 2, 2: 1}),
    ],
)
def test_lines_are_found_by_number_or_by_their_only_sku(wanted, pieces):
    """
    A number decides; without one a SKU does, and entries of one line are added up.
    """
    assert pieces == chosen(*wanted)


@pytest.mark.parametrize(
    ("wanted", "words"),
    [
        ([Wanted("99", "MUG", 1)], "no line 99"),
        ([Wanted("", "HAT", 1)], "no line HAT"),
        ([Wanted("", "", 1)], "no line"),
        ([Wanted("", "CAP", 1)], "several lines"),
        ([Wanted("11", "", 3)], "only 2 left"),
        ([Wanted("11", "", 2), Wanted("", "MUG", 1)], "only 2 left"),
        ([Wanted("13", "", 1)], "only 0 left"),
    ],
)
def test_what_cannot_be_is_refused(wanted, words):
    """
    Unknown lines, a SKU of several lines, and more than is left.
    """
    with pytest.raises(ChannelRefused, match=words):
        chosen(*wanted)


def test_a_line_is_found_by_its_number_alone():
    """
    The key is the shop's own.
    """
    assert 2 == find_line("7", LINES, "12", "")
