"""`linnworks-bridge serve`: run the service."""

from __future__ import annotations

import ctypes
import gc
import os
from contextlib import suppress
from typing import Any

import click

from bridge.cli.common import require_free_address
from bridge.cli.output import say
from bridge.ops.owner import become_owner
from bridge.settings import Settings, load_settings, unknown_variables

ARENAS, MMAP_THRESHOLD, TRIM_THRESHOLD = -8, -3, -1  # as malloc.h numbers them
MALLOC = {
    "MALLOC_ARENA_MAX": (ARENAS, 2),  # else threads keep tens of megabytes each for themselves
    # the memory of large bodies and answers goes back to the system at once
    "MALLOC_MMAP_THRESHOLD_": (MMAP_THRESHOLD, 524_288),
    "MALLOC_TRIM_THRESHOLD_": (TRIM_THRESHOLD, 2_097_152),
}
"""What the service asks of the GNU C library, unless one of these variables is set."""


@click.command()
@click.option("--bind", metavar="HOST:PORT", help="Listen here instead of at BRIDGE_BIND.")
def serve(bind: str | None) -> None:
    """Run the service until it is stopped.

    The first start makes the data folder with the database and the key file. SIGTERM or Ctrl-C stops the service
    after the requests that have begun; SIGHUP replaces its processes. If systemd passes a socket, the service listens
    there instead of at BRIDGE_BIND: clients wait in it while the service restarts.
    """
    environ = {**os.environ, **({"BRIDGE_BIND": bind} if bind else {})}
    if not environ.keys() & MALLOC.keys():
        _give_memory_back()
    for message in unknown_variables(environ):
        say(f"linnworks-bridge: {message}", err=True)
    settings = load_settings(environ)
    become_owner(settings)
    if "LISTEN_FDS" not in environ:
        require_free_address(settings.bind)  # as gunicorn would try again and again
    gc.disable()  # until the service is ready: what it imports stays
    from bridge.ops.serving import Server

    Server(settings, _make_app).run()


def _give_memory_back() -> None:
    with suppress(AttributeError):  # in another C library
        mallopt = ctypes.CDLL(None).mallopt
        for option, value in MALLOC.values():
            mallopt(option, value)


def _make_app(settings: Settings) -> Any:
    from bridge.app import create_app  # imports prometheus_client, which reads the environment when it is imported

    return create_app(settings)
