"""Of a large body nothing is read, made or parsed before its token is known, and then only as much as a call needs."""

from __future__ import annotations

import io
import threading
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import pytest
import requests

from bridge.protocol import body
from bridge.protocol.body import LONGEST_NUMBER, MOST_ELEMENTS, SMALL_BYTES
from bridge.vault import new_token
from tests.conftest import dump
from tests.linnworks import Linnworks
from tests.processes import Service, until

PATH = "/api/Config/ConfigTest"
UNKNOWN = "Unknown authorization token"
TOO_LONG = f"The request is longer than {SMALL_BYTES} bytes"
PADDING = b'"More": "' + b"x" * SMALL_BYTES + b'"'


class Sent(io.BytesIO):
    """A body that knows how much of it was read."""

    def readinto(self, buffer: Any) -> int:
        read = super().readinto(buffer)
        self.bytes_read = getattr(self, "bytes_read", 0) + read
        return read


@pytest.fixture
def send(app) -> Callable[..., tuple[str | None, int]]:
    """Return a function that posts bytes and returns the Error and how many of them were read."""

    def post(raw: bytes, path: str = PATH) -> tuple[str | None, int]:
        stream = Sent(raw)
        response = app.test_client().post(path, input_stream=stream, content_length=len(raw))

        assert 200 == response.status_code
        return response.get_json()["Error"], stream.bytes_read

    return post


@pytest.fixture
def parsed(monkeypatch) -> list[int]:
    """Return the sizes of the bodies that were parsed."""
    sizes: list[int] = []
    usual = body._read_json
    monkeypatch.setattr(body, "_read_json", lambda raw: (sizes.append(len(raw)), usual(raw))[1])
    return sizes


def with_token(token: str, *members: bytes) -> bytes:
    return b"{" + b", ".join([b'"AuthorizationToken": "%s"' % token.encode(), *members]) + b"}"


def test_a_body_with_an_unknown_token_is_read_to_its_start_only(send, linnworks, parsed):
    """
    Nor is any of it parsed.
    """
    before = list(parsed)
    error, read = send(with_token(new_token(), b'"More": [' + b"{}," * 1_000_000 + b"{}]"))

    assert (UNKNOWN, SMALL_BYTES + 1) == (error, read)
    assert before == parsed


def test_an_integration_that_is_not_finished_has_no_large_bodies(send, call, parsed):
    """
    Its token, which anyone gets, opens nothing that a token of one's own does not.
    """
    token = Linnworks(call, "halfway").token
    before = list(parsed)
    error, read = send(with_token(token, PADDING))

    assert (TOO_LONG, SMALL_BYTES + 1) == (error, read)
    assert before == parsed


@pytest.mark.parametrize("path", ["/api/Config/AddNewUser", "/api/Listing/GetConfiguratorSettings"])
def test_a_call_without_a_token_has_no_large_bodies(send, path):
    """
    It is refused after the start, and changes nothing.
    """
    before = dump()

    assert (TOO_LONG, SMALL_BYTES + 1) == send(b"{" + PADDING + b"}", path)
    assert before == dump()


@pytest.mark.parametrize("padding", [b"", PADDING], ids=["small", "large"])
def test_the_token_is_found_wherever_it_stands(send, linnworks, padding):
    """
    Before or behind everything else, in any case and with any spaces; but nowhere else than at the top.
    """
    token, members = linnworks.token.encode(), [padding] if padding else []

    def error(*parts: bytes) -> str | None:
        return send(b"{" + b", ".join([*parts, *members]) + b"}")[0]

    assert error(b'"AuthorizationToken":"%s"' % token) is None
    assert send(b"{" + b", ".join([*members, b'"authorizationTOKEN" \n\t:\r "%s"' % token]) + b"}")[0] is None
    assert error(b'"Other": {"AuthorizationToken": "%s"}' % token) == UNKNOWN
    assert error(b'"Other": {"AuthorizationToken": "%s"}, "AuthorizationToken": "%s"' % (token, token)) is None
    assert error(b'"Other": "\\"AuthorizationToken\\": \\"%s\\""' % token) == UNKNOWN
    assert error(b'"AuthorizationToken": ["%s"]' % token) == UNKNOWN
    assert error(b'"AuthorizationToken": "%s", "authorizationtoken": "%s"' % (token, token)) == UNKNOWN


def test_at_most_two_tokens_are_looked_up(send, linnworks):
    """
    A third is not found, so that no body makes many queries.
    """
    other, token = b'{"AuthorizationToken": "%s"}' % new_token().encode(), linnworks.token.encode()
    one, two = (b"[" + b", ".join([other] * number) + b"]" for number in (1, 2))

    assert send(b'{"Other": %s, "AuthorizationToken": "%s"}' % (one, token))[0] is None
    assert send(b'{"Other": %s, "AuthorizationToken": "%s"}' % (two, token))[0] == UNKNOWN


HALF = MOST_ELEMENTS // 2
BOUNDED = {
    "objects": b"{}," * HALF + b"{}",
    "lists": b"[]," * HALF + b"[]",
    "numbers": b"1," * MOST_ELEMENTS + b"1",
    "decimals": b"1.1," * MOST_ELEMENTS + b"1",
    "texts": b'"",' * MOST_ELEMENTS + b'""',
    "quotes": b'"' + b'\\"' * MOST_ELEMENTS + b'",' + b"[]," * HALF + b"[]",
    "backslashes": b'"\\\\",' * MOST_ELEMENTS + b'""',
    "objects with a key": b'{"a":1},' * HALF + b"{}",
    "keys": b"{" + b",".join(b'"%d":1' % number for number in range(HALF)) + b"}",
}


@pytest.mark.parametrize("name", BOUNDED)
def test_keys_and_values_are_counted_before_they_are_made(send, linnworks, parsed, name):
    """
    A body with more than any call has is refused without being parsed.
    """
    before = list(parsed)
    error, _ = send(with_token(linnworks.token, b'"More": [' + BOUNDED[name] + b"]"))

    assert f"The request has more than {MOST_ELEMENTS} keys and values" == error
    assert before == parsed


def test_digits_are_counted_before_numbers_are_made(send, linnworks, parsed):
    """
    A long number is refused without being parsed, wherever it begins.
    """
    for start in range(0, 1000, 111):
        before = list(parsed)
        number = b"x" * start + b'", "Number": ' + b"7" * (2 * LONGEST_NUMBER)
        error, _ = send(with_token(linnworks.token, PADDING[:-1] + b"x" * MOST_ELEMENTS + number))

        assert "The request has a number that is too long" == error
        assert before == parsed


def test_what_texts_contain_is_not_counted(send, linnworks):
    """
    Descriptions full of punctuation pass, up to the longest body.
    """
    html = b'"' + b'<p style=\\"a:b,c:d\\" data=\\"{[,]}\\\\\\\\\\">' * 60_000 + b'"'

    assert send(with_token(linnworks.token, b'"More": ' + html))[0] is None


def test_few_large_bodies_are_held_at_once(app, send, linnworks):
    """
    Further ones wait a little and get an Error that asks to try again; small ones are not concerned.
    """
    limits = app.extensions["bridge"].large_bodies
    known, unknown = with_token(linnworks.token, PADDING), with_token(new_token(), PADDING)
    behind = b"{" + PADDING + b', "AuthorizationToken": "%s"}' % linnworks.token.encode()
    busy = "Too many large requests arrive at once, please try again"
    with ExitStack() as inside:
        for number in range(limits.unknown.limit):
            inside.enter_context(limits.unknown.slot(number))
        assert (busy, None, UNKNOWN) == tuple(send(raw)[0] for raw in (behind, known, unknown))
        for number in range(limits.known.limit):
            inside.enter_context(limits.known.slot(-number))
        limits.known.limit_waiting = 0
        assert (busy, None) == (send(known)[0], send(with_token(linnworks.token))[0])
    limits.known.limit_waiting = limits.known.limit
    assert (None, None) == (send(behind)[0], send(known)[0])


# -- in the service ----------------------------------------------------------------------------------------


def memory(pids: list[int]) -> int:
    """Return how much memory the largest of these processes has, in megabytes."""
    found = [Path(f"/proc/{pid}/status").read_text().partition("VmRSS:")[2].split()[0] for pid in pids]
    return max(map(int, found)) // 1024


@pytest.fixture
def service(tmp_path) -> Iterator[Service]:
    with Service(tmp_path, BRIDGE_BUDGET_SECONDS="8") as service:
        yield service


@pytest.mark.service
@pytest.mark.full
def test_an_attack_with_large_bodies_takes_no_memory(service):
    """
    24 clients at once send the longest bodies: each process stays below 150 MB, and another seller is served.
    """
    ours, theirs = (Linnworks(service.post, name) for name in ("ours", "theirs"))
    for one in (ours, theirs):
        one.finish_wizard(shop_name=one.account, access_key=f"key of {one.account}")
    halfway = Linnworks(service.post, "halfway").token
    over, under = b'"More": [' + b"{}," * 1_300_000 + b"{}]", b'"More": [' + b"1.1," * 190_000 + b'"%s"]'
    bodies = [
        b"{" + over + b"}",
        with_token(new_token(), over),
        with_token(halfway, over),
        with_token(theirs.token, over),
        with_token(theirs.token, under % (b"x" * 3_000_000)),
        b"{" + under % (b"x" * 3_000_000) + b', "AuthorizationToken": "%s"}' % theirs.token.encode(),
    ]
    url, ended, most = f"http://127.0.0.1:{service.port}{PATH}", threading.Event(), [0]

    def watch() -> None:
        while not ended.wait(0.02):
            most[0] = max(most[0], memory(service.workers()))

    with ThreadPoolExecutor(26) as pool:
        pool.submit(watch)
        attack = [pool.submit(requests.post, url, data=bodies[number % 6], timeout=60) for number in range(120)]
        answers = [ours("ConfigTestEndpoint")["Error"] for _ in range(20)]
        statuses = {one.result().status_code for one in attack}
        ended.set()

    assert {200} == statuses
    assert {None} == set(answers)
    assert most[0] < 150
    assert until(lambda: memory(service.workers()) < 130)


def test_rows_of_an_unfinished_integration_are_not_loaded(call, monkeypatch):
    """
    Anyone can add one: thousands of invalid rows in 64 KB would take the processor for nothing.
    """
    unfinished = Linnworks(call)
    monkeypatch.setattr("bridge.protocol.receive.load", None)
    answer = unfinished("InventoryUpdateEndpoint", Products=[None] * 10_000)

    assert "The set-up of this integration is not finished: please complete its wizard" == answer["Error"]
