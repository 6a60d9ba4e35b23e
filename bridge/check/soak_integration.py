"""One integration of a soak: the calls Linnworks makes for it, round by round."""

from __future__ import annotations

import random
import threading
import time
import zlib
from collections.abc import Callable
from contextlib import suppress
from datetime import datetime
from typing import TYPE_CHECKING, Any

from bridge.check import wizard
from bridge.check.context import LONG_AGO, CheckContext, now
from bridge.check.records import OrderRecord, ProductRecord
from bridge.check.response import format_time
from bridge.check.rule import RuleFailed, RuleSkipped
from bridge.check.wording import duplicates

if TYPE_CHECKING:
    from bridge.check.soak import Soak

# A round is a quarter of an hour in Linnworks.
PRODUCTS_EVERY = 48
TEST_EVERY = 16
PRICES_EVERY = 4
SKUS_PER_UPDATE = 20
MAX_ATTEMPTS = 10
"""How often Linnworks sends a despatch again while the response has Retry true."""
SHARE_REPEATED = 0.2
SHARE_DISCONNECTED = 0.1
SHARE_COMPLETE = 0.5
"""Shares of the requests sent twice, of those disconnected before, and of these those sent completely."""
QUANTITIES = (1, 500)
PRICES = (1, 200)
PRICE_TOLERANCE = 0.005


class SoakIntegration:
    """One integration of a soak, with an HTTP connection and a thread of its own.

    Several integrations can share a shop, so each changes only its own share of SKUs and orders.
    """

    def __init__(self, soak: Soak, stopped: threading.Event, number: int) -> None:
        self.soak = soak
        self.problems = soak.problems
        self.stopped = stopped
        self.number = number
        parent = soak.context
        self.rng = random.Random(parent.rng.getrandbits(64))  # noqa: S311 (makes choices, keeps no secrets)
        self.context = CheckContext(parent.client.clone(), parent.config, self.rng, parent.patience)
        self.context.missing_rows = parent.missing_rows
        self.orders_since: datetime | None = None
        self.products: dict[str, ProductRecord] = {}
        self.sent_values: dict[str, dict[str, Any]] = {"Quantity": {}, "Price": {}}
        self.waiting_parcels: dict[str, dict[str, Any]] = {}
        self.attempts: dict[str, int] = {}
        self.despatched: set[str] = set()

    def connect(self) -> None:
        """Create the integration and complete its wizard."""
        first = self.context.first
        self.context.create(first).require_success()
        wizard.load(self.context, first).require_success()
        wizard.complete(self.context, first)
        with suppress(RuleFailed, RuleSkipped):  # the rounds report it
            self.context.first_page_of_orders()

    def run_rounds(self) -> None:
        """Make the calls of every round, each at its time or as soon as the one before is finished."""
        options = self.soak.options
        started = time.monotonic()
        for number in range(options.rounds):
            if self.stopped.wait(max(0.0, started + number * options.seconds_per_round - time.monotonic())):
                return
            for call in self._calls(number):
                try:
                    call()
                except RuleSkipped:
                    pass  # the manifest names no such endpoint
                except RuleFailed as failure:
                    self.problems.errors.append(str(failure))
            if self.number == 0:
                self.soak.context.report_progress(f"Quarter hour {number + 1} of {options.rounds}")

    def compare_values(self) -> None:
        """Compare the values sent last with what Products shows, and record the differences."""

        def find_differences() -> str:
            shown = self.context.products_by_sku()
            return "\n".join(
                f"{sku} shows the {name} {_value(shown.get(sku), name)}, {sent} was sent last"
                for name, values in self.sent_values.items()
                for sku, sent in values.items()
                if abs(float(_value(shown.get(sku), name) or 0) - sent) > PRICE_TOLERANCE
            )

        try:
            self.context.eventually(find_differences)
        except RuleSkipped:
            pass
        except RuleFailed as failure:
            self.problems.wrong_values += str(failure).splitlines()

    def _calls(self, number: int) -> list[Callable[[], None]]:
        calls = [self._download_orders]
        if number % PRODUCTS_EVERY == 0:
            calls.append(self._download_products)
        if number % TEST_EVERY == 0:
            calls.append(self._test)
        if not self.soak.context.read_only:
            calls += [self._send_stock, self._despatch]
            if number % PRICES_EVERY == 0:
                calls.append(self._send_prices)
        return calls

    def _test(self) -> None:
        self.context.call("ConfigTest").require_success()

    def _download_products(self) -> None:
        self.products = self.context.products_by_sku()

    def _download_orders(self) -> None:
        """Download what changed since the last round; open orders of this integration's share wait for despatch."""
        since, started = format_time(self.orders_since) if self.orders_since else LONG_AGO, now()
        pages = self.context.pages("Orders", "Orders", UTCTimeFrom=since)
        self.orders_since = started
        orders = [OrderRecord.from_row(row) for page in pages for row in page.rows("Orders")]
        for reference in duplicates(order.reference for order in orders):
            self.problems.duplicate_orders.append(f"order {reference} came twice in one download")
        for order in orders:
            if order.is_open and self._is_mine(order.reference) and order.reference not in self.despatched:
                self.waiting_parcels.setdefault(order.reference, order.complete_parcel(now()))

    def _send_stock(self) -> None:
        self._send_values("InventoryUpdate", "Quantity", list(self.products.values()), self._random_quantity)

    def _send_prices(self) -> None:
        priced = [product for product in self.products.values() if product.price is not None]
        self._send_values("PriceUpdate", "Price", priced, self._random_price)

    def _random_quantity(self) -> float:
        return self.rng.randrange(*QUANTITIES)

    def _random_price(self) -> float:
        return round(self.rng.uniform(*PRICES), 2)

    def _send_values(
        self, call: str, name: str, products: list[ProductRecord], random_value: Callable[[], float]
    ) -> None:
        mine = [product for product in products if self._is_mine(product.sku)]
        chosen = self.rng.sample(mine, min(SKUS_PER_UPDATE, len(mine)))
        if not chosen:
            return
        rows = [product.update_row(name, random_value()) for product in chosen]
        # A disconnected request may or may not be processed: the same values are sent again.
        self.sent_values[name].update({row["SKU"]: row[name] for row in rows})
        self._maybe_disconnect(call, {"Products": rows})
        returned = self.context.update(call, rows)
        self.problems.errors += [f"{sku}: {row['Error']}" for sku, row in returned.items() if row.get("Error")]
        if self.rng.random() < SHARE_REPEATED:
            self._compare_repeat(call, returned, self.context.update(call, rows))

    def _despatch(self) -> None:
        """Send the oldest waiting order; with Retry true it waits again, as often as Linnworks tries."""
        if not self.waiting_parcels:
            return
        reference = next(iter(self.waiting_parcels))
        parcel = self.waiting_parcels.pop(reference)
        self._maybe_disconnect("Despatch", {"Orders": [parcel]})
        returned = self.context.despatch([parcel])
        row = returned[reference]
        self.attempts[reference] = self.attempts.get(reference, 0) + 1
        if row.get("Error") and row.get("Retry") is True and self.attempts[reference] < MAX_ATTEMPTS:
            self.waiting_parcels[reference] = parcel
            return
        self.despatched.add(reference)
        if row.get("Error"):
            self.problems.errors.append(f"order {reference}: {row['Error']}")
        elif self.rng.random() < SHARE_REPEATED:
            self._compare_repeat("Despatch", returned, self.context.despatch([parcel]))

    def _is_mine(self, name: str) -> bool:
        return zlib.crc32(name.encode()) % self.soak.options.integrations == self.number

    def _maybe_disconnect(self, call: str, fields: dict[str, Any]) -> None:
        if self.rng.random() < SHARE_DISCONNECTED:
            body = {"AuthorizationToken": self.context.first.token, **fields}
            complete = self.rng.random() < SHARE_COMPLETE
            self.context.client.send_and_disconnect(call, body, complete)

    def _compare_repeat(self, call: str, first: dict[str, Any], second: dict[str, Any]) -> None:
        for key, row in first.items():
            error, repeated_error = row.get("Error"), second.get(key, {}).get("Error")
            if bool(error) != bool(repeated_error):
                self.problems.different_repeats.append(
                    f"{call} returned {error or 'no Error'} for {key}, and {repeated_error or 'no Error'} when repeated"
                )


def _value(product: ProductRecord | None, name: str) -> Any:
    return None if product is None else {"Quantity": product.quantity, "Price": product.price}[name]
