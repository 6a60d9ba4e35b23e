"""The findings of the installation's doctor about WooCommerce shops."""

from __future__ import annotations

from datetime import timedelta

import pytest

from bridge.clock import now
from bridge.ops.doctor import examine
from bridge.ops.temporary_server import free_port
from tests.conftest import database_url

pytestmark = pytest.mark.service


@pytest.fixture
def examine_shop(linnworks, settings, tmp_path, monkeypatch):
    """Return the doctor's findings about a connected shop, by the first word of their names."""
    monkeypatch.chdir(tmp_path)

    def findings() -> dict[str, tuple[str, str]]:
        environ = {
            "BRIDGE_DATA_DIR": str(settings.data_dir),
            "BRIDGE_DATABASE_URL": database_url(settings.data_dir),
            "BRIDGE_CHANNEL": "woocommerce",
            "BRIDGE_ALLOW_PRIVATE_SHOPS": "true",
            "BRIDGE_BIND": f"127.0.0.1:{free_port()}",
        }
        mine = [one for one in examine(environ, now) if one.name.endswith(linnworks.account_name)]
        return {one.name.split()[0]: (one.state.value, one.message) for one in mine}

    return findings


def test_the_shops_clock_is_compared_with_ours(examine_shop, woo):
    """
    The shop's time comes with the answer to a request for orders.
    """
    assert ("ok", "agrees with the shop's") == examine_shop()["clock"]
    woo.skew = timedelta(minutes=10)
    behind = examine_shop()["clock"]
    woo.skew = timedelta(minutes=-2)

    assert "error" == behind[0]
    assert "behind the shop's" in behind[1]
    assert "warning" == examine_shop()["clock"][0]


def test_a_shop_that_is_down_is_an_error(examine_shop, woo):
    """
    Its finding has the channel's message, and there is none about its clock.
    """
    woo.__exit__(None, None, None)
    found = examine_shop()

    assert "error" == found["shop"][0]
    assert "clock" not in found
