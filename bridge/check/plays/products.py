"""The catalogue, page by page."""

from __future__ import annotations

from typing import Any

from bridge.check.answer import Answer
from bridge.check.judge import repeated, summary
from bridge.check.play import Play
from bridge.check.records import Product
from bridge.check.registry import Area, Failed, Severity

area = Area("Products", "ep:products", needs=("CFG-08",))
WALKED = ("PRD-01",)


@area.check("PRD-01")
def all_pages(play: Play) -> None:
    """Products gives page after page until HasMorePages is false.

    Linnworks asks for page after page; products that it never gets to cannot be mapped.
    """
    play.product_pages = play.pages("Products", "Products")
    play.products = [Product.read(row) for page in play.product_pages for row in page.rows("Products")]


@area.check("PRD-02", needs=WALKED)
def every_sku_once(play: Play) -> None:
    """A SKU comes once over all pages.

    Of two products with one SKU only one can be mapped, and it gets the stock meant for the other.
    """
    twice = repeated(product.sku for product in play.products)
    if twice:
        page = next(
            page for page in play.product_pages if any(row.get("SKU") in twice for row in page.rows("Products"))
        )
        raise Failed(summary(f"the SKU {sku!r} comes more than once" for sku in twice), page.exchange)


@area.check("PRD-03", needs=WALKED)
def past_the_end(play: Play) -> None:
    """The page after the last has no Error and says HasMorePages false.

    Linnworks takes the Error for a failed download and begins again.
    """
    page = play.call("Products", PageNumber=len(play.product_pages) + 1).accepted()
    if page.rows("Products") or page.body.get("HasMorePages") is not False:
        raise Failed("the page after the last is not the end", page.exchange)


@area.check("PRD-04", Severity.SHOULD, needs=WALKED)
def a_page_asked_twice(play: Play) -> None:
    """A page asked twice shows the same products.

    What moves between pages while they are read is shown twice or never.
    """
    for number, before in list(enumerate(play.product_pages, 1))[:2]:
        again = play.call("Products", PageNumber=number).accepted()
        if _skus(again) != _skus(before):
            raise Failed(f"page {number} shows other products, or another order, the second time", again.exchange)


@area.check("PRD-05", Severity.ADVICE, "C# sample")
def page_nought(play: Play) -> None:
    """Page 0 is refused.

    Pages count from 1: an answer hides that the first page was never asked for.
    """
    play.call("Products", PageNumber=0).refused("to page 0")


@area.check("PRD-06", Severity.SHOULD, needs=WALKED)
def no_placeholder(play: Play) -> None:
    """The Quantity of a product asked twice is the same: a level, not a placeholder.

    Linnworks compares it with what it last sent and sends the stock again on every difference, without end.
    """
    again = Product.by_sku(play.call("Products", PageNumber=1).accepted().rows("Products"))
    for product in map(Product.read, play.product_pages[0].rows("Products")):
        if product.sku in again and again[product.sku].quantity != product.quantity:
            raise Failed(
                f"{product.sku} has the quantity {product.quantity}, then {again[product.sku].quantity}, unasked"
            )


def _skus(page: Answer) -> list[Any]:
    return [row.get("SKU") for row in page.rows("Products")]
