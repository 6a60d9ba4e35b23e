"""The console is off until it has a password, and shows itself to nobody without."""

from __future__ import annotations

from dataclasses import replace

import pytest

from bridge.clock import now
from bridge.ops.console import access
from bridge.ops.console.access import PASSWORD as FACT
from bridge.ops.console.access import set_password, turn_off
from bridge.protocol.oauth import access_token, new_client
from bridge.store.database import database
from bridge.store.installation_facts import read_fact
from bridge.store.oauth_clients import active_client
from tests.conftest import opened
from tests.ops.console.conftest import PASSWORD

PATHS = ("/console", "/console/connections/1", "/console/calls/abc", "/console/search?q=1", "/console/style.css")
UNKNOWN = "/consol"


def log_in(client, password=PASSWORD, **fields):
    return client.post("/console/login", data={"password": password, **fields})


@pytest.mark.parametrize("path", [*PATHS, "/console/", "/console/login", "/console/logout"])
def test_without_a_password_its_addresses_are_unknown(app, path):
    """
    The answer is the one of any address that is none.
    """
    client = app.test_client()

    assert 404 == client.get(path).status_code == client.post(path).status_code
    assert client.get(UNKNOWN).get_json() == client.get(path).get_json()


@pytest.mark.parametrize("method", ["HEAD", "PUT", "DELETE", "OPTIONS", "PATCH", "POST"])
def test_other_methods_are_answered_as_at_an_unknown_address(console, method):
    """
    Pages are read, and nothing else.
    """
    assert 404 == console.open("/console", method=method).status_code


def test_no_route_is_forgotten(app):
    """
    Every page but these few asks for a session.
    """
    set_password(PASSWORD)
    client = app.test_client()
    rules = [rule for rule in app.url_map.iter_rules() if rule.rule.startswith("/console")]
    paths = {rule.build(dict.fromkeys(rule.arguments, "1"))[1]: rule for rule in rules}
    reads = {path for path, rule in paths.items() if "GET" in rule.methods}
    writes = {path for path, rule in paths.items() if "POST" in rule.methods}

    assert {path for path in reads if 'id="password"' not in client.get(path).text} == {
        "/console/",
        "/console/style.css",
    }
    assert {"/console/login", "/console/logout"} == writes
    assert 'id="password"' in client.post("/console/logout").text


@pytest.mark.parametrize("path", PATHS[:-1])
def test_without_a_session_every_page_is_the_login(app, connect, path):
    """
    A wrong password, the metrics token and a made-up cookie begin no session.
    """
    connect()
    set_password(PASSWORD)
    client = app.test_client()
    client.set_cookie("bridge_console", "gAAAAAB-made-up")
    page = client.get(path)

    assert 200 == page.status_code
    assert "The console's password" in page.text.replace("&#39;", "'")
    assert "Account of" not in page.text
    assert 403 == log_in(client, "wrong password").status_code


def test_the_cookie_is_for_the_console_alone(app, settings):
    """
    It has no path, so that a browser sends it below /console only, whatever prefix a proxy serves that under.
    """
    set_password(PASSWORD)
    plain = log_in(app.test_client()).headers["Set-Cookie"]
    services = app.extensions["bridge"]
    secured = replace(settings, base_url="https://bridge.example.com")
    app.extensions["bridge"] = replace(services, settings=secured)
    secure = log_in(app.test_client()).headers["Set-Cookie"]

    for part in ("HttpOnly", "SameSite=Strict", f"Max-Age={access.SESSION_SECONDS}"):
        assert part in plain
    assert "Path" not in plain
    assert "Secure" not in plain
    assert "Secure" in secure


def test_a_session_ends(app, console, monkeypatch):
    """
    By a new password, by time, and by logging out.
    """
    client = app.test_client()
    log_in(client)
    assert "Log out" in client.get("/console").text
    client.post("/console/logout")
    assert "Log out" not in client.get("/console").text

    assert "Log out" in console.get("/console").text
    with monkeypatch.context() as patched:
        patched.setattr(access, "SESSION_SECONDS", -1)
        assert "Log out" not in console.get("/console").text
    set_password("another long password")
    assert "Log out" not in console.get("/console").text
    turn_off()
    assert 404 == console.get("/console").status_code


def test_an_access_token_of_oauth_is_no_session(app, console):
    """
    Both are signed with the same key, and neither is taken for the other.
    """
    client_id, _ = new_client("partner", ("read", "write"), now())
    token = access_token(app.extensions["bridge"].vault, active_client(client_id), ("read", "write"))
    stranger = app.test_client()
    stranger.set_cookie("bridge_console", token, path="/console")

    assert "Log out" not in stranger.get("/console").text


def test_passwords_cannot_be_tried_quickly(app):
    """
    After a few from one address no more are looked at, the right one neither; other addresses still log in.
    """
    set_password(PASSWORD)
    client = app.test_client()
    answers = [log_in(client, "wrong").status_code for _ in range(access.LOGINS.burst)]
    late = log_in(client)
    other = client.post("/console/login", data={"password": PASSWORD}, environ_base={"REMOTE_ADDR": "192.0.2.9"})

    assert {403} == set(answers)
    assert 429 == late.status_code
    assert "Too many passwords" in late.text
    assert 303 == other.status_code


@pytest.mark.parametrize(
    ("to", "expected"),
    [
        ("/connections/1", "../console/connections/1"),
        ("/calls/abc123", "../console/calls/abc123"),
        ("//evil.example", "../console"),
        ("https://evil.example", "../console"),
        ("/../../x", "../console"),
    ],
)
def test_a_login_leads_on_within_the_console_only(app, to, expected):
    """
    The page that was asked for before comes next.
    """
    set_password(PASSWORD)

    assert expected == log_in(app.test_client(), to=to).headers["Location"]


@pytest.mark.parametrize("body", [b"", b"password", b"password=\xff\xfe", b"x" * 3000, b"&".join([b"a=b"] * 50)])
def test_a_login_form_of_any_kind_is_answered(app, body):
    """
    No body is an internal error, and none logs in.
    """
    set_password(PASSWORD)
    answer = app.test_client().post("/console/login", data=body)

    assert answer.status_code in (400, 403)
    assert "Set-Cookie" not in answer.headers


def test_the_command_sets_the_password(app, settings, run):
    """
    It stores a slow hash only, and refuses a short password.
    """
    assert "console is on" in run("console", "password", answer=f"{PASSWORD}\n")
    with opened(settings) as again:
        assert read_fact(FACT).startswith("scrypt:")
        assert PASSWORD not in str(database.execute_sql("SELECT value FROM installation_fact").fetchall())
        assert 303 == log_in(again.test_client()).status_code
    assert "10 to 200 characters" in run("console", "password", answer="short\n", status=1)
    run("console", "off")
    with opened(settings) as again:
        assert 404 == again.test_client().get("/console").status_code


def test_nothing_comes_from_elsewhere(console):
    """
    The policy allows our stylesheet and picture alone, and no page has a script or an inline style.
    """
    page = console.get("/console")

    assert "default-src 'none'; style-src 'self'; img-src 'self'" in page.headers["Content-Security-Policy"]
    assert "no-store" == page.headers["Cache-Control"]
    assert "<script" not in page.text
    assert "style=" not in page.text
    assert "://" not in page.text
