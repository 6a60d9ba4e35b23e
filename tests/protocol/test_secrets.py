"""No answer, log line, repr or database dump holds a secret."""

from __future__ import annotations

import io
import json
import logging
import traceback
from base64 import b64encode
from collections.abc import Iterator
from types import SimpleNamespace
from typing import Any
from urllib.parse import quote

import pytest
from flask import Request

from bridge.channels.demo import tables
from bridge.clock import Deadline, now
from bridge.errors import BridgeError, explain
from bridge.ops.logs import JsonFormatter
from bridge.protocol import oauth
from bridge.protocol.call import Call
from bridge.protocol.manifest import endpoints
from bridge.protocol.oauth import SCOPES
from bridge.protocol.schemas.base import plain_data, schema_of
from bridge.protocol.schemas.config import AddNewUserRequest, AddNewUserResponse, ConfigItem, SaveConfigRequest
from bridge.store.connections import Connection
from bridge.store.database import database
from bridge.vault import KEY_FILE
from tests.conftest import dump
from tests.linnworks import LONG_AGO

EMAIL = "planted.seller@planted.example"
SHOP_KEY = "planted shop key 5f1d/+"


@pytest.fixture(autouse=True)
def log() -> Iterator[io.StringIO]:
    """Capture everything that is logged at any level, as lines and as JSON, with tracebacks."""
    written = io.StringIO()
    handlers = [logging.StreamHandler(written), logging.StreamHandler(written)]
    handlers[1].setFormatter(JsonFormatter())
    root, ours = logging.getLogger(), logging.getLogger("bridge")
    levels = root.level, ours.level
    for handler in handlers:
        root.addHandler(handler)
    root.setLevel(logging.DEBUG)
    ours.setLevel(logging.DEBUG)
    yield written
    for handler in handlers:
        root.removeHandler(handler)
    root.setLevel(levels[0])
    ours.setLevel(levels[1])


@pytest.fixture
def planted(app, call, settings) -> SimpleNamespace:
    """Make a finished integration behind OAuth; return it with all its secrets."""
    client_id, client_secret = oauth.new_client("Linnworks", SCOPES, now())
    client = app.test_client()
    form = {"grant_type": "client_credentials", "client_id": client_id, "client_secret": client_secret}
    access_token = client.post("/api/oauth/authorize", data=form).get_json()["access_token"]
    headers = {"Authorization": f"Bearer {access_token}"}
    begun = call(
        "AddNewUserEndpoint",
        headers=headers,
        Email=EMAIL,
        AccountName="planted",
        LinnworksUniqueIdentifier="1" * 32,
    )
    token = begun["AuthorizationToken"]
    for step, values in (("Shop", {"shop_name": "planted", "access_key": SHOP_KEY}), ("Preferences", {})):
        items = [{"ConfigItemId": name, "SelectedValue": value} for name, value in values.items()]
        saved = call("SaveConfigEndpoint", headers=headers, AuthorizationToken=token, StepName=step, ConfigItems=items)
        assert saved["Error"] is None
    return SimpleNamespace(
        headers=headers,
        token=token,
        form=form,
        secrets=[token, SHOP_KEY, client_secret, access_token, (settings.data_dir / KEY_FILE).read_text().strip()],
    )


def found(secrets: list[str], text: str) -> list[str]:
    """Return the secrets that a text holds, as they are or encoded."""
    encoded = {
        secret: [secret, json.dumps(secret)[1:-1], quote(secret), b64encode(secret.encode()).decode().rstrip("=")]
        for secret in secrets
    }
    return [secret for secret, forms in encoded.items() if any(form in text for form in forms)]


def failing_calls(planted: SimpleNamespace) -> Iterator[tuple[str, Any]]:
    """Return calls that fail in every way while they carry secrets."""
    token, secrets = planted.token, planted.secrets
    for secret in [*secrets, EMAIL]:
        carried = {"Password": secret, "AccountName": secret, "Email": secret}
        yield "ConfigTestEndpoint", {"AuthorizationToken": secret + "x", **carried}
        yield "ConfigTestEndpoint", {"AuthorizationToken": [secret]}
        yield "ConfigTestEndpoint", {"AuthorizationToken": {secret: secret}}
        yield "ConfigTestEndpoint", json.dumps({"AuthorizationToken": secret}).encode()[:-1]
        yield "ConfigTestEndpoint", json.dumps([secret]).encode()
        yield "ConfigTestEndpoint", f'{{"a": "{secret}", "a": "{secret}"}}'.encode()
        yield "OrdersEndpoint", {"AuthorizationToken": token, "UTCTimeFrom": secret, "PageNumber": secret}
        yield "PriceUpdateEndpoint", {"AuthorizationToken": token, "Products": [{"SKU": "a", "Price": secret}]}
        yield "DespatchEndpoint", {"AuthorizationToken": token, "Orders": secret}
        yield "ListingUpdateEndpoint", {"AuthorizationToken": token, "Type": secret}
        yield "CheckFeedEndpoint", {"AuthorizationToken": token, "ChannelFeedId": secret}
        items = [{"ConfigItemId": "access_key", "SelectedValue": secret}, {"ConfigItemId": secret}]
        for step in ("Shop", "UserConfig", secret):
            yield "SaveConfigEndpoint", {"AuthorizationToken": token, "StepName": step, "ConfigItems": items}
        yield "SaveConfigEndpoint", {"AuthorizationToken": token, "StepName": "Shop", "ConfigItems": secret}
        yield "AddNewUserEndpoint", {"Email": secret, "AccountName": "", "LinnworksUniqueIdentifier": "1" * 32}
        yield "AddNewUserEndpoint", {"Email": EMAIL, "AccountName": "planted", "LinnworksUniqueIdentifier": "1" * 32}
        yield "AddNewUserEndpoint", {"Email": EMAIL, "AccountName": "x", "LinnworksUniqueIdentifier": secret}


def test_no_failure_shows_a_secret(app, call, log, planted):
    """
    Neither an answer to a failed call nor a log line at any level holds a secret or an e-mail address.
    """
    answers = [str(call(name, body, headers=planted.headers)) for name, body in failing_calls(planted)]
    for secret in [*planted.secrets, EMAIL]:
        scheme = {"Authorization": f"Bearer {quote(secret)}x"}
        answers.append(str(call("ConfigTestEndpoint", headers=scheme, AuthorizationToken=planted.token)))
        for wrong in (
            {"client_secret": secret + "x"},
            {"client_id": secret},
            {"scope": secret},
            {"grant_type": secret},
        ):
            response = app.test_client().post("/api/oauth/authorize", data={**planted.form, **wrong})
            assert response.status_code in (400, 401)
            answers.append(response.text)
        answers.append(app.test_client().get(f"/{quote(secret)}?key={quote(secret)}").text)
    told = [secret for answer in answers for secret in found([*planted.secrets, EMAIL], answer)]

    assert len(answers) > 100
    assert [] == told
    assert "bridge.calls" in log.getvalue()
    assert [] == found([*planted.secrets, EMAIL], log.getvalue())


@pytest.mark.parametrize("table", ["connection", "page_cursor", "action", "outbox_batch", "feed_item"])
def test_no_bug_shows_a_secret(app, call, log, planted, work, table):
    """
    When the bridge itself fails, the caller reads only an id, and the traceback in the log holds no secret.
    """
    cascade = "" if "Sqlite" in type(database.obj).__name__ else " CASCADE"
    database.execute_sql(f"DROP TABLE {table}{cascade}")
    order = {"ReferenceNumber": SHOP_KEY, "Items": [{"SKU": EMAIL, "OrderLineNumber": "1", "RefundAmount": 1}]}
    listing = {"SKU": SHOP_KEY, "Title": EMAIL}
    asked = {
        "ProductsEndpoint": {"PageNumber": 1},
        "OrdersEndpoint": {"PageNumber": 1, "UTCTimeFrom": LONG_AGO},
        "RefundEndpoint": {"Refund": order},
        "InventoryUpdateEndpoint": {"Products": [{"SKU": "101-11", "Quantity": 1}]},
        "ListingUpdateEndpoint": {"Type": "CREATE", "Listings": [listing]},
        "AddNewUserEndpoint": {"Email": EMAIL, "AccountName": "x", "LinnworksUniqueIdentifier": "2" * 32},
    }
    answers = [
        call(name, headers=planted.headers, AuthorizationToken=planted.token, **body) for name, body in asked.items()
    ]
    failed = [answer for answer in answers if "Internal error" in str(answer["Error"])]

    assert failed
    assert "Traceback" in log.getvalue()
    assert [] == found([*planted.secrets, EMAIL], log.getvalue() + str(failed))


def test_the_database_has_no_secret(call, planted):
    """
    It holds no token, no key of the shop, no client secret, no buyer, and the seller's e-mail address only once.
    """
    for name, body in (
        ("OrdersEndpoint", {"UTCTimeFrom": LONG_AGO, "PageNumber": 1}),
        ("ProductsEndpoint", {"PageNumber": 1}),
        ("InventoryUpdateEndpoint", {"Products": [{"SKU": "101-11", "Quantity": 1}]}),
        ("UserConfigEndpoint", {}),
    ):
        assert call(name, headers=planted.headers, AuthorizationToken=planted.token, **body)["Error"] is None
    kept = dump()

    assert [] == found(planted.secrets, kept + dump(tables.database))
    assert 1 == kept.count(EMAIL)
    assert 1 == kept.count("@")
    assert Connection.get().sealed


def test_no_repr_shows_a_secret(app, settings, planted):
    """
    Printing one of our objects by mistake shows no secret.
    """
    bridge, connection = app.extensions["bridge"], Connection.get()
    config = bridge.channels.config(connection)
    items = [{"ConfigItemId": "access_key", "SelectedValue": SHOP_KEY}]
    saved = schema_of(SaveConfigRequest).load({"StepName": "Shop", "ConfigItems": items})
    begun = schema_of(AddNewUserRequest).load({"Email": EMAIL, "AccountName": "planted"})
    deadline = Deadline(5)
    channel = bridge.channels.open(config, deadline)
    call = Call(Request({}), bridge, deadline, now(), "127.0.0.1", "1", caller=connection)
    orders = channel.orders(connection.created_at.replace(year=2000), None)
    shown = [bridge, bridge.vault, settings, connection, saved, begun, channel, call, orders]
    shown += [AddNewUserResponse(authorization_token=planted.token), ConfigItem(selected_value=SHOP_KEY)]
    text = "\n".join(f"{thing!r} {thing}" for thing in shown)

    assert SHOP_KEY in config.values()
    assert orders.items
    assert [] == found([*planted.secrets, EMAIL], text)
    assert "@" not in text


def test_what_a_message_hides_is_still_compared_and_sent():
    """
    Hiding a value from the repr changes nothing else.
    """
    begun = AddNewUserResponse(authorization_token="a")

    assert {"Error": None, "AuthorizationToken": "a"} == plain_data(begun)
    assert begun != AddNewUserResponse(authorization_token="b")
    assert "AddNewUserResponse(error=None)" == repr(begun)


def test_a_traceback_of_a_refusal_shows_no_secret(app, planted):
    """
    A refusal carries a message for the caller and nothing that was sent.
    """
    connection = Connection.get()
    connection.sealed = app.extensions["bridge"].vault.seal({"access_key": SHOP_KEY})[:-4]
    try:
        app.extensions["bridge"].channels.config(connection)
    except BridgeError as error:
        text = "".join(traceback.format_exception(error)) + explain(error) + repr(error)

    assert "The stored credentials cannot be decrypted any more" in text
    assert [] == found(planted.secrets, text)


def test_the_manifest_names_every_endpoint_and_no_secret(run, settings, planted):
    """
    The output of commands, which operators paste elsewhere, holds no secret.
    """
    connections = run("connections", "list") + run("connections", "show", "1") + run("oauth", "list")
    text = run("manifest") + connections

    assert all(name in text for name in endpoints(settings, with_oauth=True))
    assert [] == found(planted.secrets, text)
