"""The application: its areas behind one seam."""

from __future__ import annotations

import os
from collections.abc import Callable
from typing import Any

import peewee
from flask import Flask, Request
from werkzeug.routing import MapAdapter

from bridge import logs
from bridge.areas import AREAS, docs, front, oauth, operator
from bridge.channels import Channels
from bridge.contract import Bridge, install
from bridge.errors import StartError
from bridge.gate import Gate
from bridge.settings import Settings, load_settings
from bridge.store.connections import list_connections
from bridge.store.database import close_store, fact, open_store, remember, remember_first
from bridge.throttle import Throttle
from bridge.vault import MARKER, Vault, open_vault
from bridge.worker import Worker


class Application(Flask):
    """Flask without what nothing here needs: addresses that are made from the host's name, and coroutines."""

    def create_url_adapter(self, request: Request | None) -> MapAdapter | None:
        if request is None:
            return None
        return self.url_map.bind("", path_info=request.path, default_method=request.method)

    def ensure_sync(self, func: Callable[..., Any]) -> Callable[..., Any]:
        return func


def create_app(settings: Settings | None = None) -> Flask:
    """Make the WSGI application; raises StartError with a sentence where it cannot work."""
    bridge = open_bridge(settings or load_settings(os.environ))
    logs.set_up(bridge.settings)
    app = Application("bridge", static_folder=None)
    app.url_map.merge_slashes = False  # it would answer a doubled slash with a redirect
    install(app, bridge)
    wanted = bridge.settings
    chosen = [*([operator.area] if wanted.metrics else []), *([docs.area, docs.page()] if wanted.api_docs else [])]
    for area in (*AREAS, oauth.area, front.area, *chosen):
        app.register_blueprint(area)
    return app


def open_bridge(settings: Settings) -> Bridge:
    """Open the database and the vault, and make sure that they belong together."""
    open_store(settings.database)
    try:
        vault = open_vault(settings, first=fact(MARKER) is None)
        channels = Channels(settings, vault)
        _same_key(vault)
        _same_channel(settings)
    except peewee.PeeweeException as error:
        raise StartError(f"The database is damaged, or not the bridge's ({type(error).__name__})") from error
    finally:
        close_store()
    return Bridge(settings, vault, channels, Worker(channels), Gate(settings.threads), Throttle())


def _same_key(vault: Vault) -> None:
    if vault.open(remember_first(MARKER, vault.seal({}))) is None:
        raise StartError("The secret key is not the one this database was sealed with: put the old key back")


def _same_channel(settings: Settings) -> None:
    """Integrations were set up for one kind of shop and mean nothing to another."""
    served = fact("channel")
    if served not in (None, settings.channel) and list_connections():
        raise StartError(
            f"This database has integrations with the channel {served}: set BRIDGE_CHANNEL={served}, "
            f"or another BRIDGE_DATA_DIR for {settings.channel}"
        )
    if served != settings.channel:
        remember("channel", settings.channel)
