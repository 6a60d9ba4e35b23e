"""A plugin may break an entry of any list: it is passed over, and the others count."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

import pytest

from bridge.channels.http import ShopResponse
from bridge.channels.woocommerce import catalogue, configurator, lookups, updates
from bridge.channels.woocommerce.api import WooClient, rows_of
from bridge.channels.woocommerce.order_items import line_sku
from bridge.channels.woocommerce.preferences import preferences
from bridge.clock import Deadline
from bridge.errors import ChannelUnavailable, OutcomeUnknown
from bridge.protocol.schemas.products import Price, StockLevel
from bridge.settings import Settings

PREFERENCES = preferences({})
ODD = (None, {}, [], "text", 5, {"id": None}, {"id": {}, "slug": [], "code": None, "sku": 7, "type": None})


def mug(**fields: Any) -> dict[str, Any]:
    row = {"id": 5, "name": "Mug", "sku": "MUG", "type": "simple", "status": "publish", "regular_price": "7.99"}
    return {**row, "price": "7.99", "manage_stock": True, "stock_quantity": 3, "variations": [], **fields}


class ListsShop(WooClient):
    """A shop with these answers by path; batches answer with `results`."""

    def __init__(self, answers: dict[str, Any], results: Any = ()) -> None:
        super().__init__("https://lists.example", "k", "s", Deadline(60), Settings())
        self.answers, self.results = answers, results
        self.cache.clear()
        self.cache["woocommerce variations"] = "yes"

    def get(self, path: str, params: Any = None, *, accept: Any = ()) -> ShopResponse:
        rows = self.answers[path]
        if params and params.get("offset"):
            rows = rows[params["offset"] :] if isinstance(rows, list) else []
        return ShopResponse(200, {}, rows, ChannelUnavailable)

    def post(self, path: str, body: Any, **_: Any) -> ShopResponse:
        return ShopResponse(200, {}, {"update": self.results}, OutcomeUnknown)


LISTS = {
    "reports/orders/totals": [{"slug": "processing", "name": "Processing"}, {"slug": 7, "name": None}],
    "data/countries": [{"code": "GB", "name": "United Kingdom"}],
    "shipping/zones": [{"id": 0, "name": "All"}],
    "shipping/zones/0/methods": [{"method_id": "flat_rate", "instance_id": 4, "title": "Post"}],
    "shipping_methods": [{"id": "flat_rate", "title": "Flat rate"}],
    "payment_gateways": [{"id": "bacs", "title": "", "method_title": "Bank"}],
    "products/categories": [{"id": 3, "name": "Cups", "parent": 0}],
    "products/attributes": [{"id": 1, "name": "Colour", "slug": "pa_colour"}],
    "products/attributes/1/terms": [{"id": 9, "name": "Red"}],
    "products/shipping_classes": [{"id": 8, "slug": "small"}],
    "settings/general": [{"id": lookups.DECIMALS, "value": "2"}],
    "products": [mug()],
}


def seen(shop: WooClient) -> list[Any]:
    """Return what is made of all lists."""
    return [
        lookups.statuses(shop),
        lookups.countries(shop),
        lookups.money_settings(shop),
        lookups.shipping_tags(shop),
        lookups.payment_tags(shop),
        configurator.categories(shop),
        configurator.attributes(shop, ["3"]),
        catalogue.page(shop, None, PREFERENCES).items,
    ]


def test_broken_entries_of_lists_are_passed_over():
    """
    Before and behind the good ones, also in a list that comes as an object because entries are missing.
    """
    plain = seen(ListsShop(LISTS))
    rows = {path: [*ODD, *rows, *ODD] for path, rows in LISTS.items()}

    assert {"processing": "Processing", "7": "7"} == plain[0]
    assert ["MUG"] == [product.sku for product in plain[-1]]
    assert plain == seen(ListsShop(rows))
    gaps = {path: {str(place + 1): row for place, row in enumerate(found)} for path, found in LISTS.items()}
    assert plain == seen(ListsShop(gaps))


@pytest.mark.parametrize("answer", [None, {}, "text", {"code": "x"}])
def test_what_is_no_list_is_an_error(answer):
    """
    It must not be taken for an empty one.
    """
    with pytest.raises(ChannelUnavailable):
        rows_of(ShopResponse(200, {}, answer, ChannelUnavailable))


@pytest.mark.parametrize("fields", [{"variations": None}, {"type": None}, {"attributes": None}, {"variations": {}}])
def test_a_product_with_broken_parts_comes_all_the_same(fields):
    """
    Its SKU, stock and price are whole.
    """
    found = catalogue.page(ListsShop({**LISTS, "products": [mug(**fields)]}), None, PREFERENCES).items

    assert [("MUG", 3, Decimal("7.99"))] == [(product.sku, product.quantity, product.price) for product in found]


def test_digits_that_come_as_numbers_are_texts():
    """
    Plugins that check for numbers send SKUs so.
    """
    found = catalogue.page(ListsShop({**LISTS, "products": [mug(sku=4012345)]}), None, PREFERENCES).items

    assert ["4012345"] == [product.sku for product in found]
    assert "4012345" == line_sku({"id": 1, "sku": 4012345, "product_id": 5, "variation_id": 0})


@pytest.mark.parametrize("broken", [None, {}, "text", {"id": 99}, {"id": 6, "stock_quantity": {}}, {"id": 6}])
def test_a_broken_result_of_a_batch_costs_its_own_level_alone(broken):
    """
    The others of the call were set.
    """
    shop = ListsShop({**LISTS, "products": []}, [broken, mug(stock_quantity=8)])
    levels = [StockLevel(sku="CUP", reference="wc-6", quantity=8), StockLevel(sku="MUG", reference="wc-5", quantity=8)]
    cup, own = updates.set_stock(shop, levels, PREFERENCES)

    assert cup is not None
    assert own is None


def test_a_price_that_cannot_be_read_back_costs_its_own_row_alone():
    """
    The error says what the shop shows.
    """
    shop = ListsShop(LISTS, {"1": mug(id=6, regular_price="a lot"), "2": mug(regular_price="8.00")})
    prices = [
        Price(sku="CUP", reference="wc-6", price=Decimal(8), tag=""),
        Price(sku="MUG", reference="wc-5", price=Decimal(8), tag=""),
    ]
    cup, own = updates.set_prices(shop, prices, PREFERENCES)

    assert "a lot" in str(cup)
    assert own is None
