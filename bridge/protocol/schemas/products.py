"""Messages of the product endpoints."""

from __future__ import annotations

from decimal import Decimal
from typing import Annotated, ClassVar

from marshmallow.validate import Length, Range

from bridge.protocol.schemas import fields
from bridge.protocol.schemas.base import Answer, InvalidRow, Message

MayBeMissing = Annotated[str, fields.String(load_default="")]
NOT_BELOW_ZERO = Range(min=0, error="Below zero.")


class Product(Message):
    """Something the shop sells; its SKU is unique over all pages, its quantity the level the shop really has."""

    sku: str
    title: str = ""
    quantity: int = 0
    price: Decimal = Decimal(0)
    reference: Annotated[str, fields.String(validate=Length(max=64))] = ""


class ProductsRequest(Message):
    page_number: int = 1


class ProductsResponse(Answer):
    has_more_pages: bool = False
    products: tuple[Product, ...] = ()


class StockLevel(Message, forbid_unknown_fields=True):
    """The available level of a product, absolute; SKU and reference as Products gave them."""

    fast: ClassVar[bool] = True

    sku: str
    reference: MayBeMissing
    quantity: Annotated[int, fields.Integer(validate=NOT_BELOW_ZERO)]


class InventoryUpdateRequest(Message):
    products: tuple[StockLevel | InvalidRow, ...] = ()


class Price(Message, forbid_unknown_fields=True):
    """The price of a product; the tag is "" for the normal price, and the same SKU may come with several."""

    fast: ClassVar[bool] = True

    sku: str
    reference: MayBeMissing
    price: Annotated[Decimal, fields.Decimal(validate=NOT_BELOW_ZERO)]
    tag: MayBeMissing


class PriceUpdateRequest(Message):
    products: tuple[Price | InvalidRow, ...] = ()


class UpdatedProduct(Message):
    """How one product of an update went; the SKU exactly as it was received."""

    sku: str = ""
    error: str | None = None


class UpdateResponse(Answer):
    """One entry for every product received: Linnworks may drop one that is left out."""

    products: tuple[UpdatedProduct, ...] = ()

    @property
    def row_errors(self) -> list[str | None]:
        return [product.error for product in self.products]
