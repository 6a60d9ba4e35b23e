from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Mapping, Sequence
from datetime import timedelta
from decimal import Decimal
from inspect import getattr_static
from typing import Any

import pytest

from bridge.clock import now
from tests.linnworks import Linnworks


class ShopUnderTest(ABC):
    """The shop behind the bridge, in which its customers and its owner act while a test plays Linnworks.

    One shop may serve all tests: each connects an integration of its own and looks at its own orders and
    listings. So that paging is real, the shop begins with at least three pages of orders and of products.
    """

    answers: Mapping[str, str]
    """What connects to this shop: values for the wizard by ConfigItemId."""
    wrong_answers: Mapping[str, str]
    """The same with credentials that the shop refuses."""
    skus: Sequence[str]
    """Two simple products that no test changes, each for 1.00 or more, of which there are always enough."""
    picture = "https://example.com/new.jpg"
    """A picture that the shop can fetch, where it fetches any."""

    @abstractmethod
    def references(self) -> set[str]:
        """The ReferenceNumbers of all orders."""

    @abstractmethod
    def place_order(self, lines: Mapping[str, int], *, paid: bool = True, days_ago: int = 0) -> str:
        """Place an order for quantities by SKU, the shipping not free; days ago nobody touched it since."""

    @abstractmethod
    def pay(self, reference: str) -> None:
        """The customer pays an unpaid order."""

    @abstractmethod
    def cancel(self, reference: str) -> None:
        """The customer cancels a whole order."""

    @abstractmethod
    def touch(self, reference: str) -> None:
        """The owner edits something small about an order, such as a note."""

    @abstractmethod
    def sent(self, reference: str) -> dict[str, int]:
        """How many of each SKU of an order have been sent."""

    @abstractmethod
    def refunded(self, reference: str) -> Decimal:
        """How much was given back for an order."""

    @abstractmethod
    def add_product(self, sku: str) -> None:
        """The owner begins to sell something."""

    @abstractmethod
    def remove_product(self, sku: str) -> None:
        """The owner stops selling something."""


class Suite:
    """What the tests of all suites start from: `shop`, and here an integration and an order of its own."""

    def __init_subclass__(cls) -> None:
        """Refuse suites with the same test in them, because one would silently take the other's place."""
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
    def order(self, linnworks, shop) -> Any:
        """A paid order of three pieces of one product and one of another, as Linnworks sees it."""
        return seen(linnworks, shop.place_order({shop.skus[0]: 3, shop.skus[1]: 1}))


def hours_ago(hours: float) -> str:
    """A moment in the form that Linnworks really sends."""
    return f"{now() - timedelta(hours=hours):%Y-%m-%d %H:%M:%SZ}"


def seen(linnworks: Linnworks, reference: str) -> Any:
    """An order that changed within the hour, as Linnworks sees it now."""
    return linnworks.orders(since=hours_ago(1))[reference]


def line_number(order: Any, sku: str) -> str:
    """The OrderLineNumber of the line with this SKU."""
    return next(item["OrderLineNumber"] for item in order["OrderItems"] if item["SKU"] == sku)
