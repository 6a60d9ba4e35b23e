"""What docs/troubleshoot.md shows is what the commands print, on an embedded shop to which all of it happens."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import Any
from unittest.mock import patch

import pytest
from click.testing import CliRunner

from bridge.channels.demo import DemoChannel
from bridge.channels.demo.shop import change_key
from bridge.channels.demo.tables import OrderLine, Shop
from bridge.cli import main
from bridge.clock import now
from bridge.errors import ChannelUnavailable, OutcomeUnknown
from bridge.vault import KEY_FILE
from tests.conftest import leave, sqlite_only
from tests.docs.sessions import differences, sections
from tests.linnworks import Linnworks

PAGE = "docs/troubleshoot.md"
SESSIONS = sections(PAGE)
BACKUPS = "/var/backups/bridge"
KEY, DOWN = "let me in please", "The shop answered with HTTP 503"


class Story:
    """An integration named Teapots; each scene makes one of the page's troubles, in the order of the page."""

    def __init__(self, app: Any, call: Any, faults: ExitStack) -> None:
        self.app, self.call, self.faults = app, call, faults
        self.teapots = Linnworks(call, "teapots", "Teapots")
        self.teapots.finish_wizard(shop_name="teapots", access_key=KEY)
        self.teapots.orders()

    def missing(self) -> None:
        """Order 1061 arrives; 1062 is placed while the shop refuses every call."""
        self.demo("order", "101-11=2")
        self.poll()
        self.demo("order", "101-12=1")
        with self.down("orders"):
            self.poll()

    def twice(self) -> None:
        """A second integration leads to the same shop."""
        self.again = Linnworks(self.call, "teapots", "Teapots again")
        self.again.finish_wizard(shop_name="teapots", access_key=KEY)
        self.poll()
        self.again.orders()

    def held(self) -> None:
        """The product of order 1063 has no SKU."""
        self.again("ConfigDeletedEndpoint")
        self.demo("order", "101-11=1")
        line = OrderLine.select().order_by(OrderLine.id.desc()).get()
        OrderLine.update(sku="").where(OrderLine.id == line.id).execute()
        self.poll()

    def stock(self) -> None:
        """The shop takes one level, has no product of the next, and is down for the third."""
        self.level("101-11", 7)
        self.level("MUG-RED", 1)
        self.faults.enter_context(self.down("set_stock"))
        self.level("101-12", 3)

    def price(self) -> None:
        prices = [{"SKU": "101-11", "Price": 49.5, "Tag": ""}, {"SKU": "101-11", "Price": 45, "Tag": "VIP"}]
        self.teapots("PriceUpdateEndpoint", Products=prices)

    def product(self) -> None:
        self.teapots.products()

    def despatch(self) -> None:
        self.send("1061", 2)
        self.send("1062", 5)

    def unknown(self) -> None:
        """A refund is refused, and the answer to another one is lost."""
        self.refund("1061", 500)
        lost = OutcomeUnknown("The shop did not answer in time")
        self.faults.enter_context(patch.object(DemoChannel, "refund", side_effect=lost))
        self.faults.enter_context(patch.object(DemoChannel, "find_result", return_value=None))
        self.faults.enter_context(patch.object(DemoChannel, "is_settled", return_value=False))
        self.refund("1061", 5.25)

    def down_again(self) -> None:
        self.faults.enter_context(self.down("orders"))
        self.poll()

    def linnworks_fails(self) -> None:
        """The test fails while the shop is down, and another seller mistypes the key."""
        with patch.object(DemoChannel, "check", side_effect=ChannelUnavailable(DOWN)):
            self.teapots("ConfigTestEndpoint")
        kettles = Linnworks(self.call, "kettles", "Kettles")
        kettles.save("Shop", shop_name="teapots", access_key="not the key")

    def refused(self) -> None:
        self.faults.close()
        change_key(Shop.get(Shop.name == "teapots"), "another access key")
        self.poll()

    def move(self) -> None:
        Path("backups").mkdir()

    def lost_key(self) -> None:
        (self.app.extensions["bridge"].settings.data_dir / KEY_FILE).unlink()

    def demo(self, *words: str) -> None:
        assert CliRunner().invoke(main, ["demo", *words, "--shop", "teapots"]).exit_code == 0

    def poll(self) -> None:
        self.teapots("OrdersEndpoint", PageNumber=1, UTCTimeFrom=f"{now():%Y-%m-%d %H:%M:%S}Z")

    def level(self, sku: str, quantity: int) -> None:
        self.teapots("InventoryUpdateEndpoint", Products=[{"SKU": sku, "Quantity": quantity}])

    def send(self, reference: str, quantity: int) -> None:
        order = {
            "ReferenceNumber": reference,
            "ShippingVendor": "Royal Mail",
            "TrackingNumber": "AB123456789GB",
            "ProcessedOn": "2026-03-01 12:00:00Z",
            "Items": [{"OrderLineNumber": "1", "DespatchedQuantity": quantity}],
        }
        self.teapots("DespatchEndpoint", Orders=[order])

    def refund(self, reference: str, amount: float) -> None:
        items = [{"OrderLineNumber": "1", "RefundAmount": amount, "Reason": "DAMAGED"}]
        self.teapots("RefundEndpoint", Refund={"ReferenceNumber": reference, "Items": items})

    def down(self, method: str) -> Any:
        return patch.object(DemoChannel, method, side_effect=ChannelUnavailable(DOWN))


SCENES = {
    "An order is missing in Linnworks": Story.missing,
    "An order came twice": Story.twice,
    "An order is on hold": Story.held,
    "Stock is wrong": Story.stock,
    "A price is wrong": Story.price,
    "A product is missing": Story.product,
    "A despatch or tracking number did not arrive in the shop": Story.despatch,
    "A cancel or refund: was it done?": Story.unknown,
    "The shop was down": Story.down_again,
    "Linnworks says that the integration fails": Story.linnworks_fails,
    "The shop refuses its credentials": Story.refused,
    "Move to another machine": Story.move,
    "The key is gone": Story.lost_key,
}


@pytest.fixture
def story(app, call, settings, tmp_path, monkeypatch) -> Iterator[Story]:
    """Return the installation before anything happens to it."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("BRIDGE_DATA_DIR", str(settings.data_dir))
    with ExitStack() as faults:
        yield Story(app, call, faults)


@sqlite_only
def test_the_sessions_print_what_the_page_says(story):
    """
    Each section's commands, after what happens in its scene.
    """
    found = []
    for heading, commands in SESSIONS.items():
        SCENES[heading](story)
        story.app.extensions["bridge"].journal.flush()
        found += differences(commands, run)

    assert not found, "\n".join(found)
    leave()


def run(words: list[str]) -> str:
    """Run a command with the folder of backups in the current one; return what it prints."""
    here = str(Path("backups").absolute())
    words = [word.replace(BACKUPS, here) for word in words]
    return CliRunner().invoke(main, words, input="y\n").output.replace(here, BACKUPS)
