"""An item of a batch that fails costs its neighbours nothing."""

from __future__ import annotations

import peewee
import pytest

from bridge.errors import BridgeError, ChannelRefused, ChannelUnavailable, CredentialsRefused, OutcomeUnknown
from bridge.sync.batch import each


def outcomes(*results: object) -> list[object]:
    """The outcomes of items of which each is returned, or raised if it is an exception."""

    def act(item: object) -> object:
        if isinstance(item, Exception):
            raise item
        return item

    return each(results, act, lambda item, error: error, lambda item: f"Item {type(item).__name__}")


@pytest.mark.parametrize("error", [ChannelRefused("no"), ChannelUnavailable("later"), BridgeError("odd")])
def test_a_failed_item_has_its_own_error_and_its_neighbours_go_on(error):
    """
    Every item has its outcome, in order.
    """
    assert ["a", error, "b"] == outcomes("a", error, "b")


@pytest.mark.parametrize("error", [ValueError("s3cret"), KeyError("x"), RecursionError(), MemoryError()])
def test_an_exception_that_nobody_expected_costs_one_item(error, caplog):
    """
    Its outcome is unknown, the log has the traceback, and the answer does not have its words.
    """
    first, failed, last = outcomes("a", error, "b")

    assert ("a", "b") == (first, last)
    assert isinstance(failed, OutcomeUnknown)
    assert "s3cret" not in str(failed)
    assert f"Item {type(error).__name__} failed" in caplog.text


@pytest.mark.parametrize("error", [CredentialsRefused("revoked"), peewee.OperationalError("disk is full")])
def test_what_concerns_all_items_ends_the_batch(error):
    """
    Refused credentials and a database that cannot store anything are the request's error.
    """
    with pytest.raises(type(error)):
        outcomes("a", error, "b")
