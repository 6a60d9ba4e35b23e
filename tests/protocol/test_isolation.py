"""Unauthenticated callers get nothing, and a token gives access to nothing of another connection."""

from __future__ import annotations

import json
import logging
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from typing import Any

import pytest
from flask import Flask

from bridge.app import create_app
from bridge.channels.demo import tables
from bridge.clock import now
from bridge.protocol import oauth
from bridge.protocol.endpoints import config
from bridge.protocol.oauth import READ, SCOPES
from bridge.protocol.schemas.base import Answer
from bridge.protocol.schemas.config import ConfigTestRequest
from bridge.settings import Settings
from bridge.store.connections import Connection
from bridge.store.database import close_store
from bridge.vault import digest, new_token
from tests.conftest import dump, opened, sender, stop
from tests.linnworks import Linnworks

pytestmark = pytest.mark.broad

OPEN = {
    "/": "a page for people",
    "/health": "a monitor's question",
    "/logo.png": "a picture for Linnworks' users",
    "/metrics": "numbers for the operator, who calls from this machine or has a token of another kind",
    "/health/details": "the same for the operator, in words",
    **dict.fromkeys(
        (
            *("/console", "/console/", "/console/login", "/console/logout", "/console/style.css", "/console/search"),
            *("/console/connections/<number>", "/console/calls/<call_id>"),
        ),
        "an unknown address until the operator sets a password; tests/ops/console has who sees it then",
    ),
    "/api/oauth/authorize": "where an access token comes from; it has a refusal of its own",
    "/api/Config/AddNewUser": "where a token comes from",
    "/api/Listing/GetConfiguratorSettings": "about the channel, not about anybody's shop",
}
"""The routes that answer without a token, and why they may."""

ABSENT = object()


class Statements(logging.Handler):
    """Collect the SQL of queries, without the values."""

    def __init__(self) -> None:
        super().__init__()
        self.seen: list[str] = []

    def emit(self, record: logging.LogRecord) -> None:
        self.seen.append(record.msg[0])


@contextmanager
def statements() -> Iterator[list[str]]:
    log, handler = logging.getLogger("peewee"), Statements()
    level = log.level
    log.addHandler(handler)
    log.setLevel(logging.DEBUG)
    try:
        yield handler.seen
    finally:
        log.setLevel(level)
        log.removeHandler(handler)


def invalid_tokens(token: str, deleted: str, elsewhere: str) -> list[Any]:
    """Return values that are no valid token, most of them made from `token`, which is one."""
    return [
        *(ABSENT, None, "", " ", new_token(), deleted, elsewhere, digest(token), digest("")),
        *(token[:-1], token + "0", token.upper() + "\n", f" {token}", f"{token}\x00", token[::-1]),
        *(
            "../../etc/passwd",
            "..%2f..%2fsecret.key",
            "/dev/stdin",
            "a\x00b",
            "\x00",
            "' OR '1'='1",
            "%s",
            "*",
            "é" * 32,
        ),
        *([token], [[token]], {"Token": token}, {token: token}, [], {}, 0, 1, -1, 1.5, 10**15, True, False),
        *("x" * 101, "x" * 1_000_000, ["x"] * 1000),
    ]


def walk(
    app: Flask, tokens: list[Any], headers: dict[str, str] | None = None, *, by_other_methods: int | None = None
) -> dict[str, set[str]]:
    """Return how each route answers these tokens and what it asks the database: by path, one text for each way.

    Methods other than POST are tried with the first tokens only, where their number is given.
    """
    client = app.test_client()
    ways: dict[str, set[str]] = {}
    with statements() as asked:
        for rule in app.url_map.iter_rules():
            _, path = rule.build(dict.fromkeys(rule.arguments, "1")) or ("", rule.rule)
            for method in sorted(rule.methods or ()):
                for token in tokens if method == "POST" else tokens[:by_other_methods]:
                    body = {} if token is ABSENT else {"AuthorizationToken": token}
                    asked.clear()
                    response = client.open(path, method=method, data=json.dumps(body), headers=headers)
                    words = response.get_json(silent=True) if method != "HEAD" else {"Error": "no body"}
                    way = json.dumps([response.status_code, words, method in ("POST", "HEAD") and asked])
                    ways.setdefault(f"{method} {rule.rule}", set()).add(way)
    return ways


def unprotected(ways: dict[str, set[str]], error: str) -> list[str]:
    """Return the routes that do not refuse all tokens alike, with this error or because of the method."""
    found = []
    for route, answers in ways.items():
        method, _, path = route.partition(" ")
        said = {"POST": error, "HEAD": "no body"}.get(method, "Endpoints are called with POST")
        statuses = {json.loads(answer)[0] for answer in answers}
        words = {str((json.loads(answer)[1] or {}).get("Error")) for answer in answers}
        if path not in OPEN and (len(answers) > 1 or statuses != {200} or words != {said}):
            found.append(route)
    return found


@pytest.fixture
def tokens(unhurried, call, connect) -> list[Any]:
    """Return invalid tokens, in an installation with two finished integrations and a deleted one."""
    held, gone = connect("held"), connect("gone")
    connect("neighbour")
    assert gone("ConfigDeletedEndpoint")["Error"] is None
    return invalid_tokens(held.token, gone.token, new_token())


@pytest.mark.parametrize("by_other_methods", [3, pytest.param(None, marks=pytest.mark.full)])
def test_every_route_refuses_every_invalid_token_alike(app, tokens, by_other_methods):
    """
    Each route answers every value in place of a token alike, after the same database queries, and changes nothing.
    """
    before = dump(), dump(tables.database)
    ways = walk(app, tokens, by_other_methods=by_other_methods)

    assert [] == unprotected(ways, "Unknown authorization token")
    assert before == (dump(), dump(tables.database))
    assert OPEN.keys() <= {route.partition(" ")[2] for route in ways}
    # the comparison has something to compare: an invalid token costs a query, as a valid one does
    assert "token_digest" in next(iter(ways["POST /api/Order/Orders"]))


@pytest.mark.usefixtures("unhurried")
def test_with_oauth_every_route_refuses_calls_without_an_access_token(app, linnworks):
    """
    Without an access token a valid AuthorizationToken is refused like any other, before anything else is read.
    """
    oauth.new_client("Linnworks", SCOPES, now())
    before = dump()
    for headers in (None, {"Authorization": "Bearer rubbish"}, {"Authorization": f"Bearer {linnworks.token}"}):
        ways = walk(app, [linnworks.token, ABSENT, "", "x", []], headers, by_other_methods=1)

        assert [] == unprotected(ways, "Missing, invalid or expired access token")
        closed = [path for path in OPEN if path.startswith(("/api/Config", "/api/Listing"))]
        assert all("access token" in way for path in closed for way in ways[f"POST {path}"])
    assert before == dump()


@pytest.mark.parametrize("kind", ["route", "call"])
def test_a_new_unprotected_route_is_found(tmp_path, monkeypatch, kind):
    """
    The walk finds a new route that answers without a token, and a new call that needs none.
    """
    if kind == "call":
        area = config.Area("forgotten")

        @area.call("/api/forgotten", ConfigTestRequest, Answer, manifest="Forgotten", scope=READ, token=False)
        def forgotten(call: Any, request: Any) -> Answer:
            return Answer()

        monkeypatch.setattr("bridge.app.AREAS", (area,))
    app = create_app(Settings(data_dir=tmp_path))
    stop(app)
    if kind == "route":
        app.add_url_rule("/api/forgotten", view_func=lambda: {"Error": None, "Orders": []}, methods=["POST"])
    found = unprotected(walk(app, ["x"]), "Unknown authorization token")
    close_store()

    assert "POST /api/forgotten" in found


def test_a_token_of_another_installation_is_unknown(tmp_path):
    """
    A token is accepted only by the installation that issued it.
    """
    with opened(Settings(data_dir=tmp_path / "another")) as app:
        foreign = Linnworks(sender(app), "another")
        assert foreign("UserConfigEndpoint")["Error"] is None
    with opened(Settings(data_dir=tmp_path / "ours")) as app:
        answer = sender(app)("UserConfigEndpoint", AuthorizationToken=foreign.token)

    assert "Unknown authorization token" == answer["Error"]


# -- tenants -----------------------------------------------------------------------------------------------

LISTING = {
    "TemplateId": 1,
    "Title": "New",
    "Price": 1,
    "Categories": ["501"],
    "Attributes": [{"AttributeID": "material", "AttributeValue": "paper"}],
}


class Tenant:
    """An integration that makes all its calls and compares the answers with what is its own."""

    def __init__(self, app: Flask, linnworks: Linnworks, index: int, turns: int) -> None:
        self._app, self._linnworks, self._turns = app, linnworks, turns
        self.shop = linnworks.shop_name
        self.days, self.least = str(20 + index), 1000 * (index + 1)
        self.buyers = {number: order["ChannelBuyerName"] for number, order in linnworks.orders().items()}
        self.feeds: list[str] = []

    def ask(self, name: str, **fields: Any) -> Any:
        answer = sender(self._app)(name, AuthorizationToken=self._linnworks.token, **fields)
        assert answer["Error"] is None, answer
        return answer

    def read(self) -> None:
        """Read settings, orders and products, all of which must be its own."""
        for _ in range(self._turns):
            seen = self.ask("UserConfigEndpoint")
            assert f"Account of {self.shop}" == seen["AccountName"]
            assert self.days in {item["SelectedValue"] for item in seen["ConfigItems"]}
            products, page, more = {}, 1, True
            while more:
                answer = self.ask("ProductsEndpoint", PageNumber=page)
                products |= {product["SKU"]: product for product in answer["Products"]}
                page, more = page + 1, answer["HasMorePages"]
            assert products["101-11"]["Quantity"] in range(self.least, self.least + self._turns)
            assert products["101-11"]["Price"] in range(self.least, self.least + self._turns)
            assert all(sku.startswith(self.shop) for sku in products if sku.endswith("-new"))
            orders = self.ask("OrdersEndpoint", UTCTimeFrom="2000-01-01", PageNumber=1)["Orders"]
            assert orders
            assert {
                order["ReferenceNumber"]: order["ChannelBuyerName"] for order in orders
            }.items() <= self.buyers.items()

    def write(self, number: str) -> None:
        """Write stock, prices, listings and refunds, which have the same names for all tenants."""
        for turn in range(self._turns):
            self.ask("InventoryUpdateEndpoint", Products=[{"SKU": "101-11", "Quantity": self.least + turn}])
            self.ask("PriceUpdateEndpoint", Products=[{"SKU": "101-11", "Price": self.least + turn}])
            listing = {**LISTING, "SKU": f"{self.shop}-{turn}-new"}
            self.feeds.append(self.ask("ListingUpdateEndpoint", Type="CREATE", Listings=[listing])["ChannelFeedId"])
            refund = {
                "ReferenceNumber": number,
                "Items": [{"OrderLineNumber": "1", "RefundAmount": f"0.{turn + 1:02d}"}],
            }
            assert f"R-{number}-{turn + 1}" == self.ask("RefundEndpoint", Refund=refund)["RefundReference"]


def in_threads(acts: list[Callable[[], None]]) -> None:
    """Run these at once, each in a thread with its own database connections; raise what one of them raises."""

    def act(action: Callable[[], None]) -> None:
        try:
            action()
        finally:
            close_store()
            tables.database.close()

    with ThreadPoolExecutor(len(acts)) as pool:
        for future in [pool.submit(act, action) for action in acts]:
            future.result()


@pytest.mark.parametrize("turns", [2, pytest.param(20, marks=pytest.mark.long)])
def test_parallel_connections_never_see_each_other(app, connect, work, turns):
    """
    While integrations call everything at once in several threads, each sees only its own feeds, orders, settings,
    actions, stock and pages, though their names are the same.
    """
    linnworks = [connect("left", despatch_days="20"), connect("right", despatch_days="21")]
    tenants = [Tenant(app, one, index, turns) for index, one in enumerate(linnworks)]
    paid = [{number for number, order in one.orders().items() if order["PaymentStatus"] == "PAID"} for one in linnworks]
    number = min(set.intersection(*paid))
    for tenant in tenants:
        tenant.ask("InventoryUpdateEndpoint", Products=[{"SKU": "101-11", "Quantity": tenant.least}])
        tenant.ask("PriceUpdateEndpoint", Products=[{"SKU": "101-11", "Price": tenant.least}])

    in_threads([act for tenant in tenants for act in (tenant.read, lambda tenant=tenant: tenant.write(number))])
    work()
    for tenant, one, other in zip(tenants, linnworks, reversed(linnworks), strict=True):
        for turn, feed_id in enumerate(tenant.feeds):
            (listed,) = one("CheckFeedEndpoint", ChannelFeedId=feed_id)["ProductFeeds"]
            assert f"{tenant.shop}-{turn}-new" == listed["SKU"]
            assert "Unknown feed" == other("CheckFeedEndpoint", ChannelFeedId=feed_id)["Error"]
        assert turns == len([sku for sku in one.products() if sku.endswith("-new")])
        (order,) = (
            tables.Order.select()
            .join(tables.Shop)
            .where((tables.Order.number == number) & (tables.Shop.name == tenant.shop))
        )
        refunds = (tables.Event.order == order) & (tables.Event.kind == "refund")
        assert turns == tables.Event.select().where(refunds).count()


def test_what_belongs_to_another_connection_is_unknown(connect):
    """
    A feed or page of another integration is answered like one that does not exist.
    """
    owner, other = connect("owner"), connect("other")
    listing = {**LISTING, "SKU": "NEW-1", "Title": "x"}
    feed_id = owner("ListingUpdateEndpoint", Type="CREATE", Listings=[listing])["ChannelFeedId"]
    owner("ProductsEndpoint", PageNumber=1)

    assert other("CheckFeedEndpoint", ChannelFeedId="0" * 32) == other("CheckFeedEndpoint", ChannelFeedId=feed_id)
    assert "before page 1" in other("ProductsEndpoint", PageNumber=2)["Error"]
    other("ConfigDeletedEndpoint")
    assert owner("CheckFeedEndpoint", ChannelFeedId=feed_id)["Error"] is None
    assert 1 == Connection.select().count()
