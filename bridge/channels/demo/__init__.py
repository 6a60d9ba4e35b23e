"""The embedded shop: a small shop in SQLite, the default channel and the example for others."""

from __future__ import annotations

from collections.abc import Callable, Container, Iterable, Mapping, Sequence
from dataclasses import replace
from datetime import datetime
from itertools import groupby
from operator import attrgetter

from bridge.channels.base import LAST_STEP, Channel, ListingResult, OrderState, Outcome, Page, Parcel, Step
from bridge.channels.demo import configurator, customers, listings, mapping, orders, seed, shop, tables, wizard
from bridge.channels.helpers.order_lines import cancelled
from bridge.channels.helpers.rows import map_orders
from bridge.errors import ChannelRefused
from bridge.lazy import lazy_property
from bridge.protocol.schemas.after_sale import (
    Cancellation,
    PostSaleOptionsResponse,
    Reason,
    ReasonType,
    Refund,
    RefundShippingType,
    SubReason,
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

REASONS = (
    Reason(tag="CHANGED_MIND", display_name="Customer changed their mind", types=tuple(ReasonType)[:4]),
    Reason(tag="NOT_AVAILABLE", display_name="Not available", types=(ReasonType.Cancellation, ReasonType.ItemRefund)),
    Reason(
        tag="DAMAGED",
        display_name="Arrived damaged",
        types=tuple(ReasonType)[1:4],
        sub_reasons=(
            SubReason(tag="CARRIER", display_name="By the carrier"),
            SubReason(tag="PACKING", display_name="Badly packed"),
        ),
    ),
)
CATEGORIES_PAGE_SIZE = 5


class DemoChannel(Channel):
    """An embedded shop, opened by its name and its access key."""

    name = "BRIDGE_DEMO"
    friendly_name = "Bridge demo shop"
    supports_listings = True
    products_page_size = 100
    orders_page_size = 25
    steps = wizard.STEPS

    @lazy_property
    def _shop(self) -> tables.Shop:
        tables.open_shops(self.settings.data_dir)
        return shop.shop_for_key(self.config["shop_name"], self.config["access_key"])

    # -- set-up ----------------------------------------------------------------------------------------

    def step(self, name: str) -> Step:
        """Return the step; the last one also shows the shop's name, a link and a button."""
        step = super().step(name)
        if name != LAST_STEP:
            return step
        return replace(step, items=(*step.items, *wizard.extras(self.config["shop_name"], self.settings.url)))

    def verify(self, step: str) -> None:
        tables.open_shops(self.settings.data_dir)
        shop.open_shop(self.config["shop_name"], self.config["access_key"])
        self.check()

    def check(self) -> None:
        assert self._shop

    def shipping_tags(self) -> Sequence[Tag]:
        return _tags(seed.SHIPPING)

    def payment_tags(self) -> Sequence[Tag]:
        return _tags(seed.PAYMENT)

    # -- orders ----------------------------------------------------------------------------------------

    def orders(self, since: datetime, cursor: str | None) -> Page[Order]:
        changed = (tables.Order.shop == self._shop) & (tables.Order.modified_at >= since)
        after = tables.Order.id > int(cursor or 0)
        rows = list(
            tables.Order.select().where(changed & after).order_by(tables.Order.id).limit(self.orders_page_size + 1)
        )
        shown = rows[: self.orders_page_size]
        return Page(self._mapped(shown), str(shown[-1].id) if len(rows) > len(shown) else None)

    def order(self, reference: str) -> Order | None:
        rows = tables.Order.select().where((tables.Order.shop == self._shop) & (tables.Order.number == reference))
        return next(iter(self._mapped(list(rows))), None)

    def _mapped(self, rows: Sequence[tables.Order]) -> list[Order]:
        numbers = [row.id for row in rows]
        lines = _by_order(tables.OrderLine.select().where(tables.OrderLine.order.in_(numbers)))
        events = _by_order(tables.Event.select().where(tables.Event.order.in_(numbers)))

        def mapped(row: tables.Order) -> Order:
            return mapping.order(
                row,
                lines.get(row.id, ()),
                events.get(row.id, ()),
                despatch_days=int(self.config["despatch_days"]),
                with_note=self.config["customer_notes"] == "True",
            )

        return map_orders(rows, mapped, attrgetter("number"))

    def reference_of(self, number: str) -> str | None:
        return number.upper().removeprefix("WEB-") if number.upper().startswith("WEB-") else None

    def order_state(self, reference: str) -> OrderState | None:
        row = tables.Order.get_or_none((tables.Order.shop == self._shop) & (tables.Order.number == reference))
        return orders.order_state(row) if row else None

    def despatch(self, parcel: Parcel, key: str) -> None:
        orders.despatch(orders.find_order(self._shop, parcel.reference), parcel, mapping.despatch_note(parcel), key)

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
            post_sale_reasons=REASONS,
        )

    def cancel(self, cancellation: Cancellation, key: str) -> None:
        note = "Cancelled" + mapping.reason_suffix(cancellation.items)
        orders.cancel(orders.find_order(self._shop, cancellation.reference_number), cancelled(cancellation), note, key)

    def refund(self, refund: Refund, key: str) -> str:
        reasons = mapping.reason_suffix(refund.items)
        return orders.refund(orders.find_order(self._shop, refund.reference_number), refund, reasons, key)

    def find_result(self, kind: str, reference: str, key: str) -> str | None:
        return orders.find_result(self._shop, reference, key)

    # -- products --------------------------------------------------------------------------------------

    def products(self, cursor: str | None) -> Page[Product]:
        sold = (tables.Product.shop == self._shop) & ~tables.Product.variable
        after = tables.Product.id > int(cursor or 0)
        rows = list(
            tables.Product.select().where(sold & after).order_by(tables.Product.id).limit(self.products_page_size + 1)
        )
        shown = rows[: self.products_page_size]
        return Page([mapping.product(row) for row in shown], str(shown[-1].id) if len(rows) > len(shown) else None)

    def set_stock(self, levels: Sequence[StockLevel]) -> Sequence[Outcome]:
        ids = shop.sellable_ids(self._shop, (level.sku for level in levels))
        outcomes = [_unknown_sku(level.sku, ids) for level in levels]
        shop.write_stock(
            [(level.quantity, ids[level.sku]) for level, outcome in zip(levels, outcomes, strict=True) if not outcome]
        )
        return outcomes

    def set_prices(self, prices: Sequence[Price]) -> Sequence[Outcome]:
        ids = shop.sellable_ids(self._shop, (price.sku for price in prices))
        columns = {"": "price"}
        if self.config["list_price_tag"] != wizard.NO_TAG:
            columns[self.config["list_price_tag"]] = "list_price"
        outcomes = [
            _unknown_sku(price.sku, ids)
            or (None if price.tag in columns else ChannelRefused(f"The shop has no price for the tag {price.tag}"))
            for price in prices
        ]
        shop.write_prices(
            [
                (columns[price.tag], price.price, ids[price.sku])
                for price, outcome in zip(prices, outcomes, strict=True)
                if not outcome
            ]
        )
        return outcomes

    # -- listings --------------------------------------------------------------------------------------

    @classmethod
    def configurator_settings(cls) -> ConfiguratorSettingsResponse:
        return configurator.SETTINGS

    def categories(self, cursor: str | None) -> Page[Category]:
        rest = sorted(number for number in seed.CATEGORIES if number > int(cursor or 0))
        shown = rest[:CATEGORIES_PAGE_SIZE]
        return Page(
            [Category(category_id=number, category_name=seed.CATEGORIES[number]) for number in shown],
            str(shown[-1]) if len(rest) > len(shown) else None,
        )

    def attributes(self, question: CategoryQuestion) -> Sequence[Attribute]:
        return configurator.attributes(configurator.category(question.category_ids))

    def variations(self, question: CategoryQuestion) -> VariationsResponse:
        return configurator.variations(configurator.category(question.category_ids))

    def create_listing(self, listing: ProductListing, settings: ProductSettings, key: str) -> ListingResult:
        return listings.create(self._shop, listing, settings, key)

    def update_listing(self, listing: ProductListing, settings: ProductSettings, key: str) -> ListingResult:
        return listings.update(self._shop, listing, settings, key)

    def delete_listing(self, removal: ListingRemoval, key: str) -> ListingResult:
        return listings.delete(self._shop, removal)


def _tags(names: Mapping[str, str]) -> list[Tag]:
    return [Tag(tag=tag, friendly_name=name, site=site) for site in customers.SITES for tag, name in names.items()]


def _by_order(rows: Iterable[tables.OrderLine] | Iterable[tables.Event]) -> dict[int, list]:  # type: ignore[type-arg]
    order_of: Callable[..., int] = attrgetter("order_id")
    ordered = sorted(rows, key=lambda row: (row.order_id, row.id))
    return {order_id: list(of_order) for order_id, of_order in groupby(ordered, order_of)}


def _unknown_sku(sku: str, known: Container[str]) -> Outcome:
    return None if sku in known else ChannelRefused(f"The shop has no product {sku}")
