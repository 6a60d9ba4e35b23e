"""The background worker: a thread of the service that does what requests have left for later."""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable, Sequence

import peewee

from bridge.channels import Channels
from bridge.clock import monotonic
from bridge.store.database import close_store, discard_connection

log = logging.getLogger(__name__)

POLL_SECONDS = 1.0
COMPANION_SECONDS = 1.0


class BackgroundWorker:
    """Runs background tasks until it is stopped; every process of the service may run one, on the same rows."""

    def __init__(self, channels: Channels, tasks: Sequence[Callable[[Channels], bool]], name: str = "worker") -> None:
        """Each of `tasks` does one thing that is due, and returns whether there was one."""
        self._channels = channels
        self._tasks = tasks
        self._name = name
        self._companion: BackgroundWorker | None = None
        self._wake = threading.Event()
        self._stopped = False
        self._lock = threading.Lock()
        self._thread: threading.Thread | None = None
        self._heartbeat = monotonic()

    @property
    def seconds_since_heartbeat(self) -> float:
        """How long ago the thread has begun a task or a pause, or was started."""
        return monotonic() - self._heartbeat

    @property
    def alive(self) -> bool:
        """Whether the thread is running; after a fork it is not."""
        return self._thread is not None and self._thread.is_alive()

    def start(self) -> None:
        """Start the thread unless it is running; each process needs its own after a fork."""
        if self._companion and not self._stopped:
            self._companion.start()
        if not self.alive and not self._stopped:
            with self._lock:
                if not self.alive:
                    self._heartbeat = monotonic()
                    self._thread = threading.Thread(target=self._run, name=self._name, daemon=True)
                    self._thread.start()

    def wake(self) -> None:
        """End the current pause, because there is something to do."""
        self._wake.set()

    def stop(self) -> None:
        """Stop after the current task and wait for that, but not long for a task of the companion."""
        self._stopped = True
        self._wake.set()
        if self._companion:
            self._companion._stop_within(COMPANION_SECONDS)
        if self.alive and self._thread:
            self._thread.join()

    def accompany(self, companion: BackgroundWorker) -> None:
        """Have another worker started and stopped with this one, whose tasks take longer than others may wait."""
        self._companion = companion

    def _stop_within(self, seconds: float) -> None:
        self._stopped = True
        self._wake.set()
        if self.alive and self._thread:
            self._thread.join(seconds)

    def _run(self) -> None:
        while not self._stopped:
            self._wake.clear()
            busy = [self._run_task(task) for task in self._tasks]  # all in turn, so that none starves another
            self._heartbeat = monotonic()
            if not any(busy):
                self._wake.wait(POLL_SECONDS)
        close_store()

    def _run_task(self, task: Callable[[Channels], bool]) -> bool:
        """Run a task once and return whether it had something to do; failures are logged."""
        self._heartbeat = monotonic()
        try:
            return not self._stopped and task(self._channels)
        except Exception as error:
            log.exception("A background task failed; the worker continues")
            if isinstance(error, peewee.PeeweeException):
                discard_connection()
            return False
