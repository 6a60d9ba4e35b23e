"""Rules about stock levels and prices: what is accepted, and what Products shows afterwards."""

from __future__ import annotations

import json
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


@area.rule("STK-01", RuleSeverity.SHOULD)
def stock_accepted(context: CheckContext) -> None:
    """InventoryUpdate accepts the levels of known SKUs.

    Linnworks shows an error for each of them and sends the level again and again.
    """
    products = _three_of(context.products)
    context.original_rows["InventoryUpdate"] = [p.update_row("Quantity", p.stock_level) for p in products]
    context.on_teardown(lambda: _send_original_rows(context))
    _require_accepted(
        context, "InventoryUpdate", [p.update_row("Quantity", p.stock_level + ADDED_QUANTITY) for p in products]
    )


@area.rule("STK-02", RuleSeverity.SHOULD, needs=("STK-01",))
def stock_require_shown(context: CheckContext) -> None:
    """Products shows the new quantities.

    Linnworks compares the quantity with what it last sent and sends the stock again on every difference.
    """
    _require_shown(
        context, {product.sku: product.stock_level + ADDED_QUANTITY for product in _three_of(context.products)}, {}
    )


@area.rule("STK-03", RuleSeverity.SHOULD, needs=("STK-01",), after=("STK-02",))
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
    known = [p.update_row("Quantity", p.quantity) for p in context.products_by_sku().values() if p.quantity >= 0][:size]
    unknown = [_unknown_row(context, "Quantity", 1) for _ in range(size - len(known))]
    context.update("InventoryUpdate", known + unknown)


@area.rule("STK-05", RuleSeverity.SHOULD, PRICES)
def prices_accepted(context: CheckContext) -> None:
    """PriceUpdate accepts the prices of known SKUs.

    Linnworks shows an error for each of them and sends the price again and again.
    """
    priced = _priced(context)
    context.original_rows["PriceUpdate"] = [p.update_row("Price", price) for p, price in priced.items()]
    context.on_teardown(lambda: _send_original_rows(context))
    _require_accepted(context, "PriceUpdate", [p.update_row("Price", _raised(price)) for p, price in priced.items()])


@area.rule("STK-06", RuleSeverity.SHOULD, PRICES, needs=("STK-05",))
def prices_require_shown(context: CheckContext) -> None:
    """Products shows the new prices.

    The customer changes a price in Linnworks, and the shop sells at the old one.
    """
    _require_shown(context, {}, {product.sku: _raised(price) for product, price in _priced(context).items()})


@area.rule("STK-07", RuleSeverity.SHOULD, PRICES, needs=("STK-05",), after=("STK-06",))
def prices_restored(context: CheckContext) -> None:
    """Products shows the old prices again after they are sent again.

    A delayed older price stays in the shop permanently.
    """
    _require_accepted(context, "PriceUpdate", context.original_rows.pop("PriceUpdate"))
    _require_shown(context, {}, {product.sku: price for product, price in _priced(context).items()})


@area.rule("STK-08", RuleSeverity.SHOULD)
def unknown_sku_stock(context: CheckContext) -> None:
    """In a stock update an unknown SKU gets its own Error, and the known one beside it none.

    The customer does not see that the product no longer exists in the shop.
    """
    product = _three_of(context.products)[0]
    _require_one_rejected(context, "InventoryUpdate", product.update_row("Quantity", product.stock_level), "Quantity")


@area.rule("STK-09", RuleSeverity.SHOULD, PRICES)
def unknown_sku_price(context: CheckContext) -> None:
    """In a price update an unknown SKU gets its own Error, and the known one beside it none.

    The customer does not see that the product no longer exists in the shop.
    """
    product, price = next(iter(_priced(context).items()))
    _require_one_rejected(context, "PriceUpdate", product.update_row("Price", price), "Price")


@area.rule("STK-10", RuleSeverity.SHOULD)
def empty_update(context: CheckContext) -> None:
    """An update without products is not an Error.

    An Error is shown although nothing can have failed.
    """
    for name in ("InventoryUpdate", "PriceUpdate"):
        if context.client.has_endpoint(name):
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


def _require_one_rejected(context: CheckContext, call: str, known: dict[str, Any], name: str) -> None:
    unknown = _unknown_row(context, name, 5)
    returned = context.update(call, [unknown, known])
    error = returned[known["SKU"]].get("Error")
    if error:
        raise RuleFailed(f'{known["SKU"]} was rejected: "{error}"')
    if not returned[unknown["SKU"]].get("Error"):
        raise RuleFailed(f"{unknown['SKU']}, which does not exist, got no Error")


def _require_shown(context: CheckContext, quantities: dict[str, int], prices: dict[str, float]) -> None:
    def find_problem() -> str:
        shown = context.products_by_sku()
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


def _send_original_rows(context: CheckContext) -> None:
    while context.original_rows:
        call, rows = context.original_rows.popitem()
        context.call(call, Products=rows)
