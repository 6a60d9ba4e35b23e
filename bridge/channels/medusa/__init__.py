"""The Medusa channel, for Medusa 2, over its Admin API."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

from bridge.channels.base import Channel, ListingResult, OrderState, Outcome, Page, Parcel, Step
from bridge.channels.http.address import require_https
from bridge.channels.medusa import (
    catalogue,
    configurator,
    listings,
    lookups,
    order_pages,
    shop_choices,
    updates,
    wizard,
)
from bridge.channels.medusa.actions import OPTIONS, Actions
from bridge.channels.medusa.api import MedusaClient
from bridge.channels.medusa.order_state import MedusaOrder
from bridge.channels.medusa.preferences import Preferences
from bridge.channels.medusa.shop_info import ShopInfo
from bridge.lazy import lazy_property
from bridge.protocol.schemas.after_sale import Cancellation, PostSaleOptionsResponse, Refund
from bridge.protocol.schemas.config import Tag
from bridge.protocol.schemas.listings import (
    Attribute,
    Category,
    CategoryQuestion,
    ConfiguratorSettingsResponse,
    ListingRemoval,
    ProductListing,
    ProductSettings,
    VariationsResponse,
)
from bridge.protocol.schemas.orders import Order
from bridge.protocol.schemas.products import Price, Product, StockLevel


class MedusaChannel(Channel):
    """A Medusa shop."""

    name = "MEDUSA_BRIDGE"
    friendly_name = "Medusa"
    steps = wizard.STEPS
    supports_listings = True
    omissions = catalogue.OMISSIONS
    inventory_batch_size = 500  # some 5 ms each
    price_batch_size = 250  # some 10 ms each
    despatch_batch_size = 10  # each takes four or five calls, one after the other
    listing_batch_size = 10  # each takes about seven calls, one after the other

    @lazy_property
    def shop(self) -> MedusaClient:
        """The shop's Admin API, with this connection's key."""
        url = wizard.store_address(self.config["store_url"])
        require_https(url, allow_http=self.settings.allow_private_shops)
        return MedusaClient(url, self.config["api_key"].strip(), self.deadline, self.settings)

    @lazy_property
    def shop_info(self) -> ShopInfo:
        """What the shop says about itself."""
        return ShopInfo(self.shop)

    @lazy_property
    def preferences(self) -> Preferences:
        """The seller's answers to the wizard, and the shop's defaults for what was not answered."""
        return shop_choices.filled_in(wizard.preferences(self.config), self.config, self.shop)

    @lazy_property
    def _just_read(self) -> dict[str, MedusaOrder]:
        """The orders that were read and not changed since, by reference."""
        return {}

    def _actions(self, reference: str) -> Actions:
        return Actions(self.shop, self.preferences, reference, self._just_read)

    # -- set-up ----------------------------------------------------------------------------------------

    @property
    def shop_identity(self) -> Sequence[str]:
        """The shop's address, which may be written in several ways; a new key is no new shop."""
        return (wizard.shop_identity(self.config["store_url"]),)

    def step(self, name: str) -> Step:
        """Return the step with the sales channels, locations, currencies, regions and price lists that the shop has."""
        declared = super().step(name)
        return declared if declared.credentials else shop_choices.step(declared, self.shop)

    def verify(self, step: str) -> None:
        if step == wizard.SHOP:
            self.shop_info.check()
        else:
            shop_choices.verify(self.shop, self.config)

    def check(self) -> None:
        self.shop_info.check_key()

    def version(self) -> str:
        return self.shop_info.version()

    def shipping_tags(self) -> Sequence[Tag]:
        return lookups.shipping_tags(self.shop)

    def payment_tags(self) -> Sequence[Tag]:
        return lookups.payment_tags(self.shop)

    # -- orders ----------------------------------------------------------------------------------------

    def orders(self, since: datetime, cursor: str | None) -> Page[Order]:
        return order_pages.page(self.shop, since, cursor, self.preferences)

    def order(self, reference: str) -> Order | None:
        return order_pages.one(self.shop, reference, self.preferences)

    def reference_of(self, number: str) -> str | None:
        return order_pages.reference_of(self.shop, number)

    def order_state(self, reference: str) -> OrderState | None:
        return self._actions(reference).order_state()

    def despatch(self, parcel: Parcel, key: str) -> None:
        self._actions(parcel.reference).despatch(parcel, key)

    # -- after the sale --------------------------------------------------------------------------------

    def post_sale_options(self) -> PostSaleOptionsResponse:
        return OPTIONS

    def cancel(self, cancellation: Cancellation, key: str) -> None:
        self._actions(cancellation.reference_number).cancel(cancellation, key)

    def refund(self, refund: Refund, key: str) -> str:
        return self._actions(refund.reference_number).refund(refund, key)

    def find_result(self, kind: str, reference: str, key: str) -> str | None:
        return self._actions(reference).find_result(kind, key)

    def is_settled(self, kind: str, reference: str, key: str) -> bool:
        return self._actions(reference).is_settled(kind, key)

    # -- products --------------------------------------------------------------------------------------

    def products(self, cursor: str | None) -> Page[Product]:
        return catalogue.page(self.shop, cursor, self.preferences)

    def set_stock(self, levels: Sequence[StockLevel]) -> Sequence[Outcome]:
        return updates.set_stock(self.shop, levels, self.preferences)

    def set_prices(self, prices: Sequence[Price]) -> Sequence[Outcome]:
        return updates.set_prices(self.shop, prices, self.preferences)

    # -- listings --------------------------------------------------------------------------------------

    @classmethod
    def configurator_settings(cls) -> ConfiguratorSettingsResponse:
        return configurator.SETTINGS

    def categories(self, cursor: str | None) -> Page[Category]:
        return Page(configurator.categories(self.shop))

    def attributes(self, question: CategoryQuestion) -> Sequence[Attribute]:
        return configurator.attributes(self.shop, question.category_ids)

    def variations(self, question: CategoryQuestion) -> VariationsResponse:
        return configurator.variations(self.shop, question.category_ids)

    def create_listing(self, listing: ProductListing, settings: ProductSettings, key: str) -> ListingResult:
        return listings.create(self.shop, listing, settings, key, self.preferences)

    def update_listing(self, listing: ProductListing, settings: ProductSettings, key: str) -> ListingResult:
        return listings.update(self.shop, listing, settings, key, self.preferences)

    def delete_listing(self, removal: ListingRemoval, key: str) -> ListingResult:
        return listings.delete(self.shop, removal, key)
