"""An installation of the bridge in this process, called without a server or filled with connections for one."""

from __future__ import annotations

import io
import itertools
import json
import os
import sys
import tempfile
import uuid
from collections.abc import Iterator
from contextlib import contextmanager, redirect_stderr
from ipaddress import ip_address
from pathlib import Path
from typing import Any
from urllib.parse import urlencode, urlsplit

from bench.shops import CHANNEL, sku
from bench.shops import ORDERS as ORDERS_OF_A_PAGE

_counters = tempfile.TemporaryDirectory(prefix="bench-counters-")
os.environ.setdefault("PROMETHEUS_MULTIPROC_DIR", _counters.name)  # metrics are counted as under the server

ACCOUNT = "9b2d1a64-0000-4000-8000-000000000001"
LONG_AGO = "2020-01-01T00:00:00Z"

ADD_NEW_USER = "/api/Config/AddNewUser"
CONFIG_TEST, USER_CONFIG = "/api/Config/ConfigTest", "/api/Config/UserConfig"
ORDERS, PRODUCTS = "/api/Order/Orders", "/api/Product/Products"
DESPATCH = "/api/Order/Despatch"
INVENTORY, PRICES = "/api/Product/InventoryUpdate", "/api/Product/PriceUpdate"


def environ_of(data_dir: Path, database_url: str = "", channel: str = CHANNEL) -> dict[str, str]:
    """Return the environment variables of an installation in this folder."""
    return {
        "BRIDGE_DATA_DIR": str(data_dir),
        "BRIDGE_DATABASE_URL": database_url,
        "BRIDGE_CHANNEL": channel,
        "BRIDGE_BASE_URL": "https://bridge.example",
    }


@contextmanager
def fresh_database(server: str) -> Iterator[str]:
    """Return BRIDGE_DATABASE_URL of a temporary empty database: a schema on PostgreSQL, or "" without a server."""
    from bridge.store.database import connect

    if not server:
        yield ""
        return
    schema = f"bench_{uuid.uuid4().hex}"
    parts = urlsplit(server)
    query = f"{parts.query}&{urlencode({'options': f'-csearch_path={schema}'})}".lstrip("&")
    database = connect(server)
    try:
        database.execute_sql(f"CREATE SCHEMA {schema}")
        yield parts._replace(query=query).geturl()
    finally:
        database.execute_sql(f"DROP SCHEMA {schema} CASCADE")
        database.close()


class Installation:
    """The bridge's application in this process."""

    def __init__(self, environ: dict[str, str]) -> None:
        from bridge.app import create_app
        from bridge.settings import load_settings

        # the log is written where that is cheap, and not into the output of the bench
        with redirect_stderr(open(os.devnull, "w", encoding="utf-8")):
            self.app = create_app(load_settings(environ))
        self._addresses = itertools.count()

    def call(self, path: str, raw: bytes) -> bytes:
        """POST a body; return the answer's. Each AddNewUser has another address, to pass the rate limit."""
        address = str(ip_address(0x0A000000 + next(self._addresses))) if path == ADD_NEW_USER else "127.0.0.1"
        return call_wsgi(self.app, path, raw, address)

    def ask(self, path: str, **fields: Any) -> dict[str, Any]:
        """POST fields; return the answer, which must have no Error."""
        answer: dict[str, Any] = json.loads(self.call(path, json.dumps(fields).encode()))
        assert answer["Error"] is None, answer
        return answer

    def connect(self, name: str = "bench", seconds: str = "0") -> str:
        """Set up an integration and return its token. The bench's shop takes these seconds for each call."""
        begun = self.ask(ADD_NEW_USER, Email="b@example.com", LinnworksUniqueIdentifier=ACCOUNT, AccountName=name)
        token: str = begun["AuthorizationToken"]
        answers = {"key": "bench-secret", "seconds": seconds, "shop_name": name, "access_key": "bench-secret"}
        screen = self.ask(USER_CONFIG, AuthorizationToken=token)
        finished = False
        while not finished:
            finished = screen["StepName"] == "UserConfig"
            items = [
                {"ConfigItemId": id, "SelectedValue": answers.get(id) or item["SelectedValue"]}
                for item in screen["ConfigItems"]
                for id in [item["ConfigItemId"]]
            ]
            screen = self.ask(
                "/api/Config/SaveUserConfig", AuthorizationToken=token, StepName=screen["StepName"], ConfigItems=items
            )
        return token

    def skus(self, token: str, count: int) -> list[str]:
        """Return this many SKUs of the shop, repeated if it has fewer."""
        if self.app.extensions["bridge"].settings.channel == CHANNEL:
            return list(map(sku, range(count)))
        rows = self.ask(PRODUCTS, AuthorizationToken=token, PageNumber=1)["Products"]
        return [rows[number % len(rows)]["SKU"] for number in range(count)]

    def close(self) -> None:
        """Stop the background worker."""
        self.app.extensions["bridge"].worker.stop()
        self.app.extensions["bridge"].journal.stop()


def call_wsgi(app: Any, path: str, raw: bytes, address: str = "127.0.0.1") -> bytes:
    """POST to an application from this address; return the body of its answer."""
    environ = {
        "REQUEST_METHOD": "POST",
        "PATH_INFO": path,
        "SCRIPT_NAME": "",
        "QUERY_STRING": "",
        "SERVER_NAME": "bench",
        "SERVER_PORT": "80",
        "SERVER_PROTOCOL": "HTTP/1.1",
        "REMOTE_ADDR": address,
        "CONTENT_TYPE": "application/json",
        "CONTENT_LENGTH": str(len(raw)),
        "wsgi.input": io.BytesIO(raw),
        "wsgi.errors": sys.stderr,
        "wsgi.url_scheme": "http",
        "wsgi.version": (1, 0),
        "wsgi.multithread": True,
        "wsgi.multiprocess": True,
        "wsgi.run_once": False,
    }
    answer = app(environ, lambda status, headers, error=None: None)
    try:
        return b"".join(answer)
    finally:
        if hasattr(answer, "close"):
            answer.close()


def calls(token: str, skus: list[str], feed: str) -> dict[str, tuple[str, bytes]]:
    """Return the path and the body of each kind of call, by its name in the table."""
    stock = [{"SKU": known, "Reference": f"ref-{n}", "Quantity": n % 500} for n, known in enumerate(skus)]
    prices = [
        {"SKU": known, "Reference": f"ref-{n}", "Price": round(9.99 + n / 100, 2), "Tag": ""}
        for n, known in enumerate(skus)
    ]
    bodies: dict[str, tuple[str, dict[str, Any]]] = {
        "ConfigTest": (CONFIG_TEST, {}),
        "UserConfig": (USER_CONFIG, {}),
        "AddNewUser": (
            ADD_NEW_USER,
            {"Email": "b@example.com", "LinnworksUniqueIdentifier": ACCOUNT, "AccountName": "unfinished"},
        ),
        "Orders": (ORDERS, {"UTCTimeFrom": LONG_AGO, "PageNumber": 1}),
        "Products": (PRODUCTS, {"PageNumber": 1}),
        "InventoryUpdate": (INVENTORY, {"Products": stock}),
        "PriceUpdate": (PRICES, {"Products": prices}),
        "CheckFeed": ("/api/Listing/CheckFeed", {"ChannelFeedId": feed}),
    }
    return {
        name: (path, json.dumps(body if name == "AddNewUser" else {"AuthorizationToken": token, **body}).encode())
        for name, (path, body) in bodies.items()
    }


def despatch_call(token: str) -> bytes:
    """Return the body of a despatch of as many orders as a page has, each of two lines, all of them whole."""
    items = [{"SKU": sku(line), "OrderLineNumber": f"{line}", "DespatchedQuantity": 2} for line in (1, 2)]
    orders = [
        {
            "ReferenceNumber": f"R-{number}",
            "ShippingVendor": "Royal Mail",
            "ShippingMethod": "Tracked 24",
            "TrackingNumber": f"TRACK{number:05}",
            "SecondaryTrackingNumbers": [],
            "ProcessedOn": "2025-07-05 03:48:51Z",
            "Items": items,
        }
        for number in range(ORDERS_OF_A_PAGE)
    ]
    return json.dumps({"AuthorizationToken": token, "Orders": orders}).encode()


def new_feed(installation: Installation, token: str) -> str:
    """Make a feed that deletes one listing; return its id."""
    deletion = {"ExternalListingId": "none", "SKU": "none", "TemplateId": 1}
    answer = installation.ask("/api/Listing/ListingDelete", AuthorizationToken=token, ExternalListingIds=[deletion])
    return str(answer["ChannelFeedId"])
