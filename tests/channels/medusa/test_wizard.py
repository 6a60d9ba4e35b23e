from __future__ import annotations

import pytest

from bridge.channels.medusa import MedusaChannel, wizard
from bridge.channels.medusa.preferences import PriceTarget
from bridge.clock import Deadline
from bridge.errors import ChannelRefused, CredentialsRefused
from bridge.settings import Settings
from tests.channels.hostile.server import Fault
from tests.channels.medusa.fake.shop import MedusaShop

pytestmark = pytest.mark.service


def channel(shop: MedusaShop, **answers: str) -> MedusaChannel:
    config = {"store_url": shop.url, "api_key": shop.key, **answers}
    return MedusaChannel(config, Deadline(60), Settings(allow_private_shops=True))


@pytest.mark.parametrize(
    ("typed", "address"),
    [
        ("shop.example.com", "https://shop.example.com"),
        (" https://shop.example.com/app/orders?x=1 ", "https://shop.example.com"),
        ("https://shop.example.com/admin/", "https://shop.example.com"),
        ("http://10.0.0.1:9000/medusa", "http://10.0.0.1:9000/medusa"),
    ],
)
def test_an_address_is_read_as_sellers_copy_it(typed, address):
    assert address == wizard.store_address(typed)


def test_a_shop_is_the_same_by_all_its_addresses():
    """A new key or another way to write the address is no new shop, another port is."""
    same = ["https://www.shop.example.com/app", "http://shop.example.com", "SHOP.example.com"]

    assert {"shop.example.com"} == {wizard.shop_identity(text) for text in same}
    assert "shop.example.com:9000" == wizard.shop_identity("https://shop.example.com:9000")


def test_an_address_without_encryption_is_refused(medusa):
    """The operator may allow it for shops in the bridge's own network."""
    config = {"store_url": "http://shop.example.com", "api_key": "sk_1"}
    with pytest.raises(ChannelRefused, match="https://"):
        MedusaChannel(config, Deadline(5), Settings(allow_private_shops=False)).verify("Shop")


@pytest.mark.parametrize(
    ("key", "words"),
    [("pk_1", "publishable"), ("eyJhbGciOi", "begins with sk_"), ("sk_wrong", "does not accept the credentials")],
)
def test_another_key_than_a_secret_one_is_refused_in_words(medusa, key, words):
    with pytest.raises(CredentialsRefused, match=words):
        channel(medusa, api_key=key).verify("Shop")


def test_a_storefront_is_no_medusa(medusa):
    """A web page answers where Medusa should."""
    medusa.faults.add(Fault.NOT_FOUND_PAGE, times=3)
    with pytest.raises(ChannelRefused, match="There is no Medusa 2"):
        channel(medusa).verify("Shop")


def test_the_questions_name_what_the_shop_has(medusa):
    """Sales channels, locations, currencies, and a price tag for each currency, region and price list."""
    market, outlet = medusa.add_channel("Market"), medusa.add_location("Outlet")
    price_list = medusa.add_price_list("Trade")
    items = {item.config_item_id: item for item in channel(medusa).step("Orders").items}

    assert "Sales channel: Market" == items[f"sales_channel_{market}"].name
    assert outlet in [choice.value for choice in items["stock_location"].list_values]
    assert ["gbp", "eur"] == [choice.value for choice in items["currency"].list_values]
    assert f"price_tag_list_{price_list}.eur" in items
    assert f"price_tag_region_{medusa.regions['eur']}.eur" in items
    assert ("UNTAGGED", "NONE") == tuple(items[f"price_tag_base_{code}"].selected_value for code in ("gbp", "eur"))
    assert len(items) == len(channel(medusa).step("Orders").items)


def test_a_shop_with_very_much_of_all_is_asked_about_a_part(medusa):
    for number in range(60):
        medusa.add_price_list(f"List {number}")
        medusa.add_channel(f"Channel {number}")

    assert 100 >= len(channel(medusa).step("Orders").items)


def test_the_questions_are_asked_of_the_shop_once_a_minute(medusa):
    channel(medusa).step("Orders")
    medusa.calls.clear()
    channel(medusa).step("UserConfig")

    assert [] == medusa.calls


def test_the_shop_has_the_defaults_of_what_was_not_answered(medusa):
    """Its oldest location, its currency, and the base price in it for prices without a tag."""
    found = channel(medusa).preferences

    assert (medusa.location, "gbp") == (found.location, found.default_currency)
    assert {"": PriceTarget("gbp")} == found.price_targets
    assert (2, True, False, True) == (found.despatch_days, found.ships, found.captures, found.notifies)
    assert {"captured", "partially_refunded", "refunded"} == found.paid_statuses


def test_answers_are_read(medusa):
    region = medusa.regions["eur"]
    answers = {"price_tag_base_gbp": "NONE", f"price_tag_region_{region}.eur": "EU", "despatch": "CAPTURE"}
    found = channel(medusa, **answers, paid_authorized="True", unmanaged_stock="MANAGE").preferences

    assert {"EU": PriceTarget("eur", region=region)} == found.price_targets
    assert (True, True, True) == (found.ships, found.captures, found.manages_stock)
    assert "authorized" in found.paid_statuses


def test_one_tag_for_two_prices_is_refused(medusa):
    with pytest.raises(ChannelRefused, match="WEB can set only one"):
        channel(medusa, price_tag_base_gbp="WEB", price_tag_base_eur="WEB").verify("Orders")


def test_a_price_list_that_is_gone_keeps_no_tag(medusa):
    """The tag can be given to another price, and then sets that."""
    answers = {"price_tag_base_gbp": "UNTAGGED", "price_tag_base_eur": "WEB", "price_tag_list_plist_gone.eur": "WEB"}
    shop = channel(medusa, **answers)
    shop.verify("Orders")

    assert {"": PriceTarget("gbp"), "WEB": PriceTarget("eur")} == shop.preferences.price_targets


@pytest.mark.parametrize(
    "answers",
    [{"stock_location": "sloc_gone"}, {"sales_channel_sc_gone": "True"}, {"currency": "usd"}],
)
def test_what_the_shop_no_longer_has_is_refused(medusa, answers):
    with pytest.raises(ChannelRefused, match="no longer has"):
        channel(medusa, **answers).verify("Orders")
