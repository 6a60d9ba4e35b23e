"""The options of `linnworks-bridge check`."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from bridge.check import wizard
from tests.check.conftest import verdicts
from tests.check.mutants.application import CLIENT
from tests.check.mutants.builders import MUTANTS


def test_config_values_come_from_a_file_and_the_command_line(http_app, check_command, tmp_path):
    """
    Secrets need not be on the command line, which overrides the file.
    """
    saved = {}
    save = http_app.save
    http_app.save = lambda integration, values: (saved.update(values), save(integration, values))[1]
    (tmp_path / "values").write_text("# of the shop\nKey='from the file $HOME'\nPassword=file\n")
    check_command("--config-file", str(tmp_path / "values"), "--config", "Size=large", "--only", "CFG-08")

    assert {"Key": "from the file $HOME", "Password": "file"} == saved


@pytest.mark.parametrize("option", [["--config", "Password=secret"], ["--oauth-client", "id:secret"]])
def test_secrets_on_the_command_line_are_refused(check_command, option):
    """
    Every user of the machine sees them there.
    """
    output, _ = check_command(*option, status=2 if option[0] == "--config" else 1)

    assert "can see a command's arguments" in " ".join(output.split())
    assert "id:secret" not in output


@pytest.mark.parametrize("mode", [["--only", "Configuration"], ["--soak", "0.01"]], ids=["check", "soak"])
def test_rejecting_made_up_credentials_breaks_no_rule(http_app, check_command, mode):
    """
    When only the seller knows the values, the run stops with status 2 and says how to give them.
    """

    def reject(integration, values):
        raise ValueError("these are not the keys of any shop")

    http_app.save = reject
    output, report = check_command(*mode, status=2)

    assert "give the real ones with --config-file, lines of NAME=VALUE, for Key, Password" in " ".join(output.split())
    assert [] == [rule for rule in report["rules"] if rule["verdict"] == "fail" and rule["severity"] == "must"]
    assert not [name for name, verdict in verdicts(report).items() if name.startswith("SOK") and verdict == "pass"]


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["--only", "XYZ-01"], "no rule or area is called XYZ-01"),
        (["--manifest", "setup.cfg.nowhere"], "cannot be read as a manifest"),
        (["--replay", "recorded"], 'recorded line 2 is not {"endpoint": an endpoint, "body": an object}'),
        (["--html", "nowhere/report.html"], "nowhere/report.html cannot be written"),
    ],
    ids=["only", "manifest", "replay", "html"],
)
def test_options_that_do_not_work_are_explained(check_command, tmp_path, monkeypatch, arguments, message):
    """
    The exit status is 2, and the message says what to do.
    """
    monkeypatch.chdir(tmp_path)
    Path("recorded").write_text('{"endpoint": "Orders", "body": {}}\n{"endpoint": "Nowhere", "body": {}}\n')
    output, _ = check_command(*arguments, status=2)

    assert message in output


def test_an_application_with_oauth_requires_a_client(over_http, http_app, check_command, manifest_file, tmp_path):
    """
    Without --oauth-client no call could succeed, so the run does not start.
    """
    http_app.with_oauth(over_http.url)
    document = {"modules": [{"type": "ChannelIntegration", "parameters": http_app.parameters}]}
    manifest_file.write_text(json.dumps(document))
    output, _ = check_command(status=2)
    (tmp_path / "client").write_text(":".join(CLIENT) + "\n")
    check_command("--oauth-client", str(tmp_path / "client"), "--only", "OAuth")

    assert "give a client with --oauth-client FILE" in output


def test_a_manifest_that_hides_oauth_is_noticed(http_app, check_command):
    """
    When the calls are rejected for want of an access token, the first finding says how to give a client.
    """
    http_app.requires_bearer_token = True
    _, report = check_command("--only", "CFG-01", status=1)

    assert "give a client with --oauth-client FILE" in report["rules"][0]["reason"]


def test_the_severity_that_fails_can_be_chosen(http_app, check_command):
    """
    A broken should makes the run fail with --strict, and not without.
    """
    MUTANTS["ORD-02"](http_app)
    check_command("--only", "ORD-02", status=0)
    check_command("--only", "ORD-02", "--strict", status=1)
    check_command("--only", "ORD-02", "--fail-on", "advice", status=1)


def test_a_killed_run_can_be_repeated_with_its_seed(http_app, check_command):
    """
    When the integrations of a run are still there, a run with its seed takes other names.
    """
    http_app.ConfigDeleted = lambda body: {}
    check_command("--only", "Several integrations")
    check_command("--only", "Several integrations")

    assert 2 == len({i.name[:14] for i in http_app.integrations.values() if i.step == "UserConfig"})


def test_an_interrupted_command_ends_with_130(http_app, check_command, monkeypatch):
    """
    Ctrl-C deletes the integrations, and the exit status is that of an interrupted program.
    """

    def interrupt(context, integration):
        raise KeyboardInterrupt

    monkeypatch.setattr(wizard, "complete", interrupt)
    output, _ = check_command("--only", "CFG-09", status=130)

    assert "Interrupted" in output
    assert {} == http_app.integrations


def test_recorded_calls_are_sent_again(http_app, check_command, tmp_path):
    """
    They have the token of a new integration, which they do not delete, and the rules about every response apply.
    """
    requests = []
    http_app.response_hooks.append(
        lambda name, body, response: requests.append((name, body.get("AuthorizationToken"), body["sent"]))
    )
    lines = [
        {"endpoint": "ConfigDeleted", "body": {"AuthorizationToken": "theirs"}},
        {
            "endpoint": "OrdersEndpoint",
            "body": {"AuthorizationToken": "theirs", "UTCTimeFrom": "2026-11-01 00:00:00Z", "PageNumber": 1, "New": 1},
        },
        {"endpoint": "https://a.example/api/PriceUpdate", "body": {"AuthorizationToken": "theirs", "Products": []}},
        {"endpoint": "CheckFeed", "body": {"AuthorizationToken": "theirs", "ChannelFeedId": "unknown"}},
    ]
    (tmp_path / "recorded").write_text("\n".join(map(json.dumps, lines)))
    output, report = check_command("--replay", str(tmp_path / "recorded"))
    names = [name for name, _, _ in requests]

    assert "replay" == report["mode"]
    assert "pass" == verdicts(report)["REP-01"] == verdicts(report)["ANS-08"]
    assert ["Orders", "PriceUpdate"] == [name for name in names if name in ("Orders", "PriceUpdate")]
    assert "1 of 3 recorded calls were answered with an Error: CheckFeed 1" in output
    assert 1 == names.count("ConfigDeleted")
    assert "theirs" not in [token for _, token, _ in requests]
    assert any(b'"New": 1' in sent for _, _, sent in requests)
