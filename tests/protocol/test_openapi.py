"""The endpoints' description, and the page to try them."""

from __future__ import annotations

import json
import re
import subprocess
import sys

import pytest
from jsonschema import Draft202012Validator

from bridge.app import create_app
from bridge.protocol.endpoints import AREAS
from bridge.protocol.endpoints.oauth import PATH
from bridge.protocol.openapi import document
from bridge.settings import Settings
from tests.conftest import opened, sender
from tests.linnworks import LONG_AGO, Linnworks

CALLS = {call.manifest: call for area in AREAS for call in area.calls}


@pytest.fixture(scope="module")
def described():
    """The document as a developer gets it."""
    return document(AREAS, server="http://bridge", name="A shop", token_url=PATH)


@pytest.fixture
def docs(tmp_path):
    """An application that describes itself."""
    with opened(Settings(data_dir=tmp_path / "data", api_docs=True)) as app:
        yield app


def judge(described, kind: str) -> Draft202012Validator:
    """What holds a value against a message's schema, and no key may be left over."""
    closed = json.loads(json.dumps(described))
    for name, schema in closed["components"]["schemas"].items():
        if name != "AuthorizationToken":
            schema["additionalProperties"] = False
    return Draft202012Validator({**closed, "$ref": f"#/components/schemas/{kind}"})


def test_the_document_is_valid_and_names_every_call(described):
    """
    It is OpenAPI 3, with each endpoint of the manifest under its path, its token and its scope.
    """
    from openapi_spec_validator import validate  # takes a second to import

    validate(described)
    posts = {path: ways["post"] for path, ways in described["paths"].items()}

    assert {call.path for call in CALLS.values()} == posts.keys()
    assert {name: call.scope for name, call in CALLS.items()} == {
        one["operationId"]: one["security"][1]["oauth"][0] for one in posts.values()
    }
    without = [one["operationId"] for one in posts.values() if "AuthorizationToken" not in json.dumps(one)]
    assert ["AddNewUserEndpoint", "GetConfiguratorSettingsEndpoint"] == sorted(without)
    assert all(re.match(r"[A-Z].{10}", one["summary"]) for one in posts.values())


def test_answers_are_as_described(described, linnworks, work):
    """
    What the embedded shop answers to each kind of call fits the schema, with no key that it does not name.
    """
    orders = linnworks("OrdersEndpoint", UTCTimeFrom=LONG_AGO, PageNumber=1)
    listing = {"TemplateId": 1, "SKU": "x", "ExternalListingId": "x"}
    feed = linnworks("ListingDeleteEndpoint", ExternalListingIds=[listing])
    work()
    reference = next(iter(orders["Orders"]))["ReferenceNumber"]
    answers = {
        "OrdersEndpoint": orders,
        "ListingDeleteEndpoint": feed,
        "CheckFeedEndpoint": linnworks("CheckFeedEndpoint", ChannelFeedId=feed["ChannelFeedId"]),
        "DespatchEndpoint": linnworks("DespatchEndpoint", Orders=[{"ReferenceNumber": reference, "Items": []}]),
        "InventoryUpdateEndpoint": linnworks("InventoryUpdateEndpoint", Products=[{"SKU": "no", "Quantity": 1}]),
        "GetCategoriesEndpoint": linnworks("GetCategoriesEndpoint", PageNumber=1),
        "RefundEndpoint": linnworks("RefundEndpoint"),
        **{
            name: linnworks(name)
            for name in (
                *("UserConfigEndpoint", "ShippingTagsEndpoint", "PaymentTagsEndpoint", "ProductsEndpoint"),
                *("GetConfiguratorSettingsEndpoint", "ConfigTestEndpoint"),
            )
        },
    }
    faults = {
        name: [error.message for error in judge(described, CALLS[name].gives.__name__).iter_errors(answer)]
        for name, answer in answers.items()
    }

    assert {name: [] for name in answers} == faults
    assert orders["Orders"]


def test_what_a_call_needs_is_required(described):
    """
    A request that the service would refuse for a missing or wrong field is refused by the schema too.
    """
    request = judge(described, "OrdersRequest")

    assert request.is_valid({"UTCTimeFrom": LONG_AGO, "PageNumber": 2})
    assert not request.is_valid({"PageNumber": 2})
    assert not request.is_valid({"UTCTimeFrom": LONG_AGO, "PageNumber": "two"})


@pytest.mark.service
def test_the_command_prints_the_document(described, tmp_path):
    """
    `linnworks-bridge openapi` needs no installation.
    """
    printed = subprocess.run(
        [sys.executable, "-m", "bridge", "openapi"], capture_output=True, text=True, cwd=tmp_path, check=True
    )

    assert described["paths"] == json.loads(printed.stdout)["paths"]
    assert [] == list(tmp_path.iterdir())


def test_the_service_describes_itself_only_where_wished(app, docs, described):
    """
    By default neither the document nor the page is there.
    """
    hidden = [app.test_client().get(path).json["Error"] for path in ("/openapi.json", "/docs", "/docs/")]
    shown = docs.test_client().get("/openapi.json").json

    assert {"There is no endpoint at this address"} == set(hidden)
    assert [described[part] for part in ("paths", "components")] == [shown[part] for part in ("paths", "components")]


def test_the_page_brings_all_it_needs(docs):
    """
    Scripts and styles come from this service, and a browser is told to load nothing from elsewhere.
    """
    client = docs.test_client()
    page = client.get("/docs/")
    parts = re.findall(r'(?:src|href)="([^"]+)"', page.text)

    assert 5 <= len(parts)
    assert all(part.startswith("/docs/") for part in parts)
    for part in parts:
        with client.get(part) as response:
            assert (200, True) == (response.status_code, response.mimetype != "application/json"), part
    assert "default-src 'self'" in page.headers["Content-Security-Policy"]
    assert '"validatorUrl": null' in page.text
    with client.get("/docs/../setup.py") as response:
        assert "There is no endpoint at this address" == response.json["Error"]


def test_the_page_opens_no_other_door(tmp_path, docs):
    """
    With it the routes are the same but for two that describe, and calls still want their token.
    """
    call = sender(docs)
    Linnworks(call, "seller")
    plain = create_app(Settings(data_dir=tmp_path / "plain"))
    plain.extensions["bridge"].worker.stop()
    more = {rule.rule for rule in docs.url_map.iter_rules()} - {rule.rule for rule in plain.url_map.iter_rules()}

    assert {"/openapi.json", "/docs/", "/docs/<path:path>"} == more
    assert "Unknown authorization token" == call("OrdersEndpoint", AuthorizationToken="x")["Error"]
