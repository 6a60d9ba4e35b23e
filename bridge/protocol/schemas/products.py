"""Messages of the product endpoints."""

from __future__ import annotations

from decimal import Decimal

from bridge.protocol.schemas.base import (
    Answer,
    Message,
    flag,
    many,
    number,
    text,
    whole,
)


class Product(Message):
    """Something the shop sells; its SKU is unique over all pages, its quantity the level the shop really has."""

    sku: str = text("SKU", required=True)
    title: str = text()
    quantity: int = whole()
    price: Decimal = number()
    reference: str = text(limit=64)


class ProductsRequest(Message):
    page_number: int = whole(default=1)


class ProductsResponse(Answer):
    has_more_pages: bool = flag()
    products: tuple[Product, ...] = many(Product)


class StockLevel(Message):
    """The available level of a product, absolute; SKU and reference as Products gave them."""

    sku: str = text("SKU", required=True)
    reference: str = text()
    quantity: int = whole(required=True)


class InventoryUpdateRequest(Message):
    products: tuple[StockLevel, ...] = many(StockLevel)


class Price(Message):
    """The price of a product; the tag is "" for the normal price, and the same SKU may come with several."""

    sku: str = text("SKU", required=True)
    reference: str = text()
    price: Decimal = number(required=True)
    tag: str = text()


class PriceUpdateRequest(Message):
    products: tuple[Price, ...] = many(Price)


class UpdatedProduct(Message):
    """How one product of an update went; the SKU exactly as it was received."""

    sku: str = text("SKU")
    error: str | None = text(default=None)


class UpdateResponse(Answer):
    """One entry for every product received: Linnworks may drop one that is left out."""

    products: tuple[UpdatedProduct, ...] = many(UpdatedProduct)
