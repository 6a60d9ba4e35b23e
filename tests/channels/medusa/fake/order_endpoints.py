"""Orders, their fulfilments and their payments."""

from __future__ import annotations

from collections.abc import Sequence
from decimal import Decimal
from typing import TYPE_CHECKING

from flask import Blueprint, Response, request

from tests.channels.medusa.fake.order_views import ALWAYS, FIELDS, LIST_ALWAYS, LIST_FIELDS, show_order
from tests.channels.medusa.fake.rows import Row, body, page, reply, select, wanted_fields

if TYPE_CHECKING:
    from tests.channels.medusa.fake.shop import MedusaShop

FILTERS = (
    *("id", "status", "display_id", "custom_display_id", "sales_channel_id", "region_id", "customer_id", "email"),
    *("currency_code", "created_at", "updated_at"),
)
REFUND_FIELDS = ("note", "refund_reason_id", "metadata")
PAYMENT_FIELDS = (
    *("id", "currency_code", "amount", "captured_at", "payment_collection_id", "payment_session_id", "captures.id"),
    *("captures.amount", "refunds.id", "refunds.amount", "refunds.note", "refunds.payment_id"),
    *("refunds.refund_reason_id", "refunds.refund_reason"),
)


def add_to(app: Blueprint, shop: MedusaShop) -> None:
    def answer(order: Row, always: Sequence[str] = ()) -> Response:
        fields = wanted_fields(request.args.get("fields"), FIELDS)
        return reply({"order": select(show_order(shop, order), [*fields, *always])})

    @app.get("/orders")
    def orders() -> Response:
        def show(order: Row) -> Row:
            return show_order(shop, order)

        return page(
            "orders", shop.orders.orders.values(), show, LIST_FIELDS, filters=FILTERS, limit=20, always=LIST_ALWAYS
        )

    @app.get("/orders/<key>")
    def order(key: str) -> Response:
        return answer(shop.orders.find(key), ALWAYS)

    @app.post("/orders/<key>")
    def update(key: str) -> Response:
        return answer(shop.orders.update(key, body()))

    @app.get("/orders/<key>/changes")
    def changes(key: str) -> Response:
        rows = [row for row in [shop.orders.find(key)["change"]] if row]
        return reply({"order_changes": rows})

    @app.post("/orders/<key>/cancel")
    def cancel(key: str) -> Response:
        return answer(shop.orders.cancel(key))

    @app.post("/orders/<key>/fulfillments")
    def fulfil(key: str) -> Response:
        return answer(shop.orders.fulfil(key, body()))

    @app.post("/orders/<key>/fulfillments/<fulfilment>/shipments")
    def ship(key: str, fulfilment: str) -> Response:
        return answer(shop.orders.ship(key, fulfilment, body()))

    @app.post("/orders/<key>/fulfillments/<fulfilment>/mark-as-delivered")
    def deliver(key: str, fulfilment: str) -> Response:
        return answer(shop.orders.deliver(key, fulfilment))

    @app.post("/orders/<key>/fulfillments/<fulfilment>/cancel")
    def cancel_fulfilment(key: str, fulfilment: str) -> Response:
        return answer(shop.orders.cancel_fulfilment(key, fulfilment))

    @app.get("/reservations")
    def reservations() -> Response:
        fields = ("id", "line_item_id", "location_id", "inventory_item_id", "quantity", "metadata", "created_at")
        filters = ("id", "line_item_id", "location_id", "inventory_item_id")
        return page("reservations", shop.orders.reservations.values(), dict, fields, filters=filters, limit=20)

    # -- payments --------------------------------------------------------------------------------------

    def payment(row: Row) -> Response:
        return reply({"payment": select(row, wanted_fields(request.args.get("fields"), PAYMENT_FIELDS))})

    @app.get("/payments")
    def payments() -> Response:
        rows = [
            {**payment, "payment_collection": {**collection, "payments": [], "order": order}}
            for order in shop.orders.orders.values()
            for collection in order["payment_collections"]
            for payment in collection["payments"]
        ]
        filters = ("id", "payment_session_id", "created_at", "updated_at")
        return page("payments", rows, dict, PAYMENT_FIELDS, filters=filters, limit=20)

    @app.get("/payments/<key>")
    def one_payment(key: str) -> Response:
        return payment(shop.orders.payment(key)[2])

    @app.post("/payments/<key>/capture")
    def capture(key: str) -> Response:
        return payment(shop.orders.capture(key, _amount(body())))

    @app.post("/payments/<key>/refund")
    def refund(key: str) -> Response:
        sent = body()
        amount = _amount(sent)
        return payment(shop.orders.refund(key, amount, **{name: sent[name] for name in REFUND_FIELDS if name in sent}))


def _amount(sent: Row) -> Decimal | None:
    return None if sent.get("amount") is None else Decimal(str(sent["amount"]))
