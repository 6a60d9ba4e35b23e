"""The service under gunicorn: threads that wait for slow shops, and one background worker in each process."""

from __future__ import annotations

import gc
import itertools
import os
import shutil
import signal
from collections.abc import Callable
from typing import Any

import click
from gunicorn.app.base import BaseApplication
from gunicorn.glogging import Logger

from bridge.ops.logs import JsonFormatter, TracebackFormatter
from bridge.ops.metrics_folder import VARIABLE, new_metrics_folder
from bridge.ops.serving.drain import drain
from bridge.ops.serving.worker import STOP_SIGNALS, GunicornWorker, unblock_stop_signals
from bridge.settings import Settings

RESTART_SECONDS = 30
"""gunicorn replaces a process whose main loop has hung for this long."""

STOP_SECONDS = 15
"""How long a process that stops may go on answering the requests it has begun."""


class Server(BaseApplication):  # type: ignore[misc]
    """gunicorn's custom application: its settings and hooks, and how to make the WSGI application.

    `make_app` runs once for all processes, and is where prometheus_client may first be imported.
    """

    def __init__(self, settings: Settings, make_app: Callable[[Settings], Any]) -> None:
        self.settings = settings
        self._make_app = make_app
        super().__init__()

    def run(self) -> None:
        """Serve until stopped by a signal; raises StartError if the application cannot be made."""
        if self.settings.metrics:
            os.environ[VARIABLE] = new_metrics_folder()  # prometheus_client reads it when it is imported
        os.register_at_fork(after_in_parent=unblock_stop_signals)
        super().run()

    def load_config(self) -> None:
        """Set gunicorn's settings."""
        for name, value in self.options().items():
            self.cfg.set(name, value)

    def options(self) -> dict[str, Any]:
        """Return gunicorn's settings by name."""
        return {
            "bind": self.settings.bind,
            "workers": self.settings.workers,
            "worker_class": GunicornWorker,
            "threads": self.settings.threads,
            # no more connections than threads, or one process queues calls that another could answer in time
            "worker_connections": self.settings.threads,
            "keepalive": 0,  # as that leaves no connection for an idle client
            "preload_app": True,
            "timeout": RESTART_SECONDS,
            "graceful_timeout": STOP_SECONDS,
            "accesslog": None,
            "loglevel": "warning",
            "logger_class": JsonLogger if self.settings.log_format == "json" else TextLogger,
            "control_socket_disable": True,
            # no header of a client sets SCRIPT_NAME, PATH_INFO or the scheme; X-Forwarded-For is ours to judge
            "forwarded_allow_ips": "",
            "forwarder_headers": "",
            "secure_scheme_headers": {},
            "when_ready": self.when_ready,
            "pre_fork": self.pre_fork,
            "post_fork": self.post_fork,
            "post_worker_init": self.post_worker_init,
            "post_request": self.post_request,
            "worker_exit": self.worker_exit,
            "on_exit": self.on_exit,
        }

    def load(self) -> Any:
        """Return the WSGI application."""
        return self._make_app(self.settings)

    def when_ready(self, arbiter: Any) -> None:
        """Print the addresses once they accept connections; keep the garbage collector off memory that forks share."""
        gc.freeze()
        gc.enable()
        for listener in arbiter.LISTENERS:
            click.echo(f"Listening on {listener}")
        click.echo(f"Data in {self.settings.data_dir.absolute()}")
        if self.settings.channel == "demo":  # the check would change a real shop
            click.echo(f"Next, in another terminal: linnworks-bridge check http://{self.settings.bind}")

    def pre_fork(self, arbiter: Any, worker: Any) -> None:
        """Give a new process the lowest free slot for its metrics, and block stop signals until it handles them.

        A process that lost such a signal would not stop, and be killed in the end with unanswered calls.
        """
        signal.pthread_sigmask(signal.SIG_BLOCK, STOP_SIGNALS)
        taken = {other.metrics_slot for other in arbiter.WORKERS.values()}
        worker.metrics_slot = next(slot for slot in itertools.count() if slot not in taken)

    def post_fork(self, arbiter: Any, worker: Any) -> None:
        """Have the new process count in its slot."""
        from bridge.ops.metrics import use_slot

        use_slot(worker.metrics_slot)

    def post_worker_init(self, worker: Any) -> None:
        """Start the background worker before the first request, to finish what an earlier process left undone."""
        worker.wsgi.extensions["bridge"].worker.start()

    def post_request(self, worker: Any, request: Any, environ: dict[str, Any], response: Any) -> None:
        """Drain the body, in case the client is still sending: it would otherwise miss the answer."""
        drain(environ["wsgi.input"], environ["gunicorn.socket"])

    def worker_exit(self, arbiter: Any, worker: Any) -> None:
        """Let the background worker finish its current item, and store what waits to be recorded."""
        if worker.wsgi is not None:
            services = worker.wsgi.extensions["bridge"]
            services.worker.stop()
            services.journal.stop()

    def on_exit(self, arbiter: Any) -> None:
        """Remove the metrics folder."""
        if self.settings.metrics:
            shutil.rmtree(os.environ[VARIABLE], ignore_errors=True)


class TextLogger(Logger):  # type: ignore[misc]
    """gunicorn's log as text."""

    def setup(self, cfg: Any) -> None:
        super().setup(cfg)
        for handler in self.error_log.handlers:
            handler.setFormatter(TracebackFormatter(self.error_fmt, self.datefmt))


class JsonLogger(Logger):  # type: ignore[misc]
    """gunicorn's log as JSON lines."""

    def setup(self, cfg: Any) -> None:
        super().setup(cfg)
        for handler in self.error_log.handlers:
            handler.setFormatter(JsonFormatter())
