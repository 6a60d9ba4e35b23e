"""Who may call: the OAuth access token of the application, and the authorization token of the integration."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from typing import Any

from flask import Request

from bridge.errors import InvalidAccessToken, RequestRefused, TooManyRequests, UnknownToken
from bridge.protocol import oauth
from bridge.protocol.call import Call
from bridge.protocol.rate_limit import NEW_CONNECTIONS, UNKNOWN_TOKENS
from bridge.store.callers import find_caller
from bridge.store.connections import Connection, find_connection
from bridge.vault import digest

BEARER = "bearer"
TOKEN_KEY = b'"AuthorizationToken"'
TOKEN_VALUE = re.compile(rb'[ \t\r\n]*:[ \t\r\n]*"([0-9a-f]{32})"')
MOST_CANDIDATES = 2


def bearer_token(request: Request) -> str:
    """Return the request's bearer token, or an empty string."""
    scheme, _, token = request.headers.get("Authorization", "").partition(" ")
    return token.strip() if scheme.lower() == BEARER else ""


def authorize(call: Call, scope: str, tokens: Sequence[str]) -> dict[str, Connection]:
    """Check the call's access token, which it need not have with OAuth off, and return the connections of `tokens`.

    The database is asked for both at once, and in the same steps without tokens: only the answer tells a token from
    none. Raises InvalidAccessToken or, if the access token is valid but does not have the scope, RequestRefused.
    """
    services, access_token = call.services, bearer_token(call.request)
    client_id, scopes = oauth.read_access_token(services.vault, access_token, services.settings.oauth_token_seconds)
    found = {token: find_caller(client_id, digest(token)) for token in tokens or [""]}
    caller = next(iter(found.values()))
    if caller.client_is_active:
        call.authorized = True
        if scope not in scopes:
            raise RequestRefused(f"The access token does not have the scope {scope}")
    elif caller.oauth_is_on:
        raise InvalidAccessToken
    return {token: one.connection for token, one in found.items() if one.connection is not None}


def tokens_in(raw: bytes) -> list[str]:
    """Return what looks like the token in an unparsed body: none, one, or the first two.

    Its key is written as Linnworks writes it, or if there is none, in any case.
    """
    return _tokens(raw, raw, TOKEN_KEY) or _tokens(raw, raw.lower(), TOKEN_KEY.lower())


def _tokens(raw: bytes, text: bytes, key: bytes) -> list[str]:
    found, at = [], 0
    for _ in range(MOST_CANDIDATES):
        at = text.find(key, at)
        if at < 0:
            break
        at += len(key)
        if value := TOKEN_VALUE.match(raw, at):
            found.append(value[1].decode())
    return found


def callers(tokens: Sequence[str]) -> dict[str, Connection]:
    """Return the connections that these tokens belong to, by token."""
    rows = {token: find_connection(digest(token)) for token in tokens}
    return {token: row for token, row in rows.items() if row is not None}


def authenticate(body: dict[str, Any], known: Mapping[str, Connection]) -> Connection:
    """Return the one of the known connections whose token is the body's AuthorizationToken; raises UnknownToken.

    Removes the token from the body, so that no message object, repr or log line holds it.
    """
    tokens = [body.pop(key) for key in list(body) if key.casefold() == "authorizationtoken"]
    found = known.get(tokens[0]) if len(tokens) == 1 and isinstance(tokens[0], str) else None
    if found is None:
        raise UnknownToken
    return found


def count_new_connection(call: Call) -> None:
    """Count a new integration against its address; raises TooManyRequests over the limit."""
    call.services.rate_limiter.take(NEW_CONNECTIONS, call.address)


def count_rejection(call: Call, error: RequestRefused) -> RequestRefused:
    """Count a rejected token against its address and return the error to answer; over the limit the answer is delayed.

    Valid tokens are accepted from any address, whatever else calls from there.
    """
    try:
        call.services.rate_limiter.take(UNKNOWN_TOKENS, call.address)
    except TooManyRequests as too_many:
        call.services.rate_limiter.delay()
        return too_many
    return error
