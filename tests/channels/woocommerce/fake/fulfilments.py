"""WooCommerce's fulfilments of orders, which exist from 10.1 on where the owner has switched them on."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from flask import Blueprint, Flask
from flask.typing import ResponseReturnValue

from tests.channels.woocommerce.fake.catalogue import write_meta
from tests.channels.woocommerce.fake.responses import reply
from tests.channels.woocommerce.fake.rest import NO_ROUTE, Refusal, body

if TYPE_CHECKING:
    from tests.channels.woocommerce.fake.shop import WooShop

PATH = "/wp-json/wc/v3/orders/<int:number>/fulfillments"


def add_to(app: Flask, shop: WooShop) -> None:
    """Add the endpoints to the application."""
    calls = Blueprint("fulfilments", __name__)

    def rows_of(number: int) -> list[dict[str, Any]]:
        if not (shop.has_fulfilments and shop.at_least(10, 1)):
            raise Refusal(404, *NO_ROUTE)
        if number not in shop.order_book.orders:
            raise Refusal(404, "woocommerce_rest_order_invalid_id", "Invalid order ID.")
        return shop.fulfilments.setdefault(number, [])

    def found(number: int, fulfilment: int) -> dict[str, Any]:
        return next(row for row in rows_of(number) if row["id"] == fulfilment)

    def show(row: dict[str, Any]) -> dict[str, Any]:
        return {**row, "meta_data": [meta.shown() for meta in row["meta_data"]]}

    def write(row: dict[str, Any], sent: dict[str, Any]) -> dict[str, Any]:
        """Change a fulfilment; what is not named is removed, and the first versions need an id with each entry."""
        entries = [entry for entry in sent["meta_data"] if "id" in entry or shop.at_least(10, 8)]
        names = {entry["key"] for entry in entries if entry["key"] == "_items" or shop.keeps_fulfilments}
        items = next((entry["value"] for entry in entries if entry["key"] == "_items"), None)
        if not items:
            raise Refusal(400, "0", "The fulfillment should contain at least one item.")
        if not all(isinstance(item[name], int) and item[name] > 0 for item in items for name in ("item_id", "qty")):
            raise Refusal(400, "0", "Invalid item.")
        row["meta_data"] = [meta for meta in row["meta_data"] if meta.key in names]
        write_meta(row["meta_data"], [entry for entry in entries if entry["key"] in names], shop.next_meta)
        row["is_fulfilled"] = sent.get("is_fulfilled", row["is_fulfilled"])
        return row

    @calls.get(PATH)
    def fulfilments(number: int) -> ResponseReturnValue:
        return reply([show(row) for row in rows_of(number)])

    @calls.post(PATH)
    def create(number: int) -> ResponseReturnValue:
        rows, row = rows_of(number), {"id": 0, "entity_id": str(number), "is_fulfilled": False, "meta_data": []}
        write(row, body())
        row["id"] = shop.next_fulfilment()
        rows.append(row)
        return reply(show(row), 201)

    @calls.get(f"{PATH}/<int:fulfilment>")
    def one(number: int, fulfilment: int) -> ResponseReturnValue:
        return reply(show(found(number, fulfilment)))

    @calls.put(f"{PATH}/<int:fulfilment>")
    def change(number: int, fulfilment: int) -> ResponseReturnValue:
        return reply(show(write(found(number, fulfilment), body())))

    app.register_blueprint(calls)
