"""The WooCommerce channel, for version 7.9 and later, over its REST API."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import replace
from datetime import datetime

from bridge.channels.base import Channel, ListingResult, OrderState, Outcome, Page, Parcel, Step
from bridge.channels.helpers.rows import map_order
from bridge.channels.http.address import require_https
from bridge.channels.woocommerce import (
    catalogue,
    configurator,
    listings,
    lookups,
    order_pages,
    orders,
    updates,
    wizard,
)
from bridge.channels.woocommerce.actions import REASONS, Actions
from bridge.channels.woocommerce.api import WooClient
from bridge.channels.woocommerce.order_state import WooOrder
from bridge.channels.woocommerce.preferences import Preferences, preferences
from bridge.channels.woocommerce.shop_info import ShopInfo
from bridge.channels.woocommerce.values import row_id
from bridge.errors import ChannelError, ChannelRefused
from bridge.lazy import lazy_property
from bridge.protocol.schemas.after_sale import (
    Cancellation,
    PostSaleOptionsResponse,
    Reason,
    ReasonType,
    Refund,
    RefundShippingType,
)
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


class WooCommerceChannel(Channel):
    """A WooCommerce shop."""

    name = "WOOCOMMERCE_BRIDGE"
    friendly_name = "WooCommerce"
    steps = wizard.STEPS
    supports_listings = True
    inventory_batch_size = price_batch_size = 500  # a small server takes about four seconds for these
    despatch_batch_size = 10  # each takes three or four calls, one after the other
    listing_batch_size = 20
    omissions = (
        "orders with a status of a plugin that was deactivated, where WooCommerce 10.4 or newer stores orders in HPOS "
        "(linnworks-bridge woocommerce doctor tells of them)",
        "orders without a date of their last change, as some importers leave them",
        "unfinished checkouts",
        "products and variations without a SKU of their own, or with the SKU of another one unless the settings treat "
        "these as one (linnworks-bridge woocommerce doctor names them)",
        "grouped and external products, and unpublished ones unless the settings ask for these",
    )

    @lazy_property
    def shop(self) -> WooClient:
        """The shop's API, with this connection's key."""
        url = wizard.store_address(self.config["store_url"])
        require_https(url, allow_http=self.settings.allow_private_shops)
        key, secret = self.config["consumer_key"].strip(), self.config["consumer_secret"].strip()
        return WooClient(url, key, secret, self.deadline, self.settings)

    @lazy_property
    def shop_info(self) -> ShopInfo:
        """What the shop says about itself."""
        return ShopInfo(self.shop)

    @lazy_property
    def preferences(self) -> Preferences:
        """The seller's answers to the wizard."""
        return preferences(self.config)

    @lazy_property
    def _just_read(self) -> dict[str, WooOrder]:
        return {}

    def _actions(self, reference: str) -> Actions:
        return Actions(self.shop, self.preferences, reference, self._just_read)

    # -- set-up ----------------------------------------------------------------------------------------

    @property
    def shop_identity(self) -> Sequence[str]:
        """The shop's address, which may be written in several ways; a new key is no new shop."""
        return (wizard.shop_identity(self.config["store_url"]),)

    def step(self, name: str) -> Step:
        """Return the step with questions about the order statuses that the shop has, its own ones included."""
        step = super().step(name)
        if name == wizard.SHOP:
            return step
        description = step.description
        if name == wizard.ORDERS:
            with suppress(ChannelError):  # the step before was saved, so this one is shown in any case
                description = f"{self.shop_info.summary()} {description}"
        return replace(step, items=wizard.items(self._statuses()), description=description)

    def _statuses(self) -> Mapping[str, str]:
        """Return the shop's order statuses, or those that were asked about before if the shop does not answer."""
        try:
            return lookups.statuses(self.shop)
        except ChannelError:
            known = (name.removeprefix(wizard.STATUS) for name in self.config if name.startswith(wizard.STATUS))
            return {slug: wizard.STATUSES.get(slug, slug) for slug in known}

    def verify(self, step: str) -> None:
        if step == wizard.SHOP:
            self.shop_info.check()
        elif self.preferences.tags_collide:
            raise ChannelRefused("The regular price and the sale price cannot be set by the same price tag")

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
        found = self._actions(reference).find_order()
        if found is None:
            return None
        countries = lookups.countries(self.shop)
        return map_order(
            found, lambda found: orders.order(found.row, found.refunds, self.preferences, countries), reference
        )

    def reference_of(self, number: str) -> str | None:
        rows = self.shop.read_list("orders", {"search": number, "per_page": 100})
        wanted = (row for row in rows if str(row.get("number", "")).lstrip("#").casefold() == number.casefold())
        return next((str(row_id(row)) for row in wanted if row_id(row)), None)

    def order_state(self, reference: str) -> OrderState | None:
        return self._actions(reference).order_state()

    def despatch(self, parcel: Parcel, key: str) -> None:
        self._actions(parcel.reference).despatch(parcel, key)

    # -- after the sale --------------------------------------------------------------------------------

    def post_sale_options(self) -> PostSaleOptionsResponse:
        return PostSaleOptionsResponse(
            can_cancel=True,
            can_cancel_order_lines=True,
            can_cancel_order_lines_partially=True,
            can_refund=True,
            can_attach_refund_to_item=True,
            can_attach_refund_to_service=True,
            refund_shipping_types=RefundShippingType.Independent,
            can_refund_additionally=True,
            post_sale_reasons=tuple(
                Reason(tag=tag, display_name=name, types=tuple(ReasonType)) for tag, name in REASONS.items()
            ),
        )

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
        return listings.create(self.shop, listing, settings, key)

    def update_listing(self, listing: ProductListing, settings: ProductSettings, key: str) -> ListingResult:
        return listings.update(self.shop, listing, settings, key)

    def delete_listing(self, removal: ListingRemoval, key: str) -> ListingResult:
        return listings.delete(self.shop, removal)
