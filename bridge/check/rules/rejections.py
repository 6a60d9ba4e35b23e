"""Rules about calls that have to be rejected, and unusual ones that must not break anything."""

from __future__ import annotations

import json
from collections.abc import Iterable
from typing import Any

from bridge.check.client import TOKEN_CALLS
from bridge.check.context import CheckContext, try_each
from bridge.check.response import EndpointResponse
from bridge.check.response_schemas import RESPONSE_SCHEMAS
from bridge.check.rule import RuleArea, RuleFailed, RuleSeverity
from bridge.check.sample_requests import READING_CALLS, SAMPLE_REQUESTS

area = RuleArea("Rejections", "channel-integration")
LASTING_CALLS = ("ListingUpdate", "ListingDelete", "SaveConfig")
"""Calls that could leave lasting changes when they are sent with wrong types."""
NOT_FOUND = 404
WRONG_TYPES: tuple[Any, ...] = ("text", -1, 1.5, True, None, [], [5, None, "text"], {}, {"Items": 5})


@area.rule("REF-01", after=("CFG-08", "REF-03"))
def no_token(context: CheckContext) -> None:
    """Every call without AuthorizationToken is rejected.

    Anyone who knows the URL can read and change a customer's shop.
    """
    _require_token_rejected(context, {})


@area.rule("REF-02", after=("CFG-08",))
def empty_token(context: CheckContext) -> None:
    """Every call with a null or empty token is rejected.

    Anyone who knows the URL can read and change a customer's shop.
    """
    _require_token_rejected(context, {"AuthorizationToken": None})
    _require_token_rejected(context, {"AuthorizationToken": ""})


@area.rule("REF-03", after=("CFG-08",))
def unknown_token(context: CheckContext) -> None:
    """Every call with an unknown token is rejected.

    Anyone who knows the URL can read and change a customer's shop.
    """
    accepted = _require_token_rejected(context, {"AuthorizationToken": context.random_word(32)}, collect=True)
    if accepted:  # only samples that succeed with the right token show whether it is checked
        context.token_is_never_checked = accepted.keys() >= set(_available(context, READING_CALLS))
        where = "the token is never checked" if context.token_is_never_checked else "the token is not checked"
        message = f"{where}: an unknown one is accepted by {', '.join(accepted)}"
        raise RuleFailed(message, accepted[next(iter(accepted))].exchange)


@area.rule("REF-04", RuleSeverity.SHOULD, needs=("CFG-01",))
def token_of_wrong_type(context: CheckContext) -> None:
    """Every call whose token is an array, an object or a number is rejected with status 200 and an Error.

    An unhandled exception looks like an outage, and Linnworks may disable the integration.
    """
    if not context.spare.token:  # an application that accepts it may delete the integration of this token
        context.create(context.spare).require_success()
    for token in ([context.spare.token], {"Token": context.spare.token}, 12345):
        _require_token_rejected(context, {"AuthorizationToken": token})


@area.rule("REF-05")
def invalid_json(context: CheckContext) -> None:
    """Every call with a body that is not JSON gets status 200 and an Error.

    Linnworks may disable the customer's integration automatically because of another status.
    """
    for content in (b'{"AuthorizationToken": ', b"not json", b"\xff\xfe\x00\x80"):
        _require_body_rejected(context, content)


@area.rule("REF-06")
def no_object(context: CheckContext) -> None:
    """Every call with a JSON body that is not an object gets status 200 and an Error.

    Linnworks may disable the customer's integration automatically because of another status.
    """
    for content in (b"[]", b'"text"', b"null", b"5"):
        _require_body_rejected(context, content)


@area.rule("REF-07")
def no_body(context: CheckContext) -> None:
    """Every call without a body gets status 200 and an Error.

    Linnworks may disable the customer's integration automatically because of another status.
    """
    _require_body_rejected(context, b"")


@area.rule("REF-08", RuleSeverity.ADVICE, "endpoints-general")
def wrong_method(context: CheckContext) -> None:
    """GET instead of POST gets status 200 and an Error.

    Anyone who opens the URL in a browser, to see whether it works, learns nothing.
    """

    def send(name: str) -> None:
        context.client.send(name, b"", method="GET", headers={}, unusual=True).require_error("for GET")

    try_each(_available(context, RESPONSE_SCHEMAS), send)


@area.rule("REF-09", RuleSeverity.ADVICE, "endpoints-general")
def unknown_path(context: CheckContext) -> None:
    """An unknown path gets status 404, or 200 and an Error.

    A mistyped URL in the manifest looks like a success, or like an outage.
    """
    url = f"{context.client.url('AddNewUser').rpartition('/')[0]}/no-such-call-{context.random_word()}"
    try:
        response = context.client.send("an unknown path", b"{}", url=url, unusual=True)
    except RuleFailed as failure:
        if failure.exchange is None or failure.exchange.status != NOT_FOUND:
            raise
    else:
        response.require_error("for a call that does not exist")


@area.rule("REF-10", RuleSeverity.SHOULD, needs=("CFG-08",), changes_shop=True)
def wrong_types(context: CheckContext) -> None:
    """Values of the wrong type never cause an unusable response.

    One unexpected value stops the whole batch, and Linnworks may disable the integration.
    """

    def send(name: str) -> None:
        for value in WRONG_TYPES:
            body = {"AuthorizationToken": context.first.token, **dict.fromkeys(SAMPLE_REQUESTS[name], value)}
            context.client.send(name, json.dumps(body).encode(), unusual=True)

    names = [name for name, sample in SAMPLE_REQUESTS.items() if sample and name not in LASTING_CALLS]
    try_each(_available(context, names), send)


@area.rule("REF-11", needs=("CFG-08",))
def token_as_path(context: CheckContext) -> None:
    """A token that becomes the customer's own when it is read as a path is rejected.

    Applications that keep one file per token have opened any file a token named.
    """
    token = context.first.token
    for path in (f"./{token}", f"../{token}", f"x/../{token}", f"{token}/.", f"..\\{token}"):
        _require_no_data(context, path)


@area.rule("REF-12", needs=("CFG-08",))
def token_as_query(context: CheckContext) -> None:
    """A token that matches every token when it is read as a query or a pattern is rejected.

    Anyone who knows the trick can read a customer's data.
    """
    token = context.first.token
    queries = ("' OR '1'='1", f"{token}' --", '" OR ""="', f"{token}\0x")
    for query in (*queries, "%", "*", f"{token[:4]}%", f"{token[:4]}*"):
        _require_no_data(context, query)


def _require_no_data(context: CheckContext, token: str) -> None:
    """Require that no data of the customer is returned; whether there is an Error is another rule's matter."""
    for name in _available(context, ("UserConfig", "Orders")):
        body = {"AuthorizationToken": token, **SAMPLE_REQUESTS[name]}
        response = context.client.send(name, json.dumps(body).encode())
        _require_no_rows(response)
        if response.string("AccountName") == context.first.name:
            raise RuleFailed(f"{name} accepted the token {token!r} as the customer's", response.exchange)


def _require_token_rejected(
    context: CheckContext, token: dict[str, Any], collect: bool = False
) -> dict[str, EndpointResponse]:
    """Raise RuleFailed when a call accepts the token; with `collect`, return the responses that do."""
    accepted: dict[str, EndpointResponse] = {}
    unusual = not isinstance(token.get("AuthorizationToken", ""), (str, type(None)))

    def send(name: str) -> None:
        content = json.dumps({**token, **SAMPLE_REQUESTS[name]}).encode()
        response = context.client.send(name, content, unusual=unusual)
        if collect and not response.error and name != "ConfigDeleted":
            accepted[name] = response
        elif name != "ConfigDeleted":  # a notification: repeating it may succeed
            _require_no_rows(response.require_error(f"for the token {next(iter(token.values()), 'left out')!r}"))

    try_each(_available(context, TOKEN_CALLS), send)
    return accepted


def _require_body_rejected(context: CheckContext, content: bytes) -> None:
    def send(name: str) -> None:
        response = context.client.send(name, content, unusual=True)
        if name in TOKEN_CALLS:  # other rules judge what AddNewUser accepts
            _require_no_rows(response.require_error(f"for the body {content!r}"))

    try_each(_available(context, RESPONSE_SCHEMAS), send)


def _available(context: CheckContext, names: Iterable[str]) -> list[str]:
    return [name for name in names if context.client.has_handler(name)]


def _require_no_rows(response: EndpointResponse) -> None:
    for name, value in response.body.items():
        if value and isinstance(value, list):
            raise RuleFailed(f"{response.endpoint} returned {name} for an unknown token", response.exchange)
