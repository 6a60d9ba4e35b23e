"""A temporary server: the service on a free port, by default with an empty data folder that is deleted afterwards."""

from __future__ import annotations

import os
import secrets
import socket
import subprocess
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

import requests

from bridge.errors import StartError
from bridge.ops.own_command import own_command

START_SECONDS = 20
STOP_SECONDS = 20


@contextmanager
def temporary_server(data_dir: Path | None = None, log: Path | None = None, **environ: str) -> Iterator[str]:
    """Run `linnworks-bridge serve` until the block ends, and yield its base URL; `environ` adds to the environment.

    Its output goes into the file `log`. Raises StartError with that output if the service does not start.
    """
    with tempfile.TemporaryDirectory(prefix="bridge-") as scratch:
        port = free_port()
        log = log or Path(scratch) / "log"
        with log.open("wb") as output:
            service = subprocess.Popen(  # noqa: S603 (our own command)
                own_command("serve"),
                env={
                    **os.environ,
                    "BRIDGE_DATA_DIR": str(data_dir or Path(scratch) / "data"),
                    "BRIDGE_DATABASE_URL": "",
                    "BRIDGE_BIND": f"127.0.0.1:{port}",
                    **environ,
                },
                stdout=output,
                stderr=output,
                start_new_session=True,
            )
        try:
            _wait_until_started(f"http://127.0.0.1:{port}", service, log)
            yield f"http://127.0.0.1:{port}"
        finally:
            service.terminate()
            service.wait(STOP_SECONDS)


def free_port() -> int:
    """Return a TCP port that is not in use, below those that systems take for outgoing connections."""
    while True:
        port = 10_000 + secrets.randbelow(22_000)
        with suppress(OSError), socket.create_server(("127.0.0.1", port)):
            return port


def _wait_until_started(url: str, service: subprocess.Popen[bytes], log: Path) -> None:
    end = time.monotonic() + START_SECONDS
    while service.poll() is None and time.monotonic() < end:
        try:
            requests.get(f"{url}/health", timeout=2)
            return
        except requests.ConnectionError:
            time.sleep(0.05)
    raise StartError("The service does not start:\n" + log.read_text(errors="replace"))
