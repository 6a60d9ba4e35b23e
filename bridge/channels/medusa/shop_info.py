"""What a Medusa shop says about itself."""

from __future__ import annotations

from bridge.channels.medusa.api import MedusaClient


class ShopInfo:
    def __init__(self, shop: MedusaClient) -> None:
        self.shop = shop

    def check(self) -> None:
        raise NotImplementedError

    def check_key(self) -> None:
        raise NotImplementedError

    def version(self) -> str:
        raise NotImplementedError
