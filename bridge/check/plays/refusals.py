"""Calls that have to be refused, and a few odd ones that must not break anything."""

from __future__ import annotations

import json
from collections.abc import Iterable
from typing import Any

from bridge.check.answer import Answer
from bridge.check.linnworks import TOKEN_CALLS
from bridge.check.play import Play, try_each
from bridge.check.registry import Area, Failed, Severity
from bridge.check.samples import SAMPLES
from bridge.check.shapes import SHAPES

area = Area("Refusals", "channel-integration, 4.7 of the wire protocol")


@area.check("REF-01", after=("CFG-08",))
def no_token(play: Play) -> None:
    """Every call without AuthorizationToken is refused.

    Whoever knows the URL reads and changes a customer's shop.
    """
    _refused_everywhere(play, {})


@area.check("REF-02", after=("CFG-08",))
def an_empty_token(play: Play) -> None:
    """Every call whose token is null or empty is refused.

    Whoever knows the URL reads and changes a customer's shop.
    """
    _refused_everywhere(play, {"AuthorizationToken": None})
    _refused_everywhere(play, {"AuthorizationToken": ""})


@area.check("REF-03", after=("CFG-08",))
def an_unknown_token(play: Play) -> None:
    """Every call with a token nobody holds is refused.

    Whoever knows the URL reads and changes a customer's shop.
    """
    _refused_everywhere(play, {"AuthorizationToken": play.word(32)})


@area.check("REF-04", Severity.SHOULD, needs=("CFG-01",))
def no_string(play: Play) -> None:
    """Every call whose token is a list, an object or a number is refused with 200 and an Error.

    A failure that breaks out looks like an outage, and may get the integration disabled.
    """
    if not play.spare.token:  # whoever takes it for a token may be led to delete what it stands for
        play.spare.token = play.add(play.spare).accepted().says("AuthorizationToken")
    for token in ([play.spare.token], {"Token": play.spare.token}, 12345):
        _refused_everywhere(play, {"AuthorizationToken": token})


@area.check("REF-05")
def broken_json(play: Play) -> None:
    """Every call whose body is no JSON is answered with 200 and an Error.

    Answers other than 200 may get the customer's integration disabled automatically.
    """
    for content in (b'{"AuthorizationToken": ', b"not json", b"\xff\xfe\x00\x80"):
        _refused_bytes(play, content)


@area.check("REF-06")
def no_object(play: Play) -> None:
    """Every call whose body is JSON but no object is answered with 200 and an Error.

    Answers other than 200 may get the customer's integration disabled automatically.
    """
    for content in (b"[]", b'"text"', b"null", b"5"):
        _refused_bytes(play, content)


@area.check("REF-07")
def no_body(play: Play) -> None:
    """Every call without a body is answered with 200 and an Error.

    Answers other than 200 may get the customer's integration disabled automatically.
    """
    _refused_bytes(play, b"")


@area.check("REF-08", Severity.ADVICE, "endpoints-general")
def wrong_method(play: Play) -> None:
    """GET instead of POST is answered with 200 and an Error.

    Whoever opens the URL in a browser, to see whether it is there, is told nothing.
    """

    def look(name: str) -> None:
        play.linnworks.send(name, b"", method="GET", headers={}, odd=True).refused("to GET")

    try_each(_offered(play, SHAPES), look)


@area.check("REF-09", Severity.ADVICE, "endpoints-general")
def unknown_path(play: Play) -> None:
    """An unknown path is answered with 200 and an Error.

    A mistyped URL in the manifest looks like an outage instead of saying what it is.
    """
    url = f"{play.linnworks.url('AddNewUser').rpartition('/')[0]}/no-such-call-{play.word()}"
    play.linnworks.send("an unknown path", b"{}", url=url, odd=True).refused("to a call that does not exist")


@area.check("REF-10", Severity.SHOULD, needs=("CFG-08",), changes=True)
def wrong_types(play: Play) -> None:
    """Values of the wrong type never break an answer.

    One value that nobody expected stops the whole batch, and may get the integration disabled.
    """
    odd: tuple[Any, ...] = ("text", -1, 1.5, True, None, [], [5, None, "text"], {}, {"Items": 5})

    def send(name: str) -> None:
        for value in odd:
            body = {"AuthorizationToken": play.first.token, **dict.fromkeys(SAMPLES[name], value)}
            play.linnworks.send(name, json.dumps(body).encode(), odd=True)

    lasting = ("ListingUpdate", "ListingDelete", "SaveConfig")
    try_each(_offered(play, (name for name in SAMPLES if SAMPLES[name] and name not in lasting)), send)


@area.check("REF-11", needs=("CFG-08",))
def a_token_that_is_a_path(play: Play) -> None:
    """A token that means the customer's own once it is read as a path is refused.

    Applications that keep a file for each token have opened any file that a token names.
    """
    token = play.first.token
    for path in (f"./{token}", f"../{token}", f"x/../{token}", f"{token}/.", f"..\\{token}"):
        _refused_reading(play, path)


@area.check("REF-12", needs=("CFG-08",))
def a_token_that_is_a_query(play: Play) -> None:
    """A token that means every token once it is read as a query or a pattern is refused.

    One customer's data is handed to whoever knows how to ask.
    """
    token = play.first.token
    queries = ("' OR '1'='1", f"{token}' --", '" OR ""="', f"{token}\0x")
    for query in (*queries, "%", "*", f"{token[:4]}%", f"{token[:4]}*"):
        _refused_reading(play, query)


def _refused_reading(play: Play, token: str) -> None:
    """Nothing of the customer's is answered; whether there is an Error is another rule's business."""
    for name in _offered(play, ("UserConfig", "Orders")):
        body = {"AuthorizationToken": token, **SAMPLES[name]}
        answer = play.linnworks.send(name, json.dumps(body).encode())
        _bare(answer)
        if answer.says("AccountName") == play.first.name:
            raise Failed(f"{name} took the token {token!r} for the customer's", answer.exchange)


def _refused_everywhere(play: Play, token: dict[str, Any]) -> None:
    odd = not isinstance(token.get("AuthorizationToken", ""), (str, type(None)))

    def send(name: str) -> None:
        content = json.dumps({**token, **SAMPLES[name]}).encode()
        answer = play.linnworks.send(name, content, odd=odd)
        if name != "ConfigDeleted":  # a notification, and deleting again what is gone may well succeed
            _bare(answer.refused(f"to the token {next(iter(token.values()), 'left out')!r}"))

    try_each(_offered(play, TOKEN_CALLS), send)


def _refused_bytes(play: Play, content: bytes) -> None:
    def send(name: str) -> None:
        answer = play.linnworks.send(name, content, odd=True)
        if name != "GetConfiguratorSettings":  # it needs nothing of its body
            _bare(answer.refused(f"to the body {content!r}"))

    try_each(_offered(play, SHAPES), send)


def _offered(play: Play, names: Iterable[str]) -> list[str]:
    return [name for name in names if play.linnworks.offers(name)]


def _bare(answer: Answer) -> None:
    for name, value in answer.body.items():
        if value and isinstance(value, list):
            raise Failed(f"{answer.endpoint} sent {name} to a token that nobody holds", answer.exchange)
