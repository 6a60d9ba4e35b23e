"""`linnworks-bridge serve`: run the service."""

from __future__ import annotations

import os
import sys
from typing import Any

import click

from bridge.cli.common import require_free_address
from bridge.cli.output import say
from bridge.ops.own_command import own_command
from bridge.ops.owner import become_owner
from bridge.settings import Settings, load_settings, unknown_variables

MALLOC = {
    "MALLOC_ARENA_MAX": "2",  # else threads keep tens of megabytes each for themselves
    # the memory of large bodies and answers goes back to the system at once
    "MALLOC_MMAP_THRESHOLD_": "524288",
    "MALLOC_TRIM_THRESHOLD_": "2097152",
}


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
        environ |= MALLOC  # the C library reads it when a process starts
        os.execve(sys.executable, own_command("serve"), environ)  # noqa: S606 our own interpreter
    for message in unknown_variables(environ):
        say(f"linnworks-bridge: {message}", err=True)
    settings = load_settings(environ)
    become_owner(settings)
    if "LISTEN_FDS" not in environ:
        require_free_address(settings.bind)  # as gunicorn would try again and again
    from bridge.ops.serving import Server

    Server(settings, _make_app).run()


def _make_app(settings: Settings) -> Any:
    from bridge.app import create_app  # imports prometheus_client, which reads the environment when it is imported

    return create_app(settings)
