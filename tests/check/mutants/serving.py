"""The application on a port of this machine."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

from tests.check.mutants.application import Application, Response


class Server(ThreadingHTTPServer):
    daemon_threads = True
    request_queue_size = 64
    app: Application

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.server_port}"

    def serve(self, *mutants: Callable[[Application], None], oauth: bool = False) -> Application:
        """Begins anew, with an application bent so."""
        self.app = Application(self.url)
        if oauth:
            self.app.with_oauth(self.url)
        for mutant in mutants:
            mutant(self.app)
        return self.app

    def handle_error(self, request, client_address) -> None:
        pass  # a soak cuts connections


class Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True
    server: Server

    def do_POST(self) -> None:
        content = self.rfile.read(int(self.headers.get("Content-Length", 0)))
        self._send(self.server.app.respond(self.command, self.path, dict(self.headers), content))

    do_GET = do_POST

    def _send(self, response: Response) -> None:
        self.send_response_only(response.status)
        headers = dict(response.headers)
        if response.chunked:
            headers["Transfer-Encoding"] = "chunked"
        elif headers.pop("Length", "") != "unsaid":
            headers["Content-Length"] = str(len(response.payload))
        else:
            headers["Connection"] = "close"
            self.close_connection = True
        for name, value in headers.items():
            self.send_header(name, value)
        self.end_headers()
        payload = response.payload
        self.wfile.write(b"%x\r\n%b\r\n0\r\n\r\n" % (len(payload), payload) if response.chunked else payload)
        self.wfile.flush()

    def log_message(self, *words: object) -> None:
        pass


@contextmanager
def served() -> Iterator[Server]:
    """A server for as long as the block lasts."""
    server = Server(("127.0.0.1", 0), Handler)
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01}, daemon=True)
    thread.start()
    try:
        yield server
    finally:
        server.shutdown()
        server.server_close()
        thread.join()
