"""Words that messages and commands share."""

from __future__ import annotations

import os
import re

COMMAND = re.compile(r"(?<![\w/-])linnworks-bridge(?![\w-])")
COMMAND_VARIABLE = "LINNWORKS_BRIDGE_COMMAND"
"""Set by the units and the command of an installation that has a name."""


def as_typed(text: str) -> str:
    """Return a text that tells of commands and units with the name that they have in this installation."""
    name = os.environ.get(COMMAND_VARIABLE)
    return COMMAND.sub(name, text) if name else text


def counted(number: int, singular: str, plural: str = "") -> str:
    """Return a number with its noun: "1 time", "2 times"."""
    return f"{number} {singular if number == 1 else plural or f'{singular}s'}"
