"""A row that cannot be read is held under its reference, and its neighbours come."""

from __future__ import annotations

from operator import itemgetter
from typing import Any

import pytest

from bridge.channels.helpers.rows import map_order, map_orders, readable
from bridge.protocol.schemas.orders import Order, PaymentStatus
from bridge.sync import order_checks


def an_order(row: dict[str, Any]) -> Order | None:
    if row.get("error"):
        raise row["error"]
    return None if row.get("ignored") else Order(row["id"], payment_status=PaymentStatus.PAID, order_items=())


@pytest.mark.parametrize("error", [KeyError("a"), RecursionError(), AssertionError(), OverflowError()])
def test_any_exception_holds_its_order_alone(error):
    """
    Also one that nobody foresaw; its own words may quote the buyer and are not shown.
    """
    rows = [{"id": "1"}, {"id": "2", "error": error}, {"id": "3", "ignored": True}, {"id": "4"}]
    first, held, last = map_orders(rows, an_order, itemgetter("id"))

    assert ("1", "4") == (first.reference_number, last.reference_number)
    assert "2" == held.reference_number
    assert [f"the bridge cannot read it as the shop shows it ({type(error).__name__})"] == order_checks.problems(held)


def test_a_row_without_a_reference_has_a_name_of_its_own():
    """
    The same row has the same name every time, so that it is held once.
    """
    names = [map_orders([row], an_order, itemgetter("id"))[0].reference_number for row in ({}, {}, {"total": 1})]

    assert names[0] == names[1] != names[2]
    assert all(name.startswith("unreadable-") for name in names)


def test_one_order_is_held_under_the_reference_that_was_asked_for():
    """
    A held order that is read again keeps its name.
    """
    assert ("7", True) == ((found := map_order({}, an_order, "7")).reference_number, bool(found.fault))


def test_a_row_of_another_list_that_cannot_be_read_is_left_out_and_named_in_the_log(caplog):
    """
    Its neighbours come.
    """
    rows = [{"id": "1", "price": "5"}, {"id": "2"}, {"id": "3", "price": "7"}]

    assert ["5", "7"] == readable(rows, itemgetter("price"), lambda row: f"Product {row['id']}")
    assert "Product 2 cannot be read" in caplog.text


def test_a_page_that_cannot_be_read_is_no_thousand_lines_of_log(caplog):
    """
    The first row of each kind of failure is logged with its traceback, and the others in one line.
    """
    rows = [{"id": str(number), "error": KeyError("a")} for number in range(1000)] + [{"id": "x", "error": TypeError()}]
    map_orders(rows, an_order, itemgetter("id"))

    assert ["Order 0 cannot be read", "Order x cannot be read"] == [
        one.message for one in caplog.records if one.exc_info
    ]
    assert 3 == len(caplog.records)
    assert caplog.records[-1].message.startswith("999 more cannot be read: Order 1, Order 2,")
