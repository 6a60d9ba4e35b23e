"""Stopping and starting under load: what was answered stays done, and what was not answered was not begun."""

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

import requests

from bridge.channels.demo import DemoChannel
from bridge.ops.temporary_server import free_port
from bridge.store.database import close_store, open_store
from bridge.store.feeds import Feed, waiting_listings
from tests.conftest import database_url
from tests.linnworks import Linnworks
from tests.processes import ROOT, Service, at, healthy, poster, until

CALLERS = 4
"""As many as one process lets into a shop."""


class SlowShop(DemoChannel):
    """A shop that takes a while to say that it is well."""

    def check(self) -> None:
        (self.settings.data_dir / "called").touch()
        time.sleep(0.6)
        super().check()


@contextmanager
def load(act: Callable[[], Any]) -> Iterator[list[Any]]:
    """Do it again and again from several threads until the block ends; what came of each, exceptions too."""
    outcomes: list[Any] = []
    ended = threading.Event()

    def work() -> None:
        while not ended.is_set():
            try:
                outcomes.append(act())
            except Exception as error:
                outcomes.append(error)

    with ThreadPoolExecutor(CALLERS) as pool:
        for _ in range(CALLERS):
            pool.submit(work)
        try:
            assert until(lambda: len(outcomes) > 3 * CALLERS)
            yield outcomes
        finally:
            ended.set()


REMOVAL = {"TemplateId": 1, "ExternalListingId": "none", "SKU": "none"}


def seller(service: Service) -> tuple[Linnworks, Callable[[], str]]:
    """An integration, and what makes it a feed; the feed's id."""
    linnworks = Linnworks(service.post, "seller")
    linnworks.finish_wizard(shop_name="seller", access_key="a key for the seller")

    def make() -> str:
        answer = linnworks("ListingDeleteEndpoint", ExternalListingIds=[REMOVAL])
        assert answer["Error"] is None, answer
        return str(answer["ChannelFeedId"])

    return linnworks, make


@contextmanager
def store(data_dir: Path) -> Iterator[None]:
    """The installation's database."""
    open_store(database_url(data_dir) or f"sqlite:///{data_dir / 'bridge.db'}")
    yield
    close_store()


def kept(data_dir: Path) -> set[str]:
    """The feeds that the installation has."""
    with store(data_dir):
        return {row.id for row in Feed.select()}


def waiting(data_dir: Path) -> int:
    """How many listings are not done yet."""
    with store(data_dir):
        return waiting_listings()[0]


def test_a_graceful_restart_loses_no_call(tmp_path):
    """
    SIGHUP, twice, while calls come without a pause: every one is answered, and the processes are new ones.
    """
    with Service(tmp_path) as service:
        before, (_, make) = service.workers(), seller(service)
        with load(make) as outcomes:
            for _ in range(2):
                old = service.workers()
                os.kill(service.pid, signal.SIGHUP)
                assert until(lambda old=old: len(service.workers()) == 2 and not set(old) & set(service.workers()))
                count = len(outcomes)
                assert until(lambda count=count: len(outcomes) > count + CALLERS)
        after = service.workers()

    assert not set(before) & set(after)
    assert [] == [one for one in outcomes if isinstance(one, Exception)]
    assert kept(tmp_path) == set(outcomes)


def test_a_stop_answers_what_it_has_begun(tmp_path):
    """
    SIGTERM under load: calls are answered whole, or were not begun; a slow one in hand is waited for.
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
    assert kept(tmp_path) == answered


def test_nothing_that_was_answered_is_lost_to_kills(tmp_path):
    """
    SIGKILL at moments that chance chooses: each token that was handed out works, each feed is known and done.
    """
    chance, sellers = Random(7), []
    service = Service(tmp_path)
    service.start()
    linnworks, make = seller(service)
    with load(make) as outcomes:
        for number in range(2):
            time.sleep(chance.uniform(0.05, 0.3))
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
    assert feeds <= kept(tmp_path)
    assert done
    assert ready


def test_callers_wait_in_a_socket_that_is_handed_over(tmp_path):
    """
    Where systemd holds the socket, even a stop and a new start, as for an upgrade, cost nobody an answer.
    """
    with socket.create_server(("127.0.0.1", 0), backlog=256) as held:
        port = held.getsockname()[1]
        post = poster(f"http://127.0.0.1:{port}")

        def start() -> subprocess.Popen[bytes]:
            return subprocess.Popen(
                ["/bin/sh", "-c", 'LISTEN_PID=$$ exec "$0" -m bridge serve', sys.executable],
                env={**os.environ, **at(tmp_path), "LISTEN_FDS": "1", "BRIDGE_BIND": f"127.0.0.1:{free_port()}"},
                preexec_fn=lambda: os.dup2(held.fileno(), 3),
                pass_fds=[3],
                cwd=ROOT,
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
                assert until(lambda count=count: len(outcomes) > count + CALLERS)
        process.terminate()
        process.wait(20)

    assert {"Unknown authorization token"} == set(map(str, outcomes))
