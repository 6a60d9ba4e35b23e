"""Processes that write to one database as fast as they can, and how often they found it locked.

Run as a module it is one of them: it reads an environment and calls as JSON, and prints how many it made.
"""

from __future__ import annotations

import json
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from bench.figures import Figure, of_target
from bench.installation import Installation, environ_of
from bench.served import prepared

PROCESSES = 4


def measure(seconds: float) -> list[Figure]:
    """Run four processes that read orders and update stock, each for its own integration and for a common one."""
    with tempfile.TemporaryDirectory(prefix="bench-") as folder:
        environ = environ_of(Path(folder))
        asked = prepared(environ, PROCESSES + 1)
        given = [
            json.dumps({"environ": environ, "seconds": seconds, "asked": [asked[number], asked[-1]]})
            for number in range(PROCESSES)
        ]
        command = [sys.executable, "-m", "bench.writers"]
        running = [
            subprocess.Popen(
                command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, cwd=Path(__file__).parent.parent
            )
            for _ in given
        ]
        for process, one in zip(running, given, strict=True):
            assert process.stdin
            process.stdin.write(one)
            process.stdin.close()
        results = [json.loads(process.stdout.read()) for process in running if process.stdout]
        for process in running:
            process.wait()
    return [
        Figure("calls of 4 processes writing at once", (sum(one["calls"] for one in results),), ""),
        of_target("11", [float(sum(one["locked"] for one in results))]),
    ]


def main() -> None:
    """Make the calls for the time given, and print their number."""
    given = json.load(sys.stdin)
    here = Installation(given["environ"])
    end = time.monotonic() + given["seconds"]
    calls = locked = 0
    while time.monotonic() < end:
        for asked in given["asked"]:
            for name in ("Orders", "InventoryUpdate"):
                path, raw = asked[name]
                answer = json.loads(here.call(path, raw.encode()))
                calls += 1
                locked += "busy" in (answer["Error"] or "") or "locked" in (answer["Error"] or "")
    json.dump({"calls": calls, "locked": locked}, sys.stdout)
    here.close()


if __name__ == "__main__":
    main()
