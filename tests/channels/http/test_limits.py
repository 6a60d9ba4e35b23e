"""Time, pauses, connections and parallel calls."""

from __future__ import annotations

import threading
import time
from collections import Counter
from dataclasses import replace
from datetime import datetime, timedelta, timezone
from email.utils import format_datetime
from typing import Any

import pytest

from bridge.channels.http import ConnectionPools
from bridge.clock import Deadline
from bridge.errors import ChannelRefused, ChannelUnavailable, CredentialsRefused, OutcomeUnknown
from tests.channels.hostile.server import Fault
from tests.channels.http.shop import ON_THIS_MACHINE

pytestmark = pytest.mark.service

# -- time ----------------------------------------------------------------------------------------------


@pytest.mark.parametrize("fault", [Fault.TIME_OUT_BEFORE, Fault.TRICKLE])
def test_no_call_takes_longer_than_the_request(shop, fault):
    """Neither silence nor an answer that comes byte by byte holds a thread longer than the deadline."""
    shop.faults.add(fault, times=None, seconds=60 if fault is Fault.TIME_OUT_BEFORE else 0.02)
    started = time.monotonic()

    with pytest.raises(ChannelUnavailable, match="in time"):
        shop.client(Deadline(0.2)).get("thing")
    assert time.monotonic() - started < 0.5


def test_no_call_starts_at_the_last_moment(shop):
    """With almost no time left the shop is not called."""
    with pytest.raises(ChannelUnavailable, match="no time left"):
        shop.client(Deadline(0.04)).post("actions", {})
    assert [] == shop.server.calls


# -- rate limits and pauses ---------------------------------------------------------------------------


@pytest.mark.parametrize("date", [False, True])
def test_a_shop_that_asks_for_fewer_calls_gets_none(shop, date):
    """Until then it gets no call with these credentials, and the error says when the next one is possible."""
    moment = datetime.now(timezone.utc) + timedelta(seconds=60)
    shop.faults.add(Fault.TOO_MANY, retry_after=format_datetime(moment, usegmt=True) if date else 60)

    with pytest.raises(ChannelUnavailable, match="fewer calls"):
        shop.client().get("thing")
    shop.now += timedelta(seconds=50)
    with pytest.raises(ChannelUnavailable, match=r"fewer calls: the next call is possible from 12:0\d:\d\d UTC"):
        shop.client().get("thing")
    assert len(shop.server.calls) == 1
    shop.now += timedelta(seconds=11)
    assert shop.client().get("thing").json


@pytest.mark.parametrize(
    ("asked", "seconds"),
    [("0", 1), ("soon", 5), ("999999999999", 5), ("86400", 3600), ("Thu, 01 Jan 1970 00:00:00 GMT", 1), ("-5", 5)],
)
def test_retry_after_has_limits(shop, asked, seconds):
    """Retry-After stops calls for at least a second and at most an hour; without a valid value for five seconds."""
    shop.faults.add(Fault.TOO_MANY, retry_after=asked)

    with pytest.raises(ChannelUnavailable):
        shop.client().get("thing")
    shop.now += timedelta(seconds=seconds - 0.1)
    with pytest.raises(ChannelUnavailable):
        shop.client().get("thing")
    shop.now += timedelta(seconds=0.2)
    assert shop.client().get("thing").json


@pytest.mark.parametrize(("asked", "seconds"), [("20", 20), ("60", 60), ("600", 60), ("86400", 60), ("soon", 5)])
def test_an_outage_stops_calls_for_a_minute_at_most(shop, asked, seconds):
    """WordPress asks for ten minutes with error 503 while an update takes seconds."""
    shop.faults.add(Fault.UNAVAILABLE, retry_after=asked)

    with pytest.raises(ChannelUnavailable):
        shop.client().post("actions", {})
    shop.now += timedelta(seconds=seconds - 0.1)
    with pytest.raises(ChannelUnavailable, match="next call is possible"):
        shop.client().get("thing")
    shop.now += timedelta(seconds=0.2)
    assert shop.client().get("thing").json


def test_a_shop_that_keeps_failing_gets_a_pause(shop):
    """After five failed calls in a row the shop is not called, and the error says why and until when."""
    shop.faults.add(Fault.BROKEN, times=None)
    for _ in range(5):
        with pytest.raises(OutcomeUnknown):
            shop.client().post("actions", {})

    with pytest.raises(ChannelUnavailable, match=r"\(500\), 5 times in a row: .* from 12:00:30 UTC") as caught:
        shop.client().post("actions", {})
    assert not isinstance(caught.value, OutcomeUnknown)
    assert len(shop.server.calls) == 5


def test_after_a_pause_one_call_tests_the_shop(shop):
    """After the pause a single call decides: its failure starts a new pause, its success ends it."""
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


def test_no_other_call_is_made_during_the_test(shop):
    """While the testing call has no answer, there is no second call."""
    shop.faults.add(Fault.BROKEN, times=5)
    for _ in range(5):
        with pytest.raises(OutcomeUnknown):
            shop.client().post("actions", {})
    shop.now += timedelta(seconds=30)
    shop.faults.add(Fault.SLOW, seconds=0.1)
    first, second = shop.client().run_parallel([lambda: shop.client().post("actions", {}).json] * 2)

    assert {"done": 1} in (first, second)
    assert len(shop.server.calls) == 6


@pytest.mark.parametrize("fault", [Fault.UNAUTHORIZED, Fault.TOO_MANY])
def test_a_refusal_is_no_failure(shop, fault):
    """Any number of refusals does not start a pause."""
    shop.faults.add(fault, times=8)
    for _ in range(8):
        with pytest.raises((CredentialsRefused, ChannelUnavailable)):
            shop.client().post("actions", {})
        shop.now += timedelta(seconds=1)

    assert {"done": 1} == shop.client().post("actions", {}).json


def test_a_short_timeout_is_no_failure_of_the_shop(shop):
    """A timeout of a call with very little time does not count as a failure."""
    shop.faults.add(Fault.SLOW, times=5, seconds=0.5)
    for _ in range(5):
        with pytest.raises(ChannelUnavailable, match="in time"):
            shop.client(Deadline(0.3)).post("actions", {})  # far from both: no time to begin, and a fair one

    assert shop.client().get("thing").json


def test_accounts_do_not_affect_each_other(shop):
    """The rate limit of one account does not stop the calls of another."""
    shop.faults.add(Fault.TOO_MANY)
    with pytest.raises(ChannelUnavailable):
        shop.client().get("thing")

    assert shop.client(account="another").get("thing").json


# -- connections ---------------------------------------------------------------------------------------


def test_connections_are_kept_from_request_to_request(shop):
    """Ten requests use one connection."""
    for _ in range(10):
        shop.client().get("thing")
        shop.client().post("actions", {})

    assert shop.server.connections == 1


def test_the_number_of_pools_is_limited(shop):
    """The least recently used pool is dropped, and a new one is made when that shop is called again."""
    shop.pools = ConnectionPools(limit=3)
    for number in range(5):
        shop.client(account=str(number)).get("thing")
    shop.client(account="2").get("thing")
    shop.client(account="0").get("thing")

    assert len(shop.pools) == 3
    assert shop.server.connections == 6


def test_a_request_can_use_a_pool_that_was_dropped(shop):
    """Dropping a pool does not disturb a request that uses it."""
    shop.pools = ConnectionPools(limit=1)
    client = shop.client()
    client.get("thing")
    shop.client(account="another").get("thing")

    assert {"number": 1} == client.run_parallel([lambda: client.get("slow/1").json])[0]


def test_cookies_are_not_stored(shop):
    """A shop's cookies are not sent back to it."""
    for _ in range(2):
        shop.client().get("thing")

    assert "Cookie" not in shop.server.headers[1]


def test_environment_variables_are_ignored(shop, monkeypatch):
    """Neither proxies nor passwords of the machine are used."""
    monkeypatch.setenv("HTTP_PROXY", "http://127.0.0.1:9")
    monkeypatch.setenv("ALL_PROXY", "http://127.0.0.1:9")

    assert shop.client().get("thing").json


# -- parallel calls -----------------------------------------------------------------------------------


def test_parallel_calls_are_limited_and_answered_in_order(shop):
    """All requests together make at most `shop_calls_at_once` calls; one that fails does not affect the others."""
    clients = [shop.client(settings=replace(ON_THIS_MACHINE, shop_calls_at_once=3)) for _ in range(2)]
    batches: list[Any] = []
    calls = [
        threading.Thread(
            target=lambda client=client: batches.append(
                client.run_parallel([lambda number=number: client.get(f"slow/{number}").json for number in range(1, 8)])
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


def test_a_call_that_cannot_start_in_time_says_so(shop):
    """Two calls are done, two wait for an answer until the deadline, and the rest never start."""
    shop.faults.add(Fault.TIME_OUT_BEFORE, times=None, skip=2)
    client = shop.client(Deadline(0.5), settings=replace(ON_THIS_MACHINE, shop_calls_at_once=2))
    outcomes = client.run_parallel([lambda: client.post("actions", {}).json] * 8)

    assert {dict: 2, OutcomeUnknown: 2} == Counter(type(outcome) for outcome in outcomes[:4])
    assert ["There was no time left to call the shop"] * 4 == [str(outcome) for outcome in outcomes[4:]]
    assert len(shop.server.calls) == 4


def test_calls_are_counted_for_each_request(shop):
    """The deadline counts a request's calls, with retries, parallel calls and redirects."""
    deadline, other = Deadline(5), Deadline(5)
    shop.faults.add(Fault.BROKEN)
    client = shop.client(deadline)
    client.get("thing")
    client.run_parallel([lambda: client.get("things")] * 3)
    shop.client(other).get("moved")

    assert deadline.trace.calls_counted == 5
    assert other.trace.calls_counted == 2
    assert Deadline(1).trace.calls_counted == 0


def test_calls_are_kept_for_the_record_without_their_query(shop):
    """Each call is kept with its path, status and time, or with what failed; queries may hold secrets and names."""
    deadline = Deadline(5)
    shop.faults.add(Fault.BROKEN)
    client = shop.client(deadline)
    client.get("thing", {"key": "secret"})
    with pytest.raises(ChannelUnavailable):
        client.get("nowhere")
    broken, thing, refused, *_ = deadline.trace.shop_calls

    assert ["/thing", "/thing", "/nowhere"] == [call.path for call in (broken, thing, refused)]
    assert "The shop reported an internal error (500)" == broken.failure
    assert [500, 200, 404] == [broken.status, thing.status, refused.status]
    assert all(call.ms is not None for call in (broken, thing, refused))
