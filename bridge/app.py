"""The application: its areas behind one seam."""

from __future__ import annotations

import logging
import os

from flask import Flask

from bridge.areas import AREAS, front, oauth
from bridge.channels import Channels
from bridge.contract import Bridge, install
from bridge.errors import StartError
from bridge.settings import Settings, load_settings
from bridge.store.database import close_store, fact, open_store, remember
from bridge.vault import Vault, open_vault
from bridge.worker import Worker


def create_app(settings: Settings | None = None) -> Flask:
    """Make the WSGI application; raises StartError with a sentence where it cannot work."""
    bridge = open_bridge(settings or load_settings(os.environ))
    logging.basicConfig(format="%(asctime)s %(levelname)s %(message)s")  # nothing where the server set up its own
    logging.getLogger("bridge").setLevel(bridge.settings.log_level)
    app = Flask("bridge", static_folder=None)
    install(app, bridge)
    for area in (*AREAS, oauth.area, front.area):
        app.register_blueprint(area)
    return app


def open_bridge(settings: Settings) -> Bridge:
    """Open the database and the vault, and make sure that they belong together."""
    vault = open_vault(settings)
    open_store(settings.database)
    _same_key(vault)
    close_store()
    channels = Channels(settings, vault)
    return Bridge(settings, vault, channels, Worker(channels))


def _same_key(vault: Vault) -> None:
    marker = fact("sealed-marker")
    if marker is None:
        remember("sealed-marker", vault.seal({}))
    elif vault.open(marker) is None:
        raise StartError("The secret key is not the one this database was sealed with: put the old key back")
