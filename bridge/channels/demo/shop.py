"""The embedded shops: opened with an access key, and their stock and prices."""

from __future__ import annotations

import hashlib
import hmac
import re
from collections.abc import Iterable, Sequence
from decimal import Decimal
from typing import Any

from peewee import chunked

from bridge.channels.demo.seed import fill
from bridge.channels.demo.tables import Product, Shop, database, transaction
from bridge.clock import now
from bridge.errors import ChannelRefused, CredentialsRefused

NAME, NAME_RULE = "^[a-z0-9-]{3,40}$", "must be 3 to 40 lower-case letters, digits and hyphens"
KEY, KEY_RULE = "^[ -~]{8,200}$", "must be 8 to 200 characters of plain ASCII"
SKUS_PER_QUERY = 500


def open_shop(name: str, key: str) -> None:
    """Open a shop with this access key and fill it with sample data, unless a shop with this name exists."""
    for what, text, pattern, rule in (("name", name, NAME, NAME_RULE), ("access key", key, KEY, KEY_RULE)):
        if not re.fullmatch(pattern, text):
            raise ChannelRefused(f"A shop's {what} {rule}")
    with transaction():
        shop, created = Shop.get_or_create(name=name, defaults={"key_digest": _digest(key), "created_at": now()})
        if created:
            fill(shop, now())


def shop_for_key(name: str, key: str) -> Shop:
    """Return the shop with this name; raises CredentialsRefused if there is none or its access key is another."""
    shop = find_shop(name)
    if shop is None or not hmac.compare_digest(shop.key_digest, _digest(key)):
        raise CredentialsRefused("The shop does not accept this access key: enter the one it was opened with")
    return shop


def find_shop(name: str) -> Shop | None:
    """Return the shop with this name, or None."""
    found: Shop | None = Shop.get_or_none(Shop.name == name)
    return found


def change_key(shop: Shop, key: str) -> None:
    """Replace the shop's access key."""
    with transaction():
        Shop.update(key_digest=_digest(key)).where(Shop.id == shop.id).execute()


def _digest(key: str) -> str:
    return hashlib.sha256(key.encode()).hexdigest()


# -- stock and prices ------------------------------------------------------------------------------


def sellable_ids(shop: Shop, skus: Iterable[str]) -> dict[str, int]:
    """Return the ids of products that can be sold, by SKU."""
    found: dict[str, int] = {}
    for chunk in chunked(set(skus), SKUS_PER_QUERY):
        query: Any = Product.select(Product.sku, Product.id).where(
            (Product.shop == shop) & ~Product.variable & Product.sku.in_(chunk)
        )
        found.update(dict(query.tuples()))
    return found


def write_stock(levels: Sequence[tuple[int, int]]) -> None:
    """Set levels, given as (stock, product id), in one transaction."""
    with transaction():
        database.connection().executemany("UPDATE product SET stock = ? WHERE id = ?", levels)


def write_prices(prices: Sequence[tuple[str, Decimal, int]]) -> None:
    """Set prices, given as ("price" or "list_price", amount, product id), in order and in one transaction."""
    with transaction():
        for column in ("price", "list_price"):
            rows = [(str(amount), product_id) for changed, amount, product_id in prices if changed == column]
            database.connection().executemany(f"UPDATE product SET {column} = ? WHERE id = ?", rows)  # noqa: S608
