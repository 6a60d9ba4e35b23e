from __future__ import annotations

from collections.abc import Iterator

import pytest

from bridge.settings import Settings
from tests.channels.contract import (
    DespatchContract,
    OrdersContract,
    OrderStateContract,
    PostSaleContract,
    PriceContract,
    ProductsContract,
    SetUpContract,
    StockContract,
)
from tests.channels.hostile.adapter import ShopOverHttp
from tests.channels.hostile.channel import NO_WAITING, HostileChannel
from tests.channels.hostile.server import Fault
from tests.channels.hostile.shop import HostileShop
from tests.linnworks import LONG_AGO, Linnworks

pytestmark = pytest.mark.service


@pytest.fixture(scope="module")
def settings(tmp_path_factory) -> Settings:
    """Settings of an installation for shops on this machine."""
    return Settings(
        data_dir=tmp_path_factory.mktemp("data"), channel="tests.channels.hostile.channel", allow_private_shops=True
    )


@pytest.fixture(scope="module")
def hostile() -> Iterator[HostileShop]:
    """A shop with several pages of orders and products."""
    shop = HostileShop(products=160, orders=35)
    yield shop
    shop.close()


@pytest.fixture(scope="module")
def shop(hostile) -> ShopOverHttp:
    """The shop that all suites share."""
    return ShopOverHttp(hostile)


@pytest.mark.full
class TestHostile(
    SetUpContract,
    OrdersContract,
    OrderStateContract,
    DespatchContract,
    PostSaleContract,
    ProductsContract,
    StockContract,
    PriceContract,
):
    """A shop over HTTP keeps every promise except listings, which it does not support."""


# -- with failures -------------------------------------------------------------------------------------


@pytest.fixture
def linnworks(call, shop, hostile, monkeypatch) -> Iterator[Linnworks]:
    """An integration that was connected before the failures begin."""
    monkeypatch.setattr(HostileChannel, "policy", NO_WAITING)
    linnworks = Linnworks(call)
    linnworks.finish_wizard(**shop.answers)
    yield linnworks
    hostile.faults.clear()


@pytest.mark.parametrize("seed", range(4))
def test_no_order_is_missed_whatever_fails(linnworks, shop, hostile, seed):
    """Every page is an error or complete, so that repeated requests bring every order once."""
    hostile.faults.at_random(seed, share=0.7, seconds=0.01)
    references: list[str] = []
    number, more = 1, True
    tries = iter(range(1000))
    while more and next(tries, None) is not None:
        page = linnworks("OrdersEndpoint", UTCTimeFrom=LONG_AGO, PageNumber=number)
        if page["Error"] is None:
            references += [order["ReferenceNumber"] for order in page["Orders"]]
            number, more = number + 1, page["HasMorePages"]
        elif linnworks("UserConfigEndpoint")["StepName"] != "UserConfig":
            with hostile.faults.paused():
                linnworks("ConfigTestEndpoint")

    assert sorted(shop.references()) == sorted(references)


def test_a_repeated_page_is_noticed(linnworks, hostile):
    """If a shop sends a page for another one, the run fails instead of ending early."""
    first = linnworks("OrdersEndpoint", UTCTimeFrom=LONG_AGO, PageNumber=1)
    hostile.faults.add(Fault.SAME_PAGE, "/orders", times=None)
    second = linnworks("OrdersEndpoint", UTCTimeFrom=LONG_AGO, PageNumber=2)

    assert first["HasMorePages"]
    assert second["Error"]
    assert [] == second["Orders"]


@pytest.mark.parametrize("fault", [Fault.DROP_AFTER, Fault.BAD_GATEWAY_AFTER, Fault.TRUNCATED, Fault.WEB_PAGE])
@pytest.mark.parametrize("kind", ["despatch", "cancel", "refund"])
def test_an_action_whose_answer_was_lost_is_found(linnworks, shop, hostile, kind, fault):
    """Linnworks' repeat succeeds, and the shop has done the action once."""
    number = shop.place_order({shop.skus[0]: 2})
    line = {"SKU": shop.skus[0], "OrderLineNumber": "L1"}
    calls = {
        "despatch": lambda: linnworks(
            "DespatchEndpoint", Orders=[{"ReferenceNumber": number, "Items": [{**line, "DespatchedQuantity": 1}]}]
        )["Orders"][0],
        "cancel": lambda: linnworks(
            "CancelEndpoint",
            Cancellation={"ReferenceNumber": number, "Items": [{**line, "CancellationQuantity": 1}]},
        ),
        "refund": lambda: linnworks(
            "RefundEndpoint", Refund={"ReferenceNumber": number, "Items": [{**line, "RefundAmount": "1.00"}]}
        ),
    }
    hostile.faults.add(fault, f"/{kind}")
    first, second, third = (calls[kind]() for _ in range(3))

    assert first["Error"]
    assert second["Error"] is None
    assert second == third
    assert len(hostile.done(kind, number)) == 1
