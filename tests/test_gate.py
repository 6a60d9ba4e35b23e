"""A stalled shop takes some of the threads, never all."""

from __future__ import annotations

from contextlib import ExitStack

import pytest

from bridge.errors import ChannelUnavailable
from bridge.gate import Gate


def test_one_connection_gets_a_quarter_of_the_threads():
    """
    More calls of one integration than that are sent away at once, other integrations come in.
    """
    gate = Gate(16)
    with ExitStack() as inside:
        for _ in range(4):
            inside.enter_context(gate.entered(1))
        with pytest.raises(ChannelUnavailable, match="please try again"):
            inside.enter_context(gate.entered(1))
        inside.enter_context(gate.entered(2))


def test_all_connections_together_leave_some_threads():
    """
    An eighth of the threads is kept for calls that need no shop.
    """
    gate = Gate(16)
    with ExitStack() as inside:
        for connection_id in range(14):
            inside.enter_context(gate.entered(connection_id))
        with pytest.raises(ChannelUnavailable):
            inside.enter_context(gate.entered(14))


def test_who_leaves_makes_room():
    """
    A place is free again after the call, failed ones too.
    """
    gate = Gate(1)
    for _ in range(3):
        with pytest.raises(ZeroDivisionError), gate.entered(1):
            raise ZeroDivisionError
    with gate.entered(1), pytest.raises(ChannelUnavailable), gate.entered(2):
        pass
