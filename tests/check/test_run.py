"""What a run of `linnworks-bridge check` does to the shop, and how it treats unusual applications."""

from __future__ import annotations

import json
import re

import pytest

from bridge.check.report_files import as_json
from bridge.check.runner import Verdict
from tests.check.mutants.application import CLIENT, Application
from tests.check.mutants.builders import MUTANTS

pytestmark = pytest.mark.broad

CHANGING_CALLS = (
    "Despatch",
    "Cancel",
    "Refund",
    "InventoryUpdate",
    "PriceUpdate",
    "ListingUpdate",
    "ListingDelete",
)


def test_the_shop_is_restored(app, run_in_process):
    """
    After a run the shop has its stock, prices and products again, and no integration remains.
    """
    before = json.dumps(app.shop.products)
    run_in_process()

    assert (before, {}) == (json.dumps(app.shop.products), app.integrations)


def test_an_interrupted_run_restores_the_shop(app, run_in_process):
    """
    Ctrl-C during the stock rules leaves stock and integrations as they were.
    """
    before = json.dumps(app.shop.products)

    def interrupt(message: str) -> None:
        if app.shop.products["SKU-0"]["Quantity"] != 10:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        run_in_process(interrupt)

    assert (before, {}) == (json.dumps(app.shop.products), app.integrations)


def test_read_only_changes_nothing_in_the_shop(app, run_in_process):
    """
    With --read-only no call changes the shop, and the rules that need one are skipped with this reason.
    """
    changes = []
    for name in CHANGING_CALLS:
        app.body_hooks[name].append(
            lambda result, body, name=name: None if result["Error"] or not any(body.values()) else changes.append(name)
        )
    before = json.dumps([app.shop.products, app.shop.orders])
    run = run_in_process(read_only=True)
    reasons = {result.reason for result in run.results if result.verdict is Verdict.SKIP}

    assert ([], before) == (changes, json.dumps([app.shop.products, app.shop.orders]))
    assert {"it changes the shop"} == reasons
    assert 0 == run.exit_status


@pytest.mark.parametrize("products", [0, 1])
def test_rules_that_a_small_shop_cannot_test_are_skipped(in_process, run_in_process, products):
    """
    A shop without orders, prices or products breaks no rule, and every skipped rule has a reason.
    """

    def shrink(app: Application) -> None:
        app.shop.orders = {}
        app.shop.products = {"A": {"SKU": "A", "Title": "A", "Quantity": 1, "Reference": "1"}} if products else {}

    in_process.serve(shrink)
    run = run_in_process()
    reasons = {result.rule.id: result.reason for result in run.results if result.verdict is Verdict.SKIP}

    assert [] == run.broken
    assert "no further paid order" in reasons["PSO-03"]
    assert reasons["DSP-02"] == "needs DSP-01"
    assert ("STK-01" in reasons) is not bool(products)


def test_no_secret_is_reported(in_process, run_in_process):
    """
    No evidence contains tokens, passwords, client secrets or access tokens, even if the application returns them.
    """
    app = in_process.serve(oauth=True)
    tokens = []
    new_token = app.new_token
    app.new_token = lambda: tokens.append(new_token()) or tokens[-1]
    for name in ("Orders", "UserConfig", "SaveConfig"):
        app.body_hooks[name].append(
            lambda result, body: {"Error": None, "Seen": json.dumps(body), "Bearers": app.bearers and [*app.bearers]}
        )
    config = {"Password": 'a "quoted" secret', "Key": "the key of the shop"}
    report = json.dumps(as_json(run_in_process(oauth=CLIENT, config=config)))

    assert tokens
    assert app.bearers
    assert [] == [secret for secret in (*tokens, *app.bearers, *config.values(), CLIENT[1]) if secret in report]
    assert "quoted" not in report


def test_the_same_seed_makes_the_same_choices(in_process, run_in_process):
    """
    Two runs with one seed send the same requests; another seed sends others.
    """

    def requests_with(seed: int) -> list[str]:
        app = in_process.serve()
        numbers = iter(range(100))
        app.new_token = lambda: f"token-number-{next(numbers):020}"
        requests: list[str] = []
        app.response_hooks.append(lambda name, body, response: requests.append(f"{name} {body['sent']!r}"))
        run_in_process(seed=seed, skip=("INT-07",))
        # only the clock differs otherwise
        return [re.sub(r"20\d\d-\d\d-\d\d[T ][\d:.]+Z?", "time", request) for request in requests]

    assert requests_with(5) == requests_with(5) != requests_with(6)


@pytest.mark.parametrize(("refunds", "verdict"), [(True, Verdict.PASS), (False, Verdict.FAIL)])
def test_an_automatic_refund_must_have_been_made(app, run_in_process, refunds, verdict):
    """
    If AutomaticRefundOnCancel is true, nothing is left to refund after a Cancel.
    """
    app.body_hooks["PostSaleOptions"].append(lambda result, body: result.update(AutomaticRefundOnCancel=True))
    if refunds:
        MUTANTS["PSO-15"](app)
    (result,) = (result for result in run_in_process(only=("PSO-12",)).results if result.rule.id == "PSO-12")

    assert verdict is result.verdict
