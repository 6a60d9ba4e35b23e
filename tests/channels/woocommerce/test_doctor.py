"""What the installation's doctor says of WooCommerce shops."""

from __future__ import annotations

from datetime import timedelta

import pytest

from bridge.clock import now
from bridge.ops.doctor import examine
from bridge.ops.temporary_server import free_port
from tests.conftest import database_url


@pytest.fixture
def look(linnworks, settings, tmp_path, monkeypatch):
    """What the doctor finds of a shop whose integration is set up, by the first word of its name."""
    monkeypatch.chdir(tmp_path)

    def ask() -> dict[str, tuple[str, str]]:
        environ = {
            "BRIDGE_DATA_DIR": str(settings.data_dir),
            "BRIDGE_DATABASE_URL": database_url(settings.data_dir),
            "BRIDGE_CHANNEL": "woocommerce",
            "BRIDGE_ALLOW_PRIVATE_SHOPS": "true",
            "BRIDGE_BIND": f"127.0.0.1:{free_port()}",
        }
        mine = [one for one in examine(environ, now) if one.name.endswith(linnworks.account_name)]
        return {one.name.split()[0]: (one.state.value, one.message) for one in mine}

    return ask


def test_a_shop_s_clock_is_compared_with_ours(look, woo):
    """
    By what the shop says of its time while it is asked for orders.
    """
    assert ("ok", "agrees with the shop's") == look()["clock"]
    woo.skew = timedelta(minutes=10)
    behind = look()["clock"]
    woo.skew = timedelta(minutes=-2)

    assert "error" == behind[0]
    assert "behind the shop's" in behind[1]
    assert "warning" == look()["clock"][0]


def test_a_shop_that_is_down_is_a_fault(look, woo):
    """
    Its line says so in the channel's words, and nothing is said of its clock.
    """
    woo.__exit__(None, None, None)
    found = look()

    assert "error" == found["shop"][0]
    assert "clock" not in found
