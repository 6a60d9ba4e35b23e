"""The pages at /console. Outside the envelope; while no password is set, they are unknown addresses."""

from __future__ import annotations

import re
from collections.abc import Callable
from functools import wraps
from urllib.parse import parse_qs

import peewee
from flask import Blueprint, Response, request
from werkzeug.exceptions import HTTPException, NotFound

from bridge.clock import now
from bridge.errors import RequestRefused, TooBusy, TooManyRequests
from bridge.ops.console import access, connection, lights, search
from bridge.ops.console.calls import described
from bridge.ops.console.rendering import page, stylesheet
from bridge.protocol.body import read_body
from bridge.protocol.call import current_call
from bridge.protocol.concurrency_limit import Slots
from bridge.protocol.endpoints.public import problems
from bridge.store.connections import matching_connections
from bridge.store.database import discard_connection

area = Blueprint("console", __name__)

COOKIE = "bridge_console"
WAITING, WAIT_SECONDS = 2, 2
LONGEST_FORM = 2000
DESTINATION = re.compile(r"/(?:connections/\d{1,9}|calls/[0-9a-f]{1,12}|search)")
"""The pages that a login may lead on to, below the console's own address."""

_slots = Slots(1, 1, WAITING, TooBusy, queue=True)
"""One page at a time is made, or password tried: the other threads are for Linnworks."""

Page = Callable[..., Response]


def _console(path: str, method: str = "GET", *, public: bool = False) -> Callable[[Page], Page]:
    """Make a function a page of the console, which only sessions see unless it is `public`."""

    def register(make: Page) -> Page:
        @wraps(make)
        def view(**names: str) -> Response:
            if request.method != method:  # as of an unknown address
                raise NotFound
            try:
                stored = access.password_hash()
                if not stored:
                    raise NotFound
                if public:
                    return make(stored, **names)
                if not _in_session(stored):
                    return _login_page()
                with _slots.slot(None, WAIT_SECONDS):
                    return make(stored, **names)
            except HTTPException:
                raise
            except TooBusy:
                return _problem("The console is busy", "Too many of its pages are being made: try again.")
            except peewee.PeeweeException:
                discard_connection()
                return _problem("The bridge is ill", "It cannot read its database.", "linnworks-bridge doctor")

        area.add_url_rule(
            path, f"{make.__name__}", view, methods=[method], provide_automatic_options=False, strict_slashes=True
        )
        return make

    return register


@_console("/console")
def overview(stored: str) -> Response:
    """Return the lights."""
    found = lights.all_lights(problems(), now())
    return page("overview.html", _segments(), lights=found, verdict=lights.verdict(found), worst=lights.worst(found))


@_console("/console/", public=True)
def to_overview(stored: str) -> Response:
    """Lead to the console, by an address that is right behind any proxy."""
    return Response(status=308, headers={"Location": "../console"})


@_console("/console/connections/<number>")
def one_connection(stored: str, number: str) -> Response:
    """Return what is known of a connection."""
    found = matching_connections(number) if re.fullmatch(r"\d{1,9}", number) else []
    rows = [row for row in found if str(row.id) == number]
    if not rows:
        return _missing(f"There is no connection {number[:20]}.")
    failed_only = request.args.get("calls") == "failed"
    values = connection.described(rows[0], now(), failed_only=failed_only)
    return page("connection.html", _segments(), failed_only=failed_only, **values)


@_console("/console/calls/<call_id>")
def one_call(stored: str, call_id: str) -> Response:
    """Return what is recorded of a call."""
    values = described(call_id)
    return page("call.html", _segments(), **values) if values else _missing(f"No call {call_id[:20]} is recorded.")


@_console("/console/search")
def find(stored: str) -> Response:
    """Return what is known of an order or a SKU."""
    return page("search.html", _segments(), **search.found(request.args.get("q", "")))


@_console("/console/login", "POST", public=True)
def log_in(stored: str) -> Response:
    """Begin a session, if the password is right."""
    call = current_call()
    try:
        form = parse_qs(read_body(call, LONGEST_FORM).decode("utf-8", "replace"), max_num_fields=5)
    except (RequestRefused, HTTPException, ValueError):
        return _login_page("The form did not arrive whole", 400)
    try:
        call.services.rate_limiter.take(access.LOGINS, call.address)
    except TooManyRequests as error:
        return _login_page(str(error), 429)
    with _slots.slot(None, WAIT_SECONDS):
        right = access.is_password(form.get("password", [""])[0], stored)
    if not right:
        call.outcome = "wrong password"
        return _login_page("This is not the password", 403)
    asked = form.get("to", [""])[0]
    destination = asked if DESTINATION.fullmatch(asked) else ""
    answer = Response(status=303, headers={"Location": f"../console{destination}"})
    _set_cookie(answer, access.new_session(call.services.vault, stored), access.SESSION_SECONDS)
    return answer


@_console("/console/logout", "POST")
def log_out(stored: str) -> Response:
    """End the session of this browser."""
    answer = Response(status=303, headers={"Location": "../console"})
    _set_cookie(answer, "", 0)
    return answer


@_console("/console/style.css", public=True)
def style(stored: str) -> Response:
    """Return the stylesheet, whose address names its version."""
    return Response(stylesheet()[0], mimetype="text/css", headers={"Cache-Control": "max-age=86400"})


def _in_session(stored: str) -> bool:
    return access.is_session(current_call().services.vault, request.cookies.get(COOKIE, ""), stored)


def _set_cookie(answer: Response, value: str, seconds: int) -> None:
    """Set the cookie. Without a path it is for the console alone, below whatever prefix a proxy serves it."""
    secure = current_call().settings.url.startswith("https:")
    answer.set_cookie(COOKIE, value, seconds, path=None, secure=secure, httponly=True, samesite="Strict")


def _login_page(problem: str = "", status: int = 200) -> Response:
    path = request.path.removeprefix("/console")
    to = path if DESTINATION.fullmatch(path) else ""
    return page("login.html", _segments(), status, problem=problem, to=to, bare=True)


def _missing(sentence: str) -> Response:
    return page("problem.html", _segments(), 404, title="Not found", sentence=sentence)


def _problem(title: str, sentence: str, command: str = "") -> Response:
    return page("problem.html", _segments(), 503, title=title, sentence=sentence, command=command, bare=True)


def _segments() -> int:
    return request.path.count("/")
