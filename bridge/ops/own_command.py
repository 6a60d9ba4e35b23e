"""How the program starts itself again, as another process or in its place."""

from __future__ import annotations

import sys
from pathlib import Path

import bridge

RUN = "import sys; sys.path[0] = {folder!r}; from bridge.cli import main; main(prog_name='linnworks-bridge')"


def own_command(*words: str) -> list[str]:
    """Return the command line of `linnworks-bridge` with these words; it imports nothing from the current folder."""
    folder = str(Path(bridge.__file__).absolute().parent.parent)
    return [sys.executable, "-c", RUN.format(folder=folder), *words]
