"""Endpoints of orders, their notes and refunds."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any

from flask import Blueprint, Flask, request
from flask.typing import ResponseReturnValue

from tests.channels.woocommerce.fake.order_views import show_order
from tests.channels.woocommerce.fake.orders import ORDER, WRITABLE, Note, Order
from tests.channels.woocommerce.fake.refunds import REFUND, Refund, show_refund
from tests.channels.woocommerce.fake.responses import batch, dates, links, page, reply
from tests.channels.woocommerce.fake.rest import (
    ATHENS,
    COMMON,
    NO_ROUTE,
    TRUE,
    Refusal,
    body,
    checked,
    listed,
    query,
)

if TYPE_CHECKING:
    from tests.channels.woocommerce.fake.shop import WooShop

ORDERS = "/wp-json/wc/v3/orders"
ORDERBY = ["date", "id", "include", "title", "slug", "modified"]
KEYS: Mapping[str, Callable[[Any], Any]] = {
    "date": lambda row: (row.created, row.id),
    "modified": lambda row: row.modified,
    "id": lambda row: row.id,
    "title": lambda row: row.created,
    "slug": lambda row: row.created,
}
LIST = {**COMMON, "orderby": ORDERBY, "dp": (0, None), "customer": "integer", "product": "integer"}


def add_to(app: Flask, shop: WooShop) -> None:
    """Add the endpoints to the application."""
    calls = Blueprint("orders", __name__)

    def order_of(number: int, status: int = 404, words: str = "Invalid ID.") -> Order:
        order = shop.order_book.orders.get(number)
        if order is None:
            raise Refusal(status, "woocommerce_rest_shop_order_invalid_id", words)
        return order

    def to_change(number: Any) -> Order:
        words = "ID is invalid." if shop.at_least(11, 0) else "Invalid ID."
        return order_of(number if isinstance(number, int) else 0, 400, words)

    def show(order: Order, places: int | None = None) -> dict[str, Any]:
        return shop.edit_row(show_order(shop, order, places))

    # -- orders ----------------------------------------------------------------------------------------

    @calls.get(ORDERS)
    def orders() -> ResponseReturnValue:
        wanted = checked(query(), LIST)
        statuses = listed(wanted.get("status", "any"))
        for status in statuses:
            checked({"status": status}, {"status": ["any", "trash", *WRITABLE, *shop.plugin_statuses]})
        rows = [order for order in shop.order_book.orders.values() if _has_status(shop, order, statuses)]
        return page(
            rows,
            wanted,
            lambda order: show(order, wanted.get("dp")),
            keys=KEYS,
            stable=shop.at_least(10, 4) or wanted.get("orderby", "date") in ("date", "id"),
            zero_total_past_end=shop.hpos,
        )

    @calls.post(ORDERS)
    def create() -> ResponseReturnValue:
        return reply(show(shop.checkout.add(checked(body(), ORDER))), 201)

    @calls.get(f"{ORDERS}/statuses")
    def statuses() -> ResponseReturnValue:
        if not shop.at_least(10, 3):
            raise Refusal(404, *NO_ROUTE)
        return reply([{"slug": slug, "name": name} for slug, name in shop.statuses.items()])

    @calls.get(f"{ORDERS}/<int:number>")
    def order(number: int) -> ResponseReturnValue:
        wanted = checked(query(), {"dp": (0, None)})
        return reply(show(order_of(number), wanted.get("dp")))

    @calls.route(f"{ORDERS}/<int:number>", methods=["PUT", "PATCH", "POST"])
    def change(number: int) -> ResponseReturnValue:
        data = checked(body(), ORDER)
        order = to_change(number)
        shop.order_book.write(order, data)
        return reply(show(order))

    def delete_order(number: int, *, for_good: bool) -> dict[str, Any]:
        order = order_of(number)
        if not for_good and order.status == "trash":
            words = "The shop_order has already been deleted."
            raise Refusal(410, "woocommerce_rest_already_trashed", words)
        before = show(order)
        if for_good:
            del shop.order_book.orders[number]
        else:
            shop.order_book.bin(order)
        return before

    @calls.delete(f"{ORDERS}/<int:number>")
    def delete(number: int) -> ResponseReturnValue:
        return reply(delete_order(number, for_good=body().get("force") in TRUE))

    @calls.post(f"{ORDERS}/batch")
    def several() -> ResponseReturnValue:
        def update(entry: dict[str, Any]) -> dict[str, Any]:
            order = to_change(entry.get("id"))
            shop.order_book.write(order, entry)
            return _raw(show(order)) if entry.get("_fields") else show(order)

        return batch(
            body(),
            lambda entry: show(shop.checkout.add(entry)),
            update,
            lambda number: delete_order(number, for_good=True),
        )

    # -- notes -----------------------------------------------------------------------------------------

    def show_note(order: Order, note: Note) -> dict[str, Any]:
        when = dates(created=note.created)
        values = {"note": note.text, "customer_note": note.for_customer}
        here = f"orders/{order.id}/notes"
        return {
            "id": note.id,
            "author": note.author,
            **when,
            **values,
            "_links": links(here, note.id, up=f"orders/{order.id}"),
        }

    @calls.get(f"{ORDERS}/<int:number>/notes")
    def notes(number: int) -> ResponseReturnValue:
        kind = checked(query(), {"type": ["any", "customer", "internal"]}).get("type", "any")
        order = order_of(number, words="Invalid order ID.")
        found = [note for note in reversed(order.notes) if not note.binned]
        if kind != "any":
            found = [note for note in found if note.for_customer == (kind == "customer")]
        return reply([show_note(order, note) for note in found])

    @calls.post(f"{ORDERS}/<int:number>/notes")
    def add_note(number: int) -> ResponseReturnValue:
        data = checked(body(), {"note": "string", "customer_note": "boolean", "added_by_user": "boolean"})
        if "note" not in data:
            raise Refusal(400, "rest_missing_callback_param", "Missing parameter(s): note", params=["note"])
        order = shop.order_book.orders.get(number)
        if order is None:
            raise Refusal(404, "woocommerce_rest_order_invalid_id", "Invalid order ID.")
        author = "owner" if data.get("added_by_user") else "WooCommerce"
        note = shop.order_book.note(order, data["note"], for_customer=data.get("customer_note", False), author=author)
        if note.for_customer and shop.at_least(11, 0):
            shop.order_book.note(order, 'Email "Customer note" sent.')
        return reply(show_note(order, note), 201)

    @calls.route(f"{ORDERS}/<int:number>/notes/<int:note_id>", methods=["GET", "DELETE"])
    def one_note(number: int, note_id: int) -> ResponseReturnValue:
        order = order_of(number, words="Invalid order ID.")
        note = next((note for note in order.notes if note.id == note_id), None)
        if note is None:
            raise Refusal(404, "woocommerce_rest_invalid_id", "Invalid resource ID.")
        if request.method == "DELETE":
            if body().get("force") not in TRUE:
                words = "This cannot be thrown into the bin."
                raise Refusal(501, "woocommerce_rest_trash_not_supported", words)
            order.notes.remove(note)
        return reply(show_note(order, note))

    # -- refunds ---------------------------------------------------------------------------------------

    @calls.get(f"{ORDERS}/<int:number>/refunds")
    def refunds(number: int) -> ResponseReturnValue:
        order = shop.order_book.orders.get(number)
        wanted = checked(query(), LIST)
        rows = order.refunds if order else []
        return page(rows, wanted, lambda refund: show_refund(shop, refund), keys=KEYS, zero_total_past_end=shop.hpos)

    @calls.post(f"{ORDERS}/<int:number>/refunds")
    def create_refund(number: int) -> ResponseReturnValue:
        data = checked(body(), REFUND)
        order = shop.order_book.orders.get(number)
        if order is None:
            raise Refusal(500, "woocommerce_rest_invalid_order_id", "Invalid order ID.", bare=404)
        return reply(show_refund(shop, shop.refund_service.add(order, data)), 201)

    def refund_of(number: int, refund_id: int) -> tuple[Order, Refund]:
        order = shop.order_book.orders.get(number)
        found = next((refund for refund in order.refunds if refund.id == refund_id), None) if order else None
        if order is None or found is None:
            raise Refusal(404, "woocommerce_rest_shop_order_refund_invalid_id", "Invalid ID.")
        return order, found

    @calls.route(f"{ORDERS}/<int:number>/refunds/<int:refund_id>", methods=["GET", "DELETE"])
    def one_refund(number: int, refund_id: int) -> ResponseReturnValue:
        order, refund = refund_of(number, refund_id)
        shown = show_refund(shop, refund)
        if request.method == "DELETE":
            order.refunds.remove(refund)
        return reply(shown)

    @calls.get("/wp-json/wc/v3/refunds")
    def all_refunds() -> ResponseReturnValue:
        if not shop.at_least(10, 3):
            raise Refusal(404, *NO_ROUTE)
        rows = [refund for order in shop.order_book.orders.values() for refund in order.refunds]
        wanted = checked(query(), LIST)
        return page(rows, wanted, lambda refund: show_refund(shop, refund, with_parent=True), keys=KEYS)

    app.register_blueprint(calls)


def _raw(order: dict[str, Any]) -> dict[str, Any]:
    """Return what WooCommerce answers to an entry of a batch that names fields: no lines, and dates as PHP objects."""
    kept = {key: value for key, value in order.items() if not key.endswith(("_lines", "_gmt", "_items"))}
    for key in ("meta_data", "refunds", "payment_url", "is_editable", "needs_payment", "needs_processing"):
        del kept[key]
    for key in ("date_created", "date_modified", "date_completed", "date_paid"):
        if kept[key]:
            date = f"{kept[key].replace('T', ' ')}.000000"
            kept[key] = {"date": date, "timezone_type": 3, "timezone": ATHENS.key}
    return kept


def _has_status(shop: WooShop, order: Order, statuses: list[str]) -> bool:
    """Return whether an order has one of the statuses; what `any` means depends on version and storage."""
    if "any" not in statuses:
        return order.status in statuses
    if not (shop.hpos or shop.at_least(10, 4)):
        return order.status not in ("trash", "auto-draft", *shop.hidden_statuses)
    left_out = ("trash", "auto-draft", "checkout-draft", *shop.hidden_statuses)
    return not shop.at_least(10, 4) or (
        order.status not in left_out and (order.status in shop.statuses or not shop.hpos)
    )
