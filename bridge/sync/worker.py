"""The worker: a thread inside the service that does what was promised for later."""

from __future__ import annotations

import logging
import os
import threading
from collections.abc import Callable, Sequence

import peewee

from bridge.channels import Channels
from bridge.store.database import close_store, discard_connection

log = logging.getLogger(__name__)

POLL_SECONDS = 1.0


class BackgroundWorker:
    """Works off feeds and outboxes until it is stopped; every process of the service may run one, on the same rows."""

    def __init__(self, channels: Channels, works: Sequence[Callable[[Channels], bool]]) -> None:
        """`works` each do one thing that is due, and return whether there was any."""
        self._channels = channels
        self._works = works
        self._wake = threading.Event()
        self._stopped = False
        self._lock = threading.Lock()
        self._thread: threading.Thread | None = None
        self._process = 0

    @property
    def alive(self) -> bool:
        """Whether this process's thread is at work."""
        return self._thread is not None and self._process == os.getpid() and self._thread.is_alive()

    def start(self) -> None:
        """Start the thread unless it runs; after a fork that means once in each process."""
        if not self.alive and not self._stopped:
            with self._lock:
                if not self.alive:
                    self._process = os.getpid()
                    self._thread = threading.Thread(target=self._run, name="worker", daemon=True)
                    self._thread.start()

    def wake(self) -> None:
        """Say that there is something to do now."""
        self._wake.set()

    def stop(self) -> None:
        """End after the item in hand."""
        self._stopped = True
        self._wake.set()
        if self.alive and self._thread:
            self._thread.join()

    def _run(self) -> None:
        while not self._stopped:
            self._wake.clear()
            busy = [self._does(work_one) for work_one in self._works]  # each, so that none starves another
            if not any(busy):
                self._wake.wait(POLL_SECONDS)
        close_store()

    def _does(self, work_one: Callable[[Channels], bool]) -> bool:
        """Do one thing of a kind; whether there was any."""
        try:
            return not self._stopped and work_one(self._channels)
        except Exception as error:
            log.exception("The worker goes on after a failure")
            if isinstance(error, peewee.PeeweeException):
                discard_connection()
            return False
