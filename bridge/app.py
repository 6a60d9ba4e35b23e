"""The application: its blueprints, in order."""

from __future__ import annotations

import os
from collections.abc import Callable
from typing import Any

from flask import Flask

from bridge.ops import logs, metrics, monitoring
from bridge.ops.console import pages
from bridge.ops.installation import open_installation
from bridge.protocol import envelope
from bridge.protocol.endpoints import AREAS, api_docs, oauth, public
from bridge.settings import Settings, load_settings


class Application(Flask):
    """Flask, without its question at each call whether a function is asynchronous: none is."""

    def ensure_sync(self, func: Callable[..., Any]) -> Callable[..., Any]:
        return func


def create_app(settings: Settings | None = None) -> Flask:
    """Make the WSGI application; raises StartError if a setting, the key or the database is wrong."""
    settings = settings or load_settings(os.environ)
    services = open_installation(settings)
    logs.set_up_logging(settings)
    app = Application("bridge", static_folder=None)
    app.url_map.merge_slashes = False  # it would answer a doubled slash with a redirect
    envelope.install(app, services)
    metrics.count_calls_of(app)
    for area in (*AREAS, oauth.area, public.area, pages.area):
        app.register_blueprint(area)
    if settings.metrics:
        app.register_blueprint(monitoring.area)
    if settings.api_docs:
        app.register_blueprint(api_docs.area)
        app.register_blueprint(api_docs.page())
    return app
