"""The parcels of a despatch: carriers, tracking numbers and links."""

from __future__ import annotations

from dataclasses import dataclass

from bridge.protocol.schemas.orders import DespatchOrder

UNNAMED = ("NONE", "DEFAULT")  # what Linnworks sends as the name of no vendor or method


@dataclass(frozen=True)
class Parcel:
    """How a part of an order is sent."""

    carrier: str
    number: str
    link: str


def parcels_of(despatch: DespatchOrder, *, unnumbered: bool = False) -> list[Parcel]:
    """Return the parcels with a tracking number or link: the packages, or else the despatch's own numbers.

    If there is none, `unnumbered` asks for one parcel with the carrier, where Linnworks names a carrier.
    """
    carrier = _carrier(despatch.shipping_vendor, despatch.shipping_method)
    packages = [
        Parcel(
            _carrier(package.shipping_vendor, package.shipping_method) or carrier,
            package.tracking_number,
            package.tracking_url,
        )
        for package in despatch.packages
        if package.tracking_number or package.tracking_url
    ]
    numbers = [despatch.tracking_number, *despatch.secondary_tracking_numbers]
    unpacked = [
        Parcel(carrier, number.strip(), despatch.tracking_url if not position else "")
        for position, number in enumerate(numbers)
        if number.strip() or (despatch.tracking_url and not position)
    ]
    if packages or unpacked or not (unnumbered and carrier):
        return packages or unpacked
    return [Parcel(carrier, "", "")]


def _carrier(vendor: str, method: str) -> str:
    return " ".join(name.strip() for name in (vendor, method) if name.strip() and name.upper() not in UNNAMED)
