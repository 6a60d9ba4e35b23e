"""Products come in; stock and prices go out."""

from __future__ import annotations

from bridge import spool, window
from bridge.contract import Area, Call
from bridge.grants import READ, WRITE
from bridge.messages.products import (
    InventoryUpdateRequest,
    PriceUpdateRequest,
    ProductsRequest,
    ProductsResponse,
    UpdateResponse,
)

area = Area("products")


@area.call("/api/Product/Products", ProductsRequest, ProductsResponse, manifest="ProductsEndpoint", scope=READ)
def products(call: Call, request: ProductsRequest) -> ProductsResponse:
    """One page of the catalogue."""
    page = window.products(call.connection.id, call.channel, request.page_number, call.now)
    return ProductsResponse(products=tuple(page.items), has_more_pages=page.next_cursor is not None)


@area.call(
    "/api/Product/InventoryUpdate",
    InventoryUpdateRequest,
    UpdateResponse,
    manifest="InventoryUpdateEndpoint",
    scope=WRITE,
)
def inventory_update(call: Call, request: InventoryUpdateRequest) -> UpdateResponse:
    """Set stock levels in the shop; every SKU received is answered."""
    return UpdateResponse(products=spool.push_stock(call.connection.id, call.channel, request.products))


@area.call("/api/Product/PriceUpdate", PriceUpdateRequest, UpdateResponse, manifest="PriceUpdateEndpoint", scope=WRITE)
def price_update(call: Call, request: PriceUpdateRequest) -> UpdateResponse:
    """Set prices in the shop; every SKU received is answered."""
    return UpdateResponse(products=spool.push_prices(call.connection.id, call.channel, request.products))
