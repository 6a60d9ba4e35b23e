"""The report of a run as a file: JSON for programs, JUnit for build servers, HTML for people."""

from __future__ import annotations

from pathlib import Path
from typing import Any
from xml.etree import ElementTree

import jinja2

from bridge.check.causes import MAX_CAUSES, Cause
from bridge.check.endpoint_states import ANSWERS
from bridge.check.rule import RuleSeverity
from bridge.check.run import LABELS, CheckRun
from bridge.check.runner import RuleResult, Verdict

# XML has no way to represent these characters, and a response may contain any.
_NOT_IN_XML = dict.fromkeys((*range(9), 11, 12, *range(14, 32), 65534, 65535), "\N{REPLACEMENT CHARACTER}")


def as_json(run: CheckRun) -> dict[str, Any]:
    """Return all that is known about a run, as JSON values."""
    return {
        "target": run.target,
        "mode": run.mode,
        "seed": run.seed,
        "started": f"{run.started:%Y-%m-%dT%H:%M:%SZ}",
        "seconds": round(run.seconds, 3),
        "exit_status": run.exit_status,
        "missing_config": run.missing_config,
        "fail_on": run.fail_on.value,
        "notes": run.notes,
        "endpoints": run.endpoints,
        "fix_first": [_cause_as_json(cause) for cause in run.causes],
        "counts": {label: run.count(status) for status, label in LABELS.items()},
        "rules": [_result_as_json(result) for result in run.results],
        "latencies": [
            {
                "endpoint": latency.endpoint,
                "calls": latency.calls,
                "p50": latency.p50,
                "p99": latency.p99,
                "max": latency.maximum,
            }
            for latency in run.latencies
        ],
    }


def _cause_as_json(cause: Cause) -> dict[str, Any]:
    return {
        "id": cause.result.rule.id,
        "severity": cause.severity.value,
        "reason": cause.result.reason,
        "follow": [result.rule.id for result in cause.followers],
        "wait": [result.rule.id for result in cause.waiting],
    }


def _result_as_json(result: RuleResult) -> dict[str, Any]:
    rule, evidence = result.rule, result.evidence
    return {
        "id": rule.id,
        "area": rule.area,
        "sentence": rule.sentence,
        "severity": rule.severity.value,
        "source": rule.source,
        "consequence": rule.consequence,
        "verdict": result.verdict.value,
        "reason": result.reason,
        "seconds": round(result.seconds, 3),
        "evidence": {"request": evidence.request, "response": evidence.response} if evidence else None,
    }


def as_junit(run: CheckRun) -> str:
    """Return a JUnit document with one suite per area.

    A broken rule that makes the run fail is a failure; any other one has passed, with a warning in its system-out.
    """
    root = ElementTree.Element("testsuites", name="linnworks-bridge check", time=f"{run.seconds:.3f}")
    for area, results in run.areas.items():
        failures = sum(map(run.fails, results))
        skipped = sum(result.verdict is Verdict.SKIP for result in results)
        suite = ElementTree.SubElement(
            root,
            "testsuite",
            name=area,
            tests=str(len(results)),
            failures=str(failures),
            errors="0",
            skipped=str(skipped),
            time=f"{sum(result.seconds for result in results):.3f}",
        )
        for result in results:
            _add_case(suite, result, run.fails(result))
    ElementTree.indent(root)
    return ElementTree.tostring(root, encoding="unicode", xml_declaration=True) + "\n"


def _add_case(suite: ElementTree.Element, result: RuleResult, fails: bool) -> None:
    rule = result.rule
    name = f"{rule.id} {rule.sentence}"
    case = ElementTree.SubElement(suite, "testcase", classname=rule.area, name=name, time=f"{result.seconds:.3f}")
    if result.verdict is Verdict.SKIP:
        ElementTree.SubElement(case, "skipped", message=_xml_text(result.reason))
    if not result.broken:
        return
    lines = [rule.consequence, f"Source: {rule.source}"]
    if result.evidence:
        lines += ["", result.evidence.request, "", result.evidence.response]
    if fails:
        failure = ElementTree.SubElement(case, "failure", type=rule.severity.value, message=_xml_text(result.reason))
        failure.text = _xml_text("\n".join(lines))
    else:
        warning = ElementTree.SubElement(case, "system-out")
        warning.text = _xml_text("\n".join([f"warning ({rule.severity.value}): {result.reason}", *lines]))


def _xml_text(text: str) -> str:
    return text.encode("utf-8", "replace").decode().translate(_NOT_IN_XML)


def as_html(run: CheckRun) -> str:
    """Return a page that needs no other file."""
    environment = jinja2.Environment(autoescape=True, trim_blocks=True, lstrip_blocks=True)
    template = environment.from_string((Path(__file__).parent / "report.html").read_text(encoding="utf-8"))
    return template.render(
        run=run, labels=LABELS, Verdict=Verdict, Severity=RuleSeverity, answers=ANSWERS, max_causes=MAX_CAUSES
    )
