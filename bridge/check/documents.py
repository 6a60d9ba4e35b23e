"""A run as a file: JSON for programmes, JUnit for build servers, HTML for people; and the page of all rules."""

from __future__ import annotations

from collections.abc import Iterable
from itertools import groupby
from pathlib import Path
from typing import Any
from xml.etree import ElementTree

import jinja2

from bridge.check.registry import Check, Outcome, Severity, Verdict
from bridge.check.report import WORDS
from bridge.check.run import Run

# What XML cannot hold in any form; an answer may bear anything.
_UNSPEAKABLE = dict.fromkeys((*range(9), 11, 12, *range(14, 32), 65534, 65535), "�")


def as_json(run: Run) -> dict[str, Any]:
    """Everything there is to know of a run."""
    return {
        "target": run.target,
        "mode": run.mode,
        "seed": run.seed,
        "begun": f"{run.begun:%Y-%m-%dT%H:%M:%SZ}",
        "seconds": round(run.seconds, 3),
        "status": run.status,
        "stuck": run.stuck,
        "counts": {words: run.count(what) for what, words in WORDS.items()},
        "rules": [_row(outcome) for outcome in run.outcomes],
        "latencies": [
            {"endpoint": one.endpoint, "calls": one.calls, "p50": one.p50, "p99": one.p99, "max": one.most}
            for one in run.latencies
        ],
    }


def _row(outcome: Outcome) -> dict[str, Any]:
    check, evidence = outcome.check, outcome.evidence
    return {
        "id": check.id,
        "area": check.area,
        "sentence": check.sentence,
        "severity": check.severity.value,
        "source": check.source,
        "consequence": check.consequence,
        "verdict": outcome.verdict.value,
        "reason": outcome.reason,
        "seconds": round(outcome.seconds, 3),
        "evidence": {"request": evidence.request, "answer": evidence.answer} if evidence else None,
    }


def as_junit(run: Run) -> str:
    """A suite for each area. Only a broken must-rule is a failure; other broken rules are skipped, with their words."""
    root = ElementTree.Element("testsuites", name="linnworks-bridge check", time=f"{run.seconds:.3f}")
    for area, outcomes in run.areas.items():
        failures = sum(outcome.broken is Severity.MUST for outcome in outcomes)
        skipped = sum(outcome.verdict is not Verdict.PASS for outcome in outcomes) - failures
        suite = ElementTree.SubElement(
            root,
            "testsuite",
            name=area,
            tests=str(len(outcomes)),
            failures=str(failures),
            errors="0",
            skipped=str(skipped),
            time=f"{sum(outcome.seconds for outcome in outcomes):.3f}",
        )
        for outcome in outcomes:
            _case(suite, outcome)
    ElementTree.indent(root)
    return ElementTree.tostring(root, encoding="unicode", xml_declaration=True) + "\n"


def _case(suite: ElementTree.Element, outcome: Outcome) -> None:
    check = outcome.check
    name = f"{check.id} {check.sentence}"
    case = ElementTree.SubElement(suite, "testcase", classname=check.area, name=name, time=f"{outcome.seconds:.3f}")
    if outcome.broken is Severity.MUST:
        failure = ElementTree.SubElement(case, "failure", type="must", message=_speakable(outcome.reason))
        lines = [check.consequence, f"Source: {check.source}"]
        if outcome.evidence:
            lines += ["", outcome.evidence.request, "", outcome.evidence.answer]
        failure.text = _speakable("\n".join(lines))
    elif outcome.verdict is not Verdict.PASS:
        softer = f"{check.severity.value}: " if outcome.broken else ""
        ElementTree.SubElement(case, "skipped", message=_speakable(softer + outcome.reason))


def _speakable(words: str) -> str:
    return words.encode("utf-8", "replace").decode().translate(_UNSPEAKABLE)


def as_html(run: Run) -> str:
    """One page that needs nothing else."""
    environment = jinja2.Environment(autoescape=True, trim_blocks=True, lstrip_blocks=True)
    template = environment.from_string((Path(__file__).parent / "report.html").read_text(encoding="utf-8"))
    return template.render(run=run, words=WORDS, Verdict=Verdict, Severity=Severity)


def as_rules(checks: Iterable[Check]) -> str:
    """The page of all rules, in Markdown."""
    lines = [
        "# The rules of `linnworks-bridge check`",
        "",
        "Written by `linnworks-bridge check --list`. A rule is a **must** where a page of the protocol says so,",
        "a **should** where it follows from one, and **advice** where sources disagree or it is merely wise; only",
        "a broken must makes the exit status 1. Sources are the page names of apidocs.linnworks.net, where `ep:`",
        "stands for `channel-integration-endpoint-`. Rules marked *changes the shop* are left out with `--read-only`.",
    ]
    for area, rules in groupby(checks, key=lambda check: check.area):
        lines += ["", f"## {area}", "", "| Rule | | What it says | What Linnworks does otherwise | Source |"]
        lines.append("| --- | --- | --- | --- | --- |")
        for check in rules:
            mark = " *Changes the shop.*" if check.changes else ""
            cells = (check.id, check.severity.value, check.sentence + mark, check.consequence, check.source)
            lines.append(f"| {' | '.join(cell.replace('|', chr(92) + '|') for cell in cells)} |")
    return "\n".join(lines) + "\n"
