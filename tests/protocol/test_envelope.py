"""Every answer has status 200 and `Error`, whatever was sent."""

from __future__ import annotations

import logging

import pytest

from bridge.protocol.endpoints import AREAS
from bridge.store.database import connect, database, immediate
from tests.conftest import SERVER, dump

CALLS = [call for area in AREAS for call in area.calls]
PATHS = [call.path for call in CALLS]
TAKES_NOTHING = "/api/Listing/GetConfiguratorSettings"
TOKENLESS = {"AddNewUserEndpoint", "GetConfiguratorSettingsEndpoint"}
TOKEN_NAMES = [call.manifest for call in CALLS if call.manifest not in TOKENLESS]

NOT_JSON = [
    b"{",
    b"{'a': 1}",
    b"\xff\xfe{}",
    b'{"AuthorizationToken": NaN}',
    b'{"AuthorizationToken": Infinity}',
    b'{"a": 1} trailing',
    b"<html></html>",
    b"AuthorizationToken=abc",
    b'{"a": ' + b"[" * 50_000,
]
NOT_AN_OBJECT = [b"[]", b"null", b"1", b'"text"', b"[{}]", b"true"]
NO_TOKEN = [
    None,
    "",
    "nobody",
    5,
    1.5,
    True,
    [],
    ["x"],
    {},
    {"a": 1},
    "../../etc/passwd",
    "a\x00b",
    "'; --",
    "x" * 100_000,
]


@pytest.mark.parametrize("body", NOT_JSON + NOT_AN_OBJECT, ids=lambda body: repr(body[:20]))
def test_a_body_that_is_no_json_object_is_refused_in_the_envelope(app, body):
    """
    On every endpoint, bytes that are no JSON object get an Error, status 200 and a Content-Length.
    """
    for path in PATHS:
        if path == TAKES_NOTHING and body in (b"[]", b"null"):
            continue
        response = app.test_client().post(path, data=body)

        assert 200 == response.status_code
        assert len(response.data) == response.content_length
        assert response.get_json()["Error"].startswith(("The request is n", "The request is in UTF-16"))


def test_an_unknown_token_is_refused_alike_everywhere(call):
    """
    Any other value in place of a token gets the same Error, and every list is empty.
    """
    for name in TOKEN_NAMES:
        answers = [call(name)] + [call(name, AuthorizationToken=token) for token in NO_TOKEN]

        assert {"Unknown authorization token"} == {answer["Error"] for answer in answers}
        assert all(not value for answer in answers for key, value in answer.items() if key != "Error")


@pytest.mark.parametrize("method", ["GET", "PUT", "PATCH", "DELETE", "OPTIONS", "BREW"])
def test_only_post_is_answered(app, method):
    """
    Another method than POST gets an Error from every endpoint, not a 405.
    """
    for path in PATHS:
        response = app.test_client().open(path, method=method, data="{}")

        assert 200 == response.status_code
        assert "Endpoints are called with POST" == response.get_json()["Error"]


@pytest.mark.parametrize("method", ["POST", "GET", "BREW"])
@pytest.mark.parametrize(("path", "status"), [("/api/Order/Nothing", 200), ("/helth", 404), ("/api", 404)])
def test_an_unknown_path_is_answered_in_the_envelope(app, method, path, status):
    """
    It gets an Error, and a 404 only where Linnworks never calls, so that a monitor notices a mistyped address.
    """
    response = app.test_client().open(path, method=method)

    assert status == response.status_code
    assert {"Error": "There is no endpoint at this address"} == response.get_json()


def test_answers_are_neither_stored_nor_guessed_at(app, linnworks):
    """
    Every answer tells caches and browsers so, whatever it is.
    """
    client = app.test_client()
    for response in (
        client.post("/api/Config/ConfigTest", data="{}"),
        client.post("/api/Nothing"),
        client.get("/nowhere"),
        client.get("/"),
        client.get("/health"),
        client.get("/metrics"),
        client.post("/api/oauth/authorize"),
    ):
        assert "no-store" == response.headers["Cache-Control"]
        assert "nosniff" == response.headers["X-Content-Type-Options"]


def test_a_doubled_slash_is_no_redirect(app):
    """
    Every address is answered in the envelope, odd ones too.
    """
    response = app.test_client().post("/api//Config/UserConfig", data="{}")

    assert (200, "There is no endpoint at this address") == (response.status_code, response.get_json()["Error"])


def test_a_body_that_is_too_long_is_refused(app, settings):
    """
    A body over the limit gets an Error that names the limit.
    """
    response = app.test_client().post("/api/Order/Orders", data=b" " * (settings.max_body_bytes + 1))

    assert 200 == response.status_code
    assert f"The request is longer than {settings.max_body_bytes} bytes" == response.get_json()["Error"]


def test_json_is_read_whatever_the_content_type_says(app, linnworks):
    """
    A JSON body is understood under curl's default content type and any other.
    """
    body = f'{{"AuthorizationToken": "{linnworks.token}"}}'
    for content_type in ("application/x-www-form-urlencoded", "text/plain", "multipart/form-data", "nonsense", None):
        response = app.test_client().post("/api/Config/ConfigTest", data=body, content_type=content_type)

        assert {"Error": None} == response.get_json()


def test_names_are_read_in_any_case(call, linnworks):
    """
    Key case does not matter, for the token and for everything else.
    """
    answer = call(
        "OrdersEndpoint", {"authorizationtoken": linnworks.token, "UTCTIMEFROM": "2000-01-01", "pageNumber": "1"}
    )

    assert answer["Error"] is None
    assert answer["Orders"]


BAD_FIELDS = [
    ("OrdersEndpoint", {}, "UTCTimeFrom: Missing."),
    ("OrdersEndpoint", {"UTCTimeFrom": None}, "UTCTimeFrom: Missing."),
    ("OrdersEndpoint", {"UTCTimeFrom": "yesterday"}, "UTCTimeFrom: Not a date"),
    ("OrdersEndpoint", {"UTCTimeFrom": "2024-01-01", "PageNumber": "one"}, "PageNumber: Not a whole number."),
    ("OrdersEndpoint", {"UTCTimeFrom": "2024-01-01", "PageNumber": 0}, "Invalid page number"),
    ("OrdersEndpoint", {"UTCTimeFrom": "2024-01-01", "PageNumber": 10**30}, "Out of range."),
    ("ProductsEndpoint", {"PageNumber": -1}, "Invalid page number"),
    ("DespatchEndpoint", {"Orders": {}}, "Orders: Not a list."),
    ("InventoryUpdateEndpoint", {"Products": "a"}, "Products: Not a list."),
    ("CancelEndpoint", {}, "Cancellation: Missing."),
    ("CancelEndpoint", {"Cancellation": []}, "Cancellation: Not an object."),
    ("RefundEndpoint", {"Refund": {"ReferenceNumber": "1", "Items": [{"RefundAmount": {}}]}}, "RefundAmount: Not a"),
    ("ListingUpdateEndpoint", {"Type": "DESTROY"}, "Type: Not one of CREATE, UPDATE."),
    ("CheckFeedEndpoint", {"ChannelFeedId": ["x"]}, "ChannelFeedId: Not a text."),
    ("SaveConfigEndpoint", {"StepName": "UserConfig", "ConfigItems": [[]]}, "ConfigItems[0]: Not an object."),
]


def test_a_value_of_the_wrong_kind_is_named_and_changes_nothing(linnworks):
    """
    A validation failure names the field, and the database stays as it was.
    """
    before = dump()
    for name, fields, words in BAD_FIELDS:
        assert words in linnworks(name, **fields)["Error"]
    assert before == dump()


def test_a_bug_shows_nothing_but_a_request_id(app, linnworks, caplog):
    """
    The answer to an unexpected failure holds only an id; the log has the rest under that id.
    """
    database.execute_sql("DROP TABLE page_cursor")
    with caplog.at_level(logging.ERROR, "bridge"):
        answer = linnworks("ProductsEndpoint", PageNumber=1)
    request_id = answer["Error"].rpartition(" ")[2]

    assert answer["Error"].startswith("Internal error, please try again")
    assert "page_cursor" not in answer["Error"]
    assert [] == answer["Products"]
    assert request_id in caplog.text
    assert "page_cursor" in caplog.text


def test_a_locked_database_asks_to_try_again(linnworks, settings):
    """
    If another process writes for longer than the bridge waits, the answer says that it is busy.
    """
    database.execute_sql("SET lock_timeout = 10" if SERVER else "PRAGMA busy_timeout = 10")
    other = connect(settings.database)
    with immediate(other):
        if SERVER:
            other.execute_sql("LOCK TABLE paging_run")
        answer = linnworks("ProductsEndpoint", PageNumber=1)
    other.close()

    assert "The bridge is busy, please try again" == answer["Error"]
    assert linnworks("ProductsEndpoint", PageNumber=1)["Error"] is None


def test_the_log_names_the_call_but_never_the_token(linnworks, caplog):
    """
    Each call is one line: request id, path, connection, duration, outcome.
    """
    with caplog.at_level(logging.INFO, "bridge"):
        linnworks("ConfigTestEndpoint")
    (line,) = [record.getMessage() for record in caplog.records if record.name == "bridge.calls"]

    assert " path=/api/Config/ConfigTest connection=1 ms=" in line
    assert line.endswith("outcome=ok")
    assert linnworks.token not in caplog.text
