"""Real processes, and on PostgreSQL two hosts: they tell the owner of a shop's trouble once, and of its end once."""

from __future__ import annotations

from contextlib import ExitStack

import pytest

from bridge.vault import new_key
from tests.channels.hostile.shop import HostileShop
from tests.conftest import SERVER
from tests.linnworks import Linnworks
from tests.processes import Service, at, until
from tests.sync.test_promises import CHANNEL

pytestmark = [pytest.mark.service, *([] if SERVER else [pytest.mark.full])]  # two hosts are what it is about


def test_processes_and_hosts_tell_once(inbox, tmp_path):
    """
    The shop's key is revoked and comes back: however many rounds are made meanwhile, there are two messages.
    """
    shop = HostileShop(products=2, orders=2)
    environ = {
        **CHANNEL,
        "BRIDGE_DATABASE_URL": at(tmp_path)["BRIDGE_DATABASE_URL"],
        "BRIDGE_SECRET_KEY": new_key(),
        "BRIDGE_NOTIFY": inbox.address,
        "BRIDGE_PING_URL": inbox.ping_url,
        "BRIDGE_DOCTOR_SECONDS": "1",
        "BRIDGE_WORKERS": "2",
    }
    with ExitStack() as running:
        names = ("one", "two") if SERVER else ("one",)
        services = [running.enter_context(Service(tmp_path / name, **environ)) for name in names]
        linnworks = Linnworks(services[0].post, "hosts")
        linnworks.finish_wizard(shop_url=shop.url, api_key=shop.key)
        assert until(lambda: inbox.pings >= 2)
        calm = list(inbox.messages)
        key, shop.key = shop.key, "another"
        assert until(lambda: inbox.messages)
        pings = inbox.pings
        assert until(lambda: inbox.pings >= pings + 4 * len(services))  # more rounds
        shop.key = key
        assert until(lambda: len(inbox.messages) > 1)
        pings = inbox.pings
        assert until(lambda: inbox.pings >= pings + 3 * len(services))
    shop.close()

    assert [] == calm
    shop_name = f"shop of {linnworks.account_name}"
    titles = [f"Linnworks bridge: {shop_name} needs you", f"Linnworks bridge: {shop_name} works again"]
    assert titles == inbox.titles
