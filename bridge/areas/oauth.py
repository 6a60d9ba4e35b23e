"""The OAuth 2 token endpoint (client credentials), the one place where a refusal is not status 200."""

from __future__ import annotations

import hmac
import re
from typing import Any

from flask import Blueprint, Response, jsonify, request

from bridge.contract import BEARER, the_bridge
from bridge.settings import Settings

area = Blueprint("oauth", __name__)

PATH = "/api/oauth/authorize"
SCOPES = ("read", "write")


@area.post(PATH)
def authorize() -> tuple[Response, int]:
    """Give an access token to the client that knows the configured secret (RFC 6749, section 4.4)."""
    bridge = the_bridge()
    form = request.form
    wanted = re.split(r"[\s+]+", form.get("scope", "").strip() or " ".join(SCOPES))
    if not bridge.settings.oauth or not _is_client(form, bridge.settings):
        return _refused("invalid_client", "Unknown client, or wrong secret", 401)
    if form.get("grant_type") != "client_credentials":
        return _refused("unsupported_grant_type", "The grant_type must be client_credentials", 400)
    if not set(wanted) <= set(SCOPES):
        return _refused("invalid_scope", "The scopes are read and write", 400)
    answer = {
        "access_token": bridge.vault.seal({BEARER: bridge.settings.oauth_client_id}),
        "token_type": BEARER,
        "expires_in": bridge.settings.oauth_token_seconds,
        "scope": " ".join(wanted),
    }
    return _uncached(answer), 200


def _is_client(form: Any, settings: Settings) -> bool:
    """Compare both in full, in constant time; the pair comes in the form or as HTTP Basic."""
    basic = request.authorization
    client_id = form.get("client_id") or (basic and basic.username) or ""
    secret = form.get("client_secret") or (basic and basic.password) or ""
    same_id = hmac.compare_digest(client_id.encode(), settings.oauth_client_id.encode())
    same_secret = hmac.compare_digest(secret.encode(), settings.oauth_client_secret.encode())
    return same_id and same_secret


def _refused(error: str, description: str, status: int) -> tuple[Response, int]:
    return _uncached({"error": error, "error_description": description}), status


def _uncached(payload: dict[str, Any]) -> Response:
    response = jsonify(payload)
    response.headers["Cache-Control"] = "no-store"
    return response
