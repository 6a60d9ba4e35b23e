"""Bodies and answers that are not JSON, and fields changed by PATCH."""

from __future__ import annotations

import pytest

from bridge.channels.http import Body
from bridge.errors import ChannelUnavailable, CredentialsRefused, OutcomeUnknown
from tests.channels.hostile.server import Fault

pytestmark = pytest.mark.service

XML = "application/xml"


def test_some_fields_are_changed_by_patch(shop):
    """The body of a PATCH is JSON, as for other writes."""
    answer = shop.client().patch("actions", {"name": "Mug"})

    assert {"done": 1} == answer.json
    assert ([{"name": "Mug"}], [("PATCH", "/actions")]) == (shop.actions, shop.server.calls)


def test_a_form_is_sent(shop):
    """A form may have several values of a field; its answer is JSON."""
    answer = shop.client().post("form", Body.form({"name": "Ü & Söhne", "tag": ["a", "b"]}))

    assert {"accept": "application/json"} == answer.object()
    assert [("application/x-www-form-urlencoded", {"name": ["Ü & Söhne"], "tag": ["a", "b"]})] == shop.actions


def test_xml_is_sent_and_answered(shop):
    """A client for XML asks for it, sends a body as it is, and gets the bytes of the answer."""
    answer = shop.client(media_type=XML).post("xml", Body(b"<stock>3</stock>", XML))

    assert ("<done>é</done>".encode(), None) == (answer.content, answer.json)
    assert [(XML, b"<stock>3</stock>")] == shop.actions
    assert [XML] == [headers["Accept"] for headers in shop.server.headers]


@pytest.mark.parametrize(
    ("media_type", "is_json"),
    [("application/json", True), ("application/vnd.api+json; v=2", True), ("application/jsonl", False)],
)
def test_kinds_of_json_are_parsed(shop, media_type, is_json):
    """JSON under a name of its own is parsed; lines of JSON come as bytes."""
    answer = shop.client(media_type=media_type).get("things")

    assert is_json == (answer.json is not None) == (answer.content == b"")


@pytest.mark.parametrize("method", ["get", "post", "put", "patch", "delete"])
def test_a_call_may_have_its_own_headers(shop, method):
    """They are sent with all its attempts, and with no other call."""
    client = shop.client(headers={"Store": "main"})
    shop.faults.add(Fault.DROP_BEFORE)
    path, repeatable = ("thing", {}) if method == "get" else ("actions", {"repeatable": True})
    body = [{}] if method in ("post", "put", "patch") else []
    getattr(client, method)(path, *body, headers={"Idempotency-Key": "5"}, **repeatable)
    client.get("thing")

    assert [("main", "5"), ("main", "5"), ("main", None)] == [
        (headers["Store"], headers.get("Idempotency-Key")) for headers in shop.server.headers
    ]


def test_json_is_no_xml(shop):
    """The answer to a client for JSON must be JSON: XML counts as a web page, and what was done is unknown."""
    with pytest.raises(OutcomeUnknown, match="web page"):
        shop.client().post("xml", Body(b"<stock>3</stock>", XML))


@pytest.mark.parametrize("fault", [Fault.WEB_PAGE, Fault.FIREWALL, Fault.NOT_FOUND_PAGE])
def test_a_web_page_is_no_xml(shop, fault):
    """A client for XML takes no web page for an answer, and repeats a read that got one."""
    shop.faults.add(fault, times=None)

    with pytest.raises(ChannelUnavailable, match="web page"):
        shop.client(media_type=XML).get("thing", accept=[404])
    assert len(shop.server.calls) == 3


def test_answers_of_any_type_are_limited(shop):
    """The size limit applies to XML and text too."""
    shop.faults.add(Fault.ENDLESS)

    with pytest.raises(ChannelUnavailable, match="too long"):
        shop.client(media_type="text/csv").get("thing")


def test_xml_needs_credentials_too(shop):
    """A refusal means the same for every media type."""
    shop.faults.add(Fault.UNAUTHORIZED)

    with pytest.raises(CredentialsRefused):
        shop.client(media_type=XML).get("thing")


def test_the_content_of_a_body_is_not_shown(shop):
    """A form may hold a password, so the repr of a body has only its type."""
    assert "secret" not in repr(Body.form({"password": "secret"}))
