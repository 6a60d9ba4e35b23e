from __future__ import annotations

import json

import pytest
from click.testing import CliRunner

from bridge.cli import main
from tests.conftest import database_url

pytestmark = pytest.mark.service


@pytest.fixture
def run(settings, tmp_path, monkeypatch):
    """Run `linnworks-bridge medusa doctor` and return its output."""
    monkeypatch.chdir(tmp_path)
    environ = {
        "BRIDGE_DATA_DIR": str(settings.data_dir),
        "BRIDGE_DATABASE_URL": database_url(settings.data_dir),
        "BRIDGE_CHANNEL": "medusa",
        "BRIDGE_ALLOW_PRIVATE_SHOPS": "true",
    }

    def command(*arguments: str, status: int) -> str:
        result = CliRunner().invoke(main, ["medusa", "doctor", *arguments], env=environ)
        assert status == result.exit_code, result.output
        return result.output

    return command


def test_a_shop_in_order_has_no_findings(linnworks, run):
    """
    The exit status is 0.
    """
    assert "2 variants, 0 of those for sale left out" in run(linnworks.account_name, status=0)


def test_what_does_not_come_or_cannot_be_set_is_named(linnworks, medusa, run):
    """
    The exit status is 1 if a variant that is for sale is left out.
    """
    medusa.add_product("DRAFT", status="draft")
    medusa.add_product("BLANK")
    medusa.variant("BLANK")["sku"] = None
    medusa.add_product("GIFT", stock=None)
    medusa.add_product("FREE")
    medusa.variant("FREE")["prices"] = []
    medusa.add_product("NOWHERE")
    medusa.catalogue.levels[medusa.variant("NOWHERE")["inventory_items"][0]].clear()
    medusa.add_product("KIT")
    medusa.variant("KIT")["inventory_items"] += medusa.variant("MUG")["inventory_items"]
    medusa.add_variants("Other", {"mug": "One"})
    report = json.loads("{" + run(linnworks.account_name, "--json", status=1).partition("{")[2])
    messages = {finding["sku"]: finding["message"] for finding in report["findings"]}

    assert [True] == [finding["left_out"] for finding in report["findings"] if not finding["sku"]]
    assert "no SKU" in messages[""]
    assert "not counted" in messages["GIFT"]
    assert "no price" in messages["FREE"]
    assert "no level at the location" in messages["NOWHERE"]
    assert "kit" in messages["KIT"]
    assert "upper and lower case" in messages["mug"]
    assert {"Its product is not published": 1} == report["not_for_sale"]


def test_settings_that_name_what_is_gone_are_told(connected, medusa, run):
    """
    A location, a sales channel, a region, a price list and a currency.
    """
    channel, sale = medusa.add_channel("Shop"), medusa.add_price_list("Sale")
    region = medusa.regions["gbp"]
    answers = {
        f"sales_channel_{channel}": "True",
        f"price_tag_region_{region}.gbp": "UK",
        f"price_tag_list_{sale}.gbp": "SALE",
        "price_tag_base_eur": "EUR",
        "stock_location": medusa.add_location("Old place"),
    }
    linnworks = connected(medusa, **answers)
    medusa.tables["sales_channels"].pop(channel)
    medusa.tables["regions"].pop(region)
    medusa.tables["stock_locations"].pop(answers["stock_location"])
    medusa.catalogue.price_lists.pop(sale)
    del medusa.currencies["eur"]
    table = run(linnworks.account_name, status=1)

    for words in (
        "location of this integration is gone",
        "sales channel of the settings is gone",
        "region of prices with the tag UK is gone",
        "price list of prices with the tag SALE is gone",
        "does not support EUR any more",
    ):
        assert words in table
