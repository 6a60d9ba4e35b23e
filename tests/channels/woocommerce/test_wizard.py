from __future__ import annotations

from collections import OrderedDict
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace

import pytest

from bridge.channels import Channels
from bridge.channels.http.client import POOLS
from bridge.channels.woocommerce import wizard
from bridge.protocol.concurrency_limit import ConcurrencyLimit
from bridge.store.connections import Connection
from bridge.store.database import close_store
from bridge.sync.shop_change import NOTICE
from bridge.sync.wizard import ask_for_credentials
from tests.channels.hostile.server import Fault
from tests.channels.woocommerce.fake.api import BY_HEADER
from tests.channels.woocommerce.fake.authenticator import Key
from tests.channels.woocommerce.fake.shop import WooShop
from tests.conftest import forget_answer, sender
from tests.linnworks import Linnworks

pytestmark = pytest.mark.service


def save_credentials(call, shop: WooShop, **answers: str):
    """Return the wizard's answer to a shop's credentials."""
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
def test_the_key_is_sent_by_a_method_that_the_shop_accepts(call, options):
    """
    Basic, a signature on plain HTTP, or the query if a web server removes the header: the seller need not choose.
    """
    with WooShop(**options) as shop:
        assert save_credentials(call, shop)["StepName"] == "Orders"


def test_the_seller_sees_a_summary_of_the_shop(call):
    """
    Version, currency, tax and time zone are shown before the seller chooses anything.
    """
    with WooShop(prices_include_tax=True, currency="EUR") as shop:
        description = save_credentials(call, shop)["WizardStepDescription"]

    assert "WooCommerce 11.0.1, prices in EUR with tax, time zone Europe/Athens." in description


@pytest.mark.parametrize(
    ("zone", "offset", "text"),
    [("", "2", "UTC+2."), ("", "5.5", "UTC+5.5."), ("", "-3", "UTC-3."), ("", "", "UTC+0."), ("", 0, "UTC+0.")],
)
def test_a_time_zone_may_be_just_an_offset(call, woo, zone, offset, text):
    """
    WordPress has an offset if no city was chosen, and sends it as a string.
    """
    woo.index |= {"timezone_string": zone, "gmt_offset": offset}

    assert text in save_credentials(call, woo)["WizardStepDescription"]


@pytest.fixture
def at_the_orders(call, woo, monkeypatch) -> Linnworks:
    """An integration at the step that shows what the shop says about itself; nothing is cached."""
    linnworks = Linnworks(call)
    credentials = {"store_url": woo.url, "consumer_key": woo.key, "consumer_secret": woo.secret}
    linnworks.save("Shop", **credentials)
    monkeypatch.setattr(POOLS, "_pools", OrderedDict())
    woo.server.calls.clear()
    return linnworks


def test_a_step_asks_the_shop_once_a_minute(at_the_orders, woo):
    """
    Opening the same screen again makes no further calls to the shop.
    """
    first = at_the_orders("UserConfigEndpoint")
    calls = list(woo.server.calls)
    screens = [at_the_orders("UserConfigEndpoint") for _ in range(4)]

    assert [first] * 4 == screens
    assert calls
    assert calls == woo.server.calls


def test_ten_screens_at_once_are_all_answered(app, at_the_orders, woo, monkeypatch):
    """
    One of them asks the shop; the others, if there are threads enough, wait for it and show the same.
    """
    many = replace(app.extensions["bridge"], concurrency_limit=ConcurrencyLimit(160))
    monkeypatch.setitem(app.extensions, "bridge", many)
    woo.faults.add(Fault.SLOW, "/system_status", seconds=0.3)

    def show(call):
        try:
            return call("UserConfigEndpoint", AuthorizationToken=at_the_orders.token)
        finally:
            close_store()  # each thread has a connection of its own

    with ThreadPoolExecutor(10) as pool:
        screens = list(pool.map(show, [sender(app) for _ in range(10)]))

    assert {None} == {screen["Error"] for screen in screens}
    assert all("WooCommerce 11.0.1" in screen["WizardStepDescription"] for screen in screens)
    assert 1 == sum("/reports/orders/totals" in path for _, path in woo.server.calls)
    assert 1 == sum("/settings/tax" in path for _, path in woo.server.calls)


def test_a_failure_after_the_check_does_not_stop_the_wizard(call, woo):
    """
    The step is saved by then: Linnworks would otherwise send its answers again, for a step that is over.
    """
    woo.faults.add(Fault.BROKEN, "/settings/tax", times=None)
    answer = save_credentials(call, woo)

    assert (None, "Orders") == (answer["Error"], answer["StepName"])


def test_a_refused_secret_is_not_sent_again(call):
    """
    If the shop has seen and refused the key, no other method is tried, least of all the query.
    """
    with WooShop() as shop:
        save_credentials(call, shop, consumer_secret=f"cs_{'0' * 40}")
        paths = [path for _, path in shop.server.calls]

    assert not any("consumer_secret" in path for path in paths)


def test_the_method_is_chosen_again_when_it_stops_working(connected, woo):
    """
    A web server that starts to remove the Authorization header does not stop the integration.
    """
    linnworks = connected(woo)
    woo.authenticator.strip_authorization = True

    assert linnworks("ConfigTestEndpoint")["Error"] is None


@pytest.mark.parametrize(
    ("options", "answers", "message"),
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
        ({}, {"store_url": "https://käse.invalid"}, "xn--kse-qla.invalid was not found"),
        ({}, {"store_url": "not an address"}, "should look like https://shop.example.com"),
    ],
    ids=lambda value: str(value)[:40],
)
def test_each_problem_has_its_own_message(call, options, answers, message):
    """
    Whatever stops a shop from working is refused with a message about exactly that, and the step stays.
    """
    with WooShop(**options) as shop:
        answer = save_credentials(call, shop, **answers)

    assert message in answer["Error"]
    assert answer["StepName"] == "Shop"


def test_a_key_that_only_reads_is_refused(call):
    """
    A read-only key would bring orders but set no stock, so the wizard refuses it.
    """
    with WooShop() as shop:
        answer = save_credentials(call, shop, consumer_key=shop.read_only_key, consumer_secret=shop.read_only_secret)

    assert "create one with the permission Read/Write" in answer["Error"]


@pytest.mark.parametrize("permalinks", [True, False])
def test_a_wrong_folder_has_its_own_message(call, permalinks):
    """
    WordPress answers ?rest_route= in any folder, so the message says in which one it is.
    """
    with WooShop(permalinks=permalinks) as shop:
        wrong = save_credentials(call, shop, store_url=f"{shop.url}/no-such-folder")
        shop.index |= {"home": f"{shop.home}/b2b"}
        missing = save_credentials(call, shop) if not permalinks else wrong

    assert wrong["Error"] == f"WordPress is not in this folder: its address is {shop.url}"
    assert missing is wrong or missing["Error"] == f"WordPress is not in this folder: its address is {shop.url}/b2b"


def test_an_address_without_wordpress_has_its_own_message(call, woo):
    """
    The message says how to check the address in a browser.
    """
    woo.blocked["/"] = (404, "<html><title>Not found</title></html>")
    answer = save_credentials(call, woo)

    assert "with the folder that WordPress is in" in answer["Error"]
    assert answer["Error"].endswith("web page instead of data (404), which says: Not found")


# -- what stands in front of WooCommerce --------------------------------------------------------------

CHALLENGE = "<!DOCTYPE html><html><head><title>Just a moment...</title></head></html>"
WORDFENCE = "<html><head><title>Your access to this site has been limited</title></head></html>"
SOLID = {"code": "itsec_rest_api_access_restricted", "message": "You do not have sufficient permission.", "data": None}
DISABLED = {"code": "rest_cannot_access", "message": "Only authenticated users can access the REST API."}
UNCODED = {"status": "error", "error": "UNAUTHORIZED", "error_description": "Sorry, no key of <b>ours</b>"}


@pytest.mark.parametrize(
    ("part", "answer", "words"),
    [
        ("/wp-json", (403, CHALLENGE), "web page instead of data (403), which says: Just a moment..."),
        ("/wp-json", (503, CHALLENGE), "internal error (503)"),
        ("/wp-json", (200, CHALLENGE), "says: Just a moment..."),
        ("/wp-json/wc/", (403, WORDFENCE), "which says: Your access to this site has been limited"),
        ("/wp-json/wc/", (401, SOLID), "You do not have sufficient permission (itsec_rest_api_access_restricted, 401)"),
        ("/wp-json", (403, SOLID), "You do not have sufficient permission (itsec_rest_api_access_restricted, 403)"),
        ("/wp-json/wc/", (401, UNCODED), "Sorry, no key of <b>ours</b> (401)"),
        ("/wp-json/wc/", (401, "<h1>Authorization Required</h1>"), "The web server in front of WooCommerce refuses"),
        ("/", (401, "<h1>Authorization Required</h1>"), "The web server in front of WooCommerce refuses"),
    ],
    ids=lambda value: str(value)[:30],
)
def test_a_firewall_is_told_in_its_own_words(connected, call, woo, part, answer, words):
    """
    It is not taken for a refused key, neither in the wizard nor later.
    """
    linnworks = connected(woo)
    woo.blocked[part] = answer
    refused, later = save_credentials(call, woo), linnworks("ConfigTestEndpoint")

    assert words in refused["Error"]
    assert not any(wrong in refused["Error"] for wrong in ("does not know this key", "ermalinks", "not accept the key"))
    assert later["Error"]
    assert linnworks("UserConfigEndpoint")["StepName"] == "UserConfig"
    woo.blocked.clear()
    POOLS._pools.clear()  # which may pause after failures
    assert linnworks("ConfigTestEndpoint")["Error"] is None


def test_a_blocked_write_is_kept(connected, woo):
    """
    A level that a security plugin refused will be sent again.
    """
    linnworks = connected(woo)
    woo.blocked["/products"] = (403, SOLID)
    row = {"SKU": "MUG", "Reference": "", "Quantity": 7}
    answer = linnworks("InventoryUpdateEndpoint", Products=[row])

    assert "the bridge goes on trying" in answer["Products"][0]["Error"]


def test_a_plugin_that_takes_the_header_for_its_own_does_not_stop_the_key(call):
    """
    Plugins for JSON Web Tokens refuse any other Authorization header; the key in the query reaches WooCommerce.
    """
    with WooShop() as shop:
        jwt = {
            "code": "jwt_auth_bad_auth_header",
            "message": "Authorization header malformed.",
            "data": {"status": 403},
        }
        shop.blocked[BY_HEADER] = (403, jwt)

        assert save_credentials(call, shop)["StepName"] == "Orders"


@pytest.mark.parametrize("closed", ["/wp-json", "/system_status", "/settings/", "/data/countries", "/reports/"])
def test_what_a_plugin_closes_beside_orders_and_products_is_not_needed(connected, woo, closed):
    """
    The index, which plugins close to visitors, and routes that an allow-list leaves out cost only what they would tell.
    """
    route = (404, {"code": "rest_no_route", "message": "No route was found.", "data": {"status": 404}})
    if closed == "/wp-json":
        woo.index |= {"namespaces": None, "code": DISABLED["code"], "message": DISABLED["message"]}
    else:
        woo.blocked[closed] = route
    linnworks = connected(woo)
    woo.place_order({"MUG": 1})
    (order,) = linnworks.orders().values()
    address = order["DeliveryAddress"]

    assert linnworks("ConfigTestEndpoint")["Error"] is None
    assert "GB" == address["CountryCode"]
    assert ("GB" if closed == "/data/countries" else "United Kingdom (UK)") == address["Country"]


@pytest.mark.parametrize("fault", [(403, SOLID), (500, {}), (200, CHALLENGE)])
def test_countries_that_cannot_be_read_cost_their_names_only(connected, woo, fault):
    """
    Orders come with the codes, and the shop is not asked again with each page.
    """
    woo.blocked["/data/countries"] = fault
    linnworks = connected(woo)
    countries = []
    for _ in range(2):
        woo.place_order({"MUG": 1})
        orders = linnworks.orders()
        countries += [order["DeliveryAddress"]["Country"] for order in orders.values()]
    asked = [path for _, path in woo.server.calls if "/data/countries" in path]

    assert {"GB"} == set(countries)
    assert len(asked) <= 3  # one read with its retries, or one for each way to send the key


def test_the_wizard_does_not_have_the_shop_test_its_own_calls(call, woo):
    """
    The whole status report takes as long as a firewall that drops the shop's calls.
    """
    save_credentials(call, woo)
    asked = {path.partition("?")[2] for _, path in woo.server.calls if "/system_status" in path}

    assert all("_fields=environment.version%2Csettings.currency" in query for query in asked)
    assert asked


PRINTED = ["\ufeff", "<br />\n<b>Deprecated</b>:  Creation of [0] in <b>/a.php</b> on line <b>1</b><br />\n"]


@pytest.mark.parametrize("printed", PRINTED)
def test_what_plugins_print_does_not_stop_a_shop(connected, call, woo, printed):
    """
    The wizard, orders and refusals work, although PHP sends every answer with status 200.
    """
    woo.printed = printed
    linnworks = connected(woo)
    number = woo.place_order({"MUG": 1})
    row = {"Reference": "", "Quantity": 7}
    levels = linnworks("InventoryUpdateEndpoint", Products=[{**row, "SKU": "MUG"}, {**row, "SKU": "NONE"}])
    wrong = save_credentials(call, woo, consumer_secret=f"cs_{'0' * 40}")
    unknown = linnworks("DespatchEndpoint", Orders=[{"ReferenceNumber": "987654321"}])

    assert {number} == {order["ReferenceNumber"] for order in linnworks.orders().values()}
    assert [None, "The shop has no product NONE"] == [product["Error"] for product in levels["Products"]]
    assert "Consumer secret is invalid" in wrong["Error"]
    assert "has no order" in unknown["Orders"][0]["Error"]


def test_an_address_copied_from_the_browser_works(call, woo):
    """
    The path of an admin page is removed.
    """
    assert (
        save_credentials(call, woo, store_url=f" {woo.url}/wp-admin/admin.php?page=wc-settings ")["StepName"]
        == "Orders"
    )


def test_plain_http_needs_the_operators_permission(app, call, woo):
    """
    A key is sent without TLS only if the operator allows shops in private networks.
    """
    bridge = app.extensions["bridge"]
    strict = Channels(replace(bridge.settings, allow_private_shops=False), bridge.vault)
    app.extensions["bridge"] = replace(bridge, settings=strict.settings, channels=strict)
    try:
        answer = save_credentials(call, woo)
    finally:
        app.extensions["bridge"] = bridge

    assert "must begin with https://" in answer["Error"]


def test_one_tag_cannot_set_two_prices(connected, woo):
    """
    A price tag for both prices is refused, and the settings stay as they were.
    """
    linnworks = connected(woo)
    answer = linnworks.save("UserConfig", sale_price_tag="UNTAGGED")

    assert "same price tag" in answer["Error"]
    assert "SALE" in str(linnworks("UserConfigEndpoint")["ConfigItems"])


def test_a_carrier_that_cannot_be_understood_is_not_saved(connected, woo):
    """
    The seller is told which entry it is.
    """
    answer = connected(woo).save("UserConfig", carriers="DPD = https://track.example/{number}; Bob = call me")

    assert "Carriers: call me is neither" in answer["Error"]


@pytest.mark.parametrize("missing", [item.config_item_id for item in wizard.items({})])
def test_an_integration_without_an_answer_works(connected, woo, missing):
    """
    A question that an integration was never asked has its default in every call.
    """
    linnworks = connected(woo)
    woo.place_order({"MUG": 1})
    forget_answer(missing)
    (order,) = linnworks.orders().values()
    despatch = linnworks("DespatchEndpoint", Orders=[{"ReferenceNumber": order["ReferenceNumber"]}])
    price = linnworks("PriceUpdateEndpoint", Products=[{"SKU": "MUG", "Price": 9}])

    assert [None, None] == [despatch["Orders"][0]["Error"], price["Products"][0]["Error"]]
    assert linnworks("UserConfigEndpoint")["Error"] is None


def test_the_settings_open_while_the_shop_is_down(connected):
    """
    The settings show the order statuses that were saved with the answers.
    """
    with WooShop() as shop:
        linnworks = connected(shop)
        before = linnworks("UserConfigEndpoint")
    after = linnworks("UserConfigEndpoint")

    assert after["Error"] is None
    assert [item["ConfigItemId"] for item in before["ConfigItems"]] == [
        item["ConfigItemId"] for item in after["ConfigItems"]
    ]


def test_a_revoked_key_must_be_entered_again(connected, woo):
    """
    The wizard goes back to the credentials; the token stays valid.
    """
    linnworks = connected(woo)
    woo.authenticator.keys.clear()
    answer = linnworks("ConfigTestEndpoint")

    assert answer["Error"]
    assert linnworks("UserConfigEndpoint")["StepName"] == "Shop"


@pytest.mark.parametrize(
    ("address", "identity"),
    [
        ("https://shop.example.com", "shop.example.com"),
        ("http://www.Shop.example.com:80/", "shop.example.com"),
        ("shop.example.com/wp-admin/plugins.php", "shop.example.com"),
        ("https://shop.example.com:8443", "shop.example.com:8443"),
        ("https://shop.example.com/b2b/", "shop.example.com/b2b"),
        ("https://another.example.com", "another.example.com"),
        ("https://www.Käse.example", "xn--kse-qla.example"),
        ("https://xn--kse-qla.example", "xn--kse-qla.example"),
        ("not an address", "not an address"),
    ],
)
def test_one_shop_has_one_identity(address, identity):
    """
    It does not depend on how the seller writes the address.
    """
    assert identity == wizard.shop_identity(address)


def test_a_new_key_leads_to_the_same_shop_and_a_new_address_to_another(app, linnworks, woo):
    """
    Only with another address does the wizard say that the shop is another one.
    """
    channels = app.extensions["bridge"].channels
    answers = []
    with WooShop() as other:
        for shop, key in ((woo, "ck_" + 40 * "a"), (other, other.key)):
            shop.authenticator.keys[key] = Key(key, shop.secret, writes=True)
            ask_for_credentials(Connection.get(Connection.account_name == linnworks.account_name), channels)
            credentials = {"store_url": shop.url, "consumer_key": key, "consumer_secret": shop.secret}
            answers.append(linnworks.save("Shop", **credentials))

    assert [(None, "UserConfig")] * 2 == [(answer["Error"], answer["StepName"]) for answer in answers]
    assert [False, True] == [answer["WizardStepDescription"].startswith(NOTICE) for answer in answers]
    assert 2 == Connection.get(Connection.account_name == linnworks.account_name).generation
