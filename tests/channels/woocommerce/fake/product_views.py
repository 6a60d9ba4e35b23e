"""Products and variations as the API shows them."""

from __future__ import annotations

from decimal import Decimal
from typing import TYPE_CHECKING, Any
from urllib.parse import urlencode

from tests.channels.woocommerce.fake.catalogue import Catalogue, Product, key_of, slug_of, value_of
from tests.channels.woocommerce.fake.responses import dates, links

if TYPE_CHECKING:
    from tests.channels.woocommerce.fake.shop import WooShop


def show_product(catalogue: Catalogue, product: Product) -> dict[str, Any]:
    """Return a product, or a variation as the list of products shows it."""
    shop, parent = catalogue.shop, catalogue.parent(product)
    varies = product.type == "variable"
    inside = sorted(variation.id for variation in catalogue.variations(product.id)) if varies else []
    title = f"{parent.name} - {product.option_names}" if parent and product.chosen else product.name
    title = parent.name if parent and not title else title
    newer = shop.at_least(10, 3)
    return {
        "id": product.id,
        "name": title,
        "slug": product.slug or slug_of(title),
        "permalink": _permalink(catalogue, product),
        **dates(created=product.created, modified=product.modified),
        "type": product.type,
        "status": product.status,
        "featured": product.featured,
        "catalog_visibility": product.catalog_visibility,
        "description": product.description,
        "short_description": product.short_description,
        "sku": catalogue.shown(product, "sku"),
        **_prices(catalogue, product),
        "total_sales": product.sold if not parent else "0",
        "virtual": product.virtual,
        "downloadable": product.downloadable,
        "downloads": [],
        "download_limit": -1,
        "download_expiry": -1,
        "external_url": "",
        "button_text": "",
        "tax_status": product.tax_status,
        "tax_class": catalogue.shown(product, "tax_class"),
        **_stock(catalogue, product, in_parent=True),
        "sold_individually": False,
        "weight": catalogue.shown(product, "weight"),
        "dimensions": catalogue.dimensions(product),
        "shipping_required": not product.virtual,
        "shipping_taxable": not product.virtual and product.tax_status == "taxable",
        **_shipping_class(catalogue, product),
        "reviews_allowed": not parent,
        "average_rating": "0.00",
        "rating_count": 0,
        "upsell_ids": [],
        "cross_sell_ids": [],
        "parent_id": product.parent_id,
        "purchase_note": "",
        "categories": [shop.category(number) for number in product.categories if number in shop.categories],
        **({"brands": []} if newer else {}),
        "tags": product.tags,
        "images": product.images,
        "attributes": _chosen_shown(shop, product) if parent else _attributes(shop, product),
        "default_attributes": [],
        "variations": inside,
        "grouped_products": [],
        "menu_order": product.menu_order,
        "price_html": "",
        "related_ids": [],
        "meta_data": [meta.shown() for meta in product.meta],
        "stock_status": _stock(catalogue, product)["stock_status"],
        "has_options": bool(inside),
        **({"post_password": "", "global_unique_id": ""} if newer else {}),
        "_links": links("products", product.id),
    }


def show_variation(catalogue: Catalogue, product: Product) -> dict[str, Any]:
    """Return a variation as the lists of variations show it; before 10.3 without its name and parent."""
    shop = catalogue.shop
    newer = shop.at_least(10, 3)
    return {
        "id": product.id,
        **({"type": "variation"} if newer else {}),
        **dates(created=product.created, modified=product.modified),
        "description": product.description,
        "permalink": _permalink(catalogue, product),
        "sku": catalogue.shown(product, "sku"),
        **({"global_unique_id": ""} if newer else {}),
        **_prices(catalogue, product),
        "status": product.status,
        "virtual": product.virtual,
        "downloadable": product.downloadable,
        "downloads": [],
        "download_limit": -1,
        "download_expiry": -1,
        "tax_status": product.tax_status,
        "tax_class": catalogue.shown(product, "tax_class"),
        **_stock(catalogue, product),
        "weight": catalogue.shown(product, "weight"),
        "dimensions": catalogue.dimensions(product),
        **_shipping_class(catalogue, product),
        "image": product.images[0] if product.images else None,
        **({"gallery_image_ids": []} if shop.at_least(11, 0) else {}),
        "attributes": _chosen_shown(shop, product),
        "menu_order": product.menu_order,
        "meta_data": [meta.shown() for meta in product.meta],
        **({"name": product.option_names, "parent_id": product.parent_id} if newer else {}),
        "_links": links(f"products/{product.parent_id}/variations", product.id, up=f"products/{product.parent_id}"),
    }


def _permalink(catalogue: Catalogue, product: Product) -> str:
    base = catalogue.parent(product) or product
    options = urlencode(
        [(f"attribute_{key_of(attribute)}", value_of(attribute, name)) for attribute, name in product.chosen]
    )
    return f"{catalogue.shop.home}/product/{base.slug}/" + (f"?{options}" if options else "")


def _prices(catalogue: Catalogue, product: Product) -> dict[str, Any]:
    """Return the prices of a product; a variable one shows the price of its cheapest variation."""
    price, regular, sale = product.price, product.regular_price, product.sale_price
    if product.type == "variable":
        inside = [variation.price for variation in catalogue.variations(product.id) if variation.status == "publish"]
        price, regular, sale = min(filter(None, inside), key=Decimal, default=""), "", ""
    return {
        "price": price,
        "regular_price": regular,
        "sale_price": sale,
        "date_on_sale_from": None,
        "date_on_sale_from_gmt": None,
        "date_on_sale_to": None,
        "date_on_sale_to_gmt": None,
        "on_sale": product.on_sale,
        "purchasable": product.status == "publish" and price != "",
    }


def _stock(catalogue: Catalogue, product: Product, *, in_parent: bool = False) -> dict[str, Any]:
    """Return the stock of a product: its own, or its parent's if that manages it."""
    stock_owner = catalogue.stock_owner(product)
    managing: Any = stock_owner is not None
    if stock_owner is not None and stock_owner is not product:
        managing = "parent"
    shown = stock_owner or product
    stock = shown.stock if stock_owner or not catalogue.shop.manage_stock else None
    return {
        "manage_stock": managing,
        "stock_quantity": stock,
        **({} if in_parent else {"stock_status": shown.stock_status}),
        "backorders": shown.backorders,
        "backorders_allowed": shown.backorders != "no",
        "backordered": shown.stock_status == "onbackorder",
        "low_stock_amount": None,
    }


def _shipping_class(catalogue: Catalogue, product: Product) -> dict[str, Any]:
    slug = catalogue.shown(product, "shipping_class")
    number = next((known["id"] for known in catalogue.shop.shipping_classes if known["slug"] == slug), 0)
    return {"shipping_class": slug if number else "", "shipping_class_id": number}


def _attributes(shop: WooShop, product: Product) -> list[dict[str, Any]]:
    return [
        {
            "id": attribute.id,
            "name": attribute.name,
            **({"slug": attribute.slug} if shop.at_least(10, 3) else {}),
            "position": 0,
            "visible": attribute.visible,
            "variation": attribute.variation,
            "options": attribute.options,
        }
        for attribute in product.attributes
    ]


def _chosen_shown(shop: WooShop, product: Product) -> list[dict[str, Any]]:
    return [
        {
            "id": attribute.id,
            "name": attribute.name,
            **({"slug": key_of(attribute)} if shop.at_least(10, 3) else {}),
            "option": option,
        }
        for attribute, option in product.chosen
    ]
