"""The wizard's questions with what the shop offers: sales channels, locations, currencies, regions, price lists."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import replace
from functools import partial

from bridge.channels.base import Step
from bridge.channels.helpers.cached import cached
from bridge.channels.helpers.rows import readable
from bridge.channels.medusa.api import MedusaClient, Row
from bridge.channels.medusa.preferences import Preferences, PriceTarget
from bridge.channels.medusa.values import key_text, listed, text
from bridge.channels.medusa.wizard import (
    BASE_PRICE,
    CHANNEL,
    LIST_PRICE,
    NONE,
    PREFERENCES,
    REGION_PRICE,
    UNTAGGED,
    target_answers,
)
from bridge.errors import ChannelError, ChannelRefused
from bridge.protocol.schemas.config import ConfigItem, ListValue, ValueType

SECONDS = 60  # for which the choices are cached
MOST_CHANNELS, MOST_LOCATIONS, MOST_PRICES = 25, 100, 40  # questions or choices of a kind
LONGEST_NAME = 100

Choices = Mapping[str, list[list[str]]]
"""By kind of choice, what the shop has: id and name; for regions and price lists with their currency in between.

The first currency is the shop's default, the first location its oldest.
"""


def choices_of(shop: MedusaClient) -> Choices:
    """Return what the shop offers, which is cached for a minute."""
    return cached(partial(_ask, shop), seconds=SECONDS, deadline=shop.deadline, cache=shop.cache, key="medusa choices")


def _ask(shop: MedusaClient) -> dict[str, list[list[str]]]:
    queries = {
        "stores": {"limit": 1, "fields": "supported_currencies.currency_code,supported_currencies.is_default"},
        "sales-channels": {"limit": MOST_CHANNELS, "fields": "id,name", "order": "created_at"},
        "stock-locations": {"limit": MOST_LOCATIONS, "fields": "id,name", "order": "created_at"},
        "regions": {"limit": MOST_PRICES, "fields": "id,name,currency_code", "order": "created_at"},
        "price-lists": {"limit": MOST_PRICES, "fields": "id,title", "order": "created_at"},
    }
    calls = [partial(shop.read_list, path, path.replace("-", "_"), query) for path, query in queries.items()]
    results = []
    for result in shop.run_parallel(calls):
        if isinstance(result, ChannelError):
            raise result
        results.append(result)
    stores, channels, locations, regions, price_lists = results
    currencies = sorted(
        (row for store in stores[:1] for row in listed(store.get("supported_currencies"))),
        key=lambda row: row.get("is_default") is not True,
    )
    return {
        "currencies": _readable(currencies, lambda row: [key_text(row["currency_code"]), row["currency_code"].upper()]),
        "channels": _readable(channels, _named),
        "locations": _readable(locations, _named),
        "regions": _readable(
            regions, lambda row: [key_text(row["id"]), key_text(row["currency_code"]), text(row.get("name"))]
        ),
        "price_lists": _readable(price_lists, lambda row: [key_text(row["id"]), text(row.get("title"))]),
    }


def _named(row: Row) -> list[str]:
    return [key_text(row["id"]), text(row.get("name"))[:LONGEST_NAME]]


def _readable(rows: Iterable[Row], read: Callable[[Row], list[str]]) -> list[list[str]]:
    return readable(rows, read, lambda row: f"Row {text(row.get('id'))}")


# -- questions -----------------------------------------------------------------------------------------


def step(declared: Step, shop: MedusaClient) -> Step:
    """Return a step with the questions that depend on the shop, which are all but the credentials."""
    return replace(declared, items=items(choices_of(shop)))


def items(offered: Choices) -> tuple[ConfigItem, ...]:
    """Return the questions besides the credentials, for a shop that offers this."""
    currencies, locations = offered["currencies"], offered["locations"]
    return (
        *_channels(offered),
        ConfigItem(
            config_item_id="stock_location",
            name="Stock location",
            description="Where orders are sent from, and whose stock Linnworks sets",
            group_name="Shop",
            selected_value=locations[0][0] if locations else "",
            must_be_specified=True,
            value_type=ValueType.LIST,
            list_values=tuple(ListValue(display=name or key, value=key) for key, name in locations),
        ),
        ConfigItem(
            config_item_id="currency",
            name="Currency of products",
            description="The currency of the prices of products and listings; orders have their own",
            group_name="Prices",
            selected_value=currencies[0][0] if currencies else "",
            must_be_specified=True,
            value_type=ValueType.LIST,
            list_values=tuple(ListValue(display=name, value=code) for code, name in currencies),
        ),
        *_prices(offered),
        *PREFERENCES,
    )


def _channels(offered: Choices) -> Iterator[ConfigItem]:
    for key, name in offered["channels"]:
        yield ConfigItem(
            config_item_id=CHANNEL + key,
            name=f"Sales channel: {name or key}",
            description="Whether its orders come to Linnworks; if none is chosen, those of all sales channels come",
            group_name="Shop",
            selected_value="False",
            value_type=ValueType.BOOLEAN,
        )


def _prices(offered: Choices) -> Iterator[ConfigItem]:
    currencies = offered["currencies"]
    prices = [(BASE_PRICE + code, f"{name}") for code, name in currencies]
    prices += [
        (f"{REGION_PRICE}{key}.{code}", f"region {name or key}, {code.upper()}")
        for key, code, name in offered["regions"]
    ]
    prices += [
        (f"{LIST_PRICE}{key}.{code}", f"price list {name or key}, {currency}")
        for key, name in offered["price_lists"]
        for code, currency in currencies
    ]
    for number, (name, title) in enumerate(prices[:MOST_PRICES]):
        yield ConfigItem(
            config_item_id=name,
            name=f"Price tag: {title}",
            description=f"Prices with this tag set this price; {UNTAGGED} for prices without a tag, {NONE} for none",
            group_name="Prices",
            selected_value=NONE if number else UNTAGGED,
            must_be_specified=True,
        )


# -- answers -------------------------------------------------------------------------------------------


def filled_in(preferences: Preferences, config: Mapping[str, str], shop: MedusaClient) -> Preferences:
    """Return preferences in which the shop's defaults stand for what was not answered.

    The shop is asked only where an answer is missing, or one tag stands for several prices. Then that of a region or
    price list which the shop no longer has counts for nothing.
    """
    tagged = target_answers(config)
    is_clear = len(tagged) == len(preferences.price_targets) and any(name.startswith(BASE_PRICE) for name in config)
    if preferences.location and preferences.default_currency and is_clear:
        return preferences
    offered = choices_of(shop)
    currency = next((code for code, _ in offered["currencies"]), "")
    questions = {item.config_item_id for item in _prices(offered)}
    targets = dict(target_answers({name: tag for name, tag in config.items() if name in questions}))
    if BASE_PRICE + currency not in config:
        targets.setdefault("", PriceTarget(currency))
    return replace(
        preferences,
        location=preferences.location or next((key for key, _ in offered["locations"]), ""),
        default_currency=preferences.default_currency or currency,
        price_targets=targets,
    )


def verify(shop: MedusaClient, config: Mapping[str, str]) -> None:
    """Raise ChannelRefused if answers contradict each other, or name what the shop no longer has."""
    questions = {item.config_item_id: item for item in items(choices_of(shop))}
    for name in ("stock_location", "currency"):
        question = questions[name]
        if not question.list_values:
            raise ChannelRefused(f"The shop has no {question.name.lower()}: create one in Medusa first")
        answer = config.get(name, "")
        if answer and answer not in [choice.value for choice in question.list_values]:
            raise ChannelRefused(f"{question.name}: the shop no longer has the one that was chosen")
    if gone := [
        name for name, value in config.items() if name.startswith(CHANNEL) and name not in questions and value == "True"
    ]:
        raise ChannelRefused(f"The shop no longer has {len(gone)} of the sales channels that were chosen")
    named: dict[str, str] = {}
    for name, tag in config.items():
        for target_tag, _ in target_answers({name: tag}) if name in questions else ():
            if target_tag in named:
                other = questions[named[target_tag]].name
                raise ChannelRefused(f"{other} and {questions[name].name}: {tag} can set only one of them")
            named[target_tag] = name
