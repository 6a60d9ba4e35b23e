"""A shop on this machine for tests of the HTTP client."""

from __future__ import annotations

import gzip
import ssl
import threading
import time
import zlib
from datetime import datetime, timezone
from functools import cache
from typing import Any

from flask import Flask, redirect, request

from bridge.channels.http import ConnectionPools, RetryPolicy, ShopClient
from bridge.clock import Deadline
from bridge.settings import Settings
from tests.channels.hostile.server import HostileServer

NOON = datetime(2026, 1, 1, 12, tzinfo=timezone.utc)
FASTEST = 1  # compression level
KEY = "the-shop's-secret-key"
ON_THIS_MACHINE = Settings(allow_private_shops=True)


@cache
def compressed(coding: str) -> bytes:
    """Return a hundred megabytes of JSON, compressed once or several times."""
    first, _, more = coding.partition(", ")
    content = compressed(more) if more else b'"' + b" " * 100_000_000
    return gzip.compress(content, FASTEST) if first == "gzip" else zlib.compress(content, FASTEST)


class Shop:
    """A shop on this machine that records its actions, with the clock of its client's retry policy."""

    def __init__(self, tls: ssl.SSLContext | None = None) -> None:
        self.actions: list[Any] = []
        self.answers: list[Any] = []
        """The next answers of /next, as Flask takes them; after the last it answers with success."""
        self.logins: list[Any] = []
        self.token = ""
        self.good_tokens = True
        """Whether the tokens that it issues are good."""
        self.busy = self.busiest = 0
        self.now = NOON
        self.delays: list[float] = []
        self.server = HostileServer(self._app(), tls)
        self.faults = self.server.faults
        self.pools = ConnectionPools()
        self.policy = RetryPolicy(now=lambda: self.now, sleep=self.delays.append, random=lambda: 0.5)

    def client(self, deadline: Deadline | None = None, **options: Any) -> ShopClient:
        """Return a client as a request uses it."""
        defaults = {"account": "seller", "policy": self.policy, "pools": self.pools}
        address, settings = options.pop("address", self.server.url), options.pop("settings", ON_THIS_MACHINE)
        return ShopClient(address, deadline or Deadline(5), settings, **{**defaults, **options})

    def _app(self) -> Flask:
        app = Flask(__name__)
        lock = threading.Lock()

        @app.get("/thing")
        def thing() -> Any:
            return {"price": 19.99, "count": 3}, 200, {"Set-Cookie": "session=1"}

        @app.get("/things")
        def things() -> Any:
            return [{"id": 1}, {"id": 2}]

        @app.get("/moved")
        def moved() -> Any:
            return redirect("/thing")

        @app.post("/search")
        def search() -> Any:
            return {"found": request.get_json()}

        @app.post("/moved-search/<int:status>")
        def moved_search(status: int) -> Any:
            return redirect("/search", status)

        @app.get("/circle")
        def circle() -> Any:
            return redirect("/circle")

        @app.get("/slow/<int:number>")
        def slow(number: int) -> Any:
            with lock:
                self.busy += 1
                self.busiest = max(self.busy, self.busiest)
            time.sleep(0.03)
            with lock:
                self.busy -= 1
            return ({"number": number}, 200) if number % 5 else ({"error": "Not allowed"}, 422)

        @app.get("/packed/<coding>")
        def answer_compressed(coding: str) -> Any:
            return compressed(coding), 200, {"Content-Encoding": coding, "Content-Type": "application/json"}

        @app.route("/next", methods=["GET", "POST"])
        def next_answer() -> Any:
            self.actions.append(request.method)
            return self.answers.pop(0) if self.answers else {"done": len(self.actions)}

        @app.post("/token")
        def token() -> Any:
            self.logins.append(request.form.to_dict())
            if request.form["secret"] != KEY:
                return {"error": "invalid_client", "error_description": f"{request.form['secret']} is wrong"}, 400
            if self.good_tokens:
                self.token = f"token-{len(self.logins)}"
            return {"access_token": f"token-{len(self.logins)}"}

        @app.route("/guarded", methods=["GET", "POST"])
        def guarded() -> Any:
            if request.headers.get("Authorization") != f"Bearer {self.token}":
                return {"message": "The token has expired"}, 401
            self.actions.append(request.get_json(silent=True))
            return {"done": len(self.actions)}

        @app.post("/xml")
        def xml() -> Any:
            self.actions.append((request.content_type, request.get_data()))
            return "<done>é</done>".encode(), 200, {"Content-Type": "text/xml"}

        @app.post("/form")
        def form() -> Any:
            self.actions.append((request.content_type, request.form.to_dict(flat=False)))
            return {"accept": request.headers["Accept"]}

        @app.route("/actions", methods=["POST", "PUT", "PATCH", "DELETE"])
        def actions() -> Any:
            self.actions.append(request.get_json(silent=True))
            return {"done": len(self.actions)}

        return app
