"""The seam: what every call of Linnworks goes through on its way in and out.

Each call is a JSON object POSTed with a token; each answer is status 200 with `Error`, null or in words,
and a Content-Length, whatever happens on the way. Authentication, validation and failure live here and
nowhere else, so that a handler is just the deed.
"""

from __future__ import annotations

import hmac
import inspect
import json
import logging
import random
import socket
from collections.abc import Callable
from contextlib import ExitStack, suppress
from dataclasses import dataclass, field
from datetime import datetime
from decimal import Decimal
from functools import cached_property
from typing import Any, TypeVar

import msgspec
import peewee
from flask import Blueprint, Flask, Request, Response, current_app, g, request
from marshmallow import ValidationError
from werkzeug.exceptions import HTTPException, MethodNotAllowed, NotFound, RequestEntityTooLarge

from bridge import grants, wizard
from bridge.channels import Channels
from bridge.channels.base import Channel
from bridge.clock import Deadline, now
from bridge.errors import BridgeError, CredentialsRefused, InvalidBearer, RequestRefused, TooMany, UnknownToken, explain
from bridge.gate import Gate
from bridge.messages.base import Answer, schema_of, to_json
from bridge.metrics import count_call
from bridge.settings import Settings
from bridge.store.connections import Connection, find_connection
from bridge.store.database import discard_connection
from bridge.throttle import BEGINNINGS, TOKENS, Throttle, caller_address, is_loopback
from bridge.vault import Vault, digest
from bridge.worker import Worker

log = logging.getLogger("bridge.calls")

Handler = TypeVar("Handler", bound=Callable[..., Any])

METHODS = ("GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS")
BEARER = "bearer"
FORWARDED = ("Forwarded", "X-Forwarded-For", "X-Real-Ip", "Via")
CHUNK_BYTES = 65536
SEND_SECONDS = 10
HEAR_OUT_SECONDS = 2
LONGEST_TOKEN = 100
BYTE_ORDER_MARK = b"\xef\xbb\xbf"

_read_json = msgspec.json.Decoder(float_hook=Decimal).decode


@dataclass(frozen=True)
class Bridge:
    """What the process made once and every call uses."""

    settings: Settings
    vault: Vault
    channels: Channels
    worker: Worker
    gate: Gate
    throttle: Throttle


@dataclass(frozen=True)
class Endpoint:
    """One call of an area: its path, the manifest parameter that names it, what it takes and gives, what it wants."""

    path: str
    manifest: str
    takes: type
    gives: type[Answer]
    scope: str
    token: bool
    words: str


@dataclass
class Call:
    """One request on its way: when and whence it came, by when it must be answered, whose it is, what came of it."""

    request: Request
    bridge: Bridge
    deadline: Deadline
    now: datetime
    address: str
    id: str
    exits: ExitStack = field(default_factory=ExitStack)
    caller: Connection | None = field(default=None, repr=False)
    read_whole: bool = False
    outcome: str = "ok"

    @property
    def settings(self) -> Settings:
        return self.bridge.settings

    @property
    def connection(self) -> Connection:
        """The connection that the token belongs to."""
        if self.caller is None:
            raise UnknownToken
        return self.caller

    @cached_property
    def channel(self) -> Channel:
        """The connection's shop; raises RequestRefused until the wizard has been finished."""
        if not self.connection.complete:
            raise RequestRefused("The set-up of this integration is not finished: please complete its wizard")
        self.enter_shop()
        return self.bridge.channels.open(self.bridge.channels.config(self.connection), self.deadline)

    def enter_shop(self) -> None:
        """Take a place at the gate until the call is answered; raises ChannelUnavailable where there is none."""
        self.exits.enter_context(self.bridge.gate.entered(self.connection.id))


class Area(Blueprint):
    """A group of calls that belong together in the manifest."""

    def __init__(self, name: str) -> None:
        super().__init__(name, __name__)
        self.calls: list[Endpoint] = []

    def call(
        self, path: str, takes: type, gives: type[Answer], *, manifest: str, scope: str, token: bool = True
    ) -> Callable[[Handler], Handler]:
        """Make a handler `(call, message) -> answer` an endpoint; `token=False` for those that come without one.

        `scope` is what an access token must allow where OAuth is on: READ, or WRITE for what changes something.
        """

        def register(handler: Handler) -> Handler:
            endpoint = Endpoint(path, manifest, takes, gives, scope, token, inspect.getdoc(handler) or "")

            def view() -> Response:
                call = the_call()
                with call.exits:
                    return _answer(call, endpoint, handler)

            self.calls.append(endpoint)
            self.add_url_rule(path, handler.__name__, view, methods=METHODS, provide_automatic_options=False)
            return handler

        return register


def the_bridge() -> Bridge:
    """What this process serves with."""
    bridge: Bridge = current_app.extensions["bridge"]
    return bridge


def install(app: Flask, bridge: Bridge) -> None:
    """Put the application behind the seam: also what no endpoint answers is answered in the envelope."""
    app.extensions["bridge"] = bridge
    app.config["MAX_CONTENT_LENGTH"] = bridge.settings.max_body_bytes
    app.before_request(_begin)
    app.after_request(_hear_out)
    app.after_request(_log)  # the later is done first
    app.register_error_handler(Exception, lambda error: _respond(failure(error, Answer)))


def the_call() -> Call:
    """The request in hand."""
    call: Call = g.call
    return call


def failure(error: Exception, gives: type[Answer]) -> Answer:
    """The answer to a call that failed: its empty defaults, and what the caller may read of the error."""
    call = the_call()
    call.outcome = type(error).__name__
    if not isinstance(error, (BridgeError, HTTPException, ValidationError)):
        facts = {"message": "A request failed", "request": call.id, "connection": call.caller and call.caller.id}
        log.error("Request %s failed", call.id, exc_info=error, extra={"facts": facts})
    if isinstance(error, peewee.PeeweeException):
        discard_connection()
    return gives(error=_words(error, call))


def _begin() -> None:
    bridge = the_bridge()
    incoming: Any = request._get_current_object()  # type: ignore[attr-defined]  # each look through the proxy costs
    forwarded = incoming.headers.get("X-Forwarded-For", "")
    g.call = Call(
        request=incoming,
        bridge=bridge,
        deadline=Deadline(bridge.settings.budget_seconds),
        now=now(),
        address=caller_address(incoming.remote_addr or "", forwarded, bridge.settings.trusted_proxies),
        id=f"{random.getrandbits(48):012x}",  # no secret, only another than others in the log
    )
    bridge.worker.start()


def _log(response: Response) -> Response:
    call = the_call()
    rule, seconds = call.request.url_rule, call.deadline.spent()
    count_call(rule.rule if rule else None, call.outcome, seconds)
    facts = {
        "request": call.id,
        "address": call.address,
        "path": call.request.path if rule else None,
        "connection": call.caller and call.caller.id,
        "ms": round(1000 * seconds),
        "shop_calls": call.deadline.shop_calls,
        "outcome": call.outcome,
    }
    log.info(" ".join([f"{name}={value}" for name, value in facts.items()]), extra={"facts": facts})
    return response


def _answer(call: Call, endpoint: Endpoint, handler: Callable[..., Answer]) -> Response:
    try:
        if call.request.method != "POST":
            raise MethodNotAllowed
        vouched_for = _admit(call, endpoint.scope)
        body = _body(received(call))
        if endpoint.token:
            call.caller = _caller(body)
        if endpoint.scope == grants.WRITE and not (endpoint.token or vouched_for):
            call.bridge.throttle.take(BEGINNINGS, call.address)
        answer = handler(call, schema_of(endpoint.takes).load(body))
        if answer.error:
            call.outcome = "refused"
        return _respond(answer)
    except Exception as error:
        if isinstance(error, (UnknownToken, InvalidBearer)):
            error = _turned_away(call, error)
        elif isinstance(error, CredentialsRefused) and call.caller:
            wizard.ask_again(call.caller, call.bridge.channels)
        return _respond(failure(error, endpoint.gives))


def _respond(answer: Answer) -> Response:
    return Response(to_json(answer), 200, content_type="application/json")


def _turned_away(call: Call, error: Exception) -> Exception:
    """What is said to who was not let in: it is counted by the address, and who guesses on and on is held back.

    A valid token is let in from anywhere, whoever else calls from there.
    """
    try:
        call.bridge.throttle.take(TOKENS, call.address)
    except TooMany as too_many:
        call.bridge.throttle.hold_back()
        return too_many
    return error


def _admit(call: Call, scope: str) -> bool:
    """With OAuth on, only a bearer of an access token for this scope comes in; whether there was one."""
    bridge, token = call.bridge, _borne_token(call.request)
    scopes = grants.scopes_of(bridge.vault, token, bridge.settings.oauth_token_seconds) if token else None
    if scopes is None and grants.required():
        raise InvalidBearer
    if scopes is not None and scope not in scopes:
        raise RequestRefused(f"The access token does not have the scope {scope}")
    return scopes is not None


def admit_operator() -> None:
    """Let in who bears BRIDGE_METRICS_TOKEN, or without one who calls on this machine; to others nothing is here.

    A proxy calls from this machine as well, and says for whom.
    """
    token = the_bridge().settings.metrics_token
    if token:
        known = hmac.compare_digest(digest(_borne_token(request)), digest(token))
    else:
        known = is_loopback(request.remote_addr or "") and not any(name in request.headers for name in FORWARDED)
    if not known:
        raise NotFound


def _borne_token(request: Request) -> str:
    """The token that the call bears; empty where it bears none."""
    scheme, _, token = request.headers.get("Authorization", "").partition(" ")
    return token.strip() if scheme.lower() == BEARER else ""


def received(call: Call, most: int | None = None) -> bytes:
    """All that was sent, if it comes in time and is not longer than allowed.

    A sender who dawdles must not keep a thread.
    """
    request = call.request
    if most:
        request.max_content_length = most
    connection = request.environ.get("gunicorn.socket")
    parts: list[bytes] = []
    read = 0
    try:
        while True:
            if connection:
                connection.settimeout(max(call.deadline.left(), 0.01))
            part = request.stream.read(CHUNK_BYTES)
            if not call.deadline.left():
                raise TimeoutError  # what there is may end because nothing more was read
            parts.append(part)
            read += len(part)
            if not part or read == request.content_length:
                break
        if read < (request.content_length or 0):
            raise EOFError  # its sender has hung up, or the server has stopped reading it
        call.read_whole = True
        return b"".join(parts)
    except RequestEntityTooLarge:
        raise
    except Exception as error:  # whatever the server makes of a sender that stops, dawdles or breaks the rules
        if connection:
            with suppress(OSError):
                connection.shutdown(socket.SHUT_RD)  # nothing more is wanted
        raise RequestRefused("The request did not arrive whole and in time") from error
    finally:
        if connection:
            connection.settimeout(SEND_SECONDS)


def _hear_out(response: Response) -> Response:
    """Read what nobody wanted to its end, for a moment: whoever is still sending would not hear the answer."""
    call = the_call()
    connection = call.request.environ.get("gunicorn.socket")
    if connection and not call.read_whole:
        deadline = Deadline(HEAR_OUT_SECONDS)
        with suppress(Exception):  # as above
            connection.settimeout(HEAR_OUT_SECONDS)
            while call.request.environ["wsgi.input"].read(CHUNK_BYTES) and deadline.left():
                connection.settimeout(max(deadline.left(), 0.01))
        connection.settimeout(SEND_SECONDS)
    return response


def _body(raw: bytes) -> dict[str, Any]:
    """The JSON object that was sent, whatever its content type says; nothing at all counts as {}."""
    raw = raw.removeprefix(BYTE_ORDER_MARK)
    if not raw.strip():
        return {}
    try:
        body = _read_json(raw)
        if not isinstance(body, dict):
            raise RequestRefused("The request is not a JSON object")
        # msgspec would take the last of several; what others take to be the value must not differ from what we take
        if raw.count(b":") != _keys_near_the_top(body):
            json.loads(raw, object_pairs_hook=_distinct, parse_int=str, parse_float=str)
    except (msgspec.DecodeError, ValueError, ArithmeticError):
        raise RequestRefused("The request is not valid JSON") from None
    except RecursionError:
        raise RequestRefused("The request is nested too deeply") from None
    return body


def _keys_near_the_top(body: dict[str, Any]) -> int:
    """How many keys there are in the object and in the rows of its lists.

    Each key needs a colon: as many colons as keys leave none for a key that comes twice, here or further down.
    """
    lists = [value for value in body.values() if type(value) is list and set(map(type, value)) == {dict}]
    return len(body) + sum(sum(map(len, rows)) for rows in lists)


def _distinct(pairs: list[tuple[str, Any]]) -> None:
    """Refuse an object that has a key twice."""
    if len({key for key, _ in pairs}) < len(pairs):
        raise RequestRefused("The request has a key twice in one object")


def _caller(body: dict[str, Any]) -> Connection:
    """Whose call this is; takes the token off, so that nothing behind the seam ever holds it.

    Whatever stands in its place, the same is done: nothing but the answer tells a token from none.
    """
    tokens = [body.pop(key) for key in list(body) if key.casefold() == "authorizationtoken"]
    token = tokens[0] if len(tokens) == 1 and isinstance(tokens[0], str) and len(tokens[0]) <= LONGEST_TOKEN else ""
    found = find_connection(digest(token))
    if found is None:
        raise UnknownToken
    return found


def _words(error: Exception, call: Call) -> str:
    if isinstance(error, NotFound):
        return "There is no endpoint at this address"
    if isinstance(error, MethodNotAllowed):
        return "Endpoints are called with POST"
    if isinstance(error, RequestEntityTooLarge):
        return f"The request is longer than {call.bridge.settings.max_body_bytes} bytes"
    if isinstance(error, HTTPException):
        return error.name
    return explain(error, call.id)
