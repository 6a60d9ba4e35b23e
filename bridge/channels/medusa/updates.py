"""Stock levels and prices by SKU."""

from __future__ import annotations

from collections.abc import Sequence

from bridge.channels.base import Outcome
from bridge.channels.medusa.api import MedusaClient
from bridge.channels.medusa.preferences import Preferences
from bridge.protocol.schemas.products import Price, StockLevel


def set_stock(shop: MedusaClient, levels: Sequence[StockLevel], preferences: Preferences) -> Sequence[Outcome]:
    raise NotImplementedError


def set_prices(shop: MedusaClient, prices: Sequence[Price], preferences: Preferences) -> Sequence[Outcome]:
    raise NotImplementedError
