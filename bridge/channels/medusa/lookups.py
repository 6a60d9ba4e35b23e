"""Lists of a Medusa shop that rarely change."""

from __future__ import annotations

from collections.abc import Sequence

from bridge.channels.medusa.api import MedusaClient
from bridge.protocol.schemas.config import Tag


def shipping_tags(shop: MedusaClient) -> Sequence[Tag]:
    raise NotImplementedError


def payment_tags(shop: MedusaClient) -> Sequence[Tag]:
    raise NotImplementedError
