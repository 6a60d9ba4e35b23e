"""Stock levels and prices sent to WooCommerce, as many products in a call as the shop takes in time.

WooCommerce ignores mistakes without an error: a batch takes an invalid number as zero, drops a sale price above the
regular one, ignores the price of a product with variations, and before version 10.3 moves a variation to the product it
is sent for. So values and ids are checked before they are sent, and the values that the shop returns are checked after.
"""

from __future__ import annotations

import logging
import threading
from collections import deque
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal
from functools import partial
from typing import Any

from bridge.channels.base import Outcome
from bridge.channels.helpers.pace import FIRST_SIZE, NO_TIME, Pace
from bridge.channels.woocommerce.api import PAGE_SIZE, WooClient
from bridge.channels.woocommerce.preferences import Preferences
from bridge.channels.woocommerce.product_ids import Target
from bridge.channels.woocommerce.product_targets import (
    LEVEL_FIELDS,
    current_rows,
    find_targets,
    not_found,
    type_problem,
)
from bridge.channels.woocommerce.refusals import error_message
from bridge.channels.woocommerce.values import as_text, listed, money, row_id
from bridge.clock import monotonic
from bridge.errors import ChannelError, ChannelRefused, ChannelUnavailable
from bridge.protocol.schemas.products import Price, StockLevel

log = logging.getLogger(__name__)

RETURNED_FIELDS = "id,type,manage_stock,stock_quantity,regular_price,sale_price"
"""The fields returned for a product: all fields take ten times as long. Variations return all of them anyway."""
UNKNOWN_ID = (
    "woocommerce_rest_product_invalid_id",
    "woocommerce_rest_product_variation_invalid_id",
    "woocommerce_rest_invalid_product_id",  # a variation was sent as a product
)
BATCH_SIZE = PAGE_SIZE
"""The largest batch: a quick shop saves time for each call, and a slow one gets smaller ones."""
MOST_CALLS = 16  # at once; the client allows fewer
SAMPLE, READING_PAYS = 10, 6  # a level is read in about a tenth of the time in which it is written
READING_SHARE = 0.5  # of the time that is left
SLOW_CACHE, SLOW_SECONDS = "woocommerce levels not read until", 600
SIZE_CACHE = "woocommerce products in a batch"
NO_RESULTS = "The shop did not return a result for each product"

Row = Mapping[str, Any]
Check = Callable[[Row], str]
"""Returns why a product, as the shop returned it, does not have the value that was sent; "" if it has."""


@dataclass(frozen=True)
class FieldUpdate:
    """One row of an update: its products, or why there are none, and the value of one of their fields."""

    targets: Sequence[Target] | ChannelError
    field: str
    value: Any
    check: Check


@dataclass
class ProductUpdate:
    """All values sent for one product, with their checks, by field."""

    target: Target
    values: dict[str, Any]
    checks: dict[str, Check]

    def is_shown_by(self, row: Row) -> bool:
        """Return whether a product, as the shop shows it, has all the values already."""
        return not type_problem(as_text(row.get("type"))) and not any(check(row) for check in self.checks.values())


def set_stock(shop: WooClient, levels: Sequence[StockLevel], preferences: Preferences) -> list[Outcome]:
    """Set levels; stock management of a product is switched on if the seller chose that, otherwise it is required.

    Levels that the shop has already are not written.
    """
    found = find_targets(shop, levels, same_sku_is_one=preferences.same_sku_is_one)
    updates = [
        FieldUpdate(targets, "stock_quantity", level.quantity, partial(_check_stock, level.quantity))
        for level, targets in zip(levels, found.targets, strict=True)
    ]
    always = {"manage_stock": True} if preferences.manage_stock else {}
    return _run(shop, updates, always, lambda products: _changed(shop, products, found.shown))


def _changed(shop: WooClient, products: Sequence[ProductUpdate], shown: Mapping[Target, Row]) -> list[ProductUpdate]:
    """Return the products that do not have their level yet, as far as the shop tells that quickly.

    Of many products a few are read first: if nearly all have changed, reading the others would only cost time.
    """
    known = dict(shown)
    unread = [product.target for product in products if product.target not in known]
    sample = unread[:: max(1, len(unread) // SAMPLE)]
    known |= _levels(shop, sample)
    same = sum(1 for product in products if product.target in known and product.is_shown_by(known[product.target]))
    if len(sample) < len(unread) and same * READING_PAYS >= len(known):
        known |= _levels(shop, [target for target in unread if target not in set(sample)])
    return [
        product for product in products if product.target not in known or not product.is_shown_by(known[product.target])
    ]


def _levels(shop: WooClient, targets: Sequence[Target]) -> dict[Target, Row]:
    """Return what the shop shows of products; nothing, for a while, where it is too slow for that."""
    is_slow = _pace(shop).size < FIRST_SIZE // 3 or monotonic() < float(shop.cache.get(SLOW_CACHE, "0"))
    if not targets or is_slow:
        return {}
    try:
        with shop.deadline.limited(shop.deadline.left() * READING_SHARE):
            return current_rows(shop, targets, LEVEL_FIELDS)
    except ChannelUnavailable:
        shop.cache[SLOW_CACHE] = str(monotonic() + SLOW_SECONDS)
        _pace(shop).timed_out(_pace(shop).size)  # writing takes longer still
    except ChannelError as error:
        log.info("The shop does not show its levels: %s", error)
    return {}


def _check_stock(quantity: int, row: Row) -> str:
    if row.get("manage_stock") is not True:
        where = "manages its stock on its parent" if row.get("manage_stock") else "does not manage its stock"
        return f"WooCommerce {where}: switch on stock management for this product, or in the bridge's settings"
    if _number(row.get("stock_quantity")) != quantity:
        return f"WooCommerce shows the level {row.get('stock_quantity')} after it was set to {quantity}"
    return ""


def set_prices(shop: WooClient, prices: Sequence[Price], preferences: Preferences) -> list[Outcome]:
    """Set regular and sale prices by their tags; a sale price of zero ends the sale."""
    updates = []
    found = find_targets(shop, prices, same_sku_is_one=preferences.same_sku_is_one)
    for price, of_price in zip(prices, found.targets, strict=True):
        targets, field = of_price, preferences.price_fields.get(price.tag, "")
        if not field:
            targets = ChannelRefused(
                f"No price of the shop is set by {f'the tag {price.tag}' if price.tag else 'no tag'}"
            )
        updates.append(
            FieldUpdate(targets, field, price_text(field, price.price), partial(_check_price, field, price.price))
        )
    return _run(shop, updates, {}, list)


def price_text(field: str, value: Decimal) -> str:
    """Return a price as WooCommerce takes it: digits with at least two decimals, "" for a sale price of zero."""
    if field == "sale_price" and not value:
        return ""
    exponent = value.normalize().as_tuple().exponent
    return format(value.quantize(Decimal(1).scaleb(min(-2, int(exponent)))), "f")


def _check_price(field: str, value: Decimal, row: Row) -> str:
    if _number(row.get(field)) == value and (row.get(field) or field == "sale_price"):
        return ""
    if field == "sale_price":
        return f"WooCommerce takes no sale price of {value} with the regular price {row.get('regular_price')}"
    return f"WooCommerce shows the price {row.get(field) or '(none)'} after it was set to {value}"


def _number(value: Any) -> Decimal | None:
    """Return an amount that the shop shows, None if it is not one."""
    try:
        return money(value)
    except (ArithmeticError, TypeError, ValueError):
        return None


# -- sending -------------------------------------------------------------------------------------------


def _run(
    shop: WooClient,
    updates: Sequence[FieldUpdate],
    always: Mapping[str, Any],
    changed: Callable[[list[ProductUpdate]], list[ProductUpdate]],
) -> list[Outcome]:
    """Send the updates that `changed` leaves, with the values `always` for each product; return the outcomes in order.

    Of several updates of the same field of a product the last one counts, and its outcome is that of all.
    """
    products: dict[Target, ProductUpdate] = {}
    for update in updates:
        for target in () if isinstance(update.targets, ChannelError) else update.targets:
            product = products.pop(target, None) or ProductUpdate(target, dict(always), {})
            products[target] = product
            product.values[update.field] = update.value
            product.checks[update.field] = update.check
    results = _send_all(shop, changed(list(products.values())))
    return [
        update.targets
        if isinstance(update.targets, ChannelError)
        else next(filter(None, (results.get(target, {}).get(update.field) for target in update.targets)), None)
        for update in updates
    ]


def _send_all(shop: WooClient, products: Sequence[ProductUpdate]) -> dict[Target, Mapping[str, Outcome]]:
    """Send all updates, several calls at once, and return their outcomes by field."""
    queue = _Queue(products)
    pace = _pace(shop)
    results: dict[Target, Mapping[str, Outcome]] = {}

    def work() -> None:
        while (size := pace.fitting(shop.deadline.left())) and (batch := queue.take(size)):
            path, chunk = batch
            try:
                outcomes = pace.timed(partial(_send, shop, path, chunk), len(chunk), shop.deadline)()
                results.update(zip((product.target for product in chunk), outcomes, strict=True))
            except ChannelError as error:
                results.update((product.target, dict.fromkeys(product.checks, error)) for product in chunk)

    workers = min(MOST_CALLS, len(products))
    for result in shop.run_parallel([work] * workers):
        if isinstance(result, ChannelError):
            log.debug("%s", result)  # the others have done its share, or there is no time
    no_time = ChannelUnavailable(NO_TIME)
    return {product.target: dict.fromkeys(product.checks, no_time) for product in products} | results


def _pace(shop: WooClient) -> Pace:
    return Pace(shop.cache, SIZE_CACHE, limit=BATCH_SIZE)


class _Queue:
    """Updates that wait to be sent, taken as batches by several threads."""

    def __init__(self, updates: Sequence[ProductUpdate]) -> None:
        self._lock = threading.Lock()
        self._waiting: dict[str, deque[ProductUpdate]] = {}
        for update in updates:
            product = update.target.product
            path = f"products/{product}/variations/batch" if update.target.variation else "products/batch"
            self._waiting.setdefault(path, deque()).append(update)

    def take(self, size: int) -> tuple[str, list[ProductUpdate]] | None:
        """Return the path and content of the next call, of so many updates at most; None if nothing waits."""
        with self._lock:
            if not self._waiting:
                return None
            path, waiting = next(iter(self._waiting.items()))
            chunk = [waiting.popleft() for _ in range(min(size, len(waiting)))]
            if not waiting:
                del self._waiting[path]
            return path, chunk


def _send(shop: WooClient, path: str, updates: Sequence[ProductUpdate]) -> list[dict[str, Outcome]]:
    """Send one batch and return the outcomes of each entry by field."""
    entries = [{"id": update.target.id, **update.values, "_fields": RETURNED_FIELDS} for update in updates]
    answer = shop.post(path, {"update": entries})
    rows = {row_id(row): row for row in listed(answer.object().get("update")) if isinstance(row, dict)}
    outcomes: list[dict[str, Outcome]] = []
    for update in updates:
        row = rows.get(update.target.id)
        if row is None:
            outcomes.append(dict.fromkeys(update.checks, answer.unusable(NO_RESULTS)))
            continue
        problem = _entry_problem(update.target, row) or type_problem(as_text(row.get("type")))
        problems = {field: problem or check(row) for field, check in update.checks.items()}
        outcomes.append({field: ChannelRefused(text) if text else None for field, text in problems.items()})
    return outcomes


def _entry_problem(target: Target, row: Row) -> str:
    """Return why the shop refused an entry; "" if it took it."""
    error = row.get("error")
    if isinstance(error, dict) and error.get("code") in UNKNOWN_ID:
        return str(not_found(target))
    return f"WooCommerce: {error_message(error)}" if error else ""
