"""The scripted WooCommerce answers as real shops were recorded to answer."""

from __future__ import annotations

import itertools
import json
from collections.abc import Iterator
from datetime import datetime, timedelta, timezone
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
from werkzeug.test import TestResponse

from tests.channels.woocommerce.fake.api_client import ApiClient
from tests.channels.woocommerce.fake.sample import sample_shop

pytestmark = [pytest.mark.service, pytest.mark.full]  # the scripted shop changes rarely

RECORDED = Path(__file__).parent / "recorded"
MOMENT = datetime(2026, 7, 5, 9, 0, tzinfo=timezone.utc)
CHANGING = {"stock_quantity", "total_sales", "value", "display_value"}
"""Values that depend on how far the recording had come, and the descriptions of coupons."""
OTHER_IDS = {"id", "number", "new_draft_order_id"}
"""Ids that depend on the requests before."""

DROPPED = {"_links", "billing", "shipping", "price_html", "related_ids", "permalink", "order_key", "payment_url"}
DROPPED |= {"customer_ip_address", "customer_user_agent", "cart_hash"}
"""Keys that were removed from the recordings."""

_exchanges = [
    (file.stem, name, exchange)
    for file in sorted(RECORDED.glob("*.json"))
    for name, exchange in json.loads(file.read_text()).items()
]


def options(recording: str) -> dict[str, Any]:
    version, storage = recording.split("-")
    return {"version": version, "hpos": storage == "hpos"}


def differences(recorded: Any, answered: Any, where: str = "", *, part: bool = False) -> list[str]:
    """Return where an answer differs from the recording: in keys, types or values."""
    name = where.rpartition(".")[2]
    if name.startswith("date_"):
        return [] if (recorded is None) == (answered is None) else [f"{where}: {recorded} became {answered}"]
    if name in CHANGING or (name in OTHER_IDS and recorded and answered):
        return []
    if isinstance(recorded, dict) and isinstance(answered, dict):
        missing = set(recorded) - set(answered)
        added = set() if part else set(answered) - set(recorded) - DROPPED
        found = [f"{where}: without {missing}"] * bool(missing) + [f"{where}: with {added}"] * bool(added)
        for key in set(recorded) & set(answered):
            found += differences(recorded[key], answered[key], f"{where}.{key}", part=part)
        return found
    if isinstance(recorded, list) and isinstance(answered, list):
        found = [] if part or len(recorded) == len(answered) else [f"{where}: {len(recorded)} became {len(answered)}"]
        for place, (was, now) in enumerate(zip(recorded, answered, strict=False)):
            found += differences(was, now, f"{where}[{place}]", part=part)
        return found
    same = (type(recorded), recorded) == (type(answered), answered)
    return [] if same else [f"{where}: {recorded} became {answered}"]


@pytest.fixture(scope="module")
def readers() -> Iterator[dict[str, ApiClient]]:
    """A client of each recorded shop, for requests that change nothing."""
    found = {recording: ApiClient(sample_shop(**options(recording))) for recording in {row[0] for row in _exchanges}}
    yield found
    for client in found.values():
        client.shop.close()


@pytest.mark.parametrize(
    ("recording", "name", "exchange"), _exchanges, ids=lambda value: value if isinstance(value, str) else ""
)
def test_it_answers_as_the_real_one_did(new_client, readers, recording, name, exchange):
    """The same request gets the same status, keys and values, also for errors."""
    reads = exchange["method"] == "GET"
    client = readers[recording] if reads else new_client(sample=True, **options(recording))
    pair = {"wrong-key": {"pair": ("ck_nobody", client.shop.secret)}}
    known = next((pair[kind] for kind in pair if name.endswith(kind)), {})
    answer = client(exchange["method"], exchange["path"], exchange.get("params"), exchange.get("sent"), **known)

    shown = answer.get_json()
    shown = shown[: len(exchange["body"])] if isinstance(shown, list) else shown
    assert exchange["status"] == answer.status_code
    assert [] == differences(exchange["body"], shown, part=exchange.get("part", False))
    assert exchange.get("total") in (None, "93", answer.headers.get("X-WP-Total"))  # 93 were being processed by then


# -- lists ---------------------------------------------------------------------------------------------


def _paged(client: ApiClient, path: str, **params: Any) -> list[int]:
    ids: list[int] = []
    rows: list[Any] = [None]
    for number in itertools.count(1):
        if not rows:
            break
        rows = client("GET", path, {"per_page": 10, "page": number, "_fields": "id", **params}).get_json()
        ids += [row["id"] for row in rows]
    return ids


@pytest.mark.parametrize(
    ("wanted", "orderby", "stable"),
    [
        ({}, "modified", True),
        ({"version": "10.3.6"}, "modified", False),
        ({"version": "7.9.0", "hpos": False}, "modified", False),
        ({"version": "7.9.0", "hpos": False}, "date", True),
        ({"version": "10.3.6"}, "id", True),
    ],
)
def test_orders_of_one_second_may_hide_each_other(new_client, wanted, orderby, stable):
    """Before 10.4 pages by `modified` show some orders twice and others never, the same each time."""
    client = new_client(sample=True, clock=lambda: MOMENT, **wanted)
    first, again = (_paged(client, "/orders", orderby=orderby, order="asc") for _ in range(2))

    assert first == again
    assert len(first) == 145
    assert stable is (len(set(first)) == 145)


def test_modified_after_is_strict_and_knows_zones(new_client):
    """The second itself is excluded; a value without an offset is the site's time unless dates are in UTC."""
    client = new_client(clock=lambda: MOMENT)
    client.shop.add_product("MUG", 10)
    client.shop.place_order({"MUG": 1})

    def found(value: str, **more: str) -> int:
        return len(client("GET", "/orders", {"modified_after": value, **more}).get_json())

    in_utc = {"dates_are_gmt": "true"}

    assert (1, 0) == (found("2026-07-05T08:59:59", **in_utc), found("2026-07-05T09:00:00", **in_utc))
    assert (1, 0) == (found("2026-07-05T11:59:59"), found("2026-07-05T12:00:00"))
    assert (1, 0) == (found("2026-07-05T08:59:59Z"), found("2026-07-05T09:00:00+00:00"))
    assert found("2026-07-05T08:59:59Z", **in_utc) == 0
    assert client("GET", "/orders", {"modified_after": "2026-07-05"}).status_code == 400


@pytest.mark.parametrize(
    ("version", "hpos", "there"),
    [("11.0.1", True, False), ("11.0.1", False, False), ("10.3.6", True, True), ("7.9.0", False, True)],
)
def test_any_contains_checkout_drafts_in_older_versions(new_client, version, hpos, there):
    """From 10.4 on `any` does not contain them."""
    client = new_client(version=version, hpos=hpos)
    client("POST", "/orders", sent={"status": "checkout-draft"})

    assert there is bool(client("GET", "/orders").get_json())


@pytest.mark.parametrize(
    ("wanted", "any_finds", "keeps_notes"),
    [
        ({}, False, True),
        ({"version": "10.3.6"}, True, True),
        ({"version": "7.9.0", "hpos": False}, False, False),
        ({"hpos": False}, False, False),
    ],
)
def test_a_binned_order_is_hidden_as_in_real_shops(new_client, wanted, any_finds, keeps_notes):
    """Only 10.3.6 lists it under `any`, `trash` always finds it, and in posts storage its notes are hidden too."""
    now = [MOMENT]
    client = new_client(clock=lambda: now[0], **wanted)
    client.shop.add_product("MUG", 10)
    number = client.shop.place_order({"MUG": 1})
    now[0] += timedelta(hours=1)
    client("DELETE", f"/orders/{number}")
    order = client("GET", f"/orders/{number}").get_json()
    lists = [
        len(client("GET", "/orders", {"status": status}).get_json())
        for status in ("any", "any,trash", "trash", "processing,trash")
    ]

    assert order["status"] == "trash"
    assert order["date_modified_gmt"] == "2026-07-05T10:00:00"
    assert [any_finds, any_finds, True, True] == [bool(found) for found in lists]
    assert keeps_notes is bool(client("GET", f"/orders/{number}/notes").get_json())
    assert client("DELETE", f"/orders/{number}").status_code == 410


@pytest.mark.parametrize(
    ("hpos", "sent", "moves"),
    [
        (True, {}, True),
        (True, {"meta_data": [{"key": "a", "value": "b"}]}, True),
        (False, {}, False),
        (False, {"meta_data": [{"key": "a", "value": "b"}]}, False),
        (False, {"billing": {"phone": "1"}}, False),
        (False, {"customer_note": "x"}, True),
        (False, {"status": "completed"}, True),
        (False, {"status": "processing"}, False),
    ],
)
def test_what_changes_date_modified_depends_on_the_storage(new_client, hpos, sent, moves):
    """With HPOS every PUT does, in posts only a new status or customer note."""
    now = [MOMENT]
    client = new_client(hpos=hpos, clock=lambda: now[0])
    client.shop.add_product("MUG", 10)
    number = client.shop.place_order({"MUG": 1})
    now[0] += timedelta(minutes=1)
    client("PUT", f"/orders/{number}", sent=sent)
    client("POST", f"/orders/{number}/notes", sent={"note": "moves nothing"})

    assert moves is (client.shop.order(number)["date_modified_gmt"] == "2026-07-05T09:01:00")


# -- orders, stock and money ---------------------------------------------------------------------------


@pytest.mark.parametrize(("version", "failed"), [("11.0.1", 10), ("10.3.6", 8), ("7.9.0", 8)])
def test_stock_follows_the_status(new_client, version, failed):
    """Paid and held orders take stock once; cancelled and pending ones release it, failed ones from 11 on."""
    shop = new_client(version=version).shop
    shop.add_product("MUG", 10)
    number = shop.place_order({"MUG": 2}, paid=False)
    levels = [shop.stock("MUG")]
    for status in ("on-hold", "processing", "completed", "cancelled", "processing", "pending", "processing", "failed"):
        shop.set_status(number, status)
        levels.append(shop.stock("MUG"))

    assert [10, 8, 8, 8, 10, 8, 10, 8, failed] == levels


def test_a_refund_restocks_what_it_names_and_is_paid_where_the_gateway_can(new_client):
    """Pieces are restocked also without money, unless api_restock is false; too much money is refused."""
    client = new_client()
    shop = client.shop
    shop.add_product("MUG", 10, "10.00")
    number = shop.place_order({"MUG": 3}, gateway="fakepay", shipping=None)
    line = shop.order(number)["line_items"][0]["id"]

    def refund(**sent: Any) -> TestResponse:
        return client("POST", f"/orders/{number}/refunds", sent=sent)

    free = {"amount": "0", "line_items": [{"id": line, "quantity": 1, "refund_total": 0}]}
    tagged = refund(amount="1.00", meta_data=[{"key": "_bridge", "value": "k1"}]).get_json()

    assert tagged["refunded_payment"] is True
    assert {"_bridge": "k1", "_refund_type": "partial"} == {row["key"]: row["value"] for row in tagged["meta_data"]}
    assert [(int(number), Decimal("1.00"))] == shop.gateways["fakepay"].refunded_payments
    assert refund(**free, api_restock=False).status_code == 201
    assert shop.stock("MUG") == 7
    assert refund(**free, api_refund=False).status_code == 201
    assert shop.stock("MUG") == 8
    assert refund(amount="35.01").get_json()["message"] == "Invalid refund amount."
    assert refund(amount="-1").get_json()["data"] == 400
    assert refund(amount="35.00").status_code == 201
    assert shop.order(number)["status"] == "refunded"
    assert Decimal("36.00") == shop.refunded(number)
    shop.cancel(number)
    assert shop.stock("MUG") == 10


def test_prices_with_tax_come_out_as_advertised(new_client):
    """A line's net and its tax add up to the price with tax, and a coupon reduces both."""
    shop = new_client(prices_include_tax=True).shop
    shop.add_product("MUG", 10, "7.99")
    shop.add_coupon("ten", "percent", 10)
    plain = shop.order(shop.place_order({"MUG": 3}, shipping=None))
    reduced = shop.order(shop.place_order({"MUG": 1}, shipping=None, coupons=["ten"]))
    line = plain["line_items"][0]

    assert ("23.97", "19.98", "3.99") == (plain["total"], line["total"], line["total_tax"])
    assert plain["prices_include_tax"] is True
    assert ("7.19", "0.67", "0.13") == (reduced["total"], reduced["discount_total"], reduced["discount_tax"])


def test_a_line_keeps_its_name_when_its_product_is_deleted(new_client):
    """A binned product keeps id and SKU; a deleted one loses both, a deleted variation shows its parent's."""
    shop = new_client().shop
    shop.add_product("MUG", 10, name="Mug & more")
    parent = shop.add_variable("TEE", {"TEE-S": "S"})
    number = shop.place_order({"MUG": 1, "TEE-S": 1})
    shop.remove_product("MUG", for_good=False)
    binned = shop.order(number)["line_items"][0]
    shop.restore_product("MUG")
    for sku in ("MUG", "TEE-S"):
        shop.remove_product(sku)
    gone, orphan = shop.order(number)["line_items"]

    assert ("Mug &amp; more", "MUG") == (binned["name"], binned["sku"])
    assert ("Mug &amp; more", None, 0) == (gone["name"], gone["sku"], gone["product_id"])
    assert ("Thing TEE - S", "TEE", parent, 0) == tuple(
        orphan[key] for key in ("name", "sku", "product_id", "variation_id")
    )


# -- products ------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("sent", "shown"),
    [
        ({"stock_quantity": "12"}, {"stock_quantity": 12}),
        ({"stock_quantity": None}, {"stock_quantity": 0, "stock_status": "outofstock"}),
        ({"stock_quantity": -3}, {"stock_quantity": -3}),
        ({"regular_price": "1,234.50"}, {"regular_price": "1234.50"}),
        ({"regular_price": "abc"}, {"regular_price": "", "price": ""}),
        ({"sale_price": "9.00"}, {"sale_price": "", "price": "7.99"}),
        ({"sale_price": "5.00"}, {"sale_price": "5.00", "price": "5.00", "on_sale": True}),
    ],
)
def test_odd_values_are_converted_as_in_real_shops(new_client, sent, shown):
    """Each odd value becomes what it became in a real shop."""
    client = new_client()
    number = client.shop.add_product("MUG", 10, "7.99")
    answer = client("PUT", f"/products/{number}", sent=sent)

    assert answer.status_code == 200
    assert shown == {name: answer.get_json()[name] for name in shown}


@pytest.mark.parametrize("sent", [{"stock_quantity": 2.5}, {"stock_quantity": "abc"}, {"regular_price": 9.5}])
def test_only_a_single_write_is_checked(new_client, sent):
    """The same value in a batch is accepted."""
    client = new_client()
    number = client.shop.add_product("MUG", 10, "7.99")

    assert client("PUT", f"/products/{number}", sent=sent).get_json()["code"] == "rest_invalid_param"
    assert (
        "error"
        not in client("POST", "/products/batch", sent={"update": [{"id": number, **sent}]}).get_json()["update"][0]
    )


def test_more_than_a_hundred_are_too_many(new_client):
    """The lists of a batch are counted together, and nothing is done."""
    sent = {"update": [{"id": 1}] * 60, "delete": [1] * 41}

    assert new_client()("POST", "/products/batch", sent=sent).status_code == 413


@pytest.mark.parametrize(("version", "there"), [("11.0.1", True), ("10.3.6", True), ("7.9.0", False)])
def test_some_routes_are_new(new_client, version, there):
    """One list of all variations and the list of order statuses exist from 10.3 on."""
    client = new_client(version=version)
    parent = client.shop.add_variable("TS", {"TS-S": "S", "TS-M": "M"}, 4)
    answers = [
        client("GET", path, {"parent": parent} if "var" in path else {}) for path in ("/variations", "/orders/statuses")
    ]

    assert [200 if there else 404] * 2 == [answer.status_code for answer in answers]
    if there:
        assert {"TS-S", "TS-M"} == {row["sku"] for row in answers[0].get_json()}


@pytest.mark.parametrize(("version", "moved"), [("11.0.1", False), ("10.3.6", False), ("7.9.0", True)])
def test_an_old_batch_of_variations_takes_any_product(new_client, version, moved):
    """7.9 writes the stock of a variation of another product and moves it to the parent; newer versions refuse."""
    client = new_client(version=version)
    parent = client.shop.add_variable("TS", {"TS-S": "S"}, 4)
    mug = client.shop.add_product("MUG", 10)
    sent = {"update": [{"id": mug, "stock_quantity": 1}]}
    answer = client("POST", f"/products/{parent}/variations/batch", sent=sent).get_json()["update"][0]
    after = client.shop.product("MUG")

    assert moved is ("error" not in answer)
    assert (parent if moved else 0, 1 if moved else 10) == (after["parent_id"], after["stock_quantity"])


def test_a_variation_takes_from_its_parent_what_it_does_not_have(new_client):
    """Its SKU too, by which only the parent is found."""
    client = new_client()
    shop = client.shop
    fields = {"weight": "2", "tax_class": "reduced-rate"}
    parent = shop.add_variable("TEE", {"TEE-S": "S"}, **fields)
    shop.edit_product("TEE-S", sku="")
    (shown,) = client("GET", f"/products/{parent}/variations").get_json()
    found = client("GET", "/products", {"sku": "TEE"}).get_json()

    assert ("TEE", "2", "reduced-rate") == (shown["sku"], shown["weight"], shown["tax_class"])
    assert [parent] == [row["id"] for row in found]


def test_stock_on_a_parent_is_not_written_through_a_variation(new_client):
    """Variations show the parent's stock, and ignore their own."""
    client = new_client()
    shop = client.shop
    parent = shop.add_variable("CAP", {"CAP-1": "One"}, None, manage_stock=True, stock_quantity=40)
    variation = shop.product("CAP-1")["id"]
    answer = client("PUT", f"/products/{parent}/variations/{variation}", sent={"stock_quantity": 5}).get_json()
    shop.place_order({"CAP-1": 2})

    assert ("parent", 40) == (answer["manage_stock"], answer["stock_quantity"])
    assert shop.stock("CAP-1") == 38


def test_a_shop_that_manages_no_stock_ignores_it(new_client):
    """Writes are answered with 200 and change nothing."""
    client = new_client(manage_stock=False)
    number = client.shop.add_product("MUG", 10)
    answer = client("PUT", f"/products/{number}", sent={"manage_stock": True, "stock_quantity": 5}).get_json()

    assert (False, None) == (answer["manage_stock"], answer["stock_quantity"])
    assert client("GET", "/settings/products/woocommerce_manage_stock").get_json()["value"] == "no"


def test_several_skus_are_found_in_any_case(new_client):
    """Case, accents and trailing spaces do not matter; a SKU with a comma is found as a whole."""
    client = new_client()
    for sku in ("Mug-É", "CUP", "A,B"):
        client.shop.add_product(sku)

    def found(text: str) -> set[str]:
        return {row["sku"] for row in client("GET", "/products", {"sku": text}).get_json()}

    assert {"Mug-É", "CUP"} == found("mug-e ,cup")
    assert {"A,B"} == found("A,B")
    assert {"CUP"} == found(" CUP")
    assert set() == found("Mug-É2, CUP")
