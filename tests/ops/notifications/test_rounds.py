"""The owner hears of trouble once, and of its end once, whatever happens to processes, hosts and addresses."""

from __future__ import annotations

import errno
import os
import threading
from dataclasses import replace
from datetime import datetime, timedelta, timezone

import pytest

from bridge.channels.base import Page
from bridge.channels.demo import DemoChannel
from bridge.channels.demo.tables import OrderLine
from bridge.clock import EPOCH, now
from bridge.errors import ChannelUnavailable, CredentialsRefused
from bridge.ops.doctor.service import health_findings
from bridge.ops.notifications import delivery, rounds
from bridge.ops.notifications.messages import clean, foreign
from bridge.ops.notifications.rounds import Rounds, state_to_tell
from bridge.settings import Settings
from bridge.store.actions import Action
from bridge.store.connections import Connection
from bridge.store.findings import RecordedFinding, recorded_findings
from bridge.store.outbox import PendingUpdate
from bridge.store.paging import PagingRun
from tests.conftest import sqlite_only

MINUTE = timedelta(minutes=1)


class Worker:
    """A background worker that works."""

    alive, seconds_since_heartbeat = True, 0.0


@pytest.fixture
def doctor(app, inbox, time, monkeypatch):
    """Return a function that makes one more process, which asks every two minutes for so many minutes."""
    monkeypatch.setattr(rounds.installation, "server_time", lambda: None)  # the server's clock cannot be moved
    services = app.extensions["bridge"]
    settings = replace(services.settings, notify=(inbox.address,))
    services.channels.settings = settings

    def process(host: str = "one", worker: object = Worker()) -> Rounds:
        made = Rounds(worker, time.monotonic, time.now)
        made._host = host
        made._leads = lambda settings: True
        return made

    return process


@pytest.fixture
def let_pass(app, time):
    """Return a function that lets minutes pass for processes, while Linnworks keeps polling unless it is silent."""
    channels = app.extensions["bridge"].channels

    def run(minutes: int, *processes: Rounds, silent: bool = False) -> None:
        for _ in range(minutes):
            time.passed += MINUTE
            if not silent:
                PagingRun.update(asked_at=time.now()).execute()
                Connection.update(completed_at=time.now()).execute()
            for one in processes:
                one.work_one(channels)

    return run


@pytest.fixture
def shop(monkeypatch):
    """Return a function that stops the shop with an error, or with None lets it work again."""

    def check(self) -> None:
        if state["error"]:
            raise state["error"]

    state: dict[str, Exception | None] = {"error": None}
    monkeypatch.setattr(DemoChannel, "check", check)
    monkeypatch.setattr(DemoChannel, "orders", lambda self, since, cursor: Page(()))
    return lambda error: state.update(error=error)


DOWN = ChannelUnavailable("The shop did not answer in time")


def test_a_shop_that_is_down_for_twenty_minutes_is_told_of_once(doctor, let_pass, shop, inbox, linnworks):
    """
    There is one alarm, with the cause, the connection, since when and what to type, and one all-clear.
    """
    one = doctor()
    let_pass(10, one)
    calm = list(inbox.messages)
    shop(DOWN)
    let_pass(20, one)
    shop(None)
    let_pass(60, one)

    assert [] == calm
    name = f"shop of {linnworks.account_name}"
    assert [f"Linnworks bridge: {name} needs you", f"Linnworks bridge: {name} works again"] == inbox.titles
    body = inbox.messages[0]["message"]
    assert f"Connection 1, {name}: The shop did not answer in time" in body
    assert "Since 20" in body
    assert "Type: linnworks-bridge doctor" in body


def test_a_single_failure_is_not_told_of(doctor, let_pass, shop, inbox, linnworks):
    """
    What one round finds and the next does not is a restart of the shop.
    """
    one = doctor()
    let_pass(3, one)
    shop(DOWN)
    let_pass(2, one)
    shop(None)
    let_pass(10, one)

    assert [] == inbox.messages


def test_a_shop_that_comes_and_goes_is_told_of_once_an_hour(doctor, let_pass, shop, inbox, linnworks):
    """
    Each alarm has its all-clear.
    """
    one = doctor()
    for _ in range(11):
        shop(DOWN)
        let_pass(6, one)
        shop(None)
        let_pass(4, one)

    assert 4 == len(inbox.messages)
    assert ["needs you", "works again"] * 2 == [" ".join(title.split()[-2:]) for title in inbox.titles]


def test_several_processes_and_hosts_send_one_message(doctor, let_pass, shop, inbox, linnworks):
    """
    Who changes the row tells it.
    """
    processes = [doctor("one"), doctor("one"), doctor("two")]
    let_pass(4, *processes)
    shop(DOWN)
    let_pass(20, *processes)
    shop(None)
    let_pass(10, *processes)

    assert 2 == len(inbox.messages)


def test_another_process_goes_on_with_what_a_dead_one_began(doctor, let_pass, shop, inbox, linnworks):
    """
    What was found and told is in the database.
    """
    shop(DOWN)
    let_pass(10, doctor())
    let_pass(10, doctor())
    shop(None)
    let_pass(10, doctor())

    assert 2 == len(inbox.messages)


def test_shops_that_fail_together_are_one_message(doctor, let_pass, shop, inbox, linnworks, connect):
    """
    It names each connection.
    """
    other = connect()
    one = doctor()
    shop(DOWN)
    let_pass(10, one)

    (message,) = inbox.messages
    assert linnworks.account_name in message["title"]
    assert other.account_name in message["title"]
    assert message["title"].endswith("need you")
    assert {"Connection 1", "Connection 2"} <= set(message["message"].replace(",", "\n").splitlines())


def test_refused_credentials_say_what_to_type(doctor, let_pass, shop, inbox, linnworks):
    """
    The command is for that connection; the words of a shop lose what looks like an e-mail address.
    """
    shop(CredentialsRefused("The key of jane.doe@example.com was revoked"))
    let_pass(6, doctor())

    (message,) = inbox.messages
    assert "Type: linnworks-bridge connections reconnect 1" in message["message"]
    assert "The key of *** was revoked" in message["message"]


def test_linnworks_silence_is_told_of(doctor, let_pass, shop, inbox, linnworks):
    """
    It is known since when.
    """
    linnworks.orders()
    last = PagingRun.get().asked_at
    let_pass(60, doctor(), silent=True)

    (message,) = inbox.messages
    assert f"orders of {linnworks.account_name}" in message["title"]
    assert f"Since {last:%Y-%m-%d %H:%M} UTC" in message["message"]


def test_an_unknown_action_and_a_held_order_are_told_of(doctor, let_pass, inbox, linnworks, request):
    """
    Warnings of the doctor that come from running are told too; what is paused on purpose is not.
    """
    paid = next(order for order in linnworks.orders().values() if order["PaymentStatus"] == "PAID")
    OrderLine.update(sku="").where(OrderLine.number == "1").execute()
    linnworks.orders("2000-01-02 00:00:00Z")
    linnworks("DespatchEndpoint", Orders=[{"ReferenceNumber": paid["ReferenceNumber"]}])
    request.getfixturevalue("shop")
    Action.update(state="unknown", planned_at=now() - timedelta(hours=1)).execute()
    Connection.update(paused={"refund": now().isoformat()}).execute()
    let_pass(6, doctor())

    assert {"Linnworks bridge: actions needs you", "Linnworks bridge: held orders needs you"} == set(inbox.titles)
    assert "Type: linnworks-bridge actions list" in "".join(one["message"] for one in inbox.messages)


def test_what_gets_worse_is_told_again(doctor, let_pass, shop, inbox, linnworks, monkeypatch):
    """
    A warning that becomes an error is a change, but there is one message an hour of the same cause.
    """
    free = {"free": 300_000_000}
    monkeypatch.setattr(rounds.installation.shutil, "disk_usage", lambda folder: type("Usage", (), free))
    one = doctor()
    let_pass(10, one)
    free["free"] = 30_000_000
    let_pass(10, one)
    early = list(inbox.messages)
    let_pass(60, one)

    assert 1 == len(early)
    assert ["300 MB free" in inbox.messages[0]["message"], "30 MB free" in inbox.messages[1]["message"]] == [True] * 2
    assert 2 == len(inbox.messages)


def test_nothing_that_can_be_stored_is_told_of_without_the_database(
    doctor, let_pass, shop, inbox, linnworks, monkeypatch
):
    """
    A full disk, on which no finding can be recorded, has one alarm and one all-clear.
    """
    full = {"problem": ""}
    monkeypatch.setattr("bridge.sync.health.find_storage_problem", lambda: full["problem"])
    one = doctor()
    let_pass(4, one)
    full["problem"] = "the disk is full"
    recorded = len(recorded_findings())
    let_pass(20, one)
    meanwhile = len(recorded_findings())
    full["problem"] = ""
    let_pass(10, one)

    assert recorded == meanwhile
    assert ["Linnworks bridge: storage needs you", "Linnworks bridge: storage works again"] == inbox.titles
    assert "Nothing can be stored: the disk is full" in inbox.messages[0]["message"]


@pytest.mark.parametrize(
    ("problem", "url", "command"),
    [
        ("Nothing can be stored: the disk is full", "", "df -h"),
        pytest.param(
            "Nothing can be stored: another program keeps the database locked", "", "fuser -v ", marks=sqlite_only
        ),
        ("The database does not answer", "postgresql://server/bridge", "systemctl status postgresql"),
    ],
)
def test_what_to_type_fits_the_trouble_of_the_database(settings, problem, url, command):
    """
    Only a full disk is looked at with df.
    """
    problems = {"database": problem, "storage": "", "worker": ""}
    (found, _) = health_findings(problems, replace(settings, database_url=url))

    assert found.command.startswith(command)


def test_a_hanging_worker_is_told_of(doctor, let_pass, shop, inbox, linnworks):
    """
    The rounds have a thread of their own.
    """

    class Hanging:
        alive, seconds_since_heartbeat = True, 100.0

    let_pass(6, doctor(worker=Hanging()))

    assert ["Linnworks bridge: worker needs you"] == inbox.titles


def test_an_address_that_fails_is_tried_again_and_told_by_the_doctor(doctor, let_pass, shop, inbox, linnworks):
    """
    The message is not lost, and comes once.
    """
    inbox.status = 500
    shop(DOWN)
    one = doctor()
    let_pass(10, one)
    failing = delivery.read_failures()
    inbox.status = 200
    let_pass(10, one)

    assert ["1 (json)"] == list(failing)
    assert "it did not take the message" == failing["1 (json)"]["problem"]
    assert 1 == len(inbox.messages)
    assert {} == delivery.read_failures()


def test_trouble_that_ended_before_it_could_be_told_of_is_not_told(doctor, let_pass, shop, inbox, linnworks):
    """
    An all-clear follows only what the owner has heard of.
    """
    inbox.status = 500
    shop(DOWN)
    one = doctor()
    let_pass(10, one)
    shop(None)
    let_pass(4, one)
    inbox.status = 200
    let_pass(10, one)

    assert [] == inbox.messages


def test_an_address_that_hangs_costs_nothing_else(app, inbox, monkeypatch):
    """
    The other addresses get the message; the one that hangs gets no second one meanwhile.
    """
    monkeypatch.setattr(delivery, "LONGEST_SECONDS", 0.1)
    monkeypatch.setattr(delivery, "_hanging", {})
    told, release = delivery.notify, threading.Event()

    def notify(address: str, title: str, body: str) -> str:
        if address.startswith("slow"):
            release.wait(20)
            return ""
        monkeypatch.setattr(delivery, "LONGEST_SECONDS", 20)
        return told(address, title, body)

    monkeypatch.setattr(delivery, "notify", notify)
    settings = Settings(notify=("slow://", inbox.address))
    first = delivery.send(settings, "title", "body")
    second = delivery.send(settings, "title", "body")
    release.set()
    delivery._hanging["1 (slow)"].join()

    assert {"1 (slow)": "it did not answer in time", "2 (json)": ""} == first
    assert {"1 (slow)": "it still hangs in an earlier message", "2 (json)": ""} == second
    assert 2 == len(inbox.messages)


def test_the_dead_mans_switch_is_told_only_while_the_service_works(app, doctor, let_pass, shop, inbox, monkeypatch):
    """
    A shop that is down is no reason to be silent; a full disk is.
    """
    channels = app.extensions["bridge"].channels
    channels.settings = replace(channels.settings, ping_url=inbox.ping_url)
    shop(DOWN)
    one = doctor()
    channels.settings = replace(channels.settings, ping_url=inbox.ping_url)
    let_pass(5, one)
    pinged = inbox.pings
    monkeypatch.setattr("bridge.sync.health.find_storage_problem", lambda: "the disk is full")
    let_pass(10, one)

    assert 2 == pinged == inbox.pings


def test_a_shop_that_linnworks_has_just_read_is_not_asked(doctor, let_pass, inbox, linnworks, time, monkeypatch):
    """
    A healthy shop has no more calls than without the rounds.
    """
    asked: list[int] = []
    linnworks.orders()
    monkeypatch.setattr(DemoChannel, "check", lambda self: asked.append(1))
    one = doctor()

    def finish_runs() -> None:
        PagingRun.update(finished_at=time.now()).execute()

    for _ in range(10):
        finish_runs()
        let_pass(1, one)
    regular = list(asked)
    let_pass(4, one)

    assert [] == regular
    assert asked


def test_one_process_of_a_host_makes_the_rounds(app, settings):
    """
    Another takes over when it ends.
    """
    first, second = Rounds(Worker()), Rounds(Worker())

    assert [True, False, True] == [one._leads(settings) for one in (first, second, first)]


def test_one_process_makes_the_rounds_where_nothing_can_be_stored(app, settings, monkeypatch):
    """
    A process that begins on a full or read-only disk cannot make the file that is locked.
    """
    opened = os.open

    def refuse(path, flags, *more):
        if flags & os.O_CREAT:
            raise OSError(errno.EROFS, "read-only")
        return opened(path, flags, *more)

    monkeypatch.setattr(os, "open", refuse)
    first, second = Rounds(Worker()), Rounds(Worker())

    assert [True, False] == [one._leads(settings) for one in (first, second)]


def test_what_waits_for_a_shop_that_is_down_is_no_trouble_of_its_own(doctor, let_pass, shop, inbox, linnworks, time):
    """
    An hour without the shop is one alarm and one all-clear, also while a stock level waits; later that is told.
    """
    one = doctor()
    let_pass(4, one)
    shop(DOWN)
    PendingUpdate.create(
        connection=1,
        kind="stock",
        key="x",
        sku="101-11",
        tag="",
        row={},
        attempts=1,
        error="",
        since=time.now(),
        next_at=time.now() + timedelta(days=1),
        unsure_until=EPOCH,
    )
    let_pass(60, one)
    shop(None)
    let_pass(6, one)
    told = list(inbox.titles)
    let_pass(30, one)

    assert ["needs you", "works again"] == [" ".join(title.split()[-2:]) for title in told]
    assert ["Linnworks bridge: outbox needs you"] == inbox.titles[2:]


def test_messages_hold_no_personal_data():
    """
    Control characters and e-mail addresses are taken out, and long texts are cut.
    """
    assert "Hello ***, bye" == clean("Hello\x1b\n jane@shop.example, bye")
    assert 300 == len(clean("x" * 1000))


def test_messages_hold_no_markup_of_others():
    """
    The name of an account, which its seller chooses, becomes no link and mentions nobody.
    """
    name = "shop of <!channel> [log in](https://evil.example) <https://evil.example|log in> @everyone `x`"

    assert set() == set("<>[]`@") & set(foreign(name))


def test_the_findings_of_a_deleted_connection_are_deleted(doctor, let_pass, shop, inbox, linnworks):
    """
    There is no all-clear for what does not exist any more.
    """
    shop(DOWN)
    one = doctor()
    let_pass(6, one)
    linnworks("ConfigDeletedEndpoint")
    let_pass(6, one)

    assert 1 == len(inbox.messages)
    assert 0 == RecordedFinding.select().where(RecordedFinding.connection.is_null(False)).count()


def test_a_host_whose_round_began_earlier_tells_nothing_again():
    """
    While another host sends its message, a round that began a moment before does not take it for undelivered.
    """
    moment = datetime(2026, 11, 26, 14, 3, tzinfo=timezone.utc)
    told = {"told_state": "error", "told_at": moment, "alarmed_at": moment, "delivered": False}
    row = RecordedFinding(cause="shop", state="error", rounds=9, **told)

    assert state_to_tell(row, moment - timedelta(milliseconds=5)) is None
    assert "error" == state_to_tell(row, moment + timedelta(minutes=1))
