"""Sessions of a page: blocks marked `console`, with commands after `$` and what they print below."""

from __future__ import annotations

import re
import shlex
from collections.abc import Callable

from tests.docs.pages import ROOT

SECTION = re.compile(r"^## (.+?)\n(.*?)(?=^## |\Z)", re.DOTALL | re.MULTILINE)
SESSION = re.compile(r"^```console\n(.*?)^```$", re.DOTALL | re.MULTILINE)
COMMAND = re.compile(r"^\$ (.+)\n((?:(?!\$ ).*\n)*)", re.MULTILINE)
ANY = "..."
"""A line of it stands for any lines, and in a line for any text."""
MASKS = {
    r"\d{4}-\d\d-\d\d \d\d:\d\d(:\d\d)?": "TIME",
    r"\b\d\d-\d\d \d\d:\d\d:\d\d": "TIME",
    r"\b[0-9a-f]{12}\b": "ID",
    r"\d{8}T\d{12}": "TIME",
    r"(?<=│ ID │ )(\w+) │ \d+ │": r"\1 │ MS │",
}


def sections(page: str) -> dict[str, list[tuple[str, str]]]:
    """Return the commands of each section of a page that has sessions, with what is said that they print."""
    found = {
        heading: [each for session in SESSION.findall(text) for each in COMMAND.findall(session)]
        for heading, text in SECTION.findall((ROOT / page).read_text("utf-8"))
    }
    return {heading: commands for heading, commands in found.items() if commands}


def differences(commands: list[tuple[str, str]], run: Callable[[list[str]], str]) -> list[str]:
    """Return what each command prints that does not print what the page says."""
    found = []
    for command, expected in commands:
        program, *words = shlex.split(command, comments=True)
        assert program == "linnworks-bridge"
        printed = run(words)
        if not re.fullmatch(_pattern(expected), _plain(printed)):
            found.append(f"$ {command}\n{printed}")
    return found


def _pattern(expected: str) -> str:
    return "".join(
        r"(?:[^\n]*\n)*" if line == ANY else re.escape(line).replace(r"\.\.\.", r"[^\n]*") + r"\n"
        for line in _plain(expected).splitlines()
    )


def _plain(text: str) -> str:
    """Return a text without the frames of tables, equal blanks, and what is another at each time."""
    lines = [" ".join(line.strip("┃│ ").split()) for line in text.splitlines() if line[:1] not in ("┏", "┡", "└")]
    plain = "".join(f"{line}\n" for line in lines if line).replace("┃", "│")
    for pattern, name in MASKS.items():
        plain = re.sub(pattern, name, plain)
    return plain
