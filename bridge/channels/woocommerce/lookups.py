"""Lists of a WooCommerce shop that rarely change: order statuses, countries, shipping and payment methods."""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterable, Mapping
from contextlib import suppress
from functools import partial
from typing import Any, NamedTuple, TypeVar

from bridge.channels.helpers.cached import cached
from bridge.channels.helpers.rows import readable
from bridge.channels.woocommerce.api import WooClient
from bridge.channels.woocommerce.order_header import NO_PAYMENT, NO_SHIPPING, instance_tag, payment_tag
from bridge.channels.woocommerce.refusals import Blocked
from bridge.channels.woocommerce.values import key_text, unescape
from bridge.errors import ChannelError, ChannelRefused, ChannelUnavailable, CredentialsRefused
from bridge.protocol.schemas.config import Tag

log = logging.getLogger(__name__)

Row = Mapping[str, Any]
Key = TypeVar("Key", str, int)

STATUSES_SECONDS, COUNTRIES_SECONDS, MONEY_SECONDS = 60, 86_400, 3_600  # how long these lists are cached
NO_COUNTRIES_SECONDS = 60  # how long it is remembered that the list of countries could not be read
LONGEST_NAME = 255

DECIMALS, CURRENCY = "woocommerce_price_num_decimals", "woocommerce_currency"
MOST_DECIMALS = 6


class MoneySettings(NamedTuple):
    """How the shop writes amounts; `decimals` is None and `currency` "" if its settings cannot be read."""

    decimals: int | None = None
    currency: str = ""


def money_settings(shop: WooClient) -> MoneySettings:
    """Return how many decimals the shop's amounts have, and its currency."""

    def ask() -> dict[str, str]:
        with suppress(ChannelRefused, Blocked):  # a key or a firewall may allow orders only
            rows = shop.read_list("settings/general", {"_fields": "id,value"})
            return {
                name: str(row.get("value")) for row in rows for name in (DECIMALS, CURRENCY) if row.get("id") == name
            }
        return {}

    found: dict[str, str] = {}
    with suppress(ChannelError), shop.deadline.limited(shop.deadline.left() / 2):  # orders do without
        found = cached(ask, seconds=MONEY_SECONDS, deadline=shop.deadline, cache=shop.cache, key="woocommerce money")
    decimals, currency = found.get(DECIMALS, ""), found.get(CURRENCY, "")
    known = decimals.isdecimal() and int(decimals) <= MOST_DECIMALS
    return MoneySettings(int(decimals) if known else None, currency)


def statuses(shop: WooClient, *, seconds: int = STATUSES_SECONDS) -> Mapping[str, str]:
    """Return the names of the shop's order statuses by slug, which are cached for these seconds."""
    return _names(shop, "reports/orders/totals", "slug", seconds)


def countries(shop: WooClient) -> Mapping[str, str]:
    """Return the shop's names of countries by code, {} if they cannot be read: orders do without."""

    def ask() -> Mapping[str, str]:
        try:
            return _names(shop, "data/countries", "code", COUNTRIES_SECONDS)
        except CredentialsRefused:
            raise
        except ChannelError as error:
            log.warning("Orders come with the codes of countries instead of their names: %s", error)
            return {}

    key = "woocommerce countries"
    try:
        return cached(ask, seconds=NO_COUNTRIES_SECONDS, deadline=shop.deadline, cache=shop.cache, key=key)
    except ChannelUnavailable:  # another request is asking, and did not get them in time
        return {}


def _names(shop: WooClient, path: str, key: str, seconds: int) -> Mapping[str, str]:
    """Return the names in a list by `key`; the list is cached for these seconds."""

    def ask() -> dict[str, str]:
        rows = shop.read_list(path, {"_fields": f"{key},name"})
        return dict(_readable(rows, lambda row: (key_text(row[key]), unescape(row.get("name")) or str(row[key]))))

    return cached(ask, seconds=seconds, deadline=shop.deadline, cache=shop.cache, key=path)


def shipping_tags(shop: WooClient) -> list[Tag]:
    """Return the shipping methods set up in the shop's zones, and all methods that the shop knows."""
    rows = shop.read_list("shipping/zones", {"_fields": "id,name"})
    zones = dict(_readable(rows, lambda row: (int(row["id"]), unescape(row.get("name")))))
    fields = {"_fields": "instance_id,title,method_id"}
    methods = shop.read_parallel([partial(shop.read_list, f"shipping/zones/{zone}/methods", fields) for zone in zones])
    in_zones = {
        tag: f"{title} ({zone})"
        for zone, of_zone in zip(zones.values(), methods, strict=True)
        for tag, title in _readable(
            of_zone,
            lambda row: (instance_tag(key_text(row["method_id"]), row["instance_id"]), unescape(row.get("title"))),
        )
    }
    known = _readable(
        shop.read_list("shipping_methods", {"_fields": "id,title"}),
        lambda row: (instance_tag(key_text(row["id"]), 0), unescape(row.get("title"))),
    )
    return _tags({**in_zones, **dict(known), NO_SHIPPING: "No shipping"})


def payment_tags(shop: WooClient) -> list[Tag]:
    """Return the shop's payment gateways, also those switched off, because older orders name them."""
    gateways = _readable(
        shop.read_list("payment_gateways", {"_fields": "id,title,method_title"}),
        lambda row: (
            payment_tag(key_text(row["id"])),
            unescape(row.get("title")) or unescape(row.get("method_title")),
        ),
    )
    return _tags({**dict(gateways), NO_PAYMENT: "No payment method"})


def _readable(rows: Iterable[Row], read: Callable[[Row], tuple[Key, str]]) -> list[tuple[Key, str]]:
    """Return names by key, without the rows that have no key."""
    return readable(rows, read, lambda row: f"Row {row}")


def _tags(names: Mapping[str, str]) -> list[Tag]:
    return [Tag(tag=tag, friendly_name=(name or tag)[:LONGEST_NAME]) for tag, name in names.items()]
