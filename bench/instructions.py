"""Instructions of a small call, which do not depend on other load, counted by valgrind if it is installed.

Run as a module it makes a number of calls to the named application. The difference between two runs leaves out what
starting costs.
"""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

from bench.figures import Figure, of_target
from bench.installation import CONFIG_TEST, Installation, call_wsgi, calls, environ_of

CALLS = 300
WARM = 5


def measure() -> list[Figure]:
    """Compare ConfigTest through the bridge with Flask answering fixed bytes."""
    if not shutil.which("valgrind"):
        return []
    counted = {}
    for name in ("fixed", "bridge"):
        with _counting(name, 0) as few, _counting(name, CALLS) as many:
            counted[name] = (_count(many) - _count(few)) / CALLS
    return [
        Figure("Flask answering fixed bytes: instructions", (counted["fixed"] / 1000,), "thousand"),
        Figure("ConfigTest: instructions", (counted["bridge"] / 1000,), "thousand"),
        of_target("6", [counted["bridge"] / counted["fixed"]]),
    ]


def _counting(name: str, often: int) -> subprocess.Popen[bytes]:
    command = ["valgrind", "--tool=callgrind", "--callgrind-out-file=/dev/null", sys.executable, "-m"]
    return subprocess.Popen(
        [*command, "bench.instructions", name, str(often)],
        env={**os.environ, "PYTHONHASHSEED": "0"},
        stderr=subprocess.PIPE,
        cwd=Path(__file__).parent.parent,
    )


def _count(process: subprocess.Popen[bytes]) -> int:
    output = process.communicate()[1].decode()
    found = re.search(r"I\s+refs:\s+([\d,]+)", output)
    if not found:
        raise RuntimeError(f"valgrind did not count: {output[-500:]}")
    return int(found[1].replace(",", ""))


def main() -> None:
    """Make the calls."""
    name, often = sys.argv[1], int(sys.argv[2])
    with tempfile.TemporaryDirectory(prefix="bench-") as folder:
        here = Installation(environ_of(Path(folder)))
        raw = calls(here.connect(), [], "")["ConfigTest"][1]
        app = here.app
        if name == "fixed":
            from bench.floors import fixed as app
        for _ in range(WARM + often):
            call_wsgi(app, CONFIG_TEST, raw)
        here.close()


if __name__ == "__main__":
    main()
