"""What a listing can have."""

from __future__ import annotations

from collections.abc import Sequence

from bridge.channels.medusa.api import MedusaClient
from bridge.protocol.schemas.listings import Attribute, Category, ConfiguratorSettingsResponse, VariationsResponse

SETTINGS = ConfiguratorSettingsResponse()


def categories(shop: MedusaClient) -> Sequence[Category]:
    raise NotImplementedError


def attributes(shop: MedusaClient, category_ids: Sequence[str]) -> Sequence[Attribute]:
    raise NotImplementedError


def variations(shop: MedusaClient, category_ids: Sequence[str]) -> VariationsResponse:
    raise NotImplementedError
