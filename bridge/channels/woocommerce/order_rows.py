"""Orders and refunds as the shop sends them, read exactly, and with what plugins leave in them straightened."""

from __future__ import annotations

from collections.abc import Mapping
from contextlib import suppress
from decimal import Decimal
from typing import Any

from bridge.channels.woocommerce.lookups import MoneySettings
from bridge.channels.woocommerce.values import listed, money, row_id

EXACT_DECIMALS = 6
"""With the shop's own decimals, net amount and tax of a line are rounded apart: 8.33 and 1.67 for a price of 9.99."""

ADDRESSES = ("billing", "shipping")
IDS = ("id", "rate_id")
NEEDED = ("line_items", "refunds")
"""The lists whose entries are never passed over: an order with an empty one is held."""
LISTS = ("line_items", "fee_lines", "shipping_lines", "tax_lines", "coupon_lines", "refunds")


def exact_query(settings: MoneySettings) -> dict[str, Any]:
    """Return the parameters with which amounts come exactly, {} if the shop's own decimals are not known."""
    return {} if settings.decimals is None else {"dp": EXACT_DECIMALS}


def straighten_order(row: Mapping[str, Any], settings: MoneySettings) -> dict[str, Any]:
    """Return an order whose lists are lists, whose totals have the shop's decimals, and which has a currency.

    What cannot be read is left as it is, so that the order's mapping tells of it.
    """
    empty: dict[str, Any] = {
        name: {} for name in ADDRESSES if name in row and not row[name]
    }  # PHP writes an empty record as a list
    order = {**_with_lists(row), **empty, "currency": row.get("currency") or settings.currency}
    if settings.decimals is not None:
        order["total"] = _in_decimals(row.get("total"), settings.decimals)
        with suppress(Exception):
            order["refunds"] = [
                {**refund, "total": _in_decimals(refund["total"], settings.decimals)} for refund in order["refunds"]
            ]
    return order


def straighten_refund(row: Mapping[str, Any]) -> dict[str, Any]:
    """Return a refund whose lists are lists."""
    return _with_lists(row)


def minor_unit(row: Mapping[str, Any]) -> Decimal:
    """Return the smallest amount of an order's currency, as the shop writes its total."""
    return Decimal(1).scaleb(int(money(row["total"]).as_tuple().exponent))


def _with_lists(row: Mapping[str, Any]) -> dict[str, Any]:
    """Return a row with lists for the lists with gaps, which PHP writes as objects."""
    found = dict(row)
    for name in LISTS:
        if isinstance(row.get(name), dict):
            found[name] = listed(row[name])
        if isinstance(found.get(name), (list, tuple)):
            found[name] = [_straighten_line(line) for line in found[name] if line or name in NEEDED]
    return found


def _straighten_line(line: Any) -> Any:
    """Return a line with its taxes in a list and its ids as numbers; plugins that change them send texts."""
    if not isinstance(line, dict):
        return line
    found = {**line, **{name: number for name in IDS if (number := row_id({"id": line.get(name)})) is not None}}
    if isinstance(line.get("taxes"), (dict, list)):
        found["taxes"] = [_straighten_line(tax) for tax in listed(line["taxes"]) if tax]
    return found


def _in_decimals(value: Any, decimals: int) -> Any:
    """Return an amount with so many decimals, or more if it has a fraction of them."""
    with suppress(Exception):
        amount = money(value)
        exponent = min(-decimals, int(amount.normalize().as_tuple().exponent))
        return str(amount.quantize(Decimal(1).scaleb(exponent)))
    return value
