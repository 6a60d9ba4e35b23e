"""The seller's answers to the wizard."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass


@dataclass(frozen=True)
class PriceTarget:
    """A price of a variant: its base price in a currency, that of a region, or one of a price list."""

    currency: str
    """The ISO code in lower case, as Medusa has it."""
    region: str = ""
    """The id of the region, "" for none."""
    price_list: str = ""
    """The id of the price list, "" for the base price."""


@dataclass(frozen=True)
class Preferences:
    """The seller's answers, with the preset for a question that was added after the wizard."""

    sales_channels: frozenset[str]
    """The ids of the sales channels that are connected; all if there are none."""
    location: str
    """The id of the stock location; orders are despatched from it, and its levels are set."""
    price_targets: Mapping[str, PriceTarget]
    """The price that a tag of Linnworks sets; the tag "" stands for prices without a tag."""
    default_currency: str
    """The currency of the prices that Products and listings give."""
    despatch_days: int
    ships: bool
    """Whether a despatch makes a shipment with tracking; otherwise only the fulfilment."""
    captures: bool
    """Whether the despatch of the last piece captures what is left of the payment."""
    notifies: bool
    """Whether customers get Medusa's messages."""
    paid_statuses: frozenset[str]
    """The payment statuses of Medusa that count as paid."""
    manages_stock: bool
    """Whether a stock level switches counting on for a variant that Medusa does not count; otherwise it is refused."""
