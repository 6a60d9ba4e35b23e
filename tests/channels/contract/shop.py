from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable, Mapping, Sequence
from contextlib import AbstractContextManager
from dataclasses import replace
from datetime import timedelta
from decimal import Decimal
from inspect import getattr_static
from typing import Any

import pytest

from bridge.channels.base import Channel
from bridge.clock import Deadline, now
from tests.linnworks import Linnworks

REQUESTS_OF_A_TEST = 10


class ShopUnderTest(ABC):
    """The shop behind the bridge: its customers and its owner act in it while a test acts as Linnworks.

    One shop may serve all tests: each connects its own integration and uses its own orders and listings. So that
    paging is tested, the shop begins with at least three pages of orders and of products.

    What only some shops can do has a default, with which the tests about it are skipped.
    """

    answers: Mapping[str, str]
    """The wizard's answers that connect to this shop, by ConfigItemId."""
    wrong_answers: Mapping[str, str]
    """The same answers with credentials that the shop refuses."""
    skus: Sequence[str]
    """Two simple products that no test changes, with a price of 1.00 or more and enough stock."""
    changeable: Sequence[str] | None = None
    """The SKUs whose stock and price tests may set, at least three; None means all except `skus`."""
    can_delete_orders = False
    can_delete_products = True
    has_other_prices = False
    picture = "https://example.com/new.jpg"
    """An image that the shop can download, if it downloads any."""

    @abstractmethod
    def references(self) -> set[str]:
        """Return the ReferenceNumbers of all orders."""

    @abstractmethod
    def place_order(self, lines: Mapping[str, int], *, paid: bool = True, days_ago: int = 0) -> str:
        """Place an order for quantities by SKU, with shipping costs and last changed days ago; return its reference."""

    @abstractmethod
    def pay(self, reference: str) -> None:
        """Pay an unpaid order, as its customer."""

    @abstractmethod
    def cancel(self, reference: str) -> None:
        """Cancel a whole order, as its customer."""

    @abstractmethod
    def touch(self, reference: str) -> None:
        """Edit something small of an order, such as a note, as the owner."""

    @abstractmethod
    def sent(self, reference: str) -> dict[str, int]:
        """Return the despatched pieces of an order by SKU."""

    @abstractmethod
    def refunded(self, reference: str) -> Decimal:
        """Return how much of an order was refunded."""

    @abstractmethod
    def add_product(self, sku: str) -> None:
        """Add a product, as the owner."""

    # -- what only some shops can do -------------------------------------------------------------------

    def remove_product(self, sku: str) -> None:
        """Delete a product, as the owner, if `can_delete_products`."""
        raise NotImplementedError

    def delete_order(self, reference: str) -> None:
        """Delete an order for good, as the owner, if `can_delete_orders`."""
        raise NotImplementedError

    def refund(self, reference: str, amount: Decimal) -> None:
        """Refund an amount of a paid order in the shop itself, as the owner."""
        pytest.skip("the shop cannot refund by itself")

    def other_prices(self, sku: str) -> Mapping[str, Decimal]:
        """Return the prices of a product that a price without a tag does not set: a list price, other currencies.

        If `has_other_prices`, some of the first twenty products that tests may change have them.
        """
        return {}

    def done(self, reference: str) -> Any:
        """Return what was done with an order, without ids and times; a shop may add its states and messages."""
        return self.sent(reference), self.refunded(reference)

    def lose_answer(self, number: int) -> AbstractContextManager[Callable[[], bool]]:
        """Lose the answer of the first, second, ... call that reaches the shop within this context, which does it.

        Yields a function that returns whether there was such a call.
        """
        pytest.skip("the shop cannot lose answers")

    def category(self, sku: str) -> str:
        """Return the id of a product's category; only for shops that support listings."""
        raise NotImplementedError


class Suite:
    """The base of all suites: tests get the fixture `shop`, and from here their own integration and order."""

    def __init_subclass__(cls) -> None:
        """Refuse suites that have a test of the same name, because one would silently replace the other."""
        for name in {name for base in cls.__bases__ for name in dir(base) if not name.startswith("_")}:
            if len({id(getattr_static(base, name, None)) for base in cls.__bases__ if hasattr(base, name)}) > 1:
                raise TypeError(f"Several suites of {cls.__name__} have a {name}")

    @pytest.fixture
    def linnworks(self, call, shop) -> Linnworks:
        """An integration that has finished its wizard."""
        linnworks = Linnworks(call)
        linnworks.finish_wizard(**shop.answers)
        return linnworks

    @pytest.fixture
    def channel_class(self, app) -> type[Channel]:
        """The channel of the shop, with the batch sizes that it declares."""
        return app.extensions["bridge"].channels.channel_class

    @pytest.fixture
    def channel(self, app, shop) -> Channel:
        """The channel, opened with the wizard's answers, with the time of all the requests that a test makes."""
        channels = app.extensions["bridge"].channels
        return channels.open(shop.answers, Deadline(REQUESTS_OF_A_TEST * channels.settings.budget_seconds))

    @pytest.fixture
    def exact_times(self, app, monkeypatch) -> None:
        """Settings with which runs of orders do not overlap, and lost actions are looked up at once."""
        channels = app.extensions["bridge"].channels
        settings = replace(channels.settings, orders_overlap_seconds=0, action_settles_seconds=0)
        monkeypatch.setattr(channels, "settings", settings)

    @pytest.fixture
    def order(self, linnworks, shop) -> Any:
        """A paid order of three pieces of one product and one of another, as Linnworks gets it."""
        return seen(linnworks, shop.place_order({shop.skus[0]: 3, shop.skus[1]: 1}))


def hours_ago(hours: float) -> str:
    """Return a time in the format that Linnworks sends."""
    return f"{now() - timedelta(hours=hours):%Y-%m-%d %H:%M:%SZ}"


def seen(linnworks: Linnworks, reference: str) -> Any:
    """Return an order that changed within the last hour, as Linnworks gets it now."""
    return linnworks.orders(since=hours_ago(1))[reference]


def line_number(order: Any, sku: str) -> str:
    """Return the OrderLineNumber of the line with this SKU."""
    return next(item["OrderLineNumber"] for item in order["OrderItems"] if item["SKU"] == sku)


def tags(linnworks: Linnworks) -> tuple[Any, Any]:
    """Return the shop's tags of shipping and of payment methods."""
    return linnworks("ShippingTagsEndpoint")["ShippingTags"], linnworks("PaymentTagsEndpoint")["PaymentTags"]


def stock(linnworks: Linnworks, shop: ShopUnderTest) -> list[int]:
    """Return the quantities of the products that orders are placed for."""
    products = linnworks.products()
    return [products[sku]["Quantity"] for sku in shop.skus]
