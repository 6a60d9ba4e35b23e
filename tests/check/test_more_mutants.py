"""A rule that can be broken in several ways fails for each of them."""

from __future__ import annotations

import pytest

from tests.check.conftest import check_server
from tests.check.mutants.more import MORE

pytestmark = pytest.mark.broad


def test_every_further_mutant_breaks_its_rule(in_process):
    """
    An application that breaks a rule in another way is reported under that rule.
    """
    passed = []
    for name, (rule, change) in MORE.items():
        in_process.serve(change)
        run = check_server(in_process, only=(rule,))
        if not any(result.broken for result in run.results if result.rule.id == rule):
            passed.append(name)

    assert [] == passed
