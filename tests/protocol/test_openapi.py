"""The endpoints' description, and the page to try them."""

from __future__ import annotations

import json
import re
import subprocess
import sys
from pathlib import Path

import pytest
from jsonschema import Draft202012Validator

from bridge.app import create_app
from bridge.protocol.endpoints import AREAS
from bridge.protocol.endpoints.oauth import PATH
from bridge.protocol.endpoints.public import source_hash
from bridge.protocol.openapi import EXAMPLE_TOKEN, EXAMPLES, document
from bridge.settings import Settings
from tests.conftest import opened, sender, stop
from tests.linnworks import LONG_AGO, Linnworks

PREFERENCES = {"StepName": "Preferences", "ConfigItems": []}  # the wizard's second step
CALLS = {call.manifest: call for area in AREAS for call in area.calls}


@pytest.fixture(scope="module")
def described():
    """Return the document as a developer gets it."""
    return document(AREAS, server="http://bridge", name="A shop", token_url=PATH)


@pytest.fixture
def docs(tmp_path):
    """Make an application that serves its description."""
    with opened(Settings(data_dir=tmp_path / "data", api_docs=True)) as app:
        yield app


def validator(described, kind: str) -> Draft202012Validator:
    """Return a validator for a message's schema that accepts no other keys."""
    closed = json.loads(json.dumps(described))
    for name, schema in closed["components"]["schemas"].items():
        if name != "AuthorizationToken":
            schema["additionalProperties"] = False
    return Draft202012Validator({**closed, "$ref": f"#/components/schemas/{kind}"})


def test_the_document_is_valid_and_names_every_call(described):
    """
    It is OpenAPI 3, with each endpoint of the manifest under its path, with its token and its scope.
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
    The embedded shop's answer to each kind of call fits the schema, without further keys.
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
    errors = {
        name: [error.message for error in validator(described, CALLS[name].gives.__name__).iter_errors(answer)]
        for name, answer in answers.items()
    }

    assert {name: [] for name in answers} == errors
    assert orders["Orders"]


def test_a_required_field_is_required_in_the_schema(described):
    """
    The schema refuses a request with a missing or wrong field, as the service does.
    """
    request = validator(described, "OrdersRequest")

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


def test_the_service_describes_itself_only_if_set(app, docs, described):
    """
    By default neither the document nor the page is served.
    """
    hidden = [app.test_client().get(path).json["Error"] for path in ("/openapi.json", "/docs", "/docs/")]
    shown = docs.test_client().get("/openapi.json").json

    assert {"There is no endpoint at this address"} == set(hidden)
    assert [described[part] for part in ("paths", "components")] == [shown[part] for part in ("paths", "components")]


def test_the_page_brings_all_it_needs(docs):
    """
    Scripts and styles come from this service, and the browser is told to load nothing from elsewhere.
    """
    client = docs.test_client()
    page = client.get("/docs/")
    parts = re.findall(r'(?:src|href)="([^"]+)"', page.text)

    assert 5 <= len(parts)
    assert all(part.startswith("/docs/") for part in parts)
    for part in parts:
        with client.get(part) as response:
            assert (200, True) == (response.status_code, response.mimetype != "application/json"), part
    policy = page.headers["Content-Security-Policy"]
    (inline,) = re.findall(r"<script>(.*?)</script>", page.text, re.DOTALL)

    assert "default-src 'none'" in policy
    assert f"script-src 'self' '{source_hash(inline)}';" in policy
    assert '"validatorUrl": null' in page.text
    with client.get("/docs/../setup.py") as response:
        assert "There is no endpoint at this address" == response.json["Error"]


def test_the_page_is_found_without_its_slash_behind_any_proxy(docs):
    """
    The redirect names neither scheme nor host, which a proxy may hide.
    """
    response = docs.test_client().get("/docs", headers={"Host": ""})

    assert (308, "docs/") == (response.status_code, response.headers["Location"])


def test_the_page_adds_no_other_route(tmp_path, docs):
    """
    The page adds only its own routes, and calls still need their token.
    """
    call = sender(docs)
    Linnworks(call, "seller")
    plain = create_app(Settings(data_dir=tmp_path / "plain"))
    stop(plain)
    more = {rule.rule for rule in docs.url_map.iter_rules()} - {rule.rule for rule in plain.url_map.iter_rules()}

    assert {"/openapi.json", "/docs", "/docs/", "/docs/<path:path>"} == more
    assert "Unknown authorization token" == call("OrdersEndpoint", AuthorizationToken="x")["Error"]


def test_examples_are_the_walk_through_s(described):
    """
    The bodies that a reader sends by hand are the examples of their calls, and fit the schemas.
    """
    text = (Path(__file__).parents[2] / "docs" / "walkthrough.md").read_text("utf-8")
    text = text.replace("'$TOKEN'", EXAMPLE_TOKEN).replace("""'"$(date -u '+%F %TZ')"'""", "2026-11-23 22:00:00Z")
    sent = [(f"/api/{path}", json.loads(body)) for path, body in re.findall(r"^post (\S+) '(.*?)'$", text, re.M | re.S)]
    content = {
        path: ways["post"]["requestBody"]["content"]["application/json"] for path, ways in described["paths"].items()
    }

    for path, body in sent:
        whole = Draft202012Validator({**described, **content[path]["schema"]})
        assert [] == list(whole.iter_errors(content[path]["example"]))
        assert body in (content[path]["example"], {**content[path]["example"], **PREFERENCES})
    assert {call.path for name, call in CALLS.items() if name in EXAMPLES} <= {path for path, _ in sent}
