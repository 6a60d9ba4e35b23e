"""Products come in; stock and prices go out."""

from __future__ import annotations

from collections.abc import Sequence

from bridge import window
from bridge.channels.base import Outcome
from bridge.contract import Area, Call
from bridge.messages.products import (
    InventoryUpdateRequest,
    Price,
    PriceUpdateRequest,
    ProductsRequest,
    ProductsResponse,
    StockLevel,
    UpdatedProduct,
    UpdateResponse,
)

area = Area("products")


@area.call("/api/Product/Products", ProductsRequest, ProductsResponse, manifest="ProductsEndpoint")
def products(call: Call, request: ProductsRequest) -> ProductsResponse:
    """One page of the catalogue."""
    page = window.products(call.connection.id, call.channel, request.page_number, call.now)
    return ProductsResponse(products=tuple(page.items), has_more_pages=page.next_cursor is not None)


@area.call("/api/Product/InventoryUpdate", InventoryUpdateRequest, UpdateResponse, manifest="InventoryUpdateEndpoint")
def inventory_update(call: Call, request: InventoryUpdateRequest) -> UpdateResponse:
    """Set stock levels in the shop; every SKU received is answered."""
    return _answered(request.products, call.channel.set_stock(request.products))


@area.call("/api/Product/PriceUpdate", PriceUpdateRequest, UpdateResponse, manifest="PriceUpdateEndpoint")
def price_update(call: Call, request: PriceUpdateRequest) -> UpdateResponse:
    """Set prices in the shop; every SKU received is answered."""
    return _answered(request.products, call.channel.set_prices(request.products))


def _answered(asked: Sequence[StockLevel | Price], outcomes: Sequence[Outcome]) -> UpdateResponse:
    return UpdateResponse(
        products=tuple(
            UpdatedProduct(sku=item.sku, error=str(outcome) if outcome else None)
            for item, outcome in zip(asked, outcomes, strict=True)
        )
    )
