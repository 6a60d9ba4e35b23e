"""The channel of a shop that allows little: most products keep their values, and a cancel refunds by itself."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace
from datetime import datetime
from typing import TypeVar

import msgspec

from bridge.channels.base import Outcome, Page
from bridge.errors import ChannelRefused
from bridge.protocol.schemas.after_sale import Cancellation, PostSaleOptionsResponse, Refund, RefundItem
from bridge.protocol.schemas.config import ConfigItem, ListValue, ValueType
from bridge.protocol.schemas.orders import Order
from bridge.protocol.schemas.products import Price, StockLevel
from tests.channels.hostile.channel import HostileChannel

Update = TypeVar("Update", StockLevel, Price)

CHANGEABLE = ("SKU-150", "SKU-151", "SKU-152")
QUESTIONS = (
    ConfigItem(
        config_item_id="greeting",
        name="Greeting",
        must_be_specified=True,
        value_type=ValueType.LIST,
        selected_value="hello",
        list_values=(ListValue(display="Hello", value="hello"), ListValue(display="Good day", value="good-day")),
    ),
    ConfigItem(
        config_item_id="with_notes",
        name="With notes",
        must_be_specified=True,
        value_type=ValueType.BOOLEAN,
        selected_value="True",
    ),
)
"""Must be specified, and have presets."""


class RestrictedChannel(HostileChannel):
    """Sets stock and prices of few products in small batches; cancels whole orders only, and refunds them then."""

    inventory_batch_size = price_batch_size = 2
    steps = tuple(replace(step, items=(*step.items, *QUESTIONS)) for step in HostileChannel.steps)

    def orders(self, since: datetime, cursor: str | None) -> Page[Order]:
        page = super().orders(since, cursor)
        if self.config["with_notes"] == "True":
            return page
        return replace(page, items=[msgspec.structs.replace(order, notes=()) for order in page.items])

    def post_sale_options(self) -> PostSaleOptionsResponse:
        return msgspec.structs.replace(
            super().post_sale_options(),
            can_cancel_order_lines=False,
            can_cancel_order_lines_partially=False,
            automatic_refund_on_cancel=True,
        )

    def cancel(self, cancellation: Cancellation, key: str) -> None:
        """Cancel an order in one call and refund it in another; the same key continues after the first."""
        reference = cancellation.reference_number
        order = self.order(reference)
        if order is None:
            raise ChannelRefused(f"The shop has no order {reference}")
        named = {item.order_line_number: item.cancellation_quantity for item in cancellation.items}
        if named and named != {item.order_line_number: item.qty for item in order.order_items}:
            raise ChannelRefused("Only a whole order can be cancelled")
        if super().find_result("cancel", reference, key) is None:
            super().cancel(cancellation, key)
        if order.paid_on:
            lines = tuple(
                RefundItem(order_line_number=item.order_line_number, refund_amount=item.qty * item.price_per_unit)
                for item in order.order_items
            )
            shipping = order.postal_service_cost
            self.refund(Refund(reference_number=reference, refund_shipping_amount=shipping, items=lines), key)

    def find_result(self, kind: str, reference: str, key: str) -> str | None:
        result = super().find_result(kind, reference, key)
        if kind == "cancel" and result is not None:
            order = self.order(reference)
            if order and order.paid_on and super().find_result("refund", reference, key) is None:
                return None
        return result

    def set_stock(self, levels: Sequence[StockLevel]) -> Sequence[Outcome]:
        return _only_changeable(levels, super().set_stock)

    def set_prices(self, prices: Sequence[Price]) -> Sequence[Outcome]:
        return _only_changeable(prices, super().set_prices)


def _only_changeable(rows: Sequence[Update], write: Callable[[Sequence[Update]], Sequence[Outcome]]) -> list[Outcome]:
    outcomes = iter(write([row for row in rows if row.sku in CHANGEABLE]))
    refusal = ChannelRefused("The shop does not let this product be changed")
    return [next(outcomes) if row.sku in CHANGEABLE else refusal for row in rows]
