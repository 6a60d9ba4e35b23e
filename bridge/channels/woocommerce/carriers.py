"""Carriers: the link by which a customer follows a parcel, and the names under which shops know the carrier.

Linnworks names vendor and method, often without a link. The seller's table says what to make of a name; for names
that it does not have, the usual carriers are known.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import quote, urlsplit

from bridge.channels.base import Parcel, Tracking
from bridge.channels.woocommerce.values import unescape
from bridge.errors import ChannelRefused

NUMBER = "{number}"
PLACEHOLDERS = ("number", "postcode", "country")
OTHER = "other"
"""The provider of WooCommerce's fulfilments that has a name of its own."""


@dataclass(frozen=True)
class Carrier:
    """A carrier: its names in lower case, its key among WooCommerce's own providers, and its tracking page.

    `local_links` are pages for parcels to some countries. `plugin_provider` is the key under which the shop's tracking
    plugin knows it: the plugin then makes the link.
    """

    names: Sequence[str]
    provider: str = ""
    link: str = ""
    local_links: Mapping[str, str] = field(default_factory=dict)
    plugin_provider: str = ""


@dataclass(frozen=True)
class Shipment:
    """A parcel as a shop shows it: its number, the carrier as Linnworks names it, and what is known of that carrier."""

    number: str
    carrier: str
    link: str = ""
    provider: str = ""
    plugin_provider: str = ""


DPD_UK, EVRI = "https://track.dpd.co.uk/search?reference={number}", "https://www.evri.com/track/parcel/{number}"
USUAL_CARRIERS = (
    Carrier(
        ("royal mail", "royalmail", "click drop"),
        "royal-mail",
        "https://www.royalmail.com/track-your-item#/tracking-results/{number}",
    ),
    Carrier(
        ("parcelforce", "parcel force"), "parcelforce", "https://www.parcelforce.com/track-trace?trackNumber={number}"
    ),
    Carrier(("dpd uk", "dpd local", "dpd co uk", "interlink"), "dpd", DPD_UK),
    Carrier(
        ("dpd",),
        "dpd",
        "https://tracking.dpd.de/status/en_US/parcel/{number}",
        {"GB": DPD_UK},
    ),
    Carrier(
        ("dhl parcel uk", "uk mail", "ukmail", "dhl ecommerce uk"), "dhl", "https://track.dhlparcel.co.uk/?con={number}"
    ),
    Carrier(
        ("dhl paket", "dhl de", "dhl germany", "deutsche post dhl"),
        "dhl",
        "https://www.dhl.de/en/privatkunden/pakete-empfangen/verfolgen.html?piececode={number}",
    ),
    Carrier(("dhl",), "dhl", "https://www.dhl.com/global-en/home/tracking.html?tracking-id={number}&submit=1"),
    Carrier(("ups",), "ups", "https://www.ups.com/track?tracknum={number}"),
    Carrier(("fedex", "fed ex"), "fedex", "https://www.fedex.com/fedextrack/?trknbr={number}"),
    Carrier(("tnt",), "", "https://www.tnt.com/express/en_gc/site/tracking.html?searchType=con&cons={number}"),
    Carrier(("usps",), "usps", "https://tools.usps.com/go/TrackConfirmAction?tLabels={number}"),
    Carrier(("gls",), "gls", "https://gls-group.com/GROUP/en/parcel-tracking?match={number}"),
    Carrier(("evri", "myhermes", "my hermes", "hermes uk"), "evri-hermes", EVRI),
    Carrier(
        ("hermes",),
        "evri-hermes",
        "https://www.myhermes.de/empfangen/sendungsverfolgung/sendungsinformation#{number}",
        {"GB": EVRI},
    ),
    Carrier(("yodel",), "", "https://www.yodel.co.uk/tracking/{number}"),
    Carrier(("dx", "dx freight"), "", "https://my.dxdelivery.com/?consno={number}&postcode={postcode}"),
    Carrier(
        ("amazon shipping", "amazon logistics", "amazon"),
        "amazon-logistics",
        "https://track.amazon.com/tracking/{number}",
        {"GB": "https://track.amazon.co.uk/tracking/{number}"},
    ),
    Carrier(("postnl", "post nl"), "postnl", "https://jouw.postnl.nl/track-and-trace/{number}-{country}-{postcode}"),
    Carrier(
        ("deutsche post",),
        "deutsche-post",
        "https://www.deutschepost.de/de/s/sendungsverfolgung.html?piececode={number}",
    ),
    Carrier(("an post", "anpost"), "an-post", "https://www.anpost.com/Post-Parcels/Track/History?item={number}"),
    Carrier(
        ("australia post", "auspost", "eparcel"),
        "australia-post",
        "https://auspost.com.au/mypost/track/details/{number}",
    ),
    Carrier(("startrack", "star track"), "startrack", "https://startrack.com.au/track/details/{number}"),
    Carrier(
        ("new zealand post", "nz post", "nzpost"),
        "new-zealand-post",
        "https://www.nzpost.co.nz/tools/tracking?trackid={number}",
    ),
    Carrier(
        ("canada post",),
        "canada-post",
        "https://www.canadapost-postescanada.ca/track-reperage/en#/search?searchFor={number}",
    ),
    Carrier(("purolator",), "purolator", "https://www.purolator.com/en/shipping/tracker?pin={number}"),
    Carrier(
        ("colissimo", "la poste"),
        "la-poste-colissimo",
        "https://www.laposte.fr/outils/suivre-vos-envois?code={number}",
    ),
    Carrier(
        ("chronopost",),
        "chronopost",
        "https://www.chronopost.fr/tracking-no-cms/suivi-page?listeNumerosLT={number}",
    ),
    Carrier(
        ("mondial relay",),
        "mondial-relay",
        "https://www.mondialrelay.fr/suivi-de-colis/?numeroExpedition={number}&codePostal={postcode}",
    ),
    Carrier(
        ("correos",),
        "correos",
        "https://www.correos.es/es/es/herramientas/localizador/envios/detalle?tracking-number={number}",
    ),
    Carrier(("seur",), "seur", "https://www.seur.com/livetracking/?segOnlineIdentificador={number}"),
    Carrier(
        ("poste italiane",), "poste-italiane", "https://www.poste.it/cerca/index.html#/risultati-spedizioni/{number}"
    ),
    Carrier(("brt", "bartolini"), "bartolini-brt", "https://vas.brt.it/vas/sped_det_show.hsm?Nspediz={number}"),
    Carrier(("bpost",), "bpost", "https://track.bpost.cloud/btr/web/#/search?itemCode={number}&postalCode={postcode}"),
    Carrier(("postnord",), "postnord", "https://tracking.postnord.com/en/tracking?id={number}"),
    Carrier(("bring", "posten norge"), "posten-norge-bring", "https://tracking.bring.com/tracking/{number}"),
    Carrier(("inpost",), "inpost", "https://inpost.pl/sledzenie-przesylek?number={number}"),
    Carrier(("poczta polska",), "poczta-polska", "https://emonitoring.poczta-polska.pl/?numer={number}"),
    Carrier(("packeta", "zasilkovna"), "zasilkovna", "https://tracking.packeta.com/en/?id={number}"),
    Carrier(("swiss post",), "swiss-post", "https://service.post.ch/ekp-web/ui/entry/search/{number}"),
    Carrier(
        ("austrian post", "österreichische post", "post at"),
        "osterreichische-post",
        "https://www.post.at/sv/sendungssuche?snr={number}",
    ),
)
"""What is known of them unless the seller's table says otherwise."""

TABLE_HELP = (
    "The tracking pages of the usual carriers are known (Royal Mail, DPD, DHL, UPS, FedEx, GLS, Evri, Hermes, PostNL "
    "and more). To add or change one, write the name of Linnworks' vendor or method, =, and either the address of the "
    "page with {number}, {postcode} or {country} in it, or the key under which your tracking plugin knows the carrier. "
    "Separate several by semicolons: My Courier = https://courier.example/{number}; Royal Mail = royal-mail"
)


def parse_table(text: str) -> tuple[Carrier, ...]:
    """Return the carriers of the seller's table; raises ChannelRefused with the entry that cannot be understood."""
    return tuple(_parse_entry(entry) for entry in re.split(r"[;\n]", text) if entry.strip())


def _parse_entry(entry: str) -> Carrier:
    name, _, target = (part.strip() for part in entry.partition("="))
    if not _words(name) or not target:
        raise ChannelRefused(f"Carriers: {entry.strip()} should be a carrier, = and a link or a provider's key")
    if "://" not in target:
        if not re.fullmatch(r"[\w.-]+", target):
            raise ChannelRefused(f"Carriers: {target} is neither an address with https:// nor a provider's key")
        return Carrier((_words(name),), plugin_provider=target)
    try:
        is_address = urlsplit(target).scheme in ("http", "https") and bool(urlsplit(target).hostname)
    except ValueError:
        is_address = False
    if not is_address or re.search(r"[\s<>\"]", target):
        raise ChannelRefused(f"Carriers: {target} is not an address")
    if NUMBER not in target or not set(re.findall(r"{([^{}]*)}", target)) <= set(PLACEHOLDERS):
        raise ChannelRefused(f"Carriers: {target} needs {NUMBER}, and may have {{postcode}} and {{country}}")
    return Carrier((_words(name),), link=target)


def shipments(parcel: Parcel, table: Iterable[Carrier], order: Mapping[str, Any]) -> list[Shipment]:
    """Return what a customer can follow of a parcel: what has a number or a link. The order has the address."""
    table = tuple(table)
    followed = (tracking for tracking in parcel.tracking if tracking.number or tracking.link)
    return [_shipment(tracking, table, order) for tracking in followed]


def _shipment(tracking: Tracking, table: Sequence[Carrier], order: Mapping[str, Any]) -> Shipment:
    """Return a parcel with what the table says, and what it does not say from the usual carriers."""
    chosen, usual = (_find(tracking.carrier, carriers) for carriers in (table, USUAL_CARRIERS))
    return Shipment(
        number=tracking.number,
        carrier=tracking.carrier,
        link=tracking.link or _link(chosen, tracking.number, order) or _link(usual, tracking.number, order),
        provider=usual.provider or chosen.plugin_provider or OTHER,
        plugin_provider=chosen.plugin_provider,
    )


def _find(name: str, carriers: Iterable[Carrier]) -> Carrier:
    """Return the carrier with the longest name that occurs in this one, in whole words."""
    words = f" {_words(name)} "
    found = [(len(known), carrier) for carrier in carriers for known in carrier.names if f" {known} " in words]
    return max(found, key=lambda one: one[0], default=(0, Carrier(())))[1]


def _link(carrier: Carrier, number: str, order: Mapping[str, Any]) -> str:
    """Return the page of a parcel, "" if the carrier has none or what it needs is not known."""
    country, postcode = (
        unescape(order["shipping"].get(name)) or unescape(order["billing"].get(name))
        for name in ("country", "postcode")
    )
    link = carrier.local_links.get(country, carrier.link)
    for name, value in (("number", number), ("country", country), ("postcode", postcode)):
        value = re.sub(r"\s", "", value)
        if f"{{{name}}}" in link and not value:
            return ""
        link = link.replace(f"{{{name}}}", quote(value, safe=""))
    return link


def _words(name: str) -> str:
    return " ".join(re.findall(r"\w+", name.casefold()))
