"""A real HTTP server for any shop's WSGI application, which fails as a test tells it to."""

from __future__ import annotations

import gzip
import json
import random
import socket
import threading
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from email.utils import formatdate
from enum import Enum, auto
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from ssl import SSLContext
from typing import Any

from werkzeug.test import Client

HOUR = 3600.0
PAGE = b"<html><body><h1>The shop is closed for maintenance</h1></body></html>"


class Fault(Enum):
    """A failure of a request; AFTER means that the shop did what was asked."""

    SLOW = auto()
    """The request is served after `seconds`."""
    TIME_OUT_BEFORE = auto()
    """Nothing is done, and there is no answer for `seconds`."""
    TIME_OUT_AFTER = auto()
    DROP_BEFORE = auto()
    """The connection ends without an answer."""
    DROP_AFTER = auto()
    CUT_OFF = auto()
    """The action is done, and the connection ends in the middle of the answer."""
    UNAUTHORIZED = auto()
    FORBIDDEN = auto()
    FIREWALL = auto()
    """403 with a web page, from a server in front of the shop."""
    NOT_FOUND_PAGE = auto()
    """404 with a web page."""
    TOO_MANY = auto()
    """429 with `retry_after`."""
    UNAVAILABLE = auto()
    """503 with `retry_after`; nothing is done."""
    BROKEN = auto()
    """500, nothing is done."""
    BROKEN_AFTER = auto()
    BAD_GATEWAY = auto()
    """502 with a web page, nothing is done."""
    BAD_GATEWAY_AFTER = auto()
    WEB_PAGE = auto()
    """The action is done, and answered with 200 and a web page."""
    TRUNCATED = auto()
    """The action is done, and its JSON ends too early."""
    OTHER_SHAPE = auto()
    """The action is done, and answered with JSON of another shape."""
    SAME_PAGE = auto()
    """The last answer for this path is sent again, whatever the query."""
    TRICKLE = auto()
    """The action is done, and the answer is sent byte by byte, `seconds` apart."""
    ENDLESS = auto()
    """The action is done, and its small compressed answer is very long when decompressed."""
    MOVED = auto()
    """307 to `location`, nothing is done."""


AFTER = {
    Fault.SLOW,
    Fault.TIME_OUT_AFTER,
    Fault.DROP_AFTER,
    Fault.CUT_OFF,
    Fault.BROKEN_AFTER,
    Fault.BAD_GATEWAY_AFTER,
    Fault.WEB_PAGE,
    Fault.TRUNCATED,
    Fault.OTHER_SHAPE,
    Fault.SAME_PAGE,
    Fault.TRICKLE,
    Fault.ENDLESS,
}
QUICK = [fault for fault in Fault if fault.name not in ("TRICKLE", "ENDLESS", "MOVED", "SAME_PAGE")]
"""Faults for seeded runs: none of them takes long if `seconds` is small."""


@dataclass
class _Entry:
    fault: Fault
    path: str
    method: str
    times: int
    skip: int
    options: dict[str, Any]


class Faults:
    """The planned faults of a server; without an entry a request succeeds, or fails at random if that was chosen."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._entries: list[_Entry] = []
        self._paused = False
        self._random: random.Random | None = None
        self._share = 0.0
        self._kinds: Sequence[Fault] = ()
        self._options: dict[str, Any] = {}

    def add(
        self, fault: Fault, path: str = "", *, method: str = "", times: int | None = 1, skip: int = 0, **options: Any
    ) -> None:
        """Fail the next `times` requests (None: all) with this text in their path, after `skip` that succeed.

        Options are `seconds`, `retry_after` and `location`.
        """
        entry = _Entry(fault, path, method, 10**9 if times is None else times, skip, options)
        with self._lock:
            self._entries.append(entry)

    @contextmanager
    def answer_lost(self, number: int) -> Iterator[Callable[[], bool]]:
        """Do the first, second, ... request from now on without an answer; yield whether there was one."""
        entry = _Entry(Fault.DROP_AFTER, "", "", 1, number - 1, {})
        with self._lock:
            self._entries.append(entry)
        yield lambda: entry.times == 0
        with self._lock:
            self._entries.remove(entry)

    def at_random(self, seed: int, share: float, kinds: Sequence[Fault] = QUICK, **options: Any) -> None:
        """From now on fail this share of the requests, the same ones for the same seed."""
        with self._lock:
            self._random, self._share, self._kinds, self._options = random.Random(seed), share, kinds, options

    def clear(self) -> None:
        """From now on let all requests succeed."""
        with self._lock:
            self._entries.clear()
            self._random = None

    @contextmanager
    def paused(self) -> Iterator[None]:
        """Let all requests succeed within this context; then continue with the planned faults."""
        self._paused = True
        yield
        self._paused = False

    def next_fault(self, method: str, path: str) -> tuple[Fault | None, dict[str, Any]]:
        """Return the fault of this request, None if it succeeds, with its options."""
        with self._lock:
            if self._paused:
                return None, {}
            for entry in self._entries:
                if entry.path in path and entry.method in ("", method) and entry.times:
                    if entry.skip:
                        entry.skip -= 1
                        continue
                    entry.times -= 1
                    return entry.fault, entry.options
            if self._random and self._random.random() < self._share:
                return self._random.choice(self._kinds), self._options
            return None, {}


class HostileServer:
    """Serves an application on its own port until it is closed; `calls` are the requests received."""

    def __init__(
        self, app: Callable[..., Any], tls: SSLContext | None = None, address: str = "127.0.0.1", port: int = 0
    ) -> None:
        self.faults = Faults()
        self.calls: list[tuple[str, str]] = []
        self.headers: list[dict[str, str]] = []
        self.connections = 0
        self._client = Client(app)
        self._last: dict[str, bytes] = {}
        self._closing = threading.Event()
        self._open: set[socket.socket] = set()
        self._server = ThreadingHTTPServer((address, port), type("Handler", (_Handler,), {"hostile": self}))
        self._server.daemon_threads = False  # so that closing waits for them
        if tls:
            self._server.socket = tls.wrap_socket(self._server.socket, server_side=True)
        scheme = "https" if tls else "http"
        self.url = f"{scheme}://{address}:{self._server.server_port}"
        self._thread = threading.Thread(target=self._server.serve_forever, args=(0.02,), daemon=True)
        self._thread.start()

    def __enter__(self) -> HostileServer:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        """Close all connections and stop."""
        self._closing.set()
        self._server.shutdown()
        self._thread.join()
        for connection in list(self._open):
            with suppress(OSError):
                connection.shutdown(socket.SHUT_RDWR)
        self._server.server_close()

    # -- for the handler -------------------------------------------------------------------------------

    def opened(self, connection: socket.socket) -> None:
        self.connections += 1
        self._open.add(connection)

    def closed(self, connection: socket.socket) -> None:
        self._open.discard(connection)

    def wait(self, seconds: float) -> None:
        self._closing.wait(seconds)

    def served(self, handler: BaseHTTPRequestHandler, body: bytes) -> bytes:
        """Return the application's answer as bytes of HTTP."""
        answer = self._client.open(
            handler.path, method=handler.command, data=body, headers=list(handler.headers.items())
        )
        headers = [(name, value) for name, value in answer.headers if name.lower() != "content-length"]
        raw = _wire(answer.status_code, answer.data, headers)
        self._last[handler.path.partition("?")[0]] = raw
        return raw

    def last(self, path: str) -> bytes | None:
        return self._last.get(path.partition("?")[0])


class _Handler(BaseHTTPRequestHandler):
    hostile: HostileServer
    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True

    def setup(self) -> None:
        super().setup()
        self.hostile.opened(self.connection)

    def finish(self) -> None:
        self.hostile.closed(self.connection)
        with suppress(OSError):
            super().finish()

    def handle(self) -> None:
        with suppress(OSError):
            super().handle()

    def log_message(self, *_: object) -> None:
        pass

    def do_GET(self) -> None:
        body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
        fault, options = self.hostile.faults.next_fault(self.command, self.path)
        self.hostile.calls.append((self.command, self.path))
        self.hostile.headers.append(dict(self.headers))
        if fault is Fault.SLOW:
            self.hostile.wait(options.get("seconds", 0.05))
        seen = self.hostile.last(self.path) if fault is Fault.SAME_PAGE else None
        done = seen or (self.hostile.served(self, body) if fault is None or fault in AFTER else b"")
        if fault in (None, Fault.SLOW, Fault.SAME_PAGE):
            self.wfile.write(done)
        else:
            self._fail(fault, options, done)

    do_POST = do_PUT = do_DELETE = do_PATCH = do_GET

    def _fail(self, fault: Fault, options: dict[str, Any], done: bytes) -> None:
        after = {"Retry-After": str(options.get("retry_after", 1))}
        if fault in (Fault.TIME_OUT_BEFORE, Fault.TIME_OUT_AFTER):
            self.hostile.wait(options.get("seconds", HOUR))
            self.close_connection = True
        elif fault in (Fault.DROP_BEFORE, Fault.DROP_AFTER):
            self.close_connection = True
        elif fault is Fault.CUT_OFF:
            self.wfile.write(done[: len(done) - 5])
            self.close_connection = True
        elif fault is Fault.TRICKLE:
            for byte in done:
                self.wfile.write(bytes([byte]))
                self.hostile.wait(options.get("seconds", 0.02))
        else:
            body = done.partition(b"\r\n\r\n")[2]
            answers: dict[Fault, Callable[[], bytes]] = {
                Fault.UNAUTHORIZED: lambda: _json(401, {"error": "Unauthorized"}),
                Fault.FORBIDDEN: lambda: _json(403, {"error": "Forbidden"}),
                Fault.FIREWALL: lambda: _page(403),
                Fault.NOT_FOUND_PAGE: lambda: _page(404),
                Fault.TOO_MANY: lambda: _json(429, {"error": "Too many requests"}, **after),
                Fault.UNAVAILABLE: lambda: _json(503, {"error": "Unavailable"}, **after),
                Fault.BROKEN: lambda: _json(500, {"error": "Internal error"}),
                Fault.BROKEN_AFTER: lambda: _json(500, {"error": "Internal error"}),
                Fault.BAD_GATEWAY: lambda: _page(502),
                Fault.BAD_GATEWAY_AFTER: lambda: _page(502),
                Fault.WEB_PAGE: lambda: _page(200),
                Fault.TRUNCATED: lambda: _wire(200, body[: len(body) // 2], [("Content-Type", "application/json")]),
                Fault.OTHER_SHAPE: lambda: _json(200, "Hello!"),
                Fault.ENDLESS: lambda: _wire(200, gzip.compress(bytes(10**8), 1), [("Content-Encoding", "gzip")]),
                Fault.MOVED: lambda: _json(307, {}, Location=options["location"]),
            }
            self.wfile.write(answers[fault]())


def _wire(status: int, body: bytes, headers: Sequence[tuple[str, str]] = ()) -> bytes:
    names = {name.lower() for name, _ in headers}
    lines = [f"HTTP/1.1 {status} Hostile", f"Content-Length: {len(body)}"]
    lines += [f"{name}: {value}" for name, value in headers]
    lines += [] if "date" in names else [f"Date: {formatdate(usegmt=True)}"]
    return "\r\n".join(lines).encode("latin-1") + b"\r\n\r\n" + body


def _json(status: int, value: Any, **headers: str) -> bytes:
    named = [("Content-Type", "application/json"), *headers.items()]
    return _wire(status, json.dumps(value).encode(), named)


def _page(status: int) -> bytes:
    return _wire(status, PAGE, [("Content-Type", "text/html; charset=utf-8")])
