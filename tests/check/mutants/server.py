"""Serve an application over HTTP, or handle the requests of a check in its own process."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from urllib.parse import urlsplit

import requests

from tests.check.mutants.application import Application, Response
from tests.check.mutants.builders import Mutant

NO_LENGTH = "No-Length"
"""A response with this header is sent without a Content-Length."""


def wire_headers(response: Response) -> dict[str, str]:
    """Return the response's headers with those of its length."""
    headers = dict(response.headers)
    if response.chunked:
        headers["Transfer-Encoding"] = "chunked"
    elif headers.pop(NO_LENGTH, None) is None:
        headers["Content-Length"] = str(len(response.payload))
    return headers


class InProcessServer:
    """Serves one application after the other without a socket."""

    url = "http://127.0.0.1"
    app: Application

    def serve(self, *mutants: Mutant, oauth: bool = False) -> Application:
        """Serve a new application that these mutants change, and return it."""
        self.app = Application(self.url)
        if oauth:
            self.app.with_oauth(self.url)
        for mutant in mutants:
            mutant(self.app)
        return self.app

    def open_session(self) -> requests.Session:
        """Return a session for a check of the application."""
        return _InProcessSession(self)


class _InProcessSession(requests.Session):
    """Passes requests directly to the application."""

    def __init__(self, server: InProcessServer) -> None:
        super().__init__()
        self.server = server

    def request(self, method, url, data=None, headers=None, **options) -> requests.Response:
        sent_headers = {**self.headers, **(headers or {})}
        try:
            response = self.server.app.respond(method, urlsplit(url).path, sent_headers, data or b"")
        except Exception as error:  # an exception in the HTTP server closes the connection
            raise requests.ConnectionError from error
        received = requests.Response()
        received.status_code, received._content = response.status, response.payload
        received.headers.update(wire_headers(response))
        return received


class HttpServer(InProcessServer, ThreadingHTTPServer):
    """Serves one application after the other on a port of this machine."""

    daemon_threads = True
    request_queue_size = 64

    def __init__(self) -> None:
        ThreadingHTTPServer.__init__(self, ("127.0.0.1", 0), _Handler)
        self.url = f"http://127.0.0.1:{self.server_port}"

    def open_session(self) -> requests.Session:
        return requests.Session()

    def handle_error(self, request, client_address) -> None:
        pass  # a soak disconnects on purpose


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True
    server: HttpServer

    def do_POST(self) -> None:
        content = self.rfile.read(int(self.headers.get("Content-Length", 0)))
        self._send(self.server.app.respond(self.command, self.path, dict(self.headers), content))

    do_GET = do_POST

    def _send(self, response: Response) -> None:
        headers = wire_headers(response)
        if not headers.keys() & {"Content-Length", "Transfer-Encoding"}:
            headers["Connection"] = "close"
            self.close_connection = True
        self.send_response_only(response.status)
        for name, value in headers.items():
            self.send_header(name, value)
        self.end_headers()
        payload = response.payload
        self.wfile.write(b"%x\r\n%b\r\n0\r\n\r\n" % (len(payload), payload) if response.chunked else payload)
        self.wfile.flush()

    def log_message(self, *words: object) -> None:
        pass


@contextmanager
def http_server() -> Iterator[HttpServer]:
    """Run a server until the context is left."""
    server = HttpServer()
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01}, daemon=True)
    thread.start()
    try:
        yield server
    finally:
        server.shutdown()
        server.server_close()
        thread.join()
