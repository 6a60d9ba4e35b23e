"""Whatever a shop's row holds, its page goes out: the row comes as an order or is held, and its neighbours come."""

from __future__ import annotations

import copy
from collections.abc import Iterator
from decimal import Decimal
from typing import Any

import pytest

from bridge.channels.http import ShopResponse
from bridge.channels.woocommerce import WooCommerceChannel, order_pages
from bridge.channels.woocommerce.api import WooClient
from bridge.channels.woocommerce.preferences import preferences
from bridge.clock import EPOCH, Deadline
from bridge.errors import ChannelUnavailable
from bridge.protocol.schemas.base import to_json
from bridge.protocol.schemas.orders import Order, OrdersResponse
from bridge.settings import Settings
from bridge.sync import order_checks
from tests.channels.woocommerce.test_orders import recorded, refund_of

PREFERENCES = preferences({})
MISSING = "missing"
VALUES = (
    None,
    {},
    [],
    [None],
    "",
    "text",
    "12",
    "0000-00-00",
    "-0001-11-30T00:00:00",
    "55840-11-08T22:13:20",
    -7,
    True,
    Decimal("1E+30"),
    MISSING,
)
RICH = ("order-mixed-tax-percent-coupon", "order-fee-meta")
BEFORE, BROKEN, BEHIND = 5, 100, 1_000_000


class RowsShop(WooClient):
    """A shop that shows these rows, and one refund list for all."""

    def __init__(self, rows: list[dict[str, Any]], refunds: list[dict[str, Any]], *, old: bool = False) -> None:
        super().__init__("https://shop.example", "k", "s", Deadline(60), Settings())
        self.rows, self.refunds, self.old = rows, refunds, old
        self.cache.clear()

    def get(self, path: str, params: Any = None, *, accept: Any = ()) -> ShopResponse:
        if path == "refunds" and self.old:
            return ShopResponse(404, {}, {}, ChannelUnavailable)
        if path == "orders" and params["status"] != "any":
            return _answer([])
        if path == "orders":
            return _answer(self.rows[params["offset"] : params["offset"] + params["per_page"]])
        if path == "settings/general":
            return _answer([{"id": "woocommerce_price_num_decimals", "value": "2"}])
        if path == "reports/orders/totals":
            return _answer([{"slug": "processing", "name": "Processing"}])
        if path == "data/countries":
            return _answer([{"code": "GB", "name": "United Kingdom"}])
        return _answer(self.refunds if path.endswith("refunds") else self.rows[1])


def _answer(json: Any) -> ShopResponse:
    return ShopResponse(200, {}, json, ChannelUnavailable)


def a_row(name: str, number: int) -> dict[str, Any]:
    return {**recorded(name), "id": number, "number": str(number)}


def paths(value: Any, path: tuple[Any, ...] = ()) -> Iterator[tuple[Any, ...]]:
    """Yield the place of every value in a row, of a list's entries only the first."""
    entries = value.items() if isinstance(value, dict) else enumerate(value[:1]) if isinstance(value, list) else ()
    for key, inner in entries:
        yield (*path, key)
        yield from paths(inner, (*path, key))


def mutated(row: Any, path: tuple[Any, ...], value: Any) -> Any:
    changed = copy.deepcopy(row)
    place = changed
    for key in path[:-1]:
        place = place[key]
    if value != MISSING:
        place[path[-1]] = value
    else:
        del place[path[-1]]
    return changed


def read(rows: list[dict[str, Any]], refunds: list[dict[str, Any]], *, old: bool = False) -> list[Order]:
    shop = RowsShop(rows, refunds, old=old)
    found = list(order_pages.page(shop, EPOCH, None, PREFERENCES).items)
    checked = [order_checks.check(order) for order in found]
    to_json(OrdersResponse(orders=tuple(order for order, reason in checked if not reason)))
    return found


@pytest.fixture(scope="module")
def neighbours() -> list[dict[str, Any]]:
    return [a_row("order-plain", BEFORE), a_row("order-plain", BEHIND)]


@pytest.mark.broad
@pytest.mark.full
@pytest.mark.parametrize("name", RICH)
def test_any_broken_field_costs_its_order_alone(name, neighbours):
    """
    Each field of a recorded order with each wrong value.
    """
    before, behind = neighbours
    row = a_row(name, BROKEN)
    for path in paths(row):
        for value in VALUES:
            found = read([before, mutated(row, path, value), behind], [])

            assert 3 == len(found), (path, value)
            assert [str(BEFORE), str(BEHIND)] == [found[0].reference_number, found[2].reference_number], (path, value)
            assert ["", ""] == [found[0].fault, found[2].fault], (path, value)
            assert found[1].reference_number, (path, value)


@pytest.mark.broad
@pytest.mark.parametrize("old", [False, True], ids=["11.0", "7.9"])
def test_a_broken_refund_costs_its_order_alone(neighbours, old):
    """
    A refund that cannot be read holds its order, which would otherwise come with the pieces that were given back.
    """
    before, behind = neighbours
    row = a_row("order-mixed-tax-percent-coupon", BROKEN)
    refund = refund_of(row, row["line_items"][0]["id"], 1, "1.00", "0.20")
    whole = read([before, row, behind], [refund], old=old)[1]
    for path in paths(refund):
        for value in VALUES:
            found = read([before, row, behind], [mutated(refund, path, value)], old=old)

            assert [str(BEFORE), str(BROKEN), str(BEHIND)] == [order.reference_number for order in found], (path, value)
            if path == ("id",):
                assert found[1].fault, (path, value)

    assert not whole.fault


@pytest.mark.broad
def test_a_broken_order_that_is_read_again_is_held():
    """
    A held order is read again by its number: it comes as an order, or with why it cannot.
    """
    row = a_row(RICH[0], BROKEN)
    for path in paths(row):
        for value in VALUES:
            channel = WooCommerceChannel({}, Deadline(60), Settings())
            channel.shop = RowsShop([row, mutated(row, path, value)], [])
            found = channel.order(str(BROKEN))

            assert found is not None, (path, value)
            assert not found.fault or found.reference_number == str(BROKEN), (path, value)


def test_an_order_without_id_is_held_under_its_number(neighbours):
    """
    Its place in the list is behind the order before it, so that no page ends at it.
    """
    before, behind = neighbours
    broken = {**a_row("order-plain", BROKEN), "id": None}

    assert [str(BEFORE), str(BROKEN), str(BEHIND)] == [
        order.reference_number for order in read([before, broken, behind], [])
    ]
