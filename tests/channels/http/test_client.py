from __future__ import annotations

import gzip
import logging
import socket
import ssl
import threading
import time
import tracemalloc
import zlib
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import replace
from datetime import datetime, timedelta, timezone
from decimal import Decimal
from email.utils import format_datetime
from functools import cache
from ipaddress import ip_address
from typing import Any

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from flask import Flask, redirect, request
from requests.auth import AuthBase

from bridge.channels.http import ConnectionPools, RetryPolicy, ShopClient, shop_address
from bridge.channels.http.transport import is_public, trusted
from bridge.clock import Deadline
from bridge.errors import ChannelRefused, ChannelUnavailable, CredentialsRefused, OutcomeUnknown
from bridge.settings import Settings
from tests.channels.hostile.server import Fault, HostileServer

NOON = datetime(2026, 1, 1, 12, tzinfo=timezone.utc)
KEY = "the-shop's-secret-key"
ON_THIS_MACHINE = Settings(allow_private_shops=True)


@cache
def mountain(coding: str) -> bytes:
    """A hundred megabytes, packed once or several times."""
    first, _, more = coding.partition(", ")
    content = mountain(more) if more else b'"' + b" " * 100_000_000
    return gzip.compress(content) if first == "gzip" else zlib.compress(content)


class Shop:
    """A shop on this machine that counts what it does, and the clock by which it is treated."""

    def __init__(self, tls: ssl.SSLContext | None = None) -> None:
        self.actions: list[Any] = []
        self.busy = self.busiest = 0
        self.now = NOON
        self.rests: list[float] = []
        self.server = HostileServer(self._app(), tls)
        self.faults = self.server.faults
        self.lines = ConnectionPools()
        self.policy = RetryPolicy(now=lambda: self.now, sleep=self.rests.append, chance=lambda: 0.5)

    def client(self, deadline: Deadline | None = None, **options: Any) -> ShopClient:
        """What a request calls the shop with."""
        usual = {"account": "seller", "policy": self.policy, "lines": self.lines}
        address, settings = options.pop("address", self.server.url), options.pop("settings", ON_THIS_MACHINE)
        return ShopClient(address, deadline or Deadline(5), settings, **{**usual, **options})

    def _app(self) -> Flask:
        app = Flask(__name__)
        lock = threading.Lock()

        @app.get("/thing")
        def thing() -> Any:
            return {"price": 19.99, "count": 3}, 200, {"Set-Cookie": "session=1"}

        @app.get("/things")
        def things() -> Any:
            return [{"id": 1}, {"id": 2}]

        @app.get("/moved")
        def moved() -> Any:
            return redirect("/thing")

        @app.get("/round")
        def round_and_round() -> Any:
            return redirect("/round")

        @app.get("/slow/<int:number>")
        def slow(number: int) -> Any:
            with lock:
                self.busy += 1
                self.busiest = max(self.busy, self.busiest)
            time.sleep(0.03)
            with lock:
                self.busy -= 1
            return ({"number": number}, 200) if number % 5 else ({"error": "I do not like it"}, 422)

        @app.get("/packed/<coding>")
        def packed(coding: str) -> Any:
            return mountain(coding), 200, {"Content-Encoding": coding, "Content-Type": "application/json"}

        @app.route("/actions", methods=["POST", "PUT", "DELETE"])
        def actions() -> Any:
            self.actions.append(request.get_json(silent=True))
            return {"done": len(self.actions)}

        return app


@pytest.fixture
def shop() -> Iterator[Shop]:
    """A shop that goes wrong only as it is told."""
    shop = Shop()
    yield shop
    shop.server.close()


# -- what comes back -----------------------------------------------------------------------------------


def test_numbers_with_a_point_are_exact(shop):
    """Money is never a binary fraction."""
    thing = shop.client().get("thing").object()

    assert {"price": Decimal("19.99"), "count": 3} == thing
    assert isinstance(thing["price"], Decimal)


def test_amounts_are_sent_as_numbers(shop):
    """A Decimal goes out as an exact JSON number."""
    shop.client().put("actions", {"price": Decimal("0.10")})

    assert [{"price": 0.10}] == shop.actions


def test_the_shops_own_time_comes_along(shop):
    """An answer tells what the shop's clock showed."""
    assert abs(shop.client().get("thing").date - datetime.now(timezone.utc)) < timedelta(seconds=3)


@pytest.mark.parametrize(("path", "shape"), [("thing", "rows"), ("things", "object")])
def test_json_of_another_shape_is_an_error(shop, path, shape):
    """A list is not taken for an object, nor the other way round."""
    answer = shop.client().get(path)

    with pytest.raises(ChannelUnavailable, match="something else"):
        getattr(answer, shape)()


def test_a_write_answered_in_another_shape_may_have_been_done(shop):
    """What cannot be understood after a write leaves its outcome unknown."""
    answer = shop.client().post("actions", {})

    with pytest.raises(OutcomeUnknown):
        answer.rows()


# -- what goes wrong while reading -----------------------------------------------------------------------

PASSING = {
    Fault.DROP_BEFORE: "broke off",
    Fault.CUT_OFF: "broke off",
    Fault.BROKEN: r"error of its own \(500\)",
    Fault.BAD_GATEWAY: r"error of its own \(502\)",
    Fault.WEB_PAGE: "web page",
    Fault.FIREWALL: "web page",
    Fault.NOT_FOUND_PAGE: "web page",
    Fault.TRUNCATED: "cannot be read",
}


@pytest.mark.parametrize("fault", PASSING)
def test_reading_is_tried_again_and_then_given_up(shop, fault):
    """A failure that may pass is tried again twice, each time after a longer rest, and then told in words."""
    shop.faults.add(fault, times=None)

    with pytest.raises(ChannelUnavailable, match=PASSING[fault]) as caught:
        shop.client().get("thing")
    assert not isinstance(caught.value, OutcomeUnknown)
    assert len(shop.server.calls) == 3
    assert [0.2, 0.4] == shop.rests


@pytest.mark.parametrize("fault", PASSING)
def test_reading_outlives_failures_that_pass(shop, fault):
    """Two failures in a row are not noticed by who reads."""
    shop.faults.add(fault, times=2)

    assert shop.client().get("thing").json["count"] == 3


def test_nothing_is_tried_again_without_time_for_it(shop):
    """A rest that would outlast the request is not taken."""
    shop.faults.add(Fault.BROKEN, times=None)

    with pytest.raises(ChannelUnavailable):
        shop.client(Deadline(0.2)).get("thing")
    assert [] == shop.rests


@pytest.mark.parametrize("status", [401, 403])
def test_refused_credentials_are_told_apart(shop, status):
    """The seller has to enter credentials again, so they are not tried again."""
    shop.faults.add(Fault.UNAUTHORIZED if status == 401 else Fault.FORBIDDEN)

    with pytest.raises(CredentialsRefused, match="credentials"):
        shop.client().get("thing")
    assert len(shop.server.calls) == 1


def test_a_channel_says_what_is_no_failure(shop):
    """A status that the channel accepts comes back with what the shop said."""
    shop.faults.add(Fault.FORBIDDEN)
    answer = shop.client().get("thing", accept=[403])

    assert answer.status == 403
    assert {"error": "Not you."} == answer.object()


def test_a_failure_in_the_shops_own_words_can_be_heard(shop):
    """Some shops refuse with 500 and say why; a web page with that status says nothing of what was done."""
    shop.faults.add(Fault.BROKEN, "/actions")
    shop.faults.add(Fault.BAD_GATEWAY_AFTER, "/actions")
    answer = shop.client().post("actions", {}, accept=[500, 502])
    with pytest.raises(OutcomeUnknown):
        shop.client().post("actions", {}, accept=[500, 502])

    assert (500, {"error": "Oh."}) == (answer.status, answer.json)


def test_each_try_is_signed_for_itself(shop):
    """A signature that came twice is refused by shops that sign, so a repeat gets its own."""
    signatures = iter(range(9))

    class Signature(AuthBase):
        def __call__(self, call: Any) -> Any:
            call.headers["Signature"] = str(next(signatures))
            return call

    shop.faults.add(Fault.DROP_AFTER, "/thing")
    shop.client(auth=Signature()).get("thing")

    assert ["0", "1"] == [headers["Signature"] for headers in shop.server.headers]


def test_a_page_of_something_else_is_not_the_shops_word(shop):
    """A web page that says 404 does not mean that the shop has no such thing, accepted or not."""
    shop.faults.add(Fault.NOT_FOUND_PAGE, times=None)

    with pytest.raises(ChannelUnavailable, match="web page"):
        shop.client().get("thing", accept=[404])


def test_other_refusals_are_final(shop):
    """What the shop does not like, it will not like again."""
    with pytest.raises(ChannelRefused, match="422"):
        shop.client().get("slow/5")


# -- what goes wrong while writing ---------------------------------------------------------------------


@pytest.mark.parametrize(
    ("fault", "error", "done"),
    [
        (Fault.DROP_BEFORE, OutcomeUnknown, 0),
        (Fault.DROP_AFTER, OutcomeUnknown, 1),
        (Fault.CUT_OFF, OutcomeUnknown, 1),
        (Fault.BROKEN, OutcomeUnknown, 0),
        (Fault.BROKEN_AFTER, OutcomeUnknown, 1),
        (Fault.UNAVAILABLE, OutcomeUnknown, 0),
        (Fault.BAD_GATEWAY_AFTER, OutcomeUnknown, 1),
        (Fault.WEB_PAGE, OutcomeUnknown, 1),
        (Fault.TRUNCATED, OutcomeUnknown, 1),
        (Fault.TOO_MANY, ChannelUnavailable, 0),
        (Fault.FIREWALL, ChannelUnavailable, 0),
        (Fault.UNAUTHORIZED, CredentialsRefused, 0),
    ],
)
@pytest.mark.parametrize("method", ["post", "put", "delete"])
def test_a_write_is_sent_once_and_its_outcome_told_truly(shop, method, fault, error, done):
    """Only what the shop surely did not do is called undone, and nothing is sent again."""
    shop.faults.add(fault)

    with pytest.raises(ChannelUnavailable if error is not CredentialsRefused else error) as caught:
        getattr(shop.client(), method)("actions", {})
    assert error is type(caught.value)
    assert done == len(shop.actions)
    assert len(shop.server.calls) == 1


@pytest.mark.parametrize("fault", [Fault.TIME_OUT_BEFORE, Fault.TIME_OUT_AFTER])
def test_a_write_without_an_answer_in_time_may_have_been_done(shop, fault):
    """Who waits in vain does not know."""
    shop.faults.add(fault)

    with pytest.raises(OutcomeUnknown, match="in time"):
        shop.client(Deadline(0.2)).post("actions", {})
    assert (fault is Fault.TIME_OUT_AFTER) == len(shop.actions)


def test_a_repeatable_write_is_tried_again(shop):
    """What the caller may send twice is sent twice."""
    shop.faults.add(Fault.DROP_AFTER)
    answer = shop.client().put("actions", {}, repeatable=True)

    assert {"done": 2} == answer.json


def test_a_repeatable_write_that_was_ever_lost_may_have_been_done(shop):
    """That the last try never reached the shop says nothing of those before it."""
    shop.faults.add(Fault.DROP_AFTER)
    shop.faults.add(Fault.TOO_MANY)

    with pytest.raises(OutcomeUnknown):
        shop.client().put("actions", {}, repeatable=True)


def test_a_shop_that_is_not_there_did_nothing(shop):
    """Where nobody listens nothing was done, so a write may be sent again later."""
    with socket.socket() as nobody:
        nobody.bind(("127.0.0.1", 0))
        address = f"http://127.0.0.1:{nobody.getsockname()[1]}"

        with pytest.raises(ChannelUnavailable, match="cannot be reached") as caught:
            shop.client(address=address).post("actions", {})
    assert not isinstance(caught.value, OutcomeUnknown)


# -- time ----------------------------------------------------------------------------------------------


@pytest.mark.parametrize("fault", [Fault.TIME_OUT_BEFORE, Fault.TRICKLE])
def test_no_call_outlasts_the_request(shop, fault):
    """Neither silence nor an answer that trickles in byte by byte keeps a thread longer than there is time."""
    shop.faults.add(fault, times=None, seconds=60 if fault is Fault.TIME_OUT_BEFORE else 0.02)
    started = time.monotonic()

    with pytest.raises(ChannelUnavailable, match="in time"):
        shop.client(Deadline(0.2)).get("thing")
    assert time.monotonic() - started < 0.5


def test_no_call_is_begun_at_the_last_moment(shop):
    """With next to no time left the shop is not even asked."""
    with pytest.raises(ChannelUnavailable, match="no time left"):
        shop.client(Deadline(0.04)).post("actions", {})
    assert [] == shop.server.calls


# -- patience with the shop ----------------------------------------------------------------------------


@pytest.mark.parametrize("date", [False, True])
def test_a_shop_that_asks_for_quiet_gets_it(shop, date):
    """Until then nobody with these credentials calls it, and the error says when it will be called again."""
    moment = datetime.now(timezone.utc) + timedelta(seconds=60)
    shop.faults.add(Fault.TOO_MANY, retry_after=format_datetime(moment, usegmt=True) if date else 60)

    with pytest.raises(ChannelUnavailable, match="less often"):
        shop.client().get("thing")
    shop.now += timedelta(seconds=50)
    with pytest.raises(ChannelUnavailable, match=r"less often: it is called again from 12:0\d:\d\d UTC on"):
        shop.client().get("thing")
    assert len(shop.server.calls) == 1
    shop.now += timedelta(seconds=11)
    assert shop.client().get("thing").json


@pytest.mark.parametrize(
    ("asked", "seconds"),
    [("0", 1), ("soon", 5), ("999999999999", 5), ("86400", 3600), ("Thu, 01 Jan 1970 00:00:00 GMT", 1), ("-5", 5)],
)
def test_odd_wishes_for_quiet_have_bounds(shop, asked, seconds):
    """No answer keeps a shop from being called for more than an hour."""
    shop.faults.add(Fault.TOO_MANY, retry_after=asked)

    with pytest.raises(ChannelUnavailable):
        shop.client().get("thing")
    shop.now += timedelta(seconds=seconds - 0.1)
    with pytest.raises(ChannelUnavailable):
        shop.client().get("thing")
    shop.now += timedelta(seconds=0.2)
    assert shop.client().get("thing").json


def test_a_shop_that_keeps_failing_is_left_alone(shop):
    """After five failed calls in a row the shop has its peace, and the error says why and until when."""
    shop.faults.add(Fault.BROKEN, times=None)
    for _ in range(5):
        with pytest.raises(OutcomeUnknown):
            shop.client().post("actions", {})

    with pytest.raises(ChannelUnavailable, match=r"\(500\), 5 times in a row: .* from 12:00:30 UTC on") as caught:
        shop.client().post("actions", {})
    assert not isinstance(caught.value, OutcomeUnknown)
    assert len(shop.server.calls) == 5


def test_one_call_tries_whether_the_shop_is_well_again(shop):
    """After the rest a single call decides: if it fails all others wait again, if it goes well all is forgotten."""
    shop.faults.add(Fault.BROKEN, times=6)
    for _ in range(5):
        with pytest.raises(OutcomeUnknown):
            shop.client().post("actions", {})
    shop.now += timedelta(seconds=30)
    with pytest.raises(OutcomeUnknown):
        shop.client().post("actions", {})
    with pytest.raises(ChannelUnavailable, match="6 times in a row"):
        shop.client().post("actions", {})
    shop.now += timedelta(seconds=30)

    assert {"done": 1} == shop.client().post("actions", {}).json
    assert {"done": 2} == shop.client().post("actions", {}).json


def test_others_wait_while_the_shop_is_tried(shop):
    """As long as the one call has no answer, no second is made."""
    shop.faults.add(Fault.BROKEN, times=5)
    for _ in range(5):
        with pytest.raises(OutcomeUnknown):
            shop.client().post("actions", {})
    shop.now += timedelta(seconds=30)
    shop.faults.add(Fault.SLOW, seconds=0.1)
    first, second = shop.client().together([lambda: shop.client().post("actions", {}).json] * 2)

    assert {"done": 1} in (first, second)
    assert len(shop.server.calls) == 6


@pytest.mark.parametrize("fault", [Fault.UNAUTHORIZED, Fault.TOO_MANY])
def test_a_shop_that_answers_is_well(shop, fault):
    """Refusals are no failures, however many."""
    shop.faults.add(fault, times=8)
    for _ in range(8):
        with pytest.raises((CredentialsRefused, ChannelUnavailable)):
            shop.client().post("actions", {})
        shop.now += timedelta(seconds=1)

    assert {"done": 1} == shop.client().post("actions", {}).json


def test_a_shop_is_not_blamed_for_our_haste(shop):
    """Calls that had next to no time to be answered in do not count as failures."""
    shop.faults.add(Fault.SLOW, times=5, seconds=0.09)
    for _ in range(5):
        with pytest.raises(ChannelUnavailable, match="in time"):
            shop.client(Deadline(0.06)).post("actions", {})

    assert shop.client().get("thing").json


def test_one_sellers_trouble_is_not_anothers(shop):
    """Wrong credentials and exhausted limits stay with the account that has them."""
    shop.faults.add(Fault.TOO_MANY)
    with pytest.raises(ChannelUnavailable):
        shop.client().get("thing")

    assert shop.client(account="another").get("thing").json


# -- connections ---------------------------------------------------------------------------------------


def test_connections_are_kept_from_request_to_request(shop):
    """Ten requests need one connection."""
    for _ in range(10):
        shop.client().get("thing")
        shop.client().post("actions", {})

    assert shop.server.connections == 1


def test_only_so_many_shops_are_kept(shop):
    """The one used least is given up, and works again when it is called."""
    shop.lines = ConnectionPools(kept=3)
    for number in range(5):
        shop.client(account=str(number)).get("thing")
    shop.client(account="2").get("thing")
    shop.client(account="0").get("thing")

    assert len(shop.lines) == 3
    assert shop.server.connections == 6


def test_a_request_goes_on_over_a_line_that_was_given_up(shop):
    """Whoever holds a line is not disturbed when others need the room."""
    shop.lines = ConnectionPools(kept=1)
    client = shop.client()
    client.get("thing")
    shop.client(account="another").get("thing")

    assert {"number": 1} == client.together([lambda: client.get("slow/1").json])[0]


def test_nothing_is_remembered_between_calls(shop):
    """Cookies of a shop are not taken."""
    for _ in range(2):
        shop.client().get("thing")

    assert "Cookie" not in shop.server.headers[1]


def test_the_environment_has_no_say(shop, monkeypatch):
    """Neither proxies nor passwords of the machine are used."""
    monkeypatch.setenv("HTTP_PROXY", "http://127.0.0.1:9")
    monkeypatch.setenv("ALL_PROXY", "http://127.0.0.1:9")

    assert shop.client().get("thing").json


# -- batches -------------------------------------------------------------------------------------------


def test_a_batch_is_answered_in_order_each_for_itself(shop):
    """Several calls go out at once, as many as allowed over all requests, and one that fails leaves the others."""
    clients = [shop.client(settings=replace(ON_THIS_MACHINE, shop_calls_at_once=3)) for _ in range(2)]
    batches: list[Any] = []
    calls = [
        threading.Thread(
            target=lambda client=client: batches.append(
                client.together([lambda number=number: client.get(f"slow/{number}").json for number in range(1, 8)])
            )
        )
        for client in clients
    ]
    for call in calls:
        call.start()
    for call in calls:
        call.join()

    assert shop.busiest == 3
    for batch in batches:
        assert [1, 2, 3, 4, None, 6, 7] == [
            None if isinstance(outcome, ChannelRefused) else outcome["number"] for outcome in batch
        ]


def test_what_a_batch_cannot_begin_in_time_is_told(shop):
    """The first calls are done, and the rest say that there was no time."""
    shop.faults.add(Fault.SLOW, times=None, seconds=0.12)
    client = shop.client(Deadline(0.2), settings=replace(ON_THIS_MACHINE, shop_calls_at_once=2))
    outcomes = client.together([lambda: client.post("actions", {}).json] * 8)

    assert [dict, dict] == [type(outcome) for outcome in outcomes[:2]]
    assert [OutcomeUnknown, OutcomeUnknown] == [type(outcome) for outcome in outcomes[2:4]]
    assert ["There was no time left to call the shop"] * 4 == [str(outcome) for outcome in outcomes[4:]]
    assert len(shop.server.calls) == 4


def test_calls_are_counted_for_each_request(shop):
    """The log can say how often a request called the shop, repeats and batches included."""
    deadline, other = Deadline(5), Deadline(5)
    shop.faults.add(Fault.BROKEN)
    client = shop.client(deadline)
    client.get("thing")
    client.together([lambda: client.get("things")] * 3)
    shop.client(other).get("moved")

    assert deadline.shop_calls == 5
    assert other.shop_calls == 2
    assert Deadline(1).shop_calls == 0


# -- where calls go ------------------------------------------------------------------------------------


def test_reading_follows_the_shop_within_itself(shop):
    """What the shop has moved is read where it is now."""
    assert shop.client().get("moved").json["count"] == 3


def test_reading_does_not_run_in_circles(shop):
    """A shop that sends its callers round and round is left."""
    with pytest.raises(ChannelUnavailable, match="circles"):
        shop.client().get("round")


@pytest.mark.parametrize("method", ["get", "delete"])
def test_credentials_go_to_no_other_host(shop, method):
    """Whoever is sent elsewhere does not go, and says where that would have been."""
    with HostileServer(Flask(__name__), address="127.0.0.2") as other:
        shop.faults.add(Fault.MOVED, location=f"{other.url}/actions?token=1")

        client = shop.client(headers={"Authorization": KEY})
        call = client.get if method == "get" else client.delete

        with pytest.raises(ChannelUnavailable, match=r"to http://127\.0\.0\.2: is its address right\?$") as caught:
            call("actions")
    assert not isinstance(caught.value, OutcomeUnknown)
    assert [] == other.calls


def test_a_write_is_not_sent_on(shop):
    """Even to the same host a write is not sent a second time."""
    shop.faults.add(Fault.MOVED, location="/actions")

    with pytest.raises(OutcomeUnknown, match="another of its addresses"):
        shop.client().post("actions", {})
    assert [] == shop.actions


@pytest.mark.parametrize("path", ["//127.0.0.2/thing", "http://127.0.0.2/thing", "\\\\127.0.0.2", "@127.0.0.2/thing"])
def test_no_path_leads_away_from_the_shop(shop, path):
    """Whatever a path looks like, the shop is what is called."""
    with suppress(ChannelUnavailable):
        shop.client().get(path)

    assert {shop.server.url.removeprefix("http://")} == {headers["Host"] for headers in shop.server.headers}


@pytest.mark.parametrize("host", ["127.0.0.1", "localhost", "2130706433", "0x7f.1", "[::ffff:127.0.0.1]", "0"])
def test_shops_in_private_networks_are_refused(shop, host):
    """However it is written, no address inside is connected to, unless the operator allows it."""
    port = shop.server.url.rpartition(":")[2]

    with pytest.raises(ChannelRefused, match="private network"):
        shop.client(address=f"http://{host}:{port}", settings=Settings()).get("thing")
    assert shop.server.connections == 0


@pytest.fixture
def resolver(monkeypatch):
    """A name server under a stranger's control, in a world where 127.0.0.2 is a public address and no other is."""
    answers: list[list[str]] = []

    def look_up(host: str, port: int, **_: Any) -> list[Any]:
        found = answers.pop(0) if len(answers) > 1 else answers[0]
        return [(socket.AF_INET, socket.SOCK_STREAM, 6, "", (address, port)) for address in found]

    monkeypatch.setattr("bridge.channels.http.transport.is_public", lambda address: address == "127.0.0.2")
    monkeypatch.setattr("socket.getaddrinfo", look_up)
    return answers


def test_the_address_that_was_checked_is_the_one_connected_to(shop, resolver):
    """A name that changes its address between two looks gains nothing: there is one look for each connection."""
    port = int(shop.server.url.rpartition(":")[2])
    with HostileServer(Flask(__name__), address="127.0.0.2", port=port) as public:
        resolver += [["127.0.0.2"], ["127.0.0.1"]]
        client = shop.client(address=f"http://rebinding.example:{port}", settings=Settings())
        public.faults.add(Fault.CUT_OFF)

        with pytest.raises(ChannelRefused, match="private network"):
            client.get("thing")
        with pytest.raises(ChannelRefused, match="private network"):
            client.get("thing")
    assert [("GET", "/thing")] == public.calls
    assert shop.server.connections == 0


@pytest.mark.parametrize("answer", [["127.0.0.1", "127.0.0.2"], ["127.0.0.2", "127.0.0.1"]])
def test_a_name_with_one_address_inside_is_refused(shop, resolver, answer):
    """Not even its public address is tried."""
    port = int(shop.server.url.rpartition(":")[2])
    resolver.append(answer)
    with (
        HostileServer(Flask(__name__), address="127.0.0.2", port=port) as public,
        pytest.raises(ChannelRefused, match="private network"),
    ):
        shop.client(address=f"http://both.example:{port}", settings=Settings()).get("thing")
    assert (0, 0) == (public.connections, shop.server.connections)


@pytest.mark.parametrize(
    "location",
    [
        "http://127.0.0.2:{port}/thing",
        "//127.0.0.2:{port}/thing",
        "http://127.0.0.1:{port}@127.0.0.2:{port}/thing",
        "https://127.0.0.1:{port}/thing",
        "http://127.0.0.1:1/thing",
        "http://localhost:{port}/thing",
        "http://169.254.169.254/latest/meta-data",
        "http://[::1]:{port}/thing",
        "file:///etc/passwd",
        "gopher://127.0.0.1:{port}/thing",
    ],
)
def test_no_redirect_leads_elsewhere(shop, location):
    """Another scheme, host, port or address ends the call at once, and credentials are sent nowhere else."""
    port = int(shop.server.url.rpartition(":")[2])
    with HostileServer(Flask(__name__), address="127.0.0.2", port=port) as other:
        shop.faults.add(Fault.MOVED, location=location.format(port=port))

        with pytest.raises(ChannelUnavailable, match="is its address right"):
            shop.client(headers={"Authorization": KEY}).get("thing")
    assert 0 == other.connections
    assert [("GET", "/thing")] == shop.server.calls


def test_a_redirect_is_checked_like_the_first_address(shop, resolver):
    """Where following a redirect needs another connection, its address is looked up and checked anew."""
    port = int(shop.server.url.rpartition(":")[2])
    app = Flask(__name__)
    app.add_url_rule("/thing", view_func=lambda: ("", 307, {"Location": "/elsewhere", "Connection": "close"}))
    with HostileServer(app, address="127.0.0.2", port=port) as public:
        resolver += [["127.0.0.2"], ["127.0.0.1"]]

        with pytest.raises(ChannelRefused, match="private network"):
            shop.client(address=f"http://rebinding.example:{port}", settings=Settings()).get("thing")
    assert [("GET", "/thing")] == public.calls
    assert shop.server.connections == 0


PRIVATE = """
    127.0.0.1 127.8.8.8 10.1.1.1 172.16.0.1 172.31.255.255 192.168.1.1 169.254.169.254 100.64.0.1 100.100.100.200
    0.0.0.0 224.0.0.1 255.255.255.255 240.0.0.1 198.18.0.1 192.0.0.192 168.63.129.16 ::1 :: fe80::1 fc00::1
    fd00:ec2::254 fec0::1 ff02::1 ::ffff:127.0.0.1 ::ffff:10.0.0.1 ::ffff:169.254.169.254 ::127.0.0.1 64:ff9b::7f00:1
    2002:7f00:1:: 2001:0:7f00:1::1 2001:db8::1
"""
PUBLIC = "8.8.8.8 93.184.216.34 2606:4700:4700::1111 ::ffff:8.8.8.8 64:ff9b::808:808"


def test_addresses_inside_are_known_as_such():
    """Private, loopback, link-local and metadata addresses are told from public ones, also in IPv6 clothes."""
    assert [] == [address for address in PRIVATE.split() if is_public(address)]
    assert [] == [address for address in PUBLIC.split() if not is_public(address)]


@pytest.mark.parametrize(
    ("typed", "address"),
    [
        (" shop.example.com/ ", "https://shop.example.com"),
        ("http://shop.example.com:8080/store/", "http://shop.example.com:8080/store"),
        ("https://[2606:4700::1]", "https://[2606:4700::1]"),
    ],
)
def test_an_address_may_be_typed_as_people_do(typed, address):
    """A scheme is not needed and a slash does no harm."""
    assert address == shop_address(typed)


@pytest.mark.parametrize(
    "typed",
    [
        "",
        "ftp://shop.example.com",
        "file:///etc/passwd",
        "https://",
        "https://user:password@shop.example.com",
        "https://shop.example.com?key=1",
        "https://shop.example.com#a",
        "https://shop.example.com:port",
        "https://shop .example.com",
        "https://shop.example.com\nHost: other",
        "http://[::1",
    ],
)
def test_what_is_no_address_is_refused(typed):
    """The seller is told what an address looks like, without being shown what was typed."""
    with pytest.raises(ChannelRefused, match=r"should look like https://shop\.example\.com"):
        shop_address(typed)


# -- safety --------------------------------------------------------------------------------------------


def test_an_endless_answer_is_not_read_to_its_end(shop):
    """The limit holds for what an answer unpacks to."""
    shop.faults.add(Fault.ENDLESS)

    with pytest.raises(ChannelUnavailable, match="too long"):
        shop.client().get("thing")
    assert len(shop.server.calls) == 1


@pytest.mark.parametrize("coding", ["gzip", "deflate", "gzip, gzip", "gzip, gzip, gzip"])
def test_what_unpacks_to_a_mountain_is_not_unpacked(shop, coding):
    """However often it is packed, an answer takes no more room than one may have."""
    mountain(coding)
    tracemalloc.start()
    with pytest.raises(ChannelUnavailable, match="too long"):
        shop.client().get(f"packed/{coding}")
    _, most = tracemalloc.get_traced_memory()
    tracemalloc.stop()

    assert most < 64_000_000


@pytest.mark.parametrize("key", ["two\nlines", "ключ"])
def test_credentials_that_no_header_can_hold_are_refused(shop, key):
    """Such credentials are never sent, and the words do not show them."""
    with pytest.raises(ChannelRefused, match="characters that cannot be") as caught:
        shop.client(headers={"Authorization": key}).post("actions", {})
    assert key not in str(caught.value)
    assert [] == shop.server.calls


def test_secrets_are_neither_logged_nor_told(shop, caplog):
    """Whatever goes wrong, no log line and no error has credentials in it, be they in headers or in the query."""
    caplog.set_level(logging.DEBUG)
    caplog.set_level(logging.DEBUG, logger="bridge")
    words = []
    client = shop.client(headers={"Authorization": KEY}, auth=("user", KEY), account=KEY)
    for fault in [fault for fault in Fault if "TIME_OUT" not in fault.name]:
        shop.faults.add(fault, location=f"https://shop.invalid/?key={KEY}", seconds=0)
        try:
            client.get("thing", {"key": KEY})
        except (ChannelRefused, ChannelUnavailable) as error:
            words.append(repr(error) + repr(error.__cause__))
        shop.now += timedelta(hours=2)
        shop.faults.clear()

    assert len(words) > 5
    assert "GET /thing: 200 after" in caplog.text
    assert KEY not in caplog.text + repr(words) + repr(client) + repr(client.get("thing"))


# -- TLS -----------------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def certificate(tmp_path_factory) -> Any:
    """A certificate for 127.0.0.1 that signs itself, and the file that it is in with its key."""
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, "Shop")])
    today = datetime.now(timezone.utc)
    made = (
        x509.CertificateBuilder(name, name, key.public_key(), x509.random_serial_number())
        .not_valid_before(today - timedelta(days=1))
        .not_valid_after(today + timedelta(days=1))
        .add_extension(x509.SubjectAlternativeName([x509.IPAddress(ip_address("127.0.0.1"))]), critical=False)
        .add_extension(x509.BasicConstraints(ca=True, path_length=None), critical=True)
        .sign(key, hashes.SHA256())
    )
    pem = made.public_bytes(serialization.Encoding.PEM).decode()
    private = key.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    )
    path = tmp_path_factory.mktemp("tls") / "shop.pem"
    path.write_text(pem + private.decode())
    return pem, path


@pytest.fixture
def tls_shop(certificate) -> Iterator[Shop]:
    """A shop behind that certificate."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(certificate[1])
    shop = Shop(context)
    yield shop
    shop.server.close()


def test_a_certificate_that_nobody_vouches_for_is_refused(tls_shop):
    """The shop is asked nothing, and that is not tried again."""
    with pytest.raises(ChannelUnavailable, match="certificate") as caught:
        tls_shop.client().post("actions", {})
    assert not isinstance(caught.value, OutcomeUnknown)
    assert [] == tls_shop.server.calls


def test_over_tls_the_same_is_promised(tls_shop, certificate):
    """With a certificate that is trusted, connections are kept and answers that trickle in are cut off."""
    trusted().load_verify_locations(cadata=certificate[0])
    for _ in range(3):
        tls_shop.client().get("thing")
    tls_shop.faults.add(Fault.TRICKLE)
    started = time.monotonic()

    with pytest.raises(ChannelUnavailable, match="in time"):
        tls_shop.client(Deadline(0.2)).get("thing")
    assert time.monotonic() - started < 0.5
    assert tls_shop.server.connections == 1
