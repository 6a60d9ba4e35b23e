"""A floor on the bridge's own server: `python -m bench.serving NAME`."""

from __future__ import annotations

import os
import sys
from typing import Any

from bench import floors
from bridge.ops.serving import Server
from bridge.settings import load_settings


class Floor(Server):
    """The bridge's server without its hooks for the bridge."""

    def when_ready(self, arbiter: Any) -> None:
        """Print nothing."""

    def post_worker_init(self, worker: Any) -> None:
        """Start no background worker."""

    def worker_exit(self, arbiter: Any, worker: Any) -> None:
        """Stop no background worker."""


if __name__ == "__main__":
    Floor(load_settings(os.environ), lambda _: getattr(floors, sys.argv[1])).run()
