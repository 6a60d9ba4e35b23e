"""The pages of the documentation, and what is in them."""

from __future__ import annotations

import re
import subprocess
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).parents[2]
PAGES = [*sorted(ROOT.glob("*.md")), *sorted(ROOT.glob("docs/*.md"))]
BLOCK = re.compile(r"^( *)```(\w*)\n(.*?)^\1```$", re.DOTALL | re.MULTILINE)


@dataclass(frozen=True)
class Block:
    """A block of code: its page, its language, its lines."""

    page: str
    language: str
    text: str

    @property
    def name(self) -> tuple[str, str]:
        """The page and the first line, by which tests name it."""
        return self.page, self.text.partition("\n")[0].strip()


def name_of(page: Path) -> str:
    return page.relative_to(ROOT).as_posix()


def blocks(page: Path) -> list[Block]:
    """Return the blocks of code of a page."""
    return [Block(name_of(page), language, text) for _, language, text in BLOCK.findall(page.read_text("utf-8"))]


def block(page: str, beginning: str) -> str:
    """Return the text of the only block of a page that begins with these words."""
    (found,) = (one.text for one in blocks(ROOT / page) if one.text.lstrip().startswith(beginning))
    return found


def prose(page: Path) -> str:
    """Return a page without its blocks of code."""
    return BLOCK.sub("", page.read_text("utf-8"))


def run_shell(script: str, folder: Path, **environ: str) -> str:
    """Run a block of shell commands and return what it prints; fails where a command does."""
    done = subprocess.run(
        ["bash", "-euo", "pipefail", "-c", script],
        cwd=folder,
        env=environ,
        capture_output=True,
        text=True,
        timeout=300,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout
