"""The scripted Medusa as the suites use it."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from contextlib import AbstractContextManager
from decimal import Decimal
from typing import Any

from bridge.channels.medusa.configurator import numbers
from tests.channels.contract import ShopUnderTest
from tests.channels.medusa.fake.shop import MedusaShop
from tests.channels.medusa.live import refunded_of, states_of

OTHER_ORDERS, OTHER_PRODUCTS = 230, 230


class ScriptedShop(ShopUnderTest):
    """The shop, with enough orders and products for several pages, and prices in two currencies and a price list."""

    skus = ("ALWAYS-1", "ALWAYS-2")
    has_other_prices = can_delete_orders = True

    def __init__(self, shop: MedusaShop) -> None:
        self.shop = shop
        self.answers = {"store_url": shop.url, "api_key": shop.key, f"sales_channel_{shop.channel}": "True"}
        self.answers |= {"stock_location": shop.location, "currency": next(iter(shop.currencies))}
        self.wrong_answers = {**self.answers, "api_key": f"sk_{'f' * 64}"}
        category = [{"id": shop.add_category("Garden")}]
        shop.add_category("House")
        for sku, price in zip(self.skus, ("7.99", "7.35"), strict=True):
            shop.add_product(sku, stock=100_000, price=price, categories=category)
        for number in range(OTHER_PRODUCTS):
            shop.add_product(f"FILL-{number}", stock=number, price="3.50", categories=category)
        shop.add_price_list("Trade", {f"FILL-{number}": "1.00" for number in range(5)})
        shop.add_variants("TEE", {f"TEE-{size}": size for size in "SML"}, stock=5)
        other = shop.add_location("Outlet")
        shop.set_stock("FILL-7", 4, other)
        for _ in range(OTHER_ORDERS):
            shop.age(shop.place_order({"ALWAYS-1": 1}), days=40)  # so that recent orders are read quickly

    def references(self) -> set[str]:
        return set(self.shop.orders.orders)

    def place_order(self, lines: Mapping[str, int], *, paid: bool = True, days_ago: int = 0) -> str:
        reference = self.shop.place_order(lines, paid=paid)
        self.shop.age(reference, days_ago)
        return reference

    def pay(self, reference: str) -> None:
        self.shop.pay(reference)

    def cancel(self, reference: str) -> None:
        self.shop.cancel(reference)

    def touch(self, reference: str) -> None:
        self.shop.touch(reference)

    def sent(self, reference: str) -> dict[str, int]:
        return self.shop.sent(reference)

    def refunded(self, reference: str) -> Decimal:
        return refunded_of(self.shop.payments(reference))

    def add_product(self, sku: str) -> None:
        self.shop.add_product(sku)

    def remove_product(self, sku: str) -> None:
        self.shop.remove_product(sku)

    def refund(self, reference: str, amount: Decimal) -> None:
        self.shop.refund(reference, amount)

    def delete_order(self, reference: str) -> None:
        self.shop.delete_order(reference)

    def other_prices(self, sku: str) -> Mapping[str, Decimal]:
        return {name: amount for name, amount in self.shop.prices(sku).items() if name != self.answers["currency"]}

    def done(self, reference: str) -> Any:
        """Return the states and tracking numbers too."""
        return states_of(self.shop.order(reference)), self.sent(reference), self.refunded(reference)

    def lose_answer(self, number: int) -> AbstractContextManager[Callable[[], bool]]:
        return self.shop.faults.answer_lost(number)

    def category(self, sku: str) -> str:
        ids = numbers(self.shop.catalogue.categories)
        product = self.shop.catalogue.products[self.shop.variant(sku)["product_id"]]
        return next(str(number) for number, known in ids.items() if known == product["categories"][0])
