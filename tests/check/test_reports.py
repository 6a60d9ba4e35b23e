"""The reports of `linnworks-bridge check` in the terminal and in files."""

from __future__ import annotations

import re
from xml.etree import ElementTree

from tests.check.conftest import verdicts
from tests.check.mutants.builders import MUTANTS


def test_results_are_counted_by_area(check_command):
    """
    The terminal shows a table with one row for each area, and the totals.
    """
    output, report = check_command("--only", "Connecting", "--only", "Several integrations")

    assert {"pass"} == set(verdicts(report).values())
    assert re.search(r"Several integrations +7 +- +- +- +-", output)
    assert "13 passed, 0 must failed, 0 should failed, 0 advice, 0 skipped" in output


def test_a_broken_rule_is_explained(http_app, check_command):
    """
    The terminal shows its sentence, the problem, the consequence, the source, and the report has the evidence.
    """
    MUTANTS["ORD-08"](http_app)
    output, report = check_command("--only", "ORD-08", status=1)
    output = " ".join(output.split())
    (rule,) = report["rules"]

    for text in ("ORD-08 must", "Linnworks ignores one of two orders with the same ReferenceNumber.", "ep:orders"):
        assert text in output
    assert rule["evidence"]["request"].startswith("POST http://127.0.0.1")
    assert '"ReferenceNumber": "9"' in rule["evidence"]["response"]
    assert 1 == report["exit_status"]


def test_a_junit_report_fails_only_for_must_rules(http_app, check_command, tmp_path):
    """
    A broken must is a failure; a broken should or advice is skipped with its reason.
    """
    for rule in ("ORD-08", "PRD-04", "PRD-05"):
        MUTANTS[rule](http_app)
    check_command("--junit", str(tmp_path / "run.xml"), "--only", "Orders", "--only", "Products", status=1)
    root = ElementTree.parse(tmp_path / "run.xml").getroot()
    suites = {suite.get("name"): suite for suite in root}
    skipped = [case.get("name", "")[:6] for case in suites["Products"] if case.find("skipped") is not None]
    failed = [case.get("name", "")[:6] for case in suites["Orders"] if case.find("failure") is not None]

    assert ["PRD-04", "PRD-05"] == skipped
    assert ["ORD-08"] == failed
    assert ("1", "18") == (suites["Orders"].get("failures"), suites["Orders"].get("tests"))


def test_an_html_report_needs_no_other_file(http_app, check_command, tmp_path):
    """
    It loads nothing, and markup in a response stays text.
    """
    MUTANTS["ORD-08"](http_app)
    http_app.shop.orders["1"]["ExternalReference"] = "<script>alert(1)</script>"
    check_command("--html", str(tmp_path / "run.html"), "--only", "Orders", status=1)
    page = (tmp_path / "run.html").read_text()

    assert not re.search(r"<script|<link|<img|src=|@import|url\(", page)
    assert "&lt;script&gt;" in page
    assert "Linnworks ignores one of two orders with the same ReferenceNumber." in page


def test_a_soak_reports_response_times(http_app, check_command):
    """
    The report has the median, the 99th percentile and the maximum of each endpoint.
    """
    output, report = check_command("--soak", "0.01", "--integrations", "2")
    orders = next(row for row in report["latencies"] if row["endpoint"] == "Orders")

    assert "p99 ms" in output
    assert 0 < orders["p50"] <= orders["p99"] <= orders["max"]
    assert {"SOK-01", "SOK-02", "SOK-03", "SOK-04"} <= verdicts(report).keys()
    assert {} == http_app.integrations
