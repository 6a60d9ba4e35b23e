"""The doctor says what is wrong and what to do, however broken the installation."""

from __future__ import annotations

import json
import os
import shutil
import sqlite3
import ssl
import threading
from contextlib import closing, contextmanager
from dataclasses import replace
from datetime import datetime, timedelta, timezone
from functools import partial
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

from bridge.channels.demo import shop
from bridge.channels.demo.tables import OrderLine
from bridge.clock import now
from bridge.ops.doctor import examine
from bridge.ops.doctor.installation import clock
from bridge.ops.doctor.integrations import polls
from bridge.ops.doctor.service import public_address, worker
from bridge.ops.temporary_server import free_port
from bridge.settings import Settings
from bridge.store.actions import Action
from bridge.store.connections import Connection
from bridge.store.database import database
from bridge.store.feeds import Feed, FeedItem
from bridge.store.outbox import PendingUpdate
from bridge.store.paging import PagingRun
from tests.conftest import SERVER, database_url, dump, leave, sqlite_only
from tests.processes import Service

HOUR = timedelta(hours=1)


@pytest.fixture
def look(settings, tmp_path, monkeypatch):
    """What the doctor says of the installation, by name: the gravest state, and all words and advice."""
    monkeypatch.chdir(tmp_path)
    closed = f"127.0.0.1:{free_port()}"

    def ask(later: timedelta = timedelta(0), **environ: str) -> dict[str, tuple[str, str]]:
        given = {
            "BRIDGE_DATA_DIR": str(settings.data_dir),
            "BRIDGE_DATABASE_URL": database_url(settings.data_dir),
            "BRIDGE_BIND": closed,
            **environ,
        }
        found: dict[str, tuple[str, str]] = {}
        for one in examine(given, lambda: now() + later):
            state, words = found.get(one.name, ("ok", ""))
            state = max(state, one.state.value, key=["ok", "warning", "fault"].index)
            found[one.name] = (state, f"{words} {one.words} -> {one.advice}")
            assert bool(one.advice) == (one.state.value != "ok"), one
        return found

    return ask


# -- broken installations ----------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("environ", "words"),
    [
        ({"BRIDGE_THREADS": "many"}, "BRIDGE_THREADS must be a whole number"),
        ({"BRIDGE_CHANNEL": "no.such.channel"}, "neither built in"),
        ({"BRIDGE_ENV_FILE": "nowhere.env"}, "not a file"),
        ({"BRIDGE_OAUTH_CLIENT_ID": "x"}, "is no setting any more"),
    ],
)
def test_wrong_settings_are_a_fault(look, environ, words):
    """
    They are the only line, since nothing else is known.
    """
    ((name, (state, said)),) = look(**environ).items()

    assert ("settings", "fault") == (name, state)
    assert words in said


def test_an_unknown_setting_is_a_warning(look, app):
    """
    A misspelt variable is pointed out.
    """
    assert look(BRIDGE_CHANEL="demo")["settings"][0] == "warning"


@sqlite_only
def test_nothing_installed_is_told(look, settings):
    """
    Neither folder, key nor database: each is a line, and none is made by looking.
    """
    found = look()

    assert ["fault"] * 3 == [found[name][0] for name in ("disk", "database", "key")]
    assert "start the service once" in found["database"][1]
    assert not settings.data_dir.exists()


def damage_database(data_dir: Path) -> None:
    path = data_dir / "bridge.db"
    path.write_bytes(path.read_bytes()[:-20000])


def forget_key(data_dir: Path) -> None:
    (data_dir / "secret.key").unlink()


def change_key(data_dir: Path) -> None:
    (data_dir / "secret.key").write_text("VGhlIGtleSBvZiBldmVyeSBlYXJsaWVyIHNjaGVtYS4=")


def damage_key(data_dir: Path) -> None:
    (data_dir / "secret.key").write_text("something else")


def open_key(data_dir: Path) -> None:
    (data_dir / "secret.key").chmod(0o644)


def replace_database(data_dir: Path) -> None:
    (data_dir / "bridge.db").write_bytes(b"not a database at all" * 100)


def forget_database(data_dir: Path) -> None:
    (data_dir / "bridge.db").unlink()


def empty_database(data_dir: Path) -> None:
    (data_dir / "bridge.db").write_bytes(b"")


def newer_schema(data_dir: Path) -> None:
    with closing(sqlite3.connect(data_dir / "bridge.db", isolation_level=None)) as database:
        database.execute("INSERT INTO schema_migration (name, applied) VALUES ('9999_later', '2030-01-01')")


def test_a_database_that_waits_for_an_upgrade_is_told(look, app, settings, next_version):
    """
    After an installation of a new version the service has to be started again.
    """
    leave()
    state, words = look()["database"]

    assert "warning" == state
    assert "restart the service, which upgrades it" in words


@sqlite_only
@pytest.mark.parametrize(
    ("harm", "name", "state", "words"),
    [
        (damage_database, "database", "fault", "linnworks-bridge restore FOLDER"),
        (replace_database, "database", "fault", "file is not a database"),
        (forget_database, "database", "fault", "There is no database"),
        (empty_database, "database", "fault", "nothing of the bridge's in it"),
        (newer_schema, "database", "fault", "install that version"),
        (forget_key, "key", "fault", "there is no key"),
        (damage_key, "key", "fault", "not one that `linnworks-bridge keys new` made"),
        (change_key, "key", "fault", "not the one that this database was sealed with"),
        (open_key, "key", "warning", "chmod 600"),
        (shutil.rmtree, "disk", "fault", "is not there"),
    ],
)
def test_a_broken_installation_is_told(look, app, settings, harm, name, state, words):
    """
    Each way to be broken has its line with what to do, and the other questions are still answered.
    """
    leave()
    harm(settings.data_dir)
    found = look()

    assert state == found[name][0], found
    assert words in found[name][1]
    assert {"settings", "disk", "database", "key", "worker", "public address", "integrations"} <= found.keys()


def test_a_server_that_is_down_is_told_without_its_password(look):
    """
    A database that cannot be reached is a fault, whatever it is.
    """
    state, words = look(BRIDGE_DATABASE_URL=f"postgresql://user:s3cret@127.0.0.1:{free_port()}/bridge")["database"]

    assert "fault" == state
    assert "s3cret" not in words


def test_a_newer_schema_is_left_alone(look, app):
    """
    The version that upgraded it is asked for, and no row is read.
    """
    database.execute_sql("INSERT INTO schema_migration (name, applied) VALUES ('9999_later', '2030-01-01')")
    found = look()

    assert "install that version" in found["database"][1]
    assert "could not be looked at" in found["integrations"][1]


@sqlite_only
def test_a_locked_database_is_told(look, app, settings):
    """
    Somebody who writes and does not come to an end is a fault of the database.
    """
    leave()
    with closing(sqlite3.connect(settings.data_dir / "bridge.db", isolation_level=None)) as other:
        other.execute("BEGIN IMMEDIATE")
        assert ("fault", True) == ((found := look()["database"])[0], "locked" in found[1])


def test_looking_changes_nothing(look, linnworks):
    """
    No row is written, though every shop is asked.
    """
    linnworks.orders()
    before = dump()
    look()

    assert before == dump()


def test_integrations_of_another_channel_are_a_fault(look, linnworks):
    """
    A wrong BRIDGE_CHANNEL is told with the right one.
    """
    state, words = look(BRIDGE_CHANNEL="woocommerce")["integrations"]

    assert "fault" == state
    assert "set BRIDGE_CHANNEL=demo" in words


# -- the service and the world -----------------------------------------------------------------------


def test_a_service_at_work_is_well(tmp_path):
    """
    A running service's worker is seen, and one that does not run is told with what to do.
    """
    with Service(tmp_path / "data") as service:
        running = Settings(bind=f"0.0.0.0:{service.port}")
        assert ["ok"] == [one.state.value for one in worker(running)]
        away = replace(running, base_url=f"http://127.0.0.1:{service.port}")
        assert ["warning", "ok"] == [one.state.value for one in public_address(away, now())]
    (stopped,) = worker(running)

    assert ("fault", True) == (stopped.state.value, "systemctl start linnworks-bridge" in stopped.advice)


def test_a_service_that_cannot_work_is_a_fault():
    """
    What its health says is failing is named.
    """
    with answering(b'{"status": "failing", "database": true, "worker": false}') as port:
        (finding,) = worker(Settings(bind=f"127.0.0.1:{port}"))

    assert "not able to work: worker" in finding.words


class Answers(BaseHTTPRequestHandler):
    """Answers everything alike."""

    def __init__(self, body: bytes, *more) -> None:
        self.body = body
        super().__init__(*more)

    def do_GET(self) -> None:
        self.send_response(200)
        self.end_headers()
        self.wfile.write(self.body)

    def log_message(self, *_: object) -> None:
        pass


@contextmanager
def answering(body: bytes, context: ssl.SSLContext | None = None):
    """A web server on a port of its own, with TLS where it has a context."""
    server = HTTPServer(("127.0.0.1", 0), partial(Answers, body))
    server.handle_error = lambda *_: None  # callers that hang up, as they should
    if context:
        server.socket = context.wrap_socket(server.socket, server_side=True)
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
    thread.start()
    try:
        yield server.server_port
    finally:
        server.shutdown()
        server.server_close()
        thread.join()


@pytest.fixture
def certified(tmp_path, monkeypatch):
    """TLS with a certificate for localhost that is valid for so many more days, and is believed."""

    def make(days: float, name: str = "localhost", believed: bool = True) -> ssl.SSLContext:
        key = ec.generate_private_key(ec.SECP256R1())
        subject = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, name)])
        ends = datetime.now(timezone.utc) + timedelta(days=days)
        certificate = (
            x509.CertificateBuilder()
            .subject_name(subject)
            .issuer_name(subject)
            .public_key(key.public_key())
            .serial_number(1)
            .not_valid_before(ends - timedelta(days=90))
            .not_valid_after(ends)
            .add_extension(x509.SubjectAlternativeName([x509.DNSName(name)]), critical=False)
            .sign(key, hashes.SHA256())
        )
        pem = certificate.public_bytes(serialization.Encoding.PEM)
        secret = key.private_bytes(
            serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
        )
        (tmp_path / "own.pem").write_bytes(pem + secret)
        (tmp_path / "believed.pem").write_bytes(pem)
        if believed:
            monkeypatch.setenv("SSL_CERT_FILE", str(tmp_path / "believed.pem"))
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(tmp_path / "own.pem")
        return context

    return make


@pytest.mark.parametrize(
    ("days", "name", "believed", "states", "words"),
    [
        (60, "localhost", True, ["ok", "ok"], "valid until"),
        (10, "localhost", True, ["warning", "ok"], "valid until"),
        (2, "localhost", True, ["fault"], "valid until"),
        (-1, "localhost", True, ["fault"], "expired"),
        (60, "elsewhere.example", True, ["fault"], "Hostname mismatch"),
        (60, "localhost", False, ["fault"], "self-signed certificate"),
    ],
)
def test_a_certificate_is_looked_at(certified, days, name, believed, states, words):
    """
    One that ends soon is a warning; one that ended, is another's, or is nobody's, is a fault.
    """
    with answering(b'{"status": "ok"}', certified(days, name, believed)) as port:
        found = list(public_address(Settings(base_url=f"https://localhost:{port}"), now()))

    assert states == [one.state.value for one in found]
    assert words in found[0].words


def test_an_address_that_leads_elsewhere_is_a_fault(certified):
    """
    Nothing there, no TLS there, and another's page there: each is told.
    """
    (nothing,) = public_address(Settings(base_url=f"https://localhost:{free_port()}"), now())
    with answering(b"<h1>Welcome</h1>") as port:
        (plain,) = public_address(Settings(base_url=f"https://localhost:{port}"), now())
    with answering(b"<h1>Welcome</h1>", certified(60)) as port:
        (_, other) = public_address(Settings(base_url=f"https://localhost:{port}"), now())

    assert "no TLS at localhost" in nothing.words
    assert "no TLS at localhost" in plain.words
    assert "something else answers" in other.words


# -- integrations and work ---------------------------------------------------------------------------


def test_all_is_well_with_an_integration_at_work(look, linnworks):
    """
    Its shop answers and Linnworks has asked for orders; nothing waits, failed or is held.
    """
    linnworks.orders()
    found = look()
    name = linnworks.account_name

    assert {"ok"} == {found[one][0] for one in (f"shop of {name}", f"orders of {name}", "outbox", "actions", "feeds")}
    assert "1 set up, 0 in the wizard" in found["integrations"][1]
    assert bool(SERVER) == ("clock" in found)


def test_silence_of_linnworks_is_a_fault(look, linnworks):
    """
    No Orders call for 45 minutes, by our clock whatever the shop's says, or none ever since the wizard's end.
    """
    name = f"orders of {linnworks.account_name}"
    assert "ok" == look(timedelta(minutes=44))[name][0]
    assert "fault" == look(timedelta(minutes=46))[name][0]
    linnworks.orders()
    PagingRun.update(started_at=now() - 5 * HOUR).execute()
    Connection.update(completed_at=now() - 9 * HOUR).execute()

    assert "ok" == look(timedelta(minutes=44))[name][0]
    assert "fault" == look(timedelta(minutes=46))[name][0]


def test_the_first_poll_is_waited_for():
    """
    An integration that was set up just now has not been forgotten by Linnworks.
    """
    finished = now()
    row = Connection(account_name="x", completed_at=finished)
    found = [polls(row, finished, finished + later) for later in (timedelta(0), HOUR)]

    assert ["ok", "fault"] == [one.state.value for one in found]
    assert "never asked for" in found[0].words


def test_a_shop_that_refuses_is_a_fault(look, linnworks, run):
    """
    Credentials that no longer work, or are asked for, are told with how to have them entered again.
    """
    name = f"shop of {linnworks.account_name}"
    shop.change_key(shop.find_shop(linnworks.shop_name), "another key of it")
    refused = look()[name]
    shop.change_key(shop.find_shop(linnworks.shop_name), f"key of {linnworks.shop_name}")
    run("connections", "reconnect", "1")

    assert "fault" == refused[0]
    assert "linnworks-bridge connections reconnect 1" in refused[1]
    assert "warning" == look()[name][0]


@pytest.mark.parametrize(
    ("seconds", "state"), [(0, "ok"), (-20, "ok"), (45, "warning"), (-45, "warning"), (400, "fault"), (-400, "fault")]
)
def test_clocks_that_differ_are_told(seconds, state):
    """
    Half a minute is a warning, more than orders reach back over is a fault.
    """
    assert state == clock("clock", "the shop's", timedelta(seconds=seconds)).state.value


def test_what_waits_failed_or_is_held_is_told(look, linnworks, work):
    """
    Values, actions, orders and listings that want looking after each have their line with the command to use.
    """
    paid = next(order for order in linnworks.orders().values() if order["PaymentStatus"] == "PAID")
    OrderLine.update(sku="").where(OrderLine.number == "1").execute()
    linnworks.orders("2000-01-02 00:00:00Z")
    linnworks("DespatchEndpoint", Orders=[{"ReferenceNumber": paid["ReferenceNumber"]}])
    Action.update(state="unknown", claimed_until=now() - HOUR).execute()
    linnworks("ListingUpdateEndpoint", Type="UPDATE", Listings=[{"TemplateId": 1, "SKU": "nothing"}])
    work()
    assert FeedItem.get().done
    then = now() - 2 * HOUR
    PendingUpdate.create(
        connection=1, kind="stock", key="k", sku="101-11", tag="", row={"SKU": "101-11", "Quantity": 7}, attempts=3,
        error="down", since=then, next_at=then, unsure_until=then,
    )  # fmt: skip
    found = look()

    assert {"warning"} == {found[name][0] for name in ("outbox", "actions", "held orders", "feeds")}
    assert "linnworks-bridge outbox list" in found["outbox"][1]
    assert "linnworks-bridge actions retry" in found["actions"][1]
    assert "linnworks-bridge orders held" in found["held orders"][1]
    assert "linnworks-bridge feeds list --all" in found["feeds"][1]
    assert "fault" == look(6 * HOUR)["outbox"][0]
    Feed.update(created_at=now() - 7 * HOUR).execute()
    FeedItem.update(done=False).execute()
    assert "fault" == look()["feeds"][0]


def test_one_broken_integration_leaves_the_others_to_be_looked_at(look, linnworks, connect):
    """
    Whatever goes wrong with one of them is its own line.
    """
    other = connect()
    broken = Connection.update(config=["nothing", "that", "answers", "are"]).where(Connection.id == 1)
    broken.execute()
    found = look()

    assert "fault" == found[f"shop of {linnworks.account_name}"][0]
    assert "ok" == found[f"shop of {other.account_name}"][0]


# -- the command -------------------------------------------------------------------------------------


def test_the_exit_status_says_how_it_is(run, linnworks, settings, monkeypatch):
    """
    2 where anything is a fault, with a table for people or JSON for programmes.
    """
    monkeypatch.setenv("BRIDGE_BIND", f"127.0.0.1:{free_port()}")
    monkeypatch.setenv("BRIDGE_DATABASE_URL", database_url(settings.data_dir))
    table = run("doctor", status=2)
    found = json.loads(run("doctor", "--json", status=2))

    assert "systemctl start linnworks-bridge" in table
    assert "fault" == found["state"]
    assert {"name", "state", "words", "advice"} == set(found["findings"][0])


def test_an_installation_that_is_well_ends_with_0_or_1(tmp_path, monkeypatch, run):
    """
    A running service with nothing set up is well but for a public address, and with that but for TLS.
    """
    with Service(tmp_path / "own") as service:
        monkeypatch.setenv("BRIDGE_DATA_DIR", str(tmp_path / "own"))
        monkeypatch.setenv("BRIDGE_DATABASE_URL", database_url(tmp_path / "own"))
        monkeypatch.setenv("BRIDGE_BIND", f"127.0.0.1:{service.port}")
        found = json.loads(run("doctor", "--json", status=1))

    assert ["public address"] == [one["name"] for one in found["findings"] if one["state"] != "ok"]
    assert os.path.exists(tmp_path / "own")
