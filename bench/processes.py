"""Servers in processes of their own, and the processor time and memory they use."""

from __future__ import annotations

import http.client
import os
import signal
import subprocess
import sys
import time
from collections.abc import Mapping
from contextlib import suppress
from pathlib import Path

import psutil

from bridge.ops.temporary_server import free_port

START_SECONDS = 20
MB = 1_000_000


class Server:
    """A server that runs until the block ends: the bridge, or one of the floors."""

    def __init__(self, environ: Mapping[str, str], floor: str = "") -> None:
        self.port = free_port()
        self.url = f"http://127.0.0.1:{self.port}"
        self._command = [sys.executable, "-m", *(("bench.serving", floor) if floor else ("bridge", "serve"))]
        self._environ = {
            **os.environ,
            "PYTHONPATH": str(Path(__file__).parent.parent),
            **environ,
            "BRIDGE_BIND": f"127.0.0.1:{self.port}",
        }
        self._environ.pop("PROMETHEUS_MULTIPROC_DIR", None)  # each service has its own
        self._process: subprocess.Popen[bytes]

    def __enter__(self) -> Server:
        self._process = subprocess.Popen(
            self._command,
            env=self._environ,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            start_new_session=True,
        )
        end = time.monotonic() + START_SECONDS
        while time.monotonic() < end and self._process.poll() is None:
            if self._answers():
                return self
            time.sleep(0.005)
        self.__exit__()
        raise RuntimeError(f"The server does not start: {' '.join(self._command)}")

    def __exit__(self, *_: object) -> None:
        with suppress(ProcessLookupError):
            os.killpg(self._process.pid, signal.SIGTERM)
        self._process.wait(30)

    def _answers(self) -> bool:
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=2)
        try:
            connection.request("GET", "/health")
            connection.getresponse().read()
            return True
        except OSError:
            return False
        finally:
            connection.close()

    def ask(self, path: str, raw: bytes) -> tuple[dict[str, str], bytes]:
        """POST a body; return the headers and the body of the answer."""
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=30)
        try:
            connection.request("POST", path, raw, {"Content-Type": "application/json"})
            answer = connection.getresponse()
            return {name.lower(): value for name, value in answer.getheaders()}, answer.read()
        finally:
            connection.close()

    def _family(self) -> list[psutil.Process]:
        parent = psutil.Process(self._process.pid)
        return [parent, *parent.children()]

    def processor_seconds(self) -> float:
        """Return the processor time that all its processes have used so far."""
        return sum(sum(process.cpu_times()[:2]) for process in self._family())

    def memory(self) -> tuple[float, float]:
        """Return the memory in MB: of all its processes (PSS), and of the largest one (RSS)."""
        used = [process.memory_full_info() for process in self._family()]
        return sum(one.pss for one in used) / MB, max(one.rss for one in used) / MB


def child(module: str, *arguments: str, given: bytes = b"") -> bytes:
    """Run a module of the bench in a process of its own; return its output."""
    env = {**os.environ, "PYTHONPATH": str(Path(__file__).parent.parent)}
    env.pop("PROMETHEUS_MULTIPROC_DIR", None)
    command = [sys.executable, "-m", module, *arguments]
    return subprocess.run(command, input=given, stdout=subprocess.PIPE, check=True, timeout=1200, env=env).stdout
