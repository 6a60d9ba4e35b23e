from __future__ import annotations

from datetime import timedelta

import pytest
from werkzeug.test import Client, TestResponse

from tests.channels.woocommerce.fake.api import api

pytestmark = pytest.mark.service


def test_basic_and_query_keys_work_where_php_sees_https(new_client):
    """Both are accepted, a wrong secret is refused, and a request without a key is not authenticated."""
    client = new_client()
    key, secret = client.pair
    in_query = {"consumer_key": key, "consumer_secret": secret}

    assert client("GET", "/orders").status_code == 200
    assert client("GET", "/orders", in_query, headers={}).status_code == 200
    assert client("GET", "/orders", pair=(key, "cs_wrong")).get_json()["message"] == "Consumer secret is invalid."
    assert client("GET", "/orders", headers={}).get_json()["code"] == "woocommerce_rest_cannot_view"
    assert client.signed("GET", "/orders", {}).get_json()["message"].startswith("Invalid signature")


def test_on_plain_http_only_signatures_count(new_client):
    """Basic and query keys are ignored, and a signature must be right, recent and new."""
    client = new_client(https_flag=False)
    key, secret = client.pair
    old = str(int((client.shop.now() - timedelta(minutes=16)).timestamp()))

    def message_of(answer: TestResponse) -> str:
        return answer.get_json()["message"]

    assert client("GET", "/orders").get_json()["code"] == "woocommerce_rest_cannot_view"
    assert client("GET", "/orders", {"consumer_key": key, "consumer_secret": secret}, headers={}).status_code == 401
    assert client.signed("GET", "/orders", {"per_page": 5, "status": "any", "sku": "Ü &+~"}).status_code == 200
    assert client.signed("GET", "/orders", {}, signature_method="HMAC-SHA1").status_code == 200
    assert client.signed("GET", "/orders", {}, nonce="once").status_code == 200
    assert "nonce has already been used" in message_of(client.signed("GET", "/orders", {}, nonce="once"))
    assert message_of(client.signed("GET", "/orders", {}, timestamp=old)) == "Invalid timestamp."
    assert "does not match" in message_of(client.signed("GET", "/orders", {}, secret="cs_wrong"))
    assert message_of(client.signed("GET", "/orders", {}, consumer_key="ck_nobody")) == "Consumer key is invalid."


def test_what_looks_encoded_breaks_a_signature(new_client):
    """A per cent sign before two digits is decoded before the signature is checked, as in real shops."""
    client = new_client(https_flag=False)

    assert client.signed("GET", "/products", {"sku": "50%"}).status_code == 200
    assert client.signed("GET", "/products", {"sku": "50%20"}).status_code == 401


def test_a_read_only_key_does_not_write(new_client):
    """It may read, and a write is refused with 401."""
    client = new_client(read_only=True)
    answer = client("POST", "/orders", sent={})

    assert client("GET", "/orders").status_code == 200
    assert answer.status_code == 401
    assert answer.get_json()["message"] == "The API key provided does not have write permissions."


def test_a_server_may_remove_the_header(new_client):
    """Then only keys in the query are accepted."""
    client = new_client(strip_authorization=True)
    key, secret = client.pair

    assert client("GET", "/orders").status_code == 401
    assert client("GET", "/orders", {"consumer_key": key, "consumer_secret": secret}).status_code == 200


def test_without_permalinks_only_rest_route_answers(new_client):
    """The index is there, but keys are not checked."""
    client = new_client(permalinks=False)
    browser = Client(api(client.shop))

    assert "text/html" in browser.get("/wp-json/").content_type
    assert browser.get("/wp-json/").status_code == 404
    assert "wc/v3" in browser.get("/?rest_route=/").get_json()["namespaces"]
    assert browser.get("/?rest_route=/wc/v3/orders").status_code == 401


def test_without_the_plugin_there_is_no_route(new_client):
    """The namespaces in the index show that."""
    client = new_client(woocommerce_active=False)

    assert "wc/v3" not in Client(api(client.shop)).get("/wp-json/").get_json()["namespaces"]
    assert client("GET", "/orders").get_json()["code"] == "rest_no_route"
