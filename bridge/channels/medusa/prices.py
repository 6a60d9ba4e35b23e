"""Prices of variants, set one by one while all others stay as they are.

An update of a variant's prices replaces all of them, and takes them for one another unless each comes with its
currency, quantities and rules: so the present ones are read directly before and sent back whole. A price that is added
in between is lost. Prices of price lists are changed alone.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from decimal import Decimal
from functools import partial
from typing import Any

from bridge.channels.base import Outcome, Page
from bridge.channels.helpers.cached import cached
from bridge.channels.helpers.offsets import read_all
from bridge.channels.helpers.rows import readable
from bridge.channels.medusa.api import MedusaClient, Row, rows_of
from bridge.channels.medusa.batches import divide, in_batches
from bridge.channels.medusa.preferences import Preferences, PriceTarget
from bridge.channels.medusa.values import in_units, key_text, listed, mapping, money, text, unit_of_digits
from bridge.channels.medusa.variants import PRICE_FIELDS, find, is_for
from bridge.errors import ChannelError, ChannelRefused
from bridge.protocol.schemas.products import Price

BATCH_SIZE, SIZE_CACHE = 200, "medusa prices in a batch"
CURRENCY_SECONDS = 300
LIST_PAGE = 1000
LIST_FIELDS = (
    "id,amount,currency_code,min_quantity,max_quantity,price_set.variant.id,price_rules.attribute,price_rules.value"
)
KEPT = ("id", "currency_code", "amount", "min_quantity", "max_quantity", "rules")


def currencies(shop: MedusaClient) -> dict[str, int]:
    """Return the currencies that the shop supports, with their decimals."""

    def ask() -> dict[str, int]:
        fields = "supported_currencies.currency_code,supported_currencies.currency.decimal_digits"
        stores = shop.read_list("stores", "stores", {"fields": fields})
        rows = [row for store in stores for row in listed(store.get("supported_currencies"))]
        return dict(readable(rows, _currency, lambda row: f"Currency {text(row.get('currency_code'))}"))

    return cached(
        ask, seconds=CURRENCY_SECONDS, deadline=shop.deadline, cache=shop.cache, key="medusa supported currencies"
    )


def _currency(row: Row) -> tuple[str, int]:
    digits = mapping(row.get("currency")).get("decimal_digits", 2)
    return key_text(row.get("currency_code")).lower(), max(0, min(9, int(money(digits))))


@dataclass(frozen=True)
class PriceChange:
    """An amount for one target of a variant, in the currency's smallest unit."""

    variant: Row
    target: PriceTarget
    amount: Decimal

    @property
    def rules(self) -> dict[str, str]:
        return {"region_id": self.target.region} if self.target.region else {}

    @property
    def entry(self) -> dict[str, Any]:
        return {"currency_code": self.target.currency, "amount": self.amount, "rules": self.rules}


@dataclass
class _Lists:
    """The prices of price lists by their ids and variants, read once in a request."""

    shop: MedusaClient
    known: dict[str, dict[str, list[Row]]] = field(default_factory=dict)

    def prices(self, price_list: str, variant: str) -> Sequence[Row]:
        if price_list not in self.known:
            self.known[price_list] = {}
            for row in _price_list(self.shop, price_list):
                of_variant = text(mapping(mapping(row.get("price_set")).get("variant")).get("id"))
                self.known[price_list].setdefault(of_variant, []).append(row)
        return self.known[price_list].get(variant, ())


def set_prices(shop: MedusaClient, prices: Sequence[Price], preferences: Preferences) -> list[Outcome]:
    """Set prices by their tags, rounded to the currency's decimals."""
    if not prices:
        return []
    send = partial(_set_some, shop, _Lists(shop), currencies(shop), preferences)
    return in_batches(shop, prices, send, key=SIZE_CACHE, limit=BATCH_SIZE)


def _set_some(
    shop: MedusaClient,
    lists: _Lists,
    digits: Mapping[str, int],
    preferences: Preferences,
    prices: Sequence[Price],
) -> list[Outcome]:
    found = find(shop, prices, PRICE_FIELDS)
    chosen = [_change(price, row, digits, preferences) for price, row in zip(prices, found, strict=True)]
    changes = [change for change in chosen if isinstance(change, PriceChange)]
    results = _set_base(shop, [change for change in changes if not change.target.price_list])
    for price_list in dict.fromkeys(change.target.price_list for change in changes if change.target.price_list):
        of_list = [change for change in changes if change.target.price_list == price_list]
        results.update(_set_in_list(shop, lists, price_list, of_list))
    return [
        results.get((change.variant["id"], change.target)) if isinstance(change, PriceChange) else change
        for change in chosen
    ]


def _change(
    price: Price, row: Row | ChannelError, digits: Mapping[str, int], preferences: Preferences
) -> PriceChange | ChannelError:
    target = preferences.price_targets.get(price.tag)
    if target is None:
        return ChannelRefused(f"No price of the shop is set by {f'the tag {price.tag}' if price.tag else 'no tag'}")
    if target.currency not in digits:
        return ChannelRefused(f"The shop does not support the currency {target.currency.upper()}")
    if isinstance(row, ChannelError):
        return row
    return PriceChange(row, target, in_units(price.price, unit_of_digits(digits[target.currency])))


Results = dict[tuple[str, PriceTarget], Outcome]


def _set_base(shop: MedusaClient, changes: Sequence[PriceChange]) -> Results:
    """Set base prices and those of regions, of many products in one call: Medusa finds each variant by its id."""
    by_variant: dict[str, dict[PriceTarget, PriceChange]] = {}
    for change in changes:
        by_variant.setdefault(change.variant["id"], {})[change.target] = change
    results: Results = {}
    updates: list[dict[str, Any]] = []
    for variant, by_target in by_variant.items():
        row = next(iter(by_target.values())).variant
        try:
            whole = whole_prices(listed(row.get("prices")), list(by_target.values()))
        except (ArithmeticError, ValueError):
            error = ChannelRefused("Its prices cannot be read from the shop")
            results.update({(variant, target): error for target in by_target})
            continue
        if whole is not None:
            updates.append({"id": variant, "prices": whole})
    if updates:
        path = f"products/{text(changes[0].variant.get('product_id'))}/variants/batch?fields=id"
        outcomes = divide(updates, lambda some: shop.post(path, {"update": list(some)}))
        for update, outcome in zip(updates, outcomes, strict=True):
            results.update({(update["id"], target): outcome for target in by_variant[update["id"]]})
    return results


def whole_prices(present: Sequence[Row], changes: Sequence[PriceChange]) -> list[dict[str, Any]] | None:
    """Return all prices of a variant with these changed or added; None if it has them already."""
    whole = [_kept(price) for price in present]
    changed = False
    for change in changes:
        own = [price for price in whole if is_for(price, change.target)]
        changed = changed or not own or any(money(price["amount"]) != change.amount for price in own)
        for price in own:
            price["amount"] = change.amount
        if not own:
            whole.append(change.entry)
    return whole if changed else None


def _kept(price: Row) -> dict[str, Any]:
    """Return a price as it is sent back."""
    key_text(price.get("id")), key_text(price.get("currency_code"))
    return {name: price.get(name) for name in KEPT} | {
        "amount": money(price.get("amount")),
        "rules": dict(mapping(price.get("rules"))),
    }


# -- price lists ---------------------------------------------------------------------------------------


def _price_list(shop: MedusaClient, price_list: str) -> Iterator[Row]:
    def rows(offset: int, limit: int) -> Page[dict[str, Any]]:
        query = {"order": "id", "offset": offset, "limit": limit, "fields": LIST_FIELDS}
        return Page(rows_of(shop.get(f"price-lists/{price_list}/prices", query), "prices"))

    for row in read_all(rows, lambda row: key_text(row.get("id")), limit=LIST_PAGE):
        rules = {text(rule.get("attribute")): rule.get("value") for rule in listed(row.get("price_rules"))}
        yield {**row, "rules": rules}


def _set_in_list(shop: MedusaClient, lists: _Lists, price_list: str, changes: Sequence[PriceChange]) -> Results:
    last: dict[str, dict[PriceTarget, PriceChange]] = {change.variant["id"]: {} for change in changes}
    for change in changes:
        last[change.variant["id"]][change.target] = change
    wanted = [change for by_target in last.values() for change in by_target.values()]
    try:
        entries = [_list_entry(change, lists.prices(price_list, change.variant["id"])) for change in wanted]
    except ChannelError as error:
        return {(change.variant["id"], change.target): error for change in wanted}
    needed = [(change, entry) for change, entry in zip(wanted, entries, strict=True) if entry]

    def send(some: Sequence[tuple[PriceChange, dict[str, Any]]]) -> None:
        body = {
            "create": [entry for _, entry in some if "id" not in entry],
            "update": [entry for _, entry in some if "id" in entry],
        }
        path = f"price-lists/{price_list}/prices/batch?fields=id"
        shop.post(path, {name: rows for name, rows in body.items() if rows})

    outcomes = divide(needed, send)
    return {
        (change.variant["id"], change.target): outcome for (change, _), outcome in zip(needed, outcomes, strict=True)
    }


def _list_entry(change: PriceChange, present: Sequence[Row]) -> dict[str, Any] | None:
    """Return what creates or changes a price of a list; None if it has the amount already."""
    own = next((price for price in reversed(present) if is_for(price, change.target)), None)
    if own is not None and money(own.get("amount")) == change.amount:
        return None
    known = {} if own is None else {"id": own["id"]}
    return {**known, **change.entry, "variant_id": change.variant["id"]}
