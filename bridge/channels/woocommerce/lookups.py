"""Lists of a WooCommerce shop that rarely change: order statuses, countries, shipping and payment methods."""

from __future__ import annotations

import logging
from collections.abc import Mapping
from contextlib import suppress
from functools import partial
from typing import NamedTuple

from bridge.channels.helpers.cached import cached
from bridge.channels.woocommerce.api import WooClient
from bridge.channels.woocommerce.order_header import NO_PAYMENT, NO_SHIPPING, instance_tag, payment_tag
from bridge.channels.woocommerce.values import unescape
from bridge.errors import ChannelError, ChannelRefused, ChannelUnavailable, CredentialsRefused
from bridge.protocol.schemas.config import Tag

log = logging.getLogger(__name__)

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
        with suppress(ChannelRefused):  # a key or a firewall may allow orders only
            rows = shop.get("settings/general", {"_fields": "id,value"}).rows()
            return {row["id"]: str(row.get("value")) for row in rows if row.get("id") in (DECIMALS, CURRENCY)}
        return {}

    found: dict[str, str] = {}
    with suppress(ChannelError):
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
        except (ChannelError, KeyError) as error:
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
        return {row[key]: unescape(row["name"]) for row in shop.get(path, {"_fields": f"{key},name"}).rows()}

    return cached(ask, seconds=seconds, deadline=shop.deadline, cache=shop.cache, key=path)


def shipping_tags(shop: WooClient) -> list[Tag]:
    """Return the shipping methods set up in the shop's zones, and all methods that the shop knows."""
    zones = shop.get("shipping/zones", {"_fields": "id,name"}).rows()
    fields = {"_fields": "instance_id,title,method_id"}
    methods = shop.read_parallel([partial(shop.get, f"shipping/zones/{zone['id']}/methods", fields) for zone in zones])
    in_zones = {
        instance_tag(row["method_id"], row["instance_id"]): f"{unescape(row['title'])} ({unescape(zone['name'])})"
        for zone, answer in zip(zones, methods, strict=True)
        for row in answer.rows()
    }
    known = {
        instance_tag(row["id"], 0): unescape(row["title"])
        for row in shop.get("shipping_methods", {"_fields": "id,title"}).rows()
    }
    return _tags({**in_zones, **known, NO_SHIPPING: "No shipping"})


def payment_tags(shop: WooClient) -> list[Tag]:
    """Return the shop's payment gateways, also those switched off, because older orders name them."""
    rows = shop.get("payment_gateways", {"_fields": "id,title,method_title"}).rows()
    gateways = {payment_tag(row["id"]): unescape(row["title"]) or unescape(row["method_title"]) for row in rows}
    return _tags({**gateways, NO_PAYMENT: "No payment method"})


def _tags(names: Mapping[str, str]) -> list[Tag]:
    return [Tag(tag=tag, friendly_name=(name or tag)[:LONGEST_NAME]) for tag, name in names.items()]
