from __future__ import annotations

import json
import threading
import warnings
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import apprise
import pytest

from bridge.clock import now


@dataclass
class Inbox:
    """An HTTP server that Apprise's json:// addresses and the dead man's switch lead to."""

    port: int = 0
    status: int = 200
    messages: list[dict[str, str]] = field(default_factory=list)
    pings: int = 0
    answers: threading.Event = field(default_factory=threading.Event)

    @property
    def address(self) -> str:
        return f"json://127.0.0.1:{self.port}/a-secret-topic"

    @property
    def ping_url(self) -> str:
        return f"http://127.0.0.1:{self.port}/ping"

    @property
    def titles(self) -> list[str]:
        return [one["title"] for one in self.messages]


@pytest.fixture
def inbox() -> Iterator[Inbox]:
    """Run a server that keeps the messages it gets."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        apprise.Apprise.instantiate("json://localhost")  # its services are imported now, some with warnings
    received = Inbox()
    received.answers.set()

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers["Content-Length"]))
            received.answers.wait(20)
            if received.status == 200:
                received.messages.append(json.loads(body))
            self._answer()

        def do_GET(self) -> None:
            received.pings += 1
            self._answer()

        def _answer(self) -> None:
            self.send_response(received.status)
            self.send_header("Content-Length", "0")
            self.end_headers()

        def log_message(self, *_: object) -> None:
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    server.handle_error = lambda *_: None
    received.port = server.server_port
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
    thread.start()
    yield received
    received.answers.set()
    server.shutdown()
    server.server_close()
    thread.join()


class Time:
    """A clock that tests move."""

    def __init__(self) -> None:
        self.passed = timedelta(0)

    def now(self) -> datetime:
        return now() + self.passed

    def monotonic(self) -> float:
        return self.passed.total_seconds()


@pytest.fixture
def time() -> Time:
    return Time()
