"""The reports of `linnworks-bridge check` in the terminal and in files."""

from __future__ import annotations

import re
from xml.etree import ElementTree

import pytest

from tests.check.conftest import verdicts
from tests.check.mutants.builders import MUTANTS


def test_results_are_counted_by_area(check_command):
    """
    The terminal shows a table with one row for each area, and the totals.
    """
    output, report = check_command("--only", "Connecting", "--only", "Several integrations")

    assert {"pass"} == set(verdicts(report).values())
    assert re.search(r"Several integrations +9 +- +- +- +-", output)
    assert "16 passed, 0 must failed, 0 should failed, 0 advice, 0 skipped" in output


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


@pytest.mark.parametrize(
    ("option", "failed", "warned"),
    [((), ["ORD-08"], ["PRD-04", "PRD-05"]), (("--strict",), ["PRD-04", "ORD-08"], ["PRD-05"])],
    ids=["must", "strict"],
)
def test_a_junit_report_fails_for_what_makes_the_run_fail(http_app, check_command, tmp_path, option, failed, warned):
    """
    A broken must is a failure, with --strict a broken should as well; any other is a warning, and none is skipped.
    """
    for rule in ("ORD-08", "PRD-04", "PRD-05"):
        MUTANTS[rule](http_app)
    only = ("--only", "ORD-08", "--only", "Products")
    check_command("--junit", str(tmp_path / "run.xml"), *only, *option, status=1)
    root = ElementTree.parse(tmp_path / "run.xml").getroot()

    def cases(element: str) -> list[str]:
        return [case.get("name", "")[:6] for case in root.iter("testcase") if case.find(element) is not None]

    assert (failed, warned, []) == (cases("failure"), cases("system-out"), cases("skipped"))
    assert len(failed) == sum(int(suite.get("failures", "")) for suite in root)


def test_a_report_begins_with_what_to_fix_first(http_app, check_command, tmp_path):
    """
    One missing endpoint and an unchecked token are two findings, which name the rules that follow and those that wait.
    """
    http_app.find = lambda token: http_app.integrations[min(http_app.integrations, default=token)]
    http_app.response_hooks.append(lambda name, body, response: name == "Orders" and setattr(response, "status", 404))
    page = str(tmp_path / "run.html")
    output, report = check_command("--format", "short", "--html", page, status=1)
    first = {cause["id"]: cause for cause in report["fix_first"]}

    assert ["Orders"] == report["endpoints"]["status 404"]
    assert ["ANS-01"] == first["MAN-07"]["follow"]
    assert {"ORD-01", "ORD-08", "DSP-01", "PSO-01"} <= {*first["MAN-07"]["wait"]}
    assert {"REF-01", "REF-02", "REF-04", "REF-12", "END-03"} <= {*first["REF-03"]["follow"]}
    assert {"MAN-07", "REF-03"} <= {cause["id"] for cause in report["fix_first"][:3]}
    assert output.index("status 404") < output.index("Fix these first") < output.index("1. ")
    assert "Fix these first" in (tmp_path / "run.html").read_text()


def test_an_application_that_refuses_the_space_is_checked_further(http_app, check_command):
    """
    ORD-06 names the cause, and the orders are downloaded with the ISO form.
    """

    def refuse(body):
        if " " in body["UTCTimeFrom"] and body["UTCTimeFrom"].endswith("Z"):
            raise ValueError("no ISO time")

    http_app.request_hooks["Orders"].append(refuse)
    _, report = check_command("--only", "Orders", "--only", "DSP-01", status=1)

    assert ["ORD-06"] == [name for name, verdict in verdicts(report).items() if verdict != "pass"]


def test_the_limit_of_new_integrations_is_waited_for(http_app, check_command):
    """
    An AddNewUser that is refused because there were too many is sent again.
    """
    refusals = iter([True, True])

    def limit(body):
        if next(refusals, False):
            raise ValueError("Too many new integrations come from this address, try again in 0 seconds")

    http_app.request_hooks["AddNewUser"].append(limit)
    check_command("--only", "CFG-01", "--patience", "5")


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
    assert 'class="tile must"><b>1<' in page
    assert 'class="tile none"><b>0<' in page
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


def test_an_application_that_crashes_is_distinguished_from_another_status(http_app, check_command):
    """ANS-01 says that the last requests got no response."""
    calls = []

    def crash(name, body, response):
        calls.append(name)
        if "ConfigTest" in calls:
            raise ConnectionAbortedError

    http_app.response_hooks.append(crash)
    output, _ = check_command("--only", "CFG-14", "--only", "ANS-01", "--format", "short", status=1)

    assert "the last requests got no response, as after a crash of the application" in " ".join(output.split())
