from __future__ import annotations

from datetime import timedelta

from werkzeug.test import Client, TestResponse

from tests.channels.woocommerce.fake.api import api


def test_basic_and_query_keys_work_where_php_sees_https(visit):
    """Both are ways in, a wrong secret is told, and without any nobody is known."""
    visitor = visit()
    key, secret = visitor.pair
    in_query = {"consumer_key": key, "consumer_secret": secret}

    assert visitor("GET", "/orders").status_code == 200
    assert visitor("GET", "/orders", in_query, headers={}).status_code == 200
    assert visitor("GET", "/orders", pair=(key, "cs_wrong")).get_json()["message"] == "Consumer secret is invalid."
    assert visitor("GET", "/orders", headers={}).get_json()["code"] == "woocommerce_rest_cannot_view"
    assert visitor.signed("GET", "/orders", {}).get_json()["message"].startswith("Invalid signature")


def test_on_plain_http_only_signatures_count(visit):
    """Basic and query keys are not even looked at, and a signature must be right, fresh and new."""
    visitor = visit(https_flag=False)
    key, secret = visitor.pair
    old = str(int((visitor.shop.now() - timedelta(minutes=16)).timestamp()))

    def told(answer: TestResponse) -> str:
        return answer.get_json()["message"]

    assert visitor("GET", "/orders").get_json()["code"] == "woocommerce_rest_cannot_view"
    assert visitor("GET", "/orders", {"consumer_key": key, "consumer_secret": secret}, headers={}).status_code == 401
    assert visitor.signed("GET", "/orders", {"per_page": 5, "status": "any", "sku": "Ü &+~"}).status_code == 200
    assert visitor.signed("GET", "/orders", {}, signature_method="HMAC-SHA1").status_code == 200
    assert visitor.signed("GET", "/orders", {}, nonce="once").status_code == 200
    assert "nonce has already been used" in told(visitor.signed("GET", "/orders", {}, nonce="once"))
    assert told(visitor.signed("GET", "/orders", {}, timestamp=old)) == "Invalid timestamp."
    assert "does not match" in told(visitor.signed("GET", "/orders", {}, secret="cs_wrong"))
    assert told(visitor.signed("GET", "/orders", {}, consumer_key="ck_nobody")) == "Consumer key is invalid."


def test_what_looks_encoded_breaks_a_signature(visit):
    """A per cent sign before two digits is decoded before the signature is checked, as it was seen to be."""
    visitor = visit(https_flag=False)

    assert visitor.signed("GET", "/products", {"sku": "50%"}).status_code == 200
    assert visitor.signed("GET", "/products", {"sku": "50%20"}).status_code == 401


def test_a_read_only_key_does_not_write(visit):
    """It reads, and its writing is refused with 401."""
    visitor = visit(read_only=True)
    answer = visitor("POST", "/orders", sent={})

    assert visitor("GET", "/orders").status_code == 200
    assert answer.status_code == 401
    assert answer.get_json()["message"] == "The API key provided does not have write permissions."


def test_a_server_may_strip_the_header(visit):
    """Then only keys in the query are seen."""
    visitor = visit(strip_authorization=True)
    key, secret = visitor.pair

    assert visitor("GET", "/orders").status_code == 401
    assert visitor("GET", "/orders", {"consumer_key": key, "consumer_secret": secret}).status_code == 200


def test_without_permalinks_only_rest_route_answers(visit):
    """The index is there, but keys are not looked for."""
    visitor = visit(permalinks=False)
    client = Client(api(visitor.shop))

    assert "text/html" in client.get("/wp-json/").content_type
    assert client.get("/wp-json/").status_code == 404
    assert "wc/v3" in client.get("/?rest_route=/").get_json()["namespaces"]
    assert client.get("/?rest_route=/wc/v3/orders").status_code == 401


def test_without_the_plugin_there_is_no_route(visit):
    """The index tells it by its namespaces."""
    visitor = visit(woocommerce_active=False)

    assert "wc/v3" not in Client(api(visitor.shop)).get("/wp-json/").get_json()["namespaces"]
    assert visitor("GET", "/orders").get_json()["code"] == "rest_no_route"
