"""The parcels of a despatch, wherever Linnworks put their numbers."""

from __future__ import annotations

import pytest

from bridge.channels.helpers.parcels import Parcel, parcels_of
from bridge.protocol.schemas.orders import DespatchOrder, DespatchPackage

MAIL = {"shipping_vendor": "Royal Mail", "shipping_method": "48"}
NUMBERS = {"tracking_number": "R1", "secondary_tracking_numbers": (" R2 ", ""), "tracking_url": "https://rm.example/R1"}
PACKAGES = (
    DespatchPackage(shipping_vendor="DPD", shipping_method="Default", tracking_number="D1"),
    DespatchPackage(tracking_url="https://rm.example/R2"),
    DespatchPackage(shipping_vendor="nobody"),
)


@pytest.mark.parametrize(
    ("despatch", "expected"),
    [
        ({**MAIL, **NUMBERS}, [("Royal Mail 48", "R1", "https://rm.example/R1"), ("Royal Mail 48", "R2", "")]),
        (
            {**MAIL, **NUMBERS, "packages": PACKAGES},
            [("DPD", "D1", ""), ("Royal Mail 48", "", "https://rm.example/R2")],
        ),
        (
            {**MAIL, **NUMBERS, "packages": PACKAGES[2:]},
            [("Royal Mail 48", "R1", NUMBERS["tracking_url"]), ("Royal Mail 48", "R2", "")],
        ),
        ({"tracking_number": "R1", "shipping_vendor": "NONE", "shipping_method": "Default"}, [("", "R1", "")]),
        (MAIL, []),
    ],
    ids=["numbers", "packages", "packages without numbers", "no carrier", "no numbers"],
)
def test_a_parcel_has_a_number_or_a_link(despatch, expected):
    """
    Packages come before the despatch's own numbers, and have its carrier unless they name one.
    """
    order = DespatchOrder(reference_number="1", **despatch)

    assert [Parcel(*one) for one in expected] == parcels_of(order)


@pytest.mark.parametrize(
    ("despatch", "expected"),
    [(MAIL, [("Royal Mail 48", "", "")]), ({}, []), ({**MAIL, "tracking_number": "R1"}, [("Royal Mail 48", "R1", "")])],
    ids=["carrier", "nothing", "number"],
)
def test_a_carrier_alone_may_count_as_a_parcel(despatch, expected):
    """
    A shop that keeps carriers asks for a parcel without number and link.
    """
    order = DespatchOrder(reference_number="1", **despatch)

    assert [Parcel(*one) for one in expected] == parcels_of(order, unnumbered=True)
