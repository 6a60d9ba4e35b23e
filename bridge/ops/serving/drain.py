"""Drain a request's body: what a client still sends is received, so that it gets to read its answer."""

from __future__ import annotations

import socket
import time
from contextlib import suppress
from typing import Any

from gunicorn.http.body import LengthReader

DRAIN_SECONDS = 2
CHUNK_BYTES = 65536
DISCARD_BYTES = 1 << 20

_discarded = bytearray(DISCARD_BYTES)  # nothing is ever written to it


def drain(body: Any, sock: socket.socket) -> None:
    """Receive the rest of a gunicorn request body for at most DRAIN_SECONDS, without keeping any of it."""
    end = time.monotonic() + DRAIN_SECONDS
    with suppress(Exception):  # whatever gunicorn raises for a body that breaks off or is malformed
        if isinstance(body.reader, LengthReader):
            missing = body.reader.length - body.reader.unreader.buf.tell()
            while missing > 0 and time.monotonic() < end:
                received = sock.recv_into(_discarded, min(missing, DISCARD_BYTES), socket.MSG_TRUNC)
                missing = missing - received if received else 0
        else:
            while body.read(CHUNK_BYTES) and time.monotonic() < end:
                pass
