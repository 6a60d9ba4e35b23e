"""The Admin API as a WSGI application: keys and errors."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from email.utils import formatdate
from functools import cache
from typing import TYPE_CHECKING, Any

from flask import Blueprint, Flask, Response, request
from flask.typing import ResponseReturnValue
from werkzeug.exceptions import HTTPException
from werkzeug.local import LocalProxy

from tests.channels.medusa.fake import order_endpoints, product_endpoints, shop_endpoints, stock_endpoints
from tests.channels.medusa.fake.rows import Refusal, UnknownError, reply

if TYPE_CHECKING:
    from tests.channels.medusa.fake.shop import MedusaShop

SHOP = "medusa.shop"
PAGE = '<!DOCTYPE html>\n<html lang="en">\n<body>\n<pre>Cannot {} {}</pre>\n</body>\n</html>\n'


def api(shop: MedusaShop) -> Callable[..., Any]:
    """Return the WSGI application, which serves one request at a time."""

    def serve(environ: dict[str, Any], start_response: Callable[..., Any]) -> Iterable[bytes]:
        with shop.lock:
            return _app()({**environ, SHOP: shop}, start_response)

    return serve


@cache
def _app() -> Flask:
    """Return what all shops are served by: making it takes longer than most tests."""
    app = Flask("scripted Medusa")
    shop: Any = LocalProxy(lambda: request.environ[SHOP])

    @app.before_request
    def authenticate() -> ResponseReturnValue | None:
        """Refuse requests below /admin without the secret key as the user name of Basic authentication."""
        given = request.authorization
        known = given is not None and given.type == "basic" and given.get("username") == shop.key
        return reply({"message": "Unauthorized"}, 401) if request.path.startswith("/admin") and not known else None

    @app.after_request
    def add_date(response: Response) -> Response:
        response.headers["Date"] = formatdate(usegmt=True)
        return response

    @app.errorhandler(Refusal)
    def refused(refusal: Refusal) -> ResponseReturnValue:
        return reply(refusal.body, refusal.status)

    @app.errorhandler(UnknownError)
    def unknown(_: UnknownError) -> ResponseReturnValue:
        words = "An unknown error occurred."
        return reply({"code": "unknown_error", "type": "unknown_error", "message": words}, 500)

    @app.errorhandler(HTTPException)
    def no_route(error: HTTPException) -> ResponseReturnValue:
        return Response(PAGE.format(request.method, request.path), 404, content_type="text/html; charset=utf-8")

    @app.get("/health")
    def health() -> ResponseReturnValue:
        return Response("OK", 200, content_type="text/plain; charset=utf-8")

    for endpoints in (shop_endpoints, order_endpoints, product_endpoints, stock_endpoints):
        part = Blueprint(endpoints.__name__.rpartition(".")[2], __name__, url_prefix="/admin")
        endpoints.add_to(part, shop)
        app.register_blueprint(part)
    return app
