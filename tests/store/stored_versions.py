"""Databases that released versions have made, stored as SQL: `python -m tests.store.stored_versions` stores this one's.

Run it for each release with a new migration. Until the first release it is also run when 0001_initial is changed.
"""

from __future__ import annotations

import sqlite3
from contextlib import closing
from pathlib import Path
from tempfile import TemporaryDirectory

from bridge import __version__
from bridge.channels.demo import tables
from bridge.settings import Settings
from tests.conftest import FIRST_SHOP, access_key, opened, sender, stocked_shop
from tests.linnworks import Linnworks

FOLDER = Path(__file__).parent / "versions"
KEY = "c3RvcmVkLXZlcnNpb25zLW9mLXRoZS1icmlkZ2UhISE="
"""The key of the stored installations."""
DESPATCH = {"ReferenceNumber": "1060", "ShippingVendor": "Royal Mail", "TrackingNumber": "AB1"}


def settings_of(data_dir: Path) -> Settings:
    """Return the settings of an installation whose database is stored."""
    return Settings(data_dir=data_dir, secret_key=KEY, database_url=f"sqlite:///{data_dir / 'bridge.db'}")


def unpack(version: str, data_dir: Path) -> str:
    """Make the database of a stored version and the shop that it leads to; return the integration's token."""
    data_dir.mkdir(parents=True)
    (data_dir / tables.FILE).write_bytes(stocked_shop())
    text = (FOLDER / f"{version}.sql").read_text(encoding="utf-8")
    with closing(sqlite3.connect(data_dir / "bridge.db")) as database:
        database.executescript(text)
    return text.partition("\n")[0].removeprefix("-- ")


def pack(data_dir: Path) -> str:
    """Return an installation with one integration, an order despatched and a listing that waits, as SQL."""
    settings = settings_of(data_dir)
    data_dir.mkdir()
    (data_dir / tables.FILE).write_bytes(stocked_shop())
    with opened(settings) as app:
        linnworks = Linnworks(sender(app), FIRST_SHOP)
        linnworks.finish_wizard(shop_name=FIRST_SHOP, access_key=access_key(FIRST_SHOP))
        linnworks.orders()
        assert [None] == [one["Error"] for one in linnworks("DespatchEndpoint", Orders=[DESPATCH])["Orders"]]
        linnworks("ListingUpdateEndpoint", Type="CREATE", Settings=[], Listings=[{"SKU": "NEW", "TemplateId": 1}])
    with closing(sqlite3.connect(data_dir / "bridge.db")) as database:
        return "\n".join([f"-- {linnworks.token}", *database.iterdump(), ""])


if __name__ == "__main__":
    with TemporaryDirectory() as folder:
        FOLDER.mkdir(exist_ok=True)
        (FOLDER / f"{__version__}.sql").write_text(pack(Path(folder, "data")), encoding="utf-8")
