"""An order is found by the number that its customer sees."""

from __future__ import annotations

from bridge.clock import Deadline
from bridge.store.connections import Connection


def test_an_order_is_found_by_the_number_that_a_plugin_gave_it(app, linnworks, woo):
    """
    Plugins give orders other numbers than their ids; what is no order's number finds none.
    """
    plain = woo.place_order({"MUG": 1})
    woo.place_order({"MUG": 1}, number="A-1231")
    (other,) = (str(number) for number, order in woo.order_book.orders.items() if order.number == "A-1231")
    channels = app.extensions["bridge"].channels
    channel = channels.open_for(Connection.select().order_by(Connection.id.desc()).first(), Deadline(5))

    assert [plain, other, None] == [channel.reference_of(number) for number in (plain, "a-1231", "12310")]
