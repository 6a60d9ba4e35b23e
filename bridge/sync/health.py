"""Health: whether this process can store something, its worker works, and its key opens what is sealed."""

from __future__ import annotations

import shutil
from collections.abc import Callable

from bridge.channels import Channels
from bridge.clock import monotonic
from bridge.settings import Settings, sqlite_file
from bridge.store.database import responds
from bridge.store.installation_facts import find_storage_problem, read_fact
from bridge.sync.worker import BackgroundWorker
from bridge.vault import MARKER

PROBE_SECONDS = 10
"""How often the worker stores something to see that it can."""
LEAST_FREE_BYTES = 1_000_000
"""With less left on its disk, SQLite counts as unable to store anything."""
LONGEST_TASK_SECONDS = 60
"""A worker whose heartbeat is older hangs: a task takes a request's budget, and the waits for the database."""


class Health:
    """What the worker has found out; health is asked for by anyone, so asking must cost little."""

    def __init__(self, clock: Callable[[], float] = monotonic) -> None:
        self._clock = clock
        self._due = float("-inf")
        self._storage = ""
        self._key = ""

    def work_one(self, channels: Channels) -> bool:
        """Probe if it is due; False, as there is no hurry."""
        if self._clock() >= self._due:
            self._due = self._clock() + PROBE_SECONDS
            self.probe(channels)
        return False

    def probe(self, channels: Channels) -> None:
        """Find out whether something can be stored, and whether the key opens what is sealed."""
        self._storage = find_storage_problem()
        channels.vault.reload()
        if not self._storage:
            marker = read_fact(MARKER)
            opens = marker is None or channels.vault.open(marker) is not None
            self._key = "" if opens else "The secret key is not the one that this database was sealed with"

    def problems(self, settings: Settings, worker: BackgroundWorker) -> dict[str, str]:
        """Return what is wrong with each thing that the service needs, "" if it works."""
        return {
            "database": "" if responds() else "The database does not answer",
            "storage": self._storage_problem(settings),
            "worker": _worker_problem(worker),
            "key": self._key,
        }

    def _storage_problem(self, settings: Settings) -> str:
        reason = self._storage
        free = free_bytes(settings)
        if not reason and free is not None and free < LEAST_FREE_BYTES and sqlite_file(settings.database):
            reason = "the disk is full"
        return f"Nothing can be stored: {reason}" if reason else ""


def free_bytes(settings: Settings) -> int | None:
    """Return how much room there is on the disk of the data folder, or None if that cannot be found out."""
    file = sqlite_file(settings.database)
    try:
        return shutil.disk_usage(file.parent if file else settings.data_dir).free
    except OSError:
        return None


def _worker_problem(worker: BackgroundWorker) -> str:
    if not worker.alive:
        return "The background worker does not run"
    seconds = worker.seconds_since_heartbeat
    return f"The background worker has hung for {seconds:.0f} s" if seconds > LONGEST_TASK_SECONDS else ""
