"""The products and variations of a shop, and how they are written."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from decimal import Decimal
from functools import lru_cache
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

from tests.channels.woocommerce.fake import money
from tests.channels.woocommerce.fake.rest import Refusal

if TYPE_CHECKING:
    from tests.channels.woocommerce.fake.shop import WooShop

KEPT_TAGS = "a|b|br|code|del|em|i|strong|u"
STATUSES = ["draft", "pending", "private", "publish", "future", "auto-draft", "trash"]
TYPES = ["simple", "grouped", "external", "variable"]
UNCATEGORIZED = 15

PRODUCT = {
    "name": "string",
    "slug": "string",
    "type": TYPES,
    "status": STATUSES,
    "featured": "boolean",
    "catalog_visibility": ["visible", "catalog", "search", "hidden"],
    "description": "string",
    "short_description": "string",
    "sku": "string",
    "regular_price": "string",
    "sale_price": "string",
    "virtual": "boolean",
    "downloadable": "boolean",
    "tax_status": ["taxable", "shipping", "none"],
    "tax_class": "string",
    "manage_stock": "boolean",
    "stock_quantity": "integer",
    "stock_status": ["instock", "outofstock", "onbackorder"],
    "backorders": ["no", "notify", "yes"],
    "weight": "string",
    "dimensions": "object",
    "shipping_class": "string",
    "categories": "array",
    "tags": "array",
    "images": "array",
    "attributes": "array",
    "menu_order": "integer",
    "meta_data": "array",
}
"""The fields of a product's body; only single writes are checked, batches are not."""
VARIATION = {name: kind for name, kind in PRODUCT.items() if name not in ("type", "categories", "tags", "images")}


@dataclass
class Meta:
    id: int
    key: str
    value: Any

    def shown(self) -> dict[str, Any]:
        return {"id": self.id, "key": self.key, "value": self.value}


@dataclass
class Attribute:
    """An attribute of a product or of its variations; `id` 0 if the shop does not share it between products."""

    id: int
    name: str
    options: list[str]
    slug: str = ""
    visible: bool = False
    variation: bool = False


@dataclass
class Product:
    """A product, or a variation of the product `parent_id`."""

    id: int
    created: datetime
    modified: datetime
    type: str = "simple"
    parent_id: int = 0
    name: str = ""
    slug: str = ""
    sku: str = ""
    status: str = "publish"
    regular_price: str = ""
    sale_price: str = ""
    manage_stock: bool = False
    stock: int | None = None
    stock_status: str = "instock"
    backorders: str = "no"
    tax_status: str = "taxable"
    tax_class: str = ""
    shipping_class: str = ""
    virtual: bool = False
    downloadable: bool = False
    featured: bool = False
    catalog_visibility: str = "visible"
    description: str = ""
    short_description: str = ""
    weight: str = ""
    dimensions: dict[str, str] = field(default_factory=lambda: {"length": "", "width": "", "height": ""})
    categories: list[int] = field(default_factory=list)
    tags: list[dict[str, Any]] = field(default_factory=list)
    images: list[dict[str, Any]] = field(default_factory=list)
    attributes: list[Attribute] = field(default_factory=list)
    chosen: list[tuple[Attribute, str]] = field(default_factory=list)
    """The options of a variation, with its parent's attributes."""
    meta: list[Meta] = field(default_factory=list)
    sold: int = 0
    menu_order: int = 0
    binned_from: str = ""

    @property
    def on_sale(self) -> bool:
        return bool(self.sale_price and self.regular_price) and Decimal(self.sale_price) < Decimal(self.regular_price)

    @property
    def price(self) -> str:
        return self.sale_price if self.on_sale else self.regular_price

    @property
    def option_names(self) -> str:
        return ", ".join(option for _, option in self.chosen)


# -- texts ---------------------------------------------------------------------------------------------


def escaped(text: str) -> str:
    """Return a title as it is stored: harmless tags stay, others are removed, other markup is escaped."""
    text = re.sub(rf"</?(?!(?:{KEPT_TAGS})\b)[a-zA-Z][^>]*>", "", text)
    text = re.sub(r"&(?!#?\w+;)", "&amp;", text)
    return re.sub(rf"<(?!/?(?:{KEPT_TAGS})\b)", "&lt;", text).strip()


def stripped(text: Any) -> str:
    """Return a text without tags and extra white space."""
    return re.sub(r"\s+", " ", re.sub(r"<[^>]*>", "", str(text))).strip()


def slug_of(text: str) -> str:
    return re.sub(r"[^a-z0-9]+", "-", collation_key(re.sub(r"&\w+;", "", text))).strip("-")


@lru_cache(10_000)
def collation_key(text: str) -> str:
    """Return a text as the database compares it: case, accents and trailing spaces do not matter."""
    parts = unicodedata.normalize("NFKD", text.rstrip(" "))
    return "".join(sign for sign in parts if not unicodedata.combining(sign)).casefold()


# -- the catalogue -------------------------------------------------------------------------------------


class Catalogue:
    """The products of a shop by id."""

    def __init__(self, shop: WooShop) -> None:
        self.shop = shop
        self.products: dict[int, Product] = {}

    def variations(self, parent_id: int, *, all_of_them: bool = False) -> list[Product]:
        return [
            product
            for product in self.products.values()
            if product.type == "variation"
            and product.parent_id == parent_id
            and (all_of_them or product.status != "trash")
        ]

    def parent(self, product: Product) -> Product | None:
        """Return the parent of a variation, None for other products."""
        return self.products.get(product.parent_id) if product.type == "variation" else None

    def shown(self, product: Product, name: str) -> str:
        """Return a text of a product; a variation without its own takes its parent's, even the SKU."""
        own = getattr(product, name)
        parent = self.parent(product)
        return getattr(parent, name) if parent and own in ("", "parent") else "" if own == "parent" else own

    def dimensions(self, product: Product) -> dict[str, str]:
        parent = self.parent(product)
        return {side: own or (parent.dimensions[side] if parent else "") for side, own in product.dimensions.items()}

    def with_sku(self, sku: str) -> list[Product]:
        """Return the products with this SKU, also those in the bin."""
        wanted = collation_key(sku)
        return [product for product in self.products.values() if collation_key(product.sku) == wanted] if sku else []

    def find(self, sku: str) -> Product:
        """Return the product that is sold with this SKU."""
        return next(product for product in self.with_sku(sku) if product.status != "trash")

    def manages(self, product: Product) -> bool:
        return product.manage_stock and self.shop.manage_stock

    def stock_owner(self, product: Product) -> Product | None:
        """Return the product whose stock is used: itself, its parent, or None if stock is not managed."""
        if self.manages(product):
            return product
        parent = self.parent(product)
        return parent if parent and self.manages(parent) else None

    def move_stock(self, product: Product, by: int) -> tuple[int, int] | None:
        """Change the stock; return the stock before and after."""
        stock_owner = self.stock_owner(product)
        if stock_owner is None:
            return None
        before = stock_owner.stock or 0
        stock_owner.stock = before + by
        self.saved(stock_owner)
        return before, stock_owner.stock

    def saved(self, product: Product) -> None:
        """Update the stock status and the dates of change of a product and its parent after a write."""
        if self.manages(product):
            empty = "onbackorder" if product.backorders != "no" else "outofstock"
            product.stock_status = "instock" if (product.stock or 0) > 0 else empty
        product.modified = self.shop.now()
        parent = self.parent(product)
        if parent:
            self.saved(parent)
        elif product.type == "variable" and not self.manages(product):
            inside = {variation.stock_status for variation in self.variations(product.id)}
            ranked = ("instock", "onbackorder", "outofstock")
            product.stock_status = next((status for status in ranked if status in inside), "outofstock")

    def add(self, data: Mapping[str, Any], parent_id: int = 0) -> Product:
        """Make a product or variation from a body."""
        moment = self.shop.now()
        product = Product(0, moment, moment, type="variation" if parent_id else "simple", parent_id=parent_id)
        product.tax_class = "parent" if parent_id else ""
        self._check_sku(product, data, new=True)
        product.id = self.shop.next_post()
        self.products[product.id] = product
        try:
            self.write(product, data if parent_id else {"categories": [], **data})
        except Refusal:
            del self.products[product.id]
            raise
        if not parent_id:
            product.name = product.name or "Product"
            product.slug = product.slug or slug_of(product.name)
        return product

    def write(self, product: Product, data: Mapping[str, Any]) -> None:
        """Change the fields in a body, ignoring mistakes as WooCommerce does."""
        self._check_sku(product, data)
        parent = self.parent(product)
        self._write_texts(product, data)
        if "status" in data:
            product.status = data["status"] if data["status"] in STATUSES else "draft"
        if data.get("type") in TYPES and product.type != "variation":
            product.type = data["type"]
        for name in ("virtual", "downloadable", "featured"):
            if name in data:
                setattr(product, name, data[name] in (True, 1, "1", "true"))
        if product.type not in ("variable", "grouped"):
            product.regular_price = (
                money.price(data["regular_price"]) if "regular_price" in data else product.regular_price
            )
            product.sale_price = money.price(data["sale_price"]) if "sale_price" in data else product.sale_price
            product.sale_price = product.sale_price if product.on_sale else ""
        self._write_stock(product, data)
        if data.get("categories") is not None and not parent:
            known = [entry["id"] for entry in data["categories"] if entry.get("id") in self.shop.categories]
            product.categories = known or [UNCATEGORIZED]
        if data.get("tags") is not None:
            product.tags = [{"id": tag.get("id"), "name": tag.get("name", ""), "slug": ""} for tag in data["tags"]]
        if data.get("images") is not None or data.get("image"):
            images = data["images"] if data.get("images") is not None else [data["image"]]
            product.images = [self._image(image) for image in images]
        if data.get("attributes") is not None:
            if parent:
                product.chosen = self._chosen(parent, data["attributes"])
            elif product.type != "variation":
                product.attributes = [self._attribute(entry) for entry in data["attributes"]]
        write_meta(product.meta, data.get("meta_data"), self.shop.next_meta)
        self.saved(product)

    def _write_texts(self, product: Product, data: Mapping[str, Any]) -> None:
        if "name" in data:
            product.name = escaped(data["name"] or "")
        if "sku" in data:
            product.sku = stripped(data["sku"] or "")
        for name in ("description", "short_description"):
            if name in data:
                setattr(product, name, str(data[name] or ""))
        for name in ("slug", "tax_status", "tax_class", "shipping_class", "catalog_visibility", "weight", "menu_order"):
            if data.get(name) is not None:
                setattr(product, name, data[name])
        if isinstance(data.get("dimensions"), dict):
            product.dimensions |= {name: str(value) for name, value in data["dimensions"].items()}

    def _write_stock(self, product: Product, data: Mapping[str, Any]) -> None:
        """Write stock only if it is managed; if the shop manages none, ignore it."""
        if data.get("stock_status") and not product.manage_stock:
            product.stock_status = data["stock_status"]
        if not self.shop.manage_stock:
            return
        if data.get("manage_stock") is not None:
            product.manage_stock = data["manage_stock"] in (True, 1, "1", "true", "yes")
            product.stock = product.stock if product.manage_stock else None
        if data.get("backorders"):
            product.backorders = data["backorders"]
        if product.manage_stock and data.get("stock_quantity") is not None:
            product.stock = int(money.number(data["stock_quantity"]))

    def _check_sku(self, product: Product, data: Mapping[str, Any], *, new: bool = False) -> None:
        """Refuse the SKU of another product; from 10.3 on also that of one in the bin, except for variations."""
        sku = stripped(data.get("sku") or "")
        if sku and collation_key(sku) == collation_key(product.sku):
            return
        for other in self.with_sku(sku):
            if other.id != product.id and other.status != "trash":
                about = {"resource_id": other.id, "unique_sku": f"{sku}-1"}
                raise Refusal(400, "product_invalid_sku", "Invalid or duplicated SKU.", **about)
            if other.id != product.id and new and product.type != "variation" and self.shop.at_least(10, 3):
                words = f"The product with SKU ({sku}) you are trying to insert is already present in the lookup table"
                raise Refusal(400, "woocommerce_rest_product_not_created", words)

    def _image(self, image: Mapping[str, Any]) -> dict[str, Any]:
        """Return an image of the media library, or download it; it stays there if a later image of the call fails."""
        library = self.shop.media
        if image.get("id"):
            if image["id"] not in library:
                words = f"#{image['id']} is an invalid image ID."
                raise Refusal(400, "woocommerce_product_invalid_image_id", words)
            return library[image["id"]]
        source = str(image.get("src", ""))
        problem = next((words for part, words in self.shop.bad_images.items() if part in source), "")
        if (urlsplit(source).hostname or "127.0.0.1") in self.shop.unreachable_hosts:
            problem = "A valid URL was not provided."
        if problem:
            words = f"Error getting remote image {source}. Error: {problem}"
            raise Refusal(400, "woocommerce_product_image_upload_error", words)
        number = self.shop.next_post()
        name = source.rpartition("/")[2]
        # its address is one of the shop's own from now on
        own = f"{self.shop.home}/wp-content/uploads/{number}-{name}"
        library[number] = {"id": number, "src": own, "name": name, "alt": image.get("alt", "")}
        return library[number]

    def _attribute(self, entry: Mapping[str, Any]) -> Attribute:
        """Return an attribute of a body; options that are new to the shop are added to it."""
        known = self.shop.attributes.get(entry.get("id") or 0)
        options = [str(option) for option in entry.get("options") or []]
        name = known.name if known else stripped(entry.get("name", ""))
        if known:
            options = sorted((self.shop.term(known, option) for option in options), key=collation_key)
        slug = known.slug if known else name
        flags = (bool(entry.get("visible", False)), bool(entry.get("variation", False)))
        return Attribute(known.id if known else 0, name, options, slug, *flags)

    def _chosen(self, parent: Product, entries: Iterable[Mapping[str, Any]]) -> list[tuple[Attribute, str]]:
        """The options of a variation, as far as its parent varies by them."""
        result = []
        for entry in entries:
            name = collation_key(stripped(entry.get("name", "")))
            for attribute in parent.attributes:
                same = attribute.id == entry["id"] if entry.get("id") else collation_key(attribute.name) == name
                if same and attribute.variation and entry.get("option"):
                    known = (
                        option
                        for option in attribute.options
                        if collation_key(option) == collation_key(str(entry["option"]))
                    )
                    result.append((attribute, next(known, str(entry["option"]))))
        return result

    # -- the bin ---------------------------------------------------------------------------------------

    def bin(self, product: Product) -> None:
        """Throw a product and its variations into the bin."""
        for one in (product, *self.variations(product.id)):
            one.binned_from, one.status = one.status, "trash"
            one.modified = self.shop.now()

    def restore(self, product: Product) -> None:
        for one in (product, *self.variations(product.id, all_of_them=True)):
            if one.status == "trash":
                one.status, one.modified = one.binned_from or "draft", self.shop.now()

    def delete(self, product: Product) -> None:
        """Delete a product and its variations; lines of orders lose its id."""
        for one in (product, *self.variations(product.id, all_of_them=True)):
            for item in (item for order in self.shop.order_book.orders.values() for item in order.items):
                item.product_id = 0 if item.product_id == one.id else item.product_id
                item.variation_id = 0 if item.variation_id == one.id else item.variation_id
            del self.products[one.id]
        parent = self.parent(product)
        if parent:
            self.saved(parent)


def write_meta(rows: list[Meta], sent: Any, next_id: Any) -> bool:
    """Change meta data by id, else the first with that key; null deletes; return whether any changed."""
    changed = False
    for entry in sent if isinstance(sent, list) else []:
        if not isinstance(entry.get("id", 0), int):
            raise Refusal(400, "rest_invalid_param", "Invalid parameter(s): meta_data")
        key, value = str(entry.get("key", "")), _kept(entry.get("value"))
        if entry.get("id"):
            same = [row for row in rows if row.id == entry["id"]]
        else:
            same = [row for row in rows if row.key == key]
        for extra in same[1:]:
            rows.remove(extra)
        if same and value is None:
            rows.remove(same[0])
        elif same:
            changed = changed or (same[0].key, same[0].value) != (key, value)
            same[0].key, same[0].value = key or same[0].key, value
            continue
        elif value is not None:
            rows.append(Meta(next_id(), key, value))
        changed = True
    return changed


def _kept(value: Any) -> Any:
    """Return a value as the database returns it: numbers and booleans become strings."""
    if value is None or isinstance(value, str | list | dict):
        return value
    return ("1" if value else "") if isinstance(value, bool) else str(value)


def key_of(attribute: Attribute) -> str:
    return attribute.slug if attribute.id else slug_of(attribute.name)


def value_of(attribute: Attribute, option: str) -> str:
    return slug_of(option) if attribute.id else option
