"""With OAuth configured, only who fetched an access token is let in."""

from __future__ import annotations

import pytest

from bridge.contract import BEARER
from bridge.manifest import endpoints
from bridge.settings import Settings
from tests.conftest import opened

SECRET = "a secret of enough length"


@pytest.fixture
def settings(tmp_path) -> Settings:
    return Settings(data_dir=tmp_path, oauth_client_id="linnworks", oauth_client_secret=SECRET)


@pytest.fixture
def fetch(app):
    """Ask the token endpoint with a form."""

    def post(**form):
        return app.test_client().post(
            endpoints(app.extensions["bridge"].settings)["OAuthAuthorizationEndpoint"],
            data={"grant_type": "client_credentials", "client_id": "linnworks", "client_secret": SECRET, **form},
        )

    return post


@pytest.mark.parametrize("scope", ["", "read write", "read+write", "write"])
def test_the_right_client_gets_a_token(call, fetch, scope):
    """
    The token lets calls in, for as long as expires_in says.
    """
    response = fetch(scope=scope)
    token = response.get_json()

    assert 200 == response.status_code
    assert "no-store" == response.headers["Cache-Control"]
    assert ("bearer", 3600) == (token["token_type"], token["expires_in"])
    assert (scope.replace("+", " ") or "read write") == token["scope"]
    answer = call("GetConfiguratorSettingsEndpoint", headers={"Authorization": f"Bearer {token['access_token']}"})
    assert answer["Error"] is None


def test_a_raw_space_in_the_scope_is_understood(app):
    """
    The form's scope may hold its space unescaped, as the sample shows it.
    """
    response = app.test_client().post(
        "/api/oauth/authorize",
        data=f"grant_type=client_credentials&client_id=linnworks&client_secret={SECRET}&scope=read write".encode(),
        content_type="application/x-www-form-urlencoded",
    )

    assert "read write" == response.get_json()["scope"]


@pytest.mark.parametrize(
    ("form", "status", "error"),
    [
        ({"client_secret": "wrong"}, 401, "invalid_client"),
        ({"client_secret": "wröng"}, 401, "invalid_client"),
        ({"client_id": "somebody"}, 401, "invalid_client"),
        ({"client_id": "", "client_secret": ""}, 401, "invalid_client"),
        ({"grant_type": "password"}, 400, "unsupported_grant_type"),
        ({"scope": "admin"}, 400, "invalid_scope"),
    ],
)
def test_refusals_are_those_of_rfc_6749(fetch, form, status, error):
    """
    This one endpoint refuses with 400 or 401 and a lower-case `error`.
    """
    response = fetch(**form)

    assert (status, error) == (response.status_code, response.get_json()["error"])


def test_calls_without_a_valid_bearer_are_refused_in_the_envelope(app, call, fetch):
    """
    No bearer, another scheme, rubbish, or something else that our key sealed: an Error, status 200.
    """
    vault = app.extensions["bridge"].vault
    good = fetch().get_json()["access_token"]
    headers = [
        None,
        {"Authorization": f"Basic {good}"},
        {"Authorization": "Bearer"},
        {"Authorization": "Bearer rubbish"},
        {"Authorization": f"Bearer {good[:-2]}"},
        {"Authorization": f"Bearer {vault.seal({'password': 'x'})}"},
        {"Authorization": f"Bearer {vault.seal({BEARER: 'somebody else'})}"},
    ]

    assert {"Missing, invalid or expired access token"} == {
        call("GetConfiguratorSettingsEndpoint", headers=header)["Error"] for header in headers
    }


def test_an_access_token_expires(app):
    """
    A token is worth nothing after the seconds it was given for.
    """
    vault = app.extensions["bridge"].vault
    fresh = vault.seal({BEARER: "linnworks"})

    assert {BEARER: "linnworks"} == vault.open(fresh, 60)
    assert vault.open(fresh, -1) is None


def test_without_oauth_the_endpoint_refuses_everybody(tmp_path):
    """
    Where no client is configured, empty credentials are not a client.
    """
    with opened(Settings(data_dir=tmp_path)) as app:
        response = app.test_client().post(
            "/api/oauth/authorize", data={"grant_type": "client_credentials", "client_id": "", "client_secret": ""}
        )

    assert 401 == response.status_code
