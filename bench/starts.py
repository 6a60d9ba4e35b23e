"""The time to start: the service until its first answer, and the command line."""

from __future__ import annotations

import subprocess
import sys
import tempfile
import time
from pathlib import Path

from bench.figures import Figure, of_target
from bench.installation import environ_of
from bench.processes import Server
from bench.served import prepared


def measure(rounds: int) -> list[Figure]:
    """Measure the start of the service on an existing installation, and `linnworks-bridge --help`."""
    served, helped = [], []
    with tempfile.TemporaryDirectory(prefix="bench-") as folder:
        environ = environ_of(Path(folder))
        prepared(environ)
        for _ in range(rounds):
            started = time.perf_counter()
            with Server(environ):
                served.append(time.perf_counter() - started)
            started = time.perf_counter()
            subprocess.run([sys.executable, "-m", "bridge", "--help"], check=True, stdout=subprocess.DEVNULL)
            helped.append(time.perf_counter() - started)
    return [of_target("13a", served), of_target("13b", helped)]
