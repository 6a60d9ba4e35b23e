"""The shop's words on a refusal, and what a channel makes of answers."""

from __future__ import annotations

import json
import logging
from collections.abc import Callable
from datetime import timedelta
from typing import Any
from urllib.parse import quote

import pytest
from requests.auth import AuthBase

from bridge.channels.http import RateLimited, ShopResponse
from bridge.errors import ChannelRefused, ChannelUnavailable, CredentialsRefused, OutcomeUnknown
from tests.channels.http.shop import KEY

pytestmark = pytest.mark.service

# -- the shop's words ----------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("answer", "words"),
    [
        ({"message": "Sold out"}, ": Sold out"),
        ({"code": "x", "message": "Sold out", "errors": {"sku": ["Unknown"]}}, ": Sold out"),
        ({"error": "Sold out"}, ": Sold out"),
        ({"error": {"code": 5, "message": "Sold out"}}, ": Sold out"),
        ({"error": "invalid_grant", "error_description": "The code has expired"}, ": The code has expired"),
        ({"errors": [{"status": "400", "title": "Bad", "detail": "Sold out"}, {"detail": "More"}]}, ": Sold out"),
        ({"errors": [{"message": "Sold out", "extensions": {"code": "X"}}]}, ": Sold out"),
        ({"errors": "Sold out"}, ": Sold out"),
        ({"type": "about:blank", "title": "Bad Request", "detail": "Sold out"}, ": Sold out"),
        ({"message": " Sold\n\tout \x1b[31m\u202e"}, ": Sold out [31m"),
        ("Sold out", ": Sold out"),
        ({"message": None, "errors": []}, ""),
        ({"errors": {"errors": {"errors": {"errors": {"errors": "Sold out"}}}}}, ""),
        ({"message": 5}, ""),
        ([], ""),
    ],
)
@pytest.mark.parametrize("status", [400, 422])
def test_a_refusal_has_the_shops_words(shop, answer, words, status):
    """They are found where JSON APIs usually say them, and stand in one line without control characters."""
    with pytest.raises(ChannelRefused) as caught:
        refused(shop, answer, status)
    assert f"The shop refused the request ({status}){words}" == str(caught.value)


def refused(shop: Any, answer: Any, status: int, **options: Any) -> None:
    """Read something that the shop refuses with this JSON."""
    client = shop.client(**options)
    shop.answers.append((json.dumps(answer), status, {"Content-Type": "application/json"}))
    client.get("next", {"search": "a-long-value"})


@pytest.mark.parametrize("status", [401, 403])
def test_refused_credentials_have_the_shops_words(shop, status):
    """They may say which permission is missing."""
    with pytest.raises(CredentialsRefused, match=r"of this connection: Missing scope read_orders$"):
        refused(shop, {"message": "Missing scope read_orders"}, status)


def test_words_are_limited(shop):
    """A very long message is cut."""
    with pytest.raises(ChannelRefused, match=r"…$") as caught:
        refused(shop, {"message": "no " * 1_000_000}, 400)
    assert len(str(caught.value)) == 500


def test_words_from_elsewhere(shop):
    """A channel may say where its shop writes them; if that fails, the refusal remains."""
    with pytest.raises(ChannelRefused, match=r"\(400\): Sold out$"):
        refused(shop, {"reason": "Sold out"}, 400, error_message=lambda answer: answer.json["reason"])
    with pytest.raises(ChannelRefused, match=r"\(400\)$"):
        refused(shop, {"cause": "Sold out"}, 400, error_message=lambda answer: answer.json["reason"])


class KeyInQuery(AuthBase):
    """Sends the key in the query."""

    def __call__(self, call: Any) -> Any:
        call.prepare_url(call.url, {"key": KEY})
        return call


@pytest.mark.parametrize(
    "options",
    [
        {"headers": {"Authorization": f"Bearer {KEY}"}},
        {"headers": {"X-Token": KEY}},
        {"auth": ("user", KEY)},
        {"auth": KeyInQuery()},
    ],
    ids=["bearer", "header", "basic", "query"],
)
def test_words_hold_no_credentials(shop, caplog, options):
    """A shop that repeats the request in its message makes neither errors nor the log show a secret."""
    caplog.set_level(logging.DEBUG)
    errors = []
    for text in (KEY, f"Bearer {KEY}", f"GET /next?search=a-long-value&key={quote(KEY)}", f"user:{KEY}"):
        with pytest.raises(ChannelRefused) as caught:
            refused(shop, {"message": f"Not allowed: {text}"}, 400, **options)
        errors.append(str(caught.value))

    shown = "".join(errors) + caplog.text
    assert KEY not in shown
    assert quote(KEY) not in shown
    assert "a-long-value" in errors[2]


# -- check_answer --------------------------------------------------------------------------------------


def check_graphql(answer: ShopResponse) -> None:
    """Raise what the errors of a GraphQL answer mean, as a channel would."""
    code, message = answer.find("errors", 0, "code"), answer.find("errors", 0, "message")
    if code == "THROTTLED":
        raise RateLimited(answer.find("errors", 0, "seconds"))
    if code == "ACCESS_DENIED":
        raise CredentialsRefused(message)
    if code == "INTERNAL":
        raise answer.unusable(message)
    if code:
        raise ChannelRefused(message)


@pytest.fixture
def graphql(shop) -> Callable[..., Any]:
    """Ask the shop by POST, which gives this error code in an answer with status 200, and then succeeds."""

    def ask(code: str, times: int = 1, *, account: str = "seller", read: bool = True, **error: Any) -> Any:
        shop.answers += [{"errors": [{"code": code, "message": f"It is {code}", **error}]}] * times
        return shop.client(check_answer=check_graphql, account=account).post("next", {}, read=read).json

    return ask


@pytest.mark.parametrize("answer", [[], "errors", {"errors": []}, {"errors": ["code"]}, {"errors": None}, None])
def test_a_check_finds_nothing_in_json_of_another_shape(shop, answer):
    """Whatever the shop answers, a value that is not there is None."""
    shop.answers.append((json.dumps(answer), 200))

    assert shop.client(check_answer=check_graphql).get("next").json == answer


@pytest.mark.parametrize("read", [True, False])
@pytest.mark.parametrize(("code", "error"), [("NOT_FOUND", ChannelRefused), ("ACCESS_DENIED", CredentialsRefused)])
def test_a_channel_may_find_a_refusal_in_any_answer(shop, graphql, code, error, read):
    """It is raised with the channel's message, and not tried again."""
    with pytest.raises(error, match=f"It is {code}"):
        graphql(code, read=read)
    assert len(shop.actions) == 1


@pytest.mark.parametrize("read", [True, False])
def test_a_channel_may_find_a_rate_limit_in_any_answer(shop, graphql, read):
    """Until the time it names, this account makes no call, also not by another client; nothing was done."""
    with pytest.raises(ChannelUnavailable, match="fewer calls") as caught:
        graphql("THROTTLED", seconds=7.5, read=read)
    shop.now += timedelta(seconds=7)
    with pytest.raises(ChannelUnavailable, match="next call is possible from 12:00:07 UTC"):
        shop.client().get("thing")

    assert not isinstance(caught.value, OutcomeUnknown)
    assert len(shop.server.calls) == 1
    assert graphql("", times=0, account="another") == {"done": 2}
    shop.now += timedelta(seconds=1)
    assert graphql("", times=0) == {"done": 3}


@pytest.mark.parametrize(("seconds", "until"), [(0, "12:00:01"), (-5, "12:00:01"), (10**12, "13:00:00")])
def test_a_rate_limit_is_limited(shop, graphql, seconds, until):
    """It lasts a second at least and an hour at most."""
    with pytest.raises(ChannelUnavailable):
        graphql("THROTTLED", seconds=seconds)
    with pytest.raises(ChannelUnavailable, match=f"from {until} UTC"):
        graphql("", times=0)


def test_a_good_answer_may_limit_the_rate(shop):
    """The answer is kept, and the next call has to wait."""
    client = shop.client(check_answer=lambda answer: client.limit_rate(10))

    assert client.get("thing").json
    with pytest.raises(ChannelUnavailable, match="from 12:00:10 UTC"):
        client.get("thing")


def test_a_channel_may_find_a_failure_in_any_answer(shop, graphql):
    """It is retried if the call reads, leaves the outcome of a write unknown, and counts towards a pause."""
    assert {"done": 3} == graphql("INTERNAL", times=2)
    with pytest.raises(ChannelUnavailable, match="It is INTERNAL") as caught:
        graphql("INTERNAL", times=3)
    assert not isinstance(caught.value, OutcomeUnknown)
    for _ in range(4):
        with pytest.raises(OutcomeUnknown, match="It is INTERNAL"):
            graphql("INTERNAL", read=False)
    with pytest.raises(ChannelUnavailable, match="It is INTERNAL, 5 times in a row"):
        graphql("", times=0)


def test_refusals_that_a_channel_finds_are_no_failures(shop, graphql):
    """They end a row of failures, so the shop gets no pause."""
    for code in ("INTERNAL", "NOT_FOUND") * 6:
        with pytest.raises((OutcomeUnknown, ChannelRefused)):
            graphql(code, read=False)

    assert graphql("", times=0, read=False)


def test_every_answer_is_checked(shop):
    """Success, refusals and accepted refusals are; the channel can tell them apart."""
    seen = []
    client = shop.client(check_answer=lambda answer: seen.append((answer.status, answer.refused)))
    for status in (200, 201, 404, 500):
        shop.answers.append(({}, status))
        client.get("next", accept=[404, 500])
    shop.answers.append(({}, 404))
    with pytest.raises(ChannelRefused):
        client.get("next")

    assert [(200, False), (201, False), (404, False), (500, False), (404, True)] == seen


def test_messages_of_a_channel_hold_no_credentials(shop):
    """What it takes over from the shop is made safe too."""

    def check(answer: ShopResponse) -> None:
        raise (answer.unusable if answer.status == 200 else ChannelRefused)(f"\x1b {KEY}\n{'x' * 1000}")

    client = shop.client(check_answer=check, headers={"X-Token": KEY})
    errors = []
    for status in (200, 400):
        shop.answers += [({}, status)] * 3
        with pytest.raises((ChannelUnavailable, ChannelRefused)) as caught:
            client.post("next", {})
        shop.answers.clear()
        errors.append(str(caught.value))

    assert [f"*** {'x' * 495}…"] * 2 == errors
