"""How WooCommerce writes texts, amounts and dates."""

from __future__ import annotations

import html
import math
import re
from datetime import datetime, timezone
from decimal import Decimal
from typing import Any

TAG = re.compile(r"<[^>]*>")


def unescape(text: Any) -> str:
    """Return a text that the shop sends escaped for HTML; "" if the value is no text."""
    return html.unescape(text) if isinstance(text, str) else ""


def plain_text(value: Any) -> str:
    """Return a text without markup; "" if the value is no text or number, such as a plugin's record."""
    if isinstance(value, bool) or not isinstance(value, (str, int, Decimal)):
        return ""
    return unescape(TAG.sub("", str(value))).strip()


def money(value: Any) -> Decimal:
    """Return an amount, where "" means none; raises ArithmeticError if it is not a number."""
    amount = Decimal(str(value or 0))
    if not amount.is_finite():
        raise ArithmeticError("An amount is not a number")
    return amount


def whole_pieces(quantity: Any) -> int:
    """Return a quantity in whole pieces; a fraction, which some plugins sell, counts as one piece more."""
    return math.ceil(abs(money(quantity)))


def utc_time(text: Any) -> datetime | None:
    """Return the time in a date_..._gmt field, or None if it is empty."""
    return datetime.fromisoformat(text.removesuffix("Z")).replace(tzinfo=timezone.utc) if text else None
