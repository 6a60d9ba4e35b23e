"""Guessing and flooding are limited by address, without effect on other callers."""

from __future__ import annotations

import os
from contextlib import suppress
from dataclasses import replace
from ipaddress import ip_network
from types import SimpleNamespace

import pytest

from bridge.clock import now
from bridge.errors import TooManyRequests
from bridge.protocol import oauth
from bridge.protocol.oauth import SCOPES
from bridge.protocol.rate_limit import (
    BUCKETS,
    NEW_CONNECTIONS,
    UNKNOWN_TOKENS,
    WRONG_SECRETS,
    Limit,
    RateLimiter,
    caller_address,
    network_of,
)
from bridge.settings import Settings
from tests.conftest import dump
from tests.linnworks import Linnworks

PAIR = Limit("Too many", 2, 10)


@pytest.fixture
def time():
    """Return a clock that the test sets, and the pauses that were made."""
    return SimpleNamespace(now=1000.0, rests=[])


@pytest.fixture
def rate_limiter(time) -> RateLimiter:
    return RateLimiter(lambda: time.now, b"salt", time.rests.append)


def taken(rate_limiter: RateLimiter, address: str) -> int:
    """Return how many more calls an address has now, and use them up."""
    number = 0
    with suppress(TooManyRequests):
        while True:
            rate_limiter.take(PAIR, address)
            number += 1
    return number


def test_a_burst_passes_and_then_one_call_at_a_time(rate_limiter, time):
    """
    Used-up calls come back one by one, never more than the burst.
    """
    seen = [taken(rate_limiter, "192.0.2.1")]
    for seconds in (9, 1, 10, 25, 10_000):
        time.now += seconds
        seen.append(taken(rate_limiter, "192.0.2.1"))

    assert [2, 0, 1, 1, 2, 2] == seen


def test_a_refusal_says_when_to_come_again(rate_limiter, time):
    """
    The remaining seconds are rounded up, and a call that comes too early costs nothing.
    """
    taken(rate_limiter, "192.0.2.1")
    time.now += 3.5
    with pytest.raises(TooManyRequests, match="Too many: please try again in 7 s") as caught:
        rate_limiter.take(PAIR, "192.0.2.1")

    assert 7 == caught.value.seconds


@pytest.mark.parametrize("other", ["192.0.2.2", "2001:db8::1", "", "unix:"])
def test_one_address_s_failures_are_not_another_s(rate_limiter, other):
    """
    Calls that one address has used up are still there for others.
    """
    taken(rate_limiter, "192.0.2.1")

    assert 2 == taken(rate_limiter, other)


@pytest.mark.parametrize(
    ("address", "same"),
    [
        ("2001:db8:1:2::1", "2001:db8:1:2:ffff:ffff:ffff:ffff"),
        ("192.0.2.1", "::ffff:192.0.2.1"),
        ("fe80::1%eth0", "fe80::2"),
    ],
)
def test_addresses_of_one_customer_are_one(rate_limiter, address, same):
    """
    An IPv6 network of 64 bits counts as one address, and an IPv4-mapped IPv6 address as the IPv4 address.
    """
    taken(rate_limiter, address)

    assert 0 == taken(rate_limiter, same)


def test_neighbouring_networks_are_not_one():
    """
    The next /64 is another customer's.
    """
    assert network_of("2001:db8:1:2::1") != network_of("2001:db8:1:3::1")


def test_memory_has_a_fixed_size(rate_limiter):
    """
    More addresses take no more memory.
    """
    size = rate_limiter._used_until.nbytes
    for number in range(3000):
        taken(rate_limiter, str(ip_network((0x20010DB8 << 96) + (number << 64)).network_address))

    assert 8 * BUCKETS == size == rate_limiter._used_until.nbytes


def test_processes_count_together(rate_limiter):
    """
    A forked process's calls count in its parent too.
    """
    child = os.fork()
    if not child:
        taken(rate_limiter, "192.0.2.1")
        os._exit(0)
    os.waitpid(child, 0)

    assert 0 == taken(rate_limiter, "192.0.2.1")


@pytest.mark.parametrize(
    ("peer", "forwarded", "caller"),
    [
        ("192.0.2.1", "", "192.0.2.1"),
        ("192.0.2.1", "198.51.100.7", "192.0.2.1"),
        ("127.0.0.1", "", "127.0.0.1"),
        ("127.0.0.1", "198.51.100.7", "198.51.100.7"),
        ("127.0.0.1", "203.0.113.9, 198.51.100.7", "198.51.100.7"),
        ("127.0.0.1", "198.51.100.7, 10.1.1.1", "198.51.100.7"),
        ("127.0.0.1", "10.1.1.1", "10.1.1.1"),
        ("::ffff:127.0.0.1", "198.51.100.7", "198.51.100.7"),
        ("127.0.0.1", "2001:db8::1", "2001:db8::1"),
        ("127.0.0.1", "2001:db8::1%any words", "2001:db8::1"),
        ("127.0.0.1", "198.51.100.7, rubbish", "127.0.0.1"),
        ("127.0.0.1", "rubbish, 10.1.1.1", "10.1.1.1"),
        ("127.0.0.1", ",", "127.0.0.1"),
        ("", "198.51.100.7", ""),
    ],
)
def test_only_trusted_proxies_say_who_calls(peer, forwarded, caller):
    """
    Only what our own proxies added to X-Forwarded-For is believed, so that no caller can claim another address.
    """
    assert caller == caller_address(peer, forwarded, [ip_network("127.0.0.1"), ip_network("10.0.0.0/8")])


# -- in the service ----------------------------------------------------------------------------------------


@pytest.fixture
def settings(tmp_path) -> Settings:
    return Settings(data_dir=tmp_path / "data", trusted_proxies=(ip_network("127.0.0.1"),))


@pytest.fixture
def limited(app, rate_limiter) -> RateLimiter:
    """Give the application the rate limiter with the test's clock."""
    app.extensions["bridge"] = replace(app.extensions["bridge"], rate_limiter=rate_limiter)
    return rate_limiter


def forwarded_for(address: str) -> dict[str, str]:
    return {"X-Forwarded-For": address}


def test_a_valid_token_is_never_slowed_down(call, linnworks, limited, time):
    """
    A guess is answered with an Error; a valid token is accepted, also from the same address.
    """
    before = dump()
    for _ in range(UNKNOWN_TOKENS.burst - 2):
        limited.take(UNKNOWN_TOKENS, "127.0.0.1")
    guesses = [call("ConfigTestEndpoint", AuthorizationToken=str(number))["Error"] for number in range(4)]
    elsewhere = call("ConfigTestEndpoint", AuthorizationToken="x", headers=forwarded_for("198.51.100.7"))["Error"]

    assert {"Unknown authorization token"} == {*guesses[:-2], elsewhere}
    assert all(words.startswith("Unknown authorization token, and too many of them") for words in guesses[-2:])
    assert [1.0, 1.0] == time.rests  # the two guesses beyond the burst waited
    assert linnworks("ConfigTestEndpoint")["Error"] is None
    assert [1.0, 1.0] == time.rests
    assert before == dump()


def test_delayed_guesses_do_not_hold_all_threads():
    """
    Two are delayed at a time; a third is answered at once.
    """
    waits: list[float] = []
    rate_limiter = RateLimiter(sleep=lambda seconds: (waits.append(seconds), rate_limiter.delay()))
    rate_limiter.delay()

    assert [1.0, 1.0] == waits


def test_new_integrations_are_limited_by_address(call, limited):
    """
    An unauthenticated caller cannot fill the database with integrations; other addresses can still begin one.
    """
    Linnworks(call, "first")
    for _ in range(NEW_CONNECTIONS.burst - 1):
        limited.take(NEW_CONNECTIONS, "127.0.0.1")
    before = dump()
    answer = call("AddNewUserEndpoint", AccountName="x", Email="x", LinnworksUniqueIdentifier="1" * 32)

    assert answer["Error"].startswith("Too many new integrations come from this address: please try again in ")
    assert answer["AuthorizationToken"] is None
    assert before == dump()
    assert Linnworks(lambda name, **fields: call(name, headers=forwarded_for("198.51.100.7"), **fields), "second").token


def test_new_integrations_of_an_oauth_client_are_not_limited(app, call, limited):
    """
    A call with an access token is not counted.
    """
    bridge = app.extensions["bridge"]
    client = oauth.authenticate(*oauth.new_client("Linnworks", SCOPES, now()))
    header = {"Authorization": f"Bearer {oauth.access_token(bridge.vault, client, SCOPES)}"}
    for _ in range(NEW_CONNECTIONS.burst):
        limited.take(NEW_CONNECTIONS, "127.0.0.1")

    assert Linnworks(lambda name, **fields: call(name, headers=header, **fields), "authenticated").token


@pytest.mark.usefixtures("limited")
@pytest.mark.parametrize("proxies", [(), (ip_network("127.0.0.1"),)], ids=["no trusted proxy", "a trusted proxy"])
def test_wrong_secrets_shut_nobody_out(app, time, proxies):
    """
    Wrong secrets of a client id are answered with 429 and a delay; the right one is accepted from any address.

    Also where every call seems to come from the proxy, because BRIDGE_TRUSTED_PROXIES does not name it.
    """
    bridge = app.extensions["bridge"]
    app.extensions["bridge"] = replace(bridge, settings=replace(bridge.settings, trusted_proxies=proxies))
    client_id, secret = oauth.new_client("Linnworks", SCOPES, now())
    form = {"grant_type": "client_credentials", "client_id": client_id}

    def status(secret: str, address: str) -> int:
        sent = {**form, "client_secret": secret}
        return app.test_client().post("/api/oauth/authorize", data=sent, headers=forwarded_for(address)).status_code

    guesses = [status("guess", "203.0.113.9") for _ in range(WRONG_SECRETS.burst + 5)]

    assert ([401] * WRONG_SECRETS.burst + [429] * 5) == guesses
    assert [1.0] * 5 == time.rests
    assert (200, 200) == (status(secret, "203.0.113.9"), status(secret, "198.51.100.7"))
    assert (401 if proxies else 429) == status("guess", "198.51.100.7")
