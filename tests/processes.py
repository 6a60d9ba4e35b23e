"""The service as tests run it: in processes of its own, which can be killed."""

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
    """The environment of an installation with this data folder."""
    return {"BRIDGE_DATA_DIR": str(data_dir), "BRIDGE_DATABASE_URL": database_url(data_dir)}


def until(question, seconds: float = 20.0) -> Any:
    """Ask until there is an answer."""
    end = time.monotonic() + seconds
    while not (answer := question()) and time.monotonic() < end:
        time.sleep(0.02)
    return answer


def poster(base_url: str):
    """POST to a running service by manifest name."""
    paths = endpoints(Settings())

    def post(name: str, **fields):
        response = requests.post(base_url + paths[name], json=fields, timeout=10)
        assert 200 == response.status_code
        assert len(response.content) == int(response.headers["Content-Length"])
        return response.json()

    return post


def healthy(port: int) -> Any:
    """What the service on this port says of its health, if it runs."""
    try:
        return requests.get(f"http://127.0.0.1:{port}/health", timeout=5).json()
    except requests.RequestException:
        return None


class Service:
    """`linnworks-bridge serve` on one port and one data folder, started again and again."""

    def __init__(self, data_dir: Path, **environ: str) -> None:
        self.port = free_port()
        self.post = poster(f"http://127.0.0.1:{self.port}")
        self._environ = {
            **os.environ,
            **at(data_dir),
            "BRIDGE_BIND": f"127.0.0.1:{self.port}",
            "BRIDGE_BUDGET_SECONDS": "1",  # a dead process's lease lasts that much longer than a few seconds
            **environ,
        }

    def __enter__(self) -> Service:
        self.start()
        return self

    def __exit__(self, *_: object) -> None:
        self.stop()

    def start(self) -> None:
        """Run until killed, in a process group of its own."""
        self._process = subprocess.Popen(
            [sys.executable, "-m", "bridge", "serve"],
            env=self._environ,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            start_new_session=True,
        )
        assert until(lambda: healthy(self.port))

    def workers(self) -> list[int]:
        """The process ids of gunicorn's workers."""
        found = Path(f"/proc/{self.pid}/task/{self.pid}/children").read_text().split()
        return [int(pid) for pid in found]

    def metrics_folder(self) -> Path:
        """Where the processes count."""
        return next(Path("/dev/shm").glob(f"bridge-metrics-{self.pid}-*"))

    @property
    def pid(self) -> int:
        """The process that the others come from."""
        return self._process.pid

    def stop(self) -> None:
        """End after the requests in hand."""
        self._process.terminate()
        self._process.wait(20)

    def kill(self) -> None:
        """SIGKILL for all its processes."""
        os.killpg(self._process.pid, signal.SIGKILL)
        self._process.wait()
