"""Endpoints of the shop itself: status, settings, taxes, shipping, payment, countries."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import TYPE_CHECKING, Any

from flask import Flask
from flask.typing import ResponseReturnValue

from tests.channels.woocommerce.fake.orders import SYMBOLS
from tests.channels.woocommerce.fake.responses import links, page, reply
from tests.channels.woocommerce.fake.rest import ATHENS, Refusal, query

if TYPE_CHECKING:
    from tests.channels.woocommerce.fake.shop import WooShop

V3 = "/wp-json/wc/v3"

COUNTRIES = {
    "AT": "Austria",
    "BE": "Belgium",
    "CA": "Canada",
    "CH": "Switzerland",
    "CW": "Curaçao",
    "DE": "Germany",
    "ES": "Spain",
    "FR": "France",
    "GB": "United Kingdom (UK)",
    "GR": "Greece",
    "IE": "Ireland",
    "IT": "Italy",
    "NL": "Netherlands",
    "US": "United States (US)",
}


STATES = {"US": {"CA": "California", "NY": "New York"}, "CA": {"ON": "Ontario"}, "ES": {"M": "Madrid"}}


def add_to(app: Flask, shop: WooShop) -> None:
    """Add the endpoints to the application."""

    @app.get("/wp-json")
    def index() -> ResponseReturnValue:
        names = ["oembed/1.0", *(["wc/v1", "wc/v2", "wc/v3"] if shop.woocommerce_active else []), "wp/v2"]
        offset = shop.now().astimezone(ATHENS).utcoffset()
        values = {"name": shop.name, "description": "", "url": shop.home, "home": shop.home}
        values |= {
            "gmt_offset": offset.total_seconds() / 3600 if offset else 0,
            "timezone_string": ATHENS.key,
            **shop.index,
        }
        return reply({**values, "namespaces": names, "authentication": {}, "routes": {}})

    @app.get(V3)
    def namespace() -> ResponseReturnValue:
        return reply({"namespace": "wc/v3", "routes": {}})

    @app.get(f"{V3}/system_status")
    def system_status() -> ResponseReturnValue:
        return reply(_status(shop))

    @app.get(f"{V3}/settings")
    def groups() -> ResponseReturnValue:
        return reply([{"id": name, "label": name.capitalize(), "parent_id": ""} for name in _settings(shop)])

    @app.get(f"{V3}/settings/<group>")
    def settings(group: str) -> ResponseReturnValue:
        return reply([_setting(group, name, value) for name, value in _group(shop, group).items()])

    @app.get(f"{V3}/settings/<group>/<name>")
    def setting(group: str, name: str) -> ResponseReturnValue:
        known = _group(shop, group)
        if name not in known:
            raise Refusal(404, "rest_setting_setting_invalid", "Invalid setting.")
        return reply(_setting(group, name, known[name]))

    def table(rows: Iterable[Mapping[str, Any]]) -> ResponseReturnValue:
        """Return a list that fits on a page; only newer versions send its length."""
        found = list(rows)
        counted = {"X-WP-Total": str(len(found)), "X-WP-TotalPages": "1" if found else "0"}
        return reply(found, 200, counted if shop.at_least(10, 3) else {})

    @app.get(f"{V3}/taxes")
    def taxes() -> ResponseReturnValue:
        keys = {"id": lambda rate: rate.id, "order": lambda rate: rate.id, "priority": lambda rate: rate.id}
        wanted = {
            "order": "asc",
            **{name: int(value) for name, value in query().items() if name in ("page", "per_page")},
        }
        return page(shop.rates, wanted, _rate, keys=keys, orderby="order")

    @app.get(f"{V3}/taxes/classes")
    def classes() -> ResponseReturnValue:
        return table({"slug": slug or "standard", "name": name} for slug, name in shop.tax_classes.items())

    @app.get(f"{V3}/shipping/zones")
    def zones() -> ResponseReturnValue:
        return table({"id": number, "name": zone["name"], "order": 0} for number, zone in shop.zones.items())

    def zone_of(number: int) -> dict[str, Any]:
        if number not in shop.zones:
            raise Refusal(404, "woocommerce_rest_shipping_zone_invalid", "Resource does not exist.")
        return shop.zones[number]

    @app.get(f"{V3}/shipping/zones/<int:number>/methods")
    def methods(number: int) -> ResponseReturnValue:
        found = enumerate(zone_of(number)["methods"], 1)
        return table(
            {
                "id": place,
                "instance_id": place,
                "title": title,
                "order": place,
                "enabled": True,
                "method_id": method,
                "method_title": METHODS.get(method, method),
                "method_description": "",
                "settings": {},
            }
            for place, (method, title) in found
        )

    @app.get(f"{V3}/shipping/zones/<int:number>/locations")
    def locations(number: int) -> ResponseReturnValue:
        return table(zone_of(number)["locations"])

    @app.get(f"{V3}/shipping_methods")
    def shipping_methods() -> ResponseReturnValue:
        return table({"id": method, "title": title, "description": ""} for method, title in METHODS.items())

    @app.get(f"{V3}/payment_gateways")
    def gateways() -> ResponseReturnValue:
        return table(
            {
                "id": gateway.id,
                "title": gateway.title,
                "description": "",
                "order": "",
                "enabled": gateway.enabled,
                "method_title": gateway.title,
                "method_description": "",
                "method_supports": list(gateway.supports),
                "settings": {},
            }
            for gateway in shop.gateways.values()
        )

    @app.get(f"{V3}/data/countries")
    def countries() -> ResponseReturnValue:
        return reply([_country(code) for code in COUNTRIES])

    @app.get(f"{V3}/data/countries/<code>")
    def country(code: str) -> ResponseReturnValue:
        if code.upper() not in COUNTRIES:
            raise Refusal(
                404, "woocommerce_rest_data_invalid_location", "There are no locations matching these parameters."
            )
        return reply(_country(code.upper()))

    @app.get(f"{V3}/data/currencies/current")
    def currency() -> ResponseReturnValue:
        symbol = SYMBOLS.get(shop.currency, shop.currency)
        return reply({"code": shop.currency, "name": shop.currency, "symbol": symbol})

    @app.get(f"{V3}/reports/orders/totals")
    def totals() -> ResponseReturnValue:
        counts = [order.status for order in shop.order_book.orders.values()]
        return reply(
            [{"slug": slug, "name": name, "total": counts.count(slug)} for slug, name in shop.statuses.items()]
        )


METHODS = {"flat_rate": "Flat rate", "free_shipping": "Free shipping", "local_pickup": "Local pickup"}


def _yes(flag: bool) -> str:
    return "yes" if flag else "no"


def _settings(shop: WooShop) -> dict[str, dict[str, str]]:
    return {
        "general": {
            "woocommerce_default_country": shop.country,
            "woocommerce_calc_taxes": _yes(shop.calc_taxes),
            "woocommerce_enable_coupons": "yes",
            "woocommerce_currency": shop.currency,
            "woocommerce_price_num_decimals": str(shop.decimals),
        },
        "products": {
            "woocommerce_weight_unit": shop.weight_unit,
            "woocommerce_dimension_unit": "cm",
            "woocommerce_manage_stock": _yes(shop.manage_stock),
            "woocommerce_notify_no_stock_amount": "0",
        },
        "tax": {
            "woocommerce_prices_include_tax": _yes(shop.prices_include_tax),
            "woocommerce_tax_based_on": "shipping",
            "woocommerce_shipping_tax_class": "inherit",
            "woocommerce_tax_round_at_subtotal": _yes(shop.round_at_subtotal),
        },
    }


def _group(shop: WooShop, name: str) -> dict[str, str]:
    groups = _settings(shop)
    if name not in groups:
        raise Refusal(404, "rest_setting_setting_group_invalid", "Invalid setting group.")
    return groups[name]


def _setting(group: str, name: str, value: str) -> dict[str, Any]:
    label = name.removeprefix("woocommerce_").replace("_", " ")
    kind = "checkbox" if value in ("yes", "no") else "text"
    shown = {"id": name, "label": label, "description": "", "type": kind, "default": "", "value": value}
    return {**shown, "group_id": group, "_links": links(f"settings/{group}", name)}


def _rate(rate: Any) -> dict[str, Any]:
    return {
        "id": rate.id,
        "country": rate.country,
        "state": "",
        "postcode": "",
        "city": "",
        "rate": f"{rate.percent:.4f}",
        "name": rate.name,
        "priority": 1,
        "compound": False,
        "shipping": rate.shipping,
        "order": 0,
        "class": rate.tax_class or "standard",
        "postcodes": [],
        "cities": [],
        "_links": links("taxes", rate.id),
    }


def _country(code: str) -> dict[str, Any]:
    states = [{"code": state, "name": name} for state, name in STATES.get(code, {}).items()]
    return {"code": code, "name": COUNTRIES[code], "states": states, "_links": links("data/countries", code.lower())}


def _status(shop: WooShop) -> dict[str, Any]:
    where = {"home_url": shop.home, "site_url": shop.home, "version": shop.version}
    software = {"wp_version": "6.8.1", "wp_cron": True, "language": "en_US", "php_version": "8.2.0"}
    datastore = "OrdersTableDataStore" if shop.hpos else "WC_Order_Data_Store_CPT"
    settings = {
        "api_enabled": False,
        "force_ssl": False,
        "currency": shop.currency,
        "currency_symbol": SYMBOLS.get(shop.currency, shop.currency),
        "currency_position": "left",
        "thousand_separator": ",",
        "decimal_separator": ".",
        "number_of_decimals": shop.decimals,
        "order_datastore": datastore,
        "HPOS_enabled": shop.hpos,
    }
    return {
        "environment": {**where, **software, "default_timezone": "UTC"},
        "database": {"wc_database_version": shop.version},
        "active_plugins": [],
        "inactive_plugins": [],
        "settings": settings,
        "security": {"secure_connection": shop.https_flag, "hide_errors": True},
        "post_type_counts": _post_type_counts(shop),
    }


def _post_type_counts(shop: WooShop) -> list[dict[str, str]]:
    """Return how many posts there are of each type; orders and refunds in HPOS have placeholders."""
    orders = shop.order_book.orders.values()
    refunds = sum(len(order.refunds) for order in orders)
    if shop.hpos:
        return [{"type": "shop_order_placehold", "count": str(len(orders) + refunds)}]
    return [{"type": "shop_order", "count": str(len(orders))}, {"type": "shop_order_refund", "count": str(refunds)}]
