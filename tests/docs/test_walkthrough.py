"""The walkthrough with curl works as it is printed."""

from __future__ import annotations

import json
import os
import re
import sys
from pathlib import Path

import pytest

from bridge.ops.temporary_server import temporary_server
from tests.docs.pages import ROOT, blocks, run_shell

pytestmark = pytest.mark.service

PAGE = ROOT / "docs/walkthrough.md"
TOKEN = "7947e4e0065a9d64b3289ff2faf32ccb"
NEXT = "== the next block =="


def test_the_walkthrough_answers_as_it_says(tmp_path):
    """
    The commands, one after the other on a new installation, get the answers that stand below them.
    """
    first, first_answer, *rest = blocks(PAGE)
    environ = {
        "PATH": f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}",
        "PYTHONPATH": os.environ.get("PYTHONPATH", ""),
        "BRIDGE_DATA_DIR": str(tmp_path / "data"),
    }
    with temporary_server(tmp_path / "data") as url:
        begin = first.text.replace("http://127.0.0.1:8080", url)
        begun = run_shell(begin, tmp_path, **environ)
        token = json.loads(begun)["AuthorizationToken"]
        shell = [one.text.replace(TOKEN, token) for one in rest if one.language == "sh"]
        script = f"\necho '{NEXT}'\n".join([begin.partition("\n")[0], *shell])
        printed = run_shell(script, tmp_path, **environ).split(NEXT)[1:]

    assert re.fullmatch(_pattern(first_answer.text.replace(TOKEN, "...")), begun.strip())
    answers = iter(printed)
    for block, after in zip(rest, [*rest[1:], None], strict=True):
        if block.language == "sh":
            answered = [line for line in next(answers).splitlines() if line.startswith("{")]
            expected = after.text if after and after.language == "json" else ""

            assert len(answered) == f"\n{expected}".count("\n{")
            assert re.fullmatch(_pattern(expected), "\n".join(answered)), answered


def _pattern(expected: str) -> str:
    """Return a pattern for answers of which `...` stands for any part; a line that begins with a blank goes on."""
    return re.escape(expected.strip().replace("\n ", "")).replace(r"\.\.\.", r"[^\n]*")
