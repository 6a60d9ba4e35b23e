"""What a Medusa shop says about itself, and whether the bridge can work with it."""

from __future__ import annotations

from dataclasses import dataclass

from bridge.channels.http import UnexpectedAnswer
from bridge.channels.medusa.api import MedusaClient
from bridge.errors import ChannelRefused, CredentialsRefused

NOT_FOUND = 404


@dataclass(frozen=True)
class ShopInfo:
    """The shop's own description."""

    shop: MedusaClient

    def check(self) -> None:
        """Raise an error that says what the seller can do if address or key do not fit."""
        self.check_key()
        self.shop.read_list("stock-locations", "stock_locations", {"limit": 1, "fields": "id"})

    def check_key(self) -> None:
        """Raise an error if the key is not accepted. Medusa's secret keys may do everything that the admin may."""
        key = self.shop.key
        if key.startswith("pk_"):
            raise CredentialsRefused("This is a publishable API key: a secret one is needed, which begins with sk_")
        if not key.startswith("sk_"):
            raise CredentialsRefused("A secret API key begins with sk_; a password or a session's token does not work")
        no_medusa = (
            f"There is no Medusa 2 at {self.shop.url}: check the address, it is the server's and not the storefront's"
        )
        try:
            answer = self.shop.get("orders", {"limit": 1, "fields": "id"}, accept=(NOT_FOUND,))
        except UnexpectedAnswer as error:
            raise ChannelRefused(no_medusa) from error
        if not isinstance(answer.find("orders"), list):
            raise ChannelRefused(no_medusa)

    def version(self) -> str:
        """Return the software; Medusa does not tell its version to API keys."""
        return "Medusa 2"
