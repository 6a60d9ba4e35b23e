"""Listings created, changed and deleted."""

from __future__ import annotations

from bridge.channels.base import ListingResult
from bridge.channels.medusa.api import MedusaClient
from bridge.channels.medusa.preferences import Preferences
from bridge.protocol.schemas.listings import ListingRemoval, ProductListing, ProductSettings


def create(
    shop: MedusaClient, listing: ProductListing, settings: ProductSettings, key: str, preferences: Preferences
) -> ListingResult:
    raise NotImplementedError


def update(
    shop: MedusaClient, listing: ProductListing, settings: ProductSettings, key: str, preferences: Preferences
) -> ListingResult:
    raise NotImplementedError


def delete(shop: MedusaClient, removal: ListingRemoval, key: str) -> ListingResult:
    raise NotImplementedError
