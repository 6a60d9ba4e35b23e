"""A shop over HTTP or HTTPS in a process of its own, which counts the connections to it.

Arguments: the seconds that it takes for a call, and for TLS the file with its certificate and key. It prints its port.
GET /connections is no call: it answers the number of connections so far, not counting its own.
"""

from __future__ import annotations

import ssl
import sys
import time
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

BODY = b'{"updated": true}'


class Shop(BaseHTTPRequestHandler):
    """Give every call the same answer, over connections that stay open."""

    protocol_version = "HTTP/1.1"
    seconds = 0.0
    connections = 0

    def setup(self) -> None:
        """Count the connection."""
        super().setup()
        Shop.connections += 1

    def do_GET(self) -> None:
        """Answer after the seconds; GET /connections is answered at once and its connection closed."""
        self.rfile.read(int(self.headers.get("Content-Length", 0)))
        body = BODY
        if self.path == "/connections":
            Shop.connections -= 1
            body = str(Shop.connections).encode()
            self.close_connection = True
        else:
            time.sleep(self.seconds)
        self.wfile.write(
            b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: %d\r\n\r\n%s" % (len(body), body)
        )

    do_POST = do_GET

    def log_message(self, format: str, *args: Any) -> None:
        """Log nothing."""


def main() -> None:
    """Serve until the process is killed."""
    Shop.seconds = float(sys.argv[1])
    server = ThreadingHTTPServer(("127.0.0.1", 0), Shop)
    server.daemon_threads = True
    if len(sys.argv) > 2:
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(sys.argv[2])
        server.socket = context.wrap_socket(server.socket, server_side=True)
    sys.stdout.write(f"{server.server_address[1]}\n")
    sys.stdout.flush()
    server.serve_forever()


if __name__ == "__main__":
    main()
