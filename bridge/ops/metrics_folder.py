"""The folder in which the processes of the service count."""

from __future__ import annotations

import os
import shutil
import tempfile
from pathlib import Path

VARIABLE = "PROMETHEUS_MULTIPROC_DIR"
"""prometheus_client's environment variable for the folder."""


def new_metrics_folder() -> str:
    """Make a folder in memory, and remove those of services that were killed; return its path.

    On a full disk, writing to a mapped file would kill the process.
    """
    memory = Path("/dev/shm")  # noqa: S108 (the folder in it is new, and only its owner has access)
    parent = memory if os.access(memory, os.W_OK) else Path(tempfile.gettempdir())
    for folder in parent.glob("bridge-metrics-*-*"):
        pid = folder.name.split("-")[2]
        if pid == str(os.getpid()) or not _is_running(pid):
            shutil.rmtree(folder, ignore_errors=True)
    return tempfile.mkdtemp(prefix=f"bridge-metrics-{os.getpid()}-", dir=parent)


def _is_running(pid: str) -> bool:
    try:
        os.kill(int(pid), 0)
    except (ValueError, ProcessLookupError):
        return False
    except PermissionError:
        pass  # it is another user's
    return True
