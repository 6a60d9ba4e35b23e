"""Bodies and answers that are not JSON, text around JSON, and fields changed by PATCH."""

from __future__ import annotations

from decimal import Decimal

import pytest

from bridge.channels.http import Body
from bridge.errors import ChannelUnavailable, CredentialsRefused, OutcomeUnknown
from tests.channels.hostile.server import Fault
from tests.channels.http.shop import KEY

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


# -- text around JSON ----------------------------------------------------------------------------------

NOTICE = (
    "<br />\n<b>Deprecated</b>:  Creation of dynamic property Foo::$bar[0] {closure} is deprecated in "
    "<b>/var/www/foo.php</b> on line <b>12</b><br />\n"
)
LOG_LINE = "[24-Nov-2026 10:00:00 UTC] PHP Notice:  Undefined index: [1] in /var/www/foo.php on line 7\n"
ROWS = '[{"name": "[Mug] {1}", "price": 19.99}]'
PAGE = f"<!DOCTYPE html><html><head><title>Just a moment...</title><script>{ROWS}</script></head></html>"


@pytest.mark.parametrize(
    "text",
    [
        "\ufeff" + ROWS,
        "\n\n \ufeff\ufeff\n" + ROWS,
        NOTICE + ROWS,
        "\ufeff" + NOTICE * 3 + ROWS,
        LOG_LINE + ROWS,
        f"connected{ROWS}",
        f"<!-- cached -->{ROWS}<!-- <html> 0.2 s -->\n",
        ROWS + NOTICE,
        ROWS + "<br />\n<b>Warning</b>: Unknown: open failed in <b>Unknown</b> on line <b>0</b><br />",
    ],
)
@pytest.mark.parametrize("content_type", ["text/html; charset=UTF-8", "application/json"])
def test_text_around_whole_json_is_passed_over(shop, text, content_type):
    """PHP's messages, byte order marks and comments of caches do not cost the data, which keep their exact decimals."""
    shop.answers.append((text, 200, {"Content-Type": content_type}))

    assert [{"name": "[Mug] {1}", "price": Decimal("19.99")}] == shop.client().get("next").rows()


@pytest.mark.parametrize("before", ["", NOTICE, LOG_LINE, "\ufeff"])
@pytest.mark.parametrize(
    "cut", ['[{"id": 1}, {"id": 2}', '{"rows": [{"id": 1}]', '{"text": "see [1]', '{"a": [1], "b": tru', "[" * 100_000]
)
def test_a_part_of_json_is_never_taken_for_all(shop, before, cut):
    """JSON that is cut off is an error, also where a part of it would be whole; a message of PHP is named."""
    shop.answers += [(before + cut, 200)] * 3

    with pytest.raises(ChannelUnavailable) as caught:
        shop.client().get("next")
    assert (before in (NOTICE, LOG_LINE)) == ("a message of PHP" in str(caught.value))


@pytest.mark.parametrize(
    ("text", "words"),
    [
        (NOTICE, "PHP instead of data: Deprecated: Creation of dynamic property Foo::$bar[0] {closure} is deprecated"),
        ("PHP Fatal error:  Out of memory in /a.php on line 3", "PHP instead of data: Fatal error: Out of memory in"),
        (PAGE, "web page instead of data (200), which says: Just a moment..."),
        (PAGE.replace("Just", "&#8216;\x1b" + "x" * 300), "which says: ‘ " + "x" * 197 + "…"),
        (NOTICE + PAGE, "a message of PHP"),
        ("<html><body>No title</body></html>", "(200)"),
    ],
)
def test_what_came_instead_of_data_is_named(shop, text, words):
    """The message has PHP's first message or the page's title, in one line of limited length."""
    shop.answers += [(text, 200)] * 3

    with pytest.raises(ChannelUnavailable) as caught:
        shop.client().get("next")
    assert words in str(caught.value)
    assert str(caught.value).isprintable()


def test_a_firewalls_page_holds_no_credentials(shop):
    """A page that repeats the request in its title shows no key."""
    shop.answers.append((f"<title>Blocked: {KEY}</title>", 403))

    with pytest.raises(ChannelUnavailable, match=r"which says: Blocked: \*\*\*$"):
        shop.client(headers={"X-Token": KEY}).post("next", {})
