"""How WooCommerce writes texts, amounts and dates."""

from __future__ import annotations

import html
import math
from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta, timezone
from decimal import ROUND_HALF_UP, Decimal
from typing import Any

from bridge.channels.helpers.numbers import number
from bridge.channels.helpers.texts import cut, without_tags
from bridge.clock import EPOCH

LONGEST_ID = 19
YEAR_DIGITS, CALENDAR_CYCLE, CYCLE_DAYS = 4, 400, 146_097


def as_text(value: Any) -> str:
    """Return a text or number as a text; "" for anything else, such as a plugin's record.

    Plugins that check for numbers send a SKU, an order's number or a postcode of digits as a number.
    """
    return "" if isinstance(value, bool) or not isinstance(value, (str, int, Decimal)) else str(value)


def unescape(value: Any) -> str:
    """Return a text that the shop sends escaped for HTML, cut to a limit; "" if the value is no text or number."""
    text = cut(as_text(value))
    try:
        return html.unescape(text)
    except ValueError:  # the number of a character has thousands of digits
        return text


def plain_text(value: Any) -> str:
    """Return a text without markup; "" if the value is no text or number."""
    return unescape(without_tags(cut(as_text(value)))).strip()


def key_text(value: Any) -> str:
    """Return the text by which the shop names something; raises ValueError if there is none."""
    if not (text := as_text(value)):
        raise ValueError("It has no name")
    return text


def money(value: Any) -> Decimal:
    """Return an amount, where "" means none; raises ArithmeticError if it is not a number, or out of range."""
    return number(value or 0)


def in_units(amount: Decimal, unit: Decimal) -> Decimal:
    """Return an amount rounded half up to the currency's smallest unit."""
    return amount.quantize(unit, ROUND_HALF_UP)


def whole_pieces(quantity: Any) -> int:
    """Return a quantity in whole pieces; a fraction, which some plugins sell, counts as one piece more."""
    return math.ceil(abs(money(quantity)))


def row_id(row: Mapping[str, Any]) -> int | None:
    """Return the id of a row, None if it cannot be read."""
    text = str(row.get("id"))
    return int(text) if text.isdecimal() and text.isascii() and len(text) < LONGEST_ID else None


def custom_fields(row: Mapping[str, Any]) -> list[dict[str, Any]]:
    """Return the custom fields of an order, a line, a refund or a product that have a name and a value, oldest first.

    Plugins leave empty entries, entries without id or with its text, lists with gaps, which PHP writes as objects, and
    objects of values by name.
    """
    return sorted(filter(None, map(_custom_field, _entries(row.get("meta_data")))), key=lambda entry: entry["id"] or 0)


def _entries(value: Any) -> list[Any]:
    """Return the entries of a list of custom fields."""
    if not isinstance(value, dict):
        return list(listed(value))
    if {"key", "value"} <= value.keys():
        return [value]
    return [entry if isinstance(entry, dict) else {"key": name, "value": entry} for name, entry in value.items()]


def _custom_field(entry: Any) -> dict[str, Any] | None:
    """Return an entry with its name as a text and its id as a number or None; None if it says nothing."""
    if not isinstance(entry, dict) or "value" not in entry:
        return None
    key = entry.get("key")
    if isinstance(key, bool) or not isinstance(key, (str, int)) or key == "":
        return None
    return {**entry, "key": str(key), "id": row_id(entry)}


def custom_field(row: Mapping[str, Any], name: str) -> str:
    """Return the value of a custom field, "" if there is none."""
    return next((str(meta["value"]) for meta in custom_fields(row) if meta["key"] == name), "")


def listed(value: Any) -> Sequence[Any]:
    """Return a list, also one with gaps; nothing for what is no list."""
    return list(value.values()) if isinstance(value, dict) else value if isinstance(value, list) else ()


def utc_time(text: Any) -> datetime | None:
    """Return the time in a date_..._gmt field, or None if it is empty or PHP's zero date.

    Importers store milliseconds where WooCommerce has seconds, which makes years with five digits.
    """
    if not text or text.startswith("-"):
        return None
    year, _, rest = text.removesuffix("Z").partition("-")
    if not (year.isdecimal() and len(year) > YEAR_DIGITS):
        return datetime.fromisoformat(text.removesuffix("Z")).replace(tzinfo=timezone.utc)
    cycles = int(year) // CALENDAR_CYCLE - 5  # the calendar repeats: the same date in years that Python knows
    near = datetime.fromisoformat(f"{int(year) - cycles * CALENDAR_CYCLE}-{rest}").replace(tzinfo=timezone.utc)
    return EPOCH + (near - EPOCH + timedelta(days=cycles * CYCLE_DAYS)) / 1000


def write_time(moment: datetime | None) -> str:
    """Return a time in UTC as WooCommerce writes it, "" if there is none."""
    return f"{moment.astimezone(timezone.utc):%Y-%m-%dT%H:%M:%S}" if moment else ""
