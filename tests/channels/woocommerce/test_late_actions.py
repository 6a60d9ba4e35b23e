"""Actions that the shop does after their request has ended: the next try ends in success once the shop shows them."""

from __future__ import annotations

import threading
from collections.abc import Callable
from typing import Any

import pytest

from bridge.settings import Settings
from tests.channels.contract.shop import seen
from tests.channels.hostile.server import Fault
from tests.channels.woocommerce.fake.shop import WooShop
from tests.channels.woocommerce.test_actions import cancel, customer_notes, despatch, despatch_of, fields, refund

pytestmark = pytest.mark.service


@pytest.fixture(scope="module")
def settings(tmp_path_factory) -> Settings:
    """Settings with which an action whose fate is unknown is not tried again during a test."""
    return Settings(
        data_dir=tmp_path_factory.mktemp("late"),
        channel="woocommerce",
        allow_private_shops=True,
        action_settles_seconds=3600,
    )


class Late:
    """Calls to a shop that are cut off, and done when a test says so."""

    def __init__(self, shop: WooShop, method: str, path: str) -> None:
        self._undone: list[Callable[[], bytes]] = []
        self._lock = threading.Lock()
        self._wanted = (method, path)
        self._serve = shop.server.served
        shop.server.served = self._served  # type: ignore[method-assign]

    def _served(self, handler: Any, body: bytes) -> bytes:
        with self._lock:
            if self._wanted[0] == handler.command and self._wanted[1] in handler.path:
                self._wanted = ("", "")
                self._undone.append(lambda: self._serve(handler, body))
                handler.close_connection = True
                return b""
        return self._serve(handler, body)

    def do(self) -> None:
        for call in self._undone:
            call()


@pytest.fixture
def woo():
    with WooShop(has_fulfilments=True) as shop:
        shop.add_product("MUG", stock=50, price="7.99")
        shop.add_product("BOOK", stock=50, price="5.00")
        yield shop


@pytest.mark.parametrize(
    ("method", "path"),
    [("PUT", "/orders/"), ("POST", "/fulfillments"), ("POST", "/notes")],
    ids=["record", "fulfilment", "note"],
)
def test_a_late_despatch_is_completed_as_soon_as_the_shop_shows_it(linnworks, woo, method, path):
    """
    Until then nothing is sent again; afterwards there is one of everything.
    """
    order = seen(linnworks, woo.place_order([("MUG", 1)] * 30 + [("BOOK", 2)]))
    wanted = {**despatch_of(order, {}), "Items": []}
    late = Late(woo, method, path)
    early = [despatch(linnworks, wanted)[0] for _ in range(2)]
    late.do()
    answers = [despatch(linnworks, wanted)[0] for _ in range(2)]

    assert all(early)
    assert [None, None] == answers
    assert "completed" == woo.order(order["ReferenceNumber"])["status"]
    assert [1, 1] == [len(customer_notes(woo, order)), len(fields(woo, order)["_wc_shipment_tracking_items"])]
    assert 1 == len(woo.fulfilments[int(order["ReferenceNumber"])])


@pytest.mark.parametrize("path", ["/orders/", "/refunds"])
def test_a_late_cancel_is_completed_as_soon_as_the_shop_shows_it(linnworks, woo, path):
    """
    Its plan, or its refund of no money.
    """
    order = seen(linnworks, woo.place_order({"MUG": 3, "BOOK": 2}))
    before = woo.stock("MUG")
    late = Late(woo, "PUT" if path == "/orders/" else "POST", path)
    early = cancel(linnworks, order, {"MUG": 1})["Error"]
    late.do()
    answers = [cancel(linnworks, order, {"MUG": 1})["Error"] for _ in range(2)]

    assert early
    assert [None, None] == answers
    assert before + 1 == woo.stock("MUG")


@pytest.mark.parametrize("path", ["/orders/", "/refunds"])
def test_a_late_refund_is_completed_as_soon_as_the_shop_shows_it(linnworks, woo, path):
    """
    The money goes back once.
    """
    order = seen(linnworks, woo.place_order({"MUG": 3}))
    late = Late(woo, "PUT" if path == "/orders/" else "POST", path)
    early = refund(linnworks, order, {"MUG": "1.00"})["Error"]
    late.do()
    answers = [refund(linnworks, order, {"MUG": "1.00"})["Error"] for _ in range(2)]

    assert early
    assert [None, None] == answers
    assert ["1.00"] == [row["amount"] for row in woo.refunds(order["ReferenceNumber"])]


def test_a_note_that_may_still_come_is_waited_for(linnworks, woo):
    """
    The shop does not show it yet: it is not written a second time.
    """
    order = seen(linnworks, woo.place_order({"MUG": 3}))
    woo.faults.add(Fault.DROP_BEFORE, "/notes", method="POST")
    answers = [despatch(linnworks, despatch_of(order, {"MUG": 3}))[0] for _ in range(3)]

    assert all(answers)
    assert [] == customer_notes(woo, order)
