"""gunicorn's threaded worker, protected from slow clients and from lost calls when it stops."""

from __future__ import annotations

import select
import signal
import socket
import time
from collections.abc import Callable
from contextlib import suppress
from typing import Any

from gunicorn.http.wsgi import Response
from gunicorn.workers.gthread import ThreadWorker

from bridge.protocol.envelope import SAFE_HEADERS

STOP_SIGNALS = (signal.SIGTERM, signal.SIGINT, signal.SIGQUIT)

SEND_SECONDS = 10
"""How long after its budget a client may take to receive the answer."""

NOT_HTTP = b'{"Error":"The request is not proper HTTP"}'


class GunicornWorker(ThreadWorker):  # type: ignore[misc]
    """A worker process in which no client keeps a thread by sending or receiving slowly, or by not hanging up."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self._read_until: dict[Any, float] = {}  # by connection in a thread

    def init_process(self) -> None:
        """Start serving, without telling clients what serves them."""
        Response.default_headers = _without_banner(Response.default_headers)
        super().init_process()

    def init_signals(self) -> None:
        """Handle signals, also those that came since the fork."""
        super().init_signals()
        unblock_stop_signals()

    def set_accept_enabled(self, enabled: bool) -> None:
        """Start or stop accepting connections; a worker that stops accepts those already waiting, then closes its end.

        A later client would wait for our last answer, and get none itself.
        """
        super().set_accept_enabled(enabled)
        if not self.alive:
            for listener in self.sockets:
                if listener.sock is None:
                    continue  # closed when this was called before
                with suppress(OSError, ValueError):
                    while select.select([listener], [], [], 0)[0]:
                        self.accept(listener)
                listener.close()

    def handle(self, conn: Any) -> Any:
        """Read a request and answer it."""
        self._read_until[conn] = time.monotonic() + self.app.settings.budget_seconds
        keep_open = super().handle(conn)
        self._read_until.pop(conn, None)
        if keep_open is False:
            _shut_down(conn.sock, socket.SHUT_RD)  # or gunicorn's main loop would wait for this client to hang up
        return keep_open

    def notify(self) -> None:
        """Tell gunicorn every second that we are alive, and stop reading from and sending to slow clients.

        A timeout of the socket would start again with each byte.
        """
        super().notify()
        for conn, until in list(self._read_until.items()):
            late = time.monotonic() - until
            if late > 0:
                _shut_down(conn.sock, socket.SHUT_RDWR if late > SEND_SECONDS else socket.SHUT_RD)

    def handle_error(self, req: Any, client: Any, addr: Any, exc: Exception) -> None:
        """Answer a request that is not HTTP in the envelope; neither answer nor log repeat any of it."""
        self.log.info("A request was not proper HTTP: %s", type(exc).__name__)
        headers = {**SAFE_HEADERS, "Content-Type": "application/json", "Content-Length": len(NOT_HTTP)}
        head = "".join(f"{name}: {value}\r\n" for name, value in headers.items())
        with suppress(OSError):
            client.sendall(f"HTTP/1.1 200 OK\r\n{head}Connection: close\r\n\r\n".encode() + NOT_HTTP)


def unblock_stop_signals() -> None:
    """Let this process receive the signals that were blocked over a fork."""
    signal.pthread_sigmask(signal.SIG_UNBLOCK, STOP_SIGNALS)


def _without_banner(default_headers: Callable[[Any], list[str]]) -> Callable[[Any], list[str]]:
    return lambda response: [header for header in default_headers(response) if not header.startswith("Server:")]


def _shut_down(sock: socket.socket, how: int) -> None:
    with suppress(OSError):
        sock.shutdown(how)
