"""What a WooCommerce shop says about itself, and whether the bridge can work with it."""

from __future__ import annotations

import re
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass
from http import HTTPStatus
from typing import Any
from urllib.parse import urlsplit

from bridge.channels.helpers.cached import cached
from bridge.channels.http import UnexpectedAnswer
from bridge.channels.woocommerce.api import WooClient
from bridge.channels.woocommerce.refusals import API, blocked_message
from bridge.channels.woocommerce.values import as_text, money, unescape
from bridge.errors import ChannelError, ChannelRefused, CredentialsRefused
from bridge.lazy import lazy_property

OLDEST = (7, 9)
SUMMARY_SECONDS = 60
INDEX_FIELDS = {"_fields": "name,home,namespaces,timezone_string,gmt_offset"}
PLAIN_PERMALINKS = (HTTPStatus.OK, HTTPStatus.NOT_FOUND)
"""The statuses of the page that a shop with plain permalinks shows in place of its REST API."""
OPTIONAL_SHARE = 0.4  # of the time that is left: what only describes the shop must not cost its check
LONGEST_PATH = 100  # characters in an error message


@dataclass(frozen=True)
class ShopInfo:
    """The shop's own description; each part is read once per request."""

    shop: WooClient

    def check(self) -> None:
        """Raise an error that says what the seller can do if address, version, key or settings do not fit.

        What the shop does not show, because a plugin closes it, is not checked.
        """
        if self._index and API not in self._index["namespaces"]:
            raise ChannelRefused("There is WordPress at this address, but WooCommerce is not active in it")
        release = tuple(int(part) for part in re.findall(r"\d{1,9}", self._version)[:2])
        if release and release < OLDEST:  # a plugin may hide it
            raise ChannelRefused(f"WooCommerce 7.9 or newer is needed; the shop has {self._version}: please update it")
        self.check_key()
        if self._setting("products/woocommerce_manage_stock") == "no":
            raise ChannelRefused(
                "WooCommerce does not manage stock: switch that on in WooCommerce, Settings, Products, Inventory"
            )

    def check_key(self) -> None:
        """Raise an error if the key may not read and write."""
        self.shop.get("orders", {"per_page": 1, "_fields": "id"})
        self.shop.check_write_permission()

    def version(self) -> str:
        """Return the versions of WooCommerce and of what it runs on."""
        names = {"version": "WooCommerce", "wp_version": "WordPress", "php_version": "PHP", "mysql_version": "database"}
        status = self._if_open("system_status", ",".join(f"environment.{name}" for name in names))
        found = status.get("environment")
        values = {key: as_text(found.get(key)) for key in names} if isinstance(found, dict) else {}
        return ", ".join(f"{names[key]} {value}" for key, value in values.items() if value)

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
        index = self._index
        parts = [f"Connected to {unescape(index.get('name')) or 'the shop'}: WooCommerce {self._version}".rstrip()]
        tax, currency = self._setting("tax/woocommerce_prices_include_tax"), self._status("settings", "currency")
        if tax or currency:
            within = {"yes": " with tax", "no": " without tax"}.get(str(tax), "")
            parts.append(f"prices{f' in {currency}' if currency else ''}{within}")
        if index:
            offset = f"UTC{money(index.get('gmt_offset')):+}"
            parts.append(f"time zone {index.get('timezone_string') or offset}")
        return f"{', '.join(parts)}."

    @lazy_property
    def _index(self) -> dict[str, Any]:
        """The index of WordPress's REST API, {} if it is closed; raises ChannelRefused if it is not there."""
        problem = ""
        blocked = False
        try:
            answer = self.shop.get_public("wp-json/", INDEX_FIELDS)
            if isinstance(answer.find("namespaces"), list):
                return answer.object()
            if answer.find("code"):
                return {}  # a plugin closes it to visitors, and WooCommerce's part may be open to the key
            if answer.status != HTTPStatus.NOT_FOUND:
                problem, blocked = blocked_message(answer), True
        except UnexpectedAnswer as error:
            problem, blocked = str(error), error.status not in PLAIN_PERMALINKS
        with suppress(UnexpectedAnswer):
            found = self.shop.get_public("", {"rest_route": "/", **INDEX_FIELDS}).object()
            if "namespaces" in found:
                raise ChannelRefused(self._why_only_by_query(found, problem if blocked else ""))
        raise ChannelRefused(
            f"There is no WordPress at {self.shop.url}, or its REST API is blocked: check the address, with the folder "
            f"that WordPress is in, and that {self.shop.url}/wp-json/ shows data in a browser"
            f"{f'. {problem}' if problem else ''}"
        )

    def _why_only_by_query(self, index: Mapping[str, Any], problem: str) -> str:
        """Return why the REST API answers below the address, which WordPress does in any folder, but not in wp-json."""
        own, home = urlsplit(self.shop.url), urlsplit(str(index.get("home") or self.shop.url))
        if own.path.strip("/") != home.path.strip("/"):
            right = own._replace(path=home.path.rstrip("/")[:LONGEST_PATH]).geturl()
            return f"WordPress is not in this folder: its address is {right}"
        if problem:
            return f"The shop's REST API is blocked at {self.shop.url}/wp-json/: {problem}"
        return (
            "WordPress uses plain permalinks, with which keys do not work: choose any other structure in Settings, "
            "Permalinks"
        )

    @property
    def _version(self) -> str:
        return as_text(self._status("environment", "version"))

    def _status(self, section: str, name: str) -> Any:
        """Return a value of the shop's status report, None if that is closed."""
        values = self._values.get(section)
        return values.get(name) if isinstance(values, dict) else None

    @lazy_property
    def _values(self) -> dict[str, Any]:
        # the whole report would test whether the shop can make calls, which takes long if it cannot
        return self._if_open("system_status", "environment.version,settings.currency")

    def _setting(self, name: str) -> Any:
        """Return a setting of the shop, None if it is closed."""
        return self._if_open(f"settings/{name}", "value").get("value")

    def _if_open(self, path: str, fields: str) -> dict[str, Any]:
        """Return these fields of what is at a path, {} if a plugin closes or breaks it."""
        try:
            with self.shop.deadline.limited(self.shop.deadline.left() * OPTIONAL_SHARE):
                found = self.shop.get(path, {"_fields": fields}).json
        except CredentialsRefused:
            raise
        except ChannelError:
            found = None
        return found if isinstance(found, dict) else {}
