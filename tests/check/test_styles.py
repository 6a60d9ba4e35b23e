"""What is only written differently is no fault."""

from __future__ import annotations

import pytest

from bridge.check.rule import RuleSeverity
from tests.check.conftest import check_server
from tests.check.mutants.styles import STYLES

USUAL = "as_the_c_sharp_sample"
"""The style that the usual run plays."""


@pytest.mark.broad
@pytest.mark.parametrize(
    "name", [name if name == USUAL else pytest.param(name, marks=pytest.mark.full) for name in STYLES]
)
def test_a_harmless_style_breaks_no_rule(in_process, name):
    """
    Nothing is a must or a should, and of the advice only what the style is about.
    """
    change, advice = STYLES[name]
    in_process.serve(change)
    run = check_server(in_process)

    assert [] == [(r.rule.id, r.reason) for r in run.broken if r.broken is not RuleSeverity.ADVICE]
    assert sorted(advice) == sorted(result.rule.id for result in run.broken)
