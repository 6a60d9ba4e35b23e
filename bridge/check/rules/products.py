"""Rules about Products, page by page."""

from __future__ import annotations

from typing import Any

from bridge.check.context import CheckContext
from bridge.check.records import ProductRecord
from bridge.check.response import EndpointResponse, string
from bridge.check.rule import RuleArea, RuleFailed, RuleSeverity, RuleSkipped
from bridge.check.wording import duplicates, summarize

area = RuleArea("Products", "ep:products", needs=("CFG-08",))
DOWNLOADED = ("PRD-01",)
FEW_PRODUCTS = 3
"""Up to so many products can be the variations of one, and share its Reference."""


@area.rule("PRD-01")
def all_pages(context: CheckContext) -> None:
    """Products returns page after page, without an Error.

    Linnworks requests page after page; products on pages it never reaches cannot be mapped.
    """
    context.product_pages = context.pages("Products", "Products")
    context.products = [ProductRecord.from_row(row) for page in context.product_pages for row in page.rows("Products")]


@area.rule("PRD-10", needs=DOWNLOADED)
def pages_end(context: CheckContext) -> None:
    """The last page of Products has HasMorePages false.

    Linnworks requests page after page without an end: no product can be mapped.
    """
    context.require_end("Products")


@area.rule("PRD-02", needs=DOWNLOADED)
def unique_skus(context: CheckContext) -> None:
    """A SKU occurs once over all pages.

    Of two products with one SKU only one can be mapped, and it gets the stock meant for the other.
    """
    _require_products(context)
    repeated = duplicates(product.sku for product in context.products)
    if repeated and context.duplicates_shown_twice("Products", "Products"):
        page = next(
            page for page in context.product_pages if any(row.get("SKU") in repeated for row in page.rows("Products"))
        )
        raise RuleFailed(summarize(f"the SKU {sku!r} occurs more than once" for sku in repeated), page.exchange)


@area.rule("PRD-03", needs=DOWNLOADED)
def page_after_last(context: CheckContext) -> None:
    """The page after the last has no Error, and HasMorePages false.

    Linnworks treats the Error as a failed download and starts again.
    """
    if "Products" in context.endless_pages:
        raise RuleSkipped("the pages do not end")
    page = context.call("Products", PageNumber=len(context.product_pages) + 1).require_success()
    if page.body.get("HasMorePages") is True:
        raise RuleFailed("the page after the last has HasMorePages true", page.exchange)


@area.rule("PRD-09", follows=True, needs=DOWNLOADED)
def nothing_after_last(context: CheckContext) -> None:
    """The page after the last has no product that no other page has.

    Linnworks stops at the first page that has HasMorePages false: the products after it get no stock and no price.
    """
    _require_products(context)
    page = context.call("Products", PageNumber=len(context.product_pages) + 1)
    more = set(_skus(page)) - {product.sku for product in context.products}
    if more:
        message = f"the page after HasMorePages false has {len(more)} products that no other page has"
        raise RuleFailed(message, page.exchange)


@area.rule("PRD-04", RuleSeverity.SHOULD, needs=DOWNLOADED)
def page_repeated(context: CheckContext) -> None:
    """Pages requested twice have the same products in the same order.

    Products that move between pages during a download are shown twice or never. A page may be longer the second time.
    """
    _require_products(context)
    before = [sku for page in context.product_pages[:2] for sku in _skus(page)]
    again: list[str] = []
    for number in range(1, len(context.product_pages[:2]) + 1):
        page = context.call("Products", PageNumber=number).require_success()
        again += _skus(page)
        common = min(len(before), len(again))
        if before[:common] != again[:common] or not common:
            raise RuleFailed(f"page {number} has other products, or in another order, the second time", page.exchange)


@area.rule("PRD-05", RuleSeverity.ADVICE, "C# sample")
def page_zero(context: CheckContext) -> None:
    """Page 0 is rejected.

    Pages count from 1: without an Error a client does not notice that it skipped the first page.
    """
    context.call("Products", PageNumber=0).require_error("for page 0")


@area.rule("PRD-06", RuleSeverity.SHOULD, needs=DOWNLOADED)
def real_quantity(context: CheckContext) -> None:
    """The Quantity of a product requested twice is the same: a stock level, not a placeholder.

    Linnworks compares it with what it last sent and sends the stock again on every difference, endlessly.
    """
    _require_products(context)
    again = ProductRecord.by_sku(context.call("Products", PageNumber=1).require_success().rows("Products"))
    different = [
        product
        for product in map(ProductRecord.from_row, context.product_pages[0].rows("Products"))
        if product.sku in again and again[product.sku].quantity != product.quantity
    ]
    context.selling_skus = {product.sku for product in different}
    for product in different:
        quantities = f"{product.quantity}, then {again[product.sku].quantity}"
        raise RuleFailed(f"{product.sku} has the quantity {quantities} without an update")


@area.rule("PRD-07", RuleSeverity.SHOULD, follows=True, needs=DOWNLOADED)
def no_negative_values(context: CheckContext) -> None:
    """No product has a negative price or quantity.

    Linnworks never sends a negative level: it finds a difference on every comparison, and sends the stock again.
    """
    _require_products(context)
    wrong = [product for product in context.products if product.quantity < 0 or (product.price or 0) < 0]
    if wrong:
        shown = (
            f"{product.sku} has the quantity {product.quantity} and the price {product.price}" for product in wrong
        )
        page = next(page for page in context.product_pages if wrong[0].sku in _skus(page))
        raise RuleFailed(summarize(shown), page.exchange)


@area.rule("PRD-08", RuleSeverity.SHOULD, needs=DOWNLOADED)
def own_references(context: CheckContext) -> None:
    """Products have References of their own: not one for all.

    The Reference comes back with every update: an application that finds the product by it updates the wrong one.
    """
    _require_products(context)
    references = {product.reference for product in context.products}
    if len(references) == 1 and len(context.products) > FEW_PRODUCTS:
        message = f"all {len(context.products)} products have the Reference {references.pop()!r}"
        raise RuleFailed(message, context.product_pages[0].exchange)


def _require_products(context: CheckContext) -> None:
    if not context.products:
        raise RuleSkipped("the shop has no products")


def _skus(page: EndpointResponse) -> list[Any]:
    return [string(row.get("SKU")) for row in page.rows("Products")]
