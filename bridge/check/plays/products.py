"""The catalogue, page by page."""

from __future__ import annotations

from typing import Any

from bridge.check.judge import repeated, summary
from bridge.check.linnworks import Answer
from bridge.check.play import Play
from bridge.check.records import Product
from bridge.check.registry import Area, Failed

area = Area("Products", needs=("CFG-08",))
WALKED = ("PRD-01",)


@area.check("PRD-01")
def all_pages(play: Play) -> None:
    """Products gives page after page until HasMorePages is false."""
    play.product_pages = play.pages("Products", "Products")
    play.products = [Product.read(row) for page in play.product_pages for row in page.rows("Products")]


@area.check("PRD-02", needs=WALKED)
def every_sku_once(play: Play) -> None:
    """A SKU comes once over all pages."""
    twice = repeated(product.sku for product in play.products)
    if twice:
        raise Failed(summary(f"the SKU {sku!r} comes more than once" for sku in twice))


@area.check("PRD-03", needs=WALKED)
def past_the_end(play: Play) -> None:
    """The page after the last is empty, without an Error."""
    page = play.call("Products", PageNumber=len(play.product_pages) + 1).accepted()
    if page.rows("Products") or page.body.get("HasMorePages") is not False:
        raise Failed("the page after the last is not the end")


@area.check("PRD-04", needs=WALKED)
def a_page_asked_twice(play: Play) -> None:
    """A page asked twice shows the same products."""
    for number, before in list(enumerate(play.product_pages, 1))[:2]:
        again = play.call("Products", PageNumber=number).accepted()
        if _skus(again) != _skus(before):
            raise Failed(f"page {number} shows other products, or another order, the second time")


@area.check("PRD-05", needs=WALKED)
def page_nought(play: Play) -> None:
    """Page 0 is refused."""
    play.call("Products", PageNumber=0).refused("to page 0")


def _skus(page: Answer) -> list[Any]:
    return [row.get("SKU") for row in page.rows("Products")]
