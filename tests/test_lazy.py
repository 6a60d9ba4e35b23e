"""An attribute that is computed at its first use."""

from __future__ import annotations

import threading

from bridge.lazy import lazy_property


class Thing:
    """A thing whose value takes as long as `wait` does."""

    def __init__(self, wait) -> None:
        self.wait = wait
        self.computed = 0

    @lazy_property
    def value(self) -> int:
        """The value."""
        self.wait()
        self.computed += 1
        return self.computed


def test_it_is_computed_once():
    """
    The second use gets the first one's value.
    """
    thing = Thing(lambda: None)

    assert (1, 1) == (thing.value, thing.value)
    assert "The value." == Thing.value.__doc__


def test_one_object_does_not_hold_up_another():
    """
    While one is being computed, in another thread, the same attribute of another object is.
    """
    begun, end = threading.Event(), threading.Event()
    slow = Thing(lambda: (begun.set(), end.wait(10)))
    thread = threading.Thread(target=lambda: slow.value)
    thread.start()
    begun.wait(10)

    assert Thing(lambda: None).value == 1
    assert 0 == slow.computed
    end.set()
    thread.join()
