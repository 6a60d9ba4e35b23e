"""The service as it runs: gunicorn, real HTTP, and what happens when it is killed."""

from __future__ import annotations

import json
import os
import socket
import subprocess
import sys
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor

import pytest
import requests
from click.testing import CliRunner

from bridge.cli import main
from bridge.ops.temporary_server import free_port, temporary_server
from bridge.protocol.rate_limit import WRONG_SECRETS
from tests.linnworks import Linnworks
from tests.processes import ROOT, Service, at, healthy, poster, until


@pytest.fixture(scope="module")
def service(tmp_path_factory) -> Iterator[str]:
    """A running service's base URL."""
    with temporary_server(**at(tmp_path_factory.mktemp("data"))) as base_url:
        yield base_url


def test_the_check_passes_against_the_service(service, tmp_path):
    """
    `linnworks-bridge check URL` plays a whole integration over real HTTP and finds nothing wrong, nor anything to skip.
    """
    result = CliRunner().invoke(main, ["check", service, "--json", str(tmp_path / "run.json")])
    run = json.loads((tmp_path / "run.json").read_text())

    assert 0 == result.exit_code, result.output
    assert [] == [(rule["id"], rule["reason"]) for rule in run["rules"] if rule["verdict"] != "pass"]
    assert 150 <= len(run["rules"])


def test_the_check_fails_where_nothing_answers():
    """
    Exit status 2 says that the check could not run.
    """
    assert 2 == CliRunner().invoke(main, ["check", f"http://127.0.0.1:{free_port()}"]).exit_code


def test_equal_requests_at_the_same_time_are_one_action(service):
    """
    Two processes with sixteen threads get the same refund at once: one is made, nobody hears of another.
    """
    post = poster(service)
    linnworks = Linnworks(post, "refunds")
    linnworks.finish_wizard(shop_name="refunds", access_key="a key for refunds")
    paid = next(order for order in linnworks.orders().values() if order["PaymentStatus"] == "PAID")
    refund = {
        "ReferenceNumber": paid["ReferenceNumber"],
        "Items": [{"OrderLineNumber": "1", "RefundAmount": 1.25}],
    }
    with ThreadPoolExecutor(16) as pool:
        answers = list(pool.map(lambda _: linnworks("RefundEndpoint", Refund=refund), range(32)))
    references = {answer["RefundReference"] for answer in answers} - {""}
    last = linnworks("RefundEndpoint", Refund=refund)

    assert {f"R-{paid['ReferenceNumber']}-1"} == references == {last["RefundReference"]}
    again = ("under way", "please try again")
    assert all(answer["Error"] is None or any(words in answer["Error"] for words in again) for answer in answers)


def test_equal_beginnings_at_the_same_time_leave_one_integration(service):
    """
    Of the same account and name only one token works in the end.
    """
    post = poster(service)
    first = Linnworks(post, "race")
    with ThreadPoolExecutor(16) as pool:
        tokens = {answer["AuthorizationToken"] for answer in pool.map(lambda _: first.begin(), range(32))}
    working = [token for token in tokens if post("UserConfigEndpoint", AuthorizationToken=token)["Error"] is None]

    assert 32 == len(tokens)
    assert 1 == len(working)


def test_a_killed_service_keeps_its_feeds(tmp_path):
    """
    SIGKILL in the middle of a feed loses no listing and makes none twice.
    """
    listings = [
        {
            "TemplateId": number,
            "SKU": f"NEW-{number}",
            "Title": f"New {number}",
            "Price": 1,
            "Categories": ["501"],
            "Attributes": [{"AttributeID": "material", "AttributeValue": "paper"}],
        }
        for number in range(300)
    ]
    service = Service(tmp_path)
    service.start()
    linnworks = Linnworks(service.post, "killed")
    linnworks.finish_wizard(shop_name="killed", access_key="a key for the killed")
    feed_id = linnworks("ListingUpdateEndpoint", Type="CREATE", Listings=listings)["ChannelFeedId"]

    def done() -> int:
        return len(linnworks("CheckFeedEndpoint", ChannelFeedId=feed_id)["ProductFeeds"])

    seen = []
    for goal in (1, 120):
        assert until(lambda goal=goal: done() >= goal)
        service.kill()
        service.start()
        seen.append(done())
    feed = until(
        lambda: (answer := linnworks("CheckFeedEndpoint", ChannelFeedId=feed_id))["IsFeedReady"] and answer, 40
    )
    references = {
        reference["SKU"]: reference["Reference"]
        for one in feed["ProductFeeds"]
        for reference in one["ChannelReferences"]
    }
    sold = {sku: product["Reference"] for sku, product in linnworks.products().items() if sku.startswith("NEW-")}
    service.stop()

    assert seen[0] < 300
    assert list(range(300)) == [one["TemplateId"] for one in feed["ProductFeeds"]]
    assert not [one["Messages"] for one in feed["ProductFeeds"] if any(word["Type"] == 1 for word in one["Messages"])]
    assert 300 == len(sold)
    assert references == sold


def test_the_app_runs_under_a_gunicorn_of_one_s_own(tmp_path):
    """
    `gunicorn wsgi:app` serves, with its worker thread at work.
    """
    port = free_port()
    process = subprocess.Popen(
        [sys.executable, "-m", "gunicorn", "--bind", f"127.0.0.1:{port}", "wsgi:app"],
        cwd=ROOT,
        env={**os.environ, **at(tmp_path)},
        stderr=subprocess.DEVNULL,
    )
    health = until(lambda: healthy(port))
    process.terminate()
    process.wait(20)

    assert health == {"database": True, "status": "ok", "worker": True}


def test_a_wrong_setting_stops_the_start_with_a_sentence(tmp_path):
    """
    `linnworks-bridge serve` then exits with 2 and says what is wrong, without a traceback.
    """
    result = subprocess.run(
        [sys.executable, "-m", "bridge", "serve"],
        env={**os.environ, **at(tmp_path), "BRIDGE_THREADS": "none"},
        capture_output=True,
        text=True,
        timeout=20,
    )

    assert (2, "linnworks-bridge: BRIDGE_THREADS must be a whole number from 1 to 256\n") == (
        result.returncode,
        result.stderr,
    )


def test_a_port_in_use_stops_the_start_with_a_sentence(service, tmp_path):
    """
    Where another listens already, that is said, and not tried again and again.
    """
    result = subprocess.run(
        [sys.executable, "-m", "bridge", "serve", "--bind", service.removeprefix("http://")],
        env={**os.environ, **at(tmp_path)},
        capture_output=True,
        text=True,
        timeout=20,
    )

    assert 2 == result.returncode
    assert "Address already in use; see BRIDGE_BIND" in result.stderr


def test_a_body_that_breaks_off_is_not_taken_for_whole(service):
    """
    What has come of it may be JSON by itself.
    """
    with socket.create_connection(("127.0.0.1", int(service.rpartition(":")[2]))) as sender:
        sender.sendall(b"POST /api/Order/Orders HTTP/1.1\r\nHost: x\r\nContent-Length: 100\r\n\r\n{}")
        sender.shutdown(socket.SHUT_WR)
        answer = b"".join(iter(lambda: sender.recv(4096), b""))

    assert b"did not arrive whole and in time" in answer


def test_a_sender_that_falls_silent_is_answered(tmp_path):
    """
    Half a body keeps a thread no longer than the budget, and then gets an Error.
    """
    with temporary_server(
        **at(tmp_path), BRIDGE_BUDGET_SECONDS="1", BRIDGE_WORKERS="1", BRIDGE_THREADS="2"
    ) as base_url:
        port = int(base_url.rpartition(":")[2])
        senders = [socket.create_connection(("127.0.0.1", port)) for _ in range(4)]
        for sender in senders:
            sender.sendall(b"POST /api/Order/Orders HTTP/1.1\r\nHost: x\r\nContent-Length: 100\r\n\r\n{")
        health = requests.get(f"{base_url}/health", timeout=10).status_code
        answers = [b"".join(iter(lambda sender=sender: sender.recv(4096), b"")) for sender in senders]
        for sender in senders:
            sender.close()

    assert 200 == health
    assert all(b"did not arrive whole and in time" in answer for answer in answers)


def test_the_start_says_three_things(tmp_path):
    """
    Where it listens, where its data lies, and what to type next.
    """
    port = free_port()
    process = subprocess.Popen(
        [sys.executable, "-m", "bridge", "serve", "--bind", f"127.0.0.1:{port}"],
        env={**os.environ, **at(tmp_path / "data")},
        stdout=subprocess.PIPE,
        text=True,
    )
    assert until(lambda: healthy(port))
    process.terminate()
    said, _ = process.communicate(timeout=20)

    assert [
        f"Listening on http://127.0.0.1:{port}",
        f"Data in {tmp_path / 'data'}",
        f"Next, in another terminal: linnworks-bridge check http://127.0.0.1:{port}",
    ] == said.splitlines()


def test_the_check_passes_with_oauth(tmp_path):
    """
    `linnworks-bridge check URL --oauth-client` gets access tokens as a client, and finds nothing wrong either.
    """
    environ = {**at(tmp_path / "data"), "BRIDGE_BIND": "127.0.0.1:1"}
    with temporary_server(tmp_path / "data", **at(tmp_path / "data")) as base_url:
        made = CliRunner(env=environ).invoke(main, ["oauth", "create"]).output
        client_id, secret = (line.partition(": ")[2] for line in made.splitlines()[:2])
        result = CliRunner().invoke(main, ["check", base_url, "--oauth-client", f"{client_id}:{secret}"])

    assert 0 == result.exit_code, result.output
    assert " 0 must failed, 0 should failed, 0 advice, 0 skipped" in result.output


def test_guesses_are_counted_over_all_processes(tmp_path):
    """
    However many processes answer, an address has the same number of wrong secrets.
    """
    form = {"grant_type": "client_credentials", "client_id": "x", "client_secret": "y"}
    with (
        temporary_server(**at(tmp_path), BRIDGE_WORKERS="4", BRIDGE_THREADS="4") as base_url,
        ThreadPoolExecutor(4) as pool,
    ):
        url = f"{base_url}/api/oauth/authorize"
        statuses = list(pool.map(lambda _: requests.post(url, data=form, timeout=10).status_code, range(60)))
        refused = requests.post(url, data=form, timeout=10)

    assert WRONG_SECRETS.burst <= statuses.count(401) <= WRONG_SECRETS.at_once + 4 + 5
    assert (429, True) == (refused.status_code, int(refused.headers["Retry-After"]) <= WRONG_SECRETS.seconds)


def test_keys_are_rotated_while_the_service_runs(tmp_path):
    """
    No process of it has to be told: what they stored before and store afterwards is opened by all.
    """
    data_dir = tmp_path / "data"
    with temporary_server(data_dir, **at(data_dir), BRIDGE_WORKERS="2") as base_url:
        post = poster(base_url)
        before, after = Linnworks(post, "before"), Linnworks(post, "after")
        before.finish_wizard(shop_name="before", access_key="key of before")
        for _ in range(2):
            result = CliRunner(env=at(data_dir)).invoke(main, ["keys", "rotate"])
            assert 0 == result.exit_code, result.output
        after.finish_wizard(shop_name="after", access_key="key of after")
        errors = [one("ConfigTestEndpoint")["Error"] for one in (before, after) for _ in range(8)]

    assert [None] * 16 == errors
