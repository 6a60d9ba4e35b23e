"""Receive a call's message: the caller is known before more than the start of a body is read or parsed."""

from __future__ import annotations

import traceback
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from marshmallow import ValidationError

from bridge.errors import RequestRefused, UnknownToken
from bridge.protocol import oauth
from bridge.protocol.auth import authenticate, authorize, callers, count_new_connection, tokens_in
from bridge.protocol.body import SMALL_BYTES, parse_object, read_rest, read_start, require_bounded
from bridge.protocol.call import Call
from bridge.protocol.schemas.base import load, read_rows
from bridge.store.connections import Connection

if TYPE_CHECKING:
    from bridge.protocol.area import Endpoint

READ_SECONDS, PARSE_SECONDS, UNKNOWN_SECONDS = 2, 4, 0.5
"""How long a large body waits for others to be read, to be parsed, and to be read without a known token."""

LONGEST_UNFINISHED = 4096
"""Bytes of a message, but for the wizard's, that is loaded for an integration whose wizard was never finished."""
WIZARD = "/api/Config/"


def receive(call: Call, endpoint: Endpoint) -> Any:
    """Return the call's message, after its access token was checked, and its token was found if it needs one.

    Raises InvalidAccessToken, UnknownToken, ValidationError, and what else is wrong with the request.
    """
    start = read_start(call)
    tokens = tokens_in(start) if endpoint.token else []
    known = authorize(call, endpoint.scope, tokens)
    if len(start) <= SMALL_BYTES:
        return _load(call, endpoint, start, known)
    if not endpoint.token:
        raise RequestRefused(f"The request is longer than {SMALL_BYTES} bytes")
    return _receive_large(call, endpoint, start, _finished(known) if tokens else None)


def _receive_large(call: Call, endpoint: Endpoint, start: bytes, known: Mapping[str, Connection] | None) -> Any:
    """Return the message of a large body: few are read at once, fewer without a token, and one is parsed at a time.

    Linnworks may write the token behind everything else: then nothing is `known` at first. An integration that is not
    finished has no large messages.
    """
    reads = call.services.large_bodies
    if known is not None:
        with reads.known.slot(max(row.id for row in known.values()), READ_SECONDS):
            return _load_large(call, endpoint, read_rest(call, start), known)
    with reads.unknown.slot(None, UNKNOWN_SECONDS):
        raw = read_rest(call, start)
        return _load_large(call, endpoint, raw, _finished(callers(tokens_in(raw))))


def _finished(known: Mapping[str, Connection]) -> Mapping[str, Connection]:
    """Return the connections whose wizard was finished; raises UnknownToken or RequestRefused."""
    if not known:
        raise UnknownToken
    finished = {token: row for token, row in known.items() if row.complete}
    if not finished:
        raise RequestRefused(f"The request is longer than {SMALL_BYTES} bytes")
    return finished


def _load_large(call: Call, endpoint: Endpoint, raw: bytes, known: Mapping[str, Connection]) -> Any:
    with call.services.large_bodies.parse.slot(None, PARSE_SECONDS):
        try:
            require_bounded(raw)
            return _load(call, endpoint, raw, known)
        except Exception as error:
            # marshmallow's frames refer to themselves, and would keep the body until the garbage collector runs
            traceback.clear_frames(error.__traceback__)
            if isinstance(error, ValidationError):
                error.data = error.valid_data = None
            raise


def _load(call: Call, endpoint: Endpoint, raw: bytes, known: Mapping[str, Connection]) -> Any:
    coding = call.request.headers.get("Content-Encoding", "")
    body = read_rows(endpoint.takes, raw) or parse_object(raw, coding=coding, takes_nothing=endpoint.takes_nothing)
    if endpoint.token:
        call.caller = authenticate(body, known)
        if len(raw) > LONGEST_UNFINISHED and not endpoint.path.startswith(WIZARD):
            call.finished_connection  # noqa: B018 (it raises; thousands of rows are not loaded for nothing)
    elif endpoint.scope == oauth.WRITE and not call.authorized:
        count_new_connection(call)
    return load(endpoint.takes, body)
