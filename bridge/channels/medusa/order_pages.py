"""Pages of orders that changed, and single orders."""

from __future__ import annotations

from datetime import datetime

from bridge.channels.base import Page
from bridge.channels.medusa.api import MedusaClient
from bridge.channels.medusa.preferences import Preferences
from bridge.protocol.schemas.orders import Order


def page(shop: MedusaClient, since: datetime, cursor: str | None, preferences: Preferences) -> Page[Order]:
    raise NotImplementedError


def one(shop: MedusaClient, reference: str, preferences: Preferences) -> Order | None:
    raise NotImplementedError


def reference_of(shop: MedusaClient, number: str) -> str | None:
    raise NotImplementedError
