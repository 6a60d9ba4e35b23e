"""The customers of the embedded shops, and the sites that they order on."""

from __future__ import annotations

from typing import NamedTuple

from bridge.protocol.schemas.orders import Address

SITES = {"": "GBP", "EU": "EUR"}
"""The sites with their currencies."""
MARKETPLACES = {"EU": ("EU372000041", "IM3720000224")}
"""The sites where a marketplace collects the tax, with its tax id and its IOSS number."""
COUNTRIES = {"GB": "United Kingdom", "DE": "Germany", "FR": "France", "IE": "Ireland", "GR": "Greece"}


class Customer(NamedTuple):
    """A customer; without a delivery address orders are sent to the billing address."""

    billing: Address
    delivery: Address | None = None
    tax_number: str = ""

    @property
    def site(self) -> str:
        return "" if self.billing.country_code == "GB" else "EU"


def _address(name: str, lines: str, town: str, region: str, post_code: str, code: str, company: str = "") -> Address:
    """Return an address; `lines` are up to three, separated by |."""
    address1, address2, address3, *_ = [*lines.split("|"), "", ""]
    return Address(
        full_name=name,
        company=company,
        address1=address1,
        address2=address2,
        address3=address3,
        town=town,
        region=region,
        post_code=post_code,
        country=COUNTRIES[code],
        country_code=code,
        phone_number="+44 20 7946 0000",
        email_address="buyer@example.com",
    )


CUSTOMERS = (
    Customer(_address("Anna Whitfield", "12 Mill Lane", "Bath", "Somerset", "BA1 5TQ", "GB")),
    Customer(
        _address(
            "Tom Okafor",
            "Unit 4|Canal Works|80 Canal Street",
            "Leeds",
            "West Yorkshire",
            "LS1 4BR",
            "GB",
            "Okafor & Daughters Ltd",
        ),
        _address("Ada Okafor", "Flat 3|82 Canal Street", "Leeds", "West Yorkshire", "LS1 4BS", "GB"),
        "GB927352184",
    ),
    Customer(_address("Siân Prydderch", "Tŷ Gwyn, Heol y Bryn", "Cardiff", "", "CF10 3AT", "GB")),
    Customer(
        _address("Jürgen Großmann", "Lindenstraße 7", "Köln", "NRW", "50674", "DE", "Großmann Feinkost GmbH"),
        tax_number="DE811569869",
    ),
    Customer(_address("Zoë Lefèvre", "4 rue des Épinettes", "Paris", "", "75017", "FR")),
    Customer(_address("Eoin Ó Súilbháin", "19 Quay Street", "Galway", "", "H91 N5C2", "IE")),
    Customer(_address("Νίκος Παπαδόπουλος", "Ερμού 15", "Athens", "Attica", "105 63", "GR")),
)
FREQUENCIES = [1 if customer.site else 3 for customer in CUSTOMERS]
