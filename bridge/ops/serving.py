"""gunicorn's settings for `linnworks-bridge serve`: threads that wait for slow shops, a background worker each.

Also what gunicorn leaves open to strangers: for how long a request may trickle in, and what it answers to what is no
HTTP.

Read by gunicorn itself, as `gunicorn --config python:bridge.ops.serving "bridge.app:application()"`.
"""

from __future__ import annotations

import gc
import itertools
import os
import select
import shutil
import signal
import socket
import tempfile
import time
from contextlib import suppress
from pathlib import Path
from typing import Any

import click
from gunicorn.glogging import Logger
from gunicorn.workers.gthread import ThreadWorker

from bridge.ops.logs import JsonLines
from bridge.settings import load_settings

STOPPING = (signal.SIGTERM, signal.SIGINT, signal.SIGQUIT)
NOT_HTTP = b'{"Error":"The request is not proper HTTP"}'


class GunicornWorker(ThreadWorker):  # type: ignore[misc]
    """gunicorn's worker, where nobody keeps a thread by sending next to nothing, or by not hanging up."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self._reading: dict[Any, float] = {}  # connections in hand, and until when they are read

    def init_signals(self) -> None:
        """Listen to signals, those that came meanwhile among them."""
        super().init_signals()
        _hear_signals()

    def set_accept_enabled(self, enabled: bool) -> None:
        """Begin or cease to take calls in; one that stops takes in who waits already, and leaves the door at once.

        Whoever came later would wait for our last answer, to be hung up on without one.
        """
        super().set_accept_enabled(enabled)
        if not self.alive:
            for listener in self.sockets:
                with suppress(OSError, ValueError):
                    while select.select([listener], [], [], 0)[0]:
                        self.accept(listener)
                listener.close()

    def handle(self, conn: Any) -> Any:
        """Read a request and answer it."""
        self._reading[conn] = time.monotonic() + _settings.budget_seconds
        goes_on = super().handle(conn)
        self._reading.pop(conn, None)
        if goes_on is False:
            _stop_reading(conn.sock)  # or the loop that takes all calls in waits until this caller hangs up
        return goes_on

    def notify(self) -> None:
        """Tell gunicorn every second that we are alive, and read nobody's request beyond its time.

        A time-out of the socket would begin anew with each byte.
        """
        super().notify()
        for conn, until in list(self._reading.items()):
            if until < time.monotonic():
                _stop_reading(conn.sock)

    def handle_error(self, req: Any, client: Any, addr: Any, exc: Exception) -> None:
        """Answer what is no HTTP in the envelope; what it was goes neither into the answer nor into the log."""
        self.log.info("A request was not proper HTTP: %s", type(exc).__name__)
        head = f"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: {len(NOT_HTTP)}\r\n"
        with suppress(OSError):
            client.sendall(head.encode() + b"Connection: close\r\n\r\n" + NOT_HTTP)


class Log(Logger):  # type: ignore[misc]
    """gunicorn's log, in JSON where ours is."""

    def setup(self, cfg: Any) -> None:
        super().setup(cfg)
        if _settings.log_format == "json":
            for handler in self.error_log.handlers:
                handler.setFormatter(JsonLines())


def _hear_signals() -> None:
    signal.pthread_sigmask(signal.SIG_UNBLOCK, STOPPING)


def _stop_reading(sock: socket.socket) -> None:
    with suppress(OSError):
        sock.shutdown(socket.SHUT_RD)


def _new_metrics_folder() -> str:
    """A folder where the processes count, in memory: on a full disk, writing to a mapped file would kill them.

    Those of services that were killed are removed.
    """
    memory = Path("/dev/shm")  # noqa: S108 (the folder in it is new, and its owner's only)
    parent = memory if os.access(memory, os.W_OK) else Path(tempfile.gettempdir())
    for folder in parent.glob("bridge-metrics-*-*"):
        pid = folder.name.split("-")[2]
        if pid == str(os.getpid()) or not _runs(pid):
            shutil.rmtree(folder, ignore_errors=True)
    return tempfile.mkdtemp(prefix=f"bridge-metrics-{os.getpid()}-", dir=parent)


def _runs(pid: str) -> bool:
    try:
        os.kill(int(pid), 0)
    except (ValueError, ProcessLookupError):
        return False
    except PermissionError:
        pass  # somebody else's
    return True


os.register_at_fork(after_in_parent=_hear_signals)
_settings = load_settings(os.environ)
if _settings.metrics:
    os.environ["PROMETHEUS_MULTIPROC_DIR"] = _new_metrics_folder()  # before anything is imported that counts

bind = _settings.bind
workers = _settings.workers
worker_class = GunicornWorker
threads = _settings.threads
# no more connections than threads, or one process hoards calls that another could answer in time
worker_connections = _settings.threads
keepalive = 0  # which leaves no room for idle ones
preload_app = True
timeout = 30
graceful_timeout = 15
accesslog = None
loglevel = "warning"
logger_class = Log
control_socket_disable = True


def when_ready(server: Any) -> None:
    """Say where things are, once the socket listens; freeze what the processes share."""
    gc.freeze()
    for listener in server.LISTENERS:
        click.echo(f"Listening on {listener}")
    click.echo(f"Data in {_settings.data_dir.absolute()}")
    if _settings.channel == "demo":  # a real shop is not to be changed by the way
        click.echo(f"Next, in another terminal: linnworks-bridge check http://{_settings.bind}")


def pre_fork(server: Any, worker: Any) -> None:
    """Give a process the lowest place that is free to count in: a new one goes on with the file of one that ended.

    Told to stop before it listens to signals, it would not hear it, and be killed in the end with calls in hand:
    such signals wait until it does.
    """
    signal.pthread_sigmask(signal.SIG_BLOCK, STOPPING)
    taken = {other.place for other in server.WORKERS.values()}
    worker.place = next(number for number in itertools.count() if number not in taken)


def post_fork(server: Any, worker: Any) -> None:
    """Take that place."""
    from bridge.ops.metrics import take_place

    take_place(worker.place)


def on_exit(server: Any) -> None:
    """Leave nothing behind."""
    if _settings.metrics:
        shutil.rmtree(os.environ["PROMETHEUS_MULTIPROC_DIR"], ignore_errors=True)


def post_worker_init(worker: Any) -> None:
    """Start the worker thread before the first request comes, to finish what an earlier process left."""
    worker.wsgi.extensions["bridge"].worker.start()


def worker_exit(server: Any, worker: Any) -> None:
    """Let the worker thread finish the item it has in hand."""
    if worker.wsgi is not None:
        worker.wsgi.extensions["bridge"].worker.stop()
