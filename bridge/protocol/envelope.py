"""The envelope: every answer is status 200 with `Error`, null or in words, and a Content-Length, whatever happens."""

from __future__ import annotations

import logging
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

import peewee
from flask import Flask, Request, Response, g, request
from marshmallow import ValidationError
from werkzeug.exceptions import HTTPException, MethodNotAllowed, NotFound, RequestEntityTooLarge

from bridge.clock import Deadline, now
from bridge.errors import BridgeError, CredentialsRefused, InvalidAccessToken, TooManyRequests, UnknownToken, explain
from bridge.protocol.auth import count_rejection
from bridge.protocol.call import Call, Services, current_call, current_services
from bridge.protocol.call_facts import facts_of
from bridge.protocol.rate_limit import RECORDS, UNFINISHED_RECORDS, caller_address
from bridge.protocol.receive import receive
from bridge.protocol.schemas.base import Answer, to_json
from bridge.store.database import discard_connection
from bridge.sync import wizard
from bridge.trace import Trace

if TYPE_CHECKING:
    from bridge.protocol.area import Endpoint

log = logging.getLogger("bridge.calls")

PREFIX = "/api/"
"""What the paths of all endpoints begin with; an unknown path elsewhere is no call of Linnworks, and a plain 404."""

SAFE_HEADERS = {"Cache-Control": "no-store", "X-Content-Type-Options": "nosniff"}
"""Headers of every answer that has not set them itself."""

JSON_HEADERS = list({"Content-Type": "application/json", **SAFE_HEADERS}.items())

POLLED_BY_MONITORING = ("/health", "/health/details", "/metrics")
"""Paths whose calls would fill the log."""


def install(app: Flask, services: Services) -> None:
    """Have the application answer everything in the envelope, also what no endpoint answers."""
    app.extensions["bridge"] = services
    app.config["MAX_CONTENT_LENGTH"] = services.settings.max_body_bytes
    app.before_request(_begin)
    app.after_request(_log)
    app.config["PROVIDE_AUTOMATIC_OPTIONS"] = False
    app.register_error_handler(Exception, _unrouted)


def answer(call: Call, endpoint: Endpoint, handler: Callable[..., Answer]) -> Response:
    """Authenticate the call, load its message, have the handler answer it, and write the answer or the failure."""
    call.endpoint = endpoint
    try:
        with call.exits:  # they see the exception
            answered = call.answered = _handled(call, endpoint, handler)
            errors = call.row_errors = answered.row_errors
            if answered.error:
                call.outcome = "refused"
            elif failed := len(errors) - errors.count(None):
                call.outcome = "failed" if failed == len(errors) else "partial"
            if call.slot and call.outcome in ("refused", "failed"):
                call.slot.failed = True  # as SaveConfig answers with the same screen
        return _response(answered)
    except Exception as error:
        return _response(failure(error, endpoint.gives))


def _handled(call: Call, endpoint: Endpoint, handler: Callable[..., Answer]) -> Answer:
    try:
        message = receive(call, endpoint)
    except ValidationError as error:
        if endpoint.invalid is None:
            raise
        return endpoint.invalid(call, explain(error))
    call.message = message
    return handler(call, message)


def failure(error: Exception, gives: type[Answer]) -> Answer:
    """Return the answer to a call that failed: its empty defaults, and what the caller may read of the error."""
    call = current_call()
    if isinstance(error, (UnknownToken, InvalidAccessToken)):
        error = count_rejection(call, error)
    elif isinstance(error, CredentialsRefused) and call.caller:
        wizard.ask_for_credentials(call.caller, call.services.channels)
    elif isinstance(error, peewee.PeeweeException):
        discard_connection()
    call.outcome, call.row_errors = type(error).__name__, ()
    if not isinstance(error, (BridgeError, HTTPException, ValidationError)):
        facts = {"message": "A request failed", "request": call.id, "connection": call.caller and call.caller.id}
        log.error("Request %s failed", call.id, exc_info=error, extra={"facts": facts})
    call.answered = gives(error=_message(error, call))
    return call.answered


def _unrouted(error: Exception) -> Response:
    """Return the answer to what no endpoint answers."""
    path = current_call().request.path
    if isinstance(error, (NotFound, MethodNotAllowed)) and not path.startswith(PREFIX):
        response = _response(failure(NotFound(), Answer))
        response.status_code = 404
        return response
    return _response(failure(error, Answer))


def _begin() -> None:
    services = current_services()
    incoming: Any = request._get_current_object()  # type: ignore[attr-defined]  # each look through the proxy costs
    forwarded = incoming.environ.get("HTTP_X_FORWARDED_FOR", "")
    trace = Trace()
    call = Call(
        request=incoming,
        services=services,
        deadline=Deadline(services.settings.budget_seconds, trace=trace),
        now=now(),
        address=caller_address(incoming.remote_addr or "", forwarded, services.settings.trusted_proxies),
        id=trace.request,
    )
    g.call = call
    services.worker.start()
    services.journal.start()


def _log(response: Response) -> Response:
    call = current_call()
    if call.answered is None:
        for name, value in SAFE_HEADERS.items():
            response.headers.setdefault(name, value)
    rule = call.request.url_rule
    facts = {
        "request": call.id,
        "address": call.address,
        "path": call.request.path if rule else None,
        "connection": call.caller and call.caller.id,
        "ms": round(1000 * call.deadline.spent()),
        "shop_calls": call.deadline.trace.calls_counted,
        "outcome": call.outcome,
    }
    if call.outcome in ("partial", "failed"):
        errors = call.row_errors
        facts |= {"rows": len(errors), "failed_rows": len(errors) - errors.count(None)}
    response.headers.add("X-Request-Id", call.id)
    _record(call)
    level = logging.DEBUG if facts["path"] in POLLED_BY_MONITORING else logging.INFO
    log.log(level, " ".join([f"{name}={value}" for name, value in facts.items()]), extra={"facts": facts})
    return response


def _record(call: Call) -> None:
    """Have a call of an endpoint recorded, or one to an unknown address; the call never fails for that.

    Calls without a token of ours, or of an unfinished integration, which anyone can add, are recorded too, but not so
    many that they displace others.
    """
    if call.endpoint is None and not _is_meant_for_us(call.request):
        return
    try:
        if call.caller is None or not call.caller.complete:
            call.services.rate_limiter.take(UNFINISHED_RECORDS if call.caller else RECORDS, "")
        for facts in facts_of(call):
            call.services.journal.add(facts)
    except TooManyRequests:
        return
    except Exception:
        log.exception("Request %s cannot be recorded", call.id)


def _is_meant_for_us(request: Request) -> bool:
    """Return whether a call that reached no endpoint looks like one of Linnworks under a wrong address."""
    return request.url_rule is None and request.method == "POST" and request.path.startswith(PREFIX)


def _response(answer: Answer) -> Response:
    return Response(to_json(answer), 200, JSON_HEADERS)


def _message(error: Exception, call: Call) -> str:
    if isinstance(error, NotFound):
        return "There is no endpoint at this address"
    if isinstance(error, MethodNotAllowed):
        return "Endpoints are called with POST"
    if isinstance(error, RequestEntityTooLarge):
        return f"The request is longer than {call.settings.max_body_bytes} bytes"
    if isinstance(error, HTTPException):
        return error.name
    return explain(error, call.id)
