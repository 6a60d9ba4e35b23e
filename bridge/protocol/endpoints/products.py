"""Products, stock and prices."""

from __future__ import annotations

from bridge.protocol.area import Area
from bridge.protocol.call import Call
from bridge.protocol.oauth import READ, WRITE
from bridge.protocol.schemas.products import (
    InventoryUpdateRequest,
    PriceUpdateRequest,
    ProductsRequest,
    ProductsResponse,
    UpdateResponse,
)
from bridge.sync import outbox, paging

area = Area("products")


@area.call("/api/Product/Products", ProductsRequest, ProductsResponse, manifest="ProductsEndpoint", scope=READ)
def products(call: Call, request: ProductsRequest) -> ProductsResponse:
    """Return a page of the products."""
    page = paging.products(call.connection.id, call.channel, request.page_number, call.now)
    return ProductsResponse(products=tuple(page.items), has_more_pages=page.next_cursor is not None)


@area.call(
    "/api/Product/InventoryUpdate",
    InventoryUpdateRequest,
    UpdateResponse,
    manifest="InventoryUpdateEndpoint",
    scope=WRITE,
)
def inventory_update(call: Call, request: InventoryUpdateRequest) -> UpdateResponse:
    """Set stock levels in the shop; every row received is answered."""
    return UpdateResponse(
        products=outbox.push_stock(call.finished_connection, lambda: call.channel, call.deadline, request.products)
    )


@area.call("/api/Product/PriceUpdate", PriceUpdateRequest, UpdateResponse, manifest="PriceUpdateEndpoint", scope=WRITE)
def price_update(call: Call, request: PriceUpdateRequest) -> UpdateResponse:
    """Set prices in the shop; every row received is answered."""
    return UpdateResponse(
        products=outbox.push_prices(call.finished_connection, lambda: call.channel, call.deadline, request.products)
    )
