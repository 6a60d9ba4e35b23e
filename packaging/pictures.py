"""Make the pictures of the documentation: pictures.py [CHROMIUM].

It fills an embedded shop, takes the console's pages and a report of `check` as they are served and written, and has a
headless Chromium draw them, in light colours.
"""

from __future__ import annotations

import logging
import re
import shutil
import subprocess
import sys
from pathlib import Path
from tempfile import TemporaryDirectory
from unittest.mock import patch

from click.testing import CliRunner
from flask.testing import FlaskClient

from bridge.channels.demo.shop import change_key
from bridge.channels.demo.tables import Shop
from bridge.cli import main
from bridge.ops.console.access import set_password
from bridge.settings import Settings
from tests.conftest import opened, sender
from tests.linnworks import Linnworks

PICTURES = Path(__file__).parents[1] / "docs/pictures"
PASSWORD = "a password of the console"
MOST_BYTES = 60_000
BROWSERS = ("chromium", "chromium-browser", "google-chrome")
FLAGS = ("--headless", "--no-sandbox", "--disable-gpu", "--hide-scrollbars", "--blink-settings=preferredColorScheme=1")


def fill(seller: Linnworks) -> None:
    """Have an integration work, with an order that is refused a refund, and a SKU that the shop does not have."""
    reference = next(iter(seller.orders()))
    seller.products()
    stock = [{"SKU": "101-11", "Quantity": 7}, {"SKU": "MUG-RED", "Quantity": 1}]
    seller("InventoryUpdateEndpoint", Products=stock)
    seller("PriceUpdateEndpoint", Products=[{"SKU": "101-11", "Price": 49.5}])
    items = [{"OrderLineNumber": "1", "RefundAmount": 5000}]
    seller("RefundEndpoint", Refund={"ReferenceNumber": reference, "Items": items})


def console_pages(folder: Path) -> dict[str, Path]:
    """Return files with the console's pages, each with its stylesheet in it."""
    pages = {"console": "/console", "connection": "/console/connections/1"}
    with opened(Settings(data_dir=folder / "data", base_url="https://bridge.example.com")) as app:
        sellers = []
        for name in ("Teapots", "Kettles"):
            seller = Linnworks(sender(app), name.lower(), name)
            seller.finish_wizard(shop_name=name.lower(), access_key="let me in please")
            fill(seller)
            sellers.append(seller)
        change_key(Shop.get(Shop.name == "kettles"), "another access key")
        sellers[1]("OrdersEndpoint", PageNumber=1, UTCTimeFrom="2000-01-01 00:00:00Z")
        set_password(PASSWORD)
        app.extensions["bridge"].journal.flush()
        client, well = app.test_client(), dict.fromkeys(("database", "storage", "key", "worker"), "")
        client.post("/console/login", data={"password": PASSWORD}, base_url="https://bridge.example.com")
        with patch("bridge.ops.console.pages.problems", return_value=well):  # no worker runs in this process
            return {name: save(client, path, folder / f"{name}.html") for name, path in pages.items()}


def save(client: FlaskClient, path: str, file: Path) -> Path:
    """Store a page with its stylesheet in it; return the file."""
    answer = client.get(path, base_url="https://bridge.example.com")
    assert answer.status_code == 200, path
    style = client.get("/console/style.css", base_url="https://bridge.example.com").text
    file.write_text(re.sub('<link rel="stylesheet".*?>', lambda _: f"<style>{style}</style>", answer.text), "utf-8")
    return file


def report(folder: Path) -> Path:
    """Return the report of a check of a temporary server."""
    file = folder / "report.html"
    done = CliRunner().invoke(main, ["check", "--html", str(file)])
    assert done.exit_code == 0, done.output
    return file


def draw(browser: str, page: Path, height: int, picture: Path) -> None:
    """Have the browser draw a page of 900 pixels' width."""
    picture.parent.mkdir(exist_ok=True)
    command = [browser, *FLAGS, f"--window-size=900,{height}", f"--screenshot={picture}", page.as_uri()]
    subprocess.run(command, check=True, capture_output=True, timeout=60)
    size = picture.stat().st_size
    print(f"{picture}: {size} bytes")
    if size > MOST_BYTES:
        sys.exit(f"{picture} has more than {MOST_BYTES} bytes: make it less high")


def make() -> None:
    browser = sys.argv[1] if sys.argv[1:] else next(filter(None, map(shutil.which, BROWSERS)), None)
    if browser is None:
        sys.exit("No Chromium is installed here: name one")
    logging.disable()
    with TemporaryDirectory() as name:
        folder = Path(name)
        pages = console_pages(folder) | {"report": report(folder)}
        for page, height in (("console", 505), ("connection", 620), ("report", 600)):
            draw(browser, pages[page], height, PICTURES / f"{page}.png")


if __name__ == "__main__":
    make()
