"""The fixtures that the suites use: the bridge's application, and Linnworks' calls to it."""

import sys
from pathlib import Path

import bridge

sys.path.append(str(Path(bridge.__file__).parents[1]))  # the clone, because the suites are not installed

from tests.channels.conftest import app
from tests.conftest import call, work

__all__ = ["app", "call", "work"]
