"""The hostile shop as the suites use it."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from contextlib import AbstractContextManager
from datetime import timedelta
from decimal import Decimal

from tests.channels.contract import ShopUnderTest
from tests.channels.hostile.shop import HostileShop


class ShopOverHttp(ShopUnderTest):
    """The hostile shop without failures."""

    skus = ("ALWAYS-1", "ALWAYS-2")
    can_delete_orders = has_other_prices = True

    def __init__(self, shop: HostileShop) -> None:
        self._shop = shop
        self.answers = {"shop_url": shop.url, "api_key": shop.key}
        self.wrong_answers = {"shop_url": shop.url, "api_key": "a key of another shop"}
        for sku in self.skus:
            shop.add_product(sku, stock=10_000)

    def references(self) -> set[str]:
        return {number for number, order in self._shop.orders.items() if not order.binned}

    def place_order(self, lines: Mapping[str, int], *, paid: bool = True, days_ago: int = 0) -> str:
        number = self._shop.place_order(lines, paid=paid)
        self._shop.orders[number].modified_at -= timedelta(days=days_ago)
        return number

    def pay(self, reference: str) -> None:
        self._shop.pay(reference)

    def cancel(self, reference: str) -> None:
        self._shop.cancel(reference)

    def touch(self, reference: str) -> None:
        self._shop.touch(reference, "Please ring twice.")

    def sent(self, reference: str) -> dict[str, int]:
        return {line.sku: line.despatched for line in self._shop.orders[reference].lines}

    def refunded(self, reference: str) -> Decimal:
        return sum((action.amount for action in self._shop.done("refund", reference)), Decimal(0))

    def add_product(self, sku: str) -> None:
        self._shop.add_product(sku)

    def remove_product(self, sku: str) -> None:
        self._shop.remove_product(sku)

    def other_prices(self, sku: str) -> Mapping[str, Decimal]:
        return {"list price": self._shop.products[sku].list_price}

    def lose_answer(self, number: int) -> AbstractContextManager[Callable[[], bool]]:
        return self._shop.faults.answer_lost(number)

    def delete_order(self, reference: str) -> None:
        self._shop.bin(reference)

    def refund(self, reference: str, amount: Decimal) -> None:
        self._shop.refund(reference, amount)
