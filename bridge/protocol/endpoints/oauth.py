"""The OAuth 2 token endpoint (client credentials); the one endpoint whose errors are not status 200."""

from __future__ import annotations

import re
from typing import Any
from urllib.parse import parse_qsl

from flask import Blueprint, Response, jsonify, request
from werkzeug.exceptions import RequestEntityTooLarge

from bridge.errors import RequestRefused, TooManyRequests
from bridge.protocol import oauth
from bridge.protocol.auth import BEARER
from bridge.protocol.body import read_body
from bridge.protocol.call import Call, Services, current_call, current_services
from bridge.protocol.rate_limit import WRONG_SECRETS
from bridge.store.oauth_clients import OauthClient

area = Blueprint("oauth", __name__)

PATH = "/api/oauth/authorize"
LONGEST_FORM = 10_000


@area.post(PATH)
def authorize() -> Response:
    """Return an access token to a client with the right secret (RFC 6749, sections 4.4 and 5)."""
    call, services = current_call(), current_services()
    try:
        form = _form(read_body(call, LONGEST_FORM))
        client = oauth.authenticate(*_credentials(form))
        if client is None:
            _count_wrong_secret(call)
            return _refused(401, "invalid_client", "Unknown client, or wrong secret", **{"WWW-Authenticate": "Basic"})
    except TooManyRequests as error:
        return _refused(429, "temporarily_unavailable", str(error), **{"Retry-After": str(error.seconds)})
    except RequestRefused as error:
        return _refused(400, "invalid_request", str(error))
    except RequestEntityTooLarge:
        return _refused(400, "invalid_request", f"The request is longer than {LONGEST_FORM} bytes")
    return _granted(services, client, form)


def _count_wrong_secret(call: Call) -> None:
    """Count a wrong secret against its address; raises TooManyRequests after a delay over the limit.

    The right secret is accepted from any address, whatever else comes from there or for its client id: 256 bits are
    not guessed at any speed, and behind a proxy that is not trusted everyone has the same address.
    """
    try:
        call.services.rate_limiter.take(WRONG_SECRETS, call.address)
    except TooManyRequests:
        call.services.rate_limiter.delay()
        raise


def _granted(services: Services, client: OauthClient, form: dict[str, str]) -> Response:
    """Return the answer to an authenticated client."""
    if "grant_type" not in form:
        return _refused(400, "invalid_request", "The grant_type is missing")
    if form["grant_type"] != "client_credentials":
        return _refused(400, "unsupported_grant_type", "The grant_type must be client_credentials")
    allowed = str(client.scope).split()
    wanted = tuple(dict.fromkeys(re.findall(r"[^\s+]+", form.get("scope", "")))) or tuple(allowed)
    if not set(wanted) <= set(allowed):
        return _refused(400, "invalid_scope", f"This client may ask for: {client.scope}")
    return _answered(
        200,
        {
            "access_token": oauth.access_token(services.vault, client, wanted),
            "token_type": BEARER,
            "expires_in": services.settings.oauth_token_seconds,
            "scope": " ".join(wanted),
        },
    )


def _form(raw: bytes) -> dict[str, str]:
    """Return the parameters that have a value; raises RequestRefused if one comes twice or the body is no form."""
    try:
        pairs = parse_qsl(raw.decode(), max_num_fields=20)
    except ValueError:
        raise RequestRefused("The request is not a form") from None
    if len({name for name, _ in pairs}) < len(pairs):
        raise RequestRefused("A parameter comes twice")
    return dict(pairs)


def _credentials(form: dict[str, str]) -> tuple[str, str]:
    """Return id and secret from the form or from HTTP Basic; raises RequestRefused if both are used."""
    basic = request.authorization
    if basic is None or basic.type != "basic":
        return form.get("client_id", ""), form.get("client_secret", "")
    if "client_secret" in form:
        raise RequestRefused("Send the client in the form or in HTTP Basic, not in both")
    return basic.username or "", basic.password or ""


def _refused(status: int, error: str, description: str, **headers: str) -> Response:
    current_call().outcome = error
    return _answered(status, {"error": error, "error_description": description}, **headers)


def _answered(status: int, payload: dict[str, Any], **headers: str) -> Response:
    response = jsonify(payload)
    response.status_code = status
    response.headers.update({"Cache-Control": "no-store", "Pragma": "no-cache", **headers})
    return response
