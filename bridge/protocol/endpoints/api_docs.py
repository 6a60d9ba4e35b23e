"""The OpenAPI description, and a page to try the endpoints. Outside the envelope, and off by default."""

from __future__ import annotations

import re
from importlib.util import find_spec

from flask import Blueprint, Response, current_app, jsonify

from bridge.errors import StartError
from bridge.protocol.area import Area
from bridge.protocol.call import current_services
from bridge.protocol.endpoints import oauth
from bridge.protocol.endpoints.public import NOTHING_MORE, source_hash

DOCUMENT, PAGE = "/openapi.json", "/docs"

INLINE_SCRIPT = re.compile(r"<script>((?:(?!<script>).)*?)</script>", re.DOTALL)

area = Blueprint("docs", __name__)


@area.get(DOCUMENT)
def openapi() -> Response:
    """Return the OpenAPI description of all endpoints."""
    from bridge.protocol.openapi import document  # a service that is not asked for it does without apispec

    calls = [one for one in current_app.blueprints.values() if isinstance(one, Area)]
    return jsonify(
        document(calls, server=".", name=current_services().channels.channel_class.friendly_name, token_url=oauth.PATH)
    )


@area.get(PAGE)
def to_page() -> Response:
    """Lead to the page, by an address that is right behind any proxy; Flask would name its own host."""
    return Response(status=308, headers={"Location": f"{PAGE.removeprefix('/')}/"})


def page() -> Blueprint:
    """Return Swagger UI as a blueprint; raises StartError if its package is not installed."""
    if find_spec("flask_swagger_ui") is None:
        raise StartError("BRIDGE_API_DOCS needs Swagger UI: pip install 'linnworks-bridge[docs]'")
    from flask_swagger_ui import get_swaggerui_blueprint

    # its validator would send the document to a host outside
    made: Blueprint = get_swaggerui_blueprint(PAGE, DOCUMENT, config={"app_name": "Endpoints", "validatorUrl": None})
    made.after_request(_restrict_sources)
    return made


def _restrict_sources(response: Response) -> Response:
    """Allow the page its own files and inline scripts alone; Swagger UI writes styles into its elements."""
    inline = [] if response.direct_passthrough else INLINE_SCRIPT.findall(response.get_data(as_text=True))
    scripts = " ".join(["'self'", *(f"'{source_hash(script)}'" for script in inline)])
    response.headers["Content-Security-Policy"] = (
        f"default-src 'none'; connect-src 'self'; font-src 'self'; img-src 'self' data:; "
        f"script-src {scripts}; style-src 'self' 'unsafe-inline'; {NOTHING_MORE}"
    )
    return response
