"""Tokens that expire: one login for all threads, and the refused call sent again."""

from __future__ import annotations

import threading
from typing import Any

import pytest

from bridge.channels.http import Body, ShopClient, ShopResponse, TokenExpired
from bridge.clock import Deadline
from bridge.errors import ChannelUnavailable, CredentialsRefused, OutcomeUnknown
from tests.channels.hostile.server import Fault
from tests.channels.http.shop import KEY, Shop

pytestmark = pytest.mark.service


def log_in(shop: ShopClient, name: str, secret: str) -> dict[str, str]:
    """Log in as a channel would."""
    answer = shop.post("token", Body.form({"name": name, "secret": secret}), read=True)
    return {"Authorization": f"Bearer {answer.object()['access_token']}"}


def client_of(shop: Shop, secret: str = KEY, deadline: Deadline | None = None, **options: Any) -> ShopClient:
    return shop.client(deadline, log_in=log_in, credentials=("name", secret), **options)


def test_one_login_serves_many_requests(shop):
    """The token is kept from request to request."""
    for number in range(1, 4):
        assert {"done": number} == client_of(shop).get("guarded").json

    assert [{"name": "name", "secret": KEY}] == shop.logins


@pytest.mark.parametrize("method", ["get", "post"])
def test_an_expired_token_is_renewed_once(shop, method):
    """Reads and writes are sent again with the new token; the shop acts once."""
    client = client_of(shop)
    client.get("guarded")
    shop.token = "another"
    answer = client.post("guarded", {}) if method == "post" else client.get("guarded")

    assert {"done": 2} == answer.json
    assert ["/token", "/guarded", "/guarded", "/token", "/guarded"] == [path for _, path in shop.server.calls]


def test_a_token_that_does_not_help_is_renewed_once(shop):
    """A second refusal is final, and has the shop's words."""
    shop.good_tokens = False

    with pytest.raises(CredentialsRefused, match="of this connection: The token has expired") as caught:
        client_of(shop).post("guarded", {})
    assert CredentialsRefused is type(caught.value)
    assert ["/token", "/guarded", "/token", "/guarded"] == [path for _, path in shop.server.calls]


@pytest.mark.parametrize("good", [True, False])
def test_threads_renew_a_token_together(shop, good):
    """Threads that find it expired at the same time log in once, whether that succeeds or not."""
    client_of(shop).get("guarded")
    shop.token = "another"
    all_refused = threading.Barrier(3)

    def check(answer: ShopResponse) -> None:
        if answer.status == 401:
            all_refused.wait()
            raise TokenExpired("Expired")

    client = client_of(shop, check_answer=check)
    if not good:
        shop.faults.add(Fault.FORBIDDEN, "/token")
    results = client.run_parallel([lambda: client.post("guarded", {}).json["done"]] * 3)

    assert {2, 3, 4} == set(results) if good else {CredentialsRefused} == {type(error) for error in results}
    assert [("POST", "/token")] * 2 == [call for call in shop.server.calls if call[1] == "/token"]


def test_a_channel_may_say_that_a_token_has_expired(shop):
    """Some shops say it with another status than 401."""

    def check(answer: ShopResponse) -> None:
        if answer.json == {"error": "expired"}:
            raise TokenExpired("The token has expired")

    shop.answers.append({"error": "expired"})

    assert {"done": 2} == client_of(shop, check_answer=check).post("next", {}).json
    assert len(shop.logins) == 2


def test_without_a_login_a_token_cannot_be_renewed(shop):
    """TokenExpired then means that the credentials are refused."""

    def check(answer: ShopResponse) -> None:
        raise TokenExpired("The token has expired")

    with pytest.raises(CredentialsRefused, match=r"^The token has expired$") as caught:
        shop.client(check_answer=check).get("thing")
    assert CredentialsRefused is type(caught.value)
    assert len(shop.server.calls) == 1


def test_an_accepted_401_renews_nothing(shop):
    """A caller that accepts 401 gets it."""
    shop.good_tokens = False

    assert client_of(shop).get("guarded", accept=[401]).status == 401
    assert len(shop.logins) == 1


def test_a_token_serves_only_its_own_credentials(shop):
    """Another secret gets no token of this account; a 400 to a login refuses the credentials."""
    client_of(shop).get("guarded")

    with pytest.raises(CredentialsRefused, match=r"of this connection: \*\*\* is wrong"):
        client_of(shop, secret="a-wrong-secret").get("guarded")
    assert len(shop.actions) == 1


def test_a_login_names_its_credentials(shop):
    """A login without them could be used by other connections, so it is a mistake of the channel."""
    with pytest.raises(ValueError, match="credentials"):
        shop.client(log_in=log_in)


@pytest.mark.parametrize("fault", [Fault.BROKEN, Fault.DROP_AFTER, Fault.TOO_MANY])
def test_a_write_without_a_login_was_not_done(shop, fault):
    """If the shop cannot be logged in to, a write may be sent again later."""
    shop.faults.add(fault, "/token", times=None)

    with pytest.raises(ChannelUnavailable) as caught:
        client_of(shop).post("guarded", {})
    assert not isinstance(caught.value, OutcomeUnknown)
    assert [] == shop.actions


def test_a_write_that_was_lost_before_its_token_expired_may_have_been_done(shop):
    """A login that fails later does not say that nothing was done."""
    client = client_of(shop)
    client.get("guarded")
    shop.faults.add(Fault.DROP_AFTER, "/guarded")
    shop.faults.add(Fault.UNAUTHORIZED, "/guarded")
    shop.faults.add(Fault.BROKEN, "/token", times=None)

    with pytest.raises(OutcomeUnknown):
        client.post("guarded", {}, repeatable=True)
    assert len(shop.actions) == 2


def test_no_thread_waits_longer_than_its_request(shop):
    """A thread that waits for the login of another gives up at its own deadline."""
    began, may_end = threading.Event(), threading.Event()

    def slow_log_in(shop: ShopClient, *credentials: str) -> dict[str, str]:
        began.set()
        may_end.wait()
        return log_in(shop, *credentials)

    slow = shop.client(log_in=slow_log_in, credentials=("name", KEY))
    thread = threading.Thread(target=slow.get, args=["guarded"])
    thread.start()
    began.wait()

    with pytest.raises(ChannelUnavailable, match="no time left"):
        client_of(shop, deadline=Deadline(0.1)).get("guarded")
    may_end.set()
    thread.join()
    assert len(shop.actions) == 1
