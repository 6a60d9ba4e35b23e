"""The API as a WSGI application: addresses, keys and errors."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable
from email.utils import format_datetime
from functools import cache
from typing import TYPE_CHECKING, Any
from urllib.parse import parse_qsl, urlencode

from flask import Flask, Response, request
from flask.typing import ResponseReturnValue
from werkzeug.exceptions import HTTPException
from werkzeug.local import LocalProxy
from werkzeug.wrappers import Request

from tests.channels.woocommerce.fake import (
    fulfilments,
    order_endpoints,
    product_endpoints,
    shop_endpoints,
    term_endpoints,
)
from tests.channels.woocommerce.fake.responses import reply
from tests.channels.woocommerce.fake.rest import NO_ROUTE, Refusal

if TYPE_CHECKING:
    from tests.channels.woocommerce.fake.shop import WooShop

V3 = "/wp-json/wc/v3"
SHOP = "woocommerce.shop"
BY_HEADER = "any request with an Authorization header"
PAGE = "<!DOCTYPE html><html><body><h1>Nothing found</h1></body></html>"


def api(shop: WooShop) -> Callable[..., Any]:
    """Return the WSGI application, which serves one request at a time; answers have the time of the shop's clock."""

    def serve(environ: dict[str, Any], start_response: Callable[..., Any]) -> Iterable[bytes]:
        with shop.lock:
            _normalise_path(environ, permalinks=shop.permalinks)
            return _app()({**environ, SHOP: shop}, start_response)

    return serve


@cache
def _app() -> Flask:
    """Return what all shops are served by: making it takes longer than most tests."""
    app = Flask("scripted WooCommerce")
    shop: Any = LocalProxy(lambda: request.environ[SHOP])
    app.url_map.strict_slashes = False

    @app.before_request
    def block() -> ResponseReturnValue | None:
        """Answer in place of WooCommerce, as security plugins and firewalls do."""
        by_query = "consumer_secret" in request.args
        for part, (status, answer) in shop.blocked.items():
            if part in request.path or (part == BY_HEADER and "Authorization" in request.headers and not by_query):
                return reply(answer, status) if isinstance(answer, dict) else Response(answer, status)
        return None

    @app.before_request
    def authenticate() -> None:
        if request.routing_exception or not request.path.startswith("/wp-json/wc/"):
            return
        if not shop.woocommerce_active:
            raise Refusal(404, *NO_ROUTE)
        path = request.environ["woocommerce.path"]
        key = shop.authenticator.authenticate(request, path, shop.now().timestamp()) if path else None
        if key is None and request.path.rstrip("/") != V3:
            raise Refusal(401, *_unauthenticated_error(request))

    @app.after_request
    def print_before(response: Response) -> Response:
        """Send what plugins print before the JSON, with which PHP loses the status and the type."""
        if shop.printed and response.is_json:
            response.data = shop.printed.encode() + response.data
            response.status_code, response.content_type = 200, "text/html; charset=UTF-8"
        return response

    @app.after_request
    def add_date(response: Response) -> Response:
        response.headers["Date"] = format_datetime(shop.now(), usegmt=True)
        return response

    @app.errorhandler(Refusal)
    def refused(refusal: Refusal) -> ResponseReturnValue:
        return reply(refusal.body, refusal.status)

    @app.errorhandler(HTTPException)
    def not_found(error: HTTPException) -> ResponseReturnValue:
        if request.path.startswith("/wp-json"):
            return reply(Refusal(404, *NO_ROUTE).body, 404)
        return Response(PAGE, 404, content_type="text/html; charset=UTF-8")

    for endpoints in (fulfilments, shop_endpoints, order_endpoints, product_endpoints, term_endpoints):
        endpoints.add_to(app, shop)
    return app


def _normalise_path(environ: dict[str, Any], *, permalinks: bool) -> None:
    """Rewrite all forms of an address to one, and store the path for which keys are checked, "" if they are not.

    WooCommerce checks keys only if the address itself contains its API's path; with `?rest_route=` it does not, and
    without permalinks there is no other form.
    """
    raw = environ.get("RAW_URI") or environ.get("REQUEST_URI") or environ["PATH_INFO"]
    path = environ["PATH_INFO"]
    given = dict(parse_qsl(environ.get("QUERY_STRING", "")))
    environ["woocommerce.path"] = ""
    if "rest_route" in given and not path.startswith("/wp-json/"):  # WordPress takes it below any folder
        environ["PATH_INFO"] = "/wp-json" + given.pop("rest_route")
        environ["QUERY_STRING"] = urlencode(given)
    elif not permalinks:
        environ["PATH_INFO"] = "/not-found"
    elif path.startswith(("/wp-json/", "/index.php/wp-json/")):
        environ["PATH_INFO"] = path.removeprefix("/index.php")
        environ["woocommerce.path"] = raw.partition("?")[0] if "wp-json/wc/" in path else ""
    if environ["PATH_INFO"] != "/":
        environ["PATH_INFO"] = environ["PATH_INFO"].rstrip("/")


def _unauthenticated_error(request: Request) -> tuple[str, str]:
    """Return code and message of the error for a request without a key."""
    if request.path.endswith("/batch"):
        return "woocommerce_rest_cannot_batch", "Sorry, you are not allowed to batch manipulate this resource."
    if request.method in ("GET", "HEAD"):
        single = bool(re.search(r"/\d+$", request.path))
        words = "Sorry, you cannot view this resource." if single else "Sorry, you cannot list resources."
        return "woocommerce_rest_cannot_view", words
    action = {"POST": "create", "PUT": "edit", "PATCH": "edit", "DELETE": "delete"}.get(request.method, "edit")
    things = "create resources" if action == "create" else f"{action} this resource"
    return f"woocommerce_rest_cannot_{action}", f"Sorry, you are not allowed to {things}."
