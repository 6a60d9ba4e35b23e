"""The channel of the hostile shop: a complete channel over bridge.channels.http, as small as possible."""

from __future__ import annotations

import itertools
from collections.abc import Callable, Mapping, Sequence
from datetime import datetime, timedelta
from decimal import Decimal
from functools import cached_property, partial
from operator import itemgetter
from typing import Any, ClassVar, TypeVar
from urllib.parse import quote

from bridge.channels.base import (
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
from bridge.channels.helpers.pace import Pace, read_paced
from bridge.channels.helpers.rows import map_order, map_orders
from bridge.channels.http import RetryPolicy, ShopClient, ShopResponse
from bridge.clock import EPOCH
from bridge.errors import ChannelError, ChannelRefused
from bridge.protocol.schemas.after_sale import Cancellation, PostSaleOptionsResponse, Refund, RefundShippingType
from bridge.protocol.schemas.config import ConfigItem, Tag, ValueType
from bridge.protocol.schemas.orders import (
    Address,
    CancelStatus,
    ExtendedProperty,
    Note,
    Order,
    OrderItem,
    PaymentStatus,
)
from bridge.protocol.schemas.products import Price, Product, StockLevel

T = TypeVar("T")

BATCH_SIZE = 100
NOT_FOUND, UNPROCESSABLE = 404, 422
ADDRESS = Address(full_name="Ann Other", address1="1 High Street", town="Leeds", country_code="GB", country="UK")

_reads = itertools.count()
NO_WAITING = RetryPolicy(sleep=lambda seconds: None, now=lambda: EPOCH + timedelta(hours=2 * next(_reads)))
"""No delays between attempts, and a clock that moves two hours with each reading, so that every pause is over."""


class HostileChannel(Channel):
    """A shop that may fail in any way at any time."""

    name = "HOSTILE"
    friendly_name = "Hostile shop"
    orders_page_size = 10
    products_page_size = 50
    policy: ClassVar[RetryPolicy] = RetryPolicy()
    """A test may set NO_WAITING, or a policy with its own clock."""
    steps = (
        Step(
            name="Shop",
            title="Your shop",
            description="Where it is, and its key.",
            verify=True,
            credentials=True,
            items=(
                ConfigItem(config_item_id="shop_url", name="Address", must_be_specified=True),
                ConfigItem(config_item_id="api_key", name="Key", must_be_specified=True, value_type=ValueType.PASSWORD),
            ),
        ),
        Step(name=LAST_STEP, title="Settings", description="Your shop is connected."),
    )

    @cached_property
    def _shop(self) -> ShopClient:
        key = self.config["api_key"]
        return ShopClient(
            self.config["shop_url"],
            self.deadline,
            self.settings,
            account=key,
            headers={"Authorization": f"Bearer {key}"},
            policy=self.policy,
        )

    def verify(self, step: str) -> None:
        self.check()

    def check(self) -> None:
        self._shop.get("ping").object()

    def shipping_tags(self) -> Sequence[Tag]:
        return [Tag(tag="POST", friendly_name="By post")]

    def payment_tags(self) -> Sequence[Tag]:
        return [Tag(tag="CARD", friendly_name="By card")]

    # -- orders ----------------------------------------------------------------------------------------

    def orders(self, since: datetime, cursor: str | None) -> Page[Order]:
        def read(cursor: str | None, size: int) -> Page[Order]:
            answer = self._shop.get("orders", {"since": since.isoformat(), "after": cursor or 0, "limit": size})
            return _page(answer, lambda rows: map_orders(rows, _order, itemgetter("number")))

        return self._paced(read, cursor, self.orders_page_size)

    def _paced(self, read: Callable[[str | None, int], Page[T]], cursor: str | None, limit: int) -> Page[T]:
        return read_paced(
            read, cursor, limit=limit, deadline=self.deadline, cache=self._shop.cache, key=f"{limit} at once"
        )

    def order(self, reference: str) -> Order | None:
        answer = self._shop.get(f"orders/{quote(reference, safe='')}", accept=[NOT_FOUND])
        return None if answer.status == NOT_FOUND else map_order(answer.object(), _order, reference)

    def order_state(self, reference: str) -> OrderState | None:
        path = f"orders/{quote(reference, safe='')}"
        answer = self._shop.get(path, accept=[NOT_FOUND])
        actions = self._shop.get(f"{path}/actions", accept=[NOT_FOUND])
        if NOT_FOUND in (answer.status, actions.status):
            return None
        done = [_action(row) for row in actions.rows()]
        return _mapped(answer, lambda row: _state(row, done, answer.date), answer.object())

    def despatch(self, parcel: Parcel, key: str) -> None:
        wanted = {
            "items": [{"line": line, "sku": "", "quantity": count} for line, count in parcel.pieces.items()],
            "tracking": parcel.tracking_numbers,
            "replaces": parcel.replaces,
            "earlier": parcel.earlier,
            "processed_on": parcel.processed_on.isoformat() if parcel.processed_on else None,
        }
        self._act("despatch", parcel.reference, key, wanted)

    # -- after the sale --------------------------------------------------------------------------------

    def post_sale_options(self) -> PostSaleOptionsResponse:
        return PostSaleOptionsResponse(
            can_cancel=True,
            can_cancel_order_lines=True,
            can_cancel_order_lines_partially=True,
            can_refund=True,
            can_attach_refund_to_item=True,
            refund_shipping_types=RefundShippingType.Independent,
        )

    def cancel(self, cancellation: Cancellation, key: str) -> None:
        items = [
            {"line": item.order_line_number, "sku": item.sku, "quantity": item.cancellation_quantity}
            for item in cancellation.items
        ]
        self._act("cancel", cancellation.reference_number, key, {"items": items})

    def refund(self, refund: Refund, key: str) -> str:
        items = [
            {"line": item.order_line_number, "sku": item.sku, "amount": str(item.refund_amount)}
            for item in refund.items
        ]
        wanted = {"items": items, "shipping": str(refund.refund_shipping_amount)}
        return self._act("refund", refund.reference_number, key, wanted)

    def find_result(self, kind: str, reference: str, key: str) -> str | None:
        answer = self._shop.get(f"orders/{quote(reference, safe='')}/actions", accept=[NOT_FOUND])
        if answer.status == NOT_FOUND:
            return None
        found = (action["reference"] for action in answer.rows() if (action["kind"], action["key"]) == (kind, key))
        return next(found, None)

    def _act(self, kind: str, reference: str, key: str, wanted: dict[str, Any]) -> str:
        """Do an action unless it was done with this key: the shop itself would repeat it."""
        done = self.find_result(kind, reference, key)
        if done is not None:
            return done
        answer = self._shop.post(
            f"orders/{quote(reference, safe='')}/{kind}", {"key": key, **wanted}, accept=[NOT_FOUND, UNPROCESSABLE]
        )
        if answer.status == NOT_FOUND:
            raise ChannelRefused(f"The shop has no order {reference}")
        if answer.status == UNPROCESSABLE:
            raise ChannelRefused(f"Order {reference}: {answer.object().get('error')}")
        return _mapped(answer, lambda row: str(row["reference"]), answer.object())

    # -- products --------------------------------------------------------------------------------------

    def products(self, cursor: str | None) -> Page[Product]:
        def read(cursor: str | None, size: int) -> Page[Product]:
            answer = self._shop.get("products", {"after": cursor or 0, "limit": size})
            return _page(answer, lambda rows: [_product(row) for row in rows])

        return self._paced(read, cursor, self.products_page_size)

    def set_stock(self, levels: Sequence[StockLevel]) -> Sequence[Outcome]:
        refusals: list[Outcome] = [_negative(level.sku, "quantity", level.quantity) for level in levels]
        return self._update("stock", [(level.sku, level.quantity) for level in levels], refusals)

    def set_prices(self, prices: Sequence[Price]) -> Sequence[Outcome]:
        refusals: list[Outcome] = [
            ChannelRefused(f"The shop has no price for the tag {price.tag}")
            if price.tag
            else _negative(price.sku, "price", price.price)
            for price in prices
        ]
        return self._update("price", [(price.sku, price.price) for price in prices], refusals)

    def _update(self, what: str, values: Sequence[tuple[str, Any]], refusals: Sequence[Outcome]) -> Sequence[Outcome]:
        """Set values by SKU, the last valid one of each SKU, and return the outcome of each."""
        valid = dict(value for value, refusal in zip(values, refusals, strict=True) if not refusal)
        rows = [{"sku": sku, "value": value} for sku, value in valid.items()]
        pace = Pace(self._shop.cache, "updates at once", limit=BATCH_SIZE)
        size = pace.size
        batches = [rows[start : start + size] for start in range(0, len(rows), size)]
        outcomes: dict[str, Outcome] = {}
        results = self._shop.run_parallel(
            [pace.timed(partial(self._update_some, what, batch), len(batch), self.deadline) for batch in batches]
        )
        for batch, result in zip(batches, results, strict=True):
            errors = [result] * len(batch) if isinstance(result, ChannelError) else result
            outcomes |= {row["sku"]: error for row, error in zip(batch, errors, strict=True)}
        return [refusal or outcomes[sku] for (sku, _), refusal in zip(values, refusals, strict=True)]

    def _update_some(self, what: str, rows: list[dict[str, Any]]) -> list[Outcome]:
        answer = self._shop.put(f"products/{what}", rows)
        errors = answer.object().get("errors")
        if not isinstance(errors, list) or len(errors) != len(rows):
            raise answer.unusable("The shop did not return a result for each product")
        return [ChannelRefused(error) if error else None for error in errors]


def _negative(sku: str, what: str, value: int | Decimal) -> Outcome:
    return ChannelRefused(f"The {what} of {sku} is below zero") if value < 0 else None


def _mapped(answer: ShopResponse, mapping: Callable[[Any], Any], row: Any) -> Any:
    """Return a row of the shop as an object of the bridge."""
    try:
        return mapping(row)
    except (KeyError, TypeError, ValueError, AttributeError):
        raise answer.unusable("The shop answered something else than expected") from None


def _page(answer: ShopResponse, mapping: Callable[[Sequence[Mapping[str, Any]]], Sequence[Any]]) -> Page[Any]:
    found = answer.object()

    def page(found: Mapping[str, Any]) -> Page[Any]:
        rows = found["rows"]
        return Page(mapping(rows), str(rows[-1]["id"]) if found["more"] else None, answer.date)

    return _mapped(answer, page, found)


def _order(row: Mapping[str, Any]) -> Order:
    created = datetime.fromisoformat(row["created_at"])
    statuses = {"paid": PaymentStatus.PAID, "unpaid": PaymentStatus.UNPAID, "cancelled": PaymentStatus.CANCELLED}
    return Order(
        reference_number=row["number"],
        payment_status=statuses[row["status"]],
        channel_buyer_name=ADDRESS.full_name,
        currency="GBP",
        received_date=created,
        dispatch_by=created + timedelta(days=2),
        paid_on=datetime.fromisoformat(row["paid_at"]) if row["paid_at"] else None,
        match_postal_service_tag="POST",
        match_payment_method_tag="CARD",
        postal_service_cost=Decimal(row["shipping"]),
        billing_address=ADDRESS,
        delivery_address=ADDRESS,
        order_items=tuple(_item(line) for line in row["lines"]),
        extended_properties=(ExtendedProperty(name="version", value=str(row["version"])),),
        notes=(Note(note=row["note"], note_entry_date=created, note_user_name="Shop"),) if row["note"] else (),
    )


def _item(line: Mapping[str, Any]) -> OrderItem:
    remaining = line["quantity"] - line["cancelled"]
    return OrderItem(
        order_line_number=line["number"],
        sku=line["sku"],
        item_title=line["title"],
        qty=remaining or line["quantity"],
        price_per_unit=Decimal(line["price"]),
        tax_cost_inclusive=True,
        cancel_status=CancelStatus.NONE if remaining else CancelStatus.CANCELLED,
    )


def _state(row: Mapping[str, Any], actions: Sequence[ShopAction], as_of: datetime | None) -> OrderState:
    return OrderState(
        reference=row["number"],
        lines=[
            LineState(
                number=line["number"],
                sku=line["sku"],
                ordered=line["quantity"],
                shipped=line["despatched"],
                cancelled=line["cancelled"],
                refunded=Decimal(line["refunded"]),
                restocked=line["cancelled"],
            )
            for line in row["lines"]
        ],
        actions=actions,
        cancelled=row["status"] == "cancelled",
        refunded=sum((action.amount for action in actions), Decimal(0)),
        as_of=as_of,
    )


def _action(row: Mapping[str, Any]) -> ShopAction:
    wanted = row["wanted"]
    return ShopAction(
        row["kind"],
        key=row["key"],
        at=datetime.fromisoformat(row["at"]),
        pieces=wanted.get("pieces", {}),
        tracking_numbers=tuple(wanted.get("tracking", ())),
        replaces=tuple(wanted.get("replaces", ())),
        earlier=tuple(wanted.get("earlier", ())),
        processed_on=datetime.fromisoformat(wanted["processed_on"]) if wanted.get("processed_on") else None,
        amounts={line: Decimal(amount) for line, amount in wanted.get("amounts", {}).items()},
        shipping_amount=Decimal(wanted.get("shipping", 0)),
        amount=Decimal(row["amount"]),
        result=row["reference"],
    )


def _product(row: Mapping[str, Any]) -> Product:
    return Product(
        sku=row["sku"],
        title=row["title"],
        quantity=max(0, row["stock"]),
        price=Decimal(row["price"]),
        reference=str(row["id"]),
    )
