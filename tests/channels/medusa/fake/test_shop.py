"""The scripted Medusa answers as the running one did; `recorded` has the answers of 2.21.2, with made-up buyers."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import pytest
import requests

from tests.channels.medusa.fake.sample import Sample
from tests.channels.medusa.fake.shop import MedusaShop

FOLDER = Path(__file__).parent / "recorded"
ORDERS, CATALOGUE, REFUSALS = (
    json.loads((FOLDER / f"{name}.json").read_text()) for name in ("orders", "catalogue", "refusals")
)
ID = re.compile(r"\b[a-z_]+_01[0-9A-Z]{20,30}\b")
LEFT_OUT = (
    *("variant", "region", "sales_channel", "customer", "shipping_address", "billing_address", "returns", "tax_lines"),
)
"""What the recordings have once only."""
RAW = {"value": "34.164", "precision": 20}

pytestmark = pytest.mark.service


@pytest.fixture(scope="module")
def sample() -> Iterator[Sample]:
    with MedusaShop() as shop:
        yield Sample(shop)


@pytest.fixture(scope="module")
def answers(sample) -> dict[str, Any]:
    return sample.answers()


@pytest.mark.parametrize("name", ORDERS)
def test_orders_have_the_keys_types_and_amounts_of_the_real_ones(answers, name):
    """Whatever was done with an order, the real one and the scripted one agree in every number."""
    left_out = () if name == "exclusive" else LEFT_OUT

    assert _numbers(ORDERS[name], left_out) == _numbers(answers[name], left_out)


@pytest.mark.parametrize("name", CATALOGUE)
def test_the_catalogue_has_the_keys_and_types_of_the_real_one(sample, name):
    """Variants with prices and stock, products, inventory items, price lists and categories."""
    fields = "*,*inventory_items,*inventory_items.inventory,*inventory_items.inventory.location_levels,*prices"
    fields += ",*prices.price_rules,*product,*product.images,*options,*images,options.option.id"
    shop = sample.shop
    picture = {"images": [{"url": "https://example.test/a.jpg"}], "thumbnail": "https://example.test/a.jpg"}
    about = {"description": "x", "metadata": {"k": "v"}, **picture}
    product = shop.add_product(f"CATALOGUE-{name}", **about)
    prices = shop.add_price_list(f"List {name}", {"M5A": "6.5"})
    shop.add_category(f"Garden {name}")
    answers = {
        "variant": lambda: sample.call("GET", "product-variants", sku="M5A", fields=fields)[1]["variants"][0],
        "inventory item": lambda: sample.call("GET", "inventory-items", sku="M5A")[1]["inventory_items"][0],
        "product": lambda: sample.call("GET", f"products/{product}")[1]["product"],
        "price list price": lambda: sample.call("GET", f"price-lists/{prices}/prices")[1]["prices"][0],
        "category": lambda: sample.call("GET", "product-categories")[1]["product_categories"][0],
    }

    assert _types(CATALOGUE[name]) == _types(answers[name]())


@pytest.mark.parametrize("name", REFUSALS)
def test_refusals_have_the_words_of_the_real_ones(sample, answers, name):
    """The same status, type and message, with other ids."""
    shop = sample.shop
    first, third = sample.first, sample.third
    line = shop.orders.find(first)["items"][0]["id"]
    item = shop.variant("M5A")["inventory_items"][0]
    product = shop.variant("M5A")["product_id"]
    level = {"inventory_item_id": item, "location_id": shop.location}
    shipment = f"orders/{first}/fulfillments/{sample.fulfilment}"
    nope = "prod_01M8D6XPK8KB5N2HY7P5YZQ55N"
    red = {"title": "Red", "sku": "M5A", "options": {"Default": "One"}, "prices": []}
    options = [{"title": "Default", "values": ["One"]}]
    calls: dict[str, tuple[str, Any]] = {
        "too many fulfilled": (f"orders/{first}/fulfillments", {"items": [{"id": line, "quantity": 9}]}),
        "unknown line fulfilled": (f"orders/{first}/fulfillments", {"items": [{"id": "nope", "quantity": 1}]}),
        "shipped twice": (f"{shipment}/shipments", {"labels": []}),
        "shipped fulfilment cancelled": (f"{shipment}/cancel", {}),
        "too much refunded": (f"payments/{shop.payments(first)[0]['id']}/refund", {"amount": 1000}),
        "shipped order cancelled": (f"orders/{first}/cancel", {}),
        "cancelled twice": (f"orders/{third}/cancel", {}),
        "cancelled order fulfilled": (f"orders/{third}/fulfillments", {"items": []}),
        "limit is no number": ("orders?limit=x", None),
        "time is no time": ("orders?updated_at[$gte]=x", None),
        "unknown variant": (f"products/{product}/variants/batch", {"update": [{"id": "nope", "prices": []}]}),
        "SKU taken": ("products", {"title": "Newer", "options": options, "variants": [red]}),
        "no options": ("products", {"title": "Newest"}),
        "unknown option value": (f"products/{product}/variants", {"sku": "N", "options": {"Default": "Green"}}),
        "reserved product deleted": (f"DELETE products/{product}", None),
        "unknown product": (f"products/{nope}", None),
        "unknown product changed": (f"products/{nope}", {"title": "x"}),
        "unknown level": (f"inventory-items/{item}/location-levels/nope", {"stocked_quantity": 3}),
        "level made twice": ("inventory-items/location-levels/batch", {"create": [level]}),
        "negative level": (
            "inventory-items/location-levels/batch",
            {"update": [{**level, "stocked_quantity": -3}]},
        ),
        "unknown inventory item": ("inventory-items/nope", None),
    }
    path, body = calls[name]
    method = "DELETE" if path.startswith("DELETE ") else "GET" if body is None else "POST"
    status, answer = sample.call(method, path.removeprefix("DELETE "), body)
    real = REFUSALS[name]

    assert (real["status"], _masked(real["body"], "M5N-Red", "Colour")) == (status, _masked(answer, "M5A", "Default"))


def test_amounts_have_exact_texts(sample):
    """Beside each amount is its text, of at most 20 digits."""
    order = sample.shop.order(sample.shop.place_order({"M5A": 3}))

    assert (34.164, RAW) == (order["summary"]["accounting_total"], order["summary"]["raw_accounting_total"])


@pytest.mark.parametrize("auth", [None, ("sk_wrong", ""), ("", "sk_wrong")])
def test_only_its_secret_key_is_accepted(sample, auth):
    """Anything else is answered with 401."""
    answer = requests.get(f"{sample.shop.url}/admin/orders", auth=auth, timeout=10)

    assert (401, {"message": "Unauthorized"}) == (answer.status_code, answer.json())


def test_lists_are_filtered_and_paged(sample):
    """`$gt` is exclusive, `$gte` inclusive; unknown parameters are ignored, unknown sort fields an error."""
    shop = sample.shop
    times = sorted(order["updated_at"] for order in shop.orders.orders.values())
    ask = {"fields": "id,updated_at", "order": "-updated_at", "nonsense": "1"}
    later = sample.call("GET", "orders", **{**ask, "updated_at[$gt]": times[1]})[1]
    since = sample.call("GET", "orders", **{**ask, "updated_at[$gte]": times[1], "limit": 1, "offset": 1})[1]

    assert (len([time for time in times if time > times[1]]), times[-1]) == (
        later["count"],
        later["orders"][0]["updated_at"],
    )
    assert (len([time for time in times if time >= times[1]]), 1, 1) == tuple(
        since[name] for name in ("count", "offset", "limit")
    )
    assert sample.call("GET", "orders", order="nonsense")[0] == 500


def test_a_price_update_replaces_all_prices(sample):
    """Naming only GBP deletes EUR; prices of lists stay."""
    variant = sample.shop.variant("M5B")
    sample.shop.add_price_list("Trade", {"M5B": "1.00"})
    path = f"products/{variant['product_id']}/variants/{variant['id']}"
    sample.call("POST", path, {"prices": [{"currency_code": "gbp", "amount": 2}]})
    names = {name.partition(" ")[0] for name in sample.shop.prices("M5B")}

    assert (2, {"gbp"}) == (len(sample.shop.prices("M5B")), names)


def test_levels_are_written_all_or_none(sample):
    """One unknown item in a batch, and nothing is written."""
    item, before = sample.shop.variant("M5I")["inventory_items"][0], sample.shop.stock("M5I")
    rows = [
        {"inventory_item_id": key, "location_id": sample.shop.location, "stocked_quantity": 7}
        for key in (item, "iitem_nope")
    ]

    assert sample.call("POST", "inventory-items/location-levels/batch", {"update": rows})[0] == 404
    assert before == sample.shop.stock("M5I")


def test_a_capture_does_not_move_the_order(sample):
    """Paying leaves the order's time of change alone; a refund and a fulfilment move it."""
    shop = sample.shop
    key = shop.place_order({"M5A": 1}, paid=False)
    shop.age(key, 1)
    before = shop.order(key)["updated_at"]
    shop.pay(key)
    paid = shop.order(key)
    shop.refund(key, "1.00")

    assert (before, "captured") == (paid["updated_at"], paid["payment_status"])
    assert shop.order(key)["updated_at"] > before


def _masked(value: Any, *words: str) -> Any:
    text = ID.sub("<id>", json.dumps(value))
    for word in words:
        text = text.replace(word, "<word>")
    return json.loads(text)


def _numbers(value: Any, left_out: Sequence[str]) -> Any:
    """Return a value with its numbers, and the types of everything else; without raw texts."""
    if isinstance(value, dict):
        return {
            key: _numbers(item, left_out)
            for key, item in value.items()
            if not key.startswith("raw_") and key not in ("display_id", *left_out)
        }
    if isinstance(value, list):
        return [_numbers(item, left_out) for item in value]
    is_number = isinstance(value, (int, float)) and not isinstance(value, bool)
    return round(value, 9) if is_number else type(value).__name__


def _types(value: Any) -> Any:
    """Return the keys of a value and the types below them."""
    if isinstance(value, dict):
        return {key: _types(item) for key, item in value.items() if not key.startswith("raw_")}
    if isinstance(value, list):
        return [_types(value[0])] if value else []
    return "number" if isinstance(value, (int, float)) and not isinstance(value, bool) else type(value).__name__
