"""A stalled shop takes some of the threads, never all of them."""

from __future__ import annotations

from contextlib import ExitStack

import pytest

from bridge.errors import ChannelUnavailable
from bridge.protocol.concurrency_limit import ConcurrencyLimit


def test_one_connection_gets_a_quarter_of_the_threads():
    """
    Further calls of that integration are refused at once; other integrations are served.
    """
    concurrency_limit = ConcurrencyLimit(16)
    with ExitStack() as inside:
        for _ in range(4):
            inside.enter_context(concurrency_limit.slot(1))
        with pytest.raises(ChannelUnavailable, match="please try again"):
            inside.enter_context(concurrency_limit.slot(1))
        inside.enter_context(concurrency_limit.slot(2))


def test_all_connections_together_leave_some_threads():
    """
    An eighth of the threads is reserved for calls that need no shop.
    """
    concurrency_limit = ConcurrencyLimit(16)
    with ExitStack() as inside:
        for connection_id in range(14):
            inside.enter_context(concurrency_limit.slot(connection_id))
        with pytest.raises(ChannelUnavailable):
            inside.enter_context(concurrency_limit.slot(14))


def test_a_finished_call_frees_its_slot():
    """
    The slot is free again after the call, also if it failed.
    """
    concurrency_limit = ConcurrencyLimit(1)
    for _ in range(3):
        with pytest.raises(ZeroDivisionError), concurrency_limit.slot(1):
            raise ZeroDivisionError
    with concurrency_limit.slot(1), pytest.raises(ChannelUnavailable), concurrency_limit.slot(2):
        pass
