"""If there is an OAuth client, calls need an access token, and its scopes decide what they may do."""

from __future__ import annotations

import json
from base64 import b64encode
from urllib.parse import urlencode

import pytest

from bridge.clock import now
from bridge.protocol import oauth
from bridge.protocol.endpoints import AREAS
from bridge.protocol.manifest import endpoints
from bridge.protocol.oauth import READ, SCOPES, WRITE
from bridge.protocol.rate_limit import WRONG_SECRETS
from bridge.settings import Settings
from bridge.store.oauth_clients import OauthClient, forget_clients, revoke_client
from tests.conftest import dump, opened

PATH = "/api/oauth/authorize"
REFUSED = "Missing, invalid or expired access token"


@pytest.fixture
def client(app) -> tuple[str, str]:
    """Make a client with all scopes; return its id and its secret."""
    return oauth.new_client("Linnworks", SCOPES, now())


@pytest.fixture
def fetch(app, client):
    """Return a function that posts a form to the token endpoint, by default as that client."""

    def post(headers=None, **form):
        usual = {"grant_type": "client_credentials", "client_id": client[0], "client_secret": client[1]}
        sent = {name: value for name, value in {**usual, **form}.items() if value is not None}
        return app.test_client().post(PATH, data=sent, headers=headers)

    return post


@pytest.fixture
def bearer(fetch):
    """Return a function that makes the header with a new access token."""

    def header(**form):
        return {"Authorization": f"Bearer {fetch(**form).get_json()['access_token']}"}

    return header


def basic(client_id: str, secret: str) -> dict[str, str]:
    return {"Authorization": "Basic " + b64encode(f"{client_id}:{secret}".encode()).decode()}


# -- getting a token ---------------------------------------------------------------------------------------


@pytest.mark.parametrize("scope", ["", "read write", "read+write", "write", "write read read"])
def test_the_right_client_gets_a_token(call, fetch, scope):
    """
    The answer names the token's lifetime and scopes, and must not be cached.
    """
    response = fetch(scope=scope)
    token = response.get_json()

    assert 200 == response.status_code
    assert "no-store" == response.headers["Cache-Control"]
    assert ("bearer", 3600) == (token["token_type"], token["expires_in"])
    assert set(scope.replace("+", " ").split() or SCOPES) == set(token["scope"].split())


def test_a_raw_space_in_the_scope_is_understood(app, client):
    """
    The scope in the form may hold an unescaped space, as in Linnworks' sample.
    """
    response = app.test_client().post(
        PATH,
        data="grant_type=client_credentials&client_id={}&client_secret={}&scope=read write".format(*client),
        content_type="application/x-www-form-urlencoded",
    )

    assert "read write" == response.get_json()["scope"]


def test_a_client_may_use_http_basic(fetch, client):
    """
    Id and secret are also read from the Authorization header.
    """
    assert 200 == fetch(client_id=None, client_secret=None, headers=basic(*client)).status_code
    assert 401 == fetch(client_id=None, client_secret=None, headers=basic(client[0], "wrong")).status_code


@pytest.mark.parametrize(
    ("form", "status", "error"),
    [
        ({"client_secret": "wrong"}, 401, "invalid_client"),
        ({"client_secret": "wröng"}, 401, "invalid_client"),
        ({"client_secret": None}, 401, "invalid_client"),
        ({"client_id": "somebody"}, 401, "invalid_client"),
        ({"client_id": "a\x00b"}, 401, "invalid_client"),
        ({"client_id": "", "client_secret": ""}, 401, "invalid_client"),
        ({"grant_type": "password"}, 400, "unsupported_grant_type"),
        ({"grant_type": None}, 400, "invalid_request"),
        ({"scope": "admin"}, 400, "invalid_scope"),
        ({"scope": "read admin"}, 400, "invalid_scope"),
        ({"headers": basic("somebody", "else")}, 400, "invalid_request"),
        ({"more": "x" * 10_000}, 400, "invalid_request"),
    ],
)
def test_refusals_are_those_of_rfc_6749(fetch, form, status, error):
    """
    This one endpoint refuses with 400 or 401 and a lower-case `error`; a 401 says how to authenticate.
    """
    response = fetch(**form)

    assert (status, error) == (response.status_code, response.get_json()["error"])
    assert "no-store" == response.headers["Cache-Control"]
    assert (status == 401) == ("WWW-Authenticate" in response.headers)


@pytest.mark.parametrize(
    "body", [b"\xff\xfe", b"{}", b"&" * 100, b"a=%ff&client_id=%00", b"client_id=1&client_id=1", b""]
)
def test_what_is_no_form_is_refused(app, client, body):
    """
    Any bytes get an OAuth error, never another failure, that repeats nothing of them.
    """
    response = app.test_client().post(PATH, data=body)

    assert response.status_code in (400, 401)
    assert response.get_json()["error"] in ("invalid_request", "invalid_client")


def test_without_clients_the_endpoint_refuses_every_request(app):
    """
    If there is no client, empty credentials are refused too.
    """
    form = {"grant_type": "client_credentials", "client_id": "", "client_secret": ""}

    assert 401 == app.test_client().post(PATH, data=form).status_code


def test_guessing_the_secret_is_slowed_down(app, fetch, monkeypatch):
    """
    After several wrong secrets an address gets a 429 that says how long to wait; the right secret is accepted.
    """
    monkeypatch.setattr(app.extensions["bridge"].rate_limiter, "delay", lambda: None)
    statuses = [fetch(client_secret="wrong").status_code for _ in range(WRONG_SECRETS.burst)]
    slowed = fetch(client_secret="wrong")

    assert {401} == set(statuses)
    assert (429, "temporarily_unavailable") == (slowed.status_code, slowed.get_json()["error"])
    assert 0 < int(slowed.headers["Retry-After"]) <= WRONG_SECRETS.seconds
    assert 200 == fetch().status_code


def test_the_secret_is_kept_as_a_digest(client):
    """
    Neither the database nor the repr of a client holds the secret.
    """
    assert client[1] not in dump() + repr(OauthClient.get())


# -- calling with a token ----------------------------------------------------------------------------------


def test_calls_without_a_valid_bearer_are_refused_in_the_envelope(app, call, fetch, client):
    """
    No token, another scheme, rubbish, or another text sealed with our key: an Error with status 200 on every call.
    """
    vault = app.extensions["bridge"].vault
    good = fetch().get_json()["access_token"]
    headers = [
        None,
        basic(*client),
        {"Authorization": f"Basic {good}"},
        {"Authorization": "Bearer"},
        {"Authorization": "Bearer rubbish"},
        {"Authorization": f"Bearer {good[:-2]}"},
        {"Authorization": f"Bearer {good.swapcase()}"},
        {"Authorization": f"Bearer {'x' * 5000}"},
        {"Authorization": f"Bearer {vault.seal({'password': client[0]})}"},
        {"Authorization": f"Bearer {vault.sign('somebody else', *SCOPES)}"},
        {"Authorization": f"Bearer {vault.sign()}"},
    ]

    for name in endpoints(Settings()):
        answers = [call(name, headers=header) for header in headers]
        assert {REFUSED} == {answer["Error"] for answer in answers}
        assert not [
            value for answer in answers for value in answer.values() if value is True or (type(value) is list and value)
        ]


def test_the_bearer_does_not_stand_in_for_the_token(call, bearer):
    """
    A call with an access token still needs the integration's AuthorizationToken.
    """
    assert "Unknown authorization token" == call("ConfigTestEndpoint", headers=bearer())["Error"]
    assert call("GetConfiguratorSettingsEndpoint", headers=bearer())["Error"] is None


def test_an_access_token_expires(app, client):
    """
    A token is refused after its lifetime.
    """
    vault = app.extensions["bridge"].vault
    fresh = oauth.access_token(vault, oauth.authenticate(*client), SCOPES)

    assert (client[0], list(SCOPES)) == oauth.read_access_token(vault, fresh, 60)
    assert ("", []) == oauth.read_access_token(vault, fresh, -1)


def test_tokens_of_a_revoked_client_are_refused_at_once(call, fetch, bearer, client):
    """
    A revoked client gets no new token, and its old tokens are refused.
    """
    header = bearer()
    accepted = call("GetConfiguratorSettingsEndpoint", headers=header)["Error"]

    assert revoke_client(client[0], now())
    assert not revoke_client(client[0], now())
    assert (None, REFUSED) == (accepted, call("GetConfiguratorSettingsEndpoint", headers=header)["Error"])
    assert 401 == fetch().status_code


def test_oauth_stays_on_when_the_last_client_is_revoked(call, client):
    """
    Then every call is refused; only deleting the clients turns OAuth off.
    """
    revoke_client(client[0], now())
    closed = call("GetConfiguratorSettingsEndpoint")["Error"]
    forget_clients()

    assert (REFUSED, None) == (closed, call("GetConfiguratorSettingsEndpoint")["Error"])


def test_a_token_allows_what_its_scopes_say(app, call, bearer):
    """
    READ allows calls that read, WRITE those that change something, and each nothing else.
    """
    names = {endpoint.path: endpoint for area in AREAS for endpoint in area.calls}
    for scope in SCOPES:
        header = bearer(scope=scope)
        for endpoint in names.values():
            error = str(app.test_client().post(endpoint.path, data="{}", headers=header).get_json()["Error"])
            assert (endpoint.scope == scope) == ("does not have the scope" not in error), endpoint


def test_the_calls_that_change_something_are_known():
    """
    These need the scope write; no other call changes anything that the shop or Linnworks sees.
    """
    changing = {
        endpoint.path.rpartition("/")[2] for area in AREAS for endpoint in area.calls if endpoint.scope == WRITE
    }

    assert {endpoint.scope for area in AREAS for endpoint in area.calls} == {READ, WRITE}
    assert changing == {
        "AddNewUser",
        "SaveUserConfig",
        "ConfigDeleted",
        "Despatch",
        "cancel",
        "refund",
        "InventoryUpdate",
        "PriceUpdate",
        "ListingUpdate",
        "ListingDelete",
    }


def test_a_client_gets_no_more_scopes_than_it_has(app):
    """
    A client that may only read is refused a token for writing, and by default gets one for reading.
    """
    client_id, secret = oauth.new_client("monitor", (READ,), now())
    form = {"grant_type": "client_credentials", "client_id": client_id, "client_secret": secret}
    more = app.test_client().post(PATH, data=urlencode({**form, "scope": "read write"}), content_type="text/plain")
    usual = app.test_client().post(PATH, data=form)

    assert (400, "invalid_scope") == (more.status_code, more.get_json()["error"])
    assert READ == usual.get_json()["scope"]


# -- the commands ------------------------------------------------------------------------------------------


def test_clients_are_made_listed_and_revoked(run, call):
    """
    The secret is shown once; the manifest names the token endpoint while there are clients.
    """
    assert "calls need no access token" in run("oauth", "list")
    assert "OAuth" not in run("manifest")
    shown = dict(line.split(": ") for line in run("oauth", "create", "Our Linnworks").splitlines()[:2])
    client_id, secret = shown["client_id"], shown["client_secret"]

    assert oauth.authenticate(client_id, secret)
    assert len(secret) >= 43
    assert REFUSED == call("GetConfiguratorSettingsEndpoint")["Error"]
    listed = run("oauth", "list")
    assert all(words in listed for words in (client_id, "Our Linnworks", "read write"))
    assert secret not in listed
    parameters = {one["name"]: one["value"] for one in json.loads(run("manifest"))["modules"][0]["parameters"]}
    assert (parameters["OAuthScopesRequested"], True) == (
        "read write",
        parameters["OAuthAuthorizationEndpoint"].endswith(PATH),
    )
    assert f"Revoked {client_id}." in run("oauth", "revoke", client_id)
    assert f"There is no active client {client_id}" in run("oauth", "revoke", client_id, status=1)
    assert oauth.authenticate(client_id, secret) is None
    assert REFUSED == call("GetConfiguratorSettingsEndpoint")["Error"]
    run("oauth", "disable", answer="n\n", status=1)
    assert "OAuth is off." in run("oauth", "disable", answer="y\n")
    assert call("GetConfiguratorSettingsEndpoint")["Error"] is None


def test_a_client_can_be_made_for_reading_only(run):
    """
    --scope limits what a client may do.
    """
    run("oauth", "create", "--scope", "read")

    assert "read" == OauthClient.get().scope


def test_other_installations_refuse_an_access_token(app, fetch, tmp_path):
    """
    An access token of another installation is refused, even if the client's id is the same.
    """
    token = fetch().get_json()["access_token"]
    client_id = OauthClient.get().id
    with opened(Settings(data_dir=tmp_path / "another")) as other:
        OauthClient.create(id=client_id, name="", secret_digest="", scope="", created_at=now())

        assert ("", []) == oauth.read_access_token(other.extensions["bridge"].vault, token, 3600)
