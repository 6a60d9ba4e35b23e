from __future__ import annotations

import pytest
from click.testing import CliRunner

from bridge.cli import main


@pytest.fixture
def init(tmp_path, monkeypatch):
    """Run the command in an empty folder; return its output."""
    monkeypatch.chdir(tmp_path)

    def invoke(*arguments: str, status: int = 0, answers: str | None = None) -> str:
        result = CliRunner().invoke(main, ["init", *arguments], input=answers)

        assert status == result.exit_code, result.output
        return result.output

    return invoke
