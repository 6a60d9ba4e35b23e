"""The console in a headless Chromium: every page, wide and narrow, light and dark, without script and accessible.

`.ci/full` installs Playwright, axe and Chromium; BRIDGE_TEST_CHROMIUM names another one than Playwright's.
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from bridge.channels.demo.shop import change_key
from bridge.channels.demo.tables import Shop
from bridge.clock import now
from bridge.ops.console.access import set_password
from bridge.settings import Settings
from bridge.store.actions import UNKNOWN, Action
from bridge.store.connections import Connection
from bridge.store.orders import SeenOrder
from bridge.sync import pauses
from tests.conftest import access_key, new_shop, opened, sender
from tests.linnworks import Linnworks
from tests.ops.console.conftest import PASSWORD
from tests.processes import Service

playwright = pytest.importorskip("playwright.sync_api")
axe = pytest.importorskip("axe_playwright_python.sync_playwright")

pytestmark = [pytest.mark.full, pytest.mark.service]

SIZES = [(width, scheme) for width in (390, 1280) for scheme in ("light", "dark")]
LONG_NAME = "Kettle-and-Cup-Trading-International-Limited"


def fill(settings: Settings) -> None:
    """Make an installation with a shop that works, one whose key was revoked, and much that is to be shown."""
    with opened(settings) as app:
        sellers = []
        for name in (LONG_NAME, "Blue Bicycle"):
            shop = new_shop(settings.data_dir)
            seller = Linnworks(sender(app), shop, name)
            seller.finish_wizard(shop_name=shop, access_key=access_key(shop))
            sellers.append(seller)
        good, bad = sellers
        reference = next(iter(good.orders()))
        rows = [{"Reference": "1", "SKU": f"NO-SUCH-SKU-{number:040}", "Quantity": 1} for number in range(20)]
        good("InventoryUpdateEndpoint", Products=rows)
        good("CancelEndpoint", Cancellation={"ReferenceNumber": reference, "Items": []})
        change_key(Shop.get(Shop.name == bad.shop_name), "another access key")
        bad("OrdersEndpoint", PageNumber=1, UTCTimeFrom="2000-01-01 00:00:00Z")
        first = Connection.get(Connection.account_name == LONG_NAME)
        held = SeenOrder.update(hold_reason="the lines add up to 12.00, but the total is 13.50", held_since=now())
        held.where(SeenOrder.reference == reference).execute()
        Action.insert(
            connection=first.id, generation=1, kind="refund", reference=reference, digest="", occurrence=0, key="k",
            content={}, state=UNKNOWN, error="The answer was lost", created_at=now(), planned_at=now(),
        ).execute()  # fmt: skip
        pauses.pause(first, ["prices"], now() - timedelta(days=1))
        set_password(PASSWORD)
        app.extensions["bridge"].journal.flush()


@pytest.fixture(scope="module")
def address(tmp_path_factory) -> Iterator[str]:
    """Return the address of a console with much to show."""
    settings = Settings(data_dir=tmp_path_factory.mktemp("console") / "data")
    fill(settings)
    with Service(settings.data_dir) as service:
        yield f"http://127.0.0.1:{service.port}/console"


@pytest.fixture(scope="module")
def chromium() -> Iterator[Any]:
    """Return a running browser."""
    named = os.environ.get("BRIDGE_TEST_CHROMIUM")
    with playwright.sync_playwright() as running:
        if not named and not Path(running.chromium.executable_path).exists():
            pytest.skip("Playwright's Chromium is not installed")
        arguments = ["--no-sandbox", "--headless"]
        browser = running.chromium.launch(executable_path=named or None, args=arguments)
        yield browser
        browser.close()


def log_in(page: Any, address: str) -> None:
    page.goto(address)
    page.get_by_label("The console's password").fill(PASSWORD)
    page.get_by_role("button", name="Log in").click()


@pytest.mark.parametrize(("width", "scheme"), SIZES)
def test_every_page_is_accessible_and_fits(address, chromium, tmp_path, width, scheme):
    """
    No page is wider than the window, and axe finds nothing in any of them.
    """
    with chromium.new_context(
        viewport={"width": width, "height": 844}, color_scheme=scheme, bypass_csp=True
    ) as context:  # the policy would refuse axe's script
        page = context.new_page()
        found: dict[str, Any] = {}

        def examine(name: str) -> None:
            page.screenshot(path=str(tmp_path / f"{name}.png"), full_page=True)
            violations = [(one["id"], one["nodes"][0]["html"]) for one in axe.Axe().run(page).response["violations"]]
            too_wide = page.evaluate("document.documentElement.scrollWidth > window.innerWidth")
            if violations or too_wide:
                found[name] = (violations, too_wide)

        page.goto(address)
        examine("login")
        page.get_by_label("The console's password").fill("a wrong password")
        page.get_by_role("button", name="Log in").click()
        examine("wrong password")
        log_in(page, address)
        examine("overview")
        for path in ("connections/1", "connections/2", "connections/9", "search", "search?q=1001", "search?q=none"):
            page.goto(f"{address}/{path}")
            examine(path.replace("/", " "))
        page.goto(f"{address}/connections/1?calls=failed")
        page.locator(".calls a").first.click()
        examine("call")

        assert {} == found


def test_without_script_one_finds_what_is_ill(address, chromium):
    """
    Nothing is refused by the policy, nothing comes from elsewhere, and links, search and logout work.
    """
    with chromium.new_context(java_script_enabled=False) as context:
        page = context.new_page()
        complaints, asked = [], []
        page.on("console", lambda message: complaints.append(message.text))
        page.on("request", lambda request: asked.append(request.url))
        log_in(page, f"{address}/connections/1")
        assert page.url == f"{address}/connections/1"
        page.get_by_role("link", name="Linnworks bridge").click()
        assert "The shop of Blue Bicycle needs you" == page.get_by_role("heading", level=1).inner_text()
        page.get_by_role("link", name=LONG_NAME).click()
        assert page.get_by_text("the lines add up to 12.00").first.is_visible()
        page.get_by_label("Order number or SKU").fill(f"no-such-sku-{7:040}")
        page.get_by_role("button", name="Search").click()
        page.locator(".calls a").first.click()
        assert page.get_by_text(f"NO-SUCH-SKU-{7:040}", exact=True).is_visible()
        (cookie,) = context.cookies()
        page.get_by_role("button", name="Log out").click()
        assert page.get_by_label("The console's password").is_visible()

        assert [] == complaints
        assert {address.removesuffix("/console")} == {"/".join(url.split("/")[:3]) for url in asked}
        assert ("/console", True, "Strict") == (cookie["path"], cookie["httpOnly"], cookie["sameSite"])
        assert [] == context.cookies()
