from __future__ import annotations

from pathlib import Path

from bridge.check.rules import RULES
from bridge.check.rules_page import rules_page

DOCS = Path(__file__).parents[2] / "docs"


def test_the_page_of_rules_is_up_to_date(run):
    """
    docs/rules.md is the output of `linnworks-bridge check --list`, and the README has the number of rules.
    """
    output = run("check", "--list")

    assert (DOCS / "rules.md").read_text(encoding="utf-8") == output == rules_page(RULES.values())
    assert f"[{len(RULES)} rules](docs/rules.md)" in (DOCS.parent / "README.md").read_text(encoding="utf-8")
