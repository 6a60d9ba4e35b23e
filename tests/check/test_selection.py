"""Which rules a run tests and reports."""

from __future__ import annotations

from bridge.check.rules import RULES


def test_rules_are_selected_by_id_beginning_glob_or_area(app, run_in_process):
    """
    The selected rules are reported; those they need are tested as well.
    """

    def reported(*only: str, skip: tuple[str, ...] = ()) -> list[str]:
        return [result.rule.id for result in run_in_process(only=only, skip=skip).results]

    assert ["DSP-02"] == reported("DSP-02")
    assert ["MAN-01", "CFG-01"] == reported("man-01", "CFG-01")
    assert [f"CFG-0{number}" for number in (1, 2, 3, 4, 5)] == reported("CFG-0[1-5]")
    assert {"Teardown"} == {RULES[rule_id].area for rule_id in reported("teardown")}
    assert {"Orders"} == {RULES[rule_id].area for rule_id in reported("Orders", skip=("ORD-1*",))}
    assert not [
        rule_id for rule_id in reported(skip=("Manifest", "ANS", "REF")) if rule_id.startswith(("MAN", "ANS", "REF"))
    ]


def test_a_needed_rule_that_failed_is_reported(in_process, run_in_process):
    """
    A rule that could not be tested names the one it needs, which is reported as well.
    """
    in_process.serve(lambda app: app.request_hooks["Orders"].append(lambda body: 1 / 0 if body["PageNumber"] else None))
    run = run_in_process(only=("ORD-08",))

    assert [("ORD-01", "fail"), ("ORD-08", "skip")] == [(r.rule.id, r.verdict.value) for r in run.results]
    assert 1 == run.exit_status
