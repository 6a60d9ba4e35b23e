"""Rules about stock levels and prices: what is accepted, and what Products shows afterwards."""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from typing import Any

from bridge.check.context import CheckContext
from bridge.check.records import ProductRecord
from bridge.check.rule import RuleArea, RuleFailed, RuleSeverity, RuleSkipped
from bridge.check.wording import summarize

area = RuleArea("Stock and prices", "ep:inventory-update", needs=("PRD-01",), changes_shop=True)
PRICES = "ep:price-update"
DEFAULT_BATCH_SIZE = 1000
ADDED_QUANTITY = 7
ADDED_PRICE = 1.11
PRICE_TOLERANCE = 0.005
HIGH_LEVEL = 500
OTHER_TAG = "RETAILPRICE"
"""The tag that the page gives as an example: the list price."""


@area.rule("STK-01", follows=True)
def stock_accepted(context: CheckContext) -> None:
    """InventoryUpdate accepts the levels of known SKUs.

    Linnworks shows an error for each of them and sends the level again and again.
    """
    products = _three_of(context.products)
    context.shown_before["InventoryUpdate"] = context.products_by_sku()
    context.original_rows["InventoryUpdate"] = [p.update_row("Quantity", p.stock_level) for p in products]
    context.on_teardown(lambda: _send_original_rows(context))
    _require_accepted(
        context, "InventoryUpdate", [p.update_row("Quantity", p.stock_level + ADDED_QUANTITY) for p in products]
    )


@area.rule("STK-02", follows=True, needs=("STK-01",))
def stock_shown(context: CheckContext) -> None:
    """Products shows the new quantities.

    The shop sells what is out of stock, or does not sell what is there.
    """
    context.shown_after["InventoryUpdate"] = _require_shown(
        context, {product.sku: product.stock_level + ADDED_QUANTITY for product in _three_of(context.products)}, {}
    )


@area.rule("STK-03", follows=True, needs=("STK-01",), after=("STK-02",))
def stock_restored(context: CheckContext) -> None:
    """Products shows the old quantities again after they are sent again.

    A delayed older level makes the shop sell products that are out of stock.
    """
    _require_accepted(context, "InventoryUpdate", context.original_rows.pop("InventoryUpdate"))
    _require_shown(context, {product.sku: product.stock_level for product in _three_of(context.products)}, {})


@area.rule("STK-04", after=("STK-03",))
def full_stock_batch(context: CheckContext) -> None:
    """A batch of InventoryUpdateBatchSize rows gets its response in time.

    After ten seconds Linnworks drops the connection and sends the whole batch again, in vain.
    """
    size = context.client.manifest.batch_size("InventoryUpdate", DEFAULT_BATCH_SIZE)
    alone = context.call("InventoryUpdate", Products=[_unknown_row(context, "Quantity", 1)])
    if alone.error:
        raise RuleSkipped("an unknown SKU alone gets an Error for the whole request, which STK-08 judges")
    known = [p.update_row("Quantity", p.quantity) for p in context.products_by_sku().values() if p.quantity >= 0][:size]
    unknown = [_unknown_row(context, "Quantity", 1) for _ in range(size - len(known))]
    context.update("InventoryUpdate", known + unknown)


@area.rule("STK-05", source=PRICES, follows=True)
def prices_accepted(context: CheckContext) -> None:
    """PriceUpdate accepts the prices of known SKUs.

    Linnworks shows an error for each of them and sends the price again and again.
    """
    priced = _priced(context)
    context.shown_before["PriceUpdate"] = context.products_by_sku()
    context.original_rows["PriceUpdate"] = [p.update_row("Price", price) for p, price in priced.items()]
    context.on_teardown(lambda: _send_original_rows(context))
    _require_accepted(context, "PriceUpdate", [p.update_row("Price", _raised(price)) for p, price in priced.items()])


@area.rule("STK-06", source=PRICES, follows=True, needs=("STK-05",))
def prices_shown(context: CheckContext) -> None:
    """Products shows the new prices.

    The customer changes a price in Linnworks, and the shop sells at the old one.
    """
    context.shown_after["PriceUpdate"] = _require_shown(
        context, {}, {product.sku: _raised(price) for product, price in _priced(context).items()}
    )


@area.rule("STK-07", source=PRICES, follows=True, needs=("STK-05",), after=("STK-06",))
def prices_restored(context: CheckContext) -> None:
    """Products shows the old prices again after they are sent again.

    A delayed older price stays in the shop permanently.
    """
    _require_accepted(context, "PriceUpdate", context.original_rows.pop("PriceUpdate"))
    _require_shown(context, {}, {product.sku: price for product, price in _priced(context).items()})


@area.rule("STK-08", RuleSeverity.SHOULD)
def unknown_sku_stock(context: CheckContext) -> None:
    """In a stock update an unknown SKU gets its own Error.

    The customer does not see that the product no longer exists in the shop.
    """
    product = _three_of(context.products)[0]
    _require_rejected(context, "InventoryUpdate", product.update_row("Quantity", product.stock_level), "Quantity")


@area.rule("STK-09", RuleSeverity.SHOULD, PRICES)
def unknown_sku_price(context: CheckContext) -> None:
    """In a price update an unknown SKU gets its own Error.

    The customer does not see that the product no longer exists in the shop.
    """
    product, price = next(iter(_priced(context).items()))
    _require_rejected(context, "PriceUpdate", product.update_row("Price", price), "Price")


@area.rule("STK-10", RuleSeverity.SHOULD)
def empty_update(context: CheckContext) -> None:
    """An update without products is not an Error.

    An Error is shown although nothing can have failed.
    """
    for name in ("InventoryUpdate", "PriceUpdate"):
        if context.client.has_handler(name):
            content = json.dumps({"AuthorizationToken": context.first.token, "Products": []}).encode()
            context.client.send(name, content, unusual=True).require_success()


@area.rule("STK-11", RuleSeverity.ADVICE, "ep:inventory-update, endpoints-general")
def quantity_as_text(context: CheckContext) -> None:
    """A stock level sent as text is understood.

    The pages and their samples disagree on whether some numbers are text.
    """
    product = _three_of(context.products)[0]
    _require_accepted(context, "InventoryUpdate", [product.update_row("Quantity", str(product.stock_level))])


@area.rule("STK-12", RuleSeverity.ADVICE, PRICES)
def two_price_tags(context: CheckContext) -> None:
    """A SKU sent with two price tags gets two rows in the response.

    Linnworks cannot tell which of the two prices failed.
    """
    product, price = next(iter(_priced(context).items()))
    rows = [product.update_row("Price", price), {**product.update_row("Price", price), "Tag": "RETAILPRICE"}]
    response = context.call("PriceUpdate", Products=rows).require_success()
    returned = sum(row.get("SKU") == product.sku for row in response.rows("Products"))
    if returned not in (0, len(rows)):
        raise RuleFailed(f"{len(rows)} rows of {product.sku} were sent and {returned} returned", response.exchange)


@area.rule("STK-13", RuleSeverity.ADVICE)
def row_order(context: CheckContext) -> None:
    """The response has one row for each row of the update, in the same order.

    Anyone who compares request and response, in a log or a test, is misled.
    """
    known = [product.update_row("Quantity", product.stock_level) for product in _three_of(context.products)]
    rows = [known[0], _unknown_row(context, "Quantity", 5), *known[1:]]
    response = context.call("InventoryUpdate", Products=rows).require_success()
    returned = [row.get("SKU") for row in response.rows("Products")]
    if returned != [row["SKU"] for row in rows]:
        message = f"the {len(returned)} rows of the response do not match the {len(rows)} rows that were sent"
        raise RuleFailed(message, response.exchange)


@area.rule("STK-14", follows=True, needs=("STK-02",), after=("STK-03",))
def known_sku_updated(context: CheckContext) -> None:
    """In a stock update the known SKU beside an unknown one is updated.

    One product that was deleted in the shop keeps all others from getting their stock.
    """
    product = _three_of(context.products)[0]
    level = product.stock_level + ADDED_QUANTITY
    rows = [_unknown_row(context, "Quantity", 5), product.update_row("Quantity", level)]
    with _restored(context, "InventoryUpdate", [product.update_row("Quantity", product.stock_level)]):
        _require_known_accepted(context, "InventoryUpdate", rows)
        _require_shown(context, {product.sku: level}, {})


@area.rule("STK-15", source=PRICES, follows=True, needs=("STK-06",), after=("STK-07",))
def known_price_updated(context: CheckContext) -> None:
    """In a price update the known SKU beside an unknown one is updated.

    One product that was deleted in the shop keeps all others from getting their prices.
    """
    product, price = next(iter(_priced(context).items()))
    rows = [_unknown_row(context, "Price", 5), product.update_row("Price", _raised(price))]
    with _restored(context, "PriceUpdate", [product.update_row("Price", price)]):
        _require_known_accepted(context, "PriceUpdate", rows)
        _require_shown(context, {}, {product.sku: _raised(price)})


@area.rule("STK-16", follows=True, needs=("STK-02",), after=("STK-03",))
def out_of_stock(context: CheckContext) -> None:
    """A level of 0 is shown as 0.

    The shop sells products that are out of stock.
    """
    product = _three_of(context.products)[-1]
    with _restored(context, "InventoryUpdate", [product.update_row("Quantity", product.stock_level)]):
        if product.stock_level == 0:
            _require_accepted(context, "InventoryUpdate", [product.update_row("Quantity", ADDED_QUANTITY)])
            _require_shown(context, {product.sku: ADDED_QUANTITY}, {})
        _require_accepted(context, "InventoryUpdate", [product.update_row("Quantity", 0)])
        _require_shown(context, {product.sku: 0}, {})


@area.rule("STK-17", source=PRICES, follows=True, needs=("STK-06",), after=("STK-07",))
def other_price_tag(context: CheckContext) -> None:
    """A price with a Tag, such as RETAILPRICE, leaves the normal price as it is.

    The shop sells at the list price, or at another customer group's.
    """
    product, price = next(iter(_priced(context).items()))
    tagged = {**product.update_row("Price", _raised(price)), "Tag": OTHER_TAG}
    originals = [{**tagged, "Price": price}, product.update_row("Price", price)]
    with _restored(context, "PriceUpdate", originals):
        context.update("PriceUpdate", [tagged])
        context.settle()
        shown = context.products_by_sku().get(product.sku)
        if shown and abs((shown.price or 0.0) - _raised(price)) <= PRICE_TOLERANCE:
            message = f"the price {_raised(price)} with the Tag {OTHER_TAG} became the normal price of {product.sku}"
            raise RuleFailed(message)


@area.rule("STK-18", source="ep:inventory-update, ep:price-update", follows=True, after=("STK-02", "STK-06", "PRD-06"))
def nothing_else_changed(context: CheckContext) -> None:
    """An update changes the SKUs it names, and of these only the level, or only the price.

    Another product is sold without being there, or at the wrong price.
    """
    if not context.shown_after:
        raise RuleSkipped("no update was seen in Products")
    at_first, selling = {product.sku: product for product in context.products}, context.selling_skus
    before = context.shown_before["InventoryUpdate"]
    problems = list(_differences("an update of unknown SKUs", at_first, before, set(), set(), selling))
    for call, after in context.shown_after.items():
        products = _three_of(context.products) if call == "InventoryUpdate" else list(_priced(context))
        named = {product.sku for product in products}
        label = f"{call} of {', '.join(sorted(named))}"
        levels, prices = (named, set()) if call == "InventoryUpdate" else (set(), named)
        problems += _differences(label, context.shown_before[call], after, levels, prices, selling)
    if problems:
        raise RuleFailed(summarize(problems))


@area.rule("STK-19", follows=True, needs=("STK-02",), after=("STK-03",))
def high_level(context: CheckContext) -> None:
    """A level of 500 is shown as 500, or gets an Error.

    A level that is cut off differs on every comparison, and the shop does not sell what is there.
    """
    product = _three_of(context.products)[0]
    with _restored(context, "InventoryUpdate", [product.update_row("Quantity", product.stock_level)]):
        row = context.update("InventoryUpdate", [product.update_row("Quantity", HIGH_LEVEL)])[product.sku]
        if row.get("Error"):
            raise RuleSkipped(f"a level of {HIGH_LEVEL} is refused")
        _require_shown(context, {product.sku: HIGH_LEVEL}, {})


@area.rule("STK-20", source="ep:inventory-update, ep:price-update", follows=True, needs=("STK-04", "STK-14"))
def last_row_applied(context: CheckContext) -> None:
    """The last row of a full batch is applied as the first is.

    What comes after the rows that were read is said to be done, and never gets its stock or price.
    """
    product = _three_of(context.products)[-1]
    level, price = product.stock_level + ADDED_QUANTITY, product.price
    with _restored(context, "InventoryUpdate", [product.update_row("Quantity", product.stock_level)]):
        _send_last(context, "InventoryUpdate", product.update_row("Quantity", level))
        _require_shown(context, {product.sku: level}, {})
    if price is None or not context.client.has_handler("PriceUpdate"):
        return
    with _restored(context, "PriceUpdate", [product.update_row("Price", price)]):
        _send_last(context, "PriceUpdate", product.update_row("Price", _raised(price)))
        _require_shown(context, {}, {product.sku: _raised(price)})


def _send_last(context: CheckContext, call: str, row: dict[str, Any]) -> None:
    """Send a full batch of unknown rows with this one at its end."""
    name = "Quantity" if call == "InventoryUpdate" else "Price"
    size = context.client.manifest.batch_size(call, DEFAULT_BATCH_SIZE)
    _require_known_accepted(context, call, [*(_unknown_row(context, name, 1) for _ in range(size - 1)), row])


def _differences(
    label: str,
    before: dict[str, ProductRecord],
    after: dict[str, ProductRecord],
    levels: set[str],
    prices: set[str],
    selling: set[str],
) -> Iterator[str]:
    """Yield what an update changed, except the levels and the prices of these SKUs.

    A SKU that had and has the level of one of them shares its stock, as variations do. The quantities of `selling`
    change by themselves.
    """
    shared = {(before[sku].stock_level, after[sku].stock_level) for sku in levels & before.keys() & after.keys()}
    for sku in sorted(before.keys() & after.keys()):
        change = (before[sku].stock_level, after[sku].stock_level)
        if change[0] != change[1] and sku not in (*levels, *selling) and change not in shared:
            yield f"{label} changed the quantity of {sku} as well"
        if before[sku].price != after[sku].price and sku not in prices:
            yield f"{label} changed the price of {sku} as well"


def _three_of(products: list[ProductRecord]) -> list[ProductRecord]:
    """Return the first, a middle and the last product, or raise RuleSkipped when there is none."""
    known = [product for product in products if product.sku]
    if not known:
        raise RuleSkipped("the shop has no products")
    return list({p.sku: p for p in (known[0], known[len(known) // 2], known[-1])}.values())


def _priced(context: CheckContext) -> dict[ProductRecord, float]:
    prices = {product: product.price for product in context.products if product.price is not None}
    if not prices:
        raise RuleSkipped("no product has a price")
    return {product: prices[product] for product in _three_of(list(prices))}


def _raised(price: float) -> float:
    return round(price + ADDED_PRICE, 2)


def _unknown_row(context: CheckContext, name: str, value: Any) -> dict[str, Any]:
    sku = f"no-such-sku-{context.random_word()}"
    return ProductRecord(sku=sku, reference=sku, title="", quantity=0, price=None).update_row(name, value)


def _require_accepted(context: CheckContext, call: str, rows: list[dict[str, Any]]) -> None:
    returned = context.update(call, rows)
    errors = [f'{sku} was rejected: "{row["Error"]}"' for sku, row in returned.items() if row.get("Error")]
    if errors:
        raise RuleFailed(summarize(errors))


def _require_known_accepted(context: CheckContext, call: str, rows: list[dict[str, Any]]) -> None:
    known = rows[-1]["SKU"]
    error = context.update(call, rows)[known].get("Error")
    if error:
        raise RuleFailed(f'{known} was rejected beside an unknown SKU: "{error}"')


def _require_rejected(context: CheckContext, call: str, known: dict[str, Any], name: str) -> None:
    unknown = _unknown_row(context, name, 5)
    returned = context.update(call, [unknown, known])
    if not returned[unknown["SKU"]].get("Error"):
        raise RuleFailed(f"{unknown['SKU']}, which does not exist, got no Error")


def _require_shown(
    context: CheckContext, quantities: dict[str, int], prices: dict[str, float]
) -> dict[str, ProductRecord]:
    """Wait until Products shows these values, and return all that it shows then."""
    shown: dict[str, ProductRecord] = {}

    def find_problem() -> str:
        shown.clear()
        shown.update(context.products_by_sku())
        missing = [f"{sku} is no longer there" for sku in (*quantities, *prices) if sku not in shown]
        if missing:
            return summarize(missing)
        wrong_quantities = [
            f"{sku} shows the quantity {shown[sku].quantity}, not {quantity}"
            for sku, quantity in quantities.items()
            if shown[sku].quantity != quantity
        ]
        wrong_prices = [
            f"{sku} shows the price {shown[sku].price}, not {price}"
            for sku, price in prices.items()
            if abs((shown[sku].price or 0.0) - price) > PRICE_TOLERANCE
        ]
        return summarize(wrong_quantities + wrong_prices)

    context.eventually(find_problem)
    return shown


@contextmanager
def _restored(context: CheckContext, call: str, rows: list[dict[str, Any]]) -> Iterator[None]:
    """Send these rows when the context is left, and wait until Products shows them."""
    try:
        yield
    finally:
        context.call(call, Products=rows)
        with suppress(RuleFailed):
            normal = {row["SKU"]: row for row in rows if not row.get("Tag")}
            quantities = {sku: row["Quantity"] for sku, row in normal.items() if "Quantity" in row}
            _require_shown(context, quantities, {sku: row["Price"] for sku, row in normal.items() if "Price" in row})


def _send_original_rows(context: CheckContext) -> None:
    while context.original_rows:
        call, rows = context.original_rows.popitem()
        context.call(call, Products=rows)
