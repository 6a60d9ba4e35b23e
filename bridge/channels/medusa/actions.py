"""Despatch, cancel and refund of an order."""

from __future__ import annotations

from bridge.channels.base import OrderState, Parcel
from bridge.channels.medusa.api import MedusaClient
from bridge.channels.medusa.preferences import Preferences
from bridge.protocol.schemas.after_sale import Cancellation, PostSaleOptionsResponse, Refund

OPTIONS = PostSaleOptionsResponse()


class Actions:
    def __init__(self, shop: MedusaClient, preferences: Preferences, reference: str) -> None:
        self.shop = shop

    def order_state(self) -> OrderState | None:
        raise NotImplementedError

    def despatch(self, parcel: Parcel, key: str) -> None:
        raise NotImplementedError

    def cancel(self, cancellation: Cancellation, key: str) -> None:
        raise NotImplementedError

    def refund(self, refund: Refund, key: str) -> str:
        raise NotImplementedError

    def find_result(self, kind: str, key: str) -> str | None:
        raise NotImplementedError
