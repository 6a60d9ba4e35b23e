"""The memory of the service's processes over 200,000 requests."""

from __future__ import annotations

import tempfile
from pathlib import Path

from bench.figures import Figure, of_target
from bench.installation import environ_of
from bench.load import load
from bench.processes import Server
from bench.served import NO_ERROR, prepared

REQUESTS = 200_000
FIRST = 10_000
SECONDS = 1
"""How long calls of one kind come, so that the first ten thousand have all kinds."""
LONGEST = 900


def measure() -> list[Figure]:
    """Measure the memory after the first ten thousand requests, and after all of them."""
    with tempfile.TemporaryDirectory(prefix="bench-") as folder:
        environ = environ_of(Path(folder))
        asked = prepared(environ)[0]
        with Server(environ) as server:
            calls, spent, early = 0.0, 0.0, (0.0, 0.0)
            while calls < REQUESTS and spent < LONGEST:
                name = ("ConfigTest", "UserConfig", "Orders", "InventoryUpdate")[round(spent / SECONDS) % 4]
                calls += load(server, asked[name][0], asked[name][1].encode(), SECONDS, NO_ERROR).rate * SECONDS
                spent += SECONDS
                if not early[0] and calls >= FIRST:
                    early = server.memory()
            late = server.memory()
    return [
        Figure("requests of the memory test", (round(calls),), ""),
        Figure("memory after 10,000 requests (PSS)", (early[0],), "MB"),
        Figure("memory after all of them (PSS)", (late[0],), "MB"),
        Figure("largest process after 10,000 requests (RSS)", (early[1],), "MB"),
        Figure("largest process after all of them (RSS)", (late[1],), "MB"),
        of_target("19a", [late[1] / early[1]]),
        of_target("19b", [late[0] / early[0]]),
    ]
