"""The corner shop: the smallest whole channel, for a shop with a JSON API."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from decimal import Decimal
from functools import partial
from operator import itemgetter
from typing import Any
from urllib.parse import quote

from bridge.channels.base import (
    DESPATCH_DAYS,
    LAST_STEP,
    Channel,
    LineState,
    OrderState,
    Outcome,
    Page,
    Parcel,
    ShopAction,
    Step,
)
from bridge.channels.helpers.parcels import despatch_action, kept_with
from bridge.channels.helpers.rows import map_order, map_orders, readable
from bridge.channels.http import ShopClient, ShopResponse, shop_address
from bridge.errors import ChannelRefused
from bridge.lazy import lazy_property
from bridge.protocol.schemas.config import ConfigItem, Tag, ValueType
from bridge.protocol.schemas.orders import Address, Note, Order, OrderItem, PaymentStatus
from bridge.protocol.schemas.products import Price, Product, StockLevel

PAGE_SIZE = 50
NOT_FOUND = 404


class CornerShop(Channel):
    """A shop that is asked with its address and an API key; it cancels and refunds orders only by hand."""

    name = "CORNER_SHOP"
    friendly_name = "Corner shop"
    inventory_batch_size = price_batch_size = 100  # each product is a call of its own
    steps = (
        Step(
            name="Shop",
            title="Your shop",
            description="Its address, and an API key from its settings.",
            verify=True,
            credentials=True,
            items=(
                ConfigItem(config_item_id="shop_url", name="Address", must_be_specified=True),
                ConfigItem(
                    config_item_id="api_key", name="API key", must_be_specified=True, value_type=ValueType.PASSWORD
                ),
            ),
        ),
        Step(name=LAST_STEP, title="Settings", description="Your shop is connected.", items=(DESPATCH_DAYS,)),
    )

    @lazy_property
    def _shop(self) -> ShopClient:
        key = self.config["api_key"]
        headers = {"Authorization": f"Bearer {key}"}
        return ShopClient(self.config["shop_url"], self.deadline, self.settings, account=key, headers=headers)

    # -- set-up ----------------------------------------------------------------------------------------

    @property
    def shop_identity(self) -> Sequence[str]:
        return [shop_address(self.config["shop_url"])]

    def check(self) -> None:
        self._shop.get("shop").object()

    def shipping_tags(self) -> Sequence[Tag]:
        rows = self._shop.get("shipping-methods").rows()
        return [Tag(tag=row["code"], friendly_name=row["name"]) for row in rows]

    def payment_tags(self) -> Sequence[Tag]:
        return [Tag(tag="card", friendly_name="Card"), Tag(tag="none", friendly_name="No payment yet")]

    # -- orders ----------------------------------------------------------------------------------------

    def orders(self, since: datetime, cursor: str | None) -> Page[Order]:
        query = {"changed_since": since.isoformat(), "after": cursor or 0, "limit": PAGE_SIZE}
        answer = self._shop.get("orders", query)
        return Page(map_orders(answer.rows(), self._order, itemgetter("number")), _next_cursor(answer), answer.date)

    def order(self, reference: str) -> Order | None:
        answer = self._find(reference)
        return map_order(answer.object(), self._order, reference) if answer else None

    def _find(self, reference: str) -> ShopResponse | None:
        answer = self._shop.get(f"orders/{quote(reference, safe='')}", accept=[NOT_FOUND])
        return None if answer.status == NOT_FOUND else answer

    def _order(self, row: Mapping[str, Any]) -> Order:
        placed_at = _time(row["placed_at"])
        address = Address(**row["address"])
        return Order(
            reference_number=row["number"],
            payment_status=_payment_status(row),
            channel_buyer_name=address.full_name,
            currency=row["currency"],
            received_date=placed_at,
            dispatch_by=placed_at + timedelta(days=int(self.config["despatch_days"])),
            paid_on=_time(row["paid_at"]) if row["paid_at"] else None,
            match_postal_service_tag=row["shipping_method"],
            match_payment_method_tag="card" if row["paid_at"] else "none",
            postal_service_cost=Decimal(row["shipping"]),
            billing_address=address,
            delivery_address=address,
            order_items=tuple(_item(line) for line in row["lines"]),
            notes=tuple(Note(note=note["text"], note_entry_date=_time(note["at"])) for note in row["notes"]),
            shop_total=Decimal(row["total"]),
        )

    def order_state(self, reference: str) -> OrderState | None:
        answer = self._find(reference)
        if answer is None:
            return None
        row = answer.object()
        fulfilments = [_despatch(fulfilment) for fulfilment in row["fulfilments"]]
        cancelled = bool(row["cancelled_at"])
        lines = [_line_state(line, fulfilments, cancelled) for line in row["lines"]]
        return OrderState(reference, lines, fulfilments, cancelled, Decimal(row["refunded"]), answer.date)

    def despatch(self, parcel: Parcel, key: str) -> None:
        if self.find_result("despatch", parcel.reference, key) is not None:  # this shop would send it twice
            return
        fulfilment = {
            "lines": parcel.pieces,
            "carrier": parcel.tracking[0].carrier if parcel.tracking else "",
            "tracking_numbers": parcel.tracking_numbers,
            "metadata": kept_with(parcel, key),
        }
        self._shop.post(f"orders/{quote(parcel.reference, safe='')}/fulfilments", fulfilment)

    # -- products --------------------------------------------------------------------------------------

    def products(self, cursor: str | None) -> Page[Product]:
        answer = self._shop.get("products", {"after": cursor or 0, "limit": PAGE_SIZE})
        return Page(readable(answer.rows(), _product, itemgetter("sku")), _next_cursor(answer), answer.date)

    def set_stock(self, levels: Sequence[StockLevel]) -> Sequence[Outcome]:
        return self._shop.run_parallel([partial(self._change, level.sku, stock=level.quantity) for level in levels])

    def set_prices(self, prices: Sequence[Price]) -> Sequence[Outcome]:
        return self._shop.run_parallel([partial(self._set_price, price) for price in prices])

    def _set_price(self, price: Price) -> None:
        if price.tag:
            raise ChannelRefused(f"The shop has no price for the tag {price.tag}")
        self._change(price.sku, price=price.price)

    def _change(self, sku: str, **fields: Any) -> None:
        answer = self._shop.patch(f"products/{quote(sku, safe='')}", fields, accept=[NOT_FOUND])
        if answer.status == NOT_FOUND:
            raise ChannelRefused(f"The shop has no product {sku}")


def _next_cursor(answer: ShopResponse) -> str | None:
    """Return the last id of a full page: more rows may come after it."""
    rows = answer.rows()
    return str(rows[-1]["id"]) if len(rows) == PAGE_SIZE else None


def _time(text: str) -> datetime:
    return datetime.fromisoformat(text)


def _payment_status(row: Mapping[str, Any]) -> PaymentStatus:
    if row["cancelled_at"]:
        return PaymentStatus.CANCELLED
    return PaymentStatus.PAID if row["paid_at"] else PaymentStatus.UNPAID


def _item(line: Mapping[str, Any]) -> OrderItem:
    return OrderItem(
        order_line_number=line["id"],
        sku=line["sku"],
        item_title=line["title"],
        qty=line["quantity"],
        price_per_unit=Decimal(line["price"]),
        tax_rate=Decimal(line["tax_rate"]),
        tax_cost_inclusive=True,
        use_channel_tax=True,
    )


def _line_state(line: Mapping[str, Any], fulfilments: Sequence[ShopAction], cancelled: bool) -> LineState:
    shipped = sum(fulfilment.pieces.get(line["id"], 0) for fulfilment in fulfilments)
    left = line["quantity"] - shipped if cancelled else 0
    return LineState(line["id"], line["sku"], line["quantity"], shipped, cancelled=left, restocked=left)


def _despatch(row: Mapping[str, Any]) -> ShopAction:
    return despatch_action(
        row["metadata"], at=_time(row["at"]), pieces=row["lines"], tracking_numbers=row["tracking_numbers"]
    )


def _product(row: Mapping[str, Any]) -> Product:
    return Product(
        sku=row["sku"],
        title=row["title"],
        quantity=max(0, row["stock"]),
        price=Decimal(row["price"]),
        reference=str(row["id"]),
    )
