"""The guide to a new channel shows the code that is tested, and its commands work."""

from __future__ import annotations

import os
import re
import sys
from functools import partial
from operator import itemgetter
from pathlib import Path
from pkgutil import resolve_name

import pytest
from flask import Flask, request

from bridge.channels import helpers as helpers_package
from bridge.channels import http
from bridge.channels.base import Channel, Page
from bridge.channels.helpers.lists import merge_lists
from bridge.channels.helpers.offsets import read_page
from bridge.channels.helpers.pace import read_paced
from bridge.channels.http import ShopClient
from bridge.clock import Deadline
from bridge.errors import ChannelRefused
from bridge.settings import Settings
from tests.channels.hostile.server import HostileServer
from tests.docs.pages import ROOT, block, run_shell

PAGE = "docs/add-a-shop.md"
CHANNEL = ROOT / "examples/smallest/corner_shop.py"
EXAMPLE_TESTS = ROOT / "examples/smallest/test_corner_shop.py"


def test_the_smallest_channel_is_shown_as_it_is():
    """
    The guide ends with the file of the example.
    """
    source = CHANNEL.read_text("utf-8")

    assert (ROOT / PAGE).read_text("utf-8").endswith(f"\n```python\n{source}```\n")


def test_methods_suites_and_helpers_exist():
    """
    The tables name what there is, and each helper, each method that a channel must have and each suite of the example.
    """
    tables = re.findall(r"^\| (`.+?) \|(.*)", (ROOT / PAGE).read_text("utf-8"), re.MULTILINE)
    first = {name for cell, _ in tables for name in re.findall(r"`([\w.]+)`", cell)}
    suites = {name for _, cells in tables for name in re.findall(r"pytest -k (\w+)`", cells)}
    helpers = {f"helpers.{path.stem}" for path in Path(helpers_package.__file__).parent.glob("[a-z]*.py")}
    methods = {*dir(Channel), *Channel.__annotations__}

    assert Channel.__abstractmethods__ | helpers <= first
    assert [] == [name for name in first - methods if not _exists(f"bridge.channels.{name}")]
    assert suites == set(re.findall(r"^class (Test\w+)", EXAMPLE_TESTS.read_text("utf-8"), re.MULTILINE))


def _exists(name: str) -> bool:
    try:
        resolve_name(name)
    except (ImportError, AttributeError):
        return False
    return True


@pytest.mark.service
def test_the_client_of_the_guide_logs_in_and_calls():
    """
    A token is asked for by a form, a query is sent with it, and an error in a body of 200 is raised.
    """
    app = Flask(__name__)
    answers = [{"data": []}, {"errors": [{"message": "No such field"}]}]
    patched = []

    @app.post("/oauth/token")
    def token():
        return {"access_token": f"token of {request.form['client_id']}"}

    @app.post("/graphql")
    def query():
        assert request.headers["Authorization"] == "Bearer token of ann"
        return answers.pop(0)

    @app.patch("/orders/7")
    def change():
        patched.append((request.headers["Idempotency-Key"], request.get_json()))
        return {}

    with HostileServer(app) as server:
        names = {name: getattr(http, name) for name in http.__all__}
        names |= {"ChannelRefused": ChannelRefused, "deadline": Deadline(8), "key": "despatch 1"}
        names |= {"settings": Settings(allow_private_shops=True), "url": server.url}
        names |= {"client_id": "ann", "secret": "a secret of hers"}
        exec(block(PAGE, "def log_in(shop, client_id, secret):"), names)

        assert {"data": []} == names["orders"]
        assert [("despatch 1", {"note": "Sent"})] == patched
        with pytest.raises(ChannelRefused, match="No such field"):
            names["shop"].post("graphql", {"query": "..."}, read=True)


@pytest.mark.service
def test_the_lists_of_the_guide_are_read_as_one():
    """
    Each order that was edited or paid comes once, over several pages.
    """
    app = Flask(__name__)
    orders = [{"id": number, "updated": f"2026-01-{1 + number % 28:02}"} for number in range(1, 200)]
    payments = [{"id": order["id"], "order": order} for order in orders[10:60]]
    since = "2026-01-15"

    @app.get("/<name>")
    def rows(name):
        found = payments if name == "payments" else [order for order in orders if order["updated"] >= since]
        return found[int(request.args["offset"]) :][: int(request.args["limit"])]

    names = {"Page": Page, "partial": partial, "itemgetter": itemgetter, "merge_lists": merge_lists}
    names |= {"read_page": read_page, "read_paced": read_paced}
    exec(block(PAGE, "def changed_rows(shop, since, cursor):"), names)
    found, pages, cursor = [], 0, None
    with HostileServer(app) as server:
        shop = ShopClient(server.url, Deadline(8), Settings(allow_private_shops=True), account="lists")
        while pages == 0 or cursor:
            page = names["changed_rows"](shop, since, cursor)
            found += [order["id"] for order in page.items]
            pages, cursor = pages + 1, page.next_cursor

    expected = {order["id"] for order in orders if order["updated"] >= since} | {one["id"] for one in payments}

    assert sorted(expected) == sorted(found)
    assert pages > 1


@pytest.mark.service
@pytest.mark.full
def test_a_copy_of_the_example_is_tested_and_checked(tmp_path):
    """
    The commands of the guide copy the example and run its suites, then one suite alone, outside the clone.
    """
    tools = Path(sys.executable).parent
    (tmp_path / "linnworks-bridge").symlink_to(ROOT)
    commands = block(PAGE, "cp -r linnworks-bridge/examples/smallest my-shop").splitlines()
    kept = [line for line in commands if "venv" not in line and "pip" not in line]  # they need the network
    environ = {"PATH": f"{tools}{os.pathsep}{os.environ['PATH']}", "PYTHONPATH": str(ROOT), "HOME": str(tmp_path)}
    whole = run_shell("\n".join(kept), tmp_path, **environ)
    one = run_shell("pytest -k TestSetUp", tmp_path / "my-shop", **environ)

    assert len(commands) - 2 == len(kept)
    assert "failed" not in whole
    assert "deselected" in one
