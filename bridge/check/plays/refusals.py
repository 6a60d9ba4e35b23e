"""Calls that have to be refused, and a few odd ones that must not be."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable
from typing import Any

from bridge.check.judge import summary
from bridge.check.linnworks import FORM, TOKEN_CALLS, Answer
from bridge.check.play import LONG_AGO, Play
from bridge.check.registry import Area, Failed
from bridge.check.shapes import SHAPES

area = Area("Refusals")

# What else a call carries, so that only its token can be wrong.
FIELDS: dict[str, dict[str, Any]] = {
    "SaveConfig": {"StepName": "UserConfig", "ConfigItems": []},
    "Orders": {"UTCTimeFrom": LONG_AGO, "PageNumber": 1},
    "Despatch": {"Orders": []},
    "Cancel": {"Cancellation": {"ReferenceNumber": "1", "ExternalReference": "", "Items": []}},
    "Refund": {"Refund": {"ReferenceNumber": "1", "ExternalReference": "", "RefundShippingAmount": 1.0, "Items": []}},
    "Products": {"PageNumber": 1},
    "InventoryUpdate": {"Products": []},
    "PriceUpdate": {"Products": []},
    "GetCategories": {"PageNumber": 1},
    "GetAttributesByCategory": {"CategoryIds": ["1"], "GeneralSettings": []},
    "GetVariationsByCategory": {"CategoryIds": ["1"], "GeneralSettings": []},
    "ListingUpdate": {"Type": 0, "Listings": [], "Settings": []},
    "ListingDelete": {"ExternalListingIds": []},
    "CheckFeed": {"ChannelFeedId": "1"},
}


@area.check("REF-01")
def no_token(play: Play) -> None:
    """Every call without AuthorizationToken is refused."""
    _refused_everywhere(play, {})


@area.check("REF-02")
def an_empty_token(play: Play) -> None:
    """Every call whose token is null or empty is refused."""
    _refused_everywhere(play, {"AuthorizationToken": None})
    _refused_everywhere(play, {"AuthorizationToken": ""})


@area.check("REF-03")
def an_unknown_token(play: Play) -> None:
    """Every call with a token nobody holds is refused."""
    _refused_everywhere(play, {"AuthorizationToken": play.word(32)})


@area.check("REF-04")
def no_string(play: Play) -> None:
    """Every call whose token is a list, an object or a number is refused."""
    for token in ([play.first.token], {"Token": play.first.token}, 12345):
        _refused_everywhere(play, {"AuthorizationToken": token})


@area.check("REF-05")
def broken_json(play: Play) -> None:
    """Every call whose body is no JSON is refused."""
    for content in (b'{"AuthorizationToken": ', b"not json", b"\xff\xfe\x00\x80"):
        _refused_bytes(play, content)


@area.check("REF-06")
def no_object(play: Play) -> None:
    """Every call whose body is JSON but no object is refused."""
    for content in (b"[]", b'"text"', b"null", b"5"):
        _refused_bytes(play, content)


@area.check("REF-07")
def no_body(play: Play) -> None:
    """Every call without a body is refused."""
    _refused_bytes(play, b"")


@area.check("REF-08")
def wrong_method(play: Play) -> None:
    """GET instead of POST is answered with 200 and an Error."""

    def look(name: str) -> None:
        play.linnworks.send(name, b"", method="GET", headers={}).refused("to GET")

    _everywhere(_offered(play, SHAPES), look)


@area.check("REF-09")
def unknown_path(play: Play) -> None:
    """An unknown path is answered with 200 and an Error."""
    path = f"/api/no-such-call-{play.word()}"
    play.linnworks.send("an unknown path", b"{}", path=path).refused("to a call that does not exist")


@area.check("REF-10", needs=("CFG-08",))
def wrong_types(play: Play) -> None:
    """Values of the wrong type never break an answer."""
    odd: tuple[Any, ...] = ("text", -1, 1.5, True, None, [], [5, None, "text"], {}, {"Items": 5})

    def send(name: str) -> None:
        for value in odd:
            play.call(name, **dict.fromkeys(FIELDS[name], value))

    harmless = [name for name in FIELDS if name not in ("ListingUpdate", "ListingDelete", "SaveConfig")]
    _everywhere(_offered(play, harmless), send)


@area.check("REF-11", needs=("CFG-08",))
def any_content_type(play: Play) -> None:
    """JSON is read whatever the content type says, as curl says form."""
    content = json.dumps({"AuthorizationToken": play.first.token, **FIELDS["Orders"]}).encode()
    for headers in (FORM, {"Content-Type": "text/plain"}, {}):
        play.linnworks.send("Orders", content, headers=headers).accepted()


def _refused_everywhere(play: Play, token: dict[str, Any]) -> None:
    def send(name: str) -> None:
        answer = play.linnworks.post(name, {**token, **FIELDS.get(name, {})})
        if name != "ConfigDeleted":  # a notification, and deleting again what is gone may well succeed
            _bare(answer.refused(f"to the token {next(iter(token.values()), 'left out')!r}"))

    _everywhere(_offered(play, TOKEN_CALLS), send)


def _refused_bytes(play: Play, content: bytes) -> None:
    def send(name: str) -> None:
        answer = play.linnworks.send(name, content)
        if name != "GetConfiguratorSettings":  # it needs nothing of its body
            _bare(answer.refused(f"to the body {content!r}"))

    _everywhere(_offered(play, SHAPES), send)


def _offered(play: Play, names: Iterable[str]) -> list[str]:
    return [name for name in names if play.linnworks.offers(name)]


def _everywhere(names: list[str], deed: Callable[[str], None]) -> None:
    words = []
    for name in names:
        try:
            deed(name)
        except Failed as failure:
            words.append(str(failure))
    if words:
        raise Failed(summary(words))


def _bare(answer: Answer) -> None:
    for name, value in answer.body.items():
        if value and (isinstance(value, list) or name == "HasMorePages"):
            raise Failed(f"{answer.endpoint} refused the call and sent {name} all the same")
