"""Pages of products."""

from __future__ import annotations

from bridge.channels.base import Page
from bridge.channels.medusa.api import MedusaClient
from bridge.channels.medusa.preferences import Preferences
from bridge.protocol.schemas.products import Product


def page(shop: MedusaClient, cursor: str | None, preferences: Preferences) -> Page[Product]:
    raise NotImplementedError
