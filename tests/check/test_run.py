"""A run of `linnworks-bridge check`: its targets, what it leaves alone, what it tells, and how it ends."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from pathlib import Path
from xml.etree import ElementTree

import pytest
from click.testing import CliRunner

import bridge.check
from bridge.check import Manifest, Options, manifest_of, run_check
from bridge.check.documents import as_json, as_rules
from bridge.check.plays import RULES
from bridge.check.registry import Severity, Verdict
from bridge.cli import main
from tests.check.mutants import goods, wire  # noqa: F401 (they enter their mutants)
from tests.check.mutants.application import CLIENT, Application
from tests.check.mutants.joints import MUTANTS
from tests.check.mutants.serving import Server, served

DOCS = Path(__file__).parents[2] / "docs"
WRITES = ("Despatch", "Cancel", "Refund", "InventoryUpdate", "PriceUpdate", "ListingUpdate", "ListingDelete")


@pytest.fixture(scope="module")
def server() -> Iterator[Server]:
    """A port on which one application after the other answers."""
    with served() as server:
        yield server


@pytest.fixture
def app(server) -> Application:
    """The right application."""
    return server.serve()


@pytest.fixture
def manifest_file(app, tmp_path) -> Path:
    """Its manifest in a file, as the portal has it today."""
    parameters = [{"Name": name, "Value": value} for name, value in app.parameters.items()]
    document = {"LinnworksPermissions": {}, "Modules": [{"Type": "ChannelIntegration", "Parameters": parameters}]}
    (tmp_path / "manifest.json").write_text(json.dumps(document))
    return tmp_path / "manifest.json"


@pytest.fixture
def check(manifest_file, tmp_path):
    """`linnworks-bridge check --manifest` of that file; its output and what it wrote as JSON."""

    def run(*words: str, status: int = 0):
        out = tmp_path / "run.json"
        always = ["check", "--manifest", str(manifest_file), "--patience", "0.15", "--seed", "1", "--json", str(out)]
        result = CliRunner().invoke(main, [*always, *words])

        assert status == result.exit_code, result.output
        return result.output, json.loads(out.read_text()) if out.exists() else {}

    return run


def quietly(app: Application, **wanted) -> bridge.check.Run:
    options = Options(Manifest(app.parameters), **{"seed": 1, "patience": 0.15, **wanted})
    return run_check(options, lambda total: None, lambda words: None)


def verdicts(run: dict) -> dict[str, str]:
    return {rule["id"]: rule["verdict"] for rule in run["rules"]}


PAIRS = {"ChannelName": "SHOP", "OrdersEndpoint": "https://a.example/o"}


@pytest.mark.parametrize(
    "document",
    [
        {
            "modules": [
                {"type": "ChannelIntegration", "parameters": [{"name": k, "value": v} for k, v in PAIRS.items()]}
            ]
        },
        {
            "LinnworksPermissions": {"Read": True},
            "Modules": [
                {"Type": "Macro", "Parameters": []},
                {
                    "Key": 1,
                    "Type": "channelintegration",
                    "Parameters": [{"Name": k.lower(), "Value": v} for k, v in PAIRS.items()],
                },
            ],
        },
        {"LinnworksPermissions": {"Modules": [{"Type": "ChannelIntegration", "Parameters": PAIRS}]}},
    ],
)
def test_a_manifest_is_read_in_every_shape(document):
    """
    The plain one, and what the newer portal wraps around it.
    """
    assert PAIRS == manifest_of(document).given


def test_endpoints_can_be_looked_for_at_another_address():
    """
    The paths of a public manifest are tried on the machine at hand.
    """
    moved = Manifest({"OrdersEndpoint": "https://a.example/api/o?x=1", "ChannelName": "A"}).moved_to(
        "http://[::1]:80/b"
    )

    assert {"OrdersEndpoint": "http://[::1]:80/b/api/o?x=1", "ChannelName": "A"} == moved.given


def test_any_application_is_checked_by_its_manifest(check, manifest_file):
    """
    The endpoints of the manifest are called, and everything is told in a table with counts by area.
    """
    output, run = check()

    assert {"pass"} == set(verdicts(run).values())
    assert re.search(r"Several integrations +7 +- +- +- +-", output)
    assert "0 must failed, 0 should failed, 0 advice, 0 skipped" in output


def test_a_manifest_may_come_from_a_url(server, app):
    """
    A manifest that the application serves itself is fetched.
    """
    app.logo = json.dumps({"modules": [{"type": "ChannelIntegration", "parameters": app.parameters}]}).encode()
    result = CliRunner().invoke(main, ["check", "--manifest", f"{server.url}/logo", "--only", "CFG-05"])

    assert 0 == result.exit_code, result.output


def test_nothing_is_left_behind(app):
    """
    After a run the shop has the stock, prices and products it had, and no integration is left.
    """
    before = json.dumps(app.shop.products)
    quietly(app)

    assert (before, {}) == (json.dumps(app.shop.products), app.integrations)


def test_an_interrupted_run_puts_right_what_it_changed(app):
    """
    Ctrl-C in the middle of the stock checks leaves stock and integrations as they were.
    """
    before = json.dumps(app.shop.products)
    told = []

    def interrupt(words: str) -> None:
        told.append(words)
        if app.shop.products["SKU-0"]["Quantity"] != 10:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        run_check(Options(Manifest(app.parameters), seed=1), lambda total: None, interrupt)

    assert (before, {}) == (json.dumps(app.shop.products), app.integrations)


def test_read_only_changes_nothing_in_the_shop(app):
    """
    With --read-only no call that writes gets through, and the checks that need one say why they are skipped.
    """
    written = []
    for name in WRITES:
        app.answering[name].append(
            lambda answer, body, name=name: None if answer["Error"] or not any(body.values()) else written.append(name)
        )
    before = json.dumps([app.shop.products, app.shop.orders])
    run = quietly(app, read_only=True)
    skipped = {outcome.reason for outcome in run.outcomes if outcome.verdict is Verdict.SKIP}

    assert ([], before) == (written, json.dumps([app.shop.products, app.shop.orders]))
    assert {"it changes the shop"} == skipped
    assert 0 == run.status


def test_rules_are_chosen_by_id_beginning_glob_or_area(app):
    """
    What was asked for is told, and what has to go before it is done unasked.
    """

    def told(*only: str, skip: tuple[str, ...] = ()) -> list[str]:
        return [outcome.check.id for outcome in quietly(app, only=only, skip=skip).outcomes]

    assert ["DSP-02"] == told("DSP-02")
    assert ["MAN-01", "CFG-01"] == told("man-01", "CFG-01")
    assert [f"CFG-0{number}" for number in (1, 2, 3, 4, 5)] == told("CFG-0[1-5]")
    assert {"Farewell"} == {RULES[name].area for name in told("farewell")}
    assert {"Orders"} == {RULES[name].area for name in told("Orders", skip=("ORD-1*",))}
    assert not [name for name in told(skip=("Manifest", "ANS")) if name.startswith(("MAN", "ANS"))]


def test_what_stands_in_the_way_is_told(server):
    """
    A rule that could not be tried names the one it needs, which is told as well.
    """
    app = server.serve(lambda app: app.asked["Orders"].append(lambda body: 1 / 0 if body["PageNumber"] else None))
    run = quietly(app, only=("ORD-08",))

    assert [("ORD-01", "fail"), ("ORD-08", "skip")] == [(one.check.id, one.verdict.value) for one in run.outcomes]
    assert 1 == run.status


@pytest.mark.parametrize("products", [0, 1])
def test_what_a_small_shop_gives_no_occasion_for_is_skipped(server, products):
    """
    A shop without orders, prices or products fails nothing, and each check that was left out says why.
    """

    def shrink(app: Application) -> None:
        app.shop.orders = {}
        app.shop.products = {"A": {"SKU": "A", "Title": "A", "Quantity": 1, "Reference": "1"}} if products else {}

    server.serve(shrink)
    run = quietly(server.app)
    reasons = {one.check.id: one.reason for one in run.outcomes if one.verdict is Verdict.SKIP}

    assert [] == run.broken
    assert "no further paid order" in reasons["PSO-03"]
    assert reasons["DSP-02"] == "needs DSP-01"
    assert ("STK-01" in reasons) is not bool(products)


def test_a_broken_rule_is_explained(server, check, manifest_file):
    """
    Its sentence, what was found, what Linnworks does about it, the page it rests on, request and answer.
    """
    MUTANTS["ORD-08"](server.app)
    output, run = check("--only", "ORD-08", status=1)
    (rule,) = run["rules"]

    for words in ("ORD-08 must", "Of two orders with the same one Linnworks ignores one.", "ep:orders"):
        assert words in output
    assert rule["evidence"]["request"].startswith("POST http://127.0.0.1")
    assert '"ReferenceNumber": "9"' in rule["evidence"]["answer"]
    assert 1 == run["status"]


def test_no_secret_is_told(server, tmp_path):
    """
    Tokens, passwords, client secrets and access tokens are in no evidence, whatever the application sends back.
    """
    app = server.serve(oauth=True)
    tokens = []
    token_of = app.new_token
    app.new_token = lambda: tokens.append(token_of()) or tokens[-1]
    for name in ("Orders", "UserConfig", "SaveConfig"):
        app.answering[name].append(
            lambda answer, body: {"Error": None, "Seen": json.dumps(body), "Bearers": app.bearers and [*app.bearers]}
        )
    answers = {"Password": 'a "quoted" secret', "Key": "the key of the shop"}
    told = json.dumps(as_json(quietly(app, oauth=CLIENT, answers=answers)))

    assert tokens
    assert app.bearers
    assert [] == [secret for secret in (*tokens, *app.bearers, *answers.values(), CLIENT[1]) if secret in told]
    assert "quoted" not in told


def test_a_run_is_written_for_build_servers(server, check, tmp_path):
    """
    JUnit counts a broken must as a failure, and a broken should or advice as skipped with its words.
    """
    for rule in ("ORD-08", "PRD-04", "PRD-05"):
        MUTANTS[rule](server.app)
    check("--junit", str(tmp_path / "run.xml"), "--only", "Orders", "--only", "Products", status=1)
    root = ElementTree.parse(tmp_path / "run.xml").getroot()
    suites = {suite.get("name"): suite for suite in root}
    skipped = [case.get("name", "")[:6] for case in suites["Products"] if case.find("skipped") is not None]
    failed = [case.get("name", "")[:6] for case in suites["Orders"] if case.find("failure") is not None]

    assert ["PRD-04", "PRD-05"] == skipped
    assert ["ORD-08"] == failed
    assert ("1", "18") == (suites["Orders"].get("failures"), suites["Orders"].get("tests"))


def test_a_run_is_a_page_of_its_own(server, check, tmp_path):
    """
    The HTML report needs no other file, and what an application sent stays text in it.
    """
    MUTANTS["ORD-08"](server.app)
    server.app.shop.orders["1"]["ExternalReference"] = "<script>alert(1)</script>"
    check("--html", str(tmp_path / "run.html"), "--only", "Orders", status=1)
    page = (tmp_path / "run.html").read_text()

    assert not re.search(r"<script|<link|<img|src=|@import|url\(", page)
    assert "&lt;script&gt;" in page
    assert "Of two orders with the same one Linnworks ignores one." in page


def test_the_same_seed_makes_the_same_choices(server):
    """
    Two runs of one seed send the same requests; another seed sends others.
    """

    def sent(seed: int) -> list[str]:
        app = server.serve()
        numbers = iter(range(100))
        app.new_token = lambda: f"token-number-{next(numbers):020}"
        seen: list[str] = []
        app.sending.append(lambda name, body, response: seen.append(f"{name} {body['sent']!r}"))
        quietly(app, seed=seed, skip=("INT-07",))
        # the clock is the only other thing that goes in
        return [re.sub(r"20\d\d-\d\d-\d\d[T ][\d:.]+Z?", "then", line) for line in seen]

    assert sent(5) == sent(5) != sent(6)


def test_answers_come_from_a_file_and_from_the_command_line(app, check, tmp_path):
    """
    Secrets need not stand on the command line, where the last word is spoken all the same.
    """
    saved = {}
    save = app.save
    app.save = lambda one, values: (saved.update(values), save(one, values))[1]
    (tmp_path / "answers").write_text("# of the shop\nKey='from the file $HOME'\nPassword=hush\n")
    check("--config-file", str(tmp_path / "answers"), "--config", "Password=louder", "--only", "CFG-08")

    assert {"Key": "from the file $HOME", "Password": "louder"} == saved


@pytest.mark.parametrize("mode", [[], ["--soak", "0.01"]])
def test_made_up_credentials_that_are_refused_are_no_fault(app, check, mode):
    """
    Where only the seller knows what to type, the run stops with status 2 and says how to tell it.
    """

    def refuse(one, values):
        raise ValueError("these are not the keys of any shop")

    app.save = refuse
    output, run = check(*mode, status=2)

    assert "say what to type with --config NAME=VALUE for Key, Password" in " ".join(output.split())
    assert [] == [rule for rule in run["rules"] if rule["verdict"] == "fail" and rule["severity"] == "must"]
    assert not [name for name, verdict in verdicts(run).items() if name.startswith("SOK") and verdict == "pass"]


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["--only", "XYZ-01"], "no rule or area is called XYZ-01"),
        (["--manifest", "setup.cfg.nowhere"], "cannot be read as a manifest"),
        (["--replay", "recorded"], 'recorded line 2 is not {"endpoint": an endpoint, "body": an object}'),
        (["--html", "nowhere/report.html"], "nowhere/report.html cannot be written"),
    ],
)
def test_what_cannot_be_run_is_told_in_a_sentence(check, tmp_path, monkeypatch, words, said):
    """
    Exit status 2, and what to do about it.
    """
    monkeypatch.chdir(tmp_path)
    Path("recorded").write_text('{"endpoint": "Orders", "body": {}}\n{"endpoint": "Nowhere", "body": {}}\n')
    output, _ = check(*words, status=2)

    assert said in output


def test_an_application_with_oauth_wants_a_client(server, check, manifest_file):
    """
    Without --oauth-client nothing could be called, so nothing is tried.
    """
    server.app.with_oauth(server.url)
    document = {"modules": [{"type": "ChannelIntegration", "parameters": server.app.parameters}]}
    manifest_file.write_text(json.dumps(document))
    output, _ = check(status=2)
    check("--oauth-client", ":".join(CLIENT), "--only", "OAuth")

    assert "say which client with --oauth-client ID:SECRET" in output


def test_recorded_calls_are_sent_again(app, check, tmp_path):
    """
    They bear the token of an integration made for them, and their answers are held against the rules of every answer.
    """
    seen = []
    app.sending.append(lambda name, body, response: seen.append((name, body.get("AuthorizationToken"), body["sent"])))
    lines = [
        {
            "endpoint": "OrdersEndpoint",
            "body": {"AuthorizationToken": "theirs", "UTCTimeFrom": "2026-11-01 00:00:00Z", "PageNumber": 1, "New": 1},
        },
        {"endpoint": "https://a.example/api/PriceUpdate", "body": {"AuthorizationToken": "theirs", "Products": []}},
    ]
    (tmp_path / "recorded").write_text("\n".join(map(json.dumps, lines)))
    _, run = check("--replay", str(tmp_path / "recorded"))
    names = [name for name, _, _ in seen]

    assert "replay" == run["mode"]
    assert "pass" == verdicts(run)["REP-01"] == verdicts(run)["ANS-08"]
    assert ["Orders", "PriceUpdate"] == [name for name in names if name in ("Orders", "PriceUpdate")]
    assert "theirs" not in [token for _, token, _ in seen]
    assert any(b'"New": 1' in sent for _, _, sent in seen)


def test_a_soak_tells_how_long_answers_took(app, check):
    """
    By endpoint, with median, 99th percentile and longest, after days of Linnworks for several integrations.
    """
    output, run = check("--soak", "0.01", "--integrations", "2")
    orders = next(row for row in run["latencies"] if row["endpoint"] == "Orders")

    assert "p99 ms" in output
    assert 0 < orders["p50"] <= orders["p99"] <= orders["max"]
    assert {"SOK-01", "SOK-02", "SOK-03", "SOK-04"} <= verdicts(run).keys()
    assert {} == app.integrations


def camel(value):
    """As .NET's own serializer writes it, with numbers for enums."""
    numbers = {"PAID": 0, "UNPAID": 1, "CANCELLED": 2, "STRING": 0, "BOOLEAN": 3, "PASSWORD": 4, "NONE": 0}
    if isinstance(value, dict):
        return {
            key[0].lower() + key[1:]: numbers.get(held, held)
            if key in ("PaymentStatus", "ValueType", "CancelStatus")
            else camel(held)
            for key, held in value.items()
            if key != "Error" or held
        }
    return [camel(element) for element in value] if isinstance(value, list) else value


def test_another_framework_s_habits_break_no_must(server):
    """
    Keys in camelCase, enums as numbers, no Error on success, and neither cancel, refund nor listings: all advice.
    """
    app = server.serve(
        lambda app: [app.answering[name].append(lambda answer, body: camel(answer)) for name in app.parameters]
    )
    for name in list(app.parameters):
        app.answering[name.removesuffix("Endpoint")].append(lambda answer, body: camel(answer))
    for name in ("CancelEndpoint", "RefundEndpoint", "PostSaleOptions"):
        del app.parameters[name]
    app.parameters["IsListingSupported"] = "False"
    run = quietly(app)

    assert [] == [(one.check.id, one.reason) for one in run.broken if one.broken is not Severity.ADVICE]
    assert ["ANS-05", "ANS-17", "ANS-18", "MAN-09"] == sorted(one.check.id for one in run.broken)


def test_every_rule_says_what_it_is_and_what_for():
    """
    An id of its own, a sentence, what Linnworks does otherwise, and a source; needs and order hold together.
    """
    seen: set[str] = set()
    for check in RULES.values():
        assert re.fullmatch(r"[A-Z]{3}-\d\d", check.id)
        assert check.sentence.endswith("."), check.id
        assert check.consequence.endswith("."), check.id
        assert check.source
        assert seen.issuperset(check.needs), check.id
        assert RULES.keys() >= set(check.after)
        seen.add(check.id)


def test_the_page_of_rules_is_up_to_date(run):
    """
    docs/rules.md is what `linnworks-bridge check --list` prints, and the README counts them.
    """
    listed = run("check", "--list")

    assert (DOCS / "rules.md").read_text(encoding="utf-8") == listed == as_rules(RULES.values())
    assert f"[{len(RULES)} rules](docs/rules.md)" in (DOCS.parent / "README.md").read_text(encoding="utf-8")
