from __future__ import annotations

from typing import Any

import pytest

from bridge.channels.base import Parcel, Tracking
from bridge.channels.woocommerce.carriers import USUAL_CARRIERS, parse_table, shipments
from bridge.errors import ChannelRefused

ADDRESS = {"country": "NL", "postcode": "1234 AB"}


def shipped(
    vendor: str, method: str = "", table: str = "", *, number: str = "1Z 9", link: str = "", **address: str
) -> Any:
    parcel = Parcel("1", {"1": 1}, (Tracking(number, vendor, method, link),))
    order = {"shipping": {**ADDRESS, **address}, "billing": ADDRESS}
    return shipments(parcel, parse_table(table), order)[0]


@pytest.mark.parametrize(
    ("vendor", "method", "provider", "link"),
    [
        ("Royal Mail", "Tracked 48", "royal-mail", "https://www.royalmail.com/track-your-item#/tracking-results/1Z9"),
        ("DPD", "Next Day", "dpd", "https://tracking.dpd.de/status/en_US/parcel/1Z9"),
        ("DPD Local", "", "dpd", "https://track.dpd.co.uk/search?reference=1Z9"),
        ("DHL", "Parcel UK", "dhl", "https://track.dhlparcel.co.uk/?con=1Z9"),
        ("Default", "UPS Standard", "ups", "https://www.ups.com/track?tracknum=1Z9"),
        ("FEDEX", "", "fedex", "https://www.fedex.com/fedextrack/?trknbr=1Z9"),
        ("GLS", "", "gls", "https://gls-group.com/GROUP/en/parcel-tracking?match=1Z9"),
        ("Evri", "", "evri-hermes", "https://www.evri.com/track/parcel/1Z9"),
        ("PostNL", "Pakket", "postnl", "https://jouw.postnl.nl/track-and-trace/1Z9-NL-1234AB"),
        ("Cupsize Couriers", "", "other", ""),
        ("", "", "other", ""),
    ],
)
def test_usual_carriers_are_known_by_the_words_of_their_names(vendor, method, provider, link):
    """
    The longest name that occurs in vendor and method decides.
    """
    found = shipped(vendor, method)

    assert (provider, link, "") == (found.provider, found.link, found.plugin_provider)


def test_a_page_for_the_country_of_the_parcel_is_preferred():
    """
    Two companies have the name Hermes.
    """
    assert ["https://www.evri.com/track/parcel/1Z9", "https://www.myhermes.de/"] == [
        shipped("Hermes", country="GB").link,
        shipped("Hermes", country="DE").link[:24],
    ]


def test_a_page_that_needs_what_is_not_known_is_left_out():
    """
    A link with a hole in it leads nowhere.
    """
    order = {"shipping": {"country": "NL", "postcode": ""}, "billing": {}}
    parcel = Parcel("1", {}, (Tracking("1", "PostNL"),))

    assert "" == shipments(parcel, (), order)[0].link


def test_the_sellers_table_comes_before_the_usual_carriers():
    """
    By a link, or by the key under which the shop's plugin knows the carrier.
    """
    table = "Royal Mail Tracked 48 = https://a.example/?n={number}&p={postcode};\nroyal-mail=rm-uk ; Bob's = bobs"
    links = [shipped("Royal Mail", method, table).link for method in ("Tracked 48", "Tracked 24")]

    assert ["https://a.example/?n=1Z9&p=1234AB", "https://www.royalmail.com"] == [links[0], links[1][:25]]
    assert ("royal-mail", "rm-uk") == (
        shipped("Royal Mail", "", table).provider,
        shipped("Royal Mail", "", table).plugin_provider,
    )
    assert ("bobs", "") == (shipped("BOB'S", "", table).provider, shipped("BOB'S", "", table).link)


def test_linnworks_own_link_is_used():
    """
    It is that parcel's.
    """
    assert (
        "https://own.example"
        == shipped("DPD", link="https://own.example", table="DPD = https://b.example/{number}").link
    )


def test_what_a_number_contains_stays_in_the_number():
    """
    It cannot lead a customer to another page.
    """
    assert "https://www.ups.com/track?tracknum=..%2F%3Fa%3D1%26" == shipped("UPS", number="../?a=1&").link


@pytest.mark.parametrize(
    ("table", "words"),
    [
        ("DPD", "DPD should be a carrier"),
        ("= x", "should be a carrier"),
        ("DPD = https://x.example/", "needs {number}"),
        ("DPD = https://x.example/{number}/{name}", "needs {number}"),
        ("DPD = javascript://x.example/{number}", "is not an address"),
        ("DPD = https://x.example/ {number}", "is not an address"),
        ("DPD = https:///{number}", "is not an address"),
        ("DPD = royal mail", "neither an address"),
    ],
)
def test_an_entry_that_cannot_be_understood_is_named(table, words):
    """
    The wizard does not go on with it.
    """
    with pytest.raises(ChannelRefused, match=r"^Carriers: ") as refusal:
        parse_table(table)

    assert words in str(refusal.value)


def test_every_usual_link_has_the_number():
    """
    And names are unique, and written as they are compared.
    """
    names = [name for carrier in USUAL_CARRIERS for name in carrier.names]

    assert len(names) == len(set(names))
    for carrier in USUAL_CARRIERS:
        for link in (carrier.link, *carrier.local_links.values()):
            assert (carrier.link and parse_table(f"X = {link}"))[0].link == link
        assert all(name == " ".join(name.split()).casefold() for name in carrier.names)
