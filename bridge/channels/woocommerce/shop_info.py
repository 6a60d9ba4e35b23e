"""What a WooCommerce shop says about itself, and whether the bridge can work with it."""

from __future__ import annotations

import re
from contextlib import suppress
from dataclasses import dataclass
from typing import Any

from bridge.channels.helpers.cached import cached
from bridge.channels.http import UnexpectedAnswer
from bridge.channels.woocommerce.api import WooClient
from bridge.channels.woocommerce.values import money, unescape
from bridge.errors import ChannelRefused
from bridge.lazy import lazy_property

OLDEST = (7, 9)
API = "wc/v3"
SUMMARY_SECONDS = 60
INDEX_FIELDS = {"_fields": "name,namespaces,timezone_string,gmt_offset"}


@dataclass(frozen=True)
class ShopInfo:
    """The shop's own description; each part is read once per request."""

    shop: WooClient

    def check(self) -> None:
        """Raise an error that says what the seller can do if address, version, key or settings do not fit."""
        if API not in self._index["namespaces"]:
            raise ChannelRefused("There is WordPress at this address, but WooCommerce is not active in it")
        version = self._status["environment"]["version"]
        if tuple(int(part) for part in re.findall(r"\d{1,9}", version)[:2]) < OLDEST:
            raise ChannelRefused(f"WooCommerce 7.9 or newer is needed; the shop has {version}: please update it")
        self.check_key()
        if self._setting("products/woocommerce_manage_stock") != "yes":
            raise ChannelRefused(
                "WooCommerce does not manage stock: switch that on in WooCommerce, Settings, Products, Inventory"
            )

    def check_key(self) -> None:
        """Raise an error if the key may not read and write."""
        self.shop.get("orders", {"per_page": 1, "_fields": "id"})
        self.shop.check_write_permission()

    def summary(self) -> str:
        """Return name, version, currency, tax and time zone in a sentence, which is cached for a minute."""
        return cached(
            self._summary,
            seconds=SUMMARY_SECONDS,
            deadline=self.shop.deadline,
            cache=self.shop.cache,
            key="woocommerce summary",
        )

    def _summary(self) -> str:
        status, index = self._status, self._index
        prices = "with" if self._setting("tax/woocommerce_prices_include_tax") == "yes" else "without"
        zone = index.get("timezone_string") or f"UTC{money(index.get('gmt_offset')):+}"
        name, version = unescape(index.get("name")) or "the shop", status["environment"]["version"]
        return (
            f"Connected to {name}: WooCommerce {version}, "
            f"prices in {status['settings']['currency']} {prices} tax, time zone {zone}."
        )

    @lazy_property
    def _index(self) -> dict[str, Any]:
        """The index of WordPress's REST API; raises ChannelRefused if it is not at its usual address."""
        for path, params in (("wp-json/", INDEX_FIELDS), ("", {"rest_route": "/", **INDEX_FIELDS})):
            with suppress(UnexpectedAnswer):
                found = self.shop.get_public(path, params).object()
                if isinstance(found.get("namespaces"), list) and path:
                    return found
                if "namespaces" in found:
                    raise ChannelRefused(
                        "WordPress uses plain permalinks, with which keys do not work: choose any other structure "
                        "in Settings, Permalinks"
                    )
        raise ChannelRefused(
            f"There is no WordPress at {self.shop.url}, or its REST API is blocked: check the address, with the folder "
            f"that WordPress is in, and that {self.shop.url}/wp-json/ shows data in a browser"
        )

    @lazy_property
    def _status(self) -> dict[str, Any]:
        return self.shop.get("system_status", {"_fields": "environment,settings"}).object()

    def _setting(self, name: str) -> Any:
        return self.shop.get(f"settings/{name}", {"_fields": "value"}).object().get("value")
