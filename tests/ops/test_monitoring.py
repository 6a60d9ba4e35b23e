"""What an operator's monitor sees, and nobody else."""

from __future__ import annotations

import os
import signal
from datetime import timedelta

import pytest
import requests
from prometheus_client.parser import text_string_to_metric_families as parsed

from bridge.app import create_app
from bridge.clock import now
from bridge.protocol.rate_limit import is_loopback
from bridge.settings import Settings
from bridge.store.connections import Connection
from bridge.store.paging import POLL_SILENCE, PagingRun, last_polls
from tests.conftest import opened, sender
from tests.linnworks import Linnworks
from tests.processes import Service, until

TOKEN = "a monitor's token".replace(" ", "-") + "-of-some-length"
WAYS = ("/metrics", "/health/details")


def samples(text: str) -> dict[tuple[str, ...], float]:
    """Each sample by its name and its labels' values."""
    found = [sample for family in parsed(text) for sample in family.samples]
    return {(sample.name, *sample.labels.values()): sample.value for sample in found}


@pytest.fixture
def seen(app):
    """What Prometheus reads just now."""
    return lambda: samples(app.test_client().get("/metrics").text)


# -- the last poll --------------------------------------------------------------------------------------------


def test_the_last_poll_is_when_orders_were_last_asked_for(linnworks, connect):
    """
    Until Linnworks has asked, it is when the wizard was finished; one that is not finished has none.
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


def test_a_poll_that_the_shop_did_not_answer_is_a_poll(linnworks):
    """
    The dead man's switch is about Linnworks; a shop that is down is told of elsewhere.
    """
    linnworks.orders()
    PagingRun.update(finished_at=None, asked_at=now()).execute()
    (moment,) = last_polls().values()

    assert now() - moment < timedelta(minutes=1)


def test_silence_shows_in_details_and_metrics(app, linnworks, seen):
    """
    When nobody has asked for an enabled connection's orders for 45 minutes, both say so; the service is well.
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


# -- what is counted ------------------------------------------------------------------------------------------


def test_calls_are_counted_by_endpoint_and_outcome(app, linnworks, seen):
    """
    Each with how it ended and how long it took; addresses that strangers make up are one.
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


def test_what_waits_is_told_with_its_age(app, linnworks, seen):
    """
    Listings that the worker has not done yet, and since when the oldest waits.
    """
    removals = [{"TemplateId": 1, "ExternalListingId": "x", "SKU": "x"}]
    assert linnworks("ListingDeleteEndpoint", ExternalListingIds=removals)["Error"] is None
    found = app.test_client().get("/health/details").json

    assert 1 == found["listings"]["waiting"] == seen()["bridge_feed_listings",]
    assert 0 < seen()["bridge_feed_oldest_seconds",] < 60
    assert {"requests": 0, "values": 0, "oldest_seconds": 0} == found["outbox"]


def test_metrics_name_nobody(app, linnworks):
    """
    Neither account, shop, address nor token is in them: connections go by their number.
    """
    linnworks.orders()
    for path in WAYS:
        text = app.test_client().get(path).text

        assert linnworks.shop_name not in text
        assert linnworks.account not in text
        assert linnworks.token not in text
        assert "@" not in text


def test_all_processes_are_told_of_as_one_and_a_new_one_goes_on(tmp_path):
    """
    Whichever process answers, it tells of the calls of all, also of those that were killed; nothing stays behind.
    """
    with Service(tmp_path, BRIDGE_WORKERS="3") as service:
        url = f"http://127.0.0.1:{service.port}"
        for _ in range(30):
            requests.get(f"{url}/nowhere", timeout=5)
        key = ("bridge_calls_total", "other", "NotFound")
        told = [samples(requests.get(f"{url}/metrics", timeout=5).text)[key] for _ in range(6)]
        folder = service.metrics_folder()
        for pid in service.workers():
            os.kill(pid, signal.SIGKILL)
        assert until(lambda: len(service.workers()) == 3)
        for _ in range(30):
            requests.get(f"{url}/nowhere", timeout=5)
        after = samples(requests.get(f"{url}/metrics", timeout=5).text)[key]
        files = sorted(path.name for path in folder.iterdir())

    assert {30.0} == set(told)
    assert 60 == after
    assert set(files) <= {f"{kind}_{place}.db" for kind in ("counter", "histogram") for place in range(3)}
    assert not folder.exists()


def test_a_folder_that_a_killed_service_left_is_removed(tmp_path):
    """
    The next start takes it away, and begins from nothing.
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


# -- who may see it -------------------------------------------------------------------------------------------


def asked(app, **request) -> set[bool]:
    """Whether each of them is told."""
    return {"There is no endpoint" not in app.test_client().get(path, **request).text for path in WAYS}


def test_without_a_token_only_this_machine_is_told(app):
    """
    Not others, and not whoever a proxy on this machine calls for.
    """
    assert {True} == asked(app)
    assert {True} == asked(app, environ_overrides={"REMOTE_ADDR": "::1"})
    assert {False} == asked(app, environ_overrides={"REMOTE_ADDR": "203.0.113.9"})
    for header in ("X-Forwarded-For", "X-Real-IP", "Forwarded", "Via"):
        assert {False} == asked(app, headers={header: "127.0.0.1"})


def test_with_a_token_only_its_bearer_is_told(tmp_path):
    """
    From wherever it calls; on this machine it is wanted too.
    """
    with opened(Settings(data_dir=tmp_path, metrics_token=TOKEN)) as app:
        borne = {"Authorization": f"Bearer {TOKEN}"}
        outside = {"environ_overrides": {"REMOTE_ADDR": "203.0.113.9"}}

        assert {True} == asked(app, headers=borne, **outside)
        assert {False} == asked(app)
        assert {False} == asked(app, headers={"Authorization": f"Bearer {TOKEN}x"})
        assert {False} == asked(app, headers={"Authorization": f"Basic {TOKEN}"})


def test_nothing_is_told_where_it_is_not_wished(tmp_path):
    """
    BRIDGE_METRICS=false takes both away.
    """
    with opened(Settings(data_dir=tmp_path, metrics=False)) as app:
        Linnworks(sender(app), "unwatched")

        assert {False} == asked(app)


def test_a_failing_service_says_so(settings):
    """
    Details have the status of the health.
    """
    app = create_app(settings)
    well = app.test_client().get("/health/details")
    app.extensions["bridge"].worker.stop()
    ill = app.test_client().get("/health/details")
    metrics = samples(app.test_client().get("/metrics").text)

    assert [(200, "ok"), (503, "failing")] == [(one.status_code, one.json["status"]) for one in (well, ill)]
    assert (1, 0) == (metrics["bridge_healthy", "database"], metrics["bridge_healthy", "worker"])


@pytest.mark.parametrize(
    ("address", "ours"),
    [("127.0.0.1", True), ("::1", True), ("::ffff:127.0.0.9", True), ("10.0.0.1", False), ("", False), ("x", False)],
)
def test_loopback_is_recognised(address, ours):
    """
    In either notation; what is no address is not ours.
    """
    assert ours == is_loopback(address)
