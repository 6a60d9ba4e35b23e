"""How WooCommerce writes texts, amounts and dates."""

from __future__ import annotations

import html
import math
import re
from datetime import datetime, timezone
from decimal import Decimal
from typing import Any

TAG = re.compile(r"<[^>]*>")


def plain(text: Any) -> str:
    """Text of the shop, which it sends escaped for web pages."""
    return html.unescape(text) if isinstance(text, str) else ""


def money(value: Any) -> Decimal:
    """An amount of the shop's, which sends "" for none; raises ArithmeticError where it is no number."""
    amount = Decimal(str(value or 0))
    if not amount.is_finite():
        raise ArithmeticError("An amount is no number")
    return amount


def whole(quantity: Any) -> int:
    """Pieces as a whole number; a part of one, which some plugins sell, is one piece more."""
    return math.ceil(abs(money(quantity)))


def moment(text: Any) -> datetime | None:
    """A date_..._gmt of the shop's."""
    return datetime.fromisoformat(text.removesuffix("Z")).replace(tzinfo=timezone.utc) if text else None


def text(value: Any) -> str:
    """Text without markup; "" for what is no text or number, such as the records that plugins keep."""
    if isinstance(value, bool) or not isinstance(value, (str, int, Decimal)):
        return ""
    return plain(TAG.sub("", str(value))).strip()
