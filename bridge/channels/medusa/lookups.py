"""Lists of a Medusa shop that rarely change: currencies, countries, shipping options and payment providers."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from contextlib import suppress
from decimal import Decimal
from typing import Any

from bridge.channels.base import Page
from bridge.channels.helpers.cached import cached
from bridge.channels.helpers.offsets import read_all
from bridge.channels.helpers.rows import readable
from bridge.channels.medusa.api import MedusaClient, Row, rows_of
from bridge.channels.medusa.order_header import LONGEST_TAG, NO_PAYMENT, NO_SHIPPING, OTHER_SHIPPING, payment_tag
from bridge.channels.medusa.values import key_text, listed, mapping, text, unit_of_digits
from bridge.errors import ChannelError
from bridge.protocol.schemas.config import Tag

DAY = 86_400  # seconds for which currencies and countries are cached
OPTIONS_SECONDS, NEW_OPTIONS_SECONDS = 3_600, 60  # for which shipping options are cached
LIST_SIZE = 250  # rows of a list in one call
LONGEST_NAME = 255
MOST_DIGITS = 6
USUAL_UNIT = Decimal("0.01")


def units(shop: MedusaClient) -> Mapping[str, Decimal]:
    """Return the smallest amount of every currency that Medusa knows, by its code in upper case."""

    def ask() -> dict[str, int]:
        rows = _all(shop, "currencies", "code,decimal_digits", "code")
        return dict(_readable(rows, lambda row: (key_text(row["code"]).upper(), _digits(row["decimal_digits"]))))

    found = cached(ask, seconds=DAY, deadline=shop.deadline, cache=shop.cache, key="medusa currencies")
    return {code: unit_of_digits(digits) for code, digits in found.items()}


def unit(shop: MedusaClient, currency: Any) -> Decimal:
    """Return the smallest amount of a currency, a hundredth if Medusa does not know it."""
    return units(shop).get(text(currency).upper(), USUAL_UNIT)


def _digits(value: Any) -> int:
    if not isinstance(value, int) or not 0 <= value <= MOST_DIGITS:
        raise ValueError("It has no number of decimals")
    return value


def countries(shop: MedusaClient) -> Mapping[str, str]:
    """Return the names of the countries that the shop's regions have, by code; {} if they cannot be read."""

    def ask() -> dict[str, str]:
        rows = _all(shop, "regions", "id,countries.iso_2,countries.display_name", "id")
        of_regions = [country for row in rows for country in listed(row.get("countries"))]
        return dict(_readable(of_regions, lambda row: (key_text(row["iso_2"]).upper(), key_text(row["display_name"]))))

    with suppress(ChannelError), shop.deadline.limited(shop.deadline.left() / 2):  # orders do without
        return cached(ask, seconds=DAY, deadline=shop.deadline, cache=shop.cache, key="medusa countries")
    return {}


def shipping_tags(shop: MedusaClient) -> Sequence[Tag]:
    """Return the shop's shipping options, and one tag for orders with another one, such as one that was deleted."""
    return _tags({**_options(shop, 0), OTHER_SHIPPING: "Other shipping", NO_SHIPPING: "No shipping"})


def shipping_options(shop: MedusaClient, wanted: Collection[str]) -> Collection[str]:
    """Return the ids of the shop's shipping options; the list is read again if one that is wanted is missing in it."""
    known = _options(shop, OPTIONS_SECONDS)
    return known if all(option in known for option in wanted) else _options(shop, NEW_OPTIONS_SECONDS)


def _options(shop: MedusaClient, seconds: float) -> Mapping[str, str]:
    """Return the names of the shop's shipping options by id."""

    def ask() -> dict[str, str]:
        rows = _all(shop, "shipping-options", "id,name,service_zone.name", "id")
        return dict(_readable(rows, lambda row: (key_text(row["id"])[:LONGEST_TAG], _option(row))))

    return cached(ask, seconds=seconds, deadline=shop.deadline, cache=shop.cache, key="medusa shipping options")


def _option(row: Row) -> str:
    zone = text(mapping(row.get("service_zone")).get("name"))
    return f"{text(row.get('name'))} ({zone})" if zone else text(row.get("name"))


def payment_tags(shop: MedusaClient) -> Sequence[Tag]:
    """Return the shop's payment providers, also those that are not installed any more."""
    rows = _all(shop, "payments/payment-providers", "id", "id", name="payment_providers")
    providers = _readable(rows, lambda row: (payment_tag(key_text(row["id"])), _provider_name(row["id"])))
    return _tags({**dict(providers), NO_PAYMENT: "No payment yet"})


def _provider_name(provider: str) -> str:
    """Return a provider's id in words: pp_stripe-ideal_stripe is its ideal by Stripe."""
    return provider.removeprefix("pp_").replace("_", " ").replace("-", " ").strip().capitalize()


def _all(shop: MedusaClient, path: str, fields: str, order: str, *, name: str = "") -> list[dict[str, Any]]:
    """Return a whole list, sorted by a key."""

    def read(offset: int, limit: int) -> Page[dict[str, Any]]:
        query = {"fields": fields, "order": order, "offset": offset, "limit": limit}
        answer = shop.get(path, query)
        return Page(rows_of(answer, name or path.replace("-", "_")), as_of=answer.date)

    return read_all(read, lambda row: text(row.get(order)) or None, limit=LIST_SIZE)


def _readable(rows: Iterable[Row], read: Callable[[Row], tuple[str, Any]]) -> list[tuple[str, Any]]:
    return readable(rows, read, lambda row: f"Row {text(row.get('id'))}")


def _tags(names: Mapping[str, str]) -> list[Tag]:
    return [Tag(tag=tag, friendly_name=(name or tag)[:LONGEST_NAME]) for tag, name in names.items()]
