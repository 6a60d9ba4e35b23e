"""The service in processes of its own, which a test can kill."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import requests

from bridge.ops.temporary_server import free_port
from bridge.protocol.manifest import endpoints
from bridge.settings import Settings
from tests.conftest import database_url

ROOT = Path(__file__).parent.parent


def at(data_dir: Path) -> dict[str, str]:
    """Return the environment variables of an installation with this data folder."""
    return {"BRIDGE_DATA_DIR": str(data_dir), "BRIDGE_DATABASE_URL": database_url(data_dir)}


def until(question, seconds: float = 20.0) -> Any:
    """Ask repeatedly until the answer is true, for at most this long; return the last answer."""
    end = time.monotonic() + seconds
    while not (answer := question()) and time.monotonic() < end:
        time.sleep(0.02)
    return answer


def poster(base_url: str, timeout: float = 10):
    """Return a function that posts to a running service by manifest name and returns the answer."""
    paths = endpoints(Settings())

    def post(name: str, **fields):
        response = requests.post(base_url + paths[name], json=fields, timeout=timeout)
        assert 200 == response.status_code
        assert len(response.content) == int(response.headers["Content-Length"])
        return response.json()

    return post


def healthy(port: int) -> Any:
    """Return the health report of the service on this port, or None if nothing answers."""
    try:
        return requests.get(f"http://127.0.0.1:{port}/health", timeout=5).json()
    except requests.RequestException:
        return None


class Service:
    """`linnworks-bridge serve` on one port and one data folder, which can be started repeatedly."""

    def __init__(self, data_dir: Path, **environ: str) -> None:
        self.port = free_port()
        self.post = poster(f"http://127.0.0.1:{self.port}")
        self._environ = {
            **os.environ,
            **at(data_dir),
            "BRIDGE_BIND": f"127.0.0.1:{self.port}",
            "BRIDGE_BUDGET_SECONDS": "1",  # the lease of a killed process lasts a few seconds longer than this
            **environ,
        }

    def __enter__(self) -> Service:
        self.start()
        return self

    def __exit__(self, *_: object) -> None:
        self.stop()

    def start(self) -> None:
        """Start in a process group of its own and wait until the service answers."""
        self._process = subprocess.Popen(
            [sys.executable, "-m", "bridge", "serve"],
            env=self._environ,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            start_new_session=True,
        )
        assert until(lambda: healthy(self.port))

    def workers(self) -> list[int]:
        """Return the process ids of gunicorn's workers."""
        found = Path(f"/proc/{self.pid}/task/{self.pid}/children").read_text().split()
        return [int(pid) for pid in found]

    def metrics_folder(self) -> Path:
        """Return the folder in which the processes keep their metrics."""
        return next(Path("/dev/shm").glob(f"bridge-metrics-{self.pid}-*"))

    @property
    def pid(self) -> int:
        """Return the id of the parent process."""
        return self._process.pid

    def stop(self) -> None:
        """Stop after the requests in progress."""
        self._process.terminate()
        self._process.wait(20)

    def kill(self) -> None:
        """Send SIGKILL to all processes of the service."""
        os.killpg(self._process.pid, signal.SIGKILL)
        self._process.wait()
