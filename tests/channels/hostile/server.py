"""A real HTTP server that serves any shop's WSGI application, and misbehaves as it is told."""

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
    """What may go wrong with a request; AFTER means that the shop did what it was asked."""

    SLOW = auto()
    """The request is served after `seconds`."""
    TIME_OUT_BEFORE = auto()
    """Nothing is done and nothing is answered for `seconds`."""
    TIME_OUT_AFTER = auto()
    DROP_BEFORE = auto()
    """The connection ends without an answer."""
    DROP_AFTER = auto()
    CUT_OFF = auto()
    """The action is done, and the connection ends in the middle of the answer."""
    UNAUTHORIZED = auto()
    FORBIDDEN = auto()
    FIREWALL = auto()
    """403 with a web page, by something that stands before the shop."""
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
    """What this path was answered last is answered again, whatever the query."""
    TRICKLE = auto()
    """The action is done, and answered byte by byte, `seconds` apart, from the status line on."""
    ENDLESS = auto()
    """The action is done, and its small compressed answer is very long."""
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
"""Faults that a seeded run may draw from: none of them lasts where `seconds` are few."""


@dataclass
class _Entry:
    fault: Fault
    path: str
    method: str
    times: int
    skip: int
    options: dict[str, Any]


class Faults:
    """The script of what goes wrong, entry by entry; without one all goes well, or as chance will have it."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._entries: list[_Entry] = []
        self._resting = False
        self._random: random.Random | None = None
        self._share = 0.0
        self._kinds: Sequence[Fault] = ()
        self._options: dict[str, Any] = {}

    def add(
        self, fault: Fault, path: str = "", *, method: str = "", times: int | None = 1, skip: int = 0, **options: Any
    ) -> None:
        """The next `times` requests (None: all) with this in their path meet a fault, after `skip` that do not.

        Options are `seconds`, `retry_after` and `location`.
        """
        entry = _Entry(fault, path, method, 10**9 if times is None else times, skip, options)
        with self._lock:
            self._entries.append(entry)

    def at_random(self, seed: int, share: float, kinds: Sequence[Fault] = QUICK, **options: Any) -> None:
        """From now on this share of the requests meets a fault, the same ones for the same seed."""
        with self._lock:
            self._random, self._share, self._kinds, self._options = random.Random(seed), share, kinds, options

    def clear(self) -> None:
        """From now on all goes well."""
        with self._lock:
            self._entries.clear()
            self._random = None

    @contextmanager
    def at_rest(self) -> Iterator[None]:
        """For a while all goes well; afterwards the script goes on where it was."""
        self._resting = True
        yield
        self._resting = False

    def draw(self, method: str, path: str) -> tuple[Fault | None, dict[str, Any]]:
        """What happens to this request."""
        with self._lock:
            if self._resting:
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
    """Serves an application on a port of its own until it is closed; `calls` are the requests that came."""

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
        """End all connections and stop."""
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

    def rest(self, seconds: float) -> None:
        self._closing.wait(seconds)

    def served(self, handler: BaseHTTPRequestHandler, body: bytes) -> bytes:
        """What the application answers, as it goes over the wire."""
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
        fault, options = self.hostile.faults.draw(self.command, self.path)
        self.hostile.calls.append((self.command, self.path))
        self.hostile.headers.append(dict(self.headers))
        if fault is Fault.SLOW:
            self.hostile.rest(options.get("seconds", 0.05))
        seen = self.hostile.last(self.path) if fault is Fault.SAME_PAGE else None
        done = seen or (self.hostile.served(self, body) if fault is None or fault in AFTER else b"")
        if fault in (None, Fault.SLOW, Fault.SAME_PAGE):
            self.wfile.write(done)
        else:
            self._misbehave(fault, options, done)

    do_POST = do_PUT = do_DELETE = do_PATCH = do_GET

    def _misbehave(self, fault: Fault, options: dict[str, Any], done: bytes) -> None:
        after = {"Retry-After": str(options.get("retry_after", 1))}
        if fault in (Fault.TIME_OUT_BEFORE, Fault.TIME_OUT_AFTER):
            self.hostile.rest(options.get("seconds", HOUR))
            self.close_connection = True
        elif fault in (Fault.DROP_BEFORE, Fault.DROP_AFTER):
            self.close_connection = True
        elif fault is Fault.CUT_OFF:
            self.wfile.write(done[: len(done) - 5])
            self.close_connection = True
        elif fault is Fault.TRICKLE:
            for byte in done:
                self.wfile.write(bytes([byte]))
                self.hostile.rest(options.get("seconds", 0.02))
        else:
            body = done.partition(b"\r\n\r\n")[2]
            answers: dict[Fault, Callable[[], bytes]] = {
                Fault.UNAUTHORIZED: lambda: _json(401, {"error": "Who are you?"}),
                Fault.FORBIDDEN: lambda: _json(403, {"error": "Not you."}),
                Fault.FIREWALL: lambda: _page(403),
                Fault.NOT_FOUND_PAGE: lambda: _page(404),
                Fault.TOO_MANY: lambda: _json(429, {"error": "Not so fast."}, **after),
                Fault.UNAVAILABLE: lambda: _json(503, {"error": "Not now."}, **after),
                Fault.BROKEN: lambda: _json(500, {"error": "Oh."}),
                Fault.BROKEN_AFTER: lambda: _json(500, {"error": "Oh."}),
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
