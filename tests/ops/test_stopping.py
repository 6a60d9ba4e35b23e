"""Stopping and starting under load: what was answered stays done, and what was not answered was not started."""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path
from random import Random
from typing import Any

import pytest
import requests

from bridge.channels.demo import DemoChannel
from bridge.ops.temporary_server import free_port
from bridge.store.database import close_store, open_store
from bridge.store.feeds import Feed, waiting_listings
from tests.conftest import database_url
from tests.linnworks import Linnworks
from tests.processes import Service, at, healthy, poster, until

pytestmark = pytest.mark.service

CLIENTS = 4
"""As many as the concurrency limit of a connection in one process."""


class SlowShop(DemoChannel):
    """A shop whose check takes a while."""

    def check(self) -> None:
        (self.settings.data_dir / "called").touch()
        time.sleep(0.6)
        super().check()


@contextmanager
def load(act: Callable[[], Any]) -> Iterator[list[Any]]:
    """Repeat `act` in several threads until the block ends; yield the list of results and exceptions."""
    outcomes: list[Any] = []
    ended = threading.Event()

    def work() -> None:
        while not ended.is_set():
            try:
                outcomes.append(act())
            except Exception as error:
                outcomes.append(error)

    with ThreadPoolExecutor(CLIENTS) as pool:
        for _ in range(CLIENTS):
            pool.submit(work)
        try:
            assert until(lambda: len(outcomes) > 3 * CLIENTS)
            yield outcomes
        finally:
            ended.set()


REMOVAL = {"TemplateId": 1, "ExternalListingId": "none", "SKU": "none"}


def seller(service: Service) -> tuple[Linnworks, Callable[[], str]]:
    """Return an integration, and a function that makes a feed for it and returns the feed's id."""
    linnworks = Linnworks(service.post, "seller")
    linnworks.finish_wizard(shop_name="seller", access_key="a key for the seller")

    def make() -> str:
        answer = linnworks("ListingDeleteEndpoint", ExternalListingIds=[REMOVAL])
        assert answer["Error"] is None, answer
        return str(answer["ChannelFeedId"])

    return linnworks, make


@contextmanager
def store(data_dir: Path) -> Iterator[None]:
    """Open the installation's database."""
    open_store(database_url(data_dir) or f"sqlite:///{data_dir / 'bridge.db'}")
    yield
    close_store()


def stored_feeds(data_dir: Path) -> set[str]:
    """Return the ids of all feeds in the database."""
    with store(data_dir):
        return {row.id for row in Feed.select()}


def waiting(data_dir: Path) -> int:
    """Return how many listings are not done yet."""
    with store(data_dir):
        return waiting_listings()[0]


def test_a_graceful_restart_loses_no_call(tmp_path):
    """
    SIGHUP, twice, during continuous calls: every call is answered, and all processes are replaced.
    """
    with Service(tmp_path) as service:
        before, (_, make) = service.workers(), seller(service)
        with load(make) as outcomes:
            for _ in range(2):
                old = service.workers()
                os.kill(service.pid, signal.SIGHUP)
                assert until(lambda old=old: len(service.workers()) == 2 and not set(old) & set(service.workers()))
                count = len(outcomes)
                assert until(lambda count=count: len(outcomes) > count + CLIENTS)
        after = service.workers()

    assert not set(before) & set(after)
    assert [] == [one for one in outcomes if isinstance(one, Exception)]
    assert stored_feeds(tmp_path) == set(outcomes)


def test_a_stop_answers_what_has_started(tmp_path):
    """
    SIGTERM under load: each call is answered or was not started, and the stop waits for a slow one.
    """
    with Service(tmp_path, BRIDGE_CHANNEL=f"{__name__}:SlowShop", BRIDGE_BUDGET_SECONDS="8") as service:
        linnworks, make = seller(service)
        with ThreadPoolExecutor(1) as pool, load(make) as outcomes:
            (tmp_path / "called").unlink(missing_ok=True)
            slow = pool.submit(linnworks, "ConfigTestEndpoint")
            assert until((tmp_path / "called").exists)
            service.stop()
        answered = {one for one in outcomes if isinstance(one, str)}

    assert slow.result()["Error"] is None
    assert any(isinstance(one, requests.ConnectionError) for one in outcomes)
    assert stored_feeds(tmp_path) == answered


def test_nothing_that_was_answered_is_lost_to_kills(tmp_path):
    """
    SIGKILL at random moments: each token that was issued works, and each feed that was answered is known and done.
    """
    chance, sellers = Random(7), []
    service = Service(tmp_path)
    service.start()
    linnworks, make = seller(service)
    with load(make) as outcomes:
        for number in range(2):
            count = len(outcomes) + chance.randrange(50)
            assert until(lambda count=count: len(outcomes) > count)
            sellers.append(Linnworks(service.post, f"new {number}"))
            service.kill()
            service.start()
    feeds = {one for one in outcomes if isinstance(one, str)}
    steps = [one("UserConfigEndpoint")["Error"] for one in sellers]
    done = until(lambda: not waiting(tmp_path), 40)
    last = next(one for one in reversed(outcomes) if isinstance(one, str))
    ready = linnworks("CheckFeedEndpoint", ChannelFeedId=last)["IsFeedReady"]
    service.stop()

    assert [None] * 2 == steps
    assert feeds <= stored_feeds(tmp_path)
    assert done
    assert ready


def test_clients_wait_in_a_socket_of_systemd(tmp_path):
    """
    If systemd holds the socket, even a stop and a start, as for an upgrade, lose no answer.
    """
    with socket.create_server(("127.0.0.1", 0), backlog=256) as held:
        port = held.getsockname()[1]
        post = poster(f"http://127.0.0.1:{port}", timeout=60)  # a start may take long on a busy machine

        def start() -> subprocess.Popen[bytes]:
            return subprocess.Popen(
                ["/bin/sh", "-c", 'LISTEN_PID=$$ exec "$0" -m bridge serve', sys.executable],
                env={**os.environ, **at(tmp_path), "LISTEN_FDS": "1", "BRIDGE_BIND": f"127.0.0.1:{free_port()}"},
                preexec_fn=lambda: os.dup2(held.fileno(), 3),
                pass_fds=[3],
                stdout=subprocess.DEVNULL,
                stderr=subprocess.DEVNULL,
            )

        process = start()
        assert until(lambda: healthy(port))
        with load(lambda: post("UserConfigEndpoint", AuthorizationToken="x")["Error"]) as outcomes:
            for _ in range(2):
                process.terminate()
                assert process.wait(20) == 0
                process = start()
                count = len(outcomes)
                assert until(lambda count=count: len(outcomes) > count + CLIENTS)
        process.terminate()
        process.wait(20)

    assert {"Unknown authorization token"} == set(map(str, outcomes))
