"""gunicorn's settings for `bridge serve`: threads that can wait for slow shops, and one worker thread a process.

Read by gunicorn itself, as `gunicorn --config python:bridge.serving "bridge.app:create_app()"`.
"""

from __future__ import annotations

import gc
import os
import socket
import struct
from typing import Any

import click

from bridge.settings import load_settings

SILENT_SECONDS = 10

_settings = load_settings(os.environ)

bind = _settings.bind
workers = _settings.workers
worker_class = "gthread"
threads = _settings.threads
# no more connections than threads, or one process hoards calls that another could answer in time
worker_connections = _settings.threads
keepalive = 0  # which leaves no room for idle ones
preload_app = True
timeout = 30
graceful_timeout = 15
accesslog = None
loglevel = "warning"
control_socket_disable = True


def when_ready(server: Any) -> None:
    """Say where things are, once the socket listens; freeze what the processes share."""
    gc.freeze()
    for listener in server.LISTENERS:
        # accepted connections inherit it: who sends half a request and falls silent does not keep a thread
        listener.sock.setsockopt(socket.SOL_SOCKET, socket.SO_RCVTIMEO, struct.pack("ll", SILENT_SECONDS, 0))
    click.echo(f"Listening on http://{_settings.bind}")
    click.echo(f"Data in {_settings.data_dir.absolute()}")
    click.echo(f"Next, in another terminal: bridge check http://{_settings.bind}")


def post_worker_init(worker: Any) -> None:
    """Start the worker thread before the first request comes, to finish what an earlier process left."""
    worker.wsgi.extensions["bridge"].worker.start()


def worker_exit(server: Any, worker: Any) -> None:
    """Let the worker thread finish the item it has in hand."""
    if worker.wsgi is not None:
        worker.wsgi.extensions["bridge"].worker.stop()
