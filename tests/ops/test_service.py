"""The running service: gunicorn, real HTTP, and kills."""

from __future__ import annotations

import json
import os
import socket
import subprocess
import sys
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
import requests
from click.testing import CliRunner

from bridge.cli import main
from bridge.ops.temporary_server import free_port, temporary_server
from bridge.protocol.rate_limit import WRONG_SECRETS
from tests.linnworks import Linnworks
from tests.processes import ROOT, Service, at, healthy, poster, until

pytestmark = pytest.mark.service

LISTINGS = 120
"""A feed that takes long enough to be killed in the middle."""


@pytest.fixture(scope="module")
def data_dir(tmp_path_factory) -> Path:
    """The data folder of the running service."""
    return tmp_path_factory.mktemp("data")


@pytest.fixture(scope="module")
def output(tmp_path_factory) -> Path:
    """The file with the output of the running service."""
    return tmp_path_factory.mktemp("output") / "output"


@pytest.fixture(scope="module")
def service(data_dir, output) -> Iterator[str]:
    """A running service's base URL."""
    with temporary_server(data_dir, output, **at(data_dir)) as base_url:
        yield base_url


@pytest.fixture
def command(data_dir) -> Callable[..., str]:
    """Run a command on the service's data folder; return its output."""

    def invoke(*arguments: str) -> str:
        result = CliRunner(env={**at(data_dir), "BRIDGE_BIND": "127.0.0.1:1"}).invoke(main, arguments)

        assert 0 == result.exit_code, result.output
        return result.output

    return invoke


@pytest.mark.full
def test_the_check_passes_without_oauth(service, command, tmp_path):
    """
    `linnworks-bridge check URL` plays a whole integration over real HTTP; every rule passes that applies to it.
    """
    command("check", service, "--json", str(tmp_path / "run.json"))

    assert_all_passed(tmp_path / "run.json")


@pytest.mark.full
def test_the_check_passes_with_oauth(service, command, tmp_path):
    """
    `linnworks-bridge check URL --oauth-client` does so with access tokens.
    """
    created = command("oauth", "create")
    client_id, secret = (line.partition(": ")[2] for line in created.splitlines()[:2])
    try:
        (tmp_path / "client").write_text(f"{client_id}:{secret}")
        command("check", service, "--oauth-client", str(tmp_path / "client"), "--json", str(tmp_path / "run.json"))
    finally:
        command("oauth", "disable", "--yes")

    assert_all_passed(tmp_path / "run.json")


def assert_all_passed(report: Path) -> None:
    rules = json.loads(report.read_text())["rules"]

    # A shop refunds automatically with a Cancel, or it does not: one of the two rules about it does not apply.
    assert ["PSO-12"] == [rule["id"] for rule in rules if rule["verdict"] != "pass"]
    assert 150 <= len(rules)


def test_the_check_fails_if_no_server_answers():
    """
    Exit status 2 says that the check could not run.
    """
    assert 2 == CliRunner().invoke(main, ["check", f"http://127.0.0.1:{free_port()}"]).exit_code


def test_equal_requests_at_the_same_time_are_one_action(service):
    """
    Two processes with sixteen threads get the same refund at once: one is made, and no answer names another.
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
    assert all(answer["Error"] is None or any(text in answer["Error"] for text in again) for answer in answers)


def test_every_process_records_its_calls(tmp_path):
    """
    Calls answered by several processes are all recorded once the service has stopped, each under its own id.
    """
    with temporary_server(tmp_path, **at(tmp_path)) as base_url:
        linnworks = Linnworks(poster(base_url), "recorded")
        body = {"AuthorizationToken": linnworks.token}
        with ThreadPoolExecutor(8) as pool:
            answers = pool.map(lambda _: requests.post(f"{base_url}/api/Config/ConfigTest", json=body), range(40))
            asked = {answer.headers["X-Request-Id"] for answer in answers}
    listed = CliRunner().invoke(main, ["calls", "list", "--endpoint", "ConfigTest", "--json"], env=at(tmp_path))

    assert 40 == len(asked)
    assert asked == {record["id"] for record in json.loads(listed.output)}


def test_equal_new_integrations_at_the_same_time_leave_one(service):
    """
    For the same account and name only one token works in the end.
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
        for number in range(LISTINGS)
    ]
    service = Service(tmp_path)
    service.start()
    linnworks = Linnworks(service.post, "killed")
    linnworks.finish_wizard(shop_name="killed", access_key="a key for the killed")
    feed_id = linnworks("ListingUpdateEndpoint", Type="CREATE", Listings=listings)["ChannelFeedId"]

    def done() -> int:
        return len(linnworks("CheckFeedEndpoint", ChannelFeedId=feed_id)["ProductFeeds"])

    seen = []
    for goal in (1, LISTINGS // 3):
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

    assert seen[0] < LISTINGS
    assert list(range(LISTINGS)) == [one["TemplateId"] for one in feed["ProductFeeds"]]
    assert not [one["Messages"] for one in feed["ProductFeeds"] if any(word["Type"] == 1 for word in one["Messages"])]
    assert LISTINGS == len(sold)
    assert references == sold


def test_the_app_runs_under_plain_gunicorn(tmp_path):
    """
    `gunicorn wsgi:app` serves, with a background worker.
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

    assert health == {"status": "ok", "database": True, "storage": True, "worker": True, "key": True}


def test_a_wrong_setting_stops_the_start_with_a_sentence(tmp_path):
    """
    `linnworks-bridge serve` exits with 2 and says what is wrong, without a traceback.
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
    If another program listens there, the service does not start and does not retry.
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


def test_a_body_that_breaks_off_is_refused(service):
    """
    The part that arrived may be valid JSON.
    """
    with socket.create_connection(("127.0.0.1", int(service.rpartition(":")[2]))) as sender:
        sender.sendall(b"POST /api/Order/Orders HTTP/1.1\r\nHost: x\r\nContent-Length: 100\r\n\r\n{}")
        sender.shutdown(socket.SHUT_WR)
        answer = b"".join(iter(lambda: sender.recv(4096), b""))

    assert b"did not arrive whole and in time" in answer


def test_systemd_is_told_that_the_service_is_ready(tmp_path):
    """
    The unit is of Type=notify, so that what is started after it finds it listening.
    """
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as told:
        told.bind(str(tmp_path / "notify"))
        told.settimeout(20)
        with Service(tmp_path / "data", NOTIFY_SOCKET=str(tmp_path / "notify")):
            ready = told.recv(1000)

    assert b"READY=1" in ready
    unit = ROOT / "bridge/ops/deployment/templates/linnworks-bridge.service"
    assert "\nType=notify\n" in unit.read_text(encoding="utf-8")


def test_the_start_prints_three_lines(service, data_dir, output):
    """
    They are the address, the data folder, and the next command.
    """
    assert [
        f"Listening on {service}",
        f"Data in {data_dir}",
        f"Next, in another terminal: linnworks-bridge check {service}",
    ] == output.read_text().splitlines()[:3]


def test_wrong_secrets_are_counted_over_all_processes(service):
    """
    However many processes answer, an address may send only so many wrong secrets.
    """
    form = {"grant_type": "client_credentials", "client_id": "x", "client_secret": "y"}
    url = f"{service}/api/oauth/authorize"
    with ThreadPoolExecutor(4) as pool:
        statuses = list(pool.map(lambda _: requests.post(url, data=form, timeout=10).status_code, range(60)))
    # one more is allowed each five seconds, and it may be the first of these
    more = [requests.post(url, data=form, timeout=10) for _ in range(2)]
    refused = next(answer for answer in more if answer.status_code == 429)

    assert WRONG_SECRETS.burst <= statuses.count(401) <= WRONG_SECRETS.burst + 4 + 5
    assert int(refused.headers["Retry-After"]) <= WRONG_SECRETS.seconds


def test_keys_are_rotated_while_the_service_runs(service, command):
    """
    Every process opens what was stored before the rotation, and what is stored after it.
    """
    post = poster(service)
    before, after = Linnworks(post, "before"), Linnworks(post, "after")
    before.finish_wizard(shop_name="before", access_key="key of before")
    for _ in range(2):
        command("keys", "rotate")
    after.finish_wizard(shop_name="after", access_key="key of after")
    errors = [one("ConfigTestEndpoint")["Error"] for one in (before, after) for _ in range(8)]

    assert [None] * 16 == errors
