"""The Markdown page of all rules."""

from __future__ import annotations

from collections.abc import Iterable
from itertools import groupby

from bridge.check.rule import Rule

INTRODUCTION = """\
# The rules of `linnworks-bridge check`

Generated with `linnworks-bridge check --list`. A rule is a **must** when a page of the protocol says so, or when
breaking it loses an order, doubles money, leaves stock or a price wrong, or tells a secret. Where the page itself is
silent, the source says *follows from*. A rule is a **should** when breaking it does less harm, and **advice** when
sources disagree or it is only wise. Only a broken must makes the exit status 1, with `--strict` a broken should as
well. Sources are page names of apidocs.linnworks.net, where `ep:` stands for `channel-integration-endpoint-`.
Rules marked *changes the shop* are skipped with `--read-only`."""
COLUMNS = ("Rule", "", "What it says", "What happens in Linnworks when it is broken", "Source")


def rules_page(rules: Iterable[Rule]) -> str:
    """Return the page of these rules, a table for each area."""
    lines = [INTRODUCTION]
    for area, rules_of_area in groupby(rules, key=lambda rule: rule.area):
        lines += ["", f"## {area}", "", _table_row(*COLUMNS), _table_row(*["---"] * len(COLUMNS))]
        for rule in rules_of_area:
            sentence = rule.sentence + (" *Changes the shop.*" if rule.changes_shop else "")
            lines.append(_table_row(rule.id, rule.severity.value, sentence, rule.consequence, rule.source))
    return "\n".join(lines) + "\n"


def _table_row(*cells: str) -> str:
    return f"| {' | '.join(cell.replace('|', chr(92) + '|') for cell in cells)} |"
