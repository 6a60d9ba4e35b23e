"""Finding out about a shop: whether it can be worked with, and what it ships and takes money with."""

from __future__ import annotations

import json
import re
import time
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass
from functools import cached_property, partial
from typing import Any

from bridge.channels.http import StrangeAnswer
from bridge.channels.woocommerce.api import WooClient
from bridge.channels.woocommerce.order_header import NO_PAYMENT, NO_SHIPPING, instance_tag, payment_tag
from bridge.channels.woocommerce.values import money, plain
from bridge.errors import ChannelRefused
from bridge.protocol.schemas.config import Tag

OLDEST = (7, 9)
API = "wc/v3"
INDEX_FIELDS = {"_fields": "name,namespaces,timezone_string,gmt_offset"}


@dataclass(frozen=True)
class About:
    """What a shop says of itself, within one request asked for once."""

    shop: WooClient

    def try_out(self) -> None:
        """Raise with what the seller can do where the shop cannot be worked with: address, version, key or settings."""
        if API not in self._index["namespaces"]:
            raise ChannelRefused("There is WordPress at this address, but WooCommerce is not active in it")
        version = self._status["environment"]["version"]
        if tuple(int(part) for part in re.findall(r"\d+", version)[:2]) < OLDEST:
            raise ChannelRefused(f"WooCommerce 7.9 or newer is needed; the shop has {version}: please update it")
        self.try_key()
        if self._setting("products/woocommerce_manage_stock") != "yes":
            raise ChannelRefused(
                "WooCommerce does not manage stock: switch that on in WooCommerce, Settings, Products, Inventory"
            )

    def try_key(self) -> None:
        """Raise where the key may not read and write."""
        self.shop.get("orders", {"per_page": 1, "_fields": "id"})
        self.shop.may_write()

    def facts(self) -> str:
        """What was found out about the shop, in a sentence or two."""
        status, index = self._status, self._index
        prices = "with" if self._setting("tax/woocommerce_prices_include_tax") == "yes" else "without"
        zone = index.get("timezone_string") or f"UTC{money(index.get('gmt_offset')):+}"
        return (
            f"Connected to {plain(index.get('name')) or 'the shop'}: WooCommerce {status['environment']['version']}, "
            f"prices in {status['settings']['currency']} {prices} tax, time zone {zone}."
        )

    @cached_property
    def _index(self) -> dict[str, Any]:
        """What WordPress says of itself; raises ChannelRefused where it cannot be asked under its usual address."""
        for path, params in (("wp-json/", INDEX_FIELDS), ("", {"rest_route": "/", **INDEX_FIELDS})):
            with suppress(StrangeAnswer):
                found = self.shop.get_public(path, params).object()
                if isinstance(found.get("namespaces"), list) and path:
                    return found
                if "namespaces" in found:
                    raise ChannelRefused(
                        "WordPress runs with plain permalinks, with which keys do not work: choose any other structure "
                        "in Settings, Permalinks"
                    )
        raise ChannelRefused(
            f"There is no WordPress at {self.shop.url}, or its REST API is blocked: check the address, with the folder "
            f"that WordPress is in, and that {self.shop.url}/wp-json/ shows data in a browser"
        )

    @cached_property
    def _status(self) -> dict[str, Any]:
        return self.shop.get("system_status", {"_fields": "environment,settings"}).object()

    def _setting(self, name: str) -> Any:
        return self.shop.get(f"settings/{name}", {"_fields": "value"}).object().get("value")


def statuses(shop: WooClient) -> Mapping[str, str]:
    """The shop's order statuses by their slugs with their names, as they were within the minute."""
    return _names(shop, "reports/orders/totals", "slug", seconds=60)


def countries(shop: WooClient) -> Mapping[str, str]:
    """The names of countries by their codes, as the shop calls them, as they were within the day."""
    return _names(shop, "data/countries", "code", seconds=86_400)


def _names(shop: WooClient, path: str, key: str, seconds: int) -> Mapping[str, str]:
    """Names of things that rarely change, asked for no more often than that."""
    asked_at, names = json.loads(shop.cache.get(path, "[0, {}]"))
    if not names or time.monotonic() > asked_at + seconds:
        names = {row[key]: plain(row["name"]) for row in shop.get(path, {"_fields": f"{key},name"}).rows()}
        shop.cache[path] = json.dumps([time.monotonic(), names])
    found: Mapping[str, str] = names
    return found


def shipping_tags(shop: WooClient) -> list[Tag]:
    """The shop's shipping methods as they are set up in its zones, and all methods it knows."""
    zones = shop.get("shipping/zones", {"_fields": "id,name"}).rows()
    wanted = {"_fields": "instance_id,title,method_id"}
    methods = shop.together([partial(shop.get, f"shipping/zones/{zone['id']}/methods", wanted) for zone in zones])
    tags = {
        instance_tag(row["method_id"], row["instance_id"]): f"{plain(row['title'])} ({plain(zone['name'])})"
        for zone, answer in zip(zones, methods, strict=True)
        for row in answer.rows()
    }
    known = {
        instance_tag(row["id"], 0): plain(row["title"])
        for row in shop.get("shipping_methods", {"_fields": "id,title"}).rows()
    }
    return _tags({**tags, **known, NO_SHIPPING: "No shipping"})


def payment_tags(shop: WooClient) -> list[Tag]:
    """The shop's payment gateways, those that are switched off too: older orders name them."""
    rows = shop.get("payment_gateways", {"_fields": "id,title,method_title"}).rows()
    gateways = {payment_tag(row["id"]): plain(row["title"]) or plain(row["method_title"]) for row in rows}
    return _tags({**gateways, NO_PAYMENT: "No payment method"})


def _tags(names: Mapping[str, str]) -> list[Tag]:
    return [Tag(tag=tag, friendly_name=(name or tag)[:255]) for tag, name in names.items()]
