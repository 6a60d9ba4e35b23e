"""The doctor says what is wrong and what to do, however broken the installation is."""

from __future__ import annotations

import json
import shutil
import sqlite3
import ssl
import threading
from contextlib import closing, contextmanager
from datetime import datetime, timedelta, timezone
from functools import partial
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

from bridge.channels.demo import DemoChannel, shop
from bridge.channels.demo.tables import OrderLine
from bridge.clock import now
from bridge.ops.doctor import examine, integrations
from bridge.ops.doctor.installation import clock
from bridge.ops.doctor.integrations import polls
from bridge.ops.doctor.public import trusted_proxies
from bridge.ops.doctor.service import public_address, worker
from bridge.ops.temporary_server import free_port
from bridge.protocol import oauth
from bridge.settings import Settings, parse_settings
from bridge.store import database as store
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
def diagnose(settings, tmp_path, monkeypatch):
    """Return the doctor's findings by name: the worst state, and all messages and advice."""
    monkeypatch.chdir(tmp_path)
    closed = f"127.0.0.1:{free_port()}"

    def run_checks(later: timedelta = timedelta(0), **environ: str) -> dict[str, tuple[str, str]]:
        given = {
            "BRIDGE_DATA_DIR": str(settings.data_dir),
            "BRIDGE_DATABASE_URL": database_url(settings.data_dir),
            "BRIDGE_BIND": closed,
            **environ,
        }
        found: dict[str, tuple[str, str]] = {}
        for one in examine(given, lambda: now() + later):
            state, text = found.get(one.name, ("ok", ""))
            state = max(state, one.state.value, key=["ok", "warning", "error"].index)
            found[one.name] = (state, f"{text} {one.message} -> {one.advice}")
            assert bool(one.advice) == (one.state.value != "ok"), one
        return found

    return run_checks


# -- broken installations ----------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("environ", "message"),
    [
        ({"BRIDGE_THREADS": "many"}, "BRIDGE_THREADS must be a whole number"),
        ({"BRIDGE_CHANNEL": "no.such.channel"}, "neither built in"),
        ({"BRIDGE_ENV_FILE": "nowhere.env"}, "not a file"),
    ],
)
def test_wrong_settings_are_an_error(diagnose, environ, message):
    """
    They are the only finding, as nothing else can be checked.
    """
    ((name, (state, text)),) = diagnose(**environ).items()

    assert ("settings", "error") == (name, state)
    assert message in text


def test_an_unknown_setting_is_a_warning(diagnose, app):
    """
    A misspelt variable is reported.
    """
    assert diagnose(BRIDGE_CHANEL="demo")["settings"][0] == "warning"


@sqlite_only
def test_a_missing_installation_is_an_error(diagnose, settings):
    """
    Folder, key and database each have a finding, and the doctor makes none of them.
    """
    found = diagnose()

    assert ["error"] * 3 == [found[name][0] for name in ("disk", "database", "key")]
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


def test_a_database_to_be_upgraded_is_a_warning(diagnose, app, settings, next_version):
    """
    After a new version is installed, the service must be restarted.
    """
    leave()
    state, text = diagnose()["database"]

    assert "warning" == state
    assert "restart the service, which archives and upgrades it" in text


@sqlite_only
@pytest.mark.parametrize(
    ("harm", "name", "state", "message"),
    [
        (damage_database, "database", "error", "linnworks-bridge restore FOLDER"),
        (replace_database, "database", "error", "file is not a database"),
        (forget_database, "database", "error", "There is no database"),
        (empty_database, "database", "error", "has no tables of the bridge"),
        (newer_schema, "database", "error", "install that version"),
        (forget_key, "key", "error", "there is no key"),
        (damage_key, "key", "error", "not one that `linnworks-bridge keys new` made"),
        (change_key, "key", "error", "not the key that this database was sealed with"),
        (open_key, "key", "warning", "chmod 600"),
        (shutil.rmtree, "disk", "error", "there is no data folder"),
    ],
)
def test_a_broken_installation_is_reported(diagnose, app, settings, harm, name, state, message):
    """
    Each way to be broken has a finding with advice, and the other checks still run.
    """
    leave()
    harm(settings.data_dir)
    found = diagnose()

    assert state == found[name][0], found
    assert message in found[name][1]
    assert {"settings", "disk", "database", "key", "worker", "public address", "integrations"} <= found.keys()


def test_a_server_that_is_down_is_an_error_without_its_password(diagnose):
    """
    A database that cannot be reached is an error, and its password is not shown.
    """
    state, text = diagnose(BRIDGE_DATABASE_URL=f"postgresql://user:s3cret@127.0.0.1:{free_port()}/bridge")["database"]

    assert "error" == state
    assert "s3cret" not in text


def test_a_newer_schema_is_left_alone(diagnose, app):
    """
    The advice is to install the version that upgraded it, and no row is read.
    """
    database.execute_sql("INSERT INTO schema_migration (name, applied) VALUES ('9999_later', '2030-01-01')")
    found = diagnose()

    assert "install that version" in found["database"][1]
    assert "not checked without the database" in found["integrations"][1]


@sqlite_only
def test_a_locked_database_is_an_error(diagnose, app, settings, monkeypatch):
    """
    Another program that does not finish writing is an error of the database.
    """
    leave()
    monkeypatch.setattr(store, "BUSY_SECONDS", 0.05)
    with closing(sqlite3.connect(settings.data_dir / "bridge.db", isolation_level=None)) as other:
        other.execute("BEGIN IMMEDIATE")
        assert ("error", True) == ((found := diagnose()["database"])[0], "locked" in found[1])


def test_the_checks_change_nothing(diagnose, linnworks):
    """
    No row is written, although every shop is asked.
    """
    linnworks.orders()
    before = dump()
    diagnose()

    assert before == dump()


def test_integrations_of_another_channel_are_an_error(diagnose, linnworks):
    """
    For a wrong BRIDGE_CHANNEL, the advice names the right one.
    """
    state, text = diagnose(BRIDGE_CHANNEL="woocommerce")["integrations"]

    assert "error" == state
    assert "set BRIDGE_CHANNEL=demo" in text


# -- the running service -------------------------------------------------------------------------------


@pytest.mark.service
def test_a_working_installation_is_ok(tmp_path, monkeypatch, run):
    """
    A running service is ok, has a warning for its public address, and `linnworks-bridge doctor` then ends with 1.
    """
    data_dir = tmp_path / "own"
    with Service(data_dir) as service:
        assert ["ok"] == states(worker(Settings(bind=f"0.0.0.0:{service.port}")))
        assert ["warning", "ok"] == states(public_address(Settings(base_url=f"http://127.0.0.1:{service.port}"), now()))
        monkeypatch.setenv("BRIDGE_DATA_DIR", str(data_dir))
        monkeypatch.setenv("BRIDGE_DATABASE_URL", database_url(data_dir))
        monkeypatch.setenv("BRIDGE_BIND", f"127.0.0.1:{service.port}")
        found = json.loads(run("doctor", "--json", status=1))

    assert ["public address"] == [one["name"] for one in found["findings"] if one["state"] != "ok"]


def states(findings) -> list[str]:
    return [one.state.value for one in findings]


def test_a_stopped_service_is_an_error():
    """
    The advice is to start it.
    """
    (stopped,) = worker(Settings(bind=f"127.0.0.1:{free_port()}"))

    assert ("error", True) == (stopped.state.value, "systemctl start linnworks-bridge" in stopped.advice)


def test_a_service_that_cannot_work_is_an_error():
    """
    The message names the failing checks of its health.
    """
    with answering(b'{"status": "failing", "database": true, "worker": false}') as port:
        (finding,) = worker(Settings(bind=f"127.0.0.1:{port}"))

    assert "cannot work: worker" in finding.message


class Answers(BaseHTTPRequestHandler):
    """Gives every request the same answer."""

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
    """Run a web server, with TLS if it has a context; yield its port."""
    server = HTTPServer(("127.0.0.1", 0), partial(Answers, body))
    server.handle_error = lambda *_: None  # clients hang up, as they should
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
def tls(tmp_path, monkeypatch):
    """Make a TLS context whose certificate is valid for so many days, and make the doctor trust it."""

    def make(days: float, name: str = "localhost", trusted: bool = True) -> ssl.SSLContext:
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
        (tmp_path / "trusted.pem").write_bytes(pem)
        if trusted:
            monkeypatch.setenv("SSL_CERT_FILE", str(tmp_path / "trusted.pem"))
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(tmp_path / "own.pem")
        return context

    return make


@pytest.mark.parametrize(
    ("days", "name", "trusted", "states", "message"),
    [
        (60, "localhost", True, ["ok", "ok"], "valid until"),
        (10, "localhost", True, ["warning", "ok"], "valid until"),
        (2, "localhost", True, ["error"], "valid until"),
        (-1, "localhost", True, ["error"], "expired"),
        (60, "elsewhere.example", True, ["error"], "Hostname mismatch"),
        (60, "localhost", False, ["error"], "self-signed certificate"),
    ],
)
def test_the_certificate_is_checked(tls, days, name, trusted, states, message):
    """
    One that expires soon is a warning; one that has expired, has another name or is not trusted is an error.
    """
    with answering(b'{"status": "ok"}', tls(days, name, trusted)) as port:
        found = list(public_address(Settings(base_url=f"https://localhost:{port}"), now()))

    assert states == [one.state.value for one in found]
    assert message in found[0].message


def test_an_address_without_a_bridge_is_an_error(tls):
    """
    No server, no TLS, and another program each have their own message.
    """
    (nothing,) = public_address(Settings(base_url=f"https://localhost:{free_port()}"), now())
    with answering(b"<h1>Welcome</h1>") as port:
        (plain,) = public_address(Settings(base_url=f"https://localhost:{port}"), now())
    with answering(b"<h1>Welcome</h1>", tls(60)) as port:
        (_, other) = public_address(Settings(base_url=f"https://localhost:{port}"), now())

    assert "no TLS at localhost" in nothing.message
    assert "no TLS at localhost" in plain.message
    assert "another program answers" in other.message


# -- integrations and backlog ------------------------------------------------------------------------


def test_a_working_integration_is_ok(diagnose, linnworks):
    """
    Its shop answers and Linnworks has asked for orders; nothing waits, has failed or is held.
    """
    linnworks.orders()
    found = diagnose()
    name = linnworks.account_name

    assert {"ok"} == {found[one][0] for one in (f"shop of {name}", f"orders of {name}", "outbox", "actions", "feeds")}
    assert "1 set up, 0 in the wizard" in found["integrations"][1]
    assert bool(SERVER) == ("clock" in found)


def test_what_lists_cannot_show_is_told(diagnose, linnworks, monkeypatch):
    """
    A list is complete, or the owner hears what it leaves out.
    """
    before = diagnose()
    monkeypatch.setattr(DemoChannel, "omissions", ("gift cards", "old orders"))
    name = f"lists of {linnworks.account_name}"

    assert name not in before
    assert ("ok", " complete, but for gift cards; old orders -> ") == diagnose()[name]


def test_silence_of_linnworks_is_an_error(diagnose, linnworks):
    """
    No Orders call for 45 minutes is an error, by our clock and not the shop's, also if there was none at all.
    """
    name = f"orders of {linnworks.account_name}"
    assert "ok" == diagnose(timedelta(minutes=44))[name][0]
    assert "error" == diagnose(timedelta(minutes=46))[name][0]
    linnworks.orders()
    PagingRun.update(started_at=now() - 5 * HOUR).execute()
    Connection.update(completed_at=now() - 9 * HOUR).execute()

    assert "ok" == diagnose(timedelta(minutes=44))[name][0]
    assert "error" == diagnose(timedelta(minutes=46))[name][0]


def test_a_new_integration_has_time_for_its_first_poll():
    """
    An integration that has just been set up is ok without a poll.
    """
    finished = now()
    row = Connection(account_name="x", completed_at=finished)
    found = [polls(row, finished, finished + later) for later in (timedelta(0), HOUR)]

    assert ["ok", "error"] == [one.state.value for one in found]
    assert "never asked for" in found[0].message


def test_refused_credentials_are_an_error(diagnose, linnworks, run):
    """
    For credentials that no longer work, the advice says how to have them entered again; until then it is a warning.
    """
    name = f"shop of {linnworks.account_name}"
    shop.change_key(shop.find_shop(linnworks.shop_name), "another key of it")
    refused = diagnose()[name]
    shop.change_key(shop.find_shop(linnworks.shop_name), f"key of {linnworks.shop_name}")
    run("connections", "reconnect", "1")

    assert "error" == refused[0]
    assert "linnworks-bridge connections reconnect 1" in refused[1]
    assert "warning" == diagnose()[name][0]


@pytest.mark.parametrize(
    ("seconds", "state"), [(0, "ok"), (-20, "ok"), (45, "warning"), (-45, "warning"), (400, "error"), (-400, "error")]
)
def test_clocks_that_differ_are_reported(seconds, state):
    """
    Half a minute is a warning, more than the overlap of Orders runs is an error.
    """
    assert state == clock("clock", "the shop's", timedelta(seconds=seconds)).state.value


def test_the_backlog_is_reported(diagnose, linnworks, work):
    """
    Updates, actions, orders and listings that need attention each have a finding with the command to use.
    """
    paid = next(order for order in linnworks.orders().values() if order["PaymentStatus"] == "PAID")
    OrderLine.update(sku="").where(OrderLine.number == "1").execute()
    linnworks.orders("2000-01-02 00:00:00Z")
    linnworks("DespatchEndpoint", Orders=[{"ReferenceNumber": paid["ReferenceNumber"]}])
    Action.update(state="unknown", planned_at=now() - HOUR).execute()
    linnworks("ListingUpdateEndpoint", Type="UPDATE", Listings=[{"TemplateId": 1, "SKU": "nothing"}])
    work()
    assert FeedItem.get().done
    then = now() - 2 * HOUR
    PendingUpdate.create(
        connection=1, kind="stock", key="k", sku="101-11", tag="", row={"SKU": "101-11", "Quantity": 7}, attempts=3,
        error="down", since=then, next_at=then, unsure_until=then,
    )  # fmt: skip
    found = diagnose()

    assert {"warning"} == {found[name][0] for name in ("outbox", "actions", "held orders", "feeds")}
    assert "linnworks-bridge outbox list" in found["outbox"][1]
    assert "linnworks-bridge actions retry" in found["actions"][1]
    assert "linnworks-bridge orders held" in found["held orders"][1]
    assert "linnworks-bridge feeds list --all" in found["feeds"][1]
    assert "error" == diagnose(6 * HOUR)["outbox"][0]
    Feed.update(created_at=now() - 7 * HOUR).execute()
    FeedItem.update(done=False).execute()
    assert "error" == diagnose()["feeds"][0]


def test_one_broken_integration_leaves_the_others_checked(diagnose, linnworks, connect):
    """
    An error with one integration is its own finding.
    """
    other = connect()
    broken = Connection.update(config=["nothing", "that", "answers", "are"]).where(Connection.id == 1)
    broken.execute()
    found = diagnose()

    assert "error" == found[f"shop of {linnworks.account_name}"][0]
    assert "ok" == found[f"shop of {other.account_name}"][0]


# -- the command -------------------------------------------------------------------------------------


def test_the_exit_status_is_the_worst_state(run, linnworks, settings, monkeypatch):
    """
    It is 2 if there is an error, with a table for people or JSON for programs.
    """
    monkeypatch.setenv("BRIDGE_BIND", f"127.0.0.1:{free_port()}")
    monkeypatch.setenv("BRIDGE_DATABASE_URL", database_url(settings.data_dir))
    table = run("doctor", status=2)
    found = json.loads(run("doctor", "--json", status=2))

    assert "systemctl start linnworks-bridge" in table
    assert "error" == found["state"]
    facts = {"name", "state", "message", "advice", "cause", "connection", "since", "command"}
    assert facts == set(found["findings"][0])


# -- what the public address exposes ------------------------------------------------------------------------

PUBLIC = "https://bridge.example.com"


@pytest.mark.parametrize(
    ("url", "bind", "proxies", "state", "message"),
    [
        ("", "127.0.0.1:80", "", "ok", "no proxy is needed"),
        (PUBLIC, "127.0.0.1:80", "", "warning", "all callers count as one"),
        ("http://192.0.2.1", "127.0.0.1:80", "", "warning", "all callers count as one"),
        (PUBLIC, "127.0.0.1:80", "10.0.0.0/8", "warning", "only a proxy on this machine can call"),
        (PUBLIC, "127.0.0.1:80", "127.0.0.1, ::1", "ok", "127.0.0.1/32"),
        (PUBLIC, "[::1]:80", "127.0.0.1, ::1", "ok", "::1/128"),
        (PUBLIC, "0.0.0.0:80", "172.17.0.1", "ok", "172.17.0.1/32"),
        (PUBLIC, "127.0.0.1:80", "127.0.0.1, 0.0.0.0/0", "warning", "0.0.0.0/0 lets callers choose"),
        (PUBLIC, "127.0.0.1:80", "127.0.0.1, ::/0", "warning", "::/0 lets callers choose"),
        ("", "127.0.0.1:80", "0.0.0.0/1, 128.0.0.0/1", "warning", "0.0.0.0/1, 128.0.0.0/1 lets callers choose"),
        (PUBLIC, "0.0.0.0:80", "104.16.0.0/13, 2a06:98c0::/29", "ok", "104.16.0.0/13"),
        (PUBLIC, "0.0.0.0:80", "10.0.0.0/8, fd00::/8", "ok", "10.0.0.0/8"),
    ],
)
def test_trusted_proxies_have_to_fit(url, bind, proxies, state, message):
    """
    The doctor finds that they are missing behind a proxy, that they are others, and a range that is too wide.
    """
    texts = {"BRIDGE_BASE_URL": url, "BRIDGE_BIND": bind, "BRIDGE_TRUSTED_PROXIES": proxies}
    (found,) = trusted_proxies(parse_settings(texts))

    assert state == found.state.value
    assert message in found.message
    assert (state == "ok") == (not found.advice)


def test_a_public_address_without_oauth_is_a_warning(diagnose, app):
    """
    It is ok once there is a client, and where the address is not public.
    """
    private, open_to_all = diagnose()["oauth"], diagnose(BRIDGE_BASE_URL=PUBLIC)["oauth"]
    oauth.new_client("Linnworks", oauth.SCOPES, now())
    closed = diagnose(BRIDGE_BASE_URL=PUBLIC)["oauth"]

    assert ("ok", "warning", "ok") == (private[0], open_to_all[0], closed[0])
    assert "linnworks-bridge oauth create" in open_to_all[1]


def test_shops_are_asked_for_a_limited_time(app, linnworks, settings, monkeypatch):
    """
    Many shops that do not answer do not make the doctor endless.
    """
    monkeypatch.setattr(integrations, "SHOPS_SECONDS", 0)
    found = list(integrations.integrations(settings, [app.extensions["bridge"].channels], now))

    assert ["not asked, as other shops took too long"] == [one.message for one in found if one.cause == "shop"]
    assert "polls" in {one.cause for one in found}
