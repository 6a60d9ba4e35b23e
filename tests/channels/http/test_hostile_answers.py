"""Answers of a hostile shop: nothing is read past the limit, and nothing long is made of it."""

from __future__ import annotations

import socket
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import suppress
from typing import Any

import pytest

from bridge.channels.http import AnswerTooLong, answer_memory
from bridge.clock import Deadline
from bridge.errors import ChannelRefused, ChannelUnavailable
from bridge.settings import Settings

pytestmark = pytest.mark.service

MEGABYTE = b"x" * 1_000_000
ENDLESS = 60  # megabytes
BUFFERED = 8  # megabytes that the two ends of a connection may hold on the way
OK, JSON = b"HTTP/1.1 200 OK\r\n", b"Content-Type: application/json\r\n"
CHUNKED = b"Transfer-Encoding: chunked\r\n"


class RawServer:
    """A server that sends a beginning and then a filling as long as the client reads, and counts megabytes."""

    def __init__(self) -> None:
        self.beginning, self.filling = b"", b""
        self.sent = 0
        self.done = threading.Event()
        self._socket = socket.create_server(("127.0.0.1", 0))
        self.url = f"http://127.0.0.1:{self._socket.getsockname()[1]}"
        threading.Thread(target=self._serve, daemon=True).start()

    def _serve(self) -> None:
        while True:
            with suppress(OSError):
                connection, _ = self._socket.accept()
                with connection:
                    connection.recv(65536)
                    connection.sendall(self.beginning)
                    for _ in range(ENDLESS if self.filling else 0):
                        connection.sendall(self.filling)
                        self.sent += 1
            if self._socket.fileno() < 0:
                return
            self.done.set()

    def close(self) -> None:
        self._socket.close()


@pytest.fixture
def raw() -> Iterator[RawServer]:
    """A server for one answer."""
    server = RawServer()
    yield server
    server.close()


@pytest.mark.parametrize(
    "status", ["302 Found\r\nLocation: /other", "301 Moved\r\nLocation: /o\r\nContent-Encoding: gzip", "500 Error"]
)
def test_the_body_of_a_redirect_or_a_failure_is_not_read(shop, raw, status):
    """However long it is, the connection ends with its headers."""
    raw.beginning = f"HTTP/1.1 {status}\r\nContent-Length: 99000000\r\n\r\n".encode()
    raw.filling = MEGABYTE

    with pytest.raises(ChannelUnavailable):
        shop.client(address=raw.url).post("actions", {})
    assert raw.done.wait(5)
    assert raw.sent <= BUFFERED


@pytest.mark.parametrize(
    ("beginning", "filling"),
    [
        pytest.param(OK + CHUNKED + b"\r\n", b"0" * 1_000_000, id="length of a chunk"),
        pytest.param(OK + CHUNKED + b"\r\n2\r\n{}\r\n0\r\n", MEGABYTE, id="trailer"),
        pytest.param(OK + CHUNKED + b"\r\n", b"1;" + MEGABYTE + b"\r\n1\r\n", id="extensions of chunks"),
        pytest.param(OK, b"X: y\r\n" * 160_000, id="headers"),
        pytest.param(b"", b"HTTP/1.1 100 Continue\r\n\r\n" * 40_000, id="interim answers"),
        pytest.param(b"HTTP/1.1 404 Not Found\r\n" + JSON + b"\r\n", MEGABYTE, id="body of a refusal"),
    ],
)
def test_no_part_of_an_answer_is_read_past_the_limit(shop, raw, beginning, filling):
    """Not its headers, not the framing of its chunks, and no status has a body without limit."""
    raw.beginning, raw.filling = beginning, filling

    with pytest.raises(ChannelUnavailable):
        shop.client(address=raw.url).post("actions", {})
    assert raw.done.wait(5)
    assert raw.sent <= 17 + BUFFERED


def _whole(body: bytes) -> bytes:
    return OK + JSON + b"Content-Length: %d\r\n\r\n" % len(body) + body


@pytest.mark.parametrize("value", [b"[]", b"{}", b"1.1", b"1", b'{"a":1}'])
def test_an_answer_with_too_many_values_is_not_parsed(shop, raw, value):
    """Values are counted before they are made."""
    raw.beginning = _whole(b"[" + b",".join([value] * 1_500_000) + b"]")
    started = time.thread_time()

    with pytest.raises(AnswerTooLong, match="too long"):
        shop.client(address=raw.url).get("thing")
    assert time.thread_time() - started < 1


def test_separators_in_texts_are_no_values(shop, raw):
    """A long text may have many commas."""
    text = '{\\"a\\": [1, 2, \\\\]' * 200_000
    raw.beginning = _whole(f'{{"text": "{text}"}}'.encode())

    assert shop.client(address=raw.url).get("thing").json["text"].startswith('{"a": [1, 2, \\]')


@pytest.mark.parametrize(("allowed", "error"), [(16_000_000, None), (1_000_000, AnswerTooLong)])
def test_a_request_may_allow_less(shop, raw, allowed, error):
    """An answer to the wizard may have a megabyte."""
    raw.beginning = _whole(b'["' + 2 * MEGABYTE + b'"]')
    deadline = Deadline(5)
    deadline.most_answer_bytes = allowed
    get: Callable[[str], Any] = shop.client(deadline, address=raw.url).get

    if error:
        with pytest.raises(error):
            get("thing")
    else:
        assert [(2 * MEGABYTE).decode()] == get("thing").json


def test_long_answers_share_the_memory(shop, raw):
    """While many are being read, a very long one is refused, and one of a megabyte never is."""
    raw.beginning = _whole(b'["' + 5 * MEGABYTE + b'"]')
    held = [answer_memory.counted() for _ in range(7)]
    for other in held:
        other.__enter__()(answer_memory.ALWAYS + 1)
    try:
        with pytest.raises(AnswerTooLong):
            shop.client(address=raw.url).get("thing")
        assert shop.client().get("thing").json
    finally:
        for other in held:
            other.__exit__(None, None, None)
    assert shop.client(address=raw.url).get("thing").json


@pytest.mark.parametrize("number", ["1e200000", "-1E+999999999", "1e-200000", "0e-200000", "1.5e15", "1." + "1" * 5000])
def test_a_number_out_of_range_stays_a_text(shop, raw, number):
    """It spoils nothing around it, and nothing is computed with it."""
    raw.beginning = _whole(f'[{{"total": {number}}}, {{"total": 1.25}}]'.encode())
    rows = shop.client(address=raw.url).get("thing").rows()

    assert number[:100] == rows[0]["total"]
    assert "1.25" == str(rows[1]["total"])


@pytest.mark.parametrize("beginning", [b"", b"SSH-2.0-OpenSSH_9.2\r\n", b"220 mail.example.com ESMTP\r\n", None])
def test_an_error_does_not_tell_an_open_port_from_a_closed_one(shop, raw, beginning):
    """Whatever listens there, and if nothing does, the words are the same."""
    raw.beginning = beginning or b""
    if beginning is None:
        raw.close()

    for scheme in ("http", "https"):
        with pytest.raises(ChannelUnavailable, match=r"^The shop cannot be reached, or did not answer in time$"):
            shop.client(Deadline(0.5), address=raw.url.replace("http", scheme)).get("thing")


def test_the_machines_own_public_address_is_refused(shop, monkeypatch):
    """An address from which the connection would come is the bridge's own."""
    monkeypatch.setattr("bridge.channels.http.transport.is_public", lambda address: True)

    with pytest.raises(ChannelRefused, match="own machine"):
        shop.client(settings=Settings()).get("thing")
    assert 0 == shop.server.connections
