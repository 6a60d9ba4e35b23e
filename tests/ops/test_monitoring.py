"""Metrics and health details, for the operator's monitoring only."""

from __future__ import annotations

import os
import re
import signal
from datetime import timedelta

import pytest
import requests
from prometheus_client.parser import text_string_to_metric_families as parsed

from bridge.app import create_app
from bridge.clock import now
from bridge.protocol.rate_limit import is_loopback
from bridge.settings import Settings
from bridge.store.actions import Action
from bridge.store.connections import Connection
from bridge.store.findings import RecordedFinding
from bridge.store.installation_facts import save_certificate
from bridge.store.orders import SeenOrder
from bridge.store.outbox import PendingUpdate
from bridge.store.paging import POLL_SILENCE, PagingRun, last_polls
from tests.conftest import opened, sender, stop
from tests.linnworks import Linnworks
from tests.processes import ROOT, Service, until

TOKEN = "a-monitoring-token-of-some-length"
ALERTS = ROOT / "packaging/alerts.yml"
PATHS = ("/metrics", "/health/details")


def samples(text: str) -> dict[tuple[str, ...], float]:
    """Return each sample by its name and its labels' values."""
    found = [sample for family in parsed(text) for sample in family.samples]
    return {(sample.name, *sample.labels.values()): sample.value for sample in found}


@pytest.fixture
def seen(app):
    """Return the samples that Prometheus reads at the moment."""
    return lambda: samples(app.test_client().get("/metrics").text)


# -- the last poll --------------------------------------------------------------------------------------------


def test_the_last_poll_is_the_last_orders_call(linnworks, connect):
    """
    Before the first Orders call it is the end of the wizard; an unfinished integration has none.
    """
    never, halfway = connect(), Linnworks(linnworks._call, "halfway")
    began = now()
    linnworks.orders()
    linnworks.products()
    first, second, third = Connection.select().order_by(Connection.id)

    assert halfway.token
    assert never.token
    assert {first.id, second.id} == last_polls().keys()
    assert began <= last_polls()[first.id] <= now()
    assert second.completed_at == last_polls()[second.id]
    assert third.completed_at is None


def test_a_poll_that_the_shop_did_not_answer_counts(linnworks):
    """
    Silence is about Linnworks; a shop that is down is reported elsewhere.
    """
    linnworks.orders()
    PagingRun.update(finished_at=None, asked_at=now()).execute()
    (moment,) = last_polls().values()

    assert now() - moment < timedelta(minutes=1)


def test_silence_shows_in_details_and_metrics(app, linnworks, seen):
    """
    Both report a connection whose orders have not been asked for in 45 minutes.
    """
    linnworks.orders()
    number = str(Connection.get().id)
    before, calm = app.test_client().get("/health/details").json, seen()
    long_ago = now() - POLL_SILENCE - timedelta(minutes=1)
    PagingRun.update(asked_at=long_ago).execute()
    after, alarm = app.test_client().get("/health/details").json, seen()

    assert timedelta(minutes=45) == POLL_SILENCE
    assert before["connections"][number]["silent"] is False
    assert after["connections"][number]["silent"] is True
    assert 46 * 60 == pytest.approx(after["connections"][number]["seconds_since_poll"], abs=30)
    assert (0, 1) == tuple(one["bridge_connection_silent", number] for one in (calm, alarm))
    assert alarm["bridge_seconds_since_poll", number] > 2700 > calm["bridge_seconds_since_poll", number]


# -- counters -------------------------------------------------------------------------------------------------


def test_calls_are_counted_by_endpoint_and_outcome(app, linnworks, seen):
    """
    Each has its outcome and duration; all unknown addresses share one endpoint label.
    """
    before = seen()
    linnworks.orders()
    linnworks("OrdersEndpoint", PageNumber=-1, UTCTimeFrom="2000-01-01")
    for path in ("/a", "/b"):
        app.test_client().get(path)
    after = seen()
    path = "/api/Order/Orders"

    def more(*key: str) -> float:
        return after[key] - before.get(key, 0)

    assert more("bridge_calls_total", path, "ok") >= 1
    assert more("bridge_calls_total", path, "RequestRefused") == 1
    assert more("bridge_calls_total", "other", "NotFound") == 2
    assert more("bridge_call_seconds_count", path) >= 2


def test_waiting_listings_are_reported_with_their_age(app, linnworks, seen):
    """
    Details and metrics have the number of waiting listings and the age of the oldest.
    """
    removals = [{"TemplateId": 1, "ExternalListingId": "x", "SKU": "x"}]
    assert linnworks("ListingDeleteEndpoint", ExternalListingIds=removals)["Error"] is None
    found = app.test_client().get("/health/details").json

    assert 1 == found["listings"]["waiting"] == seen()["bridge_feed_listings",]
    assert 0 < seen()["bridge_feed_oldest_seconds",] < 60
    assert {"requests": 0, "pending_updates": 0, "oldest_seconds": 0} == found["outbox"]


def test_each_connection_has_its_own_gauges(app, linnworks, connect, seen):
    """
    They tell orders, the shop, credentials, held orders, actions, what waits and what is paused, by its number.
    """
    other = connect()
    linnworks.orders()
    then = now() - timedelta(minutes=30)
    PagingRun.update(finished_at=then).execute()
    Action.create(
        connection=1, generation=1, kind="refund", reference="1", digest="", occurrence=1, key="k", content={},
        state="unknown", created_at=then, planned_at=then,
    )  # fmt: skip
    Connection.update(step="Shop", paused={"prices": then.isoformat()}).where(Connection.id == 2).execute()
    PendingUpdate.create(
        connection=2, kind="stock", key="k", sku="101-11", tag="", row={}, attempts=3, error="down", since=then,
        next_at=now() + timedelta(minutes=5), unsure_until=then,
    )  # fmt: skip
    SeenOrder.create(
        connection=2, reference="7", first_seen_at=then, checked_at=now(), held_since=then, hold_reason="x"
    )
    found = seen()
    details = app.test_client().get("/health/details").json["connections"]["2"]

    assert other.token
    assert 1800 == pytest.approx(found["bridge_seconds_since_complete_run", "1"], abs=30)
    assert 1800 == pytest.approx(found["bridge_seconds_since_success", "1"], abs=30)
    assert (0, 1) == tuple(found["bridge_credentials_wanted", number] for number in "12")
    assert (0, 1) == tuple(found["bridge_held_orders", number] for number in "12")
    assert (1, 0) == tuple(found["bridge_actions", number, "unknown"] for number in "12")
    assert (0, 0) == tuple(found["bridge_actions", number, "failed"] for number in "12")
    assert 1800 == pytest.approx(found["bridge_outbox_oldest_seconds", "2", "stock"], abs=30)
    assert (0, 1) == tuple(found["bridge_paused", "2", kind] for kind in ("stock", "prices"))
    assert found["bridge_free_bytes",] > 0
    assert ("bridge_certificate_days",) not in found
    assert {"credentials_wanted": True, "held_orders": 1, "paused": ["prices"]}.items() <= details.items()


def test_what_the_doctor_s_rounds_found_shows_in_the_metrics(app, linnworks, seen):
    """
    When a shop last answered, and how long the certificate is valid.
    """
    began, ends = now() - timedelta(days=60), now() + timedelta(days=30)
    Connection.update(completed_at=now() - timedelta(hours=2)).execute()
    RecordedFinding.create(
        key="shop/1/", cause="shop", connection=1, name="", state="error", message="", advice="", command="",
        since=now(), found_at=now(), ok_at=now() - timedelta(hours=1),
    )  # fmt: skip
    save_certificate(began, ends)
    found = seen()

    assert 3600 == pytest.approx(found["bridge_seconds_since_success", "1"], abs=30)
    assert 7200 == pytest.approx(found["bridge_seconds_since_complete_run", "1"], abs=30)
    assert 30 == pytest.approx(found["bridge_certificate_days",], abs=0.1)
    assert 90 == pytest.approx(found["bridge_certificate_lifetime_days",], abs=0.1)


def test_every_metric_of_the_alert_rules_exists(app, linnworks):
    """
    packaging/alerts.yml names no other metrics than /metrics has, those of the certificate included.
    """
    save_certificate(now(), now())
    text = app.test_client().get("/metrics").text
    named = set(re.findall(r"bridge_\w+", ALERTS.read_text(encoding="utf-8")))

    assert named
    assert set() == {name for name in named if f"\n{name}{{" not in text and f"\n{name} " not in text}


def test_metrics_have_no_personal_data(app, linnworks):
    """
    They have no account, shop, address or token, and identify connections by number.
    """
    linnworks.orders()
    for path in PATHS:
        text = app.test_client().get(path).text

        assert linnworks.shop_name not in text
        assert linnworks.account not in text
        assert linnworks.token not in text
        assert "@" not in text


@pytest.mark.service
def test_metrics_are_the_sum_over_all_processes(tmp_path):
    """
    Any process reports the calls of all, also of killed ones, whose files their replacements continue.
    """
    with Service(tmp_path, BRIDGE_WORKERS="3") as service:
        url = f"http://127.0.0.1:{service.port}"
        for _ in range(30):
            requests.get(f"{url}/nowhere", timeout=5)
        key = ("bridge_calls_total", "other", "NotFound")
        counts = [samples(requests.get(f"{url}/metrics", timeout=5).text)[key] for _ in range(6)]
        folder = service.metrics_folder()
        for pid in service.workers():
            os.kill(pid, signal.SIGKILL)
        assert until(lambda: len(service.workers()) == 3)
        for _ in range(30):
            requests.get(f"{url}/nowhere", timeout=5)
        after = samples(requests.get(f"{url}/metrics", timeout=5).text)[key]
        files = sorted(path.name for path in folder.iterdir())

    assert {30.0} == set(counts)
    assert 60 == after
    assert set(files) <= {f"{kind}_{slot}.db" for kind in ("counter", "histogram") for slot in range(3)}
    assert not folder.exists()


@pytest.mark.service
def test_the_metrics_folder_of_a_killed_service_is_removed(tmp_path):
    """
    The next start removes it, and counts from zero.
    """
    service = Service(tmp_path, BRIDGE_WORKERS="1")
    service.start()
    folder = service.metrics_folder()
    service.kill()
    left = folder.exists()
    service.start()
    gone = not folder.exists()
    service.stop()

    assert (True, True) == (left, gone)


# -- access ---------------------------------------------------------------------------------------------------


def answers(app, **request) -> set[bool]:
    """Return whether the paths answer."""
    return {"There is no endpoint" not in app.test_client().get(path, **request).text for path in PATHS}


def test_without_a_token_only_this_machine_gets_them(app):
    """
    Other machines do not, nor do clients of a proxy on this machine.
    """
    assert {True} == answers(app)
    assert {True} == answers(app, environ_overrides={"REMOTE_ADDR": "::1"})
    assert {False} == answers(app, environ_overrides={"REMOTE_ADDR": "203.0.113.9"})
    for header in ("X-Forwarded-For", "X-Real-IP", "Forwarded", "Via"):
        assert {False} == answers(app, headers={header: "127.0.0.1"})


def test_with_a_token_only_its_bearer_gets_them(tmp_path):
    """
    The token works from any address, and is required on this machine too.
    """
    with opened(Settings(data_dir=tmp_path, metrics_token=TOKEN)) as app:
        authorized = {"Authorization": f"Bearer {TOKEN}"}
        outside = {"environ_overrides": {"REMOTE_ADDR": "203.0.113.9"}}

        assert {True} == answers(app, headers=authorized, **outside)
        assert {False} == answers(app)
        assert {False} == answers(app, headers={"Authorization": f"Bearer {TOKEN}x"})
        assert {False} == answers(app, headers={"Authorization": f"Basic {TOKEN}"})


@pytest.mark.parametrize("method", ["GET", "HEAD", "OPTIONS", "POST", "PUT", "TRACE"])
@pytest.mark.parametrize("path", [*PATHS, "/docs", "/openapi.json"])
def test_others_see_no_difference_to_an_unknown_address(app, method, path):
    """
    By no method do they learn that the path exists.
    """
    outside = {"environ_overrides": {"REMOTE_ADDR": "203.0.113.9"}, "method": method}
    seen, unknown = (app.test_client().open(one, **outside) for one in (path, "/nowhere"))
    ids = [answer.headers.pop("X-Request-Id") for answer in (seen, unknown)]

    assert 2 == len(set(ids))
    assert (404, unknown.data, list(unknown.headers)) == (seen.status_code, seen.data, list(seen.headers))


def test_they_can_be_turned_off(tmp_path):
    """
    With BRIDGE_METRICS=false neither path exists.
    """
    with opened(Settings(data_dir=tmp_path, metrics=False)) as app:
        Linnworks(sender(app), "unmonitored")

        assert {False} == answers(app)


def test_a_failing_service_reports_it(settings):
    """
    The details have the same status as the health.
    """
    app = create_app(settings)
    healthy = app.test_client().get("/health/details")
    stop(app)
    failing = app.test_client().get("/health/details")
    metrics = samples(app.test_client().get("/metrics").text)

    assert [(200, "ok"), (503, "failing")] == [(one.status_code, one.json["status"]) for one in (healthy, failing)]
    assert (1, 0) == (metrics["bridge_healthy", "database"], metrics["bridge_healthy", "worker"])


@pytest.mark.parametrize(
    ("address", "ours"),
    [("127.0.0.1", True), ("::1", True), ("::ffff:127.0.0.9", True), ("10.0.0.1", False), ("", False), ("x", False)],
)
def test_loopback_is_recognised(address, ours):
    """
    It is recognised in either notation, and anything else is not loopback.
    """
    assert ours == is_loopback(address)
