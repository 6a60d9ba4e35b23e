"""How WooCommerce writes texts, amounts and dates."""

from __future__ import annotations

import html
import math
from collections.abc import Mapping, Sequence
from datetime import datetime, timezone
from decimal import Decimal
from typing import Any

from bridge.channels.helpers.numbers import number
from bridge.channels.helpers.texts import cut, without_tags

LONGEST_ID = 19


def unescape(text: Any) -> str:
    """Return a text that the shop sends escaped for HTML, cut to a limit; "" if the value is no text."""
    if not isinstance(text, str):
        return ""
    try:
        return html.unescape(cut(text))
    except ValueError:  # the number of a character has thousands of digits
        return cut(text)


def plain_text(value: Any) -> str:
    """Return a text without markup; "" if the value is no text or number, such as a plugin's record."""
    if isinstance(value, bool) or not isinstance(value, (str, int, Decimal)):
        return ""
    return unescape(without_tags(cut(str(value)))).strip()


def money(value: Any) -> Decimal:
    """Return an amount, where "" means none; raises ArithmeticError if it is not a number, or out of range."""
    return number(value or 0)


def whole_pieces(quantity: Any) -> int:
    """Return a quantity in whole pieces; a fraction, which some plugins sell, counts as one piece more."""
    return math.ceil(abs(money(quantity)))


def row_id(row: Mapping[str, Any]) -> int | None:
    """Return the id of a row, None if it cannot be read."""
    text = str(row.get("id"))
    return int(text) if text.isdecimal() and text.isascii() and len(text) < LONGEST_ID else None


def custom_fields(row: Mapping[str, Any]) -> list[dict[str, Any]]:
    """Return the custom fields of an order, a line, a refund or a product that have a name and a value, oldest first.

    Plugins leave empty entries, entries without id, and lists with gaps, which PHP writes as objects.
    """
    usable = [
        entry for entry in listed(row["meta_data"]) if isinstance(entry, dict) and {"key", "value"} <= entry.keys()
    ]
    return sorted(usable, key=lambda entry: entry["id"] if isinstance(entry.get("id"), int) else 0)


def custom_field(row: Mapping[str, Any], name: str) -> str:
    """Return the value of a custom field, "" if there is none."""
    return next((str(meta["value"]) for meta in custom_fields(row) if meta["key"] == name), "")


def listed(value: Any) -> Sequence[Any]:
    """Return a list, also one with gaps; nothing for what is no list."""
    return list(value.values()) if isinstance(value, dict) else value if isinstance(value, list) else ()


def utc_time(text: Any) -> datetime | None:
    """Return the time in a date_..._gmt field, or None if it is empty."""
    return datetime.fromisoformat(text.removesuffix("Z")).replace(tzinfo=timezone.utc) if text else None


def write_time(moment: datetime | None) -> str:
    """Return a time in UTC as WooCommerce writes it, "" if there is none."""
    return f"{moment.astimezone(timezone.utc):%Y-%m-%dT%H:%M:%S}" if moment else ""
