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
    """Measure the start of the service on an existing installation, and what tells of commands."""
    served = []
    helped: dict[str, list[float]] = {"13b": [], "13c": []}
    with tempfile.TemporaryDirectory(prefix="bench-") as folder:
        environ = environ_of(Path(folder))
        prepared(environ)
        for _ in range(rounds):
            started = time.perf_counter()
            with Server(environ):
                served.append(time.perf_counter() - started)
            for number, command in (("13b", ()), ("13c", ("check",))):
                started = time.perf_counter()
                shown = [sys.executable, "-m", "bridge", *command, "--help"]
                subprocess.run(shown, check=True, stdout=subprocess.DEVNULL)
                helped[number].append(time.perf_counter() - started)
    return [of_target("13a", served), *(of_target(number, taken) for number, taken in helped.items())]
