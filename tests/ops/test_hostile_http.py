"""Requests that no library would send: the service answers them in the envelope, in time, and keeps serving."""

from __future__ import annotations

import json
import socket
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, suppress
from pathlib import Path
from typing import Any

import pytest
import requests

from bridge.ops.temporary_server import temporary_server
from tests.linnworks import Linnworks
from tests.processes import at, poster

pytestmark = pytest.mark.service

BUDGET = 1
THREADS = 4
SECRET = "planted-secret-5f1d"
PATH = "/api/Config/ConfigTest"


class Service:
    """A running service of one process and few threads, and its log."""

    def __init__(self, base_url: str, log: Path) -> None:
        self.base_url, self._log = base_url, log
        self._address = ("127.0.0.1", int(base_url.rpartition(":")[2]))
        self.linnworks = Linnworks(poster(base_url), "hostile")
        self.linnworks.finish_wizard(shop_name="hostile", access_key="key of hostile")

    def log(self) -> str:
        return self._log.read_text()

    def connect(self) -> socket.socket:
        return socket.create_connection(self._address, timeout=10)

    def send(self, raw: bytes) -> dict[str, Any]:
        """Send this, and return the answer, which must be in the envelope."""
        with self.connect() as sock:
            sock.sendall(raw)
            sock.shutdown(socket.SHUT_WR)
            return receive(sock)

    def serves(self) -> bool:
        """Return whether a normal call is answered soon."""
        started = time.monotonic()
        return self.linnworks("ConfigTestEndpoint")["Error"] is None and time.monotonic() - started < 2 * BUDGET + 1


def receive(sock: socket.socket) -> dict[str, Any]:
    """Receive a whole answer."""
    head, _, body = b"".join(iter(lambda: sock.recv(65536), b"")).partition(b"\r\n\r\n")
    answer = json.loads(body)

    assert head.startswith(b"HTTP/1.1 200 OK\r\n")
    assert f"content-length: {len(body)}" in head.decode().lower()
    assert isinstance(answer["Error"], str)
    return answer


@pytest.fixture(scope="module")
def service(tmp_path_factory) -> Iterator[Service]:
    """Run the service."""
    log = tmp_path_factory.mktemp("log") / "log"
    environ = {
        **at(tmp_path_factory.mktemp("data")),
        "BRIDGE_BUDGET_SECONDS": str(BUDGET),
        "BRIDGE_WORKERS": "1",
        "BRIDGE_THREADS": str(THREADS),
        "BRIDGE_LOG_LEVEL": "DEBUG",
        "BRIDGE_MAX_BODY_BYTES": "100000",
    }
    with temporary_server(log=log, **environ) as base_url:
        yield Service(base_url, log)


def trickle(sock: socket.socket, bit: bytes) -> bytes:
    """Send `bit` repeatedly until the other side hangs up; return its answer."""
    answer = b""
    sock.settimeout(0.02)
    with suppress(ConnectionError):
        while True:
            with suppress(TimeoutError):
                part = sock.recv(4096)
                if not part:
                    break
                answer += part
            if not answer:
                sock.sendall(bit)
    return answer


def post(*headers: str, path: str = PATH) -> bytes:
    return "\r\n".join([f"POST {path} HTTP/1.1", "Host: bridge", *headers, "", ""]).encode()


BROKEN = {
    "no length that is a number": post("Content-Length: many") + b"{}",
    "a length below zero": post("Content-Length: -1") + b"{}",
    "a length with a sign": post("Content-Length: +2") + b"{}",
    "two lengths": post("Content-Length: 2", "Content-Length: 3") + b"{} ",
    "a length and chunks": post("Content-Length: 2", "Transfer-Encoding: chunked") + b"0\r\n\r\n",
    "an unknown coding": post("Transfer-Encoding: rot13") + b"{}",
    "gzip and chunks": post("Transfer-Encoding: chunked, gzip") + b"0\r\n\r\n",
    "a chunk of no length": post("Transfer-Encoding: chunked") + b"x\r\n{}\r\n0\r\n\r\n",
    "a chunk that ends too late": post("Transfer-Encoding: chunked") + b"2\r\n{}{}\r\n0\r\n\r\n",
    "a chunk that never ends": post("Transfer-Encoding: chunked") + b"ffffffff\r\n{}",
    "a body that is cut off": post("Content-Length: 100") + b'{"AuthorizationToken": "',
    "a body that goes on": post("Content-Length: 1") + b'{"AuthorizationToken": "x"}',
    "no body": post("Content-Length: 0"),
    "no length at all": post() + b"{}",
    "a header without a name": post(": x") + b"{}",
    "a header with a NUL": post(f"Authorization: Bearer {SECRET}\x00", "Content-Length: 2") + b"{}",
    "a header without a colon": post(f"Authorization Bearer {SECRET}", "Content-Length: 2") + b"{}",
    "a header that is folded": post("X: 1", " folded", "Content-Length: 2") + b"{}",
    "a header that is too long": post(f"Authorization: {SECRET}{'x' * 9000}", "Content-Length: 2") + b"{}",
    "too many headers": post(*(f"X-{number}: 1" for number in range(200)), "Content-Length: 2") + b"{}",
    "an expectation": post("Expect: miracles", "Content-Length: 2") + b"{}",
    "an address that is too long": post(path="/" + "x" * 9000),
    "an address that climbs": post("Content-Length: 2", path="/api/../../etc/passwd") + b"{}",
    "an address with a secret": post("Content-Length: 2", path=f"/api/{SECRET}?key={SECRET}") + b"{}",
    "an address that is none": post("Content-Length: 2", path=f"*{SECRET}") + b"{}",
    "a version to come": post().replace(b"HTTP/1.1", b"HTTP/7.0"),
    "no HTTP": f"{SECRET}\r\n\r\n".encode(),
    "TLS": b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03" + b"\x00" * 200 + b"\r\n\r\n",
    "a proxy's greeting": b"PROXY TCP4 1.2.3.4 5.6.7.8 1 2\r\n" + post("Content-Length: 2") + b"{}",
}


@pytest.mark.parametrize("name", BROKEN)
def test_broken_http_is_answered(service, name):
    """
    Wrong lengths, broken chunks and impossible headers get an Error in the envelope, and other clients are served.
    """
    assert service.send(BROKEN[name])["Error"]


@pytest.mark.parametrize(
    "header", ["Script-Name: /api", "SCRIPT_NAME: /api", "Path-Info: /health", "PATH_INFO: /health", "Proxy: http://x"]
)
def test_no_header_moves_a_request(service, header):
    """
    A client cannot say at which path the service is, nor to which path a request goes.
    """
    answer = service.send(post(header, "Content-Length: 2") + b"{}")

    assert "Unknown authorization token" == answer["Error"]


def test_answers_do_not_say_what_serves_them(service):
    """
    No answer has a Server header, also where the request is no proper HTTP.
    """
    for raw in (post("Content-Length: 2") + b"{}", b"no HTTP\r\n\r\n"):
        with service.connect() as sock:
            sock.sendall(raw)
            head = b"".join(iter(lambda: sock.recv(65536), b"")).partition(b"\r\n\r\n")[0].lower()

        assert b"server:" not in head
        assert b"cache-control: no-store" in head


def test_a_body_that_is_too_long_is_drained(service):
    """
    A client that sends more than is accepted receives the Error, however it sends.
    """
    content = b" " * 3_000_000
    chunked = requests.post(service.base_url + PATH, data=iter([content]), timeout=10).json()
    whole = requests.post(service.base_url + PATH, data=content, timeout=10).json()
    elsewhere = requests.post(service.base_url + "/nowhere", data=content, timeout=10).json()

    assert "The request is longer than 100000 bytes" == whole["Error"] == chunked["Error"]
    assert "There is no endpoint at this address" == elsewhere["Error"]


def test_a_form_for_a_token_is_bounded(service):
    """
    The token endpoint reads no more than a form needs.
    """
    url = service.base_url + "/api/oauth/authorize"
    answer = requests.post(url, data=b"client_id=" + b"x" * 50_000, timeout=10)

    assert (400, "invalid_request") == (answer.status_code, answer.json()["error"])


def test_a_body_that_trickles_in_is_cut_off(service):
    """
    Bytes that arrive one by one keep a thread for the budget, and then get an Error.
    """
    started = time.monotonic()
    with service.connect() as sock:
        sock.sendall(post("Content-Length: 90000"))
        answer = trickle(sock, b" ")

    assert b"The request did not arrive whole and in time" in answer
    assert time.monotonic() - started < 5 * BUDGET


def test_silent_clients_take_no_threads(service):
    """
    More clients than threads send nothing, half a head or half a body, or do not hang up; others are served.
    """
    with ExitStack() as silent:
        for sent in (b"", b"POST /api", post("Content-Length: 100") + b"{", post("Content-Length: 2") + b"{}"):
            for _ in range(THREADS + 1):
                sock = silent.enter_context(service.connect())
                sock.sendall(sent)
        with ThreadPoolExecutor(THREADS) as pool:
            url = f"{service.base_url}/health"
            served = list(pool.map(lambda _: requests.get(url, timeout=20).status_code, range(4)))

    assert [200] * 4 == served
    assert service.serves()


def test_half_a_body_is_answered(service):
    """
    More clients than threads send half a body and fall silent: each gets an Error, and others are served meanwhile.
    """
    with ExitStack() as stack:
        senders = [stack.enter_context(service.connect()) for _ in range(2 * THREADS)]
        for sender in senders:
            sender.sendall(post("Content-Length: 100") + b"{")
        health = requests.get(f"{service.base_url}/health", timeout=10).status_code
        errors = {receive(sender)["Error"] for sender in senders}

    assert 200 == health
    assert {"The request did not arrive whole and in time"} == errors


def test_a_head_that_trickles_in_is_cut_off(service):
    """
    A head without an end is read for the budget only.
    """
    started = time.monotonic()
    with service.connect() as sock:
        sock.sendall(f"POST {PATH} HTTP/1.1\r\n".encode())

        assert b"" == trickle(sock, b"X-More: 1\r\n")
    assert time.monotonic() - started < 5 * BUDGET
    assert service.serves()


def test_broken_http_is_not_logged(service):
    """
    No part of it is logged at any level, as it may contain secrets; nor is any traceback.
    """
    for raw in BROKEN.values():
        service.send(raw)

    assert SECRET not in service.log()
    assert "Traceback" not in service.log()
    assert f"path={PATH}" in service.log()
