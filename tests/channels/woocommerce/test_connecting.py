from __future__ import annotations

from dataclasses import replace

import pytest

from bridge.channels import Channels
from tests.channels.hostile.server import Fault
from tests.channels.woocommerce.fake.shop import WooShop
from tests.linnworks import Linnworks


def try_out(call, shop: WooShop, **answers: str):
    """What the wizard says to a shop's credentials."""
    credentials = {"store_url": shop.url, "consumer_key": shop.key, "consumer_secret": shop.secret}
    return Linnworks(call).save("Shop", **{**credentials, **answers})


@pytest.mark.parametrize(
    "options",
    [
        {},
        {"https_flag": False},
        {"strip_authorization": True},
        {"version": "7.9.0", "hpos": False},
        {"version": "7.9.0", "hpos": False, "https_flag": False},
    ],
    ids=str,
)
def test_the_key_is_shown_in_the_way_that_the_shop_understands(call, options):
    """
    Basic, signed on plain http, and in the query where a web server strips the header: the seller need not know.
    """
    with WooShop(**options) as shop:
        assert try_out(call, shop)["StepName"] == "Orders"


def test_the_seller_sees_what_was_found_out(call):
    """
    Version, currency, tax and time zone are told before anything is decided.
    """
    with WooShop(prices_include_tax=True, currency="EUR") as shop:
        words = try_out(call, shop)["WizardStepDescription"]

    assert "WooCommerce 11.0.1, prices in EUR with tax, time zone Europe/Athens." in words


@pytest.mark.parametrize(
    ("zone", "offset", "words"),
    [("", "2", "UTC+2."), ("", "5.5", "UTC+5.5."), ("", "-3", "UTC-3."), ("", "", "UTC+0."), ("", 0, "UTC+0.")],
)
def test_a_time_zone_may_be_just_an_offset(call, woo, zone, offset, words):
    """
    WordPress has one when nobody chose a city, and tells it as a text.
    """
    woo.index |= {"timezone_string": zone, "gmt_offset": offset}

    assert words in try_out(call, woo)["WizardStepDescription"]


def test_a_hiccup_after_the_key_was_tried_does_not_halt_the_wizard(call, woo):
    """
    The step is taken by then; asked for the answers again, Linnworks would send those of a step that is over.
    """
    woo.faults.add(Fault.BROKEN, "/settings/tax", times=None)
    answer = try_out(call, woo)

    assert (None, "Orders") == (answer["Error"], answer["StepName"])


def test_a_secret_that_was_refused_is_not_shown_again(call):
    """
    Once the shop has seen the key, no other way of showing it could do better, least of all in an address.
    """
    with WooShop() as shop:
        try_out(call, shop, consumer_secret=f"cs_{'0' * 40}")
        paths = [path for _, path in shop.server.calls]

    assert not any("consumer_secret" in path for path in paths)


def test_a_web_server_that_begins_to_strip_the_header_locks_nobody_out(connected, woo):
    """
    What was found out about showing the key is found out again when it no longer holds.
    """
    linnworks = connected(woo)
    woo.doors.strips_authorization = True

    assert linnworks("ConfigTestEndpoint")["Error"] is None


@pytest.mark.parametrize(
    ("options", "answers", "words"),
    [
        ({"permalinks": False}, {}, "any other structure in Settings, Permalinks"),
        ({"woocommerce_active": False}, {}, "WooCommerce is not active"),
        ({"manage_stock": False}, {}, "switch that on in WooCommerce, Settings, Products, Inventory"),
        ({"version": "7.8.2"}, {}, "7.9 or newer is needed; the shop has 7.8.2"),
        ({}, {"consumer_secret": f"cs_{'0' * 40}"}, "Consumer secret is invalid"),
        ({}, {"consumer_key": f"ck_{'0' * 40}"}, "Consumer key is invalid"),
        ({"https_flag": False}, {"consumer_secret": f"cs_{'0' * 40}"}, "check key and secret"),
        ({}, {"consumer_key": "ck_short"}, "must be ck_ and 40 letters and digits"),
        ({}, {"store_url": "http://127.0.0.1:1"}, "The shop cannot be reached"),
        ({}, {"store_url": "https://shop.invalid"}, "was not found"),
        ({}, {"store_url": "not an address"}, "should look like https://shop.example.com"),
    ],
    ids=lambda value: str(value)[:40],
)
def test_what_is_wrong_is_said_so_that_it_can_be_mended(call, options, answers, words):
    """
    Each thing that keeps a shop from working is refused in words about that very thing, and the step stays.
    """
    with WooShop(**options) as shop:
        answer = try_out(call, shop, **answers)

    assert words in answer["Error"]
    assert answer["StepName"] == "Shop"


def test_a_key_that_only_reads_is_refused(call):
    """
    A read-only key would let orders in and no stock out, so it is found out at once.
    """
    with WooShop() as shop:
        answer = try_out(call, shop, consumer_key=shop.read_only_key, consumer_secret=shop.read_only_secret)

    assert "make one with the permission Read/Write" in answer["Error"]


def test_a_wrong_path_is_told(call, woo):
    """
    Where there is no WordPress, the seller hears how to see it in a browser.
    """
    answer = try_out(call, woo, store_url=f"{woo.url}/no-such-folder")

    assert "with the folder that WordPress is in" in answer["Error"]


def test_an_address_from_the_browser_will_do(call, woo):
    """
    Sellers copy addresses from the admin pages.
    """
    assert try_out(call, woo, store_url=f" {woo.url}/wp-admin/admin.php?page=wc-settings ")["StepName"] == "Orders"


def test_plain_http_needs_the_operators_leave(app, call, woo):
    """
    Only where shops in the own network are allowed may a key travel without TLS.
    """
    bridge = app.extensions["bridge"]
    strict = Channels(replace(bridge.settings, allow_private_shops=False), bridge.vault)
    app.extensions["bridge"] = replace(bridge, settings=strict.settings, channels=strict)
    try:
        answer = try_out(call, woo)
    finally:
        app.extensions["bridge"] = bridge

    assert "must begin with https://" in answer["Error"]


def test_one_tag_cannot_set_two_prices(connected, woo):
    """
    A price tag that would set both prices is refused, and the settings stay.
    """
    linnworks = connected(woo)
    answer = linnworks.save("UserConfig", sale_price_tag="UNTAGGED")

    assert "same price tag" in answer["Error"]
    assert "SALE" in str(linnworks("UserConfigEndpoint")["ConfigItems"])


def test_the_settings_open_while_the_shop_is_down(connected):
    """
    Whoever opens the settings need not wait for the shop: its statuses are remembered.
    """
    with WooShop() as shop:
        linnworks = connected(shop)
        before = linnworks("UserConfigEndpoint")
    after = linnworks("UserConfigEndpoint")

    assert after["Error"] is None
    assert [item["ConfigItemId"] for item in before["ConfigItems"]] == [
        item["ConfigItemId"] for item in after["ConfigItems"]
    ]


def test_a_key_that_was_revoked_is_asked_for_again(connected, woo):
    """
    The wizard goes back to the credentials, the token stays.
    """
    linnworks = connected(woo)
    woo.doors.keys.clear()
    answer = linnworks("ConfigTestEndpoint")

    assert answer["Error"]
    assert linnworks("UserConfigEndpoint")["StepName"] == "Shop"
